/*
 * Deadlines of numbered items (transfers, connections): a heap of fixed size. Moving a
 * deadline to a later time, which is what almost every packet does, touches no heap; the
 * item is put where it belongs when its old place comes up.
 */
#ifndef SALLYPORT_FILE_SENDER_TIMERS_H
#define SALLYPORT_FILE_SENDER_TIMERS_H

#include <stdint.h>

#include "src/base/err.h"

struct timers {
	uint64_t *when;  /* by item: the deadline, ms */
	uint64_t *key;   /* by item: its place in the heap; never later than when */
	uint32_t *where; /* by item: index in heap, or TIMERS_OUT */
	uint32_t *heap;  /* items */
	uint32_t n;
};

#define TIMERS_OUT UINT32_MAX

/* Items are 0..max-1, none of which has a deadline yet. Allocates. 0 or ERR_SYS. */
int timers_init(struct timers *t, uint32_t max) MUST_CHECK;
void timers_set(struct timers *t, uint32_t item, uint64_t when);
void timers_clear(struct timers *t, uint32_t item);
/* An item whose deadline is not after now, which then has none; TIMERS_OUT for none. */
uint32_t timers_take_due(struct timers *t, uint64_t now);
/* No deadline is earlier; UINT64_MAX when there is none at all. */
uint64_t timers_next(const struct timers *t);

#endif
