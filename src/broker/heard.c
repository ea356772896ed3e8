/*
 * Broker: what link-parser says. It may be owned, and then it can lie about every machine
 * on our links, but only in words that it could have heard.
 */
#include "src/broker/heard.h"

#include "src/broker/broker.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"

static bool
is_v4_or_none(const struct addr *a)
{
	return a->family != ADDR_V6;
}

static const char *
check(const struct msg_heard_tell *m)
{
	bool server = m->kind == LINK_SERVER;

	if (m->link >= broker.start.nlinks)
		return "link that does not exist";
	if (!is_v4_or_none(&m->address) || !is_v4_or_none(&m->server) ||
	    !is_v4_or_none(&m->offered) || !is_v4_or_none(&m->relay))
		return "an address that is not IPv4";
	if (!server && addr_is_unset(&m->address))
		return "an answer for no address";
	if (m->kind != LINK_ECHO && mac_is_unusable(&m->mac))
		return "a frame from nobody";
	if (server && m->type != DHCP_OFFER && m->type != DHCP_ACK && m->type != DHCP_NAK)
		return "a message that no server sends";
	return NULL;
}

void
on_heard_tell(struct chan *from, const struct msg_heard_tell *m)
{
	const char *why = check(m);

	if (why != NULL)
		chan_peer_fault(from, why);
	else if (m->kind == LINK_SERVER)
		rogue_heard(m);
	else
		probe_heard(m);
}
