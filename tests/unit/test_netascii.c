/*
 * Texts in netascii: as a whole, cut anywhere, and gone over without writing.
 */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/file-sender/netascii.h"

#define MOST 4096

static const struct {
	const char *from, *to;
	size_t to_len;
} rows[] = {
    {"", "", 0},
    {"plain", "plain", 5},
    {"\n", "\r\n", 2},
    {"\r", "\r\0", 2},
    {"a\nb\n", "a\r\nb\r\n", 6},
    {"a\r\nb", "a\r\0\r\nb", 6},
    {"\n\n\n", "\r\n\r\n\r\n", 6},
    {"\xff\x80", "\xff\x80", 2},
};

static void
line_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct netascii n = {0};
		uint8_t out[64];
		size_t len = strlen(rows[i].from);

		assert_int_equal(
		    netascii_fill(&n, (const uint8_t *)rows[i].from, len, out, sizeof out),
		    rows[i].to_len);
		assert_memory_equal(out, rows[i].to, rows[i].to_len);
		assert_int_equal(n.at, len);
		/* The end is the end. */
		assert_int_equal(
		    netascii_fill(&n, (const uint8_t *)rows[i].from, len, out, sizeof out),
		    0);
	}
}

/* At most twice as long, byte for byte the same however it is cut. */
static void
pieces_are_the_whole(void **state)
{
	static const char letters[] = "ab\r\n";
	static uint8_t source[MOST], whole[2 * MOST], pieces[2 * MOST];
	struct netascii n = {0};
	size_t len;

	(void)state;
	srandom(5);
	for (size_t i = 0; i < MOST; i++)
		source[i] = (uint8_t)letters[random() % 4];
	len = netascii_fill(&n, source, MOST, whole, sizeof whole);
	assert_in_range(len, MOST, 2 * MOST);
	assert_int_equal(n.at, MOST);
	for (unsigned round = 0; round < 50; round++) {
		struct netascii skip;
		size_t used = 0;

		memset(&n, 0, sizeof n);
		memset(&skip, 0, sizeof skip);
		while (used < len) {
			size_t cap = 1 + (size_t)random() % (1 + round * 4);
			size_t got = netascii_fill(&n, source, MOST, pieces + used, cap);

			assert_int_equal(got, cap < len - used ? cap : len - used);
			netascii_skip(&skip, source, MOST, got);
			assert_int_equal(skip.at, n.at);
			assert_int_equal(skip.half, n.half);
			used += got;
		}
		assert_memory_equal(pieces, whole, len);
	}
	/* Beyond the end there is nothing to go over. */
	netascii_skip(&n, source, MOST, 10);
	assert_int_equal(n.at, MOST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(line_ends),
	    cmocka_unit_test(pieces_are_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
