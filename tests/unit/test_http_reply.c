/*
 * The exact bytes of HTTP answers: what GRUB, EDK2, iPXE and curl compare or parse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "src/file-sender/http_reply.h"

static const struct http_reply object = {.status = 200,
    .keep = true,
    .first = 0,
    .length = 12345,
    .total = 12345,
    .content = CONTENT_EFI,
    .etag = {0x00, 0x01, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
	0xdd, 0xee, 0xff},
    .modified = 784111777,
    .now = 784111778};

static const char *
encode(const struct http_reply *r)
{
	static char text[HTTP_REPLY_MAX + 1];
	int len = http_reply_encode(r, (uint8_t *)text, HTTP_REPLY_MAX);

	if (len < 0)
		fail_msg("status %u: error %d", (unsigned)r->status, len);
	text[len] = '\0';
	return text;
}

static void
whole_object(void **state)
{
	struct http_reply r = object;

	(void)state;
	assert_string_equal(encode(&r), "HTTP/1.1 200 OK\r\n"
					"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
					"Content-Length: 12345\r\n"
					"Content-Type: application/efi\r\n"
					"Accept-Ranges: bytes\r\n"
					"ETag: \"0001223344556677"
					"8899aabbccddeeff\"\r\n"
					"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
					"Connection: keep-alive\r\n"
					"\r\n");
	/* HEAD says the same. */
	r.head = true;
	char head[HTTP_REPLY_MAX + 1];

	strcpy(head, encode(&object));
	assert_string_equal(encode(&r), head);
}

static void
part_of_object(void **state)
{
	struct http_reply r = object;

	(void)state;
	r.status = 206;
	r.first = 100;
	r.length = 200;
	r.total = UINT64_C(5000000000);
	r.keep = false;
	assert_non_null(strstr(encode(&r), "HTTP/1.1 206 Partial Content\r\n"));
	assert_non_null(strstr(encode(&r), "\r\nContent-Length: 200\r\n"));
	assert_non_null(
	    strstr(encode(&r), "\r\nContent-Range: bytes 100-299/5000000000\r\n"));
	assert_non_null(strstr(encode(&r), "\r\nConnection: close\r\n\r\n"));
}

static void
not_modified_has_no_body(void **state)
{
	struct http_reply r = object;

	(void)state;
	r.status = 304;
	assert_string_equal(encode(&r), "HTTP/1.1 304 Not Modified\r\n"
					"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
					"ETag: \"0001223344556677"
					"8899aabbccddeeff\"\r\n"
					"Connection: keep-alive\r\n"
					"\r\n");
}

static void
refusals(void **state)
{
	struct http_reply r = {.status = 404, .keep = true, .now = 784111778};

	(void)state;
	assert_string_equal(encode(&r), "HTTP/1.1 404 Not Found\r\n"
					"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
					"Content-Length: 14\r\n"
					"Content-Type: text/plain\r\n"
					"Connection: keep-alive\r\n"
					"\r\n"
					"404 Not Found\n");
	r.head = true;
	assert_non_null(strstr(encode(&r), "Content-Length: 14\r\n"));
	assert_string_equal(strstr(encode(&r), "\r\n\r\n"), "\r\n\r\n");
	r.head = false;
	r.status = 416;
	r.total = 77;
	assert_non_null(strstr(encode(&r), "\r\nContent-Range: bytes */77\r\n"));
	r.status = 405;
	assert_non_null(strstr(encode(&r), "\r\nAllow: GET, HEAD\r\n"));
}

/* For every status: a length that is true, no chunks, no redirection, one empty line. */
static void
every_status_is_framed(void **state)
{
	unsigned known = 0;

	(void)state;
	for (unsigned status = 0; status < 1000; status++) {
		struct http_reply r = object;
		uint8_t bytes[HTTP_REPLY_MAX + 1];
		const char *body, *length;
		int len;

		r.status = (uint16_t)status;
		len = http_reply_encode(&r, bytes, HTTP_REPLY_MAX);
		if (len < 0) {
			assert_int_equal(len, ERR_RANGE);
			continue;
		}
		known++;
		bytes[len] = '\0';
		assert_true(status < 300 || status == 304 || status >= 400);
		assert_null(strstr((char *)bytes, "chunked"));
		assert_null(strstr((char *)bytes, "Location"));
		body = strstr((char *)bytes, "\r\n\r\n") + 4;
		length = strstr((char *)bytes, "Content-Length: ");
		if (status >= 400) {
			assert_non_null(length);
			assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
		} else {
			assert_string_equal(body, "");
		}
	}
	assert_in_range(known, 15, 40);
}

static void
impossible_answers(void **state)
{
	struct http_reply r = object;
	uint8_t bytes[HTTP_REPLY_MAX];
	int len = http_reply_encode(&object, bytes, sizeof bytes);

	(void)state;
	r.length--;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	r = object;
	r.first = 1;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	r = object;
	r.content = CONTENT_MAX;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	r = object;
	r.status = 206;
	r.first = 1;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	r.first = UINT64_MAX;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	r.first = 0;
	r.length = 0;
	assert_int_equal(http_reply_encode(&r, bytes, sizeof bytes), ERR_RANGE);
	for (int cap = 0; cap < len; cap++)
		assert_int_equal(http_reply_encode(&object, bytes, (size_t)cap), ERR_LONG);
}

static void
longest_answer_fits(void **state)
{
	struct http_reply r = object;
	uint8_t bytes[HTTP_REPLY_MAX];

	(void)state;
	r.status = 206;
	r.total = UINT64_MAX;
	r.first = UINT64_MAX - 1;
	r.length = 1;
	r.modified = UINT64_MAX;
	r.now = UINT64_MAX;
	r.content = CONTENT_BINARY;
	assert_true(http_reply_encode(&r, bytes, sizeof bytes) > 0);
}

/* Against the C library, over four centuries in steps that meet every day of the week. */
static void
dates(void **state)
{
	char text[HTTP_DATE_SIZE], expected[64];

	(void)state;
	for (uint64_t s = 0; s < UINT64_C(12700000000); s += 86399 * 3 + 17) {
		time_t t = (time_t)s;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_string_equal(http_reply_date(s, text), expected);
	}
	assert_string_equal(
	    http_reply_date(951782400, text), "Tue, 29 Feb 2000 00:00:00 GMT");
	assert_string_equal(
	    http_reply_date(UINT64_MAX, text), "Fri, 31 Dec 9999 23:59:59 GMT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_object),
	    cmocka_unit_test(part_of_object),
	    cmocka_unit_test(not_modified_has_no_body),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(every_status_is_framed),
	    cmocka_unit_test(impossible_answers),
	    cmocka_unit_test(longest_answer_fits),
	    cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
