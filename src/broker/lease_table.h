/*
 * What the files of the lease table share; nobody else includes this. lease.c decides,
 * lease_order.c keeps each pool's addresses in the order in which they may be given,
 * lease_id.c finds an entry by whose it is, lease_port.c counts by where it came from,
 * lease_start.c makes and fills the table.
 *
 * The state of an entry and its place in the order change together, in lease_order.c.
 */
#ifndef SALLYPORT_BROKER_LEASE_TABLE_H
#define SALLYPORT_BROKER_LEASE_TABLE_H

#include "policy/pool.h"
#include "src/base/hash.h"
#include "src/broker/lease_start.h"

#define LEASE_NONE UINT32_MAX

/* Where an entry stands. */
enum lease_place {
	PLACE_FRESH, /* never used: nowhere, found by its pool's cursor */
	PLACE_APART, /* closed: nowhere */
	PLACE_FREE,  /* in its pool's list of free ones, the one free for longest first */
	PLACE_HELD,  /* in a list of held ones of its pool, and one of its ingress */
	PLACE_TIMED  /* in its pool's heap by the time at which it ends */
};

enum {
	LEASE_INDEXED = 1,   /* stands in the chain of its identity */
	LEASE_KNOWN = 2,     /* its holder has a host block */
	LEASE_COUNTED = 4,   /* in the counts of its ingress and its subnet */
	LEASE_CONTESTED = 8, /* was held by several within the time of one OFFER */
	LEASE_DECLINED = 16  /* in its pool's list of quarantined ones */
};

/* Doubly linked through the entries, oldest first. */
struct lease_list {
	uint32_t head, tail, n;
};

struct lease_timed {
	uint32_t until, slot;
};

struct lease_order {
	uint32_t fresh, nfresh; /* the first never used, and how many there are */
	struct lease_list free;
	struct lease_list held[2]; /* of machines unknown and known; by until */
	struct lease_list declined;
	uint32_t ntimed, nbound; /* in the heap, and how many of those are bound */
	struct lease_timed *timed;
};

/* An ingress that has entries, by its name. */
struct lease_port {
	uint64_t name;
	uint32_t count; /* held and bound */
	uint32_t next;  /* in its chain, or in that of unused ones */
	struct lease_list held;
};

/* A client identifier that does not fit into its entry. */
union lease_long_id {
	uint8_t b[RECORD_ID_MAX];
	uint32_t next; /* in the chain of unused ones; 0: none */
};

struct lease_table {
	const struct conf *conf;
	struct pool_map map;
	struct lease *leases;       /* by slot */
	struct lease_order *orders; /* by pool */
	struct lease_timed *timed;  /* the heaps of all pools, each at its first slot */
	uint32_t *unknown;          /* by subnet: counted entries of machines unknown */
	uint32_t *by_id, id_buckets;
	union lease_long_id *long_ids; /* from 1 */
	uint32_t long_used, long_unused;
	struct lease_port *ports; /* from 1 */
	uint32_t *by_port, port_buckets;
	uint32_t ports_used, ports_unused;
	struct hash_key key;
	uint64_t now;   /* the latest that anybody has said */
	bool restoring; /* heaps are not in order */
};
extern struct lease_table lease_table;

static inline uint32_t
slot_of(const struct lease *l)
{
	return (uint32_t)(l - lease_table.leases);
}

/* ------------------------------------------------------------ lease_order.c */

void order_init(void);
/* Moves the entry to where one of this state belongs, counted for want (NULL: for nobody)
 * if it is held or bound. Its identity stays. */
void order_put(
    struct lease *l, enum lease_state state, uint64_t until, const struct lease_want *want);
/* A bound one becomes nobody's until it ends, a held one free. */
void order_disown(struct lease *l);
/* A quarantined one is the latest of its pool's list; is that too long, its oldest is
 * freed. */
void order_decline(struct lease *l);
/* Frees what has ended in the pools of the network, at most `most` entries. */
void order_tidy(uint32_t network, uint64_t now, unsigned most);
/* The one of the pool that may be given out first; NULL: none is free. */
struct lease *order_first(uint32_t pool, uint64_t now);
/* While restoring: like order_put, but the order is made by order_build(). */
void order_add(struct lease *l, const struct lease_past *past);
void order_build(uint32_t pool, uint64_t now);

/* --------------------------------------------------------------- lease_id.c */

int id_init(void) MUST_CHECK;
void id_discard(void);
struct id_spot {
	uint32_t *bucket;
	struct lease *found; /* the entry of that identity, NULL: none */
};
struct id_spot id_seek(uint32_t network, const struct lease_id *id);
/* Makes it the one entry of that identity in its network, which was sought there; the one
 * found has none any more. */
void id_put(struct lease *l, const struct lease_id *id, const struct id_spot *spot);
void id_clear(struct lease *l);

/* ------------------------------------------------------------- lease_port.c */

int port_init(void) MUST_CHECK;
void port_discard(void);
/* NULL when it has no entries. */
struct lease_port *port_find(uint64_t ingress);
/* Counts an entry for the ingress (0: for none), takes it out of the counts again. */
void port_count(struct lease *l, uint64_t ingress);
void port_uncount(struct lease *l);
/* In and out of the list of its ingress' held ones. */
void port_hold(struct lease *l);
void port_unhold(struct lease *l);

#endif
