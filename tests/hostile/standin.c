/*
 * A process in the place of an ear that an attacker owns: started by the real supervisor,
 * with the real cage, descriptors and identity of that role, it does the worst that its
 * filter leaves. Linked once per ear. Its first process is quiet for some seconds, so that
 * a test can measure what the others do without it. Then, as the file "mode" beside the
 * executable says:
 *
 *   silent     nothing at all
 *   malformed  bytes that are no message
 *   foreign    well-formed messages that belong to another role
 *   turn       requests for connections that were never announced, are closed, or belong
 *              to others; for machines and files of all kinds
 *   flood      well-formed messages of its own role, as fast as the channel takes them
 *   fds        its own descriptors along with messages, from 1 to 253 of them
 *   accuse     false faults of everybody, told to the supervisor
 *   notices    garbage to the supervisor
 *   log        lines with escape sequences, line ends and others' names
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/msg.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"

#define FD_SENT_MAX 253 /* the kernel's SCM_MAX_FD */
#define BATCH 32
#define QUIET_MS 5000
#define FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

static struct start start;
static enum role self;
static uint64_t seed = 0x9e3779b97f4a7c15u;
static uint64_t last_conn; /* that a file-sender has spoken of */

static uint32_t
any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* ------------------------------------------------------------------- sending */

static struct mmsghdr hdrs[BATCH];
static struct iovec iov[BATCH];
static uint8_t bytes[BATCH][MSG_SIZE_MAX];
static unsigned queued;

/* Sends until all is out: the channel's own limit is the only brake. */
static void
flush(void)
{
	unsigned done = 0;

	while (done < queued) {
		int n = sendmmsg(FD_BROKER, hdrs + done, queued - done, FLAGS);
		struct pollfd p = {FD_BROKER, POLLOUT, 0};
		const struct timespec ms = {0, 1000000};

		if (n > 0)
			done += (unsigned)n;
		else
			(void)ppoll(&p, 1, &ms, NULL);
	}
	queued = 0;
}

static void
put_bytes(const void *from, size_t len)
{
	memcpy(bytes[queued], from, len);
	iov[queued] = (struct iovec){bytes[queued], len};
	hdrs[queued].msg_hdr = (struct msghdr){.msg_iov = &iov[queued], .msg_iovlen = 1};
	if (++queued == BATCH)
		flush();
}

static void
put(const struct msg *m)
{
	uint8_t text[MSG_SIZE_MAX];
	int n = msg_encode(m, text, sizeof text);

	if (n > 0)
		put_bytes(text, (size_t)n);
}

/* -------------------------------------------------------------- valid messages */

static void
make_dhcp(struct msg *m)
{
	struct msg_dhcp_tell *t = &m->u.dhcp_tell;

	m->nr = MSG_DHCP_TELL;
	t->type = any() % 2 == 0 ? 1 : 3;
	t->xid = any();
	t->htype = 1;
	t->hw.len = 6;
	for (unsigned i = 1; i < 6; i++)
		t->hw.b[i] = (uint8_t)any();
	t->hw.b[0] = 2;
	t->src = t->ciaddr = t->giaddr = addr_v4(0);
	t->dst = addr_v4(0xffffffff);
	t->sport = 68;
	if (t->type == 3) {
		t->requested = addr_v4(0x0a4d0000 | (any() & 0xff));
		t->server_id = addr_v4(0x0a4d0001);
	}
	t->class60 = 1;
	t->has_arch = 1;
	t->arch = (uint16_t)(any() % 20);
	t->max_size = 1500;
}

static void
make_rrq(struct msg *m)
{
	static const char *const names[] = {
	    "sample/exact.bin", "sample/linux", "none", "boot.ipxe", ""};
	struct msg_rrq_tell *t = &m->u.rrq_tell;

	m->nr = MSG_RRQ_TELL;
	/* Addresses of machines with a session too, but not the ports they listen on. */
	t->peer = addr_v4(0x0a4d0000 | (any() & 0xff));
	t->port = (uint16_t)(1024 + any() % 1000);
	t->local = addr_v4(0x0a4d0001);
	strcpy(t->name, names[any() % 5]);
	t->options = 1;
	t->blksize = 1400;
	t->fault = any() % 4 == 0 ? 2 : 0;
}

static void
make_get(struct msg *m, uint64_t conn)
{
	struct msg_get_tell *t = &m->u.get_tell;

	m->nr = MSG_GET_TELL;
	t->conn = conn;
	t->keep = 1;
	strcpy(t->path, any() % 2 == 0 ? "sample/linux" : "none");
	if (any() % 4 == 0) {
		memset(&m->u, 0, sizeof m->u);
		m->nr = MSG_BAD_TELL;
		m->u.bad_tell.conn = conn;
		m->u.bad_tell.status = 400;
	}
}

/* Everybody uses everybody's address, and everybody is a server. */
static void
make_heard(struct msg *m)
{
	struct msg_heard_tell *t = &m->u.heard_tell;

	m->nr = MSG_HEARD_TELL;
	t->kind = (uint8_t)(any() % 3);
	t->address = addr_v4(0x0a4d0000 | (any() & 0xff));
	t->mac.b[0] = 2;
	for (unsigned i = 1; i < 6; i++)
		t->mac.b[i] = (uint8_t)any();
	t->number = any();
	if (t->kind == LINK_SERVER) {
		t->type = any() % 2 == 0 ? 2 : 5;
		t->server = addr_v4(0x0a4d0000 | (any() & 0xff));
		t->offered = addr_v4(0x0a4d0000 | (any() & 0xff));
	}
}

/* What its role may say, of anything. */
static void
make_valid(struct msg *m)
{
	memset(m, 0, sizeof *m);
	if (self == ROLE_DHCP_PARSER)
		make_dhcp(m);
	else if (self == ROLE_TFTP_PARSER)
		make_rrq(m);
	else if (self == ROLE_LINK_PARSER)
		make_heard(m);
	else
		make_get(m, any() % 2 == 0 ? any() : any() % 64);
}

static void
flood(void)
{
	struct msg m;

	make_valid(&m);
	put(&m);
}

/* ------------------------------------------------------------------- breaches */

static void
malformed(void)
{
	uint8_t text[MSG_SIZE_MAX];
	size_t len = any() % sizeof text;
	struct msg m;
	int n;

	if (any() % 2 == 0) {
		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)any();
	} else {
		/* A good one, cut or with a byte too many. */
		make_valid(&m);
		n = msg_encode(&m, text, sizeof text);
		len = n < 2 ? 0 : any() % 2 == 0 ? any() % (size_t)n : (size_t)n + 1;
	}
	put_bytes(text, len);
	flush();
}

static void
foreign(void)
{
	struct msg m;
	unsigned nr = 0, n = 0;

	while (msg_number(n) != 0)
		n++;
	memset(&m, 0, sizeof m);
	do
		nr = msg_number(any() % n);
	while (msg_permitted(nr, self, ROLE_BROKER));
	m.nr = (enum msg_nr)nr;
	put(&m);
	flush();
}

/* Numbers near those that it has heard of: closed, others', and future ones. */
static void
out_of_turn(void)
{
	struct msg m;

	memset(&m, 0, sizeof m);
	if (self == ROLE_HTTP_PARSER)
		make_get(&m, any() % 8 == 0 ? any() : last_conn + any() % 64 - 32);
	else
		make_valid(&m);
	put(&m);
}

static void
stray_descriptors(void)
{
	static union {
		char bytes[CMSG_SPACE(FD_SENT_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	unsigned count = 1 + any() % FD_SENT_MAX;
	struct msg m;
	uint8_t text[MSG_SIZE_MAX];
	struct iovec one = {text, 0};
	struct mmsghdr h = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};
	struct cmsghdr *cm;
	int n;

	make_valid(&m);
	n = msg_encode(&m, text, sizeof text);
	one.iov_len = n > 0 ? (size_t)n : 0;
	memset(&control, 0, sizeof control);
	h.msg_hdr.msg_control = control.bytes;
	h.msg_hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
	cm = CMSG_FIRSTHDR(&h.msg_hdr);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned i = 0; i < count; i++) {
		int fd = i % 3 == 0 ? FD_SUPER : i % 3 == 1 ? FD_LOG : FD_BROKER + 1;

		memcpy(CMSG_DATA(cm) + i * sizeof fd, &fd, sizeof fd);
	}
	(void)sendmmsg(FD_BROKER, &h, 1, FLAGS);
}

static void
tell_supervisor(uint8_t kind, uint8_t role, uint8_t index)
{
	uint8_t b[4] = {kind, role, index, 0};

	(void)sendto(FD_SUPER, b, sizeof b, FLAGS, NULL, 0);
}

static void
accuse(void)
{
	tell_supervisor(NOTICE_FAULT, (uint8_t)(any() % ROLE_MAX), (uint8_t)(any() % 2));
}

static void
garbage_notice(void)
{
	uint8_t text[64];

	if (any() % 2 == 0) {
		tell_supervisor((uint8_t)any(), (uint8_t)any(), (uint8_t)any());
		return;
	}
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)any();
	(void)sendto(FD_SUPER, text, any() % sizeof text, FLAGS, NULL, 0);
}

static void
forged_lines(void)
{
	static const char *const lines[] = {
	    "STANDIN\nlevel=error role=broker index=0 pid=1 event=forged of=STANDIN",
	    "STANDIN \033[2J\033[31m role=sallyportd event=died of=broker",
	    "STANDIN role=broker pid=1 event=lease mac=00:00:00:00:00:00\r",
	    "STANDIN \x9b"
	    "1m\xe2\x80\xae \x7f\x08 end"};
	const char *line = lines[any() % 4];
	struct msg m = {.nr = MSG_LOG_TELL};
	uint8_t text[MSG_SIZE_MAX];
	int n;

	m.u.log_tell.level = (uint8_t)(any() % 5);
	m.u.log_tell.text.len = (uint16_t)strlen(line);
	memcpy(m.u.log_tell.text.b, line, strlen(line));
	n = msg_encode(&m, text, sizeof text);
	if (n > 0)
		(void)sendto(FD_LOG, text, (size_t)n, FLAGS, NULL, 0);
}

/* ------------------------------------------------------------------------ start */

static const struct mode {
	const char *name;
	void (*act)(void);
	long pause_ns; /* 0: as fast as it can */
} modes[] = {
    {"silent", NULL, 100000000},
    {"malformed", malformed, 1000000},
    {"foreign", foreign, 1000000},
    {"turn", out_of_turn, 1000000},
    {"flood", flood, 0},
    {"fds", stray_descriptors, 100000},
    {"accuse", accuse, 1000000},
    {"notices", garbage_notice, 1000000},
    {"log", forged_lines, 0},
};

static const struct mode *mode;

static const struct mode *
read_mode(void)
{
	char path[PATH_MAX], name[32];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 8);
	int fd;

	if (n <= 0)
		start_fail("stand-in: its own path");
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/mode");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
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

/* What clients ask: an owned http-parser sees it, and learns the numbers. */
static void
listen_to_pair(void)
{
	static uint8_t text[MSG_SIZE_MAX];
	struct iovec one = {text, sizeof text};
	struct mmsghdr h = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};
	struct msg m;

	while (recvmmsg(FD_PAIR, &h, 1, MSG_DONTWAIT, NULL) == 1)
		if (msg_decode(text, h.msg_len, &m) == 0 && m.nr == MSG_BYTES_TELL)
			last_conn = m.u.bytes_tell.conn;
}

/* It does answer the supervisor, so that it is killed for what it does and not for that. */
static void
hear(const struct timespec *pause)
{
	struct pollfd p = {FD_SUPER, POLLIN, 0};
	enum role role;
	unsigned index;

	if (self == ROLE_HTTP_PARSER)
		listen_to_pair();
	if (ppoll(&p, 1, pause, NULL) > 0 && super_poll(&role, &index))
		super_cleared(role, index);
}

/* The first one of a server's run; those after it begin at once. */
static void
be_quiet(void)
{
	const struct timespec pause = {0, 50000000};
	uint64_t end = clock_mono_ms() + QUIET_MS;

	while (start.generation == 1 && clock_mono_ms() < end)
		hear(&pause);
	log_event(LOG_NOTICE, "standin-begins", "mode=%s", mode->name);
}

int
main(int argc, char **argv)
{
	struct timespec pause;

	self = role_parse(STANDIN_ROLE);
	start_init(&start, self, argc, argv);
	mode = read_mode();
	seed += (uint64_t)getpid() << 32 | start.generation;
	cage_enter(&start, NULL);
	start_ready();
	be_quiet();
	pause = (struct timespec){0, mode->pause_ns};
	for (;;) {
		for (unsigned i = 0;
		     mode->act != NULL && i < (mode->pause_ns == 0 ? 256u : 1u); i++)
			mode->act();
		hear(&pause);
	}
}
