/*
 * How many things (transfers, connections) each address has at the moment: a table of
 * fixed size. For IPv6 a whole /64 counts as one address.
 */
#ifndef SALLYPORT_FILE_SENDER_CAPS_H
#define SALLYPORT_FILE_SENDER_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

struct caps_slot {
	struct addr addr; /* ADDR_NONE: empty */
	uint32_t count;
};

struct caps {
	struct caps_slot *slots;
	uint32_t mask;
	uint64_t seed;
};

/* Room for `max` things in all. seed: a secret, so that nobody can choose addresses that
 * collide. Allocates. 0 or ERR_SYS. */
int caps_init(struct caps *c, uint32_t max, uint64_t seed) MUST_CHECK;
/* One more for this address; false when it has `limit` already. */
bool caps_take(struct caps *c, const struct addr *a, uint32_t limit) MUST_CHECK;
/* One less. Every take is given back exactly once. */
void caps_give(struct caps *c, const struct addr *a);
uint64_t caps_hash(const struct addr *a, uint64_t seed);

#endif
