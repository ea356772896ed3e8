/*
 * The order in which the addresses of each pool may be given, and the counts that follow
 * from it. Broker, main thread, memory only. Nothing here walks a pool but restoring:
 * never used ones are found by a cursor, free and held ones stand in lists (each joins at
 * the end, at the time that it is ordered by), those that end later in a heap.
 */
#include <stdlib.h>
#include <string.h>

#include "src/broker/lease_table.h"

static struct lease_table *const t = &lease_table;

static struct lease_order *
order_of(const struct lease *l, uint32_t *subnet)
{
	const struct pool_range *r = pool_range_of(&t->map, slot_of(l));

	*subnet = r->subnet;
	return r->pool == POOL_NONE ? NULL : &t->orders[r->pool];
}

/* ----------------------------------------------------------------- the lists */

static void
list_append(struct lease_list *list, struct lease *l)
{
	l->prev = list->tail;
	l->next = LEASE_NONE;
	if (list->tail != LEASE_NONE)
		t->leases[list->tail].next = slot_of(l);
	else
		list->head = slot_of(l);
	list->tail = slot_of(l);
	list->n++;
}

static void
list_remove(struct lease_list *list, struct lease *l)
{
	if (l->prev != LEASE_NONE)
		t->leases[l->prev].next = l->next;
	else
		list->head = l->next;
	if (l->next != LEASE_NONE)
		t->leases[l->next].prev = l->prev;
	else
		list->tail = l->prev;
	list->n--;
}

static struct lease *
list_first(const struct lease_list *list)
{
	return list->head == LEASE_NONE ? NULL : &t->leases[list->head];
}

/* Passes over what is closed or has been used; over each address once in all. */
static void
advance(struct lease_order *o)
{
	while (o->nfresh > 0 && (!pool_is_open(&t->map, o->fresh) ||
				    t->leases[o->fresh].place != PLACE_FRESH))
		o->fresh++;
}

/* ------------------------------------------------------------------ the heap */

static void
heap_set(struct lease_order *o, uint32_t at, struct lease_timed e)
{
	o->timed[at] = e;
	t->leases[e.slot].at.timed = at;
}

static void
heap_rise(struct lease_order *o, uint32_t at)
{
	struct lease_timed e = o->timed[at];

	while (at > 0 && e.until < o->timed[(at - 1) / 2].until) {
		heap_set(o, at, o->timed[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(o, at, e);
}

static void
heap_sink(struct lease_order *o, uint32_t at)
{
	struct lease_timed e = o->timed[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= o->ntimed)
			break;
		if (child + 1 < o->ntimed &&
		    o->timed[child + 1].until < o->timed[child].until)
			child++;
		if (o->timed[child].until >= e.until)
			break;
		heap_set(o, at, o->timed[child]);
		at = child;
	}
	heap_set(o, at, e);
}

static void
heap_add(struct lease_order *o, const struct lease *l)
{
	heap_set(o, o->ntimed++, (struct lease_timed){l->until, slot_of(l)});
	if (!t->restoring)
		heap_rise(o, o->ntimed - 1);
}

static void
heap_remove(struct lease_order *o, const struct lease *l)
{
	uint32_t at = l->at.timed;

	if (at == --o->ntimed)
		return;
	heap_set(o, at, o->timed[o->ntimed]);
	if (t->restoring)
		return;
	heap_rise(o, at);
	heap_sink(o, at);
}

/* ---------------------------------------------------------------- the places */

static void
uncount(struct lease *l, uint32_t subnet)
{
	if ((l->flags & LEASE_COUNTED) == 0)
		return;
	if ((l->flags & LEASE_KNOWN) == 0)
		t->unknown[subnet]--;
	port_uncount(l);
	l->flags &= (uint8_t)~LEASE_COUNTED;
}

static void
count(struct lease *l, uint32_t subnet, bool known, uint64_t ingress)
{
	l->flags &= (uint8_t)~LEASE_KNOWN;
	l->flags |= LEASE_COUNTED | (known ? LEASE_KNOWN : 0);
	if (!known)
		t->unknown[subnet]++;
	port_count(l, ingress);
}

static struct lease_list *
held_list(struct lease_order *o, const struct lease *l)
{
	return &o->held[(l->flags & LEASE_KNOWN) != 0];
}

static void
take_out(struct lease_order *o, struct lease *l, uint32_t subnet)
{
	enum lease_place was = (enum lease_place)l->place;

	l->place = PLACE_APART;
	switch (was) {
	case PLACE_FRESH:
		o->nfresh--;
		advance(o);
		break;
	case PLACE_FREE: list_remove(&o->free, l); break;
	case PLACE_HELD:
		list_remove(held_list(o, l), l);
		port_unhold(l);
		break;
	case PLACE_TIMED:
		heap_remove(o, l);
		o->nbound -= l->state == LEASE_BOUND;
		if ((l->flags & LEASE_DECLINED) != 0)
			list_remove(&o->declined, l);
		l->flags &= (uint8_t)~LEASE_DECLINED;
		break;
	case PLACE_APART: break;
	}
	uncount(l, subnet);
}

static void
put_in(struct lease_order *o, struct lease *l)
{
	switch ((enum lease_state)l->state) {
	case LEASE_FREE:
		l->place = PLACE_FREE;
		list_append(&o->free, l);
		break;
	case LEASE_HELD:
		l->place = PLACE_HELD;
		list_append(held_list(o, l), l);
		port_hold(l);
		break;
	case LEASE_BOUND:
	case LEASE_QUARANTINED:
		l->place = PLACE_TIMED;
		o->nbound += l->state == LEASE_BOUND;
		heap_add(o, l);
		break;
	}
}

static uint32_t
time_of(uint64_t until)
{
	return until < UINT32_MAX ? (uint32_t)until : UINT32_MAX;
}

void
order_put(
    struct lease *l, enum lease_state state, uint64_t until, const struct lease_want *want)
{
	uint32_t subnet;
	struct lease_order *o = order_of(l, &subnet);
	bool open = o != NULL && pool_is_open(&t->map, slot_of(l));

	if (open)
		take_out(o, l, subnet);
	l->state = (uint8_t)state;
	l->until = time_of(until);
	if (!open) {
		l->place = PLACE_APART;
		return;
	}
	if (want != NULL && (state == LEASE_HELD || state == LEASE_BOUND))
		count(l, subnet, want->match->host != NULL, want->ingress);
	put_in(o, l);
}

void
order_disown(struct lease *l)
{
	uint32_t subnet;
	struct lease_order *o = order_of(l, &subnet);

	if (l->state == LEASE_HELD) {
		order_put(l, LEASE_FREE, t->now, NULL);
	} else if (l->state == LEASE_BOUND) {
		l->state = LEASE_QUARANTINED;
		if (l->place == PLACE_TIMED)
			o->nbound--;
		uncount(l, subnet);
	}
}

void
order_decline(struct lease *l)
{
	uint32_t subnet, most;
	struct lease_order *o = order_of(l, &subnet);

	if (l->place != PLACE_TIMED)
		return;
	l->flags |= LEASE_DECLINED;
	list_append(&o->declined, l);
	most = t->map.pools[o - t->orders].open / LEASE_DECLINED_PART;
	if (o->declined.n > (most > 0 ? most : 1))
		order_put(list_first(&o->declined), LEASE_FREE, t->now, NULL);
}

/* -------------------------------------------------------------------- ending */

/* Of what is held or runs in the pool, the one that ends first. */
static struct lease *
next_to_end(const struct lease_order *o)
{
	struct lease *first = o->ntimed > 0 ? &t->leases[o->timed[0].slot] : NULL;

	for (unsigned i = 0; i < 2; i++) {
		struct lease *l = list_first(&o->held[i]);

		if (l != NULL && (first == NULL || l->until < first->until))
			first = l;
	}
	return first;
}

static unsigned
tidy_pool(struct lease_order *o, uint64_t now, unsigned most)
{
	unsigned n = 0;

	for (; n < most; n++) {
		struct lease *l = next_to_end(o);

		if (l == NULL || l->until > now)
			break;
		order_put(l, LEASE_FREE, l->until, NULL);
	}
	return n;
}

void
order_tidy(uint32_t network, uint64_t now, unsigned most)
{
	if (now > t->now)
		t->now = now;
	for (uint32_t m = t->map.first_member[network];
	     m < t->map.first_member[network + 1]; m++) {
		uint32_t subnet = t->map.members[m];

		for (uint32_t p = t->map.first_pool[subnet];
		     p < t->map.first_pool[subnet + 1] && most > 0; p++)
			most -= tidy_pool(&t->orders[p], now, most);
	}
}

struct lease *
order_first(uint32_t pool, uint64_t now)
{
	const struct lease_order *o = &t->orders[pool];
	struct lease *l, *ended;

	if (o->nfresh > 0)
		return &t->leases[o->fresh];
	l = list_first(&o->free);
	ended = next_to_end(o);
	if (ended != NULL && ended->until <= now && (l == NULL || ended->until < l->until))
		return ended;
	return l;
}

/* ----------------------------------------------------------------- restoring */

void
order_add(struct lease *l, const struct lease_past *past)
{
	uint32_t subnet;
	struct lease_order *o = order_of(l, &subnet);

	order_put(l, LEASE_QUARANTINED, past->until, NULL);
	l->state = (uint8_t)past->state;
	if (o == NULL || l->place != PLACE_TIMED)
		return;
	if (past->state == LEASE_BOUND) {
		o->nbound++;
		count(l, subnet, past->known, past->ingress);
	}
}

static int
by_until(const void *a, const void *b)
{
	const struct lease_timed *x = a, *y = b;

	if (x->until != y->until)
		return x->until < y->until ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* All that is free goes to the end of the array, behind what runs on; returns where. */
static uint32_t
gather_free(struct lease_order *o, uint64_t now)
{
	uint32_t from = 0, to, n = o->ntimed;

	for (struct lease *l; (l = list_first(&o->free)) != NULL;) {
		list_remove(&o->free, l);
		o->timed[n++] = (struct lease_timed){l->until, slot_of(l)};
	}
	for (to = n; from < to;) {
		struct lease_timed e = o->timed[from];

		if (e.until > now && t->leases[e.slot].state != LEASE_FREE) {
			from++;
			continue;
		}
		o->timed[from] = o->timed[--to];
		o->timed[to] = e;
	}
	qsort(o->timed + to, n - to, sizeof *o->timed, by_until);
	o->ntimed = n;
	return to;
}

void
order_build(uint32_t pool, uint64_t now)
{
	struct lease_order *o = &t->orders[pool];
	uint32_t running = gather_free(o, now), all = o->ntimed;

	o->ntimed = running;
	for (uint32_t i = 0; i < running; i++)
		heap_set(o, i, o->timed[i]);
	for (uint32_t i = running / 2; i-- > 0;)
		heap_sink(o, i);
	for (uint32_t i = running; i < all; i++) {
		struct lease *l = &t->leases[o->timed[i].slot];

		o->nbound -= l->state == LEASE_BOUND;
		if ((l->flags & LEASE_DECLINED) != 0)
			list_remove(&o->declined, l);
		l->flags &= (uint8_t)~LEASE_DECLINED;
		uncount(l, t->map.pools[pool].subnet);
		l->state = LEASE_FREE;
		l->until = l->until < now ? l->until : time_of(now);
		l->place = PLACE_FREE;
		list_append(&o->free, l);
	}
}

void
order_init(void)
{
	const struct lease_list empty = {LEASE_NONE, LEASE_NONE, 0};

	for (uint32_t i = 0; i < t->map.npools; i++) {
		const struct pool *p = &t->map.pools[i];

		t->orders[i] = (struct lease_order){.fresh = p->slot,
		    .nfresh = p->open,
		    .free = empty,
		    .held = {empty, empty},
		    .declined = empty,
		    .timed = t->timed + p->slot};
		advance(&t->orders[i]);
	}
}
