/*
 * Broker: requests that wait. They are the network's, already checked by the ears and by
 * the handlers that put them here.
 */
#include "src/broker/wait.h"

#include <string.h>

#include "src/broker/broker.h"
#include "src/broker/http.h"
#include "src/broker/tftp.h"

#define POOL_TFTP WORKER_MAX
#define POOLS (WORKER_MAX + 1)

struct waiting {
	bool used;
	struct render_ticket ticket;
	uint64_t since_ms;
	union {
		struct msg_rrq_tell rrq;
		struct msg_get_tell get;
	} u;
};

struct pool {
	unsigned count;
	unsigned stuck; /* of these wait for a channel */
	struct waiting all[WAIT_POOL];
};

static struct pool pools[POOLS];

void
wait_init(void)
{
	memset(pools, 0, sizeof pools);
}

bool
wait_room(unsigned worker)
{
	return pools[worker].count < WAIT_POOL && pools[worker].stuck == 0;
}

static struct waiting *
add(struct pool *p, const struct render_ticket *ticket)
{
	for (unsigned i = 0; i < WAIT_POOL; i++) {
		struct waiting *w = &p->all[i];

		if (w->used)
			continue;
		w->used = true;
		w->ticket = *ticket;
		w->since_ms = broker.now_ms;
		p->count++;
		p->stuck += ticket->entry == NULL;
		return w;
	}
	return NULL;
}

int
wait_add_rrq(const struct msg_rrq_tell *m, const struct render_ticket *ticket)
{
	struct pool *p = &pools[POOL_TFTP];
	struct waiting *w;

	for (unsigned i = 0; i < WAIT_POOL && p->count > 0; i++) {
		w = &p->all[i];
		if (!w->used || w->u.rrq.port != m->port ||
		    !addr_equal(&w->u.rrq.peer, &m->peer))
			continue;
		p->stuck -= w->ticket.entry == NULL;
		p->stuck += ticket->entry == NULL;
		w->ticket = *ticket;
		w->u.rrq = *m;
		return 0;
	}
	w = add(p, ticket);
	if (w == NULL)
		return ERR_FULL;
	w->u.rrq = *m;
	return 0;
}

int
wait_add_get(
    unsigned worker, const struct msg_get_tell *m, const struct render_ticket *ticket)
{
	struct pool *p = &pools[worker];
	struct waiting *w;

	for (unsigned i = 0; i < WAIT_POOL && p->count > 0; i++)
		if (p->all[i].used && p->all[i].u.get.conn == m->conn)
			return ERR_DUPLICATE;
	w = add(p, ticket);
	if (w == NULL)
		return ERR_FULL;
	w->u.get = *m;
	return 0;
}

/* 0: answered, or nobody waits any more. */
static int
try_again(unsigned pool, struct waiting *w, uint64_t now_ms, struct render_ticket *ticket)
{
	bool last = now_ms - w->since_ms >= RENDER_WAIT_MS;
	int err;

	if (pool != POOL_TFTP)
		return http_try(pool, &w->u.get, last, ticket);
	err = tftp_try(&w->u.rrq, last, ticket);
	/* The client has asked again long since. */
	return last ? 0 : err;
}

static void
turn_one(unsigned pool, struct waiting *w, uint64_t now_ms)
{
	struct pool *p = &pools[pool];
	struct render_ticket ticket;
	int err;

	if (!render_changed(&w->ticket) && now_ms - w->since_ms < RENDER_WAIT_MS)
		return;
	err = try_again(pool, w, now_ms, &ticket);
	p->stuck -= w->ticket.entry == NULL;
	if (err == 0) {
		w->used = false;
		p->count--;
		return;
	}
	w->ticket = ticket;
	p->stuck += ticket.entry == NULL;
}

void
wait_turn(uint64_t now_ms)
{
	for (unsigned pool = 0; pool < POOLS; pool++)
		for (unsigned i = 0; i < WAIT_POOL && pools[pool].count > 0; i++)
			if (pools[pool].all[i].used)
				turn_one(pool, &pools[pool].all[i], now_ms);
}

void
wait_forget(unsigned worker)
{
	for (unsigned i = 0; i < WAIT_POOL; i++)
		pools[worker].all[i].used = false;
	pools[worker].count = pools[worker].stuck = 0;
}

unsigned
wait_count(void)
{
	unsigned n = 0;

	for (unsigned pool = 0; pool < POOLS; pool++)
		n += pools[pool].count;
	return n;
}
