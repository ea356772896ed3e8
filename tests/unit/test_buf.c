/*
 * The bounded cursor: what it reads, what it writes, and that it never passes its end.
 */
#include <string.h>

#include "src/base/buf.h"
#include "tests/unit/unit.h"

static void
reads_numbers(void **state)
{
	static const uint8_t bytes[] = {
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
	struct in in;

	(void)state;
	in_init(&in, bytes, sizeof bytes);
	assert_int_equal(in_u8(&in), 1);
	assert_int_equal(in_u16(&in), 0x0203);
	assert_int_equal(in_u32(&in), 0x04050607);
	assert_int_equal(in_u16_le(&in), 0x0908);
	assert_int_equal(in_u32_le(&in), 0x0d0c0b0a);
	assert_true(in_u64_le(&in) == 0x1514131211100f0eull);
	assert_true(in_done(&in));
}

static void
stops_at_the_end(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff};
	uint8_t copy[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	struct in in;

	(void)state;
	in_init(&in, bytes, sizeof bytes);
	assert_int_equal(in_u32(&in), 0);
	assert_false(in_ok(&in));
	assert_int_equal(in_left(&in), 0);
	/* Bad stays bad, even where bytes would be left. */
	assert_int_equal(in_u8(&in), 0);
	assert_null(in_take(&in, 1));
	in_copy(&in, copy, sizeof copy);
	for (size_t i = 0; i < sizeof copy; i++)
		assert_int_equal(copy[i], 0);
}

static void
takes_nothing_from_nothing(void **state)
{
	struct in in;

	(void)state;
	in_init(&in, NULL, 0);
	(void)in_take(&in, 0);
	in_copy(&in, NULL, 0);
	assert_true(in_done(&in));
	in_skip(&in, 1);
	assert_false(in_ok(&in));
}

static void
divides(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4};
	struct in in, sub;

	(void)state;
	in_init(&in, bytes, sizeof bytes);
	sub = in_sub(&in, 2);
	assert_int_equal(in_u16(&sub), 0x0102);
	assert_true(in_done(&sub));
	(void)in_u8(&sub);
	assert_false(in_ok(&sub));
	assert_true(in_ok(&in));
	assert_int_equal(in_u8(&in), 3);
	sub = in_sub(&in, 2);
	assert_false(in_ok(&sub));
	assert_false(in_ok(&in));
	assert_int_equal(in_u8(&sub), 0);
}

static void
huge_lengths_do_not_wrap(void **state)
{
	static const uint8_t bytes[4];
	struct in in;
	struct out out;
	uint8_t room[4];

	(void)state;
	in_init(&in, bytes, sizeof bytes);
	assert_null(in_take(&in, SIZE_MAX));
	out_init(&out, room, sizeof room);
	out_u8(&out, 1);
	out_copy(&out, bytes, SIZE_MAX);
	assert_false(out_ok(&out));
	out_init(&out, room, sizeof room);
	out_u8(&out, 1);
	out_fill(&out, 0, SIZE_MAX);
	assert_false(out_ok(&out));
	assert_int_equal(out.len, 1);
}

static void
writes(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 9, 8, 13, 12, 11, 10, 21, 20,
	    19, 18, 17, 16, 15, 14, 'h', 'i', 7, 7};
	uint8_t room[sizeof want + 1];
	struct out out;

	(void)state;
	memset(room, 0xee, sizeof room);
	out_init(&out, room, sizeof want);
	out_u8(&out, 1);
	out_u16(&out, 0x0203);
	out_u32(&out, 0x04050607);
	out_u16_le(&out, 0x0809);
	out_u32_le(&out, 0x0a0b0c0d);
	out_u64_le(&out, 0x0e0f101112131415ull);
	out_text(&out, "hi");
	out_fill(&out, 7, 2);
	assert_true(out_ok(&out));
	assert_int_equal(out_room(&out), 0);
	assert_memory_equal(room, want, sizeof want);
	out_u8(&out, 1);
	assert_false(out_ok(&out));
	assert_int_equal(room[sizeof want], 0xee);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_numbers),
	    cmocka_unit_test(stops_at_the_end),
	    cmocka_unit_test(takes_nothing_from_nothing),
	    cmocka_unit_test(divides),
	    cmocka_unit_test(huge_lengths_do_not_wrap),
	    cmocka_unit_test(writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
