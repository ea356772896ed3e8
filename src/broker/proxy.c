/*
 * ProxyDHCP: boot options beside another server's leases (PXE 2.1; RFC 4578), on port 67,
 * and the boot service on port 4011, which firmware asks in either mode. Broker, main
 * thread; decides only, as decide.c does. Distrusts every client: an address that it says
 * it has is another server's to give, and is believed only where it can be one of the
 * link and nobody who boots has it.
 *
 * Only boot clients are answered; a BIOS is told all in the OFFER (option 43 "use the boot
 * file, do not search"), UEFI firmware asks port 4011 because the OFFER has no option 43,
 * UEFI HTTP firmware and iPXE take the URL of the OFFER.
 */
#include "src/broker/decide.h"

/* How long a machine must have said nothing before another may take over its address. */
#define HOLDER_QUIET_MS 60000u
#define LAYER_CREDENTIALS UINT32_C(0x8000)

/* May the machine's session have that address from now on? */
static bool
may_learn(const struct ask *a, const struct addr *address)
{
	const struct session *holder;

	if (addr_is_unset(address) || !dhcp_may_be_client(address) ||
	    !dhcp_is_on_link(a, address))
		return false;
	holder = session_of_addr(address, broker.now_ms);
	return holder == NULL || holder == a->session ||
	       broker.now_ms - holder->touched_ms > HOLDER_QUIET_MS;
}

/* The address is the other server's to acknowledge; here it says where the machine's file
 * requests will come from (also those of the system that it boots). */
static void
decide_request(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct addr *address = addr_is_unset(&m->ciaddr) ? &m->requested : &m->ciaddr;

	if (a->session == NULL && !a->boots) {
		decide_silence(d, "not-booting");
		return;
	}
	if (!may_learn(a, address)) {
		decide_nothing(d, "address-not-believed");
		return;
	}
	d->effect = EFFECT_LEARN;
	d->reason = "proxy-learn";
	d->address = *address;
	d->takes_address = d->confirms = true;
	d->opens_session = a->boots;
}

static void
decide_discover(struct ask *a, struct decision *d)
{
	if (!a->boots) {
		decide_silence(d, "not-booting");
		return;
	}
	dhcp_settle(a, NULL);
	if (dhcp_boot_must_wait(a)) {
		decide_nothing(d, "image-not-yet-loaded");
		return;
	}
	d->fresh = a->session == NULL;
	dhcp_reply(&d->reply, a, DHCP_OFFER, NULL);
	d->no_boot = dhcp_boot(&d->reply, a);
	if (d->reply.bootfile[0] == '\0') {
		decide_silence(d, "nothing-to-boot");
		return;
	}
	d->effect = EFFECT_REPLY;
	d->reason = "proxy-offer";
	d->opens_session = true;
}

void
proxy_decide(struct ask *a, struct decision *d)
{
	switch (a->m->type) {
	case DHCP_DISCOVER: decide_discover(a, d); break;
	case DHCP_REQUEST: decide_request(a, d); break;
	default: decide_silence(d, "not-for-a-proxy"); break;
	}
}

/* --------------------------------------------------------------- port 4011 */

/* The source address must be one that the machine's session has; where another server
 * gives the addresses, it is also learnt here. So a made-up one makes us send nothing to
 * anybody. */
static bool
is_known_there(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct session *s = session_of_addr(&m->src, broker.now_ms);

	if (s != NULL && mac_equal(&s->mac, a->mac))
		return true;
	if (a->mode != MODE_PROXY || !addr_equal(&m->src, &m->ciaddr) ||
	    !may_learn(a, &m->src))
		return false;
	d->takes_address = true;
	d->address = m->src;
	return true;
}

/* Firmware that took our OFFER for that of a boot server asks where to boot from. Answered
 * to the port that it asks from. */
void
proxy_boot_service(struct ask *a, struct decision *d)
{
	const struct msg_dhcp_tell *m = a->m;
	struct msg_reply_tell *r = &d->reply;

	if ((m->type != DHCP_REQUEST && m->type != DHCP_INFORM) || !a->boots ||
	    m->sport == 0) {
		decide_silence(d, "not-a-boot-request");
		return;
	}
	/* Boot integrity services: nobody has the credentials. */
	if ((m->boot_item & LAYER_CREDENTIALS) != 0) {
		decide_nothing(d, "boot-item-credentials");
		return;
	}
	if (!is_known_there(a, d)) {
		decide_nothing(d, "no-session");
		return;
	}
	d->reason = "boot-service";
	d->quiet = true;
	d->opens_session = true;
	d->confirms = a->mode == MODE_PROXY;
	dhcp_settle(a, NULL);
	dhcp_reply(r, a, DHCP_ACK, NULL);
	r->way = 2;
	r->to = m->src;
	r->to_port = m->sport;
	r->boot_item = m->boot_item;
	if (m->boot_item != 0)
		r->yiaddr = m->ciaddr;
	d->no_boot = dhcp_boot(r, a);
	if (r->bootfile[0] != '\0')
		d->effect = EFFECT_REPLY;
}
