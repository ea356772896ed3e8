/*
 * The lease table's beginnings: made from a configuration, filled from the store. Broker,
 * main thread, memory only. What the store says has been checked in its form; it may still
 * contradict itself.
 */
#include <stdlib.h>
#include <string.h>

#include "src/broker/lease_table.h"

struct lease_table lease_table;
static struct lease_table *const t = &lease_table;

static void
discard(void)
{
	pool_free(&t->map);
	id_discard();
	port_discard();
	free(t->leases);
	free(t->orders);
	free(t->timed);
	free(t->unknown);
	memset(t, 0, sizeof *t);
}

static int
allocate(void)
{
	size_t slots = (size_t)t->map.slots + 1;
	int err;

	t->leases = calloc(slots, sizeof *t->leases);
	t->orders = calloc((size_t)t->map.npools + 1, sizeof *t->orders);
	t->timed = calloc(slots, sizeof *t->timed);
	t->unknown = calloc((size_t)t->conf->nsubnets + 1, sizeof *t->unknown);
	if (t->leases == NULL || t->orders == NULL || t->timed == NULL ||
	    t->unknown == NULL)
		return ERR_SYS;
	err = id_init();
	return err != 0 ? err : port_init();
}

int
lease_init(const struct conf *conf, const struct addr *own, unsigned nown)
{
	int err;

	discard();
	err = pool_build(&t->map, conf, own, nown);
	if (err != 0)
		return err;
	t->conf = conf;
	hash_key_random(&t->key);
	err = allocate();
	if (err != 0) {
		discard();
		return err;
	}
	order_init();
	return 0;
}

/* ----------------------------------------------------------------- restoring */

void
lease_restore_begin(void)
{
	t->restoring = true;
}

void
lease_restore(struct lease *l, const struct lease_past *past)
{
	struct id_spot spot;

	id_clear(l);
	order_add(l, past);
	l->written = past->written < UINT32_MAX ? (uint32_t)past->written : UINT32_MAX;
	if (past->id.kind == ID_NONE)
		return;
	spot =
	    id_seek(t->map.network[pool_range_of(&t->map, slot_of(l))->subnet], &past->id);
	if (spot.found != NULL && spot.found->written > past->written) {
		order_disown(l);
		return;
	}
	id_put(l, &past->id, &spot);
	if (spot.found != NULL)
		order_disown(spot.found);
}

void
lease_restore_end(uint64_t now)
{
	if (now > t->now)
		t->now = now;
	for (uint32_t i = 0; i < t->map.npools; i++)
		order_build(i, now);
	t->restoring = false;
}
