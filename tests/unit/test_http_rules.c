/*
 * Conditions and ranges, by RFC 9110: one row for each case of sections 13 and 14 that a
 * client can send us.
 */
#include "src/broker/http_rules.h"

#include <string.h>

#include "tests/unit/unit.h"

#define BEFORE 999
#define THEN 1000 /* when the object was made */
#define AFTER 1001
#define SIZE 1000

enum tags { NONE, OURS, OTHER, SECOND };

struct row {
	unsigned line;
	uint8_t conditions;
	enum tags match, none_match, range_tag;
	uint64_t modified, unmodified, range_since;
	uint8_t method, range;
	uint64_t first, last;
	uint16_t status;
	uint64_t from, length;
};

#define ROW(...)                      \
	{                             \
		__LINE__, __VA_ARGS__ \
	}
#define PLAIN .status = 200, .length = SIZE

static const struct row rows[] = {
    ROW(PLAIN),
    ROW(PLAIN, .method = HTTP_HEAD),
    /* If-Match. */
    ROW(PLAIN, .conditions = HTTP_IF_MATCH, .match = OURS),
    ROW(PLAIN, .conditions = HTTP_IF_MATCH, .match = SECOND),
    ROW(PLAIN, .conditions = HTTP_IF_MATCH_ANY),
    ROW(.conditions = HTTP_IF_MATCH, .match = OTHER, .status = 412),
    ROW(.conditions = HTTP_IF_MATCH, .match = NONE, .status = 412),
    /* If-Unmodified-Since, and not beside If-Match. */
    ROW(PLAIN, .conditions = HTTP_IF_UNMODIFIED_SINCE, .unmodified = THEN),
    ROW(PLAIN, .conditions = HTTP_IF_UNMODIFIED_SINCE, .unmodified = AFTER),
    ROW(.conditions = HTTP_IF_UNMODIFIED_SINCE, .unmodified = BEFORE, .status = 412),
    ROW(PLAIN, .conditions = HTTP_IF_MATCH | HTTP_IF_UNMODIFIED_SINCE, .match = OURS,
	.unmodified = BEFORE),
    ROW(.conditions = HTTP_IF_MATCH | HTTP_IF_UNMODIFIED_SINCE, .match = OTHER,
	.unmodified = AFTER, .status = 412),
    /* If-None-Match. */
    ROW(.conditions = HTTP_IF_NONE_MATCH, .none_match = OURS, .status = 304),
    ROW(.conditions = HTTP_IF_NONE_MATCH, .none_match = SECOND, .status = 304),
    ROW(.conditions = HTTP_IF_NONE_MATCH_ANY, .status = 304),
    ROW(PLAIN, .conditions = HTTP_IF_NONE_MATCH, .none_match = OTHER),
    ROW(PLAIN, .conditions = HTTP_IF_NONE_MATCH, .none_match = NONE),
    /* If-Modified-Since, and not beside If-None-Match. */
    ROW(.conditions = HTTP_IF_MODIFIED_SINCE, .modified = THEN, .status = 304),
    ROW(.conditions = HTTP_IF_MODIFIED_SINCE, .modified = AFTER, .status = 304),
    ROW(PLAIN, .conditions = HTTP_IF_MODIFIED_SINCE, .modified = BEFORE),
    ROW(PLAIN, .conditions = HTTP_IF_NONE_MATCH | HTTP_IF_MODIFIED_SINCE,
	.none_match = OTHER, .modified = AFTER),
    ROW(.conditions = HTTP_IF_NONE_MATCH | HTTP_IF_MODIFIED_SINCE, .none_match = OURS,
	.modified = BEFORE, .status = 304),
    /* Preconditions come before what the client has. */
    ROW(.conditions = HTTP_IF_MATCH | HTTP_IF_NONE_MATCH, .match = OTHER,
	.none_match = OURS, .status = 412),
    ROW(.conditions = HTTP_IF_MATCH | HTTP_IF_NONE_MATCH, .match = OURS, .none_match = OURS,
	.status = 304),
    /* Ranges. */
    ROW(.range = HTTP_RANGE_CLOSED, .first = 0, .last = 0, .status = 206, .length = 1),
    ROW(.range = HTTP_RANGE_CLOSED, .first = 10, .last = 19, .status = 206, .from = 10,
	.length = 10),
    ROW(.range = HTTP_RANGE_CLOSED, .first = 0, .last = 999, .status = 206, .length = SIZE),
    ROW(.range = HTTP_RANGE_CLOSED, .first = 999, .last = 1000, .status = 206, .from = 999,
	.length = 1),
    ROW(.range = HTTP_RANGE_CLOSED, .first = 1, .last = UINT64_MAX, .status = 206,
	.from = 1, .length = 999),
    ROW(.range = HTTP_RANGE_CLOSED, .first = 1000, .last = 1000, .status = 416),
    ROW(.range = HTTP_RANGE_CLOSED, .first = UINT64_MAX, .last = UINT64_MAX, .status = 416),
    ROW(PLAIN, .range = HTTP_RANGE_CLOSED, .first = 5, .last = 4),
    ROW(.range = HTTP_RANGE_OPEN, .first = 0, .status = 206, .length = SIZE),
    ROW(.range = HTTP_RANGE_OPEN, .first = 999, .status = 206, .from = 999, .length = 1),
    ROW(.range = HTTP_RANGE_OPEN, .first = 1000, .status = 416),
    ROW(.range = HTTP_RANGE_OPEN, .first = UINT64_MAX, .status = 416),
    ROW(.range = HTTP_RANGE_SUFFIX, .last = 0, .status = 416),
    ROW(.range = HTTP_RANGE_SUFFIX, .last = 1, .status = 206, .from = 999, .length = 1),
    ROW(.range = HTTP_RANGE_SUFFIX, .last = 1000, .status = 206, .length = SIZE),
    ROW(.range = HTTP_RANGE_SUFFIX, .last = UINT64_MAX, .status = 206, .length = SIZE),
    ROW(PLAIN, .range = HTTP_RANGE_CLOSED, .first = 10, .last = 19, .method = HTTP_HEAD),
    /* If-Range. */
    ROW(.conditions = HTTP_IF_RANGE_TAG, .range_tag = OURS, .range = HTTP_RANGE_OPEN,
	.first = 990, .status = 206, .from = 990, .length = 10),
    ROW(PLAIN, .conditions = HTTP_IF_RANGE_TAG, .range_tag = OTHER,
	.range = HTTP_RANGE_OPEN, .first = 990),
    ROW(PLAIN, .conditions = HTTP_IF_RANGE_TAG, .range_tag = NONE, .range = HTTP_RANGE_OPEN,
	.first = 990),
    ROW(PLAIN, .conditions = HTTP_IF_RANGE_TAG, .range_tag = OTHER,
	.range = HTTP_RANGE_OPEN, .first = 5000),
    ROW(.conditions = HTTP_IF_RANGE_DATE, .range_since = THEN, .range = HTTP_RANGE_OPEN,
	.first = 990, .status = 206, .from = 990, .length = 10),
    ROW(PLAIN, .conditions = HTTP_IF_RANGE_DATE, .range_since = AFTER,
	.range = HTTP_RANGE_OPEN, .first = 990),
    ROW(PLAIN, .conditions = HTTP_IF_RANGE_DATE, .range_since = BEFORE,
	.range = HTTP_RANGE_OPEN, .first = 990),
    /* How firmware resumes: a range, if it is still the same object. */
    ROW(.conditions = HTTP_IF_MATCH, .match = OURS, .range = HTTP_RANGE_CLOSED,
	.first = 500, .last = 999, .status = 206, .from = 500, .length = 500),
    ROW(.conditions = HTTP_IF_MATCH, .match = OTHER, .range = HTTP_RANGE_CLOSED,
	.first = 500, .last = 999, .status = 412),
    ROW(.conditions = HTTP_IF_UNMODIFIED_SINCE, .unmodified = THEN,
	.range = HTTP_RANGE_CLOSED, .first = 500, .last = 999, .status = 206, .from = 500,
	.length = 500),
    ROW(.conditions = HTTP_IF_NONE_MATCH, .none_match = OURS, .range = HTTP_RANGE_OPEN,
	.first = 5000, .status = 304),
};

static size_t
put_tags(uint8_t *to, enum tags tags, const uint8_t ours[16])
{
	size_t n = tags == NONE ? 0 : tags == SECOND ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		memcpy(to + 16 * i, ours, 16);
		if (tags == OTHER || (tags == SECOND && i == 0))
			to[16 * i + 15] ^= 1;
	}
	return 16 * n;
}

static void
decide(const struct row *r, uint64_t size, struct http_decision *d)
{
	struct msg_get_tell m = {.method = r->method,
	    .range = r->range,
	    .first = r->first,
	    .last = r->last,
	    .conditions = r->conditions,
	    .modified_since = r->modified,
	    .unmodified_since = r->unmodified,
	    .range_since = r->range_since};
	struct http_object object = {.modified = THEN, .length = size};

	for (unsigned i = 0; i < 16; i++)
		object.etag[i] = (uint8_t)(i + 1);
	m.match.len = (uint16_t)put_tags(m.match.b, r->match, object.etag);
	m.none_match.len = (uint16_t)put_tags(m.none_match.b, r->none_match, object.etag);
	m.range_tag.len = (uint16_t)put_tags(m.range_tag.b, r->range_tag, object.etag);
	http_decide(&m, &object, d);
}

static void
rows_are_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct http_decision d;

		decide(r, SIZE, &d);
		if (d.status != r->status)
			fail_msg("line %u: %u", r->line, d.status);
		if (d.status == 200 || d.status == 206)
			if (d.first != r->from || d.length != r->length)
				fail_msg("line %u: %llu+%llu", r->line,
				    (unsigned long long)d.first,
				    (unsigned long long)d.length);
	}
}

static void
empty_objects(void **state)
{
	static const struct row open = {.range = HTTP_RANGE_OPEN};
	static const struct row suffix = {.range = HTTP_RANGE_SUFFIX, .last = 5};
	struct http_decision d;

	(void)state;
	decide(&open, 0, &d);
	assert_int_equal(d.status, 416);
	decide(&suffix, 0, &d);
	assert_int_equal(d.status, 200);
	assert_int_equal(d.length, 0);
}

/* Whatever is asked, nothing beyond the object is granted. */
static void
ranges_stay_inside(void **state)
{
	static const uint64_t v[] = {
	    0, 1, 2, 6, 7, 8, 100, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
	const size_t n = sizeof v / sizeof v[0];

	(void)state;
	for (size_t i = 0; i < n * n * 4; i++) {
		struct row r = {
		    .range = (uint8_t)(i % 4), .first = v[i / 4 % n], .last = v[i / 4 / n]};
		struct http_decision d;

		for (uint64_t size = 0; size < 9; size++) {
			decide(&r, size, &d);
			if (d.status != 416)
				assert_true(d.first <= size && d.length <= size - d.first);
			if (d.status == 206)
				assert_true(d.length > 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_decided),
	    cmocka_unit_test(empty_objects),
	    cmocka_unit_test(ranges_stay_inside),
	};

	return cmocka_run_group_tests_name("http_rules", tests, NULL, NULL);
}
