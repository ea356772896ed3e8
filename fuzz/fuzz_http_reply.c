/*
 * The header of an answer from any numbers: what is written must be read the same way by
 * a reader that shares no code with the writer, and fit where its users put it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/file-sender/http_reply.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

/* The value of a field, or NULL; it must stand once at most. */
static const char *
field(const char *head, const char *name)
{
	char start[40];
	const char *at;

	snprintf(start, sizeof start, "\r\n%s: ", name);
	at = strstr(head, start);
	if (at == NULL)
		return NULL;
	REQUIRE(strstr(at + 1, start) == NULL);
	return at + strlen(start);
}

static uint64_t
number(const char *text)
{
	REQUIRE(text != NULL && *text >= '0' && *text <= '9');
	return strtoull(text, NULL, 10);
}

static void
check_length(const struct http_reply *r, const char *head, size_t body)
{
	unsigned long long first, last, total;
	const char *range = field(head, "Content-Range");

	if (r->status == 304) {
		REQUIRE(field(head, "Content-Length") == NULL && body == 0);
	} else if (r->status >= 400) {
		REQUIRE(body == (r->head ? 0 : number(field(head, "Content-Length"))));
	} else {
		REQUIRE(number(field(head, "Content-Length")) == r->length && body == 0);
	}
	REQUIRE((range != NULL) == (r->status == 206 || r->status == 416));
	if (r->status != 206)
		return;
	REQUIRE(range != NULL &&
		sscanf(range, "bytes %llu-%llu/%llu", &first, &last, &total) == 3);
	REQUIRE(first == r->first && last - first + 1 == r->length && total == r->total);
	REQUIRE(last < total);
}

static void
check_answer(const struct http_reply *r, const char *text, size_t len)
{
	const char *end = strstr(text, "\r\n\r\n");
	unsigned status;

	REQUIRE(strlen(text) == len && end != NULL);
	REQUIRE(sscanf(text, "HTTP/1.1 %3u ", &status) == 1 && status == r->status);
	for (const char *c = text; c < end; c++)
		REQUIRE((*c >= ' ' && *c <= '~') || (*c == '\r' && c[1] == '\n') ||
			(*c == '\n' && c[-1] == '\r'));
	REQUIRE(field(text, "Date") != NULL);
	REQUIRE((strncmp(field(text, "Connection"), "keep-alive\r", 11) == 0) == r->keep);
	check_length(r, text, len - (size_t)(end + 4 - text));
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct in in;
	struct http_reply r;
	uint8_t bytes[HTTP_REPLY_MAX + 1], flags;
	int n, shorter;

	in_init(&in, data, len);
	memset(&r, 0, sizeof r);
	r.status = in_u16_le(&in);
	flags = in_u8(&in);
	r.head = (flags & 1) != 0;
	r.keep = (flags & 2) != 0;
	r.content = (enum content)(flags >> 4);
	r.first = in_u64_le(&in);
	r.length = in_u64_le(&in);
	r.total = in_u64_le(&in);
	if ((flags & 4) != 0)
		r.total = r.length;
	r.modified = in_u64_le(&in);
	r.now = in_u64_le(&in);
	in_copy(&in, r.etag, sizeof r.etag);
	n = http_reply_encode(&r, bytes, HTTP_REPLY_MAX);
	REQUIRE(n == ERR_RANGE || (n > 0 && n <= HTTP_REPLY_MAX));
	if (n < 0)
		return 0;
	bytes[n] = '\0';
	check_answer(&r, (const char *)bytes, (size_t)n);
	shorter = http_reply_encode(&r, bytes, (size_t)n - 1);
	REQUIRE(shorter == ERR_LONG);
	return 0;
}
