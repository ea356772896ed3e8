/*
 * The lease table: one entry for every address that the configuration lets us give, in
 * memory, bounded by it. Found by address and by (subnet, identity); each subnet's open
 * addresses stand in a heap by the time at which they may go to another machine, so that
 * giving one out costs the same on an empty and on a full pool: never used ones first,
 * then those that have been free for longest.
 *
 * Time is `now`, in lease seconds: monotonic, so that setting the clock neither ends nor
 * freezes a lease; the store holds wall time.
 */
#ifndef SALLYPORT_BROKER_LEASE_H
#define SALLYPORT_BROKER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"
#include "src/broker/record.h"

#define LEASE_HOLD_S 60        /* how long an OFFER stands */
#define LEASE_QUARANTINE_S 600 /* how long a declined address is not given out */

enum lease_state {
	LEASE_FREE, /* id, if any, is the last holder's */
	LEASE_HELD, /* offered to id, until the hold ends */
	LEASE_BOUND,
	LEASE_QUARANTINED /* nobody's, until then */
};

struct lease {
	enum lease_state state;
	uint8_t link;
	struct mac mac;
	struct lease_id id;
	uint64_t until;   /* from then on it may go to another machine */
	uint64_t written; /* wall seconds of the record loaded, else 0 */
	uint32_t next;    /* in the chain of the identity's hash */
	bool indexed;     /* stands in that chain */
};

/* own: our addresses, never given out. 0; ERR_FULL: more addresses than a table may
 * have; ERR_SYS: no memory. conf must outlive the table. */
int lease_init(const struct conf *conf, const struct addr *own, unsigned nown) MUST_CHECK;
/* Lease seconds of a clock_mono_ms(). Far from 0, so that the past has room. */
uint64_t lease_clock(uint64_t mono_ms);
/* Addresses in the table. */
uint32_t lease_count(void);

/* NULL when the address is in no pool and not reserved. */
struct lease *lease_at(const struct addr *a);
struct addr lease_addr(const struct lease *l);
const struct conf_subnet *lease_subnet(const struct lease *l);
/* The entry last offered or leased to that identity in the subnet; NULL if none. */
struct lease *lease_of(const struct conf_subnet *subnet, const struct lease_id *id);
/* The address that the host block reserves, if it lies in the subnet; else NULL. */
struct lease *lease_reserved(
    const struct conf_subnet *subnet, const struct conf_host *host);
/* May this machine (host NULL: without host block) have the address at all? */
bool lease_permitted(const struct lease *l, const struct conf_host *host);
/* Is it free for anybody who is permitted to have it? */
bool lease_is_free(const struct lease *l, uint64_t now);

/* The address to offer: the reserved one, the one it had, the one it wishes (NULL: none),
 * or any. NULL when the pools of the subnet are used up. Changes nothing. */
struct lease *lease_choose(const struct conf_subnet *subnet, const struct lease_id *id,
    const struct conf_host *host, const struct addr *wish, uint64_t now);
/* An OFFER was made. A lease that still runs goes on. */
void lease_hold(struct lease *l, const struct lease_id *id, uint64_t now);
/* The OFFER was not taken. */
void lease_unhold(struct lease *l, uint64_t now);
void lease_bind(struct lease *l, const struct lease_id *id, uint64_t until);
void lease_release(struct lease *l, uint64_t now);
void lease_quarantine(struct lease *l, uint64_t until);
/* What the store held. Of two entries of one identity in a subnet the older becomes
 * nobody's until it ends. */
void lease_restore(struct lease *l, enum lease_state state, const struct lease_id *id,
    uint64_t until, uint64_t written);

#endif
