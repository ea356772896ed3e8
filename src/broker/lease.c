/*
 * The lease table. Broker, main thread, memory only. Identities come from anybody on the
 * link: the hash is keyed, the table has a fixed size, and no operation walks it.
 */
#include "src/broker/lease.h"

#include <stdlib.h>
#include <string.h>

#include "policy/pool.h"
#include "src/base/hash.h"

#define NONE UINT32_MAX
#define EPOCH (UINT64_C(1) << 32)

/* The open slots of a subnet; slots[0] is the next to be given. */
struct heap {
	uint32_t n;
	uint32_t *slots;
};

static struct {
	const struct conf *conf;
	struct pool_map map;
	struct lease *leases; /* by slot */
	uint32_t *place;      /* by slot: where in its heap, NONE: in none */
	uint32_t *heap_slots; /* all heaps, one after the other */
	struct heap *heaps;   /* by subnet */
	uint32_t *by_id, buckets;
	struct hash_key key;
	bool restoring; /* the heaps are not in order */
} table;

static uint32_t
slot_of(const struct lease *l)
{
	return (uint32_t)(l - table.leases);
}

static uint32_t
subnet_index(uint32_t slot)
{
	uint32_t subnet;

	(void)pool_address(&table.map, slot, &subnet);
	return subnet;
}

/* ---------------------------------------------------------------- the heaps */

static bool
goes_before(uint32_t a, uint32_t b)
{
	uint64_t x = table.leases[a].until, y = table.leases[b].until;

	return x != y ? x < y : a < b;
}

static void
heap_set(struct heap *h, uint32_t at, uint32_t slot)
{
	h->slots[at] = slot;
	table.place[slot] = at;
}

static void
heap_rise(struct heap *h, uint32_t at)
{
	uint32_t slot = h->slots[at];

	while (at > 0 && goes_before(slot, h->slots[(at - 1) / 2])) {
		heap_set(h, at, h->slots[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(h, at, slot);
}

static void
heap_sink(struct heap *h, uint32_t at)
{
	uint32_t slot = h->slots[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && goes_before(h->slots[child + 1], h->slots[child]))
			child++;
		if (!goes_before(h->slots[child], slot))
			break;
		heap_set(h, at, h->slots[child]);
		at = child;
	}
	heap_set(h, at, slot);
}

static void
set_until(struct lease *l, uint64_t until)
{
	uint32_t slot = slot_of(l), at = table.place[slot];
	struct heap *h;

	l->until = until;
	if (at == NONE || table.restoring)
		return;
	h = &table.heaps[subnet_index(slot)];
	heap_rise(h, at);
	heap_sink(h, table.place[slot]);
}

/* All slots have until 0, so ascending order is already a heap. Ranges and subnets are in
 * the same order, so that a subnet's slots are together. */
static void
heaps_fill(void)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < table.map.nranges; i++) {
		const struct pool_range *r = &table.map.ranges[i];
		struct heap *h = &table.heaps[r->subnet];

		if (h->slots == NULL)
			h->slots = table.heap_slots + used;
		for (uint32_t k = r->slot; k <= r->slot + (r->last - r->first); k++) {
			if (pool_is_open(&table.map, k)) {
				heap_set(h, h->n++, k);
				used++;
			}
		}
	}
}

/* ------------------------------------------------------------ the identities */

static uint32_t *
bucket_of(uint32_t subnet, const struct lease_id *id)
{
	uint8_t bytes[5 + RECORD_ID_MAX];
	size_t len = 5 + (size_t)id->len;

	memcpy(bytes, &subnet, 4);
	bytes[4] = id->kind;
	memcpy(bytes + 5, id->b, id->len);
	return &table.by_id[hash_bytes(&table.key, bytes, len) & (table.buckets - 1)];
}

static struct lease *
find(uint32_t subnet, const struct lease_id *id)
{
	uint32_t at = *bucket_of(subnet, id);

	while (at != NONE) {
		struct lease *l = &table.leases[at];

		if (lease_id_equal(&l->id, id) && subnet_index(at) == subnet)
			return l;
		at = l->next;
	}
	return NULL;
}

static void
index_remove(struct lease *l)
{
	uint32_t *at;

	if (!l->indexed)
		return;
	at = bucket_of(subnet_index(slot_of(l)), &l->id);
	while (*at != slot_of(l))
		at = &table.leases[*at].next;
	*at = l->next;
	l->indexed = false;
}

/* The identity has nothing to do with this address any more. */
static void
forget_id(struct lease *l)
{
	index_remove(l);
	memset(&l->id, 0, sizeof l->id);
	if (l->state == LEASE_BOUND)
		l->state = LEASE_QUARANTINED;
	else if (l->state == LEASE_HELD)
		l->state = LEASE_FREE;
}

static void
set_id(struct lease *l, const struct lease_id *id)
{
	struct lease_id mine = *id;
	uint32_t subnet = subnet_index(slot_of(l));
	struct lease *other = find(subnet, &mine);
	uint32_t *head;

	if (other == l)
		return;
	if (other != NULL)
		forget_id(other);
	index_remove(l);
	l->id = mine;
	head = bucket_of(subnet, &mine);
	l->next = *head;
	*head = slot_of(l);
	l->indexed = true;
}

/* -------------------------------------------------------------------- set-up */

static void
discard(void)
{
	pool_free(&table.map);
	free(table.leases);
	free(table.place);
	free(table.heap_slots);
	free(table.heaps);
	free(table.by_id);
	memset(&table, 0, sizeof table);
}

int
lease_init(const struct conf *conf, const struct addr *own, unsigned nown)
{
	int err;

	discard();
	err = pool_build(&table.map, conf, own, nown);
	if (err != 0)
		return err;
	table.conf = conf;
	for (table.buckets = 16; table.buckets < table.map.slots; table.buckets *= 2)
		;
	table.leases = calloc((size_t)table.map.slots + 1, sizeof *table.leases);
	table.place = malloc(((size_t)table.map.slots + 1) * sizeof *table.place);
	table.heap_slots = malloc(((size_t)table.map.slots + 1) * sizeof *table.heap_slots);
	table.heaps = calloc((size_t)conf->nsubnets + 1, sizeof *table.heaps);
	table.by_id = malloc(table.buckets * sizeof *table.by_id);
	if (table.leases == NULL || table.place == NULL || table.heap_slots == NULL ||
	    table.heaps == NULL || table.by_id == NULL) {
		discard();
		return ERR_SYS;
	}
	memset(table.place, 0xff, table.map.slots * sizeof *table.place);
	memset(table.by_id, 0xff, table.buckets * sizeof *table.by_id);
	hash_key_random(&table.key);
	heaps_fill();
	return 0;
}

uint64_t
lease_clock(uint64_t mono_ms)
{
	return EPOCH + mono_ms / 1000;
}

uint32_t
lease_count(void)
{
	return table.map.slots;
}

/* ------------------------------------------------------------------- finding */

struct lease *
lease_nth(uint32_t n)
{
	return &table.leases[n];
}

struct lease *
lease_at(const struct addr *a)
{
	uint32_t slot;

	if (a->family != ADDR_V4)
		return NULL;
	slot = pool_slot(&table.map, addr_to_v4(a));
	return slot == POOL_NO_SLOT ? NULL : &table.leases[slot];
}

struct addr
lease_addr(const struct lease *l)
{
	uint32_t subnet;

	return addr_v4(pool_address(&table.map, slot_of(l), &subnet));
}

const struct conf_subnet *
lease_subnet(const struct lease *l)
{
	return &table.conf->subnets[subnet_index(slot_of(l))];
}

const struct conf_pool *
lease_pool(const struct lease *l)
{
	const struct conf_subnet *s = lease_subnet(l);
	struct addr a = lease_addr(l);
	uint32_t v = addr_to_v4(&a);

	for (unsigned i = 0; i < s->npools; i++)
		if (v >= s->pools[i].first && v <= s->pools[i].last)
			return &s->pools[i];
	return NULL;
}

bool
lease_same_network(const struct conf_subnet *a, const struct conf_subnet *b)
{
	if (a == NULL || b == NULL)
		return false;
	return a == b || (a->shared == b->shared && a->shared < table.conf->nshared);
}

struct lease_id
lease_holder(const struct lease *l)
{
	return l->id;
}

bool
lease_is_of(const struct lease *l, const struct lease_id *id)
{
	return id->kind != ID_NONE && lease_id_equal(&l->id, id);
}

struct lease *
lease_of(const struct conf_subnet *subnet, const struct lease_id *id)
{
	return find((uint32_t)(subnet - table.conf->subnets), id);
}

struct lease *
lease_reserved(const struct conf_subnet *subnet, const struct conf_host *host)
{
	struct lease *l = host == NULL ? NULL : lease_at(&host->address);
	const struct match match = {.host = host};

	return l != NULL && lease_same_network(lease_subnet(l), subnet) &&
		       lease_permitted(l, &match)
		   ? l
		   : NULL;
}

bool
lease_permitted(const struct lease *l, const struct match *match)
{
	uint32_t owner = pool_reserved_for(&table.map, slot_of(l));

	if (owner != UINT32_MAX)
		return match->host == &table.conf->hosts[owner];
	return table.place[slot_of(l)] != NONE;
}

bool
lease_is_free(const struct lease *l, uint64_t now)
{
	return l->until <= now;
}

struct lease *
lease_choose(const struct lease_want *w, uint64_t now)
{
	const struct heap *h = &table.heaps[w->subnet - table.conf->subnets];
	struct lease *l = lease_reserved(w->subnet, w->match->host);

	if (l != NULL && (lease_is_free(l, now) || lease_is_of(l, w->id)))
		return l;
	l = lease_of(w->subnet, w->id);
	if (l != NULL && lease_permitted(l, w->match) &&
	    (l->state != LEASE_QUARANTINED || lease_is_free(l, now)))
		return l;
	l = w->wish == NULL ? NULL : lease_at(w->wish);
	if (l != NULL && lease_subnet(l) == w->subnet && lease_permitted(l, w->match) &&
	    lease_is_free(l, now))
		return l;
	l = h->n == 0 ? NULL : &table.leases[h->slots[0]];
	return l != NULL && lease_is_free(l, now) ? l : NULL;
}

static bool
runs(const struct lease *l, uint64_t now)
{
	return l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, now);
}

bool
lease_may_take(const struct lease *l, const struct lease_want *w, uint64_t now)
{
	if (!lease_permitted(l, w->match))
		return false;
	if (lease_is_of(l, w->id))
		return true;
	return lease_is_free(l, now) && !runs(lease_of(w->subnet, w->id), now);
}

/* ------------------------------------------------------------ where from */

/* Under a fixed key, so that it is the same after a restart. Nothing is looked up by these
 * bits as they are; two ports that somebody makes equal share their own quota. */
static const struct hash_key ingress_key = {
    UINT64_C(0x73616c6c79706f72), UINT64_C(0x742f696e67726573)};

static size_t
add_part(uint8_t *bytes, const struct match_bytes *part)
{
	size_t len = part->len <= UINT8_MAX ? part->len : UINT8_MAX;

	bytes[0] = (uint8_t)len;
	if (len > 0)
		memcpy(bytes + 1, part->b, len);
	return 1 + len;
}

uint64_t
lease_ingress(unsigned link, const struct addr *relay, const struct match_bytes *circuit,
    const struct match_bytes *remote)
{
	bool port = circuit->len > 0 || remote->len > 0;
	bool relayed = port || !addr_is_unset(relay);
	uint8_t bytes[1 + 4 + 2 * (1 + UINT8_MAX)];
	uint32_t where = relayed ? addr_to_v4(relay) : link;
	size_t len = 5;
	uint64_t h;

	bytes[0] = port ? 'p' : relayed ? 'r' : 'l';
	memcpy(bytes + 1, &where, 4);
	if (port) {
		len += add_part(bytes + len, circuit);
		len += add_part(bytes + len, remote);
	}
	h = hash_bytes(&ingress_key, bytes, len) & ~UINT64_C(1);
	return h == 0 ? 2 | port : h | port;
}

/* ------------------------------------------------------------------ changing */

void
lease_hold(struct lease *l, const struct lease_want *w, uint64_t now)
{
	bool goes_on = runs(l, now) && lease_is_of(l, w->id);

	set_id(l, w->id);
	if (!goes_on)
		l->state = LEASE_HELD;
	if (!goes_on || l->until < now + LEASE_HOLD_S)
		set_until(l, now + LEASE_HOLD_S);
}

void
lease_unhold(struct lease *l, uint64_t now)
{
	if (l->state != LEASE_HELD)
		return;
	l->state = LEASE_FREE;
	set_until(l, now);
}

void
lease_bind(struct lease *l, const struct lease_want *w, uint64_t until)
{
	set_id(l, w->id);
	l->state = LEASE_BOUND;
	set_until(l, until);
}

void
lease_release(struct lease *l, uint64_t now)
{
	l->state = LEASE_FREE;
	set_until(l, now);
}

void
lease_quarantine(struct lease *l, uint64_t until)
{
	forget_id(l);
	l->state = LEASE_QUARANTINED;
	set_until(l, until);
}

/* ----------------------------------------------------------------- restoring */

void
lease_restore_begin(void)
{
	table.restoring = true;
}

void
lease_restore(struct lease *l, const struct lease_past *past)
{
	const struct lease_id *id = &past->id;
	struct lease *other =
	    id->kind == ID_NONE ? NULL : find(subnet_index(slot_of(l)), id);

	l->written = past->written;
	l->state = past->state;
	set_until(l, past->until);
	if (id->kind == ID_NONE)
		return;
	if (other == NULL || other->written <= past->written)
		set_id(l, id);
	else if (past->state == LEASE_BOUND)
		l->state = LEASE_QUARANTINED;
}

/* Bottom up: linear in the number of slots. */
void
lease_restore_end(uint64_t now)
{
	(void)now;
	table.restoring = false;
	for (unsigned i = 0; i < table.conf->nsubnets; i++)
		for (uint32_t k = table.heaps[i].n / 2; k-- > 0;)
			heap_sink(&table.heaps[i], k);
}
