/*
 * Pools and reservations as one numbering. Broker; works on the parsed configuration,
 * which the operator wrote, and on nothing from the network.
 */
#include "policy/pool.h"

#include <stdlib.h>
#include <string.h>

static int
by_first(const void *a, const void *b)
{
	const struct pool_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
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
	for (unsigned i = 0; i < conf->nsubnets; i++) {
		const struct conf_subnet *s = &conf->subnets[i];

		for (unsigned k = 0; k < s->npools; k++)
			map->ranges[map->nranges++] =
			    (struct pool_range){s->pools[k].first, s->pools[k].last, 0, i};
	}
	for (unsigned i = 0; i < conf->nhosts; i++) {
		const struct addr *a = &conf->hosts[i].address;
		const struct conf_subnet *s = conf_subnet_of(conf, a);
		uint32_t address = addr_to_v4(a);

		if (s != NULL)
			map->ranges[map->nranges++] = (struct pool_range){
			    address, address, 0, (uint32_t)(s - conf->subnets)};
	}
	qsort(map->ranges, map->nranges, sizeof *map->ranges, by_first);
}

/* Cuts what a range before has already, drops what is empty, numbers the rest. */
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
		map->ranges[n++] = r;
	}
	map->nranges = n;
	map->slots = (uint32_t)slots;
	return 0;
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

		if (conf->hosts[i].address.family == ADDR_V4 && slot != POOL_NO_SLOT &&
		    !is_among(&conf->hosts[i].address, own, nown))
			map->reserved[map->nreserved++] = (struct pool_reserved){slot, i};
	}
	qsort(map->reserved, map->nreserved, sizeof *map->reserved, by_slot);
}

static void
keep(struct pool_map *map, const struct addr *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].family == ADDR_V4)
			map->kept[map->nkept++] = addr_to_v4(&a[i]);
}

static void
list_kept(
    struct pool_map *map, const struct conf *conf, const struct addr *own, unsigned nown)
{
	keep(map, own, nown);
	for (unsigned i = 0; i < conf->nsubnets; i++) {
		const struct conf_subnet *s = &conf->subnets[i];

		keep(map, s->routers, s->nrouters);
		keep(map, s->dns, s->ndns);
		map->kept[map->nkept++] = s->network;
		if (s->prefix < 32)
			map->kept[map->nkept++] = s->network | UINT32_MAX >> s->prefix;
	}
	qsort(map->kept, map->nkept, sizeof *map->kept, by_number);
}

int
pool_build(
    struct pool_map *map, const struct conf *conf, const struct addr *own, unsigned nown)
{
	size_t ranges = (size_t)conf->nsubnets * CONF_POOLS_MAX + conf->nhosts + 1;
	size_t kept = nown + (size_t)conf->nsubnets * (2 * CONF_ADDRS_MAX + 2) + 1;

	memset(map, 0, sizeof *map);
	map->ranges = calloc(ranges, sizeof *map->ranges);
	map->reserved = calloc((size_t)conf->nhosts + 1, sizeof *map->reserved);
	map->kept = calloc(kept, sizeof *map->kept);
	if (map->ranges == NULL || map->reserved == NULL || map->kept == NULL) {
		pool_free(map);
		return ERR_SYS;
	}
	list_ranges(map, conf);
	if (number_ranges(map) != 0) {
		pool_free(map);
		return ERR_FULL;
	}
	list_reserved(map, conf, own, nown);
	list_kept(map, conf, own, nown);
	return 0;
}

void
pool_free(struct pool_map *map)
{
	free(map->ranges);
	free(map->reserved);
	free(map->kept);
	memset(map, 0, sizeof *map);
}

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

uint32_t
pool_address(const struct pool_map *map, uint32_t slot, uint32_t *subnet)
{
	unsigned low = 0, high = map->nranges;

	while (high - low > 1) {
		unsigned mid = low + (high - low) / 2;

		if (slot < map->ranges[mid].slot)
			high = mid;
		else
			low = mid;
	}
	*subnet = map->ranges[low].subnet;
	return map->ranges[low].first + (slot - map->ranges[low].slot);
}

uint32_t
pool_reserved_for(const struct pool_map *map, uint32_t slot)
{
	struct pool_reserved want = {slot, 0};
	const struct pool_reserved *found =
	    bsearch(&want, map->reserved, map->nreserved, sizeof *map->reserved, by_slot);

	return found == NULL ? UINT32_MAX : found->host;
}

bool
pool_is_open(const struct pool_map *map, uint32_t slot)
{
	uint32_t subnet, address = pool_address(map, slot, &subnet);

	if ((address & 0xff) == 0 || (address & 0xff) == 0xff)
		return false;
	if (bsearch(&address, map->kept, map->nkept, sizeof address, by_number) != NULL)
		return false;
	return pool_reserved_for(map, slot) == UINT32_MAX;
}
