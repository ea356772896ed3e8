/*
 * A row of small numbers, first in, first out, of fixed size. Whoever uses it sees to it
 * that there are never more in it than it holds, for instance by a mark that each number
 * stands in it once.
 */
#ifndef SALLYPORT_BROKER_ROW_H
#define SALLYPORT_BROKER_ROW_H

#include <stdint.h>

#include "src/base/err.h"

struct row {
	uint32_t *items;
	uint32_t size, at, len;
};

static inline void
row_put(struct row *r, uint32_t item)
{
	if (r->len == r->size)
		bug("a row runs over");
	r->items[(r->at + r->len++) % r->size] = item;
}

/* There is one. */
static inline uint32_t
row_take(struct row *r)
{
	uint32_t item = r->items[r->at];

	r->at = (r->at + 1) % r->size;
	r->len--;
	return item;
}

#endif
