/*
 * The DHCPv4 server's decisions (RFC 2131): who gets which address, who is told no, and
 * who is not answered. Broker, main thread. Nothing here changes anything: tables and
 * configuration are read, and what is to happen stands in the decision; apply.c does it.
 * Distrusts every client: each field of a request can be made up, by one machine in the
 * name of another.
 *
 * Read from the end: dhcp_decide() hands the request to one function for its type.
 */
#include "src/broker/decide.h"

#include <string.h>

const char *
dhcp_effect_name(enum effect effect)
{
	static const char *const names[] = {"no answer", "offer", "grant", "reply", "learn",
	    "unhold", "release", "decline"};

	return (size_t)effect < sizeof names / sizeof names[0] ? names[effect] : "?";
}

void
decide_nothing(struct decision *d, const char *reason)
{
	d->effect = EFFECT_NONE;
	d->reason = reason;
	d->opens_session = d->takes_address = d->confirms = false;
}

void
decide_silence(struct decision *d, const char *reason)
{
	decide_nothing(d, reason);
	d->quiet = true;
}

static void
nak(struct ask *a, struct decision *d, const struct addr *address, const char *reason)
{
	d->effect = EFFECT_REPLY;
	d->reason = reason;
	d->address = *address;
	dhcp_reply(&d->reply, a, DHCP_NAK, NULL);
}

/* What a server says of a machine that it does not know: only one that is alone on its
 * link can know that the machine is wrong (RFC 2131, 4.3.2). */
static void
nak_stranger(
    struct ask *a, struct decision *d, const struct addr *address, const char *reason)
{
	bool known = lease_of(a->subnet, &a->id) != NULL ||
		     lease_reserved(a->subnet, a->match.host) != NULL;

	if (broker.conf->authoritative || known)
		nak(a, d, address, reason);
	else
		decide_nothing(d, "not-authoritative");
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

static bool
runs(const struct lease *l, uint64_t now)
{
	return l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, now);
}

/* --------------------------------------------------------- an address is given */

static void
note_choice(const struct ask *a, const struct lease *l, const struct addr *wish)
{
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];
	const struct conf_pool *pool = lease_pool(l);
	struct addr address = lease_addr(l), from, to;

	if (a->trace == NULL)
		return;
	note_lease(a, "address", l);
	trace_note(a->trace, "chosen because %s",
	    l == lease_reserved(a->subnet, a->match.host) ? "the host block reserves it"
	    : lease_is_of(l, &a->id)                      ? "the machine had it before"
	    : wish != NULL && addr_equal(wish, &address)  ? "the machine asks for it"
							  : "it is free for longest");
	if (pool == NULL)
		return;
	from = addr_v4(pool->first);
	to = addr_v4(pool->last);
	trace_note(
	    a->trace, "pool: %s - %s", addr_format(&from, first), addr_format(&to, last));
}

/* OFFER or ACK of the address: what its subnet, its pool and the image say. */
static void
give(struct ask *a, struct decision *d, struct lease *l, uint8_t type)
{
	d->lease = l;
	d->address = lease_addr(l);
	d->reserved = l == lease_reserved(a->subnet, a->match.host);
	a->renews = runs(l, a->now) && lease_is_of(l, &a->id);
	d->fresh = !d->reserved && !lease_is_of(l, &a->id);
	d->opens_session = a->boots;
	a->subnet = lease_subnet(l);
	dhcp_settle(a, lease_pool(l));
	d->time = scopes_lease_time(&a->scopes, a->boots);
	trace_note(a->trace, "lease time: %u seconds%s", d->time,
	    a->boots ? ", of a machine that boots" : "");
	dhcp_reply(&d->reply, a, type, &d->address);
	if (dhcp_boot_must_wait(a)) {
		decide_nothing(d, "image-not-yet-loaded");
		return;
	}
	d->effect = type == DHCP_OFFER ? EFFECT_OFFER : EFFECT_GRANT;
	/* Firmware may load its file on the OFFER alone. */
	d->takes_address = a->boots || type != DHCP_OFFER;
	d->no_boot = dhcp_boot(&d->reply, a);
}

static void
grant(struct ask *a, struct decision *d, struct lease *l, const char *reason)
{
	d->reason = reason;
	note_lease(a, "granted", l);
	give(a, d, l, DHCP_ACK);
}

/* RFC 2563: who would else make up an address of its own is told not to. */
static void
decide_exhausted(struct ask *a, struct decision *d)
{
	decide_nothing(d, "pool-empty");
	d->exhausted = true;
	if ((a->m->asks & ASKS_AUTO_CONFIGURE) == 0)
		return;
	d->effect = EFFECT_REPLY;
	dhcp_reply(&d->reply, a, DHCP_OFFER, NULL);
	d->reply.auto_configure = 1;
}

/* RFC 4039: a DISCOVER that asks for it is answered by an ACK, where no other server can
 * be meant. */
static bool
may_commit_at_once(const struct ask *a)
{
	return (a->m->asks & ASKS_RAPID) != 0 && broker.conf->authoritative;
}

static void
decide_discover(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct addr *wish = addr_is_unset(&m->requested) ? NULL : &m->requested;
	const struct lease_want want = dhcp_want(a, wish);
	struct lease *l = lease_choose(&want, a->now);

	if (l == NULL) {
		trace_note(a->trace, "address: none is left that the machine may have");
		decide_exhausted(a, d);
		return;
	}
	note_choice(a, l, wish);
	d->reason = "discover";
	if (may_commit_at_once(a)) {
		trace_note(a->trace, "rapid commit: acknowledged at once");
		give(a, d, l, DHCP_ACK);
		d->reply.rapid = 1;
	} else {
		give(a, d, l, DHCP_OFFER);
	}
}

/*
 * RFC 951, RFC 1534: a client that knows BOOTP alone never renews and never gives back,
 * so that an address from a pool would be lost to it for good, and a flood of made-up
 * machines could take a pool in one go. It gets what a host block reserves, or nothing.
 */
static void
decide_bootp(struct ask *a, struct decision *d)
{
	struct lease *l = lease_reserved(a->subnet, a->match.host);

	if (!broker.conf->bootp)
		decide_silence(d, "bootp-off");
	else if (l == NULL)
		decide_nothing(d, "bootp-not-reserved");
	else if (!lease_is_free(l, a->now) && !lease_is_of(l, &a->id))
		decide_nothing(d, "bootp-in-use");
	else {
		d->reason = "bootp";
		give(a, d, l, DHCP_BOOTP);
	}
}

/* ------------------------------------------------------------- DHCPREQUEST */

/* SELECTING: the answer to an OFFER. Ours may have been forgotten by a restart of the
 * broker: the address is given all the same if it is still free. */
static void
decide_selecting(struct ask *a, struct decision *d)
{
	const struct addr *address = &a->m->requested;
	struct lease_want want;
	struct lease *l;

	if (!dhcp_is_us(a, &a->m->server_id)) {
		decide_silence(d, "another-server");
		d->lease = lease_of(a->subnet, &a->id);
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
	if (l == NULL || !lease_may_take(l, &want, a->now))
		nak(a, d, address, "not-offered");
	else
		grant(a, d, l, "selecting");
}

/* Its lease goes on; once that has ended, the address is had like any other, within the
 * quotas. */
static bool
may_keep(const struct ask *a, const struct lease *own)
{
	const struct lease_want want = dhcp_want(a, NULL);

	return lease_may_take(own, &want, a->now);
}

/* To us alone goes only the request of a machine whose lease is ours. */
static bool
is_renewal(const struct ask *a)
{
	return !addr_is_unset(&a->m->ciaddr) && !dhcp_is_relayed(a) &&
	       dhcp_is_us(a, &a->m->dst);
}

/*
 * INIT-REBOOT, RENEWING, REBINDING: a machine that says it has an address already, after
 * a restart of its own (requested address), or to prolong it (ciaddr). Without any record
 * of the machine we are silent: another server may know it (RFC 2131, 4.3.2). But an
 * address that the configuration had before it was changed is refused.
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
		nak_stranger(a, d, address, "wrong-subnet");
	else if (reserved != NULL && reserved != l &&
		 (own == NULL || lease_is_free(reserved, a->now)))
		nak(a, d, address, "another-is-reserved");
	else if (own != NULL && may_keep(a, own))
		grant(a, d, own, "renewal");
	else if (own != NULL)
		nak(a, d, address, "not-permitted");
	else if (l != NULL && l == reserved && lease_is_free(l, a->now))
		grant(a, d, l, "reserved");
	else if (l != NULL && !lease_is_free(l, a->now))
		nak_stranger(a, d, address, "in-use");
	else if (runs(lease_of(a->subnet, &a->id), a->now))
		nak(a, d, address, "another-is-leased");
	else if (l == NULL && is_renewal(a))
		nak(a, d, address, "not-given-any-more");
	else
		decide_nothing(d, "no-record");
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
		decide_nothing(d, "no-address-requested");
}

/* --------------------------------------------------- an address is given back */

/* Anybody can give back in another's name: it counts only from the holder's link, and from
 * the relay port that the lease was got through, where that is known. A system's RELEASE
 * goes past the relay, by routers: then the address itself must be its source. */
static bool
is_from_its_place(const struct ask *a, const struct lease *l)
{
	const struct msg_dhcp_tell *m = a->m;
	uint64_t place = lease_ingress_of(l);

	if (l->link != m->link)
		return false;
	return place == 0 || place == a->ingress ||
	       (m->type == DHCP_RELEASE && !dhcp_is_relayed(a) &&
		   addr_equal(&m->src, &m->ciaddr));
}

static void
decide_release(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	struct lease *l = dhcp_own_lease(a, &m->ciaddr);

	if (l == NULL || l->state != LEASE_BOUND || !is_from_its_place(a, l)) {
		decide_nothing(d, "not-the-holder");
		return;
	}
	if (!addr_is_unset(&m->src) && !addr_equal(&m->src, &m->ciaddr)) {
		decide_nothing(d, "release-from-elsewhere");
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

	if (l == NULL || lease_is_free(l, a->now) || !is_from_its_place(a, l)) {
		decide_nothing(d, "not-the-holder");
		return;
	}
	d->effect = EFFECT_DECLINE;
	d->reason = "declined";
	d->lease = l;
	d->address = m->requested;
	d->reserved = l == lease_reserved(a->subnet, a->match.host);
}

/* ------------------------------------------------------------------ the others */

/* Parameters for a machine that has its address from elsewhere: no lease. */
static void
decide_inform(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct conf_subnet *subnet = conf_subnet_of(broker.conf, &m->ciaddr);
	const struct lease *l = lease_at(&m->ciaddr);

	if (!lease_same_network(subnet, a->subnet) ||
	    (!dhcp_is_relayed(a) && !addr_equal(&m->src, &m->ciaddr))) {
		decide_nothing(d, "inform-from-elsewhere");
		return;
	}
	a->subnet = subnet;
	dhcp_settle(a, l != NULL ? lease_pool(l) : NULL);
	d->effect = EFFECT_REPLY;
	d->reason = "inform";
	dhcp_reply(&d->reply, a, DHCP_ACK, NULL);
	dhcp_reply_network(&d->reply, a);
}

static void
decide_by_type(struct ask *a, struct decision *d)
{
	switch (a->m->type) {
	case DHCP_BOOTP: decide_bootp(a, d); break;
	case DHCP_DISCOVER: decide_discover(a, d); break;
	case DHCP_REQUEST: decide_request(a, d); break;
	case DHCP_DECLINE: decide_decline(a, d); break;
	case DHCP_RELEASE: decide_release(a, d); break;
	case DHCP_INFORM: decide_inform(a, d); break;
	default: decide_nothing(d, "message-type"); break;
	}
}

void
dhcp_decide(struct ask *a, struct decision *d, struct trace *trace)
{
	memset(d, 0, sizeof *d);
	d->reason = "";
	a->trace = trace;
	if (a->m->service == 1)
		proxy_boot_service(a, d);
	else if (a->mode == MODE_PROXY)
		proxy_decide(a, d);
	else
		decide_by_type(a, d);
	trace_note(trace, "decision: %s (%s)", dhcp_effect_name(d->effect), d->reason);
}
