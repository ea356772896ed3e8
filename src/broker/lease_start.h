/*
 * Filling the lease table from the store, when the broker starts. See lease.h.
 */
#ifndef SALLYPORT_BROKER_LEASE_START_H
#define SALLYPORT_BROKER_LEASE_START_H

#include "src/broker/lease.h"

/* What a stored lease says. */
struct lease_past {
	enum lease_state state; /* never LEASE_HELD */
	struct lease_id id;
	uint64_t until;   /* lease seconds */
	uint64_t written; /* wall seconds */
	uint64_t ingress;
	bool known; /* it had a host block */
};

/* What the store held, in any order: begin, one call for each record, end. Nothing else
 * of lease.h that takes `now` may be called between; the order in which addresses are
 * given is made once, at the end. Of two entries of one identity in a network the older
 * becomes nobody's until it ends. */
void lease_restore_begin(void);
void lease_restore(struct lease *l, const struct lease_past *past);
void lease_restore_end(uint64_t now);

#endif
