/*
 * What root may change over the control socket: end a lease, and take over leases of
 * another server. Broker, main thread. Each change is judged as a request of a client
 * would be: an address that the configuration does not have, or that another machine
 * holds, stays as it is. Answered when it is on disk.
 */
#include <string.h>

#include "src/base/log.h"
#include "src/broker/control_client.h"
#include "src/broker/dhcp.h"
#include "src/broker/lease.h"
#include "src/broker/store.h"

/* Of a batch; the rest is for DHCP clients. */
#define ROOM (STORE_BATCH_MAX / 2)
#define LONGEST_S (UINT64_C(366) * 86400)

bool
control_may_change(const struct client *c)
{
	return c->nchanges < CHANGES_AHEAD && store_pending() < ROOM;
}

static void
add_change(struct client *c, bool import, uint32_t line, enum change result)
{
	struct due_change *ch = &c->changes[(c->first + c->nchanges) % CHANGES_AHEAD];

	if (c->nchanges == CHANGES_AHEAD)
		bug("more changes than may be asked for");
	c->nchanges++;
	ch->import = import;
	ch->line = line;
	ch->result = (uint8_t)result;
	ch->batch = result == CHANGE_DONE ? dhcp_batch() : 0;
}

void
control_settle(struct client *c)
{
	for (unsigned i = 0; i < c->nchanges; i++) {
		struct due_change *ch = &c->changes[(c->first + i) % CHANGES_AHEAD];
		int state = ch->batch == 0 ? 0 : dhcp_batch_state(ch->batch);

		if (state == 0)
			continue;
		ch->batch = 0;
		if (state < 0)
			ch->result = CHANGE_NOT_WRITTEN;
	}
}

bool
control_changed(struct client *c, struct msg *m)
{
	const struct due_change *ch = &c->changes[c->first];

	if (c->nchanges == 0 || ch->batch != 0)
		return false;
	c->first = (c->first + 1) % CHANGES_AHEAD;
	c->nchanges--;
	if (ch->import) {
		m->nr = MSG_LEASE_IMPORT_ANS;
		m->u.lease_import_ans.line = ch->line;
		m->u.lease_import_ans.change = ch->result;
	} else {
		m->nr = MSG_LEASE_RELEASE_ANS;
		m->u.lease_release_ans.change = ch->result;
	}
	return true;
}

/* a: with a match when there is one to remember. */
static void
store(struct ask *a, const struct lease *l)
{
	a->now = lease_clock(broker.now_ms);
	dhcp_store_lease(a, l, NULL);
}

/* ------------------------------------------------------------------- releasing */

static enum change
release(const struct client *c, const struct addr *addr)
{
	struct lease *l = lease_at(addr);
	uint64_t now = lease_clock(broker.now_ms);
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];
	struct ask a;

	if (!c->root)
		return CHANGE_NOT_ROOT;
	if (l == NULL)
		return CHANGE_NOT_CONFIGURED;
	if (l->state == LEASE_FREE || lease_is_free(l, now))
		return CHANGE_NOT_LEASED;
	log_event(LOG_NOTICE, "control-release", "ip=%s mac=%s by-uid=%u",
	    addr_format(addr, ip), mac_format(&l->mac, mac), c->uid);
	lease_release(l, now);
	session_drop_addr(addr);
	memset(&a, 0, sizeof a);
	store(&a, l);
	return CHANGE_DONE;
}

void
on_lease_release_ask(struct client *c, const struct msg_lease_release_ask *m)
{
	add_change(c, false, 0, release(c, &m->addr));
}

/* ------------------------------------------------------------------- importing */

/* As a request of that machine would be known by: a machine with a reserved address goes by
 * its hardware address, whatever else it says. */
static bool
identify(const struct msg_lease_import_ask *m, const struct lease *l,
    const struct conf_host *host, struct lease_id *id)
{
	bool reserved = lease_reserved(lease_subnet(l), host) != NULL;

	memset(id, 0, sizeof *id);
	if (m->kind != ID_NONE && m->id.len > 0 && !(reserved && m->kind == ID_CLIENT)) {
		id->kind = m->kind;
		id->len = (uint8_t)m->id.len;
		memcpy(id->b, m->id.b, m->id.len);
		return true;
	}
	if (mac_is_unusable(&m->mac))
		return false;
	id->kind = ID_HARDWARE;
	id->len = 1 + sizeof m->mac.b;
	id->b[0] = 1; /* Ethernet */
	memcpy(id->b + 1, m->mac.b, sizeof m->mac.b);
	return true;
}

static bool
runs(const struct lease *l, uint64_t now)
{
	return l->state != LEASE_FREE && !lease_is_free(l, now);
}

static enum change
judge(const struct msg_lease_import_ask *m, const struct lease *l,
    const struct lease_want *w, uint64_t now)
{
	const struct lease *other = lease_of(w->subnet, w->id);

	if (m->until <= broker.wall_s)
		return CHANGE_OVER;
	if (runs(l, now) && !lease_is_of(l, w->id))
		return CHANGE_IN_USE;
	if (other != NULL && other != l && runs(other, now))
		return CHANGE_ELSEWHERE;
	return lease_permitted(l, w->match) ? CHANGE_DONE : CHANGE_NOT_PERMITTED;
}

/* Our interface in that network; its machines come in there unless a relay is between. */
static unsigned
link_of(const struct conf_subnet *subnet)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		if (conf_subnet_of(broker.conf, &broker.start.links[i].address) == subnet)
			return i;
	return 0;
}

static enum change
bind_imported(struct lease *l, const struct msg_lease_import_ask *m)
{
	uint64_t now = lease_clock(broker.now_ms), left = m->until - broker.wall_s;
	const struct conf_subnet *subnet = lease_subnet(l);
	unsigned link = link_of(subnet);
	const struct match_input who = {.mac = &m->mac, .link = link};
	struct ask a = {.match = match_machine(broker.conf, &who, subnet)};
	struct lease_id id;
	const struct lease_want w = {.subnet = subnet, .id = &id, .match = &a.match};
	enum change result;

	if (!identify(m, l, a.match.host, &id))
		return CHANGE_NO_MACHINE;
	result = judge(m, l, &w, now);
	if (result != CHANGE_DONE)
		return result;
	left = left > LONGEST_S ? LONGEST_S : left;
	/* A lease of the same machine that runs longer here goes on. */
	if (l->state == LEASE_BOUND && l->until > now + left)
		left = l->until - now;
	lease_bind(l, &w, now + left);
	l->mac = m->mac;
	l->link = (uint8_t)link;
	store(&a, l);
	return CHANGE_DONE;
}

static enum change
import(const struct client *c, const struct msg_lease_import_ask *m)
{
	struct lease *l = lease_at(&m->addr);

	if (!c->root)
		return CHANGE_NOT_ROOT;
	return l == NULL ? CHANGE_NOT_CONFIGURED : bind_imported(l, m);
}

void
on_lease_import_ask(struct client *c, const struct msg_lease_import_ask *m)
{
	enum change result = import(c, m);
	char ip[ADDR_TEXT_MAX];

	if (result == CHANGE_DONE)
		log_limited(LOG_NOTICE, "control-import", "ip=%s by-uid=%u",
		    addr_format(&m->addr, ip), c->uid);
	add_change(c, true, m->line, result);
}
