/*
 * The rollback floor: what it lets through, and that no torn or damaged file lowers it.
 */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/floor.h"

static struct floor f, g;
static uint8_t file[FLOOR_SIZE];
static const uint8_t hash_a[32] = {1}, hash_b[32] = {2};

static void
write_slot(struct floor *floor)
{
	floor->sequence++;
	floor_encode(floor, file + floor_offset(floor));
}

static int
set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	memset(file, 0, sizeof file);
	return 0;
}

static void
test_rules(void **state)
{
	uint64_t lowest;

	(void)state;
	assert_int_equal(floor_check(&f, "a", 5, hash_a, &lowest), 0);
	assert_int_equal(floor_raise(&f, "a", 5, hash_a), 1);
	assert_int_equal(floor_raise(&f, "a", 5, hash_a), 0);
	assert_int_equal(floor_raise(&f, "a", 5, hash_b), ERR_DUPLICATE);
	assert_int_equal(floor_raise(&f, "a", 4, hash_a), ERR_DENIED);
	assert_int_equal(floor_check(&f, "a", 1, hash_a, &lowest), ERR_DENIED);
	assert_int_equal(lowest, 5);
	assert_int_equal(floor_raise(&f, "a", UINT64_MAX, hash_b), 1);
	assert_int_equal(floor_raise(&f, "a", 6, hash_b), ERR_DENIED);
	/* Names are whole: neither a prefix nor an extension. */
	assert_int_equal(floor_raise(&f, "ab", 1, hash_a), 1);
	assert_int_equal(f.n, 2);
}

static void
test_full(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < FLOOR_IMAGES_MAX; i++) {
		snprintf(name, sizeof name, "i%u", i);
		assert_int_equal(floor_raise(&f, name, 1, hash_a), 1);
	}
	assert_int_equal(floor_raise(&f, "more", 1, hash_a), ERR_FULL);
	assert_int_equal(floor_raise(&f, "i0", 2, hash_a), 1);
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), 0);
	assert_memory_equal(&f, &g, sizeof f);
}

static void
test_empty_file(void **state)
{
	(void)state;
	assert_int_equal(floor_load(file, 0, &g), ERR_ABSENT);
	assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), 0);
	assert_int_equal(floor_load(file, sizeof file - 1, &g), ERR_ABSENT);
}

static void
test_newest_slot(void **state)
{
	(void)state;
	for (uint64_t version = 1; version < 10; version++) {
		assert_int_equal(floor_raise(&f, "a", version, hash_a), 1);
		f.time = version;
		write_slot(&f);
		assert_int_equal(floor_load(file, sizeof file, &g), 0);
		assert_int_equal(g.images[0].version, version);
		assert_int_equal(g.time, version);
		assert_int_equal(g.sequence, version);
	}
}

/* A write that stops after any byte leaves the floor as it was, or as it becomes. */
static void
test_torn(void **state)
{
	uint8_t *before = malloc(FLOOR_SIZE);
	size_t at;

	(void)state;
	for (uint64_t version = 1; version <= 2; version++) {
		assert_int_equal(floor_raise(&f, "a", version, hash_a), 1);
		write_slot(&f);
	}
	memcpy(before, file, FLOOR_SIZE);
	assert_int_equal(floor_raise(&f, "a", 3, hash_a), 1);
	write_slot(&f);
	at = floor_offset(&f);
	for (size_t cut = 0; cut <= FLOOR_SLOT;
	     cut += cut < 300 || cut > FLOOR_SLOT - 40 ? 1 : 97) {
		uint8_t *torn = malloc(FLOOR_SIZE);

		memcpy(torn, before, FLOOR_SIZE);
		memcpy(torn + at, file + at, cut);
		assert_int_equal(floor_load(torn, FLOOR_SIZE, &g), 0);
		assert_in_range(g.images[0].version, 2, 3);
		if (cut == FLOOR_SLOT)
			assert_int_equal(g.images[0].version, 3);
		if (cut < FLOOR_SLOT - 32)
			assert_int_equal(g.images[0].version, 2);
		free(torn);
	}
	free(before);
}

/* A flipped bit makes its slot invalid; with both so, there is no floor. */
static void
test_damage(void **state)
{
	(void)state;
	assert_int_equal(floor_raise(&f, "a", 1, hash_a), 1);
	write_slot(&f);
	for (size_t bit = 0; bit < FLOOR_SLOT * 8; bit += bit < 2000 ? 1 : 1009) {
		size_t at = floor_offset(&f) + bit / 8;

		file[at] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
		file[at] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(floor_load(file, sizeof file, &g), 0);
}

/* Right checksum, wrong contents: as whoever can write the file might try. */
static void
test_forged(void **state)
{
	(void)state;
	assert_int_equal(floor_raise(&f, "a", 1, hash_a), 1);
	strcpy(f.images[0].name, "../a");
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
	memset(f.images[0].name, 'a', sizeof f.images[0].name);
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
	strcpy(f.images[0].name, "");
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
	strcpy(f.images[0].name, "a");
	write_slot(&f);
	assert_int_equal(floor_load(file, sizeof file, &g), 0);
	/* A count beyond the table. */
	file[floor_offset(&f) + 32] = 0x01;
	file[floor_offset(&f) + 33] = 0x01;
	crypto_generichash(file + floor_offset(&f) + FLOOR_SLOT - 32, 32,
	    file + floor_offset(&f), FLOOR_SLOT - 32, NULL, 0);
	memset(file + FLOOR_SLOT - floor_offset(&f), 0, FLOOR_SLOT);
	assert_int_equal(floor_load(file, sizeof file, &g), ERR_ABSENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_rules, set_up),
	    cmocka_unit_test_setup(test_full, set_up),
	    cmocka_unit_test_setup(test_empty_file, set_up),
	    cmocka_unit_test_setup(test_newest_slot, set_up),
	    cmocka_unit_test_setup(test_torn, set_up),
	    cmocka_unit_test_setup(test_damage, set_up),
	    cmocka_unit_test_setup(test_forged, set_up),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
