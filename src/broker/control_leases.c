/*
 * Leases and boot sessions for the control socket: the tables in memory, walked a piece at
 * a time. What changes while somebody reads a long list is seen as it is when its turn
 * comes. Broker, main thread; reads, never changes.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/control_client.h"
#include "src/broker/lease.h"
#include "src/broker/session.h"

#define SCAN 64 /* entries looked at in a step */

/* Of lease seconds; the past stays the past. */
static uint64_t
wall_of(uint64_t until)
{
	uint64_t now = lease_clock(broker.now_ms);

	if (until >= now)
		return broker.wall_s + (until - now);
	return broker.wall_s > now - until ? broker.wall_s - (now - until) : 0;
}

static enum state_shown
state_of(const struct lease *l)
{
	bool over = lease_is_free(l, lease_clock(broker.now_ms));

	switch (l->state) {
	case LEASE_HELD: return over ? SHOWN_FREE : SHOWN_OFFERED;
	case LEASE_BOUND: return over ? SHOWN_EXPIRED : SHOWN_BOUND;
	case LEASE_QUARANTINED: return over ? SHOWN_FREE : SHOWN_QUARANTINED;
	default: return SHOWN_FREE;
	}
}

static void
put_link(char name[16], unsigned link)
{
	if (link < broker.start.nlinks)
		memcpy(name, broker.start.links[link].name, 16);
}

static void
put_session(struct msg_leases_ans *a, const struct session *s)
{
	if (s == NULL)
		return;
	a->session = s->id;
	a->arch = (uint8_t)s->arch;
	a->http = s->http;
	a->ipxe = s->ipxe;
	snprintf(a->image, sizeof a->image, "%s", s->image);
}

static void
put_lease(struct msg *m, const struct lease *l)
{
	struct msg_leases_ans *a = &m->u.leases_ans;
	const struct lease_id id = lease_holder(l);
	const struct conf_host *host;

	m->nr = MSG_LEASES_ANS;
	a->addr = lease_addr(l);
	a->state = (uint8_t)state_of(l);
	host = conf_host_reserving(broker.conf, &a->addr);
	if (id.kind != ID_NONE || a->state != SHOWN_FREE) {
		a->until = wall_of(l->until);
		put_link(a->link, l->link);
		a->mac = l->mac;
		a->kind = id.kind;
		a->id.len = id.len;
		memcpy(a->id.b, id.b, id.len);
		if (host == NULL)
			host = conf_host_of(broker.conf, &l->mac);
	}
	if (host != NULL)
		snprintf(a->host, sizeof a->host, "%s", host->name);
	if (a->state == SHOWN_BOUND || a->state == SHOWN_OFFERED)
		put_session(a, session_of_addr(&a->addr, broker.now_ms));
}

static bool
is_listed(const struct client *c, const struct lease *l)
{
	enum state_shown state = state_of(l);

	if (state == SHOWN_FREE || state == SHOWN_EXPIRED)
		return c->leases.all != 0 && lease_holder(l).kind != ID_NONE;
	return true;
}

static enum step
next_lease(struct client *c, struct msg *m)
{
	uint32_t first = addr_to_v4(&c->leases.first), last = addr_to_v4(&c->leases.last);

	for (unsigned n = 0; n < SCAN; n++) {
		const struct lease *l;
		struct addr at;

		if (c->place >= lease_count())
			return control_end(m, CONTROL_DONE);
		l = lease_nth(c->place++);
		at = lease_addr(l);
		if (addr_to_v4(&at) > last)
			return control_end(m, CONTROL_DONE);
		if (addr_to_v4(&at) >= first && is_listed(c, l)) {
			put_lease(m, l);
			return STEP_SEND;
		}
	}
	return STEP_SCAN;
}

static enum step
one_lease(struct client *c, struct msg *m)
{
	const struct lease *l = lease_at(&c->leases.first);

	if (l == NULL)
		return control_end(m, CONTROL_ABSENT);
	if (c->place++ > 0)
		return control_end(m, CONTROL_DONE);
	put_lease(m, l);
	return STEP_SEND;
}

void
on_leases_ask(struct client *c, const struct msg_leases_ask *m)
{
	c->leases = *m;
	c->place = 0;
	c->step = m->all && addr_equal(&m->first, &m->last) ? one_lease : next_lease;
}

/* ------------------------------------------------------------------- sessions */

static void
put_whole_session(struct msg *m, const struct session *s)
{
	struct msg_sessions_ans *a = &m->u.sessions_ans;
	uint64_t now = broker.now_ms;

	_Static_assert(SESSION_ADDRS == 4, "as many in the message");
	m->nr = MSG_SESSIONS_ANS;
	a->session = s->id;
	a->mac = s->mac;
	put_link(a->link, s->link);
	a->addr = s->addrs[0];
	a->addr2 = s->addrs[1];
	a->addr3 = s->addrs[2];
	a->addr4 = s->addrs[3];
	a->arch = (uint8_t)s->arch;
	a->http = s->http;
	a->ipxe = s->ipxe;
	a->confirmed = s->confirmed;
	snprintf(a->image, sizeof a->image, "%s", s->image);
	a->idle = now > s->touched_ms ? (now - s->touched_ms) / 1000 : 0;
}

static enum step
next_session(struct client *c, struct msg *m)
{
	for (unsigned n = 0; n < SCAN; n++) {
		const struct session *s;

		if (!session_in_slot(c->place, broker.now_ms, &s))
			return control_end(m, CONTROL_DONE);
		c->place++;
		if (s != NULL) {
			put_whole_session(m, s);
			return STEP_SEND;
		}
	}
	return STEP_SCAN;
}

static enum step
one_session(struct client *c, struct msg *m)
{
	const struct session *s = session_of_addr(&c->sessions.of, broker.now_ms);

	if (s == NULL || c->place++ > 0)
		return control_end(m, CONTROL_DONE);
	put_whole_session(m, s);
	return STEP_SEND;
}

void
on_sessions_ask(struct client *c, const struct msg_sessions_ask *m)
{
	c->sessions = *m;
	c->place = 0;
	c->step = addr_is_unset(&m->of) ? next_session : one_session;
}
