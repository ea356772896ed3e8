/*
 * Pools and reservations as one numbering. Broker; works on the parsed configuration,
 * which the operator wrote, and on nothing from the network.
 */
#include "policy/pool.h"

#include <stdlib.h>
#include <string.h>

/* Of two that begin together the pool first: a reservation at its start is part of it. */
static int
by_first(const void *a, const void *b)
{
	const struct pool_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->pool < y->pool ? -1 : x->pool > y->pool;
}

static int
by_slot(const void *a, const void *b)
{
	const struct pool_reserved *x = a, *y = b;

	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* Every pool, and every reserved address as a range of its own. */
static void
list_ranges(struct pool_map *map, const struct conf *conf)
{
	for (uint32_t i = 0; i < map->npools; i++)
		map->ranges[map->nranges++] =
		    (struct pool_range){map->pools[i].rules->first,
			map->pools[i].rules->last, 0, map->pools[i].subnet, i};
	for (unsigned i = 0; i < conf->nhosts; i++) {
		const struct addr *a = &conf->hosts[i].address;
		const struct conf_subnet *s = conf_subnet_of(conf, a);
		uint32_t address = addr_to_v4(a);

		if (s != NULL)
			map->ranges[map->nranges++] = (struct pool_range){
			    address, address, 0, (uint32_t)(s - conf->subnets), POOL_NONE};
	}
	qsort(map->ranges, map->nranges, sizeof *map->ranges, by_first);
}

static bool
continues(const struct pool_range *before, const struct pool_range *r)
{
	return before->pool == POOL_NONE && r->pool == POOL_NONE &&
	       before->subnet == r->subnet && before->last + 1 == r->first;
}

/* Cuts what a range before has already, drops what is empty, joins reservations that lie
 * side by side, numbers the rest. */
static int
number_ranges(struct pool_map *map)
{
	unsigned n = 0;
	uint64_t next = 0, slots = 0; /* next: the lowest address not yet covered */

	for (unsigned i = 0; i < map->nranges; i++) {
		struct pool_range r = map->ranges[i];

		if (r.last < next)
			continue;
		if (r.first < next)
			r.first = (uint32_t)next;
		next = (uint64_t)r.last + 1;
		r.slot = (uint32_t)slots;
		slots += next - r.first;
		if (slots > POOL_SLOTS_MAX)
			return ERR_FULL;
		if (n > 0 && continues(&map->ranges[n - 1], &r))
			map->ranges[n - 1].last = r.last;
		else
			map->ranges[n++] = r;
	}
	map->nranges = n;
	map->slots = (uint32_t)slots;
	return 0;
}

/* ------------------------------------------------------------ pools, networks */

static void
list_pools(struct pool_map *map, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->nsubnets; i++) {
		const struct conf_subnet *s = &conf->subnets[i];

		map->first_pool[i] = map->npools;
		for (unsigned k = 0; k < s->npools; k++)
			map->pools[map->npools++] = (struct pool){&s->pools[k], i, 0, 0, 0};
	}
	map->first_pool[conf->nsubnets] = map->npools;
}

/* Shared networks first, then the subnets that are in none. */
static void
list_networks(struct pool_map *map, const struct conf *conf)
{
	uint32_t n = conf->nshared, at = 0;

	for (unsigned i = 0; i < conf->nsubnets; i++) {
		uint32_t shared = conf->subnets[i].shared;

		map->network[i] = shared < conf->nshared ? shared : n++;
		map->first_member[map->network[i]]++;
	}
	map->nnetworks = n;
	for (uint32_t i = 0; i <= n; i++) {
		uint32_t count = map->first_member[i];

		map->first_member[i] = at;
		at += count;
	}
	/* Each begins where the one before will end, and is moved there by filling it. */
	for (unsigned i = 0; i < conf->nsubnets; i++)
		map->members[map->first_member[map->network[i]]++] = i;
	memmove(map->first_member + 1, map->first_member, n * sizeof *map->first_member);
	map->first_member[0] = 0;
}

/* ----------------------------------------------------------------- what is closed */

static void
close_slot(struct pool_map *map, uint32_t slot)
{
	if (slot != POOL_NO_SLOT)
		map->closed[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* Costs what is closed, not what the range spans. */
static void
close_range(struct pool_map *map, uint32_t first, uint32_t last)
{
	unsigned low = 0, high = map->nranges;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (map->ranges[mid].last < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < map->nranges && map->ranges[low].first <= last; low++) {
		const struct pool_range *r = &map->ranges[low];
		uint32_t from = first > r->first ? first - r->first : 0;
		uint32_t to = (last < r->last ? last : r->last) - r->first;

		for (uint32_t k = from; k <= to; k++)
			close_slot(map, r->slot + k);
	}
}

static void
close_addrs(struct pool_map *map, const struct addr *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].family == ADDR_V4)
			close_slot(map, pool_slot(map, addr_to_v4(&a[i])));
}

static void
close_subnet(struct pool_map *map, const struct conf_subnet *s)
{
	close_addrs(map, s->routers, s->nrouters);
	close_addrs(map, s->dns, s->ndns);
	close_slot(map, pool_slot(map, s->network));
	if (s->prefix < 32)
		close_slot(map, pool_slot(map, s->network | UINT32_MAX >> s->prefix));
	for (unsigned i = 0; i < s->nexcluded; i++)
		close_range(map, s->excluded[i].first, s->excluded[i].last);
}

/* .0 and .255 of every 256. */
static void
close_ends(struct pool_map *map, const struct pool_range *r)
{
	for (uint64_t a = r->first & ~UINT32_C(0xff); a <= r->last; a += 256) {
		if (a >= r->first)
			close_slot(map, r->slot + (uint32_t)(a - r->first));
		if (a + 255 >= r->first && a + 255 <= r->last)
			close_slot(map, r->slot + (uint32_t)(a + 255 - r->first));
	}
}

static bool
is_among(const struct addr *a, const struct addr *own, unsigned nown)
{
	for (unsigned i = 0; i < nown; i++)
		if (addr_equal(a, &own[i]))
			return true;
	return false;
}

/* Which addresses are ours the configuration need not say, so its own check cannot have
 * seen a reservation of one. */
static void
list_reserved(
    struct pool_map *map, const struct conf *conf, const struct addr *own, unsigned nown)
{
	for (unsigned i = 0; i < conf->nhosts; i++) {
		uint32_t slot = pool_slot(map, addr_to_v4(&conf->hosts[i].address));

		if (conf->hosts[i].address.family != ADDR_V4 || slot == POOL_NO_SLOT)
			continue;
		close_slot(map, slot);
		if (!is_among(&conf->hosts[i].address, own, nown))
			map->reserved[map->nreserved++] = (struct pool_reserved){slot, i};
	}
	qsort(map->reserved, map->nreserved, sizeof *map->reserved, by_slot);
}

static void
close_all(
    struct pool_map *map, const struct conf *conf, const struct addr *own, unsigned nown)
{
	close_addrs(map, own, nown);
	for (unsigned i = 0; i < conf->nsubnets; i++)
		close_subnet(map, &conf->subnets[i]);
	for (unsigned i = 0; i < map->nranges; i++) {
		const struct pool_range *r = &map->ranges[i];
		struct pool *p;

		if (r->pool == POOL_NONE) {
			close_range(map, r->first, r->last);
			continue;
		}
		close_ends(map, r);
		p = &map->pools[r->pool];
		p->slot = r->slot;
		p->slots = r->last - r->first + 1;
		for (uint32_t k = 0; k < p->slots; k++)
			p->open += pool_is_open(map, p->slot + k);
	}
}

/* --------------------------------------------------------------------- set-up */

/* What the configuration bounds; the bits wait for the number of slots. */
static bool
allocate(struct pool_map *map, const struct conf *conf)
{
	size_t subnets = conf->nsubnets, npools = 0;

	for (unsigned i = 0; i < conf->nsubnets; i++)
		npools += conf->subnets[i].npools;
	map->ranges = calloc(npools + conf->nhosts + 1, sizeof *map->ranges);
	map->reserved = calloc((size_t)conf->nhosts + 1, sizeof *map->reserved);
	map->pools = calloc(npools + 1, sizeof *map->pools);
	map->first_pool = calloc(subnets + 1, sizeof *map->first_pool);
	map->network = calloc(subnets + 1, sizeof *map->network);
	map->members = calloc(subnets + 1, sizeof *map->members);
	map->first_member = calloc(subnets + conf->nshared + 2, sizeof *map->first_member);
	return map->ranges != NULL && map->reserved != NULL && map->pools != NULL &&
	       map->first_pool != NULL && map->network != NULL && map->members != NULL &&
	       map->first_member != NULL;
}

int
pool_build(
    struct pool_map *map, const struct conf *conf, const struct addr *own, unsigned nown)
{
	int err = ERR_SYS;

	memset(map, 0, sizeof *map);
	if (!allocate(map, conf))
		goto out;
	list_pools(map, conf);
	list_networks(map, conf);
	list_ranges(map, conf);
	err = number_ranges(map);
	if (err != 0)
		goto out;
	map->closed = calloc((size_t)map->slots / 64 + 1, sizeof *map->closed);
	err = map->closed == NULL ? ERR_SYS : 0;
	if (err != 0)
		goto out;
	list_reserved(map, conf, own, nown);
	close_all(map, conf, own, nown);
out:
	if (err != 0)
		pool_free(map);
	return err;
}

void
pool_free(struct pool_map *map)
{
	free(map->ranges);
	free(map->reserved);
	free(map->closed);
	free(map->pools);
	free(map->first_pool);
	free(map->network);
	free(map->members);
	free(map->first_member);
	memset(map, 0, sizeof *map);
}

/* -------------------------------------------------------------------- finding */

uint32_t
pool_slot(const struct pool_map *map, uint32_t address)
{
	unsigned low = 0, high = map->nranges;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct pool_range *r = &map->ranges[mid];

		if (address < r->first)
			high = mid;
		else if (address > r->last)
			low = mid + 1;
		else
			return r->slot + (address - r->first);
	}
	return POOL_NO_SLOT;
}

const struct pool_range *
pool_range_of(const struct pool_map *map, uint32_t slot)
{
	unsigned low = 0, high = map->nranges;

	while (high - low > 1) {
		unsigned mid = low + (high - low) / 2;

		if (slot < map->ranges[mid].slot)
			high = mid;
		else
			low = mid;
	}
	return &map->ranges[low];
}

uint32_t
pool_address(const struct pool_map *map, uint32_t slot, uint32_t *subnet)
{
	const struct pool_range *r = pool_range_of(map, slot);

	*subnet = r->subnet;
	return r->first + (slot - r->slot);
}

uint32_t
pool_reserved_for(const struct pool_map *map, uint32_t slot)
{
	struct pool_reserved want = {slot, 0};
	const struct pool_reserved *found;

	if (pool_is_open(map, slot))
		return UINT32_MAX;
	found =
	    bsearch(&want, map->reserved, map->nreserved, sizeof *map->reserved, by_slot);
	return found == NULL ? UINT32_MAX : found->host;
}

bool
pool_is_open(const struct pool_map *map, uint32_t slot)
{
	return (map->closed[slot / 64] >> slot % 64 & 1) == 0;
}

bool
pool_admits(const struct conf_pool *pool, const struct match *match)
{
	if (pool->allow != 0 && (pool->allow & match->classes) == 0)
		return false;
	if ((pool->deny & match->classes) != 0)
		return false;
	switch (pool->known) {
	case POOL_ANYBODY: break;
	case POOL_KNOWN: return match->host != NULL;
	case POOL_UNKNOWN: return match->host == NULL;
	}
	return true;
}
