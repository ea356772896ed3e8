/*
 * The lease table: one entry for every address that the configuration lets us give, in
 * memory, bounded by it. Found by address and by (network, identity); see policy/pool.h for
 * what a network is. Of the pools that a machine may have addresses of, those of its own
 * subnet come first; of these a never used address, then the one free for longest. Finding
 * it costs the same whatever share of a pool is free, and grows with the number of pools of
 * the network alone.
 *
 * What strangers can do to it is bounded:
 * - An OFFER holds an address for LEASE_HOLD_S, but only while there are others. Is nothing
 *   else left, the oldest hold of a machine without host block is given out again (and to
 *   one with host block, after those, the oldest of its like): a flood of DISCOVERs locks
 *   no pool. Whoever takes such an address first has it: slow firmware gets its own.
 * - Of one relay port at most LEASE_PORT_HOLDS addresses are held at a time, of any other
 *   ingress LEASE_LINK_HOLDS; one more, and its oldest is free again.
 * - conf->leases_per_port bounds the addresses held by and leased to one relay port (an
 *   ingress that option 82 names), conf->pool_share those of a subnet for machines without
 *   host block, in percent of its open addresses (0 and 100: any). At the bound a hold
 *   gives way to the next; if there is none, the machine gets nothing.
 * - Of a pool at most one address in LEASE_DECLINED_PART rests after a DECLINE; one more,
 *   and the one resting for longest is free again.
 * Reservations are outside of all this: nobody but their machine gets them.
 *
 * Time is `now`, in lease seconds: monotonic, so that setting the clock neither ends nor
 * freezes a lease; the store holds wall time.
 */
#ifndef SALLYPORT_BROKER_LEASE_H
#define SALLYPORT_BROKER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/match.h"
#include "src/broker/record.h"

#define LEASE_HOLD_S 60 /* how long an OFFER stands */
#define LEASE_PORT_HOLDS 32
#define LEASE_LINK_HOLDS 1024
#define LEASE_DECLINED_PART 8
#define LEASE_ID_SHORT 20 /* bytes of an identity that its entry itself has room for */

enum lease_state {
	LEASE_FREE, /* id, if any, is the last holder's */
	LEASE_HELD, /* offered to id, until the hold ends */
	LEASE_BOUND,
	LEASE_QUARANTINED /* nobody's, until then */
};

/* One cache line. The state of an entry that has ended (until <= now) may still be the one
 * that it had; lease_is_free() knows. */
struct lease {
	uint8_t state; /* enum lease_state; to read */
	uint8_t link;  /* link and mac are the callers' */
	struct mac mac;
	uint32_t until;   /* lease seconds; from then on it may go to another; to read */
	uint32_t written; /* wall seconds of the record loaded, else 0; to read */
	/* The table's own. */
	uint8_t place, flags, id_kind, id_len;
	uint32_t chain, port, prev, next, port_next;
	union {
		uint32_t timed, port_prev;
	} at;
	uint8_t id[LEASE_ID_SHORT];
};

/*
 * What a machine wants an address by. Identities and ingresses are anybody's to make up:
 * an identity has one address in its network, an ingress (the relay port it came through,
 * or the relay, or our link) so many as the quotas let it.
 */
struct lease_want {
	const struct conf_subnet *subnet; /* where the machine is */
	const struct lease_id *id;
	const struct match *match; /* its host block and classes */
	const struct addr *wish;   /* the address it asks for; NULL: none */
	uint64_t ingress;          /* lease_ingress() */
};

/* own: our addresses, never given out. 0; ERR_FULL: more addresses than a table may
 * have; ERR_SYS: no memory. conf must outlive the table. */
int lease_init(const struct conf *conf, const struct addr *own, unsigned nown) MUST_CHECK;
/* Lease seconds of a clock_mono_ms(). Far from 0, so that the past has room; an end that
 * would lie more than 127 years ahead is never. */
uint64_t lease_clock(uint64_t mono_ms);
/* Addresses in the table; lease_nth(0 .. count - 1) are all of them, ascending. */
uint32_t lease_count(void);
struct lease *lease_nth(uint32_t n);

/* A name for where a request came in: the relay port when circuit or remote (options 82.1
 * and 82.2) say one, else the relay, else the link. The same after a restart. Never 0,
 * which means "not known". */
uint64_t lease_ingress(unsigned link, const struct addr *relay,
    const struct match_bytes *circuit, const struct match_bytes *remote);

/* NULL when the address is in no pool and not reserved. */
struct lease *lease_at(const struct addr *a);
struct addr lease_addr(const struct lease *l);
const struct conf_subnet *lease_subnet(const struct lease *l);
/* The pool that the address lies in; NULL for a reservation outside of all. */
const struct conf_pool *lease_pool(const struct lease *l);
/* Are they one subnet, or of one shared network? NULL is neither. */
bool lease_same_network(const struct conf_subnet *a, const struct conf_subnet *b);
/* Whose it is or was; kind ID_NONE: nobody's. */
struct lease_id lease_holder(const struct lease *l);
bool lease_is_of(const struct lease *l, const struct lease_id *id);
/* The entry last offered or leased to that identity in the subnet, or in any of the shared
 * network that the subnet is in; NULL if none. */
struct lease *lease_of(const struct conf_subnet *subnet, const struct lease_id *id);
/* The address that the host block reserves, if it lies in that network; else NULL. */
struct lease *lease_reserved(
    const struct conf_subnet *subnet, const struct conf_host *host);
/* May this machine have the address at all, by reservations and the rules of the pool? */
bool lease_permitted(const struct lease *l, const struct match *match);
/* Is it free for anybody who is permitted to have it? */
bool lease_is_free(const struct lease *l, uint64_t now);

/* The address to offer: the reserved one, the one it had, the one it wishes, or any. NULL
 * when the pools that it may have addresses of are used up. Changes nothing. */
struct lease *lease_choose(const struct lease_want *w, uint64_t now);
/* May it be given to a machine that says we offered or leased it? It must be permitted and
 * within the quotas; and be its own, or free while the machine has no other running lease
 * in its network. */
bool lease_may_take(const struct lease *l, const struct lease_want *w, uint64_t now);
/* An OFFER was made. A lease that still runs goes on. */
void lease_hold(struct lease *l, const struct lease_want *w, uint64_t now);
/* The OFFER was not taken. */
void lease_unhold(struct lease *l, uint64_t now);
void lease_bind(struct lease *l, const struct lease_want *w, uint64_t until);
void lease_release(struct lease *l, uint64_t now);
void lease_quarantine(struct lease *l, uint64_t until);

/* ------------------------------------------------------------------ counts */

struct lease_stats {
	uint32_t open; /* addresses for anybody whom the rules admit: the sum of the rest */
	uint32_t free, held, bound, quarantined;
};

/* Pools, by subnet and in the order of the configuration. */
uint32_t lease_pools(void);
/* The n-th pool's counts (reservations are in none), its rules and its subnet. */
void lease_pool_stats(uint32_t n, uint64_t now, struct lease_stats *stats,
    const struct conf_pool **pool, const struct conf_subnet **subnet);
/* Where the request for a held or leased address came in; 0: not known, or it is free. */
uint64_t lease_ingress_of(const struct lease *l);
/* Addresses held by and leased to an ingress. */
uint32_t lease_ingress_count(uint64_t ingress);

#endif
