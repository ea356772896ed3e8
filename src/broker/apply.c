/*
 * What a decision does: to the lease table, to the boot sessions, to the store, to the
 * log; and the reply. Broker, main thread. The decision is ours and trusted; the texts in
 * the log are the client's.
 */
#include <stdio.h>

#include "src/base/log.h"
#include "src/broker/counters.h"
#include "src/broker/decide.h"

static const char *
mac_text(const struct ask *a, char text[MAC_TEXT_MAX])
{
	static const struct mac none;

	return mac_format(a->mac != NULL ? a->mac : &none, text);
}

void
dhcp_refused(const struct ask *a, const char *reason, bool quiet)
{
	char mac[MAC_TEXT_MAX], src[ADDR_TEXT_MAX];

	counter_add(reason);
	if (quiet)
		return;
	log_limited(LOG_INFO, "dhcp-refused", "reason=%s type=%u mac=%s src=%s link=%s",
	    reason, a->m->type, mac_text(a, mac), addr_format(&a->m->src, src),
	    broker.start.links[a->m->link].name);
}

/* ------------------------------------------------------------------- sessions */

static void
describe(struct session *s, const struct ask *a)
{
	const char *image = a->match.kind == MATCH_IMAGE ? a->match.image : "";

	snprintf(s->image, sizeof s->image, "%s", image);
	s->key = a->match.key;
	s->classes = a->match.classes;
	s->server = a->server;
	s->link = a->m->link;
	if (a->m->ipxe)
		s->ipxe = true;
	else
		s->http = a->http;
	if (a->arch != ARCH_NONE)
		s->arch = a->arch;
	s->pi = a->quirk == QUIRK_PI;
}

/* Opens or refreshes the session when the decision says so, and gives it the address, or
 * takes the address from whose it was. The reply names the session in the log. */
static void
apply_session(struct ask *a, struct decision *d)
{
	struct session *s = a->session;

	if (d->opens_session) {
		if (s == NULL)
			s = session_open(a->mac, broker.now_ms);
		else if (a->m->type == DHCP_DISCOVER && !a->m->ipxe && s->confirmed)
			session_restart(s);
		session_touch(s, broker.now_ms);
		describe(s, a);
	}
	a->session = s;
	if (s != NULL) {
		d->reply.session = s->id;
		if (d->confirms)
			session_confirm(s);
	}
	if (!d->takes_address)
		return;
	if (s != NULL)
		session_add_addr(s, &d->address);
	else
		session_drop_addr(&d->address);
}

static void
log_no_boot(const struct ask *a, const struct decision *d)
{
	char mac[MAC_TEXT_MAX];

	if (d->no_boot != NULL)
		log_limited(LOG_WARNING, "boot-nothing",
		    "session=%08x mac=%s image=%s arch=%s reason=%s",
		    a->session != NULL ? a->session->id : 0, mac_text(a, mac),
		    a->match.image, arch_name(a->arch), d->no_boot);
}

/* --------------------------------------------------------------------- leases */

static void
remember_client(struct lease *l, const struct ask *a)
{
	l->mac = a->mac != NULL ? *a->mac : (struct mac){{0}};
	l->link = a->m->link;
}

static void
log_discover(const struct ask *a, const struct decision *d)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	log_limited(LOG_INFO, "dhcp-discover", "session=%08x mac=%s arch=%s ipxe=%u ip=%s",
	    d->reply.session, mac_text(a, mac), arch_name(a->arch), a->m->ipxe,
	    addr_format(&d->address, ip));
}

static void
apply_offer(struct ask *a, struct decision *d)
{
	const struct lease_want want = dhcp_want(a, NULL);

	lease_hold(d->lease, &want, a->now);
	remember_client(d->lease, a);
	apply_session(a, d);
	log_discover(a, d);
	log_no_boot(a, d);
	dhcp_send(&d->reply);
}

static void
apply_grant(struct ask *a, struct decision *d)
{
	const struct lease_want want = dhcp_want(a, NULL);

	if (!dhcp_store_room()) {
		dhcp_refused(a, "store-busy", false);
		return;
	}
	lease_bind(d->lease, &want, a->now + d->time);
	remember_client(d->lease, a);
	apply_session(a, d);
	if (a->client.kind != ID_NONE && a->session != NULL)
		a->session->heir = session_heir(a->client.b, a->client.len);
	log_no_boot(a, d);
	dhcp_store_lease(a, d->lease, &d->reply);
}

static void
log_exhausted(const struct ask *a)
{
	struct addr network = addr_v4(a->subnet->network);
	char mac[MAC_TEXT_MAX], net[ADDR_TEXT_MAX];

	log_limited(LOG_ERROR, "pool-empty", "subnet=%s/%u mac=%s",
	    addr_format(&network, net), a->subnet->prefix, mac_text(a, mac));
}

static void
apply_reply(struct ask *a, struct decision *d)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (d->reply.type == DHCP_NAK)
		log_limited(LOG_INFO, "dhcp-nak", "mac=%s ip=%s reason=%s",
		    mac_text(a, mac), addr_format(&d->address, ip), d->reason);
	if (d->exhausted)
		log_exhausted(a);
	apply_session(a, d);
	if (d->reply.type == DHCP_OFFER && d->opens_session)
		log_discover(a, d);
	log_no_boot(a, d);
	dhcp_send(&d->reply);
}

static void
apply_learn(struct ask *a, struct decision *d)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	apply_session(a, d);
	log_limited(LOG_INFO, "dhcp-learned", "session=%08x mac=%s ip=%s",
	    a->session != NULL ? a->session->id : 0, mac_text(a, mac),
	    addr_format(&d->address, ip));
}

static void
apply_release(struct ask *a, struct decision *d)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (!dhcp_store_room())
		return;
	lease_release(d->lease, a->now);
	session_drop_addr(&d->address);
	dhcp_store_lease(a, d->lease, NULL);
	log_limited(LOG_INFO, "release", "mac=%s ip=%s", mac_text(a, mac),
	    addr_format(&d->address, ip));
}

static void
apply_decline(struct ask *a, struct decision *d)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	log_limited(LOG_WARNING, "address-in-use", "mac=%s ip=%s reserved=%u",
	    mac_text(a, mac), addr_format(&d->address, ip), d->reserved);
	if (d->reserved || !dhcp_store_room())
		return;
	lease_quarantine(d->lease, a->now + broker.conf->quarantine);
	session_drop_addr(&d->address);
	dhcp_store_lease(a, d->lease, NULL);
}

static void
apply_nothing(struct ask *a, struct decision *d)
{
	if (d->opens_session)
		apply_session(a, d);
	log_no_boot(a, d);
	if (d->exhausted)
		log_exhausted(a);
	dhcp_refused(a, d->reason, d->quiet || d->exhausted);
}

void
dhcp_apply(struct ask *a, struct decision *d)
{
	if (d->effect != EFFECT_NONE)
		counter_add(d->reason);
	switch (d->effect) {
	case EFFECT_NONE: apply_nothing(a, d); break;
	case EFFECT_OFFER: apply_offer(a, d); break;
	case EFFECT_GRANT: apply_grant(a, d); break;
	case EFFECT_REPLY: apply_reply(a, d); break;
	case EFFECT_LEARN: apply_learn(a, d); break;
	case EFFECT_UNHOLD: lease_unhold(d->lease, a->now); break;
	case EFFECT_RELEASE: apply_release(a, d); break;
	case EFFECT_DECLINE: apply_decline(a, d); break;
	}
}
