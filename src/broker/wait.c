/*
 * Broker: requests that wait. They are the network's, already checked by the ears and by
 * the handlers that put them here.
 */
#include "src/broker/wait.h"

#include <string.h>

#include "src/broker/broker.h"
#include "src/broker/fetch.h"
#include "src/broker/http.h"
#include "src/broker/tftp.h"

#define POOL_TFTP WORKER_MAX
#define POOLS (WORKER_MAX + 1)
#define TRIES 256 /* in a turn: what all wait for may come for all at once */

union request {
	struct msg_rrq_tell rrq;
	struct msg_get_tell get;
};

struct waiting {
	struct render_ticket ticket;
	uint64_t since_ms, tried_ms;
	uint64_t key;  /* of the connection, or of address and port */
	uint16_t slot; /* of the request */
};

struct pool {
	unsigned count;
	unsigned stuck; /* of these wait for a channel */
	unsigned at;    /* who is looked at next */
	unsigned opened, nfree;
	struct waiting all[WAIT_POOL]; /* the first `count` */
	uint16_t free[WAIT_POOL];      /* slots among the first `opened` */
	union request requests[WAIT_POOL];
};

static struct pool pools[POOLS];
static unsigned total;
static bool more;

void
wait_init(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		pools[i].count = pools[i].stuck = pools[i].at = pools[i].opened =
		    pools[i].nfree = 0;
	total = 0;
	more = false;
}

bool
wait_room(unsigned worker)
{
	return pools[worker].count < WAIT_POOL && pools[worker].stuck == 0;
}

/* For a channel, not for anything that a ticket tells of. */
static bool
is_stuck(const struct render_ticket *ticket)
{
	return ticket->entry == NULL && ticket->cold == NULL;
}

static union request *
add(struct pool *p, uint64_t key, const struct render_ticket *ticket)
{
	struct waiting *w;

	if (p->count == WAIT_POOL)
		return NULL;
	w = &p->all[p->count++];
	total++;
	w->slot = p->nfree > 0 ? p->free[--p->nfree] : (uint16_t)p->opened++;
	w->ticket = *ticket;
	w->since_ms = w->tried_ms = broker.now_ms;
	w->key = key;
	p->stuck += is_stuck(ticket);
	return &p->requests[w->slot];
}

/* Another one comes into its place. */
static void
take_out(struct pool *p, unsigned i)
{
	p->stuck -= is_stuck(&p->all[i].ticket);
	p->free[p->nfree++] = p->all[i].slot;
	p->all[i] = p->all[--p->count];
	total--;
}

static void
renew(struct pool *p, struct waiting *w, const struct render_ticket *ticket)
{
	p->stuck -= is_stuck(&w->ticket);
	p->stuck += is_stuck(ticket);
	w->ticket = *ticket;
}

static uint64_t
key_of(const struct msg_rrq_tell *m)
{
	uint64_t key = m->port;

	for (unsigned i = 0; i < sizeof m->peer.b; i++)
		key = (key ^ m->peer.b[i]) * UINT64_C(1099511628211);
	return key;
}

int
wait_add_rrq(const struct msg_rrq_tell *m, const struct render_ticket *ticket)
{
	struct pool *p = &pools[POOL_TFTP];
	uint64_t key = key_of(m);
	union request *r;

	for (unsigned i = 0; i < p->count; i++) {
		r = &p->requests[p->all[i].slot];
		if (p->all[i].key != key || r->rrq.port != m->port ||
		    !addr_equal(&r->rrq.peer, &m->peer))
			continue;
		renew(p, &p->all[i], ticket);
		r->rrq = *m;
		return 0;
	}
	r = add(p, key, ticket);
	if (r == NULL)
		return ERR_FULL;
	r->rrq = *m;
	return 0;
}

int
wait_add_get(
    unsigned worker, const struct msg_get_tell *m, const struct render_ticket *ticket)
{
	struct pool *p = &pools[worker];
	union request *r;

	for (unsigned i = 0; i < p->count; i++)
		if (p->all[i].key == m->conn)
			return ERR_DUPLICATE;
	r = add(p, m->conn, ticket);
	if (r == NULL)
		return ERR_FULL;
	r->get = *m;
	return 0;
}

static uint64_t
patience(const struct render_ticket *ticket)
{
	return ticket->cold != NULL ? WAIT_FETCH_MS : RENDER_WAIT_MS;
}

/* 0: answered, or nobody waits any more. */
static int
try_again(unsigned pool, struct waiting *w, bool last, struct render_ticket *ticket)
{
	const union request *r = &pools[pool].requests[w->slot];
	int err;

	if (pool != POOL_TFTP)
		return http_try(pool, &r->get, last, ticket);
	err = tftp_try(&r->rrq, last, ticket);
	/* The client has asked again long since. */
	return last ? 0 : err;
}

static bool
is_due(const struct waiting *w, uint64_t now_ms)
{
	if (w->ticket.cold != NULL && (w->ticket.cold->serial != w->ticket.serial ||
					  now_ms - w->tried_ms >= FETCH_RETRY_MS))
		return true;
	if (w->ticket.cold == NULL && render_changed(&w->ticket))
		return true;
	return now_ms - w->since_ms >= patience(&w->ticket);
}

/* True when it waits no more. */
static bool
turn_one(unsigned pool, struct waiting *w, uint64_t now_ms)
{
	bool last = now_ms - w->since_ms >= patience(&w->ticket);
	struct render_ticket ticket;

	w->tried_ms = now_ms;
	if (try_again(pool, w, last, &ticket) == 0)
		return true;
	renew(&pools[pool], w, &ticket);
	return false;
}

static void
turn_pool(unsigned pool, unsigned *tries, uint64_t now_ms)
{
	struct pool *p = &pools[pool];

	for (unsigned n = p->count; n > 0 && *tries > 0; n--) {
		p->at = p->at < p->count ? p->at : 0;
		if (!is_due(&p->all[p->at], now_ms)) {
			p->at++;
			continue;
		}
		(*tries)--;
		if (turn_one(pool, &p->all[p->at], now_ms))
			take_out(p, p->at);
		else
			p->at++;
	}
}

void
wait_turn(uint64_t now_ms)
{
	static unsigned first;
	unsigned tries = TRIES;

	for (unsigned i = 0; i < POOLS && total > 0 && tries > 0; i++)
		turn_pool((first + i) % POOLS, &tries, now_ms);
	first = (first + 1) % POOLS;
	more = tries == 0;
}

bool
wait_more(void)
{
	return more;
}

void
wait_forget(unsigned worker)
{
	struct pool *p = &pools[worker];

	total -= p->count;
	p->count = p->stuck = p->opened = p->nfree = 0;
}

unsigned
wait_count(void)
{
	return total;
}
