/*
 * The DHCPv4 server's decisions (RFC 2131): who gets which address, who is told no, and
 * who is not answered. Broker, main thread. Nothing here changes anything: tables and
 * configuration are read, and what is to happen stands in the decision; apply.c does it.
 * Distrusts every client: each field of a request can be made up, by one machine in the
 * name of another.
 */
#include "src/broker/decide.h"

#include <string.h>

const char *
dhcp_effect_name(enum effect effect)
{
	static const char *const names[] = {
	    "no answer", "offer", "grant", "reply", "unhold", "release", "decline"};

	return (size_t)effect < sizeof names / sizeof names[0] ? names[effect] : "?";
}

static void
refuse(struct decision *d, const char *reason)
{
	d->effect = EFFECT_NONE;
	d->reason = reason;
}

static void
nak(struct ask *a, struct decision *d, const struct addr *address, const char *reason)
{
	d->effect = EFFECT_REPLY;
	d->reason = reason;
	d->address = *address;
	dhcp_reply(&d->reply, a, DHCP_NAK, NULL);
}

static void
note_lease(const struct ask *a, const char *what, const struct lease *l)
{
	static const char *const states[] = {"free", "held", "bound", "quarantined"};
	char text[ADDR_TEXT_MAX];
	struct addr address;

	if (a->trace == NULL)
		return;
	if (l == NULL) {
		trace_note(a->trace, "%s: none", what);
		return;
	}
	address = lease_addr(l);
	trace_note(a->trace, "%s: %s, %s, %lld seconds left", what,
	    addr_format(&address, text), states[l->state],
	    l->until > a->now ? (long long)(l->until - a->now) : 0);
}

static void
decide_discover(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct addr *wish = addr_is_unset(&m->requested) ? NULL : &m->requested;
	const struct lease_want want = dhcp_want(a, wish);

	if (dhcp_boot_must_wait(a)) {
		refuse(d, "image-not-yet-loaded");
		return;
	}
	d->lease = lease_choose(&want, a->now);
	note_lease(a, "address chosen", d->lease);
	if (d->lease == NULL) {
		refuse(d, "pool-empty");
		d->exhausted = true;
		return;
	}
	d->effect = EFFECT_OFFER;
	d->reason = "discover";
	d->address = lease_addr(d->lease);
	d->opens_session = a->boots;
	dhcp_reply(&d->reply, a, DHCP_OFFER, &d->address);
	d->no_boot = dhcp_boot(&d->reply, a);
}

/* The lease is the machine's from now on; the ACK follows when the store has it. */
static void
grant(struct ask *a, struct decision *d, struct lease *l, const char *reason)
{
	note_lease(a, "address granted", l);
	if (dhcp_boot_must_wait(a)) {
		refuse(d, "image-not-yet-loaded");
		return;
	}
	d->effect = EFFECT_GRANT;
	d->reason = reason;
	d->lease = l;
	d->address = lease_addr(l);
	d->time = a->subnet->lease_time;
	d->opens_session = a->boots;
	dhcp_reply(&d->reply, a, DHCP_ACK, &d->address);
	d->no_boot = dhcp_boot(&d->reply, a);
}

static bool
runs(const struct lease *l, uint64_t now)
{
	return l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, now);
}

/* The answer to an OFFER. Ours may have been forgotten by a restart of the broker: the
 * address is given all the same if it is still free. */
static void
decide_selecting(struct ask *a, struct decision *d)
{
	const struct addr *address = &a->m->requested;
	struct lease_want want;
	struct lease *l;

	if (!dhcp_is_us(a, &a->m->server_id)) {
		d->lease = lease_of(a->subnet, &a->id);
		refuse(d, "another-server");
		d->quiet = true;
		if (d->lease != NULL)
			d->effect = EFFECT_UNHOLD;
		return;
	}
	if (!lease_same_network(conf_subnet_of(broker.conf, address), a->subnet)) {
		nak(a, d, address, "wrong-subnet");
		return;
	}
	l = dhcp_own_lease(a, address);
	want = dhcp_want(a, NULL);
	if (l == NULL)
		l = lease_at(address);
	if (l == NULL || !lease_may_take(l, &want, a->now)) {
		nak(a, d, address, "not-offered");
		return;
	}
	grant(a, d, l, "selecting");
}

/*
 * A machine that says it has an address already: after a restart of its own (requested
 * address), or to prolong it (ciaddr). Without any record of the machine we are silent:
 * another server may know it (RFC 2131, 4.3.2).
 */
static void
decide_reclaim(struct ask *a, struct decision *d, const struct addr *address)
{
	struct lease *reserved = lease_reserved(a->subnet, a->match.host);
	struct lease *l = lease_at(address);
	struct lease *own = dhcp_own_lease(a, address);

	note_lease(a, "its reserved address", reserved);
	note_lease(a, "its lease at the address", own);
	if (!lease_same_network(conf_subnet_of(broker.conf, address), a->subnet))
		nak(a, d, address, "wrong-subnet");
	else if (reserved != NULL && reserved != l &&
		 (own == NULL || lease_is_free(reserved, a->now)))
		nak(a, d, address, "another-is-reserved");
	else if (own != NULL && lease_permitted(own, &a->match))
		grant(a, d, own, "renewal");
	else if (own != NULL)
		nak(a, d, address, "not-permitted");
	else if (l != NULL && l == reserved && lease_is_free(l, a->now))
		grant(a, d, l, "reserved");
	else if (l != NULL && !lease_is_free(l, a->now))
		nak(a, d, address, "in-use");
	else if (runs(lease_of(a->subnet, &a->id), a->now))
		nak(a, d, address, "another-is-leased");
	else
		refuse(d, "no-record");
}

static void
decide_request(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	bool requested = !addr_is_unset(&m->requested);

	if (requested && !addr_is_unset(&m->server_id))
		decide_selecting(a, d);
	else if (!addr_is_unset(&m->ciaddr))
		decide_reclaim(a, d, &m->ciaddr);
	else if (requested)
		decide_reclaim(a, d, &m->requested);
	else
		refuse(d, "no-address-requested");
}

/* Anybody can send one in another's name: it counts only from the holder's link, with
 * the holder's identity, and from the address itself. */
static void
decide_release(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	struct lease *l = dhcp_own_lease(a, &m->ciaddr);

	if (l == NULL || l->state != LEASE_BOUND || l->link != m->link) {
		refuse(d, "not-the-holder");
		return;
	}
	if (!addr_is_unset(&m->src) && !addr_equal(&m->src, &m->ciaddr)) {
		refuse(d, "release-from-elsewhere");
		return;
	}
	d->effect = EFFECT_RELEASE;
	d->reason = "release";
	d->lease = l;
	d->address = m->ciaddr;
}

/* Somebody else uses the address. It rests for a while, but a reservation stays with its
 * machine: else a neighbour could take it away in the machine's name. */
static void
decide_decline(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	struct lease *l = dhcp_own_lease(a, &m->requested);

	if (l == NULL || lease_is_free(l, a->now) || l->link != m->link) {
		refuse(d, "not-the-holder");
		return;
	}
	d->effect = EFFECT_DECLINE;
	d->reason = "declined";
	d->lease = l;
	d->address = m->requested;
	d->reserved = l == lease_reserved(a->subnet, a->match.host);
}

/* Parameters for a machine that has its address from elsewhere: no lease. */
static void
decide_inform(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;

	if (addr_is_unset(&m->ciaddr) ||
	    conf_subnet_of(broker.conf, &m->ciaddr) != a->subnet) {
		refuse(d, "inform-from-elsewhere");
		return;
	}
	if (addr_is_unset(&m->giaddr) && !addr_equal(&m->src, &m->ciaddr)) {
		refuse(d, "inform-from-elsewhere");
		return;
	}
	d->effect = EFFECT_REPLY;
	d->reason = "inform";
	dhcp_reply(&d->reply, a, DHCP_ACK, NULL);
}

/*
 * Port 4011: firmware that took our OFFER for that of a boot server asks where to boot
 * from. Answered to the port it asks from, and only to a machine whose session has that
 * address, so that a made-up source address makes us send nothing to anybody.
 */
static void
decide_boot_service(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	struct msg_reply_tell *r = &d->reply;
	struct session *s = session_of_addr(&m->src, broker.now_ms);

	if ((m->type != DHCP_REQUEST && m->type != DHCP_INFORM) || !a->boots ||
	    m->sport == 0) {
		refuse(d, "not-a-boot-request");
		d->quiet = true;
		return;
	}
	if (s == NULL || !mac_equal(&s->mac, a->mac)) {
		refuse(d, "no-session");
		return;
	}
	d->reason = "boot-service";
	d->opens_session = true;
	dhcp_reply(r, a, DHCP_ACK, NULL);
	r->prefix = 0;
	r->routers.len = r->dns.len = 0;
	r->domain[0] = '\0';
	r->way = 2;
	r->to = m->src;
	r->to_port = m->sport;
	d->no_boot = dhcp_boot(r, a);
	d->effect = r->bootfile[0] != '\0' ? EFFECT_REPLY : EFFECT_NONE;
	d->quiet = true;
}

static void
decide_by_type(struct ask *a, struct decision *d)
{
	switch (a->m->type) {
	case DHCP_DISCOVER: decide_discover(a, d); break;
	case DHCP_REQUEST: decide_request(a, d); break;
	case DHCP_DECLINE: decide_decline(a, d); break;
	case DHCP_RELEASE: decide_release(a, d); break;
	case DHCP_INFORM: decide_inform(a, d); break;
	default: refuse(d, "message-type"); break;
	}
}

void
dhcp_decide(struct ask *a, struct decision *d, struct trace *trace)
{
	memset(d, 0, sizeof *d);
	d->reason = "";
	a->trace = trace;
	if (a->m->service == 1)
		decide_boot_service(a, d);
	else
		decide_by_type(a, d);
	trace_note(trace, "decision: %s (%s)", dhcp_effect_name(d->effect), d->reason);
}
