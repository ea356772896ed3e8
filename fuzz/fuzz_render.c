/*
 * The verifier under the broker's questions. Input: any number of messages, each behind
 * its length (two bytes, little-endian). One image with three templates is served. Every
 * question that is a message gets one answer; a script that comes with it is sealed, as
 * long as the answer says, and holds no byte of the values but where a slot is.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "policy/manifest.h"
#include "src/base/buf.h"
#include "src/verifier/hasher.h"
#include "src/verifier/image.h"
#include "src/verifier/render.h"
#include "src/verifier/sealed.h"
#include "src/verifier/tell.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define QUESTIONS_MAX 16
#define HASH " 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff "

static const char ipxe[] = "#!ipxe\n# @{image} @{version} for @{mac} @{host}\n"
			   "kernel @{base}/@{kernel} @{initrdargs} @{cmdline}\n"
			   "@{initrds}\nboot\n";
static const char grub[] = "linux @{base}@{kernel} @{cmdline}\ninitrd @{initrd}\n";
static const char pxelinux[] = "DEFAULT l\nLABEL l\nKERNEL @{kernel}\nAPPEND "
			       "@{param.disk} @{server} @{ip} @{arch} @@{x}\n";

static const char manifest[] =
    "sallyport-manifest 1\nname debian-12\nversion 7\ncreated 2026-11-22T10:00:00Z\n"
    "expires 2027-11-22T10:00:00Z\n"
    "file" HASH "10 boot/initrd.gz\n"
    "file" HASH "20 boot/linux\n"
    "file" HASH "125 t/a.ipxe\n"
    "file" HASH "52 t/b.grub\n"
    "file" HASH "84 t/c.cfg\n"
    "boot bios\nkernel boot/linux\ninitrd boot/initrd.gz\n"
    "cmdline console=ttyS0 ip=@{ip} disk=@{param.disk}\n"
    "boot x64\nloader boot/linux\n"
    "template ipxe t/a.ipxe\ntemplate grub t/b.grub\ntemplate pxelinux t/c.cfg\nend\n";

static int broker;

/* All files lie in one object, without memory. */
static void
place_templates(struct image *image)
{
	static const char *const texts[] = {ipxe, grub, pxelinux};

	REQUIRE(sealed_new(1000) == 0);
	for (unsigned i = 0; i < TEMPLATE_MAX; i++) {
		size_t len = strlen(texts[i]);

		REQUIRE(image->m.templates[i] < image->m.nfiles);
		image->texts[i] = malloc(len);
		REQUIRE(image->texts[i] != NULL);
		memcpy(image->texts[i], texts[i], len);
		image->text_lens[i] = len;
	}
}

static void
drain(unsigned want)
{
	static uint8_t bytes[MSG_SIZE_MAX];
	unsigned answers = 0;
	ssize_t n;

	while ((n = recv(broker, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		static struct msg m;

		REQUIRE(msg_decode(bytes, (size_t)n, &m) == 0);
		answers += m.nr == MSG_RENDER_ANS;
	}
	REQUIRE(answers == want);
}

static void
set_up(void)
{
	struct image *image = calloc(1, sizeof *image);
	struct text_error error;
	size_t len = sizeof manifest - 1;
	unsigned cap = manifest_count(manifest, len);
	int pair[2];

	REQUIRE(image != NULL);
	image->m.files = calloc(cap, sizeof *image->m.files);
	image->places = calloc(cap, sizeof *image->places);
	REQUIRE(image->m.files != NULL && image->places != NULL);
	REQUIRE(manifest_parse(manifest, len, image->m.files, cap, &image->m, &error) == 0);
	place_templates(image);
	REQUIRE(image_add(image) == 0 && image->id == 1);
	hasher_init();
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	broker = fcntl(pair[0], F_DUPFD, FD_FREE);
	REQUIRE(broker >= FD_FREE && dup2(pair[1], FD_BROKER) == FD_BROKER);
	tell_init(1);
	tell_pump();
	drain(0);
}

/* As recv(), with the descriptor that came along, or -1. */
static ssize_t
take(uint8_t *bytes, size_t cap, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {bytes, cap};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	ssize_t n = recvmsg(broker, &h, MSG_DONTWAIT);

	*fd = -1;
	if (n > 0 && CMSG_FIRSTHDR(&h) != NULL)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof *fd);
	return n;
}

static unsigned
lines_of(const char *text, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		REQUIRE((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
		n += text[i] == '\n';
	}
	return n;
}

/* However the values are, a script has the lines of its template. */
static void
check_script(int fd, const struct msg *said, unsigned kind)
{
	static const unsigned lines[TEMPLATE_MAX] = {5, 2, 4};
	static char text[1 << 16];
	struct stat st;
	ssize_t n = pread(fd, text, sizeof text, 0);

	REQUIRE(fcntl(fd, F_GET_SEALS) == SEALS && fstat(fd, &st) == 0);
	REQUIRE(
	    said->nr == MSG_MEMFD_TELL && said->u.memfd_tell.size == (uint64_t)st.st_size);
	REQUIRE(n == (ssize_t)st.st_size);
	REQUIRE(kind < TEMPLATE_MAX && lines_of(text, (size_t)n) == lines[kind]);
	close(fd);
}

static void
ask(const struct msg_render_ask *q)
{
	static uint8_t bytes[MSG_SIZE_MAX];
	static struct msg m, said;
	int fd, none;
	ssize_t n;

	on_render_ask(q);
	tell_pump();
	REQUIRE(!tell_answer_pending());
	n = take(bytes, sizeof bytes, &fd);
	REQUIRE(n > 0 && msg_decode(bytes, (size_t)n, &m) == 0);
	if (fd >= 0) {
		said = m;
		check_script(fd, &said, q->kind);
		n = take(bytes, sizeof bytes, &none);
		REQUIRE(none < 0 && n > 0 && msg_decode(bytes, (size_t)n, &m) == 0);
		REQUIRE(m.u.render_ans.ok == 1 && q->image == 1);
		REQUIRE(m.u.render_ans.memfd == said.u.memfd_tell.memfd);
		REQUIRE(m.u.render_ans.length == said.u.memfd_tell.size);
	} else {
		REQUIRE(m.u.render_ans.ok == 0 && m.u.render_ans.length == 0);
	}
	REQUIRE(m.nr == MSG_RENDER_ANS && m.u.render_ans.ask == q->ask);
	REQUIRE(take(bytes, sizeof bytes, &none) < 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static bool ready;
	static struct msg m;
	struct in in;

	if (!ready)
		set_up();
	ready = true;
	in_init(&in, data, len);
	for (unsigned i = 0; i < QUESTIONS_MAX && in_left(&in) > 2; i++) {
		size_t n = in_u16_le(&in);
		const uint8_t *bytes;

		if (n > in_left(&in))
			n = in_left(&in);
		bytes = in_take(&in, n);
		if (msg_decode(bytes, n, &m) == 0 && m.nr == MSG_RENDER_ASK)
			ask(&m.u.render_ask);
	}
	return 0;
}
