/*
 * Counters by name: a short table, searched from its beginning. Broker, main thread. The
 * words that count most are met first, so that they soon stand there.
 */
#include "src/broker/counters.h"

#include <stddef.h>
#include <string.h>

static struct counter table[COUNTERS_MAX];
static unsigned used;

/* The same word in two files may be two strings. */
static struct counter *
find(const char *name)
{
	for (unsigned i = 0; i < used; i++)
		if (table[i].name == name)
			return &table[i];
	for (unsigned i = 0; i < used; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

void
counter_add(const char *name)
{
	struct counter *c = find(name);

	if (c == NULL && used < COUNTERS_MAX) {
		c = &table[used++];
		c->name = used == COUNTERS_MAX ? "other" : name;
		c->n = 0;
	}
	if (c == NULL)
		c = &table[COUNTERS_MAX - 1];
	c->n++;
}

const struct counter *
counters_all(unsigned *n)
{
	*n = used;
	return table;
}

uint64_t
counter_of(const char *name)
{
	const struct counter *c = find(name);

	return c == NULL ? 0 : c->n;
}

void
counters_reset(void)
{
	used = 0;
}
