/*
 * The broker's handlers of everything that owned neighbours can say about files: a row of
 * valid messages in any order, with neighbours that end, mouths that are full, and time
 * that passes. What file-senders are told must hold together whatever came in: memory
 * that they were told of, bytes inside it, connections and addresses that exist.
 *
 * Input: a row of steps. One byte chooses the step; the fields of a message follow, each
 * read so that it is in its range. Missing bytes are zero.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/broker/files.h"
#include "tests/lib/broker_rig.h"

#define STEPS_MAX 400
#define KNOWN_MAX 1024

#define REQUIRE(holds)                                                      \
	do {                                                                \
		if (!(holds)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #holds); \
			abort();                                            \
		}                                                           \
	} while (0)

/* What each file-sender knows of memory. */
static struct known {
	uint32_t number;
	uint64_t size;
} known[RIG_WORKERS][KNOWN_MAX];
static unsigned nknown[RIG_WORKERS];
/* What it was told to drop and has not said to be closed. */
static uint32_t closing[RIG_WORKERS][KNOWN_MAX];
static unsigned nclosing[RIG_WORKERS];

static const char *const words[] = {"", "debian", "linux", "efi/shimx64.efi",
    "efi/grub.cfg", "debian/linux", "boot.ipxe", "debian/boot.ipxe", "grub/grub.cfg",
    "grub.cfg-0A4D0064", "pxelinux.cfg/default", "pxelinux.cfg/01-52-54-00-12-34-56",
    "fedora", "..", "a//b", "/", "rescue", "rescue/linux", "LINUX", "01234567/linux",
    "rescue/Linux"};
#define WORDS (sizeof words / sizeof words[0])

static const char *const addresses[] = {
    RIG_CLIENT, "10.77.0.101", "10.77.0.1", "0.0.0.0", "10.88.0.5", "2001:db8:0:8811::5"};
#define ADDRESSES (sizeof addresses / sizeof addresses[0])

static void
read_text(struct in *in, char *text, size_t max)
{
	uint8_t n = in_u8(in);
	size_t len;

	if (n < 0x80) {
		snprintf(text, max + 1, "%s", words[n % WORDS]);
		return;
	}
	len = (size_t)(n & 0x1f) < max ? n & 0x1f : max;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(0x20 + in_u8(in) % 0x5f);
	text[len] = '\0';
}

static uint16_t
read_bytes(struct in *in, uint8_t *b, size_t max)
{
	uint16_t len = (uint16_t)(in_u8(in) % (max + 1));

	for (uint16_t i = 0; i < len; i++)
		b[i] = in_u8(in) & 1;
	return len;
}

/* Small numbers are what meets; now and then one from the other end. */
static uint64_t
read_number(struct in *in)
{
	uint8_t n = in_u8(in);

	if (n < 0xf0)
		return n & 0x3f;
	if (n < 0xf8)
		return (uint64_t)in_u8(in) << 8 | in_u8(in);
	return UINT64_MAX - (n & 7);
}

static struct addr
read_addr(struct in *in)
{
	return rig_addr(addresses[in_u8(in) % ADDRESSES]);
}

#define U8(f, max) m->f = (uint8_t)(in_u8(in) % ((max) + 1));
#define U16(f, max) m->f = (uint16_t)(read_number(in) % ((max) + 1));
#define U32(f) m->f = (uint32_t)read_number(in);
#define U64(f) m->f = read_number(in);
#define ADDR(f) m->f = read_addr(in);
#define MAC(f) m->f.b[5] = in_u8(in);
#define FIX(f, n) memset(m->f, in_u8(in), n);
#define BYTES(f, max) m->f.len = read_bytes(in, m->f.b, max);
#define STR(f, max) read_text(in, m->f, max);
#define MSG(nr, NAME, name, from, to, flags, ...)                    \
	static void read_##name(struct in *in, struct msg_##name *m) \
	{                                                            \
		__VA_ARGS__                                          \
	}
#include "privsep/msgs.def"
#undef MSG

static void
read_message(struct in *in, unsigned nr, struct msg *msg)
{
	memset(msg, 0, sizeof *msg);
	msg->nr = (enum msg_nr)nr;
	switch (msg->nr) {
#define MSG(nr, NAME, name, from, to, flags, ...) \
	case MSG_##NAME:                          \
		read_##name(in, &msg->u.name);    \
		break;
#include "privsep/msgs.def"
#undef MSG
	}
}

/* One descriptor for all, as sealed memory of the size that is said; sometimes not. */
static int
make_fd(struct in *in, const struct msg *m)
{
	static int sealed[64];
	size_t size = m->u.memfd_tell.size < 64 ? (size_t)m->u.memfd_tell.size : 10;

	if (in_u8(in) == 0xff)
		return dup(STDIN_FILENO);
	if (sealed[size] == 0) {
		sealed[size] = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		REQUIRE(ftruncate(sealed[size], (off_t)size) == 0);
		REQUIRE(fcntl(sealed[size], F_ADD_SEALS,
			    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
	}
	return dup(sealed[size]);
}

static void
say(struct in *in, struct chan *near, unsigned nr)
{
	struct msg m;
	int fd = -1;

	read_message(in, nr, &m);
	if (near->breached || !msg_permitted(nr, near->peer, ROLE_BROKER))
		return;
	if (near->peer == ROLE_HTTP_PARSER && !files_may_read(near->index))
		return;
	if (msg_carries_fd(nr))
		fd = make_fd(in, &m);
	REQUIRE(files_dispatch(near, &m, &fd));
	REQUIRE(fd == -1);
}

static struct known *
find_known(unsigned worker, uint32_t number)
{
	for (unsigned i = 0; i < nknown[worker]; i++)
		if (known[worker][i].number == number)
			return &known[worker][i];
	return NULL;
}

static void
check_memory(unsigned worker, uint32_t number, uint64_t offset, uint64_t length)
{
	const struct known *k = find_known(worker, number);

	REQUIRE(k != NULL);
	REQUIRE(offset <= k->size && length <= k->size - offset);
}

/* Whoever has no session gets files of that image alone. */
static bool
is_open(const char *name)
{
	return strncasecmp(name, "rescue/", 7) == 0;
}

static void
check_told(unsigned worker, const struct msg *m)
{
	const struct msg_http_grant_tell *g = &m->u.http_grant_tell;
	const struct msg_tftp_grant_tell *t = &m->u.tftp_grant_tell;
	struct known *k;

	switch (m->nr) {
	case MSG_RESET_TELL: nknown[worker] = nclosing[worker] = 0; break;
	case MSG_MEMFD_TELL:
		REQUIRE(find_known(worker, m->u.memfd_tell.memfd) == NULL);
		REQUIRE(nknown[worker] < KNOWN_MAX);
		known[worker][nknown[worker]++] =
		    (struct known){m->u.memfd_tell.memfd, m->u.memfd_tell.size};
		break;
	case MSG_DROP_TELL:
		k = find_known(worker, m->u.drop_tell.memfd);
		REQUIRE(k != NULL);
		*k = known[worker][--nknown[worker]];
		REQUIRE(nclosing[worker] < KNOWN_MAX);
		closing[worker][nclosing[worker]++] = m->u.drop_tell.memfd;
		break;
	case MSG_TFTP_GRANT_TELL:
		check_memory(worker, t->memfd, t->offset, t->length);
		REQUIRE(t->blksize >= 8 && t->blksize <= 1468 && t->windowsize >= 1);
		REQUIRE(t->session != 0 || is_open(t->name));
		break;
	case MSG_HTTP_GRANT_TELL:
		check_memory(worker, g->memfd, g->offset, g->total);
		REQUIRE(g->first <= g->total && g->length <= g->total - g->first);
		REQUIRE(g->status == 206 || (g->status == 200 && g->length == g->total));
		REQUIRE(g->session != 0 || is_open(g->name));
		break;
	case MSG_HTTP_DENY_TELL:
		REQUIRE(
		    m->u.http_deny_tell.status == 304 || m->u.http_deny_tell.status >= 400);
		break;
	case MSG_TFTP_DENY_TELL:
	case MSG_TFTP_RELAY_TELL: break;
	default: REQUIRE(m->nr == MSG_RESET_TELL);
	}
}

static void
listen_to(unsigned worker)
{
	struct msg m;

	while (rig_take(&rig.file_sender[worker], &m))
		check_told(worker, &m);
}

static void
turn(unsigned listens)
{
	struct msg m;

	files_turn();
	chan_flush(&broker.verifier);
	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		chan_flush(&broker.file_sender[i]);
		if ((listens & 1u << i) != 0)
			listen_to(i);
	}
	while ((listens & 4) != 0 && rig_take(&rig.verifier, &m))
		;
}

/* A file-sender says what is true; what it says wrongly is said by say(). */
static void
say_closed(unsigned worker)
{
	struct msg m = {.nr = MSG_CLOSED_TELL};
	int fd = -1;

	if (nclosing[worker] == 0 || broker.file_sender[worker].breached)
		return;
	m.u.closed_tell.memfd = closing[worker][--nclosing[worker]];
	REQUIRE(files_dispatch(&broker.file_sender[worker], &m, &fd));
	REQUIRE(!broker.file_sender[worker].breached);
}

static void
end_of(enum role role, unsigned index)
{
	if (role == ROLE_FILE_SENDER)
		nknown[index] = nclosing[index] = 0;
	rig_gone(role, index);
}

static void
step(struct in *in, uint8_t n)
{
	static const uint8_t told[] = {MSG_MEMFD_TELL, MSG_IMAGE_TELL, MSG_FILE_TELL,
	    MSG_BOOT_TELL, MSG_ACTIVE_TELL, MSG_RETIRE_TELL, MSG_DROP_TELL, MSG_RENDER_ANS};
	static const uint8_t cold[] = {
	    MSG_OBJECT_TELL, MSG_EVICT_TELL, MSG_FETCH_ANS, MSG_MEMORY_TELL};
	unsigned worker = n >> 4 & 1;

	switch (n & 15) {
	case 0:
		say(in, &broker.tftp_parser, n & 0x10 ? MSG_TFTP_REPLY_TELL : MSG_RRQ_TELL);
		break;
	case 1: say(in, &broker.http_parser[worker], MSG_GET_TELL); break;
	case 2: say(in, &broker.http_parser[worker], MSG_BAD_TELL); break;
	case 3: say(in, &broker.file_sender[worker], MSG_CONN_TELL); break;
	case 4:
		if (n & 0x20)
			say(in, &broker.tls[n >> 6 & 1], MSG_CLIENT_TELL);
		else
			say(in, &broker.file_sender[worker], MSG_END_TELL);
		break;
	case 5: say(in, &broker.file_sender[worker], MSG_RESET_TELL); break;
	case 6: say(in, &broker.verifier, MSG_RESET_TELL); break;
	case 7:
		if (n & 0x80)
			say(in, &broker.verifier, cold[n >> 4 & 3]);
		else if (n & 0x40)
			say(in, &broker.file_sender[worker], MSG_CLOSED_TELL);
		else
			say_closed(worker);
		break;
	case 8:
	case 9: say(in, &broker.verifier, told[n >> 4 & 7]); break;
	case 10: broker.now_ms += (uint64_t)1 << (n >> 4); break;
	case 11: turn(n >> 4); break;
	case 12: end_of(ROLE_VERIFIER, 0); break;
	case 13: end_of(n & 0x40 ? ROLE_FILE_SENDER : ROLE_HTTP_PARSER, worker); break;
	case 14:
		if (n & 0x10)
			say(in, &broker.verifier, MSG_LOOKED_TELL);
		else if (n & 0x20)
			end_of(ROLE_TLS, n >> 6 & 1);
		else
			end_of(ROLE_TFTP_PARSER, 0);
		break;
	default: rig_session(words[(n >> 4) % WORDS]); break;
	}
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct in in;

	rig_init();
	rig.closes = false;
	memset(nknown, 0, sizeof nknown);
	memset(nclosing, 0, sizeof nclosing);
	in_init(&in, data, len);
	rig_debian(1, 1, 7);
	((struct conf *)(uintptr_t)broker.conf)->tftp_single = len % 2 == 1;
	rig_memfd(63, 10);
	rig_image(63, "rescue", 1);
	rig_file(63, "linux", 63, 0, 10);
	rig_number(MSG_ACTIVE_TELL, 63);
	rig_turn();
	rig_session("debian");
	for (unsigned i = 0; in_left(&in) > 0 && i < STEPS_MAX; i++) {
		step(&in, in_u8(&in));
		if (i % 16 == 15)
			turn(7);
	}
	/* Everybody is told what there is to tell. */
	for (unsigned i = 0; i < 3; i++)
		turn(7);
	return 0;
}
