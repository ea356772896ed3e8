/*
 * The file of lowest versions: two slots from any bytes. Input: flags (bit 0, 1: slot 0, 1
 * begins with the right magic; bit 2, 3: ends in the right checksum), then the bytes, half
 * for each slot.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/floor.h"

#define SUM_LEN 32
#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static const char magic[16] = {
    's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', '-', 'f', 'l', 'o', 'o', 'r', '1'};

static void
fill_slot(uint8_t *slot, const uint8_t *bytes, size_t len, bool magical, bool sum)
{
	size_t room = FLOOR_SLOT - SUM_LEN - sizeof magic;

	memset(slot, 0, FLOOR_SLOT);
	if (magical)
		memcpy(slot, magic, sizeof magic);
	memcpy(slot + (magical ? sizeof magic : 0), bytes, len < room ? len : room);
	if (sum)
		REQUIRE(crypto_generichash(slot + FLOOR_SLOT - SUM_LEN, SUM_LEN, slot,
			    FLOOR_SLOT - SUM_LEN, NULL, 0) == 0);
}

/* What was read is sound, and the only thing that its own bytes mean. */
static void
check_floor(const struct floor *f)
{
	static uint8_t slot[FLOOR_SLOT];
	static struct floor again;

	REQUIRE(f->n <= FLOOR_IMAGES_MAX);
	for (unsigned i = 0; i < f->n; i++) {
		size_t at, len = strnlen(f->images[i].name, PATHS_NAME_MAX + 1);

		REQUIRE(paths_check_name(f->images[i].name, len, &at) == NULL);
	}
	floor_encode(f, slot);
	REQUIRE(floor_decode(slot, &again) == 0);
	REQUIRE(memcmp(f, &again, sizeof again) == 0);
}

/* Whatever stands in it, raising never lowers, and what is lower is refused. */
static void
check_raise(struct floor *f, uint64_t version)
{
	static const uint8_t hash[32];
	uint64_t lowest, before;
	char name[PATHS_NAME_MAX + 1] = "debian-12";
	int may, did;

	if (f->n > 0)
		memcpy(name, f->images[f->n - 1].name, sizeof name);
	may = floor_check(f, name, version, hash, &before);
	did = floor_raise(f, name, version, hash);
	REQUIRE((may == 0) == (did >= 0));
	REQUIRE(
	    floor_check(f, name, version, hash, &lowest) != ERR_DENIED || version < before);
	REQUIRE(lowest >= before && (did < 0 || lowest == version));
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static uint8_t file[FLOOR_SIZE];
	static struct floor f;
	size_t half;
	uint8_t flags;

	if (len == 0)
		return 0;
	flags = data[0];
	half = (len - 1) / 2;
	fill_slot(file, data + 1, half, (flags & 1) != 0, (flags & 4) != 0);
	fill_slot(file + FLOOR_SLOT, data + 1 + half, len - 1 - half, (flags & 2) != 0,
	    (flags & 8) != 0);
	REQUIRE(floor_load(file, len % FLOOR_SIZE, &f) == ERR_ABSENT);
	if (floor_load(file, sizeof file, &f) != 0) {
		REQUIRE(f.n == 0);
		return 0;
	}
	check_floor(&f);
	check_raise(&f, len > 8 ? data[8] : 0);
	return 0;
}
