/*
 * One request head: framing must not depend on how the bytes are cut, and what is accepted
 * must be sound.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/http.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

/* The answer when the bytes come in pieces of `step`. */
static int
find_end(const uint8_t *data, size_t len, size_t step)
{
	size_t from = 0, have = 0;
	int n = 0;

	while (n == 0 && have < len) {
		size_t before = from;

		have = len - have < step ? len : have + step;
		n = http_head_length(data, have, &from);
		REQUIRE(from >= before && from <= have);
	}
	return n;
}

static void
check_head(const struct http_head *h)
{
	REQUIRE(h->path[0] != '\0' && strlen(h->path) <= PATH_FOLDED_MAX);
	REQUIRE(strstr(h->path, "//") == NULL && strstr(h->path, "/../") == NULL);
	REQUIRE(h->match.n <= HTTP_TAGS_MAX && h->none_match.n <= HTTP_TAGS_MAX);
	REQUIRE(h->range != HTTP_RANGE_CLOSED || h->first <= h->last);
	REQUIRE(h->method == HTTP_GET || h->range == HTTP_RANGE_NONE);
	if (h->range == HTTP_RANGE_NONE)
		REQUIRE((h->conditions & (HTTP_IF_RANGE_TAG | HTTP_IF_RANGE_DATE)) == 0);
	/* 9999-12-31T23:59:60 */
	REQUIRE(h->modified_since <= UINT64_C(253402300800));
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct http_head h;
	int n = find_end(data, len, SIZE_MAX / 2), status;

	REQUIRE(n <= HTTP_HEAD_MAX && n <= (int)len);
	REQUIRE(find_end(data, len, 1) == n);
	REQUIRE(find_end(data, len, 7) == n);
	if (n < 0) {
		status = http_head_refusal(data, len, n);
		REQUIRE(status == 400 || status == 414 || status == 431);
	}
	if (n <= 0) {
		REQUIRE(http_decode_head(data, len, &h) >= 400);
		return 0;
	}
	status = http_decode_head(data, (size_t)n, &h);
	REQUIRE(status == 0 || (status >= 400 && status <= 505));
	if (status != 0)
		return 0;
	check_head(&h);
	REQUIRE(http_wants_head(data, len) == (h.method == HTTP_HEAD));
	/* Nothing that could be read as a body or a second head may be inside. */
	REQUIRE(memmem(data, (size_t)n - 4, "\r\n\r\n", 4) == NULL);
	return 0;
}
