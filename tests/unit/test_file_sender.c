/*
 * The real file-sender in its cage, with this test as supervisor, logger, broker and
 * http-parser around it, and sockets on loopback. Needs root; skipped otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/wire/tftp.h"

#define POOL 4
#define FILE_SIZE 300000
#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SERVER 0x7f000002u
#define CLIENT 0x7f000003u
#define WAIT_MS 3000

/* The ends that stay with the test, and what it needs to know. */
struct world {
	pid_t pid;
	int super, log;
	struct chan broker, parser; /* as the broker and as http-parser see file-sender */
	uint16_t http_port;
	uint8_t file[FILE_SIZE];
	char lines[65536]; /* of the log */
	size_t lines_len;
};

static struct world w;

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
	strcpy(slash, "/../bin/file-sender");
}

static int
udp_socket(uint32_t addr, uint16_t port)
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
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(SERVER)};
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

static void
exec_sender(int super, int log, int broker, int parser, int listener, const int *pool)
{
	struct start st = {.role = ROLE_FILE_SENDER,
	    .generation = 7,
	    .uid = 64999,
	    .gid = 64999,
	    .workers = 1,
	    .nlinks = 1};
	const char *options[] = {"landlock=1", "log_level=4", "pool=4", "http_port=80",
	    "head_timeout=1", "idle_timeout=2", "min_rate=100000", "rate_window=1",
	    "conns_per_address=8"};
	static char text[4096], *argv[32], path[PATH_MAX];
	int high[16], given[] = {super, log, broker, parser, listener, pool[0], pool[1],
			  pool[2], pool[3]};
	static const int numbers[] = {FD_SUPER, FD_LOG, FD_BROKER, FD_PAIR, FD_LISTEN,
	    FD_POOL, FD_POOL + 1, FD_POOL + 2, FD_POOL + 3};
	int null = open("/dev/null", O_RDWR);

	executable(path);
	strcpy(st.links[0].name, "lo");
	st.links[0].ifindex = 1;
	st.links[0].mtu = 65535;
	st.links[0].address = addr_v4(SERVER);
	st.links[0].prefix = 8;
	if (start_arguments(&st, options, sizeof options / sizeof *options, text,
		sizeof text, argv, 32) != 0)
		_exit(98);
	for (unsigned i = 0; i < 9; i++)
		high[i] = fcntl(given[i], F_DUPFD, 200);
	null = fcntl(null, F_DUPFD, 300);
	for (int i = 0; i < 3; i++)
		move(null, i);
	for (unsigned i = 0; i < 9; i++)
		move(high[i], numbers[i]);
	for (int fd = 7; fd < 400; fd++)
		if (fd != FD_LISTEN && (fd < FD_POOL || fd >= FD_POOL + POOL))
			close(fd);
	execv(path, argv);
	_exit(97);
}

static void
give_object(uint32_t id, const void *bytes, size_t len)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	m.u.memfd_tell.memfd = id;
	m.u.memfd_tell.size = len;
	assert_int_equal(chan_send_fd(&w.broker, &m, fd), 0);
	close(fd);
}

static void expect(struct chan *c, unsigned nr, struct msg *m);

static int
set_up(void **state)
{
	int super[2], log[2], broker[2], parser[2], listener, pool[POOL];
	char path[PATH_MAX];
	uint8_t ready[4];
	struct msg m;

	(void)state;
	executable(path);
	if (geteuid() != 0 || access(path, X_OK) != 0)
		return 0;
	memset(&w, 0, sizeof w);
	for (int *pair = super, i = 0; i < 4; i++) {
		pair = i == 0 ? super : i == 1 ? log : i == 2 ? broker : parser;
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			return -1;
	}
	listener = tcp_listen(&w.http_port);
	for (unsigned i = 0; i < POOL; i++)
		pool[i] = udp_socket(INADDR_ANY, 0);
	w.pid = fork();
	if (w.pid == 0)
		exec_sender(super[1], log[1], broker[1], parser[1], listener, pool);
	close(super[1]);
	close(log[1]);
	close(listener);
	for (unsigned i = 0; i < POOL; i++)
		close(pool[i]);
	w.super = super[0];
	w.log = log[0];
	/* The other ends stay open here, as the supervisor keeps them. */
	chan_init(&w.broker, broker[0], ROLE_BROKER, ROLE_FILE_SENDER, 0, 64);
	chan_init(&w.parser, parser[0], ROLE_HTTP_PARSER, ROLE_FILE_SENDER, 0, 64);
	struct pollfd p = {w.super, POLLIN, 0};
	if (poll(&p, 1, 10000) != 1 || read(w.super, ready, 4) != 4 ||
	    ready[0] != NOTICE_READY) {
		char line[1100];
		ssize_t n;

		while ((n = recv(w.log, line, sizeof line, MSG_DONTWAIT)) > 0)
			fprintf(stderr, "%.*s\n", (int)n - 5, line + 5);
		return -1;
	}
	expect(&w.broker, MSG_RESET_TELL, &m);
	assert_int_equal(m.u.reset_tell.generation, 7);
	expect(&w.parser, MSG_RESET_TELL, &m);
	for (size_t i = 0; i < FILE_SIZE; i++)
		w.file[i] = (uint8_t)(i * 2654435761u >> 13);
	give_object(1, w.file, FILE_SIZE);
	return 0;
}

/* Closing the supervisor's end asks it to stop; that it did so by itself, and not by a
 * signal, shows that no call of a whole test was forbidden. */
static int
tear_down(void **state)
{
	int status;

	(void)state;
	if (w.pid == 0)
		return 0;
	close(w.super);
	assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
	w.pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(w.log);
	close(w.broker.fd);
	close(w.parser.fd);
	return 0;
}

#define NEEDS_SENDER()          \
	do {                    \
		(void)state;    \
		if (w.pid == 0) \
			skip(); \
	} while (0)

/* ------------------------------------------------------------------------- helpers */

static void
wait_readable(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	if (poll(&p, 1, ms) != 1)
		fail_msg("nothing came");
}

/* The next message of this channel, which must be this one. */
static void
expect(struct chan *c, unsigned nr, struct msg *m)
{
	int got = chan_recv(c, m, NULL);

	if (got == 0) {
		wait_readable(c->fd, WAIT_MS);
		got = chan_recv(c, m, NULL);
	}
	assert_int_equal(got, 1);
	if (m->nr != nr)
		fail_msg("%s instead of %s", msg_name(m->nr), msg_name(nr));
}

static void
send_order(const struct msg *m)
{
	assert_int_equal(chan_send(&w.broker, m), 0);
	chan_flush(&w.broker);
}

/* Waits until a log line has this in it. */
static void
expect_line(const char *what)
{
	uint64_t until = clock_mono_ms() + WAIT_MS;

	while (strstr(w.lines, what) == NULL) {
		struct pollfd p = {w.log, POLLIN, 0};
		uint8_t bytes[MSG_SIZE_MAX];
		ssize_t n;

		if (clock_mono_ms() > until || poll(&p, 1, WAIT_MS) != 1)
			fail_msg("no line with %s in:\n%s", what, w.lines);
		n = recv(w.log, bytes, sizeof bytes, 0);
		assert_true(n > 5);
		if (w.lines_len + (size_t)n >= sizeof w.lines)
			w.lines_len = 0;
		memcpy(w.lines + w.lines_len, bytes + 5, (size_t)n - 5);
		w.lines_len += (size_t)n - 5;
		w.lines[w.lines_len++] = '\n';
		w.lines[w.lines_len] = '\0';
	}
}

static void
expect_fault(enum role role)
{
	uint8_t b[4];

	wait_readable(w.super, WAIT_MS);
	assert_int_equal(read(w.super, b, 4), 4);
	assert_int_equal(b[0], NOTICE_FAULT);
	assert_int_equal(b[1], role);
}

static void
gone(enum role role)
{
	uint8_t b[4] = {NOTICE_GONE, (uint8_t)role, 0, 0};

	assert_int_equal(write(w.super, b, 4), 4);
	wait_readable(w.super, WAIT_MS);
	assert_int_equal(read(w.super, b, 4), 4);
	assert_int_equal(b[0], NOTICE_CLEARED);
	assert_int_equal(b[1], role);
}

/* ---------------------------------------------------------------------------- TFTP */

static void
grant(uint16_t port, uint8_t options, uint16_t blksize, uint16_t window, uint64_t length)
{
	struct msg m = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;

	g->session = 0xabcd1234;
	g->peer = addr_v4(CLIENT);
	g->port = port;
	g->local = addr_v4(SERVER);
	g->memfd = 1;
	g->offset = 10;
	g->length = length;
	g->options = options;
	g->blksize = blksize;
	g->windowsize = window;
	strcpy(g->name, "boot/linux");
	send_order(&m);
}

struct client {
	int fd;
	uint16_t port;
	struct sockaddr_in server; /* of the last datagram */
	uint8_t bytes[2048];
	size_t len;
};

static struct client
client_open(void)
{
	struct client c = {.fd = udp_socket(CLIENT, 0)};
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	assert_int_equal(getsockname(c.fd, (struct sockaddr *)&a, &len), 0);
	c.port = ntohs(a.sin_port);
	return c;
}

/* The next datagram; false when none comes in time. */
static bool
client_receive(struct client *c, int ms)
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
	assert_int_equal(ntohl(c->server.sin_addr.s_addr), SERVER);
	return true;
}

static void
client_send(struct client *c, uint16_t opcode, uint16_t number)
{
	uint8_t b[5] = {(uint8_t)(opcode >> 8), (uint8_t)opcode, (uint8_t)(number >> 8),
	    (uint8_t)number, 0};
	size_t len = opcode == 5 ? 5 : 4;

	assert_int_equal(
	    sendto(c->fd, b, len, 0, (struct sockaddr *)&c->server, sizeof c->server), len);
}

static uint16_t
opcode_of(const struct client *c)
{
	return (uint16_t)(c->bytes[0] << 8 | c->bytes[1]);
}

/* Takes a whole file block by block, checking every byte; loses each lose-th datagram.
 * Only the last block of a window is acknowledged, and gaps at once. */
static void
download(struct client *c, size_t length, size_t blksize, unsigned window, unsigned lose)
{
	size_t got = 0;
	unsigned expected = 1, in_window = 0, seen = 0;

	for (;;) {
		uint16_t number;

		assert_true(client_receive(c, 5000));
		if (lose != 0 && ++seen % lose == 0)
			continue;
		assert_int_equal(opcode_of(c), 3);
		number = (uint16_t)(c->bytes[2] << 8 | c->bytes[3]);
		if (number != (uint16_t)expected) {
			client_send(c, 4, (uint16_t)(expected - 1));
			in_window = 0;
			continue;
		}
		assert_true(got + c->len - 4 <= length);
		assert_memory_equal(c->bytes + 4, w.file + 10 + got, c->len - 4);
		got += c->len - 4;
		if (++in_window == window || c->len - 4 < blksize) {
			client_send(c, 4, (uint16_t)expected);
			in_window = 0;
		}
		expected++;
		if (c->len - 4 < blksize)
			break;
	}
	assert_int_equal(got, length);
}

static void
tftp_without_options(void **state)
{
	struct client c;

	NEEDS_SENDER();
	c = client_open();
	grant(c.port, 0, 0, 0, 100000);
	download(&c, 100000, 512, 1, 0);
	expect_line("event=tftp-sent session=abcd1234 peer=127.0.0.3 name=boot/linux "
		    "bytes=100000 ");
	close(c.fd);
}

static void
tftp_with_options(void **state)
{
	static const char oack[] = "\0\6blksize\0"
				   "1428\0tsize\0"
				   "285600";
	struct client c;

	NEEDS_SENDER();
	c = client_open();
	/* 200 blocks exactly: an empty one ends it. */
	grant(c.port, TFTP_BLKSIZE | TFTP_TSIZE, 1428, 0, 285600);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(c.len, sizeof oack);
	assert_memory_equal(c.bytes, oack, sizeof oack);
	client_send(&c, 4, 0);
	download(&c, 285600, 1428, 1, 0);
	expect_line(" bytes=285600 ");
	close(c.fd);
}

static void
tftp_windows_and_losses(void **state)
{
	struct client c;

	NEEDS_SENDER();
	c = client_open();
	grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, 1000, 16, 200001);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 6);
	client_send(&c, 4, 0);
	download(&c, 200001, 1000, 16, 45);
	expect_line(" bytes=200001 ");
	close(c.fd);
}

static void
tftp_silent_peer(void **state)
{
	struct client c;
	unsigned n = 0;

	NEEDS_SENDER();
	c = client_open();
	grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, 1000, 16, 200000);
	while (client_receive(&c, n < 3 ? 3000 : 4500)) {
		assert_int_equal(opcode_of(&c), 6);
		n++;
	}
	assert_int_equal(n, 3);
	expect_line(
	    "event=tftp-failed session=abcd1234 peer=127.0.0.3 name=boot/linux bytes=0 "
	    "of=200000 ms=70");
	close(c.fd);
}

static void
tftp_probe_and_one_port_for_all(void **state)
{
	struct client c;
	uint16_t first;

	NEEDS_SENDER();
	c = client_open();
	grant(c.port, TFTP_TSIZE, 0, 0, 5000);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 6);
	/* The same request again, answered by the same grant: nothing more is sent. */
	grant(c.port, TFTP_TSIZE, 0, 0, 5000);
	assert_false(client_receive(&c, 300));
	first = c.server.sin_port;
	client_send(&c, 5, 8);
	expect_line("event=tftp-probe session=abcd1234");
	/* The next request from the same port comes from another socket. */
	grant(c.port, TFTP_BLKSIZE, 600, 0, 5000);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 6);
	assert_int_not_equal(c.server.sin_port, first);
	client_send(&c, 4, 0);
	download(&c, 5000, 600, 1, 0);
	expect_line(" bytes=5000 ");
	close(c.fd);
}

static void
tftp_denials_and_strangers(void **state)
{
	struct msg m = {.nr = MSG_TFTP_DENY_TELL};
	struct client c, stranger;

	NEEDS_SENDER();
	c = client_open();
	m.u.tftp_deny_tell.peer = addr_v4(CLIENT);
	m.u.tftp_deny_tell.port = c.port;
	m.u.tftp_deny_tell.local = addr_v4(SERVER);
	m.u.tftp_deny_tell.code = 1;
	send_order(&m);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 5);
	assert_int_equal(c.bytes[3], 1);
	/* A transfer on another port; a stranger meddles with it. */
	grant(c.port, 0, 0, 0, 2000);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 3);
	stranger = client_open();
	stranger.server = c.server;
	client_send(&stranger, 4, 1);
	assert_true(client_receive(&stranger, WAIT_MS));
	assert_int_equal(opcode_of(&stranger), 5);
	assert_int_equal(stranger.bytes[3], 5);
	client_send(&stranger, 5, 0);
	assert_false(client_receive(&stranger, 200));
	/* At another of our addresses: not that transfer. */
	client_send(&c, 4, 1);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(c.bytes[3], 2);
	client_send(&c, 5, 0);
	expect_line("bytes=512 of=2000");
	close(c.fd);
	close(stranger.fd);
}

static void
tftp_refuses_bad_addresses(void **state)
{
	struct msg m = {.nr = MSG_TFTP_DENY_TELL};

	NEEDS_SENDER();
	m.u.tftp_deny_tell.peer = addr_v4(0xe0000001); /* multicast */
	m.u.tftp_deny_tell.port = 9;
	m.u.tftp_deny_tell.local = addr_v4(SERVER);
	send_order(&m);
	expect_line("event=tftp-refused reason=address");
}

/* ---------------------------------------------------------------------------- HTTP */

static int
http_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(CLIENT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	a.sin_addr.s_addr = htonl(SERVER);
	a.sin_port = htons(w.http_port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static uint64_t
announced(void)
{
	struct msg m;

	expect(&w.broker, MSG_CONN_TELL, &m);
	assert_int_equal(addr_to_v4(&m.u.conn_tell.peer), CLIENT);
	assert_int_equal(addr_to_v4(&m.u.conn_tell.local), SERVER);
	assert_int_equal(m.u.conn_tell.conn >> 40, 7);
	return m.u.conn_tell.conn;
}

static void
relayed(uint64_t conn, const char *text)
{
	struct msg m;

	expect(&w.parser, MSG_BYTES_TELL, &m);
	assert_int_equal(m.u.bytes_tell.conn, conn);
	assert_int_equal(m.u.bytes_tell.data.len, strlen(text));
	assert_memory_equal(m.u.bytes_tell.data.b, text, strlen(text));
}

static void
http_order(uint64_t conn, uint64_t length, bool keep)
{
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL};
	struct msg_http_grant_tell *g = &m.u.http_grant_tell;

	g->conn = conn;
	g->session = 0xbeef;
	g->status = 200;
	g->keep = keep;
	g->memfd = 1;
	g->offset = 10;
	g->length = g->total = length;
	strcpy(g->name, "/boot/linux");
	send_order(&m);
}

/* Reads a header and `length` bytes of the file. */
static void
expect_answer(int fd, const char *status, size_t length)
{
	static uint8_t bytes[FILE_SIZE + 1024];
	size_t got = 0, want = sizeof bytes;
	char expected[64];

	while (got < want) {
		uint8_t *end;
		ssize_t n;

		wait_readable(fd, WAIT_MS);
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
		assert_memory_equal(bytes + want - length, w.file + 10, length);
}

static void
expect_closed(int fd)
{
	char c;

	wait_readable(fd, WAIT_MS);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	close(fd);
}

static void
expect_end(uint64_t conn)
{
	struct msg m;

	expect(&w.broker, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, conn);
	expect(&w.parser, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, conn);
}

static void
http_keep_alive_and_close(void **state)
{
	struct msg m;
	uint64_t conn;
	int fd;

	NEEDS_SENDER();
	fd = http_connect();
	conn = announced();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send(fd, "GET /x", 6, 0), 6);
		relayed(conn, "GET /x");
		assert_int_equal(send(fd, "\r\n\r\n", 4, 0), 4);
		relayed(conn, "\r\n\r\n");
		http_order(conn, 250000 + i, true);
		expect_answer(fd, "HTTP/1.1 200 OK\r\n", 250000 + i);
		expect(&w.parser, MSG_NEXT_TELL, &m);
		assert_int_equal(m.u.next_tell.conn, conn);
	}
	expect_line("event=http-sent session=0000beef peer=127.0.0.3 name=/boot/linux "
		    "bytes=250002 ");
	assert_int_equal(send(fd, "GET /y", 6, 0), 6);
	relayed(conn, "GET /y");
	http_order(conn, 10, false);
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", 10);
	expect_end(conn);
	expect_closed(fd);
	/* An answer for a connection that is gone is late, not wrong. */
	http_order(conn, 10, false);
}

/* One head's worth is relayed, not a byte more, until the answer is out. */
static void
http_relays_one_head(void **state)
{
	static char bytes[20000];
	struct msg m;
	uint64_t conn;
	size_t got = 0;
	int fd;

	NEEDS_SENDER();
	memset(bytes, 'a', sizeof bytes);
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	while (got < 8192) {
		expect(&w.parser, MSG_BYTES_TELL, &m);
		got += m.u.bytes_tell.data.len;
	}
	assert_int_equal(got, 8192);
	struct pollfd p = {w.parser.fd, POLLIN, 0};

	assert_int_equal(poll(&p, 1, 200), 0);
	http_order(conn, 5, true);
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", 5);
	expect(&w.parser, MSG_NEXT_TELL, &m);
	for (got = 0; got < 8192; got += m.u.bytes_tell.data.len)
		expect(&w.parser, MSG_BYTES_TELL, &m);
	assert_int_equal(poll(&p, 1, 200), 0);
	close(fd);
	expect_end(conn);
}

static void
http_deadlines(void **state)
{
	uint64_t conn, began;
	struct msg m;
	int fd;

	NEEDS_SENDER();
	/* A head that does not end: 408 after one second here. */
	began = clock_mono_ms();
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	relayed(conn, "GET");
	expect_answer(fd, "HTTP/1.1 408 Request Timeout\r\n", 20);
	assert_in_range(clock_mono_ms() - began, 950, 1500);
	expect_end(conn);
	expect_closed(fd);
	/* Idle after an answer: closed after two, without a word. */
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	relayed(conn, "GET");
	http_order(conn, 5, true);
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", 5);
	expect(&w.parser, MSG_NEXT_TELL, &m);
	began = clock_mono_ms();
	expect_closed(fd);
	assert_in_range(clock_mono_ms() - began, 1900, 2500);
	expect_end(conn);
}

static void
http_slow_reader_is_cut(void **state)
{
	static uint8_t big[64 << 20];
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL};
	uint64_t conn;
	int fd;

	NEEDS_SENDER();
	give_object(9, big, sizeof big);
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	relayed(conn, "GET");
	m.u.http_grant_tell.conn = conn;
	m.u.http_grant_tell.status = 200;
	m.u.http_grant_tell.memfd = 9;
	m.u.http_grant_tell.length = m.u.http_grant_tell.total = sizeof big;
	send_order(&m);
	/* Reading nothing: when the socket is full, the rate is nothing. */
	expect_line("reason=too-slow");
	expect_end(conn);
	close(fd);
}

static void
http_half_close_is_answered(void **state)
{
	uint64_t conn;
	int fd;

	NEEDS_SENDER();
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	relayed(conn, "GET");
	http_order(conn, 250000, false);
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", 250000);
	expect_end(conn);
	expect_closed(fd);
}

static void
http_address_limit(void **state)
{
	uint64_t conns[8];
	int fds[8], extra;
	struct msg m;
	char c;

	NEEDS_SENDER();
	for (unsigned i = 0; i < 8; i++) {
		fds[i] = http_connect();
		conns[i] = announced();
	}
	extra = http_connect();
	wait_readable(extra, WAIT_MS);
	assert_true(recv(extra, &c, 1, 0) <= 0);
	close(extra);
	expect_line("event=http-refused peer=127.0.0.3 reason=address-limit");
	for (unsigned i = 0; i < 8; i++) {
		close(fds[i]);
		/* http-parser never heard of it, and hears nothing now. */
		expect(&w.broker, MSG_END_TELL, &m);
		assert_int_equal(m.u.end_tell.conn, conns[i]);
	}
	extra = http_connect();
	(void)announced();
	close(extra);
	expect(&w.broker, MSG_END_TELL, &m);
}

static void
http_denials(void **state)
{
	struct msg m = {.nr = MSG_HTTP_DENY_TELL}, next;
	uint64_t conn;
	int fd;

	NEEDS_SENDER();
	fd = http_connect();
	conn = announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	relayed(conn, "GET");
	m.u.http_deny_tell.conn = conn;
	m.u.http_deny_tell.status = 404;
	m.u.http_deny_tell.keep = 1;
	send_order(&m);
	expect_answer(fd, "HTTP/1.1 404 Not Found\r\n", 14);
	expect(&w.parser, MSG_NEXT_TELL, &next);
	close(fd);
	expect_end(conn);
}

/* --------------------------------------------------------------- neighbours, faults */

static void
broker_restarts(void **state)
{
	struct client c;
	struct msg m;
	uint64_t idle, asking;
	int fd_idle, fd_asking;

	NEEDS_SENDER();
	fd_idle = http_connect();
	idle = announced();
	fd_asking = http_connect();
	asking = announced();
	assert_int_equal(send(fd_asking, "GET", 3, 0), 3);
	relayed(asking, "GET");
	c = client_open();
	grant(c.port, TFTP_BLKSIZE, 1000, 0, 50000);
	assert_true(client_receive(&c, WAIT_MS));
	client_send(&c, 4, 0);
	/* Dead, with an order and an object on the way. */
	gone(ROLE_BROKER);
	expect(&w.broker, MSG_RESET_TELL, &m);
	expect(&w.broker, MSG_CONN_TELL, &m);
	assert_int_equal(m.u.conn_tell.conn, idle);
	expect_closed(fd_asking);
	expect(&w.parser, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, asking);
	/* The transfer goes on, though its object's number is void. */
	download(&c, 50000, 1000, 1, 0);
	grant(c.port, TFTP_BLKSIZE, 1000, 0, 50000);
	assert_true(client_receive(&c, WAIT_MS));
	assert_int_equal(opcode_of(&c), 5);
	expect_line("reason=object-unknown");
	give_object(1, w.file, FILE_SIZE);
	assert_int_equal(send(fd_idle, "GET", 3, 0), 3);
	relayed(idle, "GET");
	http_order(idle, 1000, false);
	expect_answer(fd_idle, "HTTP/1.1 200 OK\r\n", 1000);
	expect_end(idle);
	expect_closed(fd_idle);
	close(c.fd);
}

static void
parser_restarts(void **state)
{
	uint64_t idle, asking;
	int fd_idle, fd_asking;
	struct msg m;

	NEEDS_SENDER();
	fd_idle = http_connect();
	idle = announced();
	fd_asking = http_connect();
	asking = announced();
	assert_int_equal(send(fd_asking, "GET", 3, 0), 3);
	relayed(asking, "GET");
	gone(ROLE_HTTP_PARSER);
	expect(&w.parser, MSG_RESET_TELL, &m);
	expect_closed(fd_asking);
	expect(&w.broker, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, asking);
	assert_int_equal(send(fd_idle, "GET", 3, 0), 3);
	relayed(idle, "GET");
	http_order(idle, 1000, false);
	expect_answer(fd_idle, "HTTP/1.1 200 OK\r\n", 1000);
	expect_end(idle);
	expect_closed(fd_idle);
}

static void
unsealed_object_is_a_breach(void **state)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};
	int fd;

	NEEDS_SENDER();
	fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	m.u.memfd_tell.memfd = 2;
	assert_int_equal(chan_send_fd(&w.broker, &m, fd), 0);
	close(fd);
	expect_fault(ROLE_BROKER);
	gone(ROLE_BROKER);
}

static void
answer_for_nobody_is_a_breach(void **state)
{
	NEEDS_SENDER();
	/* An earlier start's number is late; one that was never issued is wrong. */
	http_order(UINT64_C(6) << 40 | 5, 10, false);
	http_order(UINT64_C(7) << 40 | 12345, 10, false);
	expect_fault(ROLE_BROKER);
	gone(ROLE_BROKER);
}

static void
word_of_the_parser_is_a_breach(void **state)
{
	struct msg m = {.nr = MSG_NEXT_TELL};
	uint8_t bytes[MSG_SIZE_MAX];
	int len = msg_encode(&m, bytes, sizeof bytes);

	NEEDS_SENDER();
	assert_int_equal(send(w.parser.fd, bytes, (size_t)len, 0), len);
	expect_fault(ROLE_HTTP_PARSER);
	gone(ROLE_HTTP_PARSER);
}

/* Nobody reads the channels: no connection is lost, every byte arrives in the end. */
static void
full_channels_lose_nothing(void **state)
{
	enum { CONNS = 8, ROUNDS = 400 };
	uint64_t nr[CONNS];
	unsigned next[CONNS] = {0}, ends = 0;
	int fds[CONNS];
	struct msg m;

	NEEDS_SENDER();
	for (unsigned i = 0; i < CONNS; i++) {
		fds[i] = http_connect();
		nr[i] = announced();
	}
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned i = 0; i < CONNS; i++) {
			uint8_t b = (uint8_t)r;

			assert_int_equal(send(fds[i], &b, 1, 0), 1);
		}
		if (r % 4 == 0)
			usleep(500);
	}
	for (unsigned i = 0; i < CONNS; i++)
		close(fds[i]);
	for (unsigned i = 0; i < CONNS; i++)
		next[i] = 0;
	while (ends < CONNS) {
		unsigned i;

		if (chan_recv(&w.parser, &m, NULL) == 0) {
			wait_readable(w.parser.fd, WAIT_MS);
			continue;
		}
		if (m.nr == MSG_END_TELL) {
			ends++;
			continue;
		}
		assert_int_equal(m.nr, MSG_BYTES_TELL);
		for (i = 0; i < CONNS && nr[i] != m.u.bytes_tell.conn; i++)
			;
		assert_in_range(i, 0, CONNS - 1);
		for (unsigned k = 0; k < m.u.bytes_tell.data.len; k++)
			assert_int_equal(m.u.bytes_tell.data.b[k], (uint8_t)next[i]++);
	}
	for (unsigned i = 0; i < CONNS; i++)
		assert_int_equal(next[i], ROUNDS);
	for (unsigned i = 0; i < CONNS; i++)
		expect(&w.broker, MSG_END_TELL, &m);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(tftp_without_options),
	    CASE(tftp_with_options),
	    CASE(tftp_windows_and_losses),
	    CASE(tftp_silent_peer),
	    CASE(tftp_probe_and_one_port_for_all),
	    CASE(tftp_denials_and_strangers),
	    CASE(tftp_refuses_bad_addresses),
	    CASE(http_keep_alive_and_close),
	    CASE(http_relays_one_head),
	    CASE(http_deadlines),
	    CASE(http_slow_reader_is_cut),
	    CASE(http_half_close_is_answered),
	    CASE(http_address_limit),
	    CASE(http_denials),
	    CASE(broker_restarts),
	    CASE(parser_restarts),
	    CASE(unsealed_object_is_a_breach),
	    CASE(answer_for_nobody_is_a_breach),
	    CASE(word_of_the_parser_is_a_breach),
	    CASE(full_channels_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
