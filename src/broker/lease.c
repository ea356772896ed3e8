/*
 * The lease table. Broker, main thread, memory only. Identities and ingresses come from
 * anybody on the link: hashes are keyed, tables have a fixed size, and no operation on a
 * request walks one.
 */
#include "src/broker/lease.h"

#include <stdlib.h>
#include <string.h>

#include "src/broker/lease_table.h"

#define EPOCH (UINT64_C(1) << 28)
#define TIDY_MOST 128 /* entries that one request may find ended */
#define TIDY_STATS 65536

static struct lease_table *const t = &lease_table;

uint64_t
lease_clock(uint64_t mono_ms)
{
	return EPOCH + mono_ms / 1000;
}

uint32_t
lease_count(void)
{
	return t->map.slots;
}

struct lease *
lease_nth(uint32_t n)
{
	return &t->leases[n];
}

/* ------------------------------------------------------------------- finding */

static uint32_t
subnet_index(const struct lease *l)
{
	return pool_range_of(&t->map, slot_of(l))->subnet;
}

static uint32_t
network_of(const struct conf_subnet *subnet)
{
	return t->map.network[subnet - t->conf->subnets];
}

struct lease *
lease_at(const struct addr *a)
{
	uint32_t slot;

	if (a->family != ADDR_V4)
		return NULL;
	slot = pool_slot(&t->map, addr_to_v4(a));
	return slot == POOL_NO_SLOT ? NULL : &t->leases[slot];
}

struct addr
lease_addr(const struct lease *l)
{
	uint32_t subnet;

	return addr_v4(pool_address(&t->map, slot_of(l), &subnet));
}

const struct conf_subnet *
lease_subnet(const struct lease *l)
{
	return &t->conf->subnets[subnet_index(l)];
}

const struct conf_pool *
lease_pool(const struct lease *l)
{
	uint32_t pool = pool_range_of(&t->map, slot_of(l))->pool;

	return pool == POOL_NONE ? NULL : t->map.pools[pool].rules;
}

bool
lease_same_network(const struct conf_subnet *a, const struct conf_subnet *b)
{
	return a != NULL && b != NULL && network_of(a) == network_of(b);
}

struct lease *
lease_of(const struct conf_subnet *subnet, const struct lease_id *id)
{
	return id_seek(network_of(subnet), id).found;
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
	uint32_t owner;

	if (pool_is_open(&t->map, slot_of(l)))
		return pool_admits(lease_pool(l), match);
	owner = pool_reserved_for(&t->map, slot_of(l));
	return owner != UINT32_MAX && match->host == &t->conf->hosts[owner];
}

bool
lease_is_free(const struct lease *l, uint64_t now)
{
	return l->until <= now;
}

static bool
is_used(const struct lease *l, enum lease_state state, uint64_t now)
{
	return l != NULL && l->state == state && !lease_is_free(l, now);
}

/* -------------------------------------------------------------------- quotas */

static bool
is_port(uint64_t ingress)
{
	return (ingress & 1) != 0;
}

static uint32_t
port_limit(uint64_t ingress)
{
	return is_port(ingress) && t->conf->leases_per_port != 0 ? t->conf->leases_per_port
								 : UINT32_MAX;
}

/* Addresses of the subnet that machines without host block may have together. */
static uint32_t
share_limit(uint32_t subnet)
{
	uint64_t open = 0, limit;

	if (t->conf->pool_share == 0 || t->conf->pool_share >= 100)
		return UINT32_MAX;
	for (uint32_t p = t->map.first_pool[subnet]; p < t->map.first_pool[subnet + 1]; p++)
		open += t->map.pools[p].open;
	limit = open * t->conf->pool_share / 100;
	return limit > 0 ? (uint32_t)limit : 1;
}

/* The oldest hold in the subnet of a machine with or without host block, at an address that
 * match (NULL: anybody) may have. */
static struct lease *
oldest_hold(uint32_t subnet, bool known, const struct match *match)
{
	struct lease *oldest = NULL;

	for (uint32_t p = t->map.first_pool[subnet]; p < t->map.first_pool[subnet + 1];
	     p++) {
		uint32_t head = t->orders[p].held[known].head;

		if (head == LEASE_NONE ||
		    (match != NULL && !pool_admits(t->map.pools[p].rules, match)))
			continue;
		if (oldest == NULL || t->leases[head].until < oldest->until)
			oldest = &t->leases[head];
	}
	return oldest;
}

static bool
port_has_room(uint64_t ingress)
{
	const struct lease_port *p = port_find(ingress);

	return p == NULL || p->count < port_limit(ingress) || p->held.n > 0;
}

static bool
share_has_room(const struct lease_want *w, uint32_t subnet)
{
	return w->match->host != NULL || t->unknown[subnet] < share_limit(subnet) ||
	       oldest_hold(subnet, false, NULL) != NULL;
}

/* Reservations need none. */
static bool
has_room(const struct lease_want *w, const struct lease *l)
{
	return !pool_is_open(&t->map, slot_of(l)) ||
	       (port_has_room(w->ingress) && share_has_room(w, subnet_index(l)));
}

static void
drop_hold(struct lease *l)
{
	l->flags |= LEASE_CONTESTED;
	order_put(l, LEASE_FREE, t->now, NULL);
}

/* l has been counted: what that is too much by is taken from others' holds. */
static void
keep_bounds(const struct lease *l, const struct lease_want *w)
{
	const struct lease_port *p = &t->ports[l->port];
	uint32_t most = is_port(w->ingress) ? LEASE_PORT_HOLDS : LEASE_LINK_HOLDS;
	uint32_t subnet = subnet_index(l);
	struct lease *other;

	if ((l->flags & LEASE_COUNTED) == 0)
		return;
	while (l->port != 0 && p->held.n > 0 && p->held.head != slot_of(l) &&
	       (p->held.n > most || p->count > port_limit(w->ingress)))
		drop_hold(&t->leases[p->held.head]);
	while (w->match->host == NULL && t->unknown[subnet] > share_limit(subnet)) {
		other = oldest_hold(subnet, false, NULL);
		if (other == NULL || other == l)
			break;
		drop_hold(other);
	}
}

/* ------------------------------------------------------------------ choosing */

typedef struct lease *picker(const struct lease_want *w, uint32_t subnet, uint64_t now);

static struct lease *
pick_free(const struct lease_want *w, uint32_t subnet, uint64_t now)
{
	struct lease *best = NULL;

	if (!share_has_room(w, subnet))
		return NULL;
	for (uint32_t p = t->map.first_pool[subnet]; p < t->map.first_pool[subnet + 1];
	     p++) {
		struct lease *l = pool_admits(t->map.pools[p].rules, w->match)
				      ? order_first(p, now)
				      : NULL;

		if (l != NULL && (best == NULL || l->until < best->until))
			best = l;
	}
	return best;
}

static struct lease *
pick_unknown_hold(const struct lease_want *w, uint32_t subnet, uint64_t now)
{
	(void)now;
	return oldest_hold(subnet, false, w->match);
}

static struct lease *
pick_known_hold(const struct lease_want *w, uint32_t subnet, uint64_t now)
{
	(void)now;
	return w->match->host == NULL ? NULL : oldest_hold(subnet, true, w->match);
}

/* The machine's own subnet first, then the others of its network. */
static struct lease *
pick_over_network(const struct lease_want *w, uint64_t now, picker *pick)
{
	uint32_t own = (uint32_t)(w->subnet - t->conf->subnets);
	uint32_t network = t->map.network[own];
	struct lease *l = pick(w, own, now);

	for (uint32_t m = t->map.first_member[network];
	     l == NULL && m < t->map.first_member[network + 1]; m++)
		if (t->map.members[m] != own)
			l = pick(w, t->map.members[m], now);
	return l;
}

static struct lease *
pick_any(const struct lease_want *w, uint64_t now)
{
	struct lease *l;

	if (!port_has_room(w->ingress))
		return NULL;
	l = pick_over_network(w, now, pick_free);
	if (l == NULL)
		l = pick_over_network(w, now, pick_unknown_hold);
	return l != NULL ? l : pick_over_network(w, now, pick_known_hold);
}

static struct lease *
pick_wished(const struct lease_want *w, uint64_t now)
{
	struct lease *l = w->wish == NULL ? NULL : lease_at(w->wish);

	return l != NULL && lease_is_free(l, now) && lease_permitted(l, w->match) &&
		       lease_same_network(lease_subnet(l), w->subnet) && has_room(w, l)
		   ? l
		   : NULL;
}

struct lease *
lease_choose(const struct lease_want *w, uint64_t now)
{
	struct lease *l;

	order_tidy(network_of(w->subnet), now, TIDY_MOST);
	l = lease_reserved(w->subnet, w->match->host);
	if (l != NULL && (lease_is_free(l, now) || lease_is_of(l, w->id)))
		return l;
	l = lease_of(w->subnet, w->id);
	if (l != NULL && lease_permitted(l, w->match) &&
	    (!lease_is_free(l, now) || has_room(w, l)))
		return l;
	l = pick_wished(w, now);
	return l != NULL ? l : pick_any(w, now);
}

bool
lease_may_take(const struct lease *l, const struct lease_want *w, uint64_t now)
{
	bool own = lease_is_of(l, w->id);

	order_tidy(network_of(w->subnet), now, TIDY_MOST);
	if (!lease_permitted(l, w->match))
		return false;
	if (own && !lease_is_free(l, now))
		return true;
	if (!own && is_used(lease_of(w->subnet, w->id), LEASE_BOUND, now))
		return false;
	if (is_used(l, LEASE_HELD, now))
		return (l->flags & LEASE_CONTESTED) != 0;
	return lease_is_free(l, now) && has_room(w, l);
}

/* ------------------------------------------------------------------ changing */

/* What ended before joins what is free before. */
static void
settle(const struct lease *l, uint64_t now)
{
	order_tidy(t->map.network[subnet_index(l)], now, TIDY_MOST);
}

static void
set_owner(struct lease *l, const struct lease_id *id)
{
	struct id_spot spot = id_seek(t->map.network[subnet_index(l)], id);

	id_put(l, id, &spot);
	if (spot.found != NULL && spot.found != l)
		order_disown(spot.found);
}

/* A machine that prolongs its lease asks past the relay, by routers: the port that it is
 * known to be at stays the one that counts. */
static struct lease_want
with_its_port(const struct lease_want *w, const struct lease *l)
{
	struct lease_want mine = *w;
	uint64_t before = lease_ingress_of(l);

	if (lease_is_of(l, w->id) && is_port(before) && !is_port(w->ingress))
		mine.ingress = before;
	return mine;
}

void
lease_hold(struct lease *l, const struct lease_want *w, uint64_t now)
{
	bool own = lease_is_of(l, w->id), goes_on = own && is_used(l, LEASE_BOUND, now);
	struct lease_want mine;

	settle(l, now);
	if (goes_on && l->until >= now + LEASE_HOLD_S)
		return;
	if (!own && is_used(l, LEASE_HELD, now))
		l->flags |= LEASE_CONTESTED;
	else if ((uint64_t)l->until + LEASE_HOLD_S <= now)
		l->flags &= (uint8_t)~LEASE_CONTESTED;
	mine = with_its_port(w, l);
	set_owner(l, w->id);
	order_put(l, goes_on ? LEASE_BOUND : LEASE_HELD, now + LEASE_HOLD_S, &mine);
	keep_bounds(l, &mine);
}

void
lease_unhold(struct lease *l, uint64_t now)
{
	settle(l, now);
	if (l->state == LEASE_HELD)
		order_put(l, LEASE_FREE, now, NULL);
}

void
lease_bind(struct lease *l, const struct lease_want *w, uint64_t until)
{
	struct lease_want mine;

	settle(l, t->now);
	mine = with_its_port(w, l);
	set_owner(l, w->id);
	l->flags &= (uint8_t)~LEASE_CONTESTED;
	order_put(l, LEASE_BOUND, until, &mine);
	keep_bounds(l, &mine);
}

void
lease_release(struct lease *l, uint64_t now)
{
	settle(l, now);
	l->flags &= (uint8_t)~LEASE_CONTESTED;
	order_put(l, LEASE_FREE, now, NULL);
}

void
lease_quarantine(struct lease *l, uint64_t until)
{
	settle(l, t->now);
	id_clear(l);
	l->flags &= (uint8_t)~LEASE_CONTESTED;
	order_put(l, LEASE_QUARANTINED, until, NULL);
	order_decline(l);
}

/* -------------------------------------------------------------------- counts */

uint32_t
lease_pools(void)
{
	return t->map.npools;
}

void
lease_pool_stats(uint32_t n, uint64_t now, struct lease_stats *stats,
    const struct conf_pool **pool, const struct conf_subnet **subnet)
{
	const struct pool *p = &t->map.pools[n];
	const struct lease_order *o = &t->orders[n];

	order_tidy(t->map.network[p->subnet], now, TIDY_STATS);
	*pool = p->rules;
	*subnet = &t->conf->subnets[p->subnet];
	stats->open = p->open;
	stats->free = o->nfresh + o->free.n;
	stats->held = o->held[0].n + o->held[1].n;
	stats->bound = o->nbound;
	stats->quarantined = o->ntimed - o->nbound;
}

uint32_t
lease_ingress_count(uint64_t ingress)
{
	const struct lease_port *p = port_find(ingress);

	return p == NULL ? 0 : p->count;
}
