/*
 * The lease table's beginnings: made from a configuration, filled from the store, and made
 * anew when the configuration changes. Broker, main thread, memory only. What the store
 * says has been checked in its form; it may still contradict itself.
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

/* The table is empty. */
static int
build(const struct conf *conf, const struct addr *own, unsigned nown,
    const struct hash_key *key)
{
	int err = pool_build(&t->map, conf, own, nown);

	if (err != 0)
		return err;
	t->conf = conf;
	t->key = *key;
	err = allocate();
	if (err != 0) {
		discard();
		return err;
	}
	order_init();
	return 0;
}

int
lease_init(const struct conf *conf, const struct addr *own, unsigned nown)
{
	struct hash_key key;

	hash_key_random(&key);
	discard();
	return build(conf, own, nown, &key);
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

/* One entry of the table as it was; false when its address is no more. */
static bool
take_over(
    const struct lease_table *old, const struct lease *from, uint32_t address, uint64_t now)
{
	uint32_t slot = pool_slot(&t->map, address);
	struct lease_past past = {(enum lease_state)from->state, id_in(old, from),
	    from->until, from->written, old->ports[from->port].name,
	    (from->flags & LEASE_KNOWN) != 0};

	if (slot == POOL_NO_SLOT)
		return false;
	if (from->state == LEASE_HELD) {
		past.state = LEASE_FREE;
		past.until = now;
	}
	t->leases[slot].link = from->link;
	t->leases[slot].mac = from->mac;
	lease_restore(&t->leases[slot], &past);
	return true;
}

int
lease_reconfigure(const struct conf *conf, const struct addr *own, unsigned nown,
    uint64_t now, uint32_t *gone)
{
	struct lease_table old = *t, fresh;
	int err;

	memset(t, 0, sizeof *t);
	err = build(conf, own, nown, &old.key);
	if (err != 0) {
		*t = old;
		return err;
	}
	*gone = 0;
	lease_restore_begin();
	for (uint32_t i = 0; i < old.map.slots; i++) {
		const struct lease *l = &old.leases[i];
		uint32_t subnet;

		if (l->until != 0 &&
		    !take_over(&old, l, pool_address(&old.map, i, &subnet), now))
			*gone += l->state == LEASE_BOUND && l->until > now;
	}
	lease_restore_end(now);
	fresh = *t;
	*t = old;
	discard();
	*t = fresh;
	return 0;
}
