/*
 * Request heads: those of real clients are understood, the tricks are refused, each with
 * one status, and where a head ends does not depend on how it arrived.
 */
#include "src/wire/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "src/wire/http_value.h"

#define TAG_A "00112233445566778899aabbccddeeff"
#define TAG_B "ffeeddccbbaa99887766554433221100"

static const uint8_t tag_a[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint8_t tag_b[16] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88, 0x77,
    0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00};

/* Decodes an exact copy, so that the sanitizer sees every overrun; *h is poisoned before
 * and must stay so on error. */
static int
decode(const char *bytes, size_t len, struct http_head *h)
{
	struct http_head before;
	uint8_t *exact = malloc(len == 0 ? 1 : len);
	int status;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	memset(h, 0x5a, sizeof *h);
	before = *h;
	status = http_decode_head(exact, len, h);
	if (status != 0)
		assert_memory_equal(h, &before, sizeof *h);
	free(exact);
	return status;
}

/* "GET /x HTTP/1.1", a host, these lines. */
static int
decode_lines(const char *lines, struct http_head *h)
{
	char text[2 * HTTP_HEAD_MAX];
	int n = snprintf(text, sizeof text, "GET /x HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);

	assert_in_range(n, 1, sizeof text - 1);
	return decode(text, (size_t)n, h);
}

/* --------------------------------------------------------------- whole requests */

struct head_case {
	const char *text;
	size_t len;
	int status;
	enum http_method method;
	bool keep;
	const char *path;
};

#define GOOD(text, method, keep, path)                        \
	{                                                     \
		text, sizeof(text) - 1, 0, method, keep, path \
	}
#define BAD(text, status)                                             \
	{                                                             \
		text, sizeof(text) - 1, status, HTTP_GET, false, NULL \
	}
#define HOST "Host: 10.77.0.1\r\n"

static const struct head_case heads[] = {
    GOOD("HEAD /deb12/shimx64.efi HTTP/1.1\r\nHost: 10.77.0.1\r\nAccept: */*\r\n"
	 "User-Agent: UefiHttpBoot/1.0\r\n\r\n",
	HTTP_HEAD, true, "deb12/shimx64.efi"),
    GOOD("GET /deb12/linux HTTP/1.1\r\nConnection: keep-alive\r\n"
	 "User-Agent: iPXE/1.0.0+git-20190125.36a4c85-5.1\r\nHost: 10.77.0.1\r\n\r\n",
	HTTP_GET, true, "deb12/linux"),
    GOOD("GET /deb12/initrd.gz HTTP/1.1\r\nHost: 10.77.0.1\r\nUser-Agent: GRUB "
	 "2.06-13\r\n\r\n",
	HTTP_GET, true, "deb12/initrd.gz"),
    GOOD("GET /a HTTP/1.0\r\nHost: h\r\n\r\n", HTTP_GET, false, "a"),
    GOOD("GET /a HTTP/1.0\r\n\r\n", HTTP_GET, false, "a"),
    GOOD("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_GET, true, "a"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", HTTP_GET, false, "a"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "Connection: TE ,\t CLOSE , x\r\n\r\n", HTTP_GET, false,
	"a"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n",
	HTTP_GET, false, "a"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", HTTP_GET, true, "a"),
    GOOD("GET /a HTTP/1.1\r\nHost:\r\n\r\n", HTTP_GET, true, "a"),
    GOOD("GET /a HTTP/1.1\r\nhOST:\t[fd00::1]:8080 \t\r\n\r\n", HTTP_GET, true, "a"),
    GOOD("GET http://other.example:80/a/b?c HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, true,
	"a/b"),
    GOOD("GET HTTPS://[::1]/a HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, true, "a"),
    GOOD("GET //a//b HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, true, "a/b"),
    GOOD(
	"GET /a%2Fb?mac=52:54:00:77:00:01 HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, true, "a/b"),
    GOOD("GET /a;params HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, true, "a;params"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", HTTP_GET, true, "a"),
    GOOD("GET /a HTTP/1.1\r\n" HOST "X-Latin: caf\xe9\t!\r\nX-Empty:\r\n\r\n", HTTP_GET,
	true, "a"),
    GOOD(
	"GET /a HTTP/1.1\r\n" HOST "AZaz09!#$%&'*+-.^_`|~: x\r\n\r\n", HTTP_GET, true, "a"),
    /* Targets. */
    BAD("GET / HTTP/1.1\r\n" HOST "\r\n", 404),
    BAD("GET /a/ HTTP/1.1\r\n" HOST "\r\n", 404),
    BAD("GET /?a HTTP/1.1\r\n" HOST "\r\n", 404),
    BAD("GET http://h HTTP/1.1\r\n" HOST "\r\n", 404),
    BAD("GET http://h?x HTTP/1.1\r\n" HOST "\r\n", 404),
    BAD("GET http:///a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET http:// HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET http://u@h/a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET ftp://h/a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET h:80 HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /../a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /%2e%2e/a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /..%2fa HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /..%5ca HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /./a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a%00 HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a%2500 HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a%0d%0aX:%20y HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400),
    /* Request lines. */
    BAD("GET /a\r\n" HOST "\r\n", 400),
    BAD("GET\r\n\r\n", 400),
    BAD("GET  /a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a  HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/1.1 \r\n" HOST "\r\n", 400),
    BAD(" GET /a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET\t/a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("G(T /a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a http/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/11\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/1.10\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/1.\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/x.1\r\n" HOST "\r\n", 400),
    BAD("\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/1.2\r\n" HOST "\r\n", 505),
    BAD("GET /a HTTP/0.9\r\n" HOST "\r\n", 505),
    BAD("GET /a HTTP/2.0\r\n" HOST "\r\n", 505),
    BAD("GET /a HTTP/9.9\r\n" HOST "\r\n", 505),
    BAD("PRI * HTTP/2.0\r\n\r\n", 505),
    BAD("POST /a HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("PUT /a HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("DELETE /a HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("TRACE /a HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("PATCH /a HTTP/1.1\r\n" HOST "\r\n", 405),
    BAD("get /a HTTP/1.1\r\n" HOST "\r\n", 501),
    BAD("GETX /a HTTP/1.1\r\n" HOST "\r\n", 501),
    BAD("HEA /a HTTP/1.1\r\n" HOST "\r\n", 501),
    BAD("BREW /pot HTTP/1.1\r\n" HOST "\r\n", 501),
    /* Hosts. */
    BAD("GET /a HTTP/1.1\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST HOST "\r\n", 400),
    BAD("GET /a HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    BAD("GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\nHost: u@h\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\nHost: \xe9\r\n\r\n", 400),
    /* Bodies, and what pretends to be one. */
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: -0\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST
	"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
	400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 501),
    BAD("GET /a HTTP/1.1\r\n" HOST "transfer-encoding: identity\r\n\r\n", 501),
    BAD("GET /a HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 501),
    BAD("GET /a HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", 417),
    BAD("GET /a HTTP/1.1\r\n" HOST "Expect: x\r\nContent-Length: 5\r\n\r\n", 400),
    /* Lines. */
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n " HOST "\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "NoColon\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X : y\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X\xe9: y\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X(: y\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\n" HOST "\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "X: a\x1b[m\r\n\r\n", 400),
    BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    /* Not one whole head. */
    BAD("", 400),
    BAD("GET /a HTTP/1.1\r\n" HOST, 400),
    BAD("GET /a HTTP/1.1\r\n" HOST "\r\nG", 400),
};

static void
every_head_has_its_answer(void **state)
{
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		const struct head_case *c = &heads[i];
		int status = decode(c->text, c->len, &h);

		if (status != c->status)
			fail_msg("\"%s\": %d, not %d", c->text, status, c->status);
		if (status != 0)
			continue;
		if (h.method != c->method || h.keep != c->keep ||
		    strcmp(h.path, c->path) != 0)
			fail_msg("\"%s\": %d %d %s", c->text, h.method, h.keep, h.path);
		assert_int_equal(h.range, HTTP_RANGE_NONE);
		assert_int_equal(h.conditions, 0);
	}
}

static void
wanting_only_the_head_is_seen_in_any_bytes(void **state)
{
	(void)state;
	assert_true(http_wants_head((const uint8_t *)"HEAD \x01", 6));
	assert_true(http_wants_head((const uint8_t *)"HEAD ", 5));
	assert_false(http_wants_head((const uint8_t *)"HEAD", 4));
	assert_false(http_wants_head((const uint8_t *)"HEADS /", 7));
	assert_false(http_wants_head((const uint8_t *)"GET /", 5));
}

/* ---------------------------------------------------------------------- framing */

/* The same answer from http_head_length for all ways of cutting in two, and byte by byte.
 */
static void
framing_does_not_depend_on_the_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		const uint8_t *text = (const uint8_t *)heads[i].text;
		size_t len = heads[i].len, from = 0;
		int whole = http_head_length(text, len, &from), one = 0;

		for (size_t cut = 0; cut <= len; cut++) {
			int n;

			from = 0;
			n = http_head_length(text, cut, &from);
			assert_true(from <= cut);
			if (n == 0)
				n = http_head_length(text, len, &from);
			assert_int_equal(n, whole);
		}
		from = 0;
		for (size_t n = 0; n <= len && one == 0; n++)
			one = http_head_length(text, n, &from);
		assert_int_equal(one, whole);
	}
}

static void
a_head_ends_at_its_empty_line(void **state)
{
	static const char two[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\n";
	size_t from = 0;

	(void)state;
	assert_int_equal(http_head_length((const uint8_t *)two, sizeof two - 1, &from), 28);
	assert_int_equal(from, 0);
}

/* A head of exactly len bytes: a request line and one long field. */
static void
make_head(char *text, size_t len)
{
	static const char start[] = "GET /a HTTP/1.1\r\nHost: h\r\nX: ";

	memset(text, 'x', len);
	memcpy(text, start, sizeof start - 1);
	memcpy(text + len - 4, "\r\n\r\n", 4);
}

static void
heads_end_at_8192(void **state)
{
	char text[HTTP_HEAD_MAX + 100];
	struct http_head h;
	size_t from = 0;

	(void)state;
	make_head(text, HTTP_HEAD_MAX);
	assert_int_equal(
	    http_head_length((uint8_t *)text, HTTP_HEAD_MAX, &from), HTTP_HEAD_MAX);
	assert_int_equal(decode(text, HTTP_HEAD_MAX, &h), 0);
	for (size_t more = 1; more <= 4; more++) {
		make_head(text, HTTP_HEAD_MAX + more);
		from = 0;
		assert_int_equal(
		    http_head_length((uint8_t *)text, HTTP_HEAD_MAX + more, &from),
		    ERR_LONG);
		from = 0;
		assert_int_equal(
		    http_head_length((uint8_t *)text, HTTP_HEAD_MAX - 1, &from), 0);
		assert_int_equal(
		    http_head_length((uint8_t *)text, HTTP_HEAD_MAX, &from), ERR_LONG);
		assert_int_equal(decode(text, HTTP_HEAD_MAX + more, &h), 431);
	}
	memset(text, 'G', sizeof text);
	assert_int_equal(decode(text, sizeof text, &h), 414);
	text[HTTP_HEAD_MAX] = '\n';
	assert_int_equal(http_head_refusal((uint8_t *)text, sizeof text, ERR_LONG), 414);
}

static void
targets_end_at_2048(void **state)
{
	char text[HTTP_HEAD_MAX], target[HTTP_TARGET_MAX + 2];
	struct http_head h;

	(void)state;
	for (size_t len = HTTP_TARGET_MAX; len <= HTTP_TARGET_MAX + 1; len++) {
		int n;

		memset(target, '/', len);
		target[len - 1] = 'a';
		target[len] = '\0';
		n = snprintf(
		    text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
		assert_int_equal(
		    decode(text, (size_t)n, &h), len <= HTTP_TARGET_MAX ? 0 : 414);
		memset(target + 1, 'a', 256);
		n = snprintf(
		    text, sizeof text, "GET %.257s HTTP/1.1\r\nHost: h\r\n\r\n", target);
		assert_int_equal(decode(text, (size_t)n, &h), 414);
	}
}

static void
fields_end_at_64(void **state)
{
	char lines[1000] = "";
	struct http_head h;

	(void)state;
	for (int i = 0; i < 63; i++)
		strcat(lines, "a:b\r\n");
	assert_int_equal(decode_lines(lines, &h), 0);
	strcat(lines, "a:b\r\n");
	assert_int_equal(decode_lines(lines, &h), 431);
}

/* ------------------------------------------------------------------------ ranges */

struct range_case {
	const char *lines;
	enum http_range range;
	uint64_t first, last;
};

static const struct range_case ranges[] = {
    {"Range: bytes=0-499\r\n", HTTP_RANGE_CLOSED, 0, 499},
    {"Range: bytes=5-5\r\n", HTTP_RANGE_CLOSED, 5, 5},
    {"range:\tBYTES=4294967296-8589934592 \r\n", HTTP_RANGE_CLOSED, 4294967296, 8589934592},
    {"Range: bytes=500-\r\n", HTTP_RANGE_OPEN, 500, 0},
    {"Range: bytes=-500\r\n", HTTP_RANGE_SUFFIX, 0, 500},
    {"Range: bytes=-0\r\n", HTTP_RANGE_SUFFIX, 0, 0},
    {"Range: bytes=0-18446744073709551615\r\n", HTTP_RANGE_CLOSED, 0, UINT64_MAX},
    {"Range: bytes=0-18446744073709551616\r\n", HTTP_RANGE_CLOSED, 0, UINT64_MAX},
    {"Range: bytes=99999999999999999999999-\r\n", HTTP_RANGE_OPEN, UINT64_MAX, 0},
    {"Range: bytes=00000000000000000000000000001-2\r\n", HTTP_RANGE_CLOSED, 1, 2},
    {"Range: bytes=5-4\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=-\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: byte\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range:\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1,3-4\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-,0-,0-\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1, \r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=--1\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=+1-2\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes= 1-2\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=1 -2\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=1-2-3\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0x1-2\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: lines=0-1\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1\r\nRange: bytes=0-1\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1\r\nIf-Range: \"other\"\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1\r\nIf-Range: W/\"" TAG_A "\"\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1\r\nIf-Range: \"" TAG_A "\", \"" TAG_B "\"\r\n", HTTP_RANGE_NONE, 0,
	0},
    {"Range: bytes=0-1\r\nIf-Range: yesterday\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=0-1\r\nIf-Range: \"" TAG_A "\"\r\nIf-Range: \"" TAG_A "\"\r\n",
	HTTP_RANGE_NONE, 0, 0},
    {"If-Range: \"" TAG_A "\"\r\n", HTTP_RANGE_NONE, 0, 0},
    {"Range: bytes=9-1\r\nIf-Range: \"" TAG_A "\"\r\n", HTTP_RANGE_NONE, 0, 0},
};

static void
one_range_is_read_and_others_ignored(void **state)
{
	static const char head[] =
	    "HEAD /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n";
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		assert_int_equal(decode_lines(ranges[i].lines, &h), 0);
		if (h.range != ranges[i].range || h.first != ranges[i].first ||
		    h.last != ranges[i].last || h.conditions != 0)
			fail_msg("%s: %d", ranges[i].lines, h.range);
	}
	assert_int_equal(decode(head, sizeof head - 1, &h), 0);
	assert_int_equal(h.range, HTTP_RANGE_NONE);
}

static void
if_range_holds_a_tag_or_a_date(void **state)
{
	struct http_head h;

	(void)state;
	assert_int_equal(
	    decode_lines("If-Range: \"" TAG_A "\"\r\nRange: bytes=7-\r\n", &h), 0);
	assert_int_equal(h.conditions, HTTP_IF_RANGE_TAG);
	assert_memory_equal(h.range_tag, tag_a, 16);
	assert_int_equal(h.range, HTTP_RANGE_OPEN);
	assert_int_equal(h.first, 7);
	assert_int_equal(
	    decode_lines(
		"Range: bytes=7-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n", &h),
	    0);
	assert_int_equal(h.conditions, HTTP_IF_RANGE_DATE);
	assert_int_equal(h.range_since, 784111777);
	assert_int_equal(h.range, HTTP_RANGE_OPEN);
}

/* -------------------------------------------------------------------- conditions */

struct tags_case {
	const char *value;
	unsigned strong, weak; /* how many count for If-Match and If-None-Match */
	const uint8_t *first;
};

static const struct tags_case tags[] = {
    {"\"" TAG_A "\"", 1, 1, tag_a},
    {" \"" TAG_A "\" , \"" TAG_B "\"", 2, 2, tag_a},
    {"\"x\", \"\", \"" TAG_B "\"", 1, 1, tag_b},
    {",, \"" TAG_B "\",,", 1, 1, tag_b},
    {"\"a, b\", \"" TAG_B "\"", 1, 1, tag_b},
    {"W/\"" TAG_A "\"", 0, 1, tag_a},
    {"w/\"" TAG_A "\"", 0, 0, NULL},
    {"\"00112233445566778899AABBCCDDEEFF\"", 0, 0, NULL},
    {"\"" TAG_A "0\"", 0, 0, NULL},
    {"\"0" TAG_A "\"", 0, 0, NULL},
    {"\"00112233445566778899aabbccddeef\"", 0, 0, NULL},
    {"\"00112233445566778899aabbccddeefg\"", 0, 0, NULL},
    {TAG_A, 0, 0, NULL},
    {"\"" TAG_A, 0, 0, NULL},
    {"\"" TAG_A "\"x", 0, 0, NULL},
    {"\"" TAG_A "\" \"" TAG_B "\"", 0, 0, NULL},
    {"\"" TAG_A "\", junk, \"" TAG_B "\"", 1, 1, tag_a},
    {"*, \"" TAG_A "\"", 0, 0, NULL},
    {"**", 0, 0, NULL},
    {"", 0, 0, NULL},
    {"W/", 0, 0, NULL},
    {"\"", 0, 0, NULL},
    {"\"" TAG_A "\",\"" TAG_A "\",\"" TAG_A "\",\"" TAG_A "\",\"" TAG_B "\"", 4, 4, tag_a},
};

static void
lists_of_tags_are_read(void **state)
{
	struct http_head h;
	char line[300];

	(void)state;
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		snprintf(line, sizeof line, "If-Match: %s\r\n", tags[i].value);
		assert_int_equal(decode_lines(line, &h), 0);
		assert_int_equal(h.conditions, HTTP_IF_MATCH);
		if (h.match.n != tags[i].strong)
			fail_msg("%s: %d", line, h.match.n);
		if (h.match.n > 0)
			assert_memory_equal(h.match.tag[0], tags[i].first, 16);
		snprintf(line, sizeof line, "If-None-Match: %s\r\n", tags[i].value);
		assert_int_equal(decode_lines(line, &h), 0);
		assert_int_equal(h.conditions, HTTP_IF_NONE_MATCH);
		if (h.none_match.n != tags[i].weak)
			fail_msg("%s: %d", line, h.none_match.n);
		if (h.none_match.n > 0)
			assert_memory_equal(h.none_match.tag[0], tags[i].first, 16);
		assert_int_equal(h.match.n, 0);
	}
}

static void
conditions_rank_as_they_should(void **state)
{
	static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
	char lines[400];
	struct http_head h;

	(void)state;
	assert_int_equal(decode_lines("If-Match: *\r\nIf-None-Match: \t*\r\n", &h), 0);
	assert_int_equal(h.conditions, HTTP_IF_MATCH_ANY | HTTP_IF_NONE_MATCH_ANY);
	assert_int_equal(decode_lines("If-Match: \"" TAG_A "\"\r\nIf-Match: *\r\n", &h), 0);
	assert_int_equal(h.conditions, HTTP_IF_MATCH_ANY);
	assert_int_equal(h.match.n, 0);
	assert_int_equal(
	    decode_lines("If-Match: \"" TAG_A "\"\r\nIf-Match: \"" TAG_B "\"\r\n", &h), 0);
	assert_int_equal(h.match.n, 2);
	snprintf(lines, sizeof lines,
	    "If-Modified-Since: %s\r\nIf-Unmodified-Since: %s\r\n", date, date);
	assert_int_equal(decode_lines(lines, &h), 0);
	assert_int_equal(h.conditions, HTTP_IF_MODIFIED_SINCE | HTTP_IF_UNMODIFIED_SINCE);
	assert_int_equal(h.modified_since, 784111777);
	assert_int_equal(h.unmodified_since, 784111777);
	strcat(lines, "If-None-Match: \"x\"\r\nIf-Match: *\r\n");
	assert_int_equal(decode_lines(lines, &h), 0);
	assert_int_equal(h.conditions, HTTP_IF_NONE_MATCH | HTTP_IF_MATCH_ANY);
	assert_int_equal(h.modified_since, 0);
	snprintf(
	    lines, sizeof lines, "If-Modified-Since: x\r\nIf-Modified-Since: %s\r\n", date);
	assert_int_equal(decode_lines(lines, &h), 0);
	assert_int_equal(h.conditions, 0);
}

/* ------------------------------------------------------------------------- dates */

static bool
parse_date(const char *text, uint64_t *seconds)
{
	struct in in;

	in_init(&in, text, strlen(text));
	return http_value_date(in, seconds);
}

static void
dates_agree_with_the_library(void **state)
{
	char text[64];

	(void)state;
	/* Steps that meet every month, leap days of all kinds, and every second of a day.
	 */
	for (uint64_t t = 0; t < UINT64_C(253402300800); t += 86400 * 9 + 4271) {
		time_t time = (time_t)t;
		struct tm tm;
		uint64_t got;

		assert_non_null(gmtime_r(&time, &tm));
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		if (!parse_date(text, &got) || got != t)
			fail_msg("%s", text);
	}
}

static void
other_dates_are_none(void **state)
{
	static const char *const bad[] = {"", "Sun", "Sun, 06 Nov 1994 08:49:37 GM",
	    "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37 UTC",
	    "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
	    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
	    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
	    "Sun, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT",
	    "Mon, 29 Feb 2100 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
	    "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
	    "Wed, 31 Dec 1969 23:59:59 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
	    "Sun, 06 Nov 1994 08:49:3a GMT", "Sun,  6 Nov 1994 08:49:37 GMT"};
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse_date(bad[i], &got))
			fail_msg("%s", bad[i]);
	assert_true(parse_date("Tue, 29 Feb 2000 00:00:00 GMT", &got));
	assert_true(parse_date("Sat, 31 Dec 2016 23:59:60 GMT", &got));
	assert_int_equal(got, 1483228800);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_head_has_its_answer),
	    cmocka_unit_test(wanting_only_the_head_is_seen_in_any_bytes),
	    cmocka_unit_test(framing_does_not_depend_on_the_cut),
	    cmocka_unit_test(a_head_ends_at_its_empty_line),
	    cmocka_unit_test(heads_end_at_8192),
	    cmocka_unit_test(targets_end_at_2048),
	    cmocka_unit_test(fields_end_at_64),
	    cmocka_unit_test(one_range_is_read_and_others_ignored),
	    cmocka_unit_test(if_range_holds_a_tag_or_a_date),
	    cmocka_unit_test(lists_of_tags_are_read),
	    cmocka_unit_test(conditions_rank_as_they_should),
	    cmocka_unit_test(dates_agree_with_the_library),
	    cmocka_unit_test(other_dates_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
