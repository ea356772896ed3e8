/*
 * An indexed binary heap of deadlines, in file-sender. Allocated at start, so that no
 * packet costs memory; items are our own indexes and trusted.
 */
#include "src/file-sender/timers.h"

#include <stdlib.h>

int
timers_init(struct timers *t, uint32_t max)
{
	t->when = calloc(max, sizeof *t->when);
	t->key = calloc(max, sizeof *t->key);
	t->where = calloc(max, sizeof *t->where);
	t->heap = calloc(max, sizeof *t->heap);
	if (t->when == NULL || t->key == NULL || t->where == NULL || t->heap == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < max; i++)
		t->where[i] = TIMERS_OUT;
	t->n = 0;
	return 0;
}

static void
place(struct timers *t, uint32_t at, uint32_t item)
{
	t->heap[at] = item;
	t->where[item] = at;
}

static void
sift_up(struct timers *t, uint32_t at)
{
	uint32_t item = t->heap[at];

	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (t->key[t->heap[parent]] <= t->key[item])
			break;
		place(t, at, t->heap[parent]);
		at = parent;
	}
	place(t, at, item);
}

static void
sift_down(struct timers *t, uint32_t at)
{
	uint32_t item = t->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= t->n)
			break;
		if (child + 1 < t->n && t->key[t->heap[child + 1]] < t->key[t->heap[child]])
			child++;
		if (t->key[item] <= t->key[t->heap[child]])
			break;
		place(t, at, t->heap[child]);
		at = child;
	}
	place(t, at, item);
}

void
timers_set(struct timers *t, uint32_t item, uint64_t when)
{
	t->when[item] = when;
	if (t->where[item] == TIMERS_OUT) {
		t->key[item] = when;
		place(t, t->n++, item);
		sift_up(t, t->where[item]);
	} else if (when < t->key[item]) {
		t->key[item] = when;
		sift_up(t, t->where[item]);
	}
}

void
timers_clear(struct timers *t, uint32_t item)
{
	uint32_t at = t->where[item];
	uint32_t last;

	if (at == TIMERS_OUT)
		return;
	last = t->heap[--t->n];
	t->where[item] = TIMERS_OUT;
	if (last == item)
		return;
	place(t, at, last);
	sift_up(t, at);
	sift_down(t, t->where[last]);
}

uint32_t
timers_take_due(struct timers *t, uint64_t now)
{
	while (t->n > 0 && t->key[t->heap[0]] <= now) {
		uint32_t item = t->heap[0];

		if (t->when[item] <= now) {
			timers_clear(t, item);
			return item;
		}
		t->key[item] = t->when[item];
		sift_down(t, 0);
	}
	return TIMERS_OUT;
}

uint64_t
timers_next(const struct timers *t)
{
	return t->n == 0 ? UINT64_MAX : t->key[t->heap[0]];
}
