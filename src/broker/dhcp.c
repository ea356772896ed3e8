/*
 * The DHCPv4 server's decisions (RFC 2131): who gets which address, who is told no, and
 * who is not answered. Broker, main thread; leases and sessions in memory, made durable
 * before an ACK leaves. Distrusts every client (each field of a request can be made up,
 * by one machine in the name of another) and the ear that reports them.
 */
#include "src/broker/dhcp.h"

#include "src/base/log.h"

static const char *
mac_text(const struct ask *a, char text[MAC_TEXT_MAX])
{
	static const struct mac none;

	return mac_format(a->mac != NULL ? a->mac : &none, text);
}

static void
refuse(const struct ask *a, const char *reason)
{
	char mac[MAC_TEXT_MAX], src[ADDR_TEXT_MAX];

	log_limited(LOG_INFO, "dhcp-refused", "reason=%s type=%u mac=%s src=%s link=%s",
	    reason, a->m->type, mac_text(a, mac), addr_format(&a->m->src, src),
	    broker.start.links[a->m->link].name);
}

static void
send_nak(struct ask *a, const struct addr *address, const char *reason)
{
	static struct msg_reply_tell r;
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	log_limited(LOG_INFO, "dhcp-nak", "mac=%s ip=%s reason=%s", mac_text(a, mac),
	    addr_format(address, ip), reason);
	dhcp_reply(&r, a, DHCP_NAK, NULL);
	dhcp_send(&r);
}

static void
remember_client(struct lease *l, const struct ask *a)
{
	l->mac = a->mac != NULL ? *a->mac : (struct mac){{0}};
	l->link = a->m->link;
}

static void
on_discover(struct ask *a)
{
	static struct msg_reply_tell r;
	const struct msg_dhcp_tell *m = a->m;
	char mac[MAC_TEXT_MAX], net[ADDR_TEXT_MAX];
	const struct addr *wish = addr_is_unset(&m->requested) ? NULL : &m->requested;
	struct addr network = addr_v4(a->subnet->network), address;
	struct lease *l;

	if (dhcp_boot_must_wait(a)) {
		refuse(a, "image-not-yet-loaded");
		return;
	}
	l = lease_choose(a->subnet, &a->id, a->match.host, wish, a->now);
	if (l == NULL) {
		log_limited(LOG_ERROR, "pool-empty", "subnet=%s/%u mac=%s",
		    addr_format(&network, net), a->subnet->prefix, mac_text(a, mac));
		return;
	}
	lease_hold(l, &a->id, a->now);
	remember_client(l, a);
	address = lease_addr(l);
	dhcp_session(a, &address);
	log_limited(LOG_INFO, "dhcp-discover", "session=%08x mac=%s arch=%s ipxe=%u ip=%s",
	    a->session != NULL ? a->session->id : 0, mac_text(a, mac), arch_name(a->arch),
	    m->ipxe, addr_format(&address, net));
	dhcp_reply(&r, a, DHCP_OFFER, &address);
	(void)dhcp_boot(&r, a);
	dhcp_send(&r);
}

/* The lease is the machine's from now on; the ACK follows when the store has it. */
static void
grant(struct ask *a, struct lease *l)
{
	static struct msg_reply_tell r;
	struct addr address = lease_addr(l);

	if (dhcp_boot_must_wait(a)) {
		refuse(a, "image-not-yet-loaded");
		return;
	}
	if (!dhcp_store_room()) {
		refuse(a, "store-busy");
		return;
	}
	lease_bind(l, &a->id, a->now + a->subnet->lease_time);
	remember_client(l, a);
	dhcp_session(a, &address);
	dhcp_reply(&r, a, DHCP_ACK, &address);
	(void)dhcp_boot(&r, a);
	dhcp_store_lease(a, l, &r);
}

static bool
runs(const struct lease *l, uint64_t now)
{
	return l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, now);
}

/* The answer to an OFFER. Ours may have been forgotten by a restart of the broker: the
 * address is given all the same if it is still free. */
static void
on_selecting(struct ask *a)
{
	const struct addr *address = &a->m->requested;
	struct lease *l;

	if (!dhcp_is_us(a, &a->m->server_id)) {
		l = lease_of(a->subnet, &a->id);
		if (l != NULL)
			lease_unhold(l, a->now);
		return;
	}
	if (conf_subnet_of(broker.conf, address) != a->subnet) {
		send_nak(a, address, "wrong-subnet");
		return;
	}
	l = dhcp_own_lease(a, address);
	if (l == NULL && !runs(lease_of(a->subnet, &a->id), a->now)) {
		l = lease_at(address);
		if (l != NULL && !lease_is_free(l, a->now))
			l = NULL;
	}
	if (l == NULL || !lease_permitted(l, a->match.host)) {
		send_nak(a, address, "not-offered");
		return;
	}
	grant(a, l);
}

/*
 * A machine that says it has an address already: after a restart of its own (requested
 * address), or to prolong it (ciaddr). Without any record of the machine we are silent:
 * another server may know it (RFC 2131, 4.3.2).
 */
static void
on_reclaim(struct ask *a, const struct addr *address)
{
	struct lease *reserved = lease_reserved(a->subnet, a->match.host);
	struct lease *l = lease_at(address);
	struct lease *own = dhcp_own_lease(a, address);

	if (conf_subnet_of(broker.conf, address) != a->subnet)
		send_nak(a, address, "wrong-subnet");
	else if (reserved != NULL && reserved != l &&
		 (own == NULL || lease_is_free(reserved, a->now)))
		send_nak(a, address, "another-is-reserved");
	else if (own != NULL && lease_permitted(own, a->match.host))
		grant(a, own);
	else if (own != NULL)
		send_nak(a, address, "not-permitted");
	else if (l != NULL && l == reserved && lease_is_free(l, a->now))
		grant(a, l);
	else if (l != NULL && !lease_is_free(l, a->now))
		send_nak(a, address, "in-use");
	else if (runs(lease_of(a->subnet, &a->id), a->now))
		send_nak(a, address, "another-is-leased");
	else
		refuse(a, "no-record");
}

static void
on_request(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	bool requested = !addr_is_unset(&m->requested);

	if (requested && !addr_is_unset(&m->server_id))
		on_selecting(a);
	else if (!addr_is_unset(&m->ciaddr))
		on_reclaim(a, &m->ciaddr);
	else if (requested)
		on_reclaim(a, &m->requested);
	else
		refuse(a, "no-address-requested");
}

/* Anybody can send one in another's name: it counts only from the holder's link, with
 * the holder's identity, and from the address itself. */
static void
on_release(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	struct lease *l = dhcp_own_lease(a, &m->ciaddr);
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (l == NULL || l->state != LEASE_BOUND || l->link != m->link) {
		refuse(a, "not-the-holder");
		return;
	}
	if (!addr_is_unset(&m->src) && !addr_equal(&m->src, &m->ciaddr)) {
		refuse(a, "release-from-elsewhere");
		return;
	}
	if (!dhcp_store_room())
		return;
	lease_release(l, a->now);
	session_drop_addr(&m->ciaddr);
	dhcp_store_lease(a, l, NULL);
	log_limited(LOG_INFO, "release", "mac=%s ip=%s", mac_text(a, mac),
	    addr_format(&m->ciaddr, ip));
}

/* Somebody else uses the address. It rests for a while, but a reservation stays with its
 * machine: else a neighbour could take it away in the machine's name. */
static void
on_decline(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	struct lease *l = dhcp_own_lease(a, &m->requested);
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (l == NULL || lease_is_free(l, a->now) || l->link != m->link) {
		refuse(a, "not-the-holder");
		return;
	}
	log_limited(LOG_WARNING, "address-in-use", "mac=%s ip=%s reserved=%u",
	    mac_text(a, mac), addr_format(&m->requested, ip),
	    l == lease_reserved(a->subnet, a->match.host));
	if (l == lease_reserved(a->subnet, a->match.host) || !dhcp_store_room())
		return;
	lease_quarantine(l, a->now + LEASE_QUARANTINE_S);
	session_drop_addr(&m->requested);
	dhcp_store_lease(a, l, NULL);
}

/* Parameters for a machine that has its address from elsewhere: no lease. */
static void
on_inform(struct ask *a)
{
	static struct msg_reply_tell r;
	const struct msg_dhcp_tell *m = a->m;

	if (addr_is_unset(&m->ciaddr) ||
	    conf_subnet_of(broker.conf, &m->ciaddr) != a->subnet) {
		refuse(a, "inform-from-elsewhere");
		return;
	}
	if (addr_is_unset(&m->giaddr) && !addr_equal(&m->src, &m->ciaddr)) {
		refuse(a, "inform-from-elsewhere");
		return;
	}
	dhcp_reply(&r, a, DHCP_ACK, NULL);
	dhcp_send(&r);
}

/*
 * Port 4011: firmware that took our OFFER for that of a boot server asks where to boot
 * from. Answered to the port it asks from, and only to a machine whose session has that
 * address, so that a made-up source address makes us send nothing to anybody.
 */
static void
on_boot_service(struct ask *a)
{
	static struct msg_reply_tell r;
	const struct msg_dhcp_tell *m = a->m;
	struct session *s = session_of_addr(&m->src, broker.now_ms);

	if ((m->type != DHCP_REQUEST && m->type != DHCP_INFORM) || !a->boots ||
	    m->sport == 0)
		return;
	if (s == NULL || !mac_equal(&s->mac, a->mac)) {
		refuse(a, "no-session");
		return;
	}
	dhcp_session(a, NULL);
	dhcp_reply(&r, a, DHCP_ACK, NULL);
	r.prefix = 0;
	r.routers.len = r.dns.len = 0;
	r.domain[0] = '\0';
	r.way = 2;
	r.to = m->src;
	r.to_port = m->sport;
	if (dhcp_boot(&r, a))
		dhcp_send(&r);
}

static void
dispatch(struct ask *a)
{
	switch (a->m->type) {
	case DHCP_DISCOVER: on_discover(a); break;
	case DHCP_REQUEST: on_request(a); break;
	case DHCP_DECLINE: on_decline(a); break;
	case DHCP_RELEASE: on_release(a); break;
	case DHCP_INFORM: on_inform(a); break;
	default: refuse(a, "message-type"); break;
	}
}

void
on_dhcp_tell(struct chan *from, const struct msg_dhcp_tell *m)
{
	struct ask a;
	const char *why;

	if (m->link >= broker.start.nlinks) {
		chan_peer_fault(from, "link that does not exist");
		return;
	}
	if (m->uuid.len != 0 && m->uuid.len != sizeof m->uuid.b) {
		chan_peer_fault(from, "a machine identifier of another length");
		return;
	}
	why = dhcp_ask(&a, m);
	if (why != NULL)
		refuse(&a, why);
	else if (m->service == 1)
		on_boot_service(&a);
	else
		dispatch(&a);
}
