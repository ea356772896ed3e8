/*
 * The table of sealed memory. Part of the verifier's main thread.
 */
#include "src/verifier/sealed.h"

#include <string.h>
#include <unistd.h>

static struct sealed table[SEALED_MAX];
static uint32_t last_number;
static uint64_t total;

uint32_t
sealed_number(void)
{
	if (++last_number == 0)
		bug("out of numbers for memory");
	return last_number;
}

int
sealed_new(uint64_t size)
{
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		if (table[i].id != 0)
			continue;
		memset(&table[i], 0, sizeof table[i]);
		table[i].id = sealed_number();
		table[i].fd = -1;
		table[i].size = size;
		table[i].refs = 1;
		total += size;
		return (int)i;
	}
	return ERR_FULL;
}

int
sealed_share(const uint8_t hash[32], uint64_t size)
{
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		struct sealed *s = &table[i];

		if (s->id == 0 || s->refs == 0 || !s->whole || s->size != size ||
		    memcmp(s->hash, hash, sizeof s->hash) != 0)
			continue;
		s->refs++;
		return (int)i;
	}
	return ERR_ABSENT;
}

static void
discard(struct sealed *s)
{
	if (s->fd >= 0)
		close(s->fd);
	total -= s->size;
	memset(s, 0, sizeof *s);
}

void
sealed_unref(unsigned place)
{
	struct sealed *s = &table[place];

	if (s->id == 0 || s->refs == 0)
		bug("memory without an owner");
	if (--s->refs == 0 && !s->told)
		discard(s);
}

void
sealed_dropped(unsigned place)
{
	if (table[place].id == 0 || table[place].refs != 0)
		bug("memory dropped that has an owner");
	discard(&table[place]);
}

struct sealed *
sealed_at(unsigned place)
{
	return place < SEALED_MAX && table[place].id != 0 ? &table[place] : NULL;
}

uint64_t
sealed_bytes(void)
{
	return total;
}

void
sealed_forget_told(void)
{
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		table[i].told = false;
		if (table[i].id != 0 && table[i].refs == 0)
			discard(&table[i]);
	}
}
