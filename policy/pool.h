/*
 * Which addresses exist to be leased, and to whom: the configured pools and reservations
 * as one dense numbering ("slots"), so that a lease table is an array. Pure but for the
 * allocation of its own tables at start.
 *
 * Never handed to just anybody ("closed"): reserved and excluded addresses, our own,
 * routers and name servers, the network and broadcast address, and those that end in .0 or
 * .255 (old firmware refuses them).
 *
 * Subnets of one shared network, or a subnet in none, are a "network": a machine there may
 * get an address of any of its subnets.
 */
#ifndef SALLYPORT_POLICY_POOL_H
#define SALLYPORT_POLICY_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/match.h"

#define POOL_SLOTS_MAX (4u << 20)
#define POOL_NO_SLOT UINT32_MAX
#define POOL_NONE UINT32_MAX

struct pool_range {
	uint32_t first, last; /* IPv4, host order, inclusive */
	uint32_t slot;        /* of first */
	uint32_t subnet;      /* index in conf->subnets */
	uint32_t pool;        /* index in pools; POOL_NONE: a reservation outside of all */
};

struct pool {
	const struct conf_pool *rules;
	uint32_t subnet;
	uint32_t slot, slots; /* the first, and how many */
	uint32_t open;        /* how many of them are open */
};

/* An address that only one machine gets. */
struct pool_reserved {
	uint32_t slot;
	uint32_t host; /* index in conf->hosts */
};

struct pool_map {
	unsigned nranges;
	struct pool_range *ranges; /* ascending, without overlap */
	unsigned nreserved;
	struct pool_reserved *reserved; /* by slot */
	uint32_t slots;                 /* in all */
	uint64_t *closed;               /* a bit for each slot */
	uint32_t npools;
	struct pool *pools;   /* by subnet, then in the order of the file */
	uint32_t *first_pool; /* by subnet; one more at the end */
	uint32_t nnetworks;
	uint32_t *network;      /* by subnet */
	uint32_t *members;      /* subnets, by network, then ascending */
	uint32_t *first_member; /* by network; one more at the end */
};

/* own: nown addresses of ours. 0; ERR_FULL when the pools hold more than POOL_SLOTS_MAX
 * addresses, ERR_SYS without memory. conf must outlive the map. */
int pool_build(struct pool_map *map, const struct conf *conf, const struct addr *own,
    unsigned nown) MUST_CHECK;
void pool_free(struct pool_map *map);
/* The slot of an address, POOL_NO_SLOT when it is in no pool and not reserved. */
uint32_t pool_slot(const struct pool_map *map, uint32_t address);
/* The range of a slot below map->slots: its subnet and pool. */
const struct pool_range *pool_range_of(const struct pool_map *map, uint32_t slot);
/* The address of a slot below map->slots, and its subnet's index. */
uint32_t pool_address(const struct pool_map *map, uint32_t slot, uint32_t *subnet);
/* The index of the host block that reserves the slot, UINT32_MAX when none does. */
uint32_t pool_reserved_for(const struct pool_map *map, uint32_t slot);
/* May the slot be given to any machine that its pool admits? */
bool pool_is_open(const struct pool_map *map, uint32_t slot);
/* Do the rules of the pool let this machine have one of its open addresses? */
bool pool_admits(const struct conf_pool *pool, const struct match *match);

#endif
