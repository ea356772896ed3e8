/*
 * Which addresses exist to be leased, and to whom: the configured pools and reservations
 * as one dense numbering ("slots"), so that a lease table is an array. Pure but for the
 * allocation of its own table at start.
 *
 * Never handed to just anybody: reserved addresses, our own, routers and name servers,
 * the network and broadcast address, and those that end in .0 or .255 (old firmware
 * refuses them).
 */
#ifndef SALLYPORT_POLICY_POOL_H
#define SALLYPORT_POLICY_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"

#define POOL_SLOTS_MAX (4u << 20)
#define POOL_NO_SLOT UINT32_MAX

struct pool_range {
	uint32_t first, last; /* IPv4, host order, inclusive */
	uint32_t slot;        /* of first */
	uint32_t subnet;      /* index in conf->subnets */
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
	unsigned nkept;
	uint32_t *kept; /* addresses never leased from a pool, ascending */
};

/* own: nown addresses of ours. 0; ERR_FULL when the pools hold more than POOL_SLOTS_MAX
 * addresses, ERR_SYS without memory. */
int pool_build(struct pool_map *map, const struct conf *conf, const struct addr *own,
    unsigned nown) MUST_CHECK;
void pool_free(struct pool_map *map);
/* The slot of an address, POOL_NO_SLOT when it is in no pool and not reserved. */
uint32_t pool_slot(const struct pool_map *map, uint32_t address);
/* The address of a slot below map->slots, and its subnet's index. */
uint32_t pool_address(const struct pool_map *map, uint32_t slot, uint32_t *subnet);
/* The index of the host block that reserves the slot, UINT32_MAX when none does. */
uint32_t pool_reserved_for(const struct pool_map *map, uint32_t slot);
/* May the slot be given to any machine? */
bool pool_is_open(const struct pool_map *map, uint32_t slot);

#endif
