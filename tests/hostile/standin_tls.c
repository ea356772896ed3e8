/*
 * A process in the place of the first tls that an attacker owns: started by the real
 * supervisor, with the real cage, descriptors and identity, it does the worst that its
 * filter leaves. In the place of every other tls it becomes the real one, tls.real beside
 * its own executable. What it does says the file "mode" there:
 *
 *   oracle     asks keys to sign what is no handshake, with every key and scheme
 *   decrypt    asks keys to decrypt
 *   sign       asks for signatures over handshakes, as fast as the channel takes them
 *   certs      asks for the certificates, the same, and leaves half of them unread
 *   malformed  bytes that are no message, to keys
 *   foreign    well-formed messages that belong to another role, to keys and broker
 *   clients    tells the broker of certificates that nobody has shown, for all connections
 *   fds        its own descriptors along with messages, from 1 to 253 of them
 *   accuse     false faults of everybody, told to the supervisor
 *
 * It says in the log when it begins, and if it ever gets what it must not.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/log.h"

#define FD_SENT_MAX 253 /* the kernel's SCM_MAX_FD */
#define FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

static struct start start;
static uint64_t seed = 0x9e3779b97f4a7c15u;
static uint64_t got; /* signatures over what is no handshake, secrets */

static uint32_t
any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void
put_bytes(int fd, const void *bytes, size_t len)
{
	union {
		const void *from;
		void *base;
	} u = {.from = bytes};
	struct iovec one = {u.base, len};
	struct mmsghdr h = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};

	(void)sendmmsg(fd, &h, 1, FLAGS);
}

static void
put(int fd, const struct msg *m)
{
	uint8_t text[MSG_SIZE_MAX];
	int n = msg_encode(m, text, sizeof text);

	if (n > 0)
		put_bytes(fd, text, (size_t)n);
}

/* What keys has answered to anything but `sign` and `certs`. */
static void
look(unsigned most)
{
	static uint8_t text[MSG_SIZE_MAX];
	struct iovec one = {text, sizeof text};
	struct mmsghdr h = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};
	struct msg m;

	while (most-- > 0 && recvmmsg(FD_KEYS, &h, 1, MSG_DONTWAIT, NULL) == 1) {
		if (msg_decode(text, h.msg_len, &m) != 0)
			continue;
		if ((m.nr == MSG_SIGN_ANS && m.u.sign_ans.ok) ||
		    (m.nr == MSG_DECRYPT_ANS && m.u.decrypt_ans.ok))
			got++;
	}
}

/* ------------------------------------------------------------------------ modes */

static void
make_sign(struct msg *m)
{
	static const char verify[] = "TLS 1.3, server CertificateVerify";

	memset(m, 0, sizeof *m);
	m->nr = MSG_SIGN_ASK;
	m->u.sign_ask.ask = any();
	m->u.sign_ask.key = (uint8_t)(any() % KEYS_MAX);
	m->u.sign_ask.scheme = (uint8_t)(any() % 4);
	memset(m->u.sign_ask.text.b, ' ', 64);
	memcpy(m->u.sign_ask.text.b + 64, verify, sizeof verify);
	m->u.sign_ask.text.len = 64 + sizeof verify + 32;
}

/* A handshake with a byte changed, a client's, a digest, bytes of any kind. */
static void
oracle(void)
{
	struct msg m;
	struct msg_sign_ask *s = &m.u.sign_ask;

	make_sign(&m);
	s->scheme = (uint8_t)(any() % 8);
	switch (any() % 4) {
	case 0: s->text.b[any() % 98] ^= (uint8_t)(1 + any() % 255); break;
	case 1: memcpy(s->text.b + 73, "client", 6); break;
	case 2: s->text.len = (uint16_t)(any() % 2 == 0 ? 32 : 48); break;
	default:
		s->text.len = (uint16_t)(any() % 1025);
		for (unsigned i = 0; i < s->text.len; i++)
			s->text.b[i] = (uint8_t)any();
	}
	put(FD_KEYS, &m);
	look(16);
}

static void
decrypt(void)
{
	struct msg m = {.nr = MSG_DECRYPT_ASK};

	m.u.decrypt_ask.key = (uint8_t)(any() % KEYS_MAX);
	m.u.decrypt_ask.version = 0x303;
	m.u.decrypt_ask.text.len = 384;
	for (unsigned i = 1; i < 384; i++)
		m.u.decrypt_ask.text.b[i] = (uint8_t)any();
	put(FD_KEYS, &m);
	look(16);
}

static void
sign_flood(void)
{
	uint64_t kept = got;
	struct msg m;

	make_sign(&m);
	put(FD_KEYS, &m);
	look(64);
	got = kept; /* these it may have */
}

static void
certs_flood(void)
{
	struct msg m = {.nr = MSG_CERTS_ASK};

	put(FD_KEYS, &m);
	look(any() % 2);
}

static void
malformed(void)
{
	uint8_t text[MSG_SIZE_MAX];
	size_t len = any() % sizeof text;

	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)any();
	if (any() % 2 == 0 && len >= 2) {
		text[0] = MSG_SIGN_ASK;
		text[1] = 0;
	}
	put_bytes(FD_KEYS, text, len);
}

static void
foreign(void)
{
	enum role to = any() % 2 == 0 ? ROLE_KEYS : ROLE_BROKER;
	struct msg m;
	unsigned nr, n = 0;

	do
		n++;
	while (msg_number(n) != 0);
	do
		nr = msg_number(any() % n);
	while (msg_permitted(nr, ROLE_TLS, to));
	memset(&m, 0, sizeof m);
	m.nr = (enum msg_nr)nr;
	put(to == ROLE_KEYS ? FD_KEYS : FD_BROKER, &m);
}

static void
clients(void)
{
	struct msg m = {.nr = MSG_CLIENT_TELL};

	m.u.client_tell.worker = (uint8_t)(any() % 4);
	m.u.client_tell.conn = any() % 2 == 0 ? any() : any() % 64;
	snprintf(m.u.client_tell.name, sizeof m.u.client_tell.name, "STANDIN-%u", any());
	put(FD_BROKER, &m);
}

static void
stray_descriptors(void)
{
	static union {
		char bytes[CMSG_SPACE(FD_SENT_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	int to = any() % 2 == 0 ? FD_KEYS : FD_BROKER;
	unsigned count = 1 + any() % FD_SENT_MAX;
	uint8_t text[MSG_SIZE_MAX];
	struct iovec one = {text, 0};
	struct mmsghdr h = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};
	struct cmsghdr *cm;
	struct msg m = {.nr = to == FD_KEYS ? MSG_CERTS_ASK : MSG_CLIENT_TELL};
	int n = msg_encode(&m, text, sizeof text);

	one.iov_len = n > 0 ? (size_t)n : 0;
	memset(&control, 0, sizeof control);
	h.msg_hdr.msg_control = control.bytes;
	h.msg_hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
	cm = CMSG_FIRSTHDR(&h.msg_hdr);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned i = 0; i < count; i++) {
		int fd = i % 2 == 0 ? FD_SUPER : FD_KEYS;

		memcpy(CMSG_DATA(cm) + i * sizeof fd, &fd, sizeof fd);
	}
	(void)sendmmsg(to, &h, 1, FLAGS);
	look(64);
}

static void
accuse(void)
{
	uint8_t b[4] = {NOTICE_FAULT, (uint8_t)(any() % ROLE_MAX), (uint8_t)(any() % 2), 0};

	(void)sendto(FD_SUPER, b, sizeof b, FLAGS, NULL, 0);
}

/* ------------------------------------------------------------------------ start */

static const struct mode {
	const char *name;
	void (*act)(void);
	int pause_ms; /* 0: as fast as it can */
} modes[] = {
    {"oracle", oracle, 1},
    {"decrypt", decrypt, 1},
    {"sign", sign_flood, 0},
    {"certs", certs_flood, 0},
    {"malformed", malformed, 1},
    {"foreign", foreign, 1},
    {"clients", clients, 0},
    {"fds", stray_descriptors, 1},
    {"accuse", accuse, 1},
};

/* A file beside our own. */
static char *
beside(const char *name)
{
	static char path[PATH_MAX];
	char *end;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);

	if (n <= 0)
		exit(EXIT_WALL);
	path[n] = '\0';
	end = strrchr(path, '/') + 1;
	snprintf(end, sizeof path - (size_t)(end - path), "%s", name);
	return path;
}

static const struct mode *
read_mode(void)
{
	char name[32];
	int fd = open(beside("mode"), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);

	if (n <= 0)
		start_fail("stand-in: its mode");
	close(fd);
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	start_fail("stand-in: an unknown mode");
}

/* It does answer the supervisor, so that it is killed for what it does and not for that. */
static void
hear(int pause_ms)
{
	struct epoll_event events[64];
	enum role role;
	unsigned index;

	if (epoll_pwait(FD_WAIT, events, 64, pause_ms, NULL) > 0 &&
	    super_poll(&role, &index))
		super_cleared(role, index);
}

static void
make_epoll(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || (fd != FD_WAIT && dup3(fd, FD_WAIT, O_CLOEXEC) < 0) ||
	    epoll_ctl(FD_WAIT, EPOLL_CTL_ADD, FD_SUPER, &e) != 0)
		start_fail("stand-in: epoll");
	if (fd != FD_WAIT)
		close(fd);
}

int
main(int argc, char **argv)
{
	const struct mode *mode;
	uint64_t told = 0;

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "index=", 6) == 0 && strcmp(argv[i], "index=0") != 0) {
			execv(beside("tls.real"), argv);
			return EXIT_WALL;
		}
	start_init(&start, ROLE_TLS, argc, argv);
	mode = read_mode();
	seed += (uint64_t)getpid() << 32 | start.generation;
	make_epoll();
	cage_enter(&start, NULL);
	start_ready();
	log_event(LOG_NOTICE, "standin-begins", "mode=%s", mode->name);
	for (;;) {
		for (unsigned i = 0; i < (mode->pause_ms == 0 ? 256u : 1u); i++)
			mode->act();
		if (got > told)
			log_event(LOG_ERROR, "standin-got", "mode=%s", mode->name);
		told = got;
		hear(mode->pause_ms);
	}
}
