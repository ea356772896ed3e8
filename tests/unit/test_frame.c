/*
 * Raw frames: every field, and the checksums proven by adding up the whole the way a
 * receiver does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/frame.h"

static const struct frame_udp4 broadcast = {
    .from_mac = {{2, 0, 0, 0, 0, 1}},
    .to_mac = {{255, 255, 255, 255, 255, 255}},
    .from = {.family = ADDR_V4, .b = {10, 77, 0, 1}},
    .to = {.family = ADDR_V4, .b = {255, 255, 255, 255}},
    .from_port = 67,
    .to_port = 68,
};

/* The one's complement sum over bytes; 0xffff when the checksum inside is right. */
static uint32_t
add_up(uint32_t sum, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)b[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
assert_checksums(const uint8_t *frame, size_t payload)
{
	assert_int_equal(add_up(0, frame + 14, 20), 0xffff);
	assert_int_equal(add_up(add_up(17 + 8 + (uint32_t)payload, frame + 26, 8),
			     frame + 34, 8 + payload),
	    0xffff);
}

/* A frame whose sums were worked out by hand. */
static void
known_frame(void **state)
{
	static const uint8_t want[] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 0,
	    0x45, 0, 0, 30, 0, 0, 0x40, 0, 64, 17, 0x30, 0x82, 10, 77, 0, 1, 255, 255, 255,
	    255, 0, 67, 0, 68, 0, 10, 0x8c, 0x9c, 'h', 'i'};
	uint8_t b[sizeof want];

	(void)state;
	assert_int_equal(
	    frame_encode_udp4(&broadcast, (const uint8_t *)"hi", 2, b, sizeof b),
	    sizeof want);
	assert_checksums(b, 2);
	assert_memory_equal(b, want, sizeof want);
}

static void
all_lengths(void **state)
{
	uint8_t payload[1472], b[FRAME_HEAD_LEN + sizeof payload];

	(void)state;
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= sizeof payload; len++) {
		int n = frame_encode_udp4(&broadcast, payload, len, b, sizeof b);

		assert_int_equal(n, FRAME_HEAD_LEN + len);
		assert_int_equal(b[16] << 8 | b[17], 28 + len);
		assert_int_equal(b[38] << 8 | b[39], 8 + len);
		assert_memory_equal(b + FRAME_HEAD_LEN, payload, len);
		assert_checksums(b, len);
	}
}

/* A sum that comes out as zero is sent as 0xffff: zero means that there is none. */
static void
zero_checksum(void **state)
{
	uint8_t payload[2] = {0, 0}, b[FRAME_HEAD_LEN + 2];
	unsigned check;

	(void)state;
	assert_int_equal(frame_encode_udp4(&broadcast, payload, 2, b, sizeof b), sizeof b);
	check = (unsigned)(b[40] << 8 | b[41]);
	payload[0] = (uint8_t)(check >> 8);
	payload[1] = (uint8_t)check;
	assert_int_equal(frame_encode_udp4(&broadcast, payload, 2, b, sizeof b), sizeof b);
	assert_int_equal(b[40], 0xff);
	assert_int_equal(b[41], 0xff);
}

static void
refused(void **state)
{
	static uint8_t payload[66000], b[67000];
	struct frame_udp4 f = broadcast;

	(void)state;
	for (size_t cap = 0; cap < FRAME_HEAD_LEN + 10; cap++) {
		uint8_t *exact = malloc(cap + 1);

		assert_non_null(exact);
		assert_int_equal(frame_encode_udp4(&f, payload, 10, exact, cap), ERR_LONG);
		free(exact);
	}
	assert_int_equal(
	    frame_encode_udp4(&f, payload, 65507, b, sizeof b), FRAME_HEAD_LEN + 65507);
	assert_int_equal(frame_encode_udp4(&f, payload, 65508, b, sizeof b), ERR_LONG);
	f.to.family = ADDR_V6;
	assert_int_equal(frame_encode_udp4(&f, payload, 10, b, sizeof b), ERR_RANGE);
	f = broadcast;
	f.from.family = ADDR_NONE;
	assert_int_equal(frame_encode_udp4(&f, payload, 10, b, sizeof b), ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_frame),
	    cmocka_unit_test(all_lengths),
	    cmocka_unit_test(zero_checksum),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
