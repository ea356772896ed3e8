/*
 * See sender_rig.h. The executable is looked for beside the test: the real one in its
 * cage, or in a sanitizer build the one without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/start.h"
#include "src/base/clock.h"
#include "tests/lib/sender_rig.h"

#ifdef SALLYPORT_UNCAGED
#define PROGRAM "/../testbin/uncaged-sender"
#else
#define PROGRAM "/../bin/file-sender"
#endif

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct rig rig;
struct rig_more rig_more = {-1, {-1, -1}, -1};

/* ------------------------------------------------------------------------- set-up */

static void
executable(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 32);
	char *slash;

	assert_true(n > 0);
	path[n] = '\0';
	slash = strrchr(path, '/');
	assert_non_null(slash);
	strcpy(slash, PROGRAM);
}

int
rig_udp(uint32_t addr, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr)};
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	a.sin_port = htons(port);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static int
tcp_listen(uint16_t *port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(RIG_SERVER)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
move(int from, int to)
{
	if (dup2(from, to) != to)
		_exit(99);
}

/* Descriptors as they will be: all of the others are closed. */
struct given {
	int fd, number;
};

static void
place(struct given *given, unsigned n)
{
	int null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, 300);

	for (unsigned i = 0; i < n; i++)
		given[i].fd = fcntl(given[i].fd, F_DUPFD, 301);
	for (int fd = 3; fd < 300; fd++)
		close(fd);
	for (int i = 0; i < 3; i++)
		move(null, i);
	for (unsigned i = 0; i < n; i++)
		move(given[i].fd, given[i].number);
	for (int fd = 300; fd < 400; fd++)
		close(fd);
}

static void
exec_sender(int super, int log, int broker, int parser, int listener, const int *pool)
{
	struct start st = {.role = ROLE_FILE_SENDER,
	    .generation = 7,
	    .uid = 64999,
	    .gid = 64999,
	    .workers = 1,
	    .nlinks = 1};
	bool v6 = rig_more.pool6[0] >= 0, single = rig_more.single >= 0;
	const char *options[] = {"landlock=1", "log_level=4", "pool=4", "http_port=80",
	    "head_timeout=1", "idle_timeout=2", "min_rate=100000", "rate_window=1",
	    "conns_per_address=8", single ? "single_port=1" : "single_port=0",
	    "transfers_per_address=64", "tls=0", "spread=1", v6 ? "pool6=2" : "pool6=0"};
	static char text[4096], *argv[32], path[PATH_MAX];
	struct given given[16] = {{super, FD_SUPER}, {log, FD_LOG}, {broker, FD_BROKER},
	    {parser, FD_PAIR}, {listener, FD_LISTEN}};
	unsigned n = 5;

	for (int i = 0; i < RIG_POOL; i++)
		given[n++] = (struct given){pool[i], FD_POOL + i};
	for (int i = 0; v6 && i < RIG_POOL6; i++)
		given[n++] = (struct given){rig_more.pool6[i], FD_POOL + RIG_POOL + i};
	if (v6)
		given[n++] = (struct given){rig_more.listen6, FD_LISTEN6};
	if (single)
		given[n++] = (struct given){rig_more.single, FD_SINGLE};
	executable(path);
	strcpy(st.links[0].name, "lo");
	st.links[0].ifindex = 1;
	st.links[0].mtu = 65535;
	st.links[0].address = addr_v4(RIG_SERVER);
	st.links[0].prefix = 8;
	if (v6 && addr_parse(RIG_SERVER6, &st.links[0].address6) != 0)
		_exit(96);
	if (start_arguments(&st, options, sizeof options / sizeof *options, text,
		sizeof text, argv, 32) != 0)
		_exit(98);
	place(given, n);
	execv(path, argv);
	_exit(97);
}

void
rig_object(uint32_t id, const void *bytes, size_t len)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	m.u.memfd_tell.memfd = id;
	m.u.memfd_tell.size = len;
	assert_int_equal(chan_send_fd(&rig.broker, &m, fd), 0);
	close(fd);
}

int
rig_set_up(void **state)
{
	int super[2], log[2], broker[2], parser[2], listener, pool[RIG_POOL];
	char path[PATH_MAX];
	uint8_t ready[4];
	struct msg m;

	(void)state;
	executable(path);
	if (geteuid() != 0 || access(path, X_OK) != 0)
		return 0;
	memset(&rig, 0, sizeof rig);
	for (int *pair = super, i = 0; i < 4; i++) {
		pair = i == 0 ? super : i == 1 ? log : i == 2 ? broker : parser;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			return -1;
	}
	listener = tcp_listen(&rig.http_port);
	for (unsigned i = 0; i < RIG_POOL; i++)
		pool[i] = rig_udp(INADDR_ANY, 0);
	rig.pid = fork();
	if (rig.pid == 0)
		exec_sender(super[1], log[1], broker[1], parser[1], listener, pool);
	close(super[1]);
	close(log[1]);
	close(listener);
	for (unsigned i = 0; i < RIG_POOL; i++)
		close(pool[i]);
	rig.super = super[0];
	rig.log = log[0];
	/* The other ends stay open here, as the supervisor keeps them. */
	chan_init(&rig.broker, broker[0], ROLE_BROKER, ROLE_FILE_SENDER, 0, 64);
	chan_init(&rig.parser, parser[0], ROLE_HTTP_PARSER, ROLE_FILE_SENDER, 0, 64);
	struct pollfd p = {rig.super, POLLIN, 0};
	if (poll(&p, 1, 10000) != 1 || read(rig.super, ready, 4) != 4 ||
	    ready[0] != NOTICE_READY) {
		char line[1100];
		ssize_t n;

		while ((n = recv(rig.log, line, sizeof line, MSG_DONTWAIT)) > 0)
			fprintf(stderr, "%.*s\n", (int)n - 5, line + 5);
		return -1;
	}
	rig_expect(&rig.broker, MSG_RESET_TELL, &m);
	assert_int_equal(m.u.reset_tell.generation, 7);
	rig_expect(&rig.parser, MSG_FORGET_TELL, &m);
	rig_parser_here();
	for (size_t i = 0; i < RIG_FILE_SIZE; i++)
		rig.file[i] = (uint8_t)(i * 2654435761u >> 13);
	rig_object(1, rig.file, RIG_FILE_SIZE);
	return 0;
}

/* Closing the supervisor's end asks it to stop; that it did so by itself, and not by a
 * signal, shows that no call of a whole test was forbidden. */
int
rig_tear_down(void **state)
{
	int status;

	(void)state;
	if (rig.pid == 0)
		return 0;
	close(rig.super);
	assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
	rig.pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(rig.log);
	free(rig.broker.in);
	free(rig.broker.out);
	free(rig.parser.in);
	free(rig.parser.out);
	close(rig.broker.fd);
	close(rig.parser.fd);
	return 0;
}

/* ------------------------------------------------------------------------- helpers */

void
rig_wait(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	if (poll(&p, 1, ms) != 1)
		fail_msg("nothing came");
}

/* The next message of this channel, which must be this one. */
void
rig_expect(struct chan *c, unsigned nr, struct msg *m)
{
	int got = chan_recv(c, m, NULL);

	if (got == 0) {
		rig_wait(c->fd, RIG_WAIT_MS);
		got = chan_recv(c, m, NULL);
	}
	assert_int_equal(got, 1);
	if (m->nr != nr)
		fail_msg("%s instead of %s", msg_name(m->nr), msg_name(nr));
}

void
rig_order(const struct msg *m)
{
	assert_int_equal(chan_send(&rig.broker, m), 0);
	chan_flush(&rig.broker);
}

/* Waits until a log line has this in it. */
void
rig_expect_line(const char *what)
{
	uint64_t until = clock_mono_ms() + RIG_WAIT_MS;

	while (strstr(rig.lines, what) == NULL) {
		struct pollfd p = {rig.log, POLLIN, 0};
		uint8_t bytes[MSG_SIZE_MAX];
		ssize_t n;

		if (clock_mono_ms() > until || poll(&p, 1, RIG_WAIT_MS) != 1)
			fail_msg("no line with %s in:\n%s", what, rig.lines);
		n = recv(rig.log, bytes, sizeof bytes, 0);
		assert_true(n > 5);
		if (rig.lines_len + (size_t)n >= sizeof rig.lines)
			rig.lines_len = 0;
		memcpy(rig.lines + rig.lines_len, bytes + 5, (size_t)n - 5);
		rig.lines_len += (size_t)n - 5;
		rig.lines[rig.lines_len++] = '\n';
		rig.lines[rig.lines_len] = '\0';
	}
}

void
rig_expect_fault(enum role role)
{
	uint8_t b[4];

	rig_wait(rig.super, RIG_WAIT_MS);
	assert_int_equal(read(rig.super, b, 4), 4);
	assert_int_equal(b[0], NOTICE_FAULT);
	assert_int_equal(b[1], role);
}

void
rig_parser_here(void)
{
	uint8_t b[4] = {NOTICE_READY, ROLE_HTTP_PARSER, 0, 0};

	assert_int_equal(write(rig.super, b, 4), 4);
}

void
rig_gone(enum role role)
{
	uint8_t b[4] = {NOTICE_GONE, (uint8_t)role, 0, 0};

	assert_int_equal(write(rig.super, b, 4), 4);
	rig_wait(rig.super, RIG_WAIT_MS);
	assert_int_equal(read(rig.super, b, 4), 4);
	assert_int_equal(b[0], NOTICE_CLEARED);
	assert_int_equal(b[1], role);
}

/* ---------------------------------------------------------------------------- TFTP */

void
rig_grant(
    uint16_t port, uint8_t options, uint16_t blksize, uint16_t window, uint64_t length)
{
	struct msg m = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;

	g->session = 0xabcd1234;
	g->peer = addr_v4(RIG_CLIENT);
	g->port = port;
	g->local = addr_v4(RIG_SERVER);
	g->memfd = 1;
	g->offset = 10;
	g->length = length;
	g->options = options;
	g->blksize = blksize;
	g->windowsize = window;
	strcpy(g->name, "boot/linux");
	rig_order(&m);
}

struct rig_client
rig_client_open(void)
{
	struct rig_client c = {.fd = rig_udp(RIG_CLIENT, 0)};
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	assert_int_equal(getsockname(c.fd, (struct sockaddr *)&a, &len), 0);
	c.port = ntohs(a.sin_port);
	return c;
}

/* The next datagram; false when none comes in time. */
bool
rig_client_receive(struct rig_client *c, int ms)
{
	struct pollfd p = {c->fd, POLLIN, 0};
	socklen_t len = sizeof c->server;
	ssize_t n;

	if (poll(&p, 1, ms) != 1)
		return false;
	n = recvfrom(
	    c->fd, c->bytes, sizeof c->bytes, 0, (struct sockaddr *)&c->server, &len);
	assert_true(n >= 0);
	c->len = (size_t)n;
	assert_int_equal(ntohl(c->server.sin_addr.s_addr), RIG_SERVER);
	return true;
}

void
rig_client_send(struct rig_client *c, uint16_t opcode, uint16_t number)
{
	uint8_t b[5] = {(uint8_t)(opcode >> 8), (uint8_t)opcode, (uint8_t)(number >> 8),
	    (uint8_t)number, 0};
	size_t len = opcode == 5 ? 5 : 4;

	assert_int_equal(
	    sendto(c->fd, b, len, 0, (struct sockaddr *)&c->server, sizeof c->server), len);
}

uint16_t
rig_client_opcode(const struct rig_client *c)
{
	return (uint16_t)(c->bytes[0] << 8 | c->bytes[1]);
}

/* Takes a whole file block by block, checking every byte; loses each lose-th datagram.
 * Only the last block of a window is acknowledged, and gaps at once. */
void
rig_client_download(
    struct rig_client *c, size_t length, size_t blksize, unsigned window, unsigned lose)
{
	size_t got = 0;
	unsigned expected = 1, in_window = 0, seen = 0;

	for (;;) {
		uint16_t number;

		assert_true(rig_client_receive(c, 5000));
		if (lose != 0 && ++seen % lose == 0)
			continue;
		assert_int_equal(rig_client_opcode(c), 3);
		number = (uint16_t)(c->bytes[2] << 8 | c->bytes[3]);
		if (number != (uint16_t)expected) {
			rig_client_send(c, 4, (uint16_t)(expected - 1));
			in_window = 0;
			continue;
		}
		assert_true(got + c->len - 4 <= length);
		assert_memory_equal(c->bytes + 4, rig.file + 10 + got, c->len - 4);
		got += c->len - 4;
		if (++in_window == window || c->len - 4 < blksize) {
			rig_client_send(c, 4, (uint16_t)expected);
			in_window = 0;
		}
		expected++;
		if (c->len - 4 < blksize)
			break;
	}
	assert_int_equal(got, length);
}

/* ---------------------------------------------------------------------------- HTTP */

int
rig_http_connect(void)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(RIG_CLIENT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	a.sin_addr.s_addr = htonl(RIG_SERVER);
	a.sin_port = htons(rig.http_port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

uint64_t
rig_http_announced(void)
{
	struct msg m;

	rig_expect(&rig.broker, MSG_CONN_TELL, &m);
	assert_int_equal(addr_to_v4(&m.u.conn_tell.peer), RIG_CLIENT);
	assert_int_equal(addr_to_v4(&m.u.conn_tell.local), RIG_SERVER);
	assert_int_equal(m.u.conn_tell.conn >> 40, 7);
	return m.u.conn_tell.conn;
}

void
rig_http_relayed(uint64_t conn, const char *text)
{
	struct msg m;

	rig_expect(&rig.parser, MSG_BYTES_TELL, &m);
	assert_int_equal(m.u.bytes_tell.conn, conn);
	assert_int_equal(m.u.bytes_tell.data.len, strlen(text));
	assert_memory_equal(m.u.bytes_tell.data.b, text, strlen(text));
	if (rig.asked != conn)
		rig.asked_used = 0;
	rig.asked = conn;
	rig.asked_used = (uint16_t)(rig.asked_used + strlen(text));
}

uint16_t
rig_http_used(uint64_t conn)
{
	uint16_t used = rig.asked == conn ? rig.asked_used : 0;

	rig.asked_used = 0;
	return used;
}

void
rig_http_grant(uint64_t conn, uint64_t length, bool keep)
{
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL};
	struct msg_http_grant_tell *g = &m.u.http_grant_tell;

	g->conn = conn;
	g->used = rig_http_used(conn);
	g->session = 0xbeef;
	g->status = 200;
	g->keep = keep;
	g->memfd = 1;
	g->offset = 10;
	g->length = g->total = length;
	strcpy(g->name, "/boot/linux");
	rig_order(&m);
}

/* Reads a header and `length` bytes of the file. */
void
rig_http_answer(int fd, const char *status, size_t length)
{
	static uint8_t bytes[RIG_FILE_SIZE + 1024];
	size_t got = 0, want = sizeof bytes;
	char expected[64];

	while (got < want) {
		uint8_t *end;
		ssize_t n;

		rig_wait(fd, RIG_WAIT_MS);
		n = recv(fd, bytes + got, want - got, 0);
		if (n <= 0)
			fail_msg("cut after %zu bytes", got);
		got += (size_t)n;
		end = memmem(bytes, got, "\r\n\r\n", 4);
		if (end != NULL)
			want = (size_t)(end - bytes) + 4 + length;
	}
	assert_memory_equal(bytes, status, strlen(status));
	snprintf(expected, sizeof expected, "\r\nContent-Length: %zu\r\n", length);
	assert_non_null(memmem(bytes, got, expected, strlen(expected)));
	if (strncmp(status, "HTTP/1.1 200", 12) == 0)
		assert_memory_equal(bytes + want - length, rig.file + 10, length);
}

void
rig_http_closed(int fd)
{
	char c;

	rig_wait(fd, RIG_WAIT_MS);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	close(fd);
}

void
rig_http_end(uint64_t conn)
{
	struct msg m;

	rig_expect(&rig.broker, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, conn);
	rig_expect(&rig.parser, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, conn);
}
