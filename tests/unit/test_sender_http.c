/*
 * HTTP by the real file-sender in its cage (without it in sanitizer builds), and what
 * becomes of transfers when a neighbour dies or breaks a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/wire/tftp.h"
#include "tests/lib/sender_rig.h"

static void
http_keep_alive_and_close(void **state)
{
	struct msg m;
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	fd = rig_http_connect();
	conn = rig_http_announced();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send(fd, "GET /x", 6, 0), 6);
		rig_expect(&rig.parser, MSG_BYTES_TELL, &m);
		/* That the answer before is out, is said with the first bytes after it. */
		assert_int_equal(m.u.bytes_tell.next, i > 0);
		assert_int_equal(m.u.bytes_tell.data.len, 6);
		assert_int_equal(send(fd, "\r\n\r\n", 4, 0), 4);
		rig_http_relayed(conn, "\r\n\r\n");
		rig.asked_used = 10;
		rig_http_grant(conn, 250000 + i, true);
		rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 250000 + i);
	}
	rig_expect_line("event=http-sent session=0000beef peer=127.0.0.3 name=/boot/linux "
			"bytes=250002 ");
	assert_int_equal(send(fd, "GET /y", 6, 0), 6);
	rig_http_relayed(conn, "GET /y");
	rig_http_grant(conn, 10, false);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 10);
	rig_http_end(conn);
	rig_http_closed(fd);
	/* An answer for a connection that is rig_gone is late, not wrong. */
	rig_http_grant(conn, 10, false);
}

static size_t
relayed_in_all(size_t want, unsigned nr_before)
{
	struct msg m;
	size_t got = 0;

	if (nr_before != 0)
		rig_expect(&rig.parser, nr_before, &m);
	while (got < want) {
		rig_expect(&rig.parser, MSG_BYTES_TELL, &m);
		assert_int_equal(m.u.bytes_tell.next, 0);
		got += m.u.bytes_tell.data.len;
	}
	return got;
}

/* Of what no answer has used up, one head's worth is relayed and not a byte more. */
static void
http_relays_one_head(void **state)
{
	static char bytes[20000];
	struct pollfd p = {rig.parser.fd, POLLIN, 0};
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	p.fd = rig.parser.fd;
	memset(bytes, 'a', sizeof bytes);
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	assert_int_equal(relayed_in_all(8192, 0), 8192);
	assert_int_equal(poll(&p, 1, 200), 0);
	rig.asked = conn;
	rig.asked_used = 1000;
	rig_http_grant(conn, 5, true);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 5);
	assert_int_equal(relayed_in_all(1000, MSG_NEXT_TELL), 1000);
	assert_int_equal(poll(&p, 1, 200), 0);
	rig.asked_used = 8192;
	rig_http_grant(conn, 5, true);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 5);
	/* The parser has nothing left: the next bytes say that it may go on. */
	struct msg m;

	rig_expect(&rig.parser, MSG_BYTES_TELL, &m);
	assert_int_equal(m.u.bytes_tell.next, 1);
	assert_int_equal(relayed_in_all(8192 - m.u.bytes_tell.data.len, 0),
	    8192 - m.u.bytes_tell.data.len);
	assert_int_equal(poll(&p, 1, 200), 0);
	close(fd);
	rig_http_end(conn);
}

/* Nobody can have asked for more than was relayed, or when nothing was: http-parser lies,
 * and its client pays. */
static void
http_answers_to_nothing(void **state)
{
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	rig.asked_used = 4;
	rig_http_grant(conn, 5, true);
	rig_expect_line("event=http-unasked");
	rig_http_end(conn);
	close(fd);
	fd = rig_http_connect();
	conn = rig_http_announced();
	rig_http_grant(conn, 5, true);
	struct msg m;

	rig_expect(&rig.broker, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, conn);
	close(fd);
}

static void
http_deadlines(void **state)
{
	uint64_t conn, began;
	int fd;

	RIG_NEEDED();
	/* A head that does not end: 408 after one second here. */
	began = clock_mono_ms();
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	rig_http_answer(fd, "HTTP/1.1 408 Request Timeout\r\n", 20);
	assert_in_range(clock_mono_ms() - began, 950, 1500);
	rig_http_end(conn);
	rig_http_closed(fd);
	/* Idle after an answer: closed after two, without a word. */
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	rig_http_grant(conn, 5, true);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 5);
	began = clock_mono_ms();
	rig_http_closed(fd);
	assert_in_range(clock_mono_ms() - began, 1900, 2500);
	rig_http_end(conn);
}

static void
http_slow_reader_is_cut(void **state)
{
	static uint8_t big[64 << 20];
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL};
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	rig_object(9, big, sizeof big);
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	m.u.http_grant_tell.conn = conn;
	m.u.http_grant_tell.used = 3;
	m.u.http_grant_tell.status = 200;
	m.u.http_grant_tell.memfd = 9;
	m.u.http_grant_tell.length = m.u.http_grant_tell.total = sizeof big;
	rig_order(&m);
	/* Reading nothing: when the socket is full, the rate is nothing. */
	rig_expect_line("reason=too-slow");
	rig_http_end(conn);
	close(fd);
}

static void
http_half_close_is_answered(void **state)
{
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	rig_http_relayed(conn, "GET");
	rig_http_grant(conn, 250000, false);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 250000);
	rig_http_end(conn);
	rig_http_closed(fd);
}

static void
http_address_limit(void **state)
{
	uint64_t conns[8];
	int fds[8], extra;
	struct msg m;
	char c;

	RIG_NEEDED();
	for (unsigned i = 0; i < 8; i++) {
		fds[i] = rig_http_connect();
		conns[i] = rig_http_announced();
	}
	extra = rig_http_connect();
	rig_wait(extra, RIG_WAIT_MS);
	assert_true(recv(extra, &c, 1, 0) <= 0);
	close(extra);
	rig_expect_line("event=http-refused peer=127.0.0.3 reason=address-limit");
	for (unsigned i = 0; i < 8; i++) {
		close(fds[i]);
		/* http-parser never heard of it, and hears nothing now. */
		rig_expect(&rig.broker, MSG_END_TELL, &m);
		assert_int_equal(m.u.end_tell.conn, conns[i]);
	}
	extra = rig_http_connect();
	(void)rig_http_announced();
	close(extra);
	rig_expect(&rig.broker, MSG_END_TELL, &m);
}

static void
http_denials(void **state)
{
	struct msg m = {.nr = MSG_HTTP_DENY_TELL};
	uint64_t conn;
	int fd;

	RIG_NEEDED();
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	m.u.http_deny_tell.conn = conn;
	m.u.http_deny_tell.used = 3;
	m.u.http_deny_tell.status = 404;
	m.u.http_deny_tell.keep = 1;
	rig_order(&m);
	rig_http_answer(fd, "HTTP/1.1 404 Not Found\r\n", 14);
	close(fd);
	rig_http_end(conn);
}

/* A part of the object, then a header alone, then two requests that came together and
 * whose sender has closed its side. */
static void
http_ranges_heads_and_pipelines(void **state)
{
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL}, next;
	struct msg_http_grant_tell *g = &m.u.http_grant_tell;
	uint8_t bytes[1024];
	uint64_t conn;
	ssize_t n;
	int fd;

	RIG_NEEDED();
	fd = rig_http_connect();
	conn = rig_http_announced();
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	rig_http_relayed(conn, "GET");
	*g = (struct msg_http_grant_tell){
	    .conn = conn, .used = 3, .status = 206, .keep = 1, .memfd = 1};
	g->offset = 5000;
	g->first = 100;
	g->length = 50;
	g->total = 1000;
	rig_order(&m);
	rig_wait(fd, RIG_WAIT_MS);
	n = recv(fd, bytes, sizeof bytes, 0);
	assert_true(n > 50);
	assert_non_null(
	    memmem(bytes, (size_t)n, "\r\nContent-Range: bytes 100-149/1000\r\n", 37));
	assert_memory_equal(bytes + n - 50, rig.file + 5100, 50);
	/* HEAD: the length of the object, and nothing behind the header. */
	assert_int_equal(send(fd, "HEAD", 4, 0), 4);
	rig_http_relayed(conn, "HEAD");
	g->status = 200;
	g->used = 4;
	g->head = 1;
	g->first = 0;
	g->length = 1000;
	rig_order(&m);
	rig_wait(fd, RIG_WAIT_MS);
	n = recv(fd, bytes, sizeof bytes, 0);
	assert_true(n > 4);
	assert_non_null(memmem(bytes, (size_t)n, "\r\nContent-Length: 1000\r\n", 24));
	assert_memory_equal(bytes + n - 4, "\r\n\r\n", 4);
	assert_int_equal(send(fd, "twice", 5, 0), 5);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	rig_http_relayed(conn, "twice");
	rig.asked_used = 2;
	rig_http_grant(conn, 7, true);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 7);
	rig_expect(&rig.parser, MSG_NEXT_TELL, &next);
	rig.asked_used = 3;
	rig_http_grant(conn, 9, true);
	rig_http_answer(fd, "HTTP/1.1 200 OK\r\n", 9);
	rig_http_closed(fd);
	rig_http_end(conn);
}

/* An object that is not there, or not so long, is not sent. */
static void
http_unknown_objects(void **state)
{
	struct msg m = {.nr = MSG_HTTP_GRANT_TELL};
	struct msg_http_grant_tell *g = &m.u.http_grant_tell;

	RIG_NEEDED();
	for (unsigned i = 0; i < 3; i++) {
		int fd = rig_http_connect();
		uint64_t conn = rig_http_announced();

		assert_int_equal(send(fd, "GET", 3, 0), 3);
		rig_http_relayed(conn, "GET");
		*g = (struct msg_http_grant_tell){
		    .conn = conn, .used = 3, .status = 200, .memfd = 1};
		g->length = g->total = 10;
		g->memfd = i == 0 ? 77 : 1;
		g->offset = i == 1 ? RIG_FILE_SIZE - 9 : i == 2 ? UINT64_MAX - 3 : 0;
		rig_order(&m);
		rig_http_answer(fd, "HTTP/1.1 503 Service Unavailable\r\n", 24);
		rig_http_end(conn);
		rig_http_closed(fd);
	}
}

/* --------------------------------------------------------------- neighbours, faults */

static void
broker_restarts(void **state)
{
	struct rig_client c;
	struct msg m;
	uint64_t idle, asking;
	int fd_idle, fd_asking;

	RIG_NEEDED();
	fd_idle = rig_http_connect();
	idle = rig_http_announced();
	fd_asking = rig_http_connect();
	asking = rig_http_announced();
	assert_int_equal(send(fd_asking, "GET", 3, 0), 3);
	rig_http_relayed(asking, "GET");
	c = rig_client_open();
	rig_grant(c.port, TFTP_BLKSIZE, 1000, 0, 50000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	rig_client_send(&c, 4, 0);
	/* Dead, with an order and an object on the way. */
	rig_gone(ROLE_BROKER);
	rig_expect(&rig.broker, MSG_RESET_TELL, &m);
	rig_expect(&rig.broker, MSG_CONN_TELL, &m);
	assert_int_equal(m.u.conn_tell.conn, idle);
	rig_http_closed(fd_asking);
	rig_expect(&rig.parser, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, asking);
	/* The transfer goes on, though its object's number is void. */
	rig_client_download(&c, 50000, 1000, 1, 0);
	rig_grant(c.port, TFTP_BLKSIZE, 1000, 0, 50000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 5);
	rig_expect_line("reason=object-unknown");
	rig_object(1, rig.file, RIG_FILE_SIZE);
	assert_int_equal(send(fd_idle, "GET", 3, 0), 3);
	rig_http_relayed(idle, "GET");
	rig_http_grant(idle, 1000, false);
	rig_http_answer(fd_idle, "HTTP/1.1 200 OK\r\n", 1000);
	rig_http_end(idle);
	rig_http_closed(fd_idle);
	close(c.fd);
}

static void
parser_restarts(void **state)
{
	struct pollfd p = {.events = POLLIN};
	uint64_t idle, asking;
	int fd_idle, fd_asking;
	struct msg m;

	RIG_NEEDED();
	p.fd = rig.broker.fd;
	fd_idle = rig_http_connect();
	idle = rig_http_announced();
	fd_asking = rig_http_connect();
	asking = rig_http_announced();
	assert_int_equal(send(fd_asking, "GET", 3, 0), 3);
	rig_http_relayed(asking, "GET");
	rig_gone(ROLE_HTTP_PARSER);
	rig_expect(&rig.parser, MSG_FORGET_TELL, &m);
	rig_http_closed(fd_asking);
	rig_expect(&rig.broker, MSG_END_TELL, &m);
	assert_int_equal(m.u.end_tell.conn, asking);
	/* As long as there is nobody to read its requests, no connection is taken: it
	 * waits, for another worker if there is one. */
	fd_asking = rig_http_connect();
	assert_int_equal(poll(&p, 1, 200), 0);
	rig_parser_here();
	(void)rig_http_announced();
	close(fd_asking);
	rig_expect(&rig.broker, MSG_END_TELL, &m);
	assert_int_equal(send(fd_idle, "GET", 3, 0), 3);
	rig_http_relayed(idle, "GET");
	rig_http_grant(idle, 1000, false);
	rig_http_answer(fd_idle, "HTTP/1.1 200 OK\r\n", 1000);
	rig_http_end(idle);
	rig_http_closed(fd_idle);
}

static void
unsealed_object_is_a_breach(void **state)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};
	int fd;

	RIG_NEEDED();
	fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	m.u.memfd_tell.memfd = 2;
	assert_int_equal(chan_send_fd(&rig.broker, &m, fd), 0);
	close(fd);
	rig_expect_fault(ROLE_BROKER);
	rig_gone(ROLE_BROKER);
}

static void
answer_for_nobody_is_a_breach(void **state)
{
	RIG_NEEDED();
	/* An earlier start's number is late; one that was never issued is wrong. */
	rig_http_grant(UINT64_C(6) << 40 | 5, 10, false);
	rig_http_grant(UINT64_C(7) << 40 | 12345, 10, false);
	rig_expect_fault(ROLE_BROKER);
	rig_gone(ROLE_BROKER);
}

static void
word_of_the_parser_is_a_breach(void **state)
{
	struct msg m = {.nr = MSG_NEXT_TELL};
	uint8_t bytes[MSG_SIZE_MAX];
	int len = msg_encode(&m, bytes, sizeof bytes);

	RIG_NEEDED();
	assert_int_equal(send(rig.parser.fd, bytes, (size_t)len, 0), len);
	rig_expect_fault(ROLE_HTTP_PARSER);
	rig_gone(ROLE_HTTP_PARSER);
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

	RIG_NEEDED();
	for (unsigned i = 0; i < CONNS; i++) {
		fds[i] = rig_http_connect();
		nr[i] = rig_http_announced();
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

		if (chan_recv(&rig.parser, &m, NULL) == 0) {
			rig_wait(rig.parser.fd, RIG_WAIT_MS);
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
		rig_expect(&rig.broker, MSG_END_TELL, &m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_CASE(http_keep_alive_and_close),
	    RIG_CASE(http_relays_one_head),
	    RIG_CASE(http_answers_to_nothing),
	    RIG_CASE(http_deadlines),
	    RIG_CASE(http_slow_reader_is_cut),
	    RIG_CASE(http_half_close_is_answered),
	    RIG_CASE(http_address_limit),
	    RIG_CASE(http_denials),
	    RIG_CASE(http_ranges_heads_and_pipelines),
	    RIG_CASE(http_unknown_objects),
	    RIG_CASE(broker_restarts),
	    RIG_CASE(parser_restarts),
	    RIG_CASE(unsealed_object_is_a_breach),
	    RIG_CASE(answer_for_nobody_is_a_breach),
	    RIG_CASE(word_of_the_parser_is_a_breach),
	    RIG_CASE(full_channels_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
