/*
 * Connections of http-parser: the same answers however the bytes are cut, bounded tables,
 * and limits on what a file-sender may do.
 */
#include "src/http-parser/conns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIECE 2048 /* the most of one BYTES_TELL */

/* What came out, in short: "G7:a" for a GET, "H7:a" for a HEAD (in lower case when the
 * connection will not stay), "B7:400" or, for a HEAD, "b7:400". */
struct seen {
	char text[4096];
	unsigned messages;
	struct msg last;
};

static struct seen seen;

static void
collect(void *arg, const struct msg *m)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);
	char *end = s->text + len;
	uint8_t bytes[MSG_SIZE_MAX];

	/* Whatever comes out must fit into its message. */
	assert_true(msg_encode(m, bytes, sizeof bytes) > 0);
	s->messages++;
	s->last = *m;
	if (m->nr == MSG_GET_TELL) {
		char kind = m->u.get_tell.method == HTTP_HEAD ? 'H' : 'G';

		snprintf(end, sizeof s->text - len, "%c%llu:%s ",
		    m->u.get_tell.keep ? kind : kind + 32,
		    (unsigned long long)m->u.get_tell.conn, m->u.get_tell.path);
		return;
	}
	assert_int_equal(m->nr, MSG_BAD_TELL);
	snprintf(end, sizeof s->text - len, "%c%llu:%u ", m->u.bad_tell.head ? 'b' : 'B',
	    (unsigned long long)m->u.bad_tell.conn, m->u.bad_tell.status);
}

static struct conns *
make(unsigned entries, unsigned buffers)
{
	struct conns *c = conns_init(entries, buffers, collect, &seen);

	assert_non_null(c);
	memset(&seen, 0, sizeof seen);
	return c;
}

static void
saw(const char *text)
{
	assert_string_equal(seen.text, text);
	seen.text[0] = '\0';
}

static int
feed_next(struct conns *c, uint64_t conn, bool next, const char *bytes, size_t len)
{
	uint8_t *exact = malloc(len == 0 ? 1 : len);
	int err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	err = conns_bytes(c, conn, next, exact, len);
	free(exact);
	return err;
}

static int
feed(struct conns *c, uint64_t conn, const char *bytes, size_t len)
{
	return feed_next(c, conn, false, bytes, len);
}

static void
feed_text(struct conns *c, uint64_t conn, const char *text)
{
	assert_int_equal(feed(c, conn, text, strlen(text)), 0);
}

static void
assert_held(const struct conns *c, unsigned entries, unsigned buffers)
{
	struct conns_count n = conns_count(c);

	assert_int_equal(n.entries, entries);
	assert_int_equal(n.buffers, buffers);
}

#define GET(path) "GET /" path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void
a_request_is_passed_on_and_forgotten(void **state)
{
	struct conns *c = make(8, 4);

	(void)state;
	feed_text(c, 7, GET("a"));
	saw("G7:a ");
	assert_held(c, 1, 0);
	conns_next(c, 7);
	assert_held(c, 0, 0);
	feed_text(c, 7, "HEAD /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	saw("h7:b ");
	feed_text(c, 7, GET("c"));
	conns_next(c, 7);
	saw("");
	assert_held(c, 1, 0);
	conns_end(c, 7);
	assert_held(c, 0, 0);
	conns_end(c, 7);
	conns_next(c, 7);
	saw("");
	conns_free(c);
}

static void
every_field_is_carried(void **state)
{
	struct conns *c = make(8, 4);
	const struct msg_get_tell *g = &seen.last.u.get_tell;
	static const uint8_t tag[16] = {
	    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0, 1, 2, 3, 4, 5, 6, 7};

	(void)state;
#define TAG "\"a0a1a2a3a4a5a6a70001020304050607\""
	feed_text(c, UINT64_MAX,
	    "GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=5-9\r\nIf-Range: " TAG
	    "\r\nIf-Match: " TAG "," TAG "\r\nIf-None-Match: " TAG "\r\n\r\n");
	assert_int_equal(g->range, 1);
	assert_int_equal(g->first, 5);
	assert_int_equal(g->last, 9);
	assert_int_equal(g->conditions, 1 | 2 | 4);
	assert_int_equal(g->match.len, 32);
	assert_int_equal(g->none_match.len, 16);
	assert_int_equal(g->range_tag.len, 16);
	assert_memory_equal(g->match.b + 16, tag, 16);
	assert_memory_equal(g->none_match.b, tag, 16);
	assert_memory_equal(g->range_tag.b, tag, 16);
	assert_int_equal(g->conn, UINT64_MAX);
	feed_text(c, 2,
	    "GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=-5\r\n"
	    "If-Range: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
	    "If-Modified-Since: Thu, 01 Jan 1970 00:00:02 GMT\r\n"
	    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:03 GMT\r\n\r\n");
	assert_int_equal(g->range, 3);
	assert_int_equal(g->last, 5);
	assert_int_equal(g->conditions, 8 | 16 | 128);
	assert_int_equal(g->range_since, 1);
	assert_int_equal(g->modified_since, 2);
	assert_int_equal(g->unmodified_since, 3);
	assert_int_equal(g->range_tag.len, 0);
	conns_free(c);
}

/* Each text with a NEXT_TELL after each GET: the answers of the whole. */
static const char *const texts[] = {
    GET("a"),
    GET("a") GET("b") "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n" GET("d"),
    GET("a") "GET /../b HTTP/1.1\r\nHost: h\r\n\r\n" GET("c"),
    GET("a") "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    GET("a") "GET /b HTTP/1.0\r\n\r\n" GET("c"),
    GET("a") "\r\n" GET("b"),
    "GET /a HTTP/1.1\nHost: h\n\n",
    "HEAD /a HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n" GET("b"),
    "\x16\x03\x01\x02",
    "GET /a HTTP/1.1\r\nHost: h\r\n",
};

/* What file-sender does: never more bytes ahead than a head may have; when an answer is
 * out, NEXT_TELL if there are some, else the word with the next bytes. */
struct relay {
	struct conns *c;
	size_t pending;
	bool due;
	unsigned answered;
};

static void
relay_answers(struct relay *r)
{
	while (r->answered < seen.messages && seen.last.nr == MSG_GET_TELL) {
		assert_int_equal(++r->answered, seen.messages);
		assert_in_range(seen.last.u.get_tell.used, 1, r->pending);
		r->pending -= seen.last.u.get_tell.used;
		if (r->pending > 0)
			conns_next(r->c, 1);
		r->due = r->pending == 0;
	}
}

static void
relay_bytes(struct relay *r, const char *bytes, size_t len)
{
	assert_in_range(len, 1, HTTP_HEAD_MAX - r->pending);
	r->pending += len;
	assert_int_equal(feed_next(r->c, 1, r->due, bytes, len), 0);
	r->due = false;
}

/* Feeds len bytes in two pieces, or in pieces of `step`. Answers come at once, or when all
 * bytes are there. */
static void
run_cut(const char *text, size_t cut, size_t step, bool late)
{
	struct relay r = {.c = make(4, 2)};
	size_t len = strlen(text), at = 0;

	while (at < len) {
		size_t n = step > 0 ? step : at < cut ? cut : len - at;

		if (n > len - at)
			n = len - at;
		relay_bytes(&r, text + at, n);
		at += n;
		if (!late)
			relay_answers(&r);
	}
	relay_answers(&r);
	assert_true(conns_count(r.c).entries <= 1);
	conns_end(r.c, 1);
	assert_held(r.c, 0, 0);
	conns_free(r.c);
}

static void
answers_do_not_depend_on_the_cut(void **state)
{
	static const char *const want[] = {"G1:a ", "G1:a G1:b H1:c G1:d ", "G1:a B1:400 ",
	    "G1:a b1:404 ", "G1:a g1:b ", "G1:a B1:400 ", "B1:400 ", "b1:417 ", "B1:400 ",
	    ""};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (size_t cut = 0; cut < strlen(texts[i]); cut++) {
			run_cut(texts[i], cut, 0, false);
			saw(want[i]);
			run_cut(texts[i], cut, 0, true);
			saw(want[i]);
		}
		for (size_t step = 1; step < 40; step++) {
			run_cut(texts[i], 0, step, step % 2 == 0);
			saw(want[i]);
		}
	}
}

static void
what_follows_waits_for_the_answer(void **state)
{
	struct conns *c = make(4, 2);

	(void)state;
	feed_text(c, 1, GET("a") GET("b") "GET /c HT");
	saw("G1:a ");
	assert_held(c, 1, 1);
	feed_text(c, 1, "TP/1.1\r\nHost: h\r\n\r\n");
	saw("");
	conns_next(c, 1);
	saw("G1:b ");
	conns_next(c, 1);
	saw("G1:c ");
	assert_held(c, 1, 0);
	conns_next(c, 1);
	saw("");
	assert_held(c, 0, 0);
	conns_free(c);
}

/* A client that sends without end, and a file-sender that relays all it may, in pieces of
 * any size: each request is answered, and never more than a buffer is held. */
static void
ten_thousand_requests_at_once(size_t piece)
{
	static const char one[] = GET("a");
	struct relay r = {.c = make(4, 2)};
	size_t at = 0, all = 10000 * (sizeof one - 1);
	char bytes[PIECE];

	while (seen.messages < 10000) {
		size_t n = piece;

		if (n > HTTP_HEAD_MAX - r.pending)
			n = HTTP_HEAD_MAX - r.pending;
		if (n > all - at)
			n = all - at;
		for (size_t i = 0; i < n; i++)
			bytes[i] = one[(at + i) % (sizeof one - 1)];
		if (n > 0)
			relay_bytes(&r, bytes, n);
		at += n;
		if (HTTP_HEAD_MAX - r.pending < piece || at == all)
			relay_answers(&r);
		seen.text[0] = '\0';
		assert_true(conns_count(r.c).buffers <= 1);
	}
	relay_answers(&r);
	assert_int_equal(r.answered, 10000);
	assert_int_equal(r.pending, 0);
	assert_held(r.c, 1, 0);
	conns_free(r.c);
}

static void
pipelining_has_no_depth(void **state)
{
	static const size_t pieces[] = {1, 2, 29, 30, 31, 32, 33, 34, 35, 1000, PIECE};

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
		ten_thousand_requests_at_once(pieces[i]);
}

/* Who is answered and sends nothing more costs no buffer, however many there are. */
static void
the_idle_hold_nothing(void **state)
{
	struct conns *c = make(20000, 2);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		feed_text(c, i, GET("a"));
		seen.text[0] = '\0';
	}
	assert_held(c, 20000, 0);
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(feed_next(c, i, true, GET("b"), strlen(GET("b"))), 0);
	assert_int_equal(seen.messages, 40000);
	assert_held(c, 20000, 0);
	assert_int_equal(conns_count(c).evicted, 0);
	conns_free(c);
}

static void
a_head_that_does_not_end_is_refused(void **state)
{
	struct conns *c = make(4, 2);
	char piece[PIECE];

	(void)state;
	memset(piece, 'x', sizeof piece);
	feed_text(c, 1, "HEAD /");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(feed(c, 1, piece, PIECE), 0);
	saw("");
	assert_int_equal(feed(c, 1, piece, PIECE - 6), 0);
	saw("b1:414 ");
	assert_held(c, 1, 0);
	feed_text(c, 2, "GET /a HTTP/1.1\r\nHost: h\r\nX: ");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(feed(c, 2, piece, PIECE), 0);
	assert_int_equal(feed(c, 2, piece, PIECE - 29), 0);
	saw("B2:431 ");
	/* Dead: whatever comes is dropped, how much it may be. */
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(feed(c, 2, piece, PIECE), 0);
	conns_next(c, 2);
	saw("");
	conns_free(c);
}

static void
breaches_are_told(void **state)
{
	struct conns *c = make(2, 2);
	char piece[PIECE];

	(void)state;
	assert_int_equal(feed(c, 1, "", 0), ERR_RANGE);
	assert_held(c, 0, 0);
	memset(piece, 'x', sizeof piece);
	feed_text(c, 1, GET("a"));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(feed(c, 1, piece, PIECE), 0);
	assert_int_equal(feed(c, 1, piece, PIECE), 0);
	assert_int_equal(feed(c, 1, piece, 1), ERR_LONG);
	feed_text(c, 2, "G");
	assert_int_equal(feed(c, 3, "G", 1), ERR_FULL);
	conns_end(c, 2);
	assert_int_equal(feed(c, 3, "G", 1), 0);
	conns_free(c);
}

static void
the_oldest_makes_room(void **state)
{
	struct conns *c = make(16, 3);

	(void)state;
	feed_text(c, 1, "HEAD /one");
	feed_text(c, 2, GET("a") "GET /behind");
	feed_text(c, 3, "GET /three");
	saw("G2:a ");
	assert_held(c, 3, 3);
	/* A whole request needs no room. */
	feed_text(c, 4, GET("d"));
	saw("G4:d ");
	assert_int_equal(conns_count(c).evicted, 0);
	feed_text(c, 5, "GET /five");
	saw("b1:408 ");
	feed_text(c, 6, "GET /six");
	saw("");
	assert_int_equal(conns_count(c).evicted, 2);
	assert_held(c, 6, 3);
	/* 2 has lost what it sent ahead: nothing more of it can be understood. */
	feed_text(c, 2, GET("x"));
	saw("");
	conns_next(c, 2);
	saw("B2:408 ");
	conns_end(c, 2);
	/* The others go on, 3 too, which is the oldest now. */
	feed_text(c, 6, " HTTP/1.1\r\nHost: h\r\n\r\n");
	feed_text(c, 3, " HTTP/1.1\r\nHost: h\r\n\r\n");
	feed_text(c, 5, " HTTP/1.1\r\nHost: h\r\n\r\n");
	saw("G6:six G3:three G5:five ");
	assert_held(c, 5, 0);
	conns_free(c);
}

static void
a_request_may_make_room_for_what_follows_it(void **state)
{
	struct conns *c = make(16, 1);

	(void)state;
	feed_text(c, 1, "GET /one");
	feed_text(c, 2, GET("a") "GET");
	saw("G2:a B1:408 ");
	conns_free(c);
}

static void
a_reset_forgets_all(void **state)
{
	struct conns *c = make(4, 2);

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		feed_text(c, 1, GET("a"));
		feed_text(c, 2, "GET");
		feed_text(c, 3, "\n");
		feed_text(c, 4, "GET");
		assert_held(c, 4, 2);
		conns_reset(c);
		assert_held(c, 0, 0);
	}
	seen.text[0] = '\0';
	/* A predecessor's request: nothing to go on with. */
	conns_next(c, 1);
	feed_text(c, 1, "GET /b");
	conns_next(c, 1);
	feed_text(c, 1, " HTTP/1.0\r\n\r\n");
	saw("g1:b ");
	conns_free(c);
}

static void
keep_apart(uint64_t stride)
{
	enum { MANY = 1000 };
	struct conns *c = make(MANY, MANY);
	char text[64];

	for (unsigned round = 0; round < 2; round++) {
		conns_reset(c);
		assert_held(c, 0, 0);
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(text, sizeof text, "GET /%u", i);
			feed_text(c, i * stride, text);
		}
		assert_held(c, MANY, MANY);
	}
	for (unsigned i = 0; i < MANY; i += 3)
		conns_end(c, i * stride);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned long long conn = i * stride;

		feed_text(c, conn, " HTTP/1.1\r\nHost: h\r\n\r\n");
		/* Of those that ended, this is a new connection's first line. */
		if (i % 3 == 0)
			snprintf(text, sizeof text, "B%llu:400 ", conn);
		else
			snprintf(text, sizeof text, "G%llu:%u ", conn, i);
		saw(text);
	}
	conns_free(c);
}

static void
many_connections_are_kept_apart(void **state)
{
	(void)state;
	keep_apart(1);
	keep_apart(977);
	keep_apart(UINT64_C(1) << 32);
	keep_apart(UINT64_C(1) << 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_passed_on_and_forgotten),
	    cmocka_unit_test(every_field_is_carried),
	    cmocka_unit_test(answers_do_not_depend_on_the_cut),
	    cmocka_unit_test(what_follows_waits_for_the_answer),
	    cmocka_unit_test(pipelining_has_no_depth),
	    cmocka_unit_test(the_idle_hold_nothing),
	    cmocka_unit_test(a_head_that_does_not_end_is_refused),
	    cmocka_unit_test(breaches_are_told),
	    cmocka_unit_test(the_oldest_makes_room),
	    cmocka_unit_test(a_request_may_make_room_for_what_follows_it),
	    cmocka_unit_test(a_reset_forgets_all),
	    cmocka_unit_test(many_connections_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
