/*
 * Counts per address in file-sender, so that one peer, who is not trusted, cannot take
 * all transfers or connections. Open addressing; deletion moves the followers back, so
 * that the table never fills with marks.
 */
#include "src/file-sender/caps.h"

#include <stdlib.h>
#include <string.h>

int
caps_init(struct caps *c, uint32_t max, uint64_t seed)
{
	uint32_t size = 16;

	while (size < 2 * max)
		size *= 2;
	c->slots = calloc(size, sizeof *c->slots);
	c->mask = size - 1;
	c->seed = seed;
	return c->slots == NULL ? ERR_SYS : 0;
}

uint64_t
caps_hash(const struct addr *a, uint64_t seed)
{
	uint64_t half[2];
	uint64_t h = seed ^ a->family;

	memcpy(half, a->b, sizeof half);
	for (unsigned i = 0; i < 2; i++) {
		h = (h ^ half[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h * UINT64_C(0xbf58476d1ce4e5b9) >> 16;
}

/* What is counted together. */
static struct addr
group(const struct addr *a)
{
	struct addr g = *a;

	if (g.family == ADDR_V6)
		memset(g.b + 8, 0, 8);
	return g;
}

/* The slot of this address, or the empty one where it would go. */
static uint32_t
find(const struct caps *c, const struct addr *a)
{
	uint32_t i = (uint32_t)caps_hash(a, c->seed) & c->mask;

	while (c->slots[i].addr.family != ADDR_NONE && !addr_equal(&c->slots[i].addr, a))
		i = (i + 1) & c->mask;
	return i;
}

bool
caps_take(struct caps *c, const struct addr *a, uint32_t limit)
{
	struct addr g = group(a);
	struct caps_slot *s = &c->slots[find(c, &g)];

	if (s->count >= limit)
		return false;
	s->addr = g;
	s->count++;
	return true;
}

/* Empties slot i, and closes the gap for all that were displaced past it. */
static void
erase(struct caps *c, uint32_t i)
{
	uint32_t next = (i + 1) & c->mask;

	while (c->slots[next].addr.family != ADDR_NONE) {
		uint32_t home =
		    (uint32_t)caps_hash(&c->slots[next].addr, c->seed) & c->mask;

		if (((next - home) & c->mask) >= ((next - i) & c->mask)) {
			c->slots[i] = c->slots[next];
			i = next;
		}
		next = (next + 1) & c->mask;
	}
	memset(&c->slots[i], 0, sizeof c->slots[i]);
}

void
caps_give(struct caps *c, const struct addr *a)
{
	struct addr g = group(a);
	uint32_t i = find(c, &g);

	if (c->slots[i].count == 0)
		bug("giving back what was not taken");
	if (--c->slots[i].count == 0)
		erase(c, i);
}
