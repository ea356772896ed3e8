/*
 * From a decision to a reply: the fields of RFC 2131, table 3, and the way back to the
 * client (4.1). Broker, main thread; dhcp-sender encodes. Of the client's bytes only
 * those travel that a reply must repeat.
 */
#include <string.h>

#include "src/broker/dhcp.h"

#define PORT_SERVER 67
#define PORT_CLIENT 68
#define FLAG_BROADCAST 0x8000

enum { WAY_FRAME = 0, WAY_BROADCAST = 1, WAY_UDP = 2 };

#define COPY_BYTES(to, from)                          \
	do {                                          \
		(to).len = (from).len;                \
		memcpy((to).b, (from).b, (from).len); \
	} while (0)

/* Only IPv4 addresses are configured for DHCPv4; eight of them fill the field. */
static void
put_addrs(uint8_t *bytes, uint16_t *len, const struct addr *addrs, unsigned n)
{
	*len = 0;
	for (unsigned i = 0; i < n && i < CONF_ADDRS_MAX; i++) {
		memcpy(bytes + *len, addrs[i].b, 4);
		*len = (uint16_t)(*len + 4);
	}
}

static void
add_network(struct msg_reply_tell *r, const struct conf_subnet *s, bool lease)
{
	r->prefix = s->prefix;
	put_addrs(r->routers.b, &r->routers.len, s->routers, s->nrouters);
	put_addrs(r->dns.b, &r->dns.len, s->dns, s->ndns);
	memcpy(r->domain, s->domain, sizeof r->domain);
	if (!lease)
		return;
	r->lease = s->lease_time;
	r->t1 = s->lease_time / 2;
	r->t2 = (uint32_t)((uint64_t)s->lease_time * 7 / 8);
}

static void
choose_way(struct msg_reply_tell *r, const struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;

	if (!addr_is_unset(&m->giaddr)) {
		/* The relay cannot reach a client that has no address but by broadcast. */
		if (r->type == DHCP_NAK)
			r->flags |= FLAG_BROADCAST;
		r->way = WAY_UDP;
		r->to = m->giaddr;
		r->to_port = PORT_SERVER;
	} else if (r->type != DHCP_NAK && !addr_is_unset(&m->ciaddr)) {
		r->way = WAY_UDP;
		r->to = m->ciaddr;
		r->to_port = PORT_CLIENT;
	} else {
		bool all = r->type == DHCP_NAK || a->mac == NULL ||
			   (m->flags & FLAG_BROADCAST) != 0;

		r->way = all ? WAY_BROADCAST : WAY_FRAME;
		r->to = all ? addr_v4(UINT32_MAX) : r->yiaddr;
		r->to_port = PORT_CLIENT;
	}
}

void
dhcp_reply(
    struct msg_reply_tell *r, const struct ask *a, uint8_t type, const struct addr *yiaddr)
{
	const struct msg_dhcp_tell *m = a->m;
	bool relayed = !addr_is_unset(&m->giaddr);

	memset(r, 0, sizeof *r);
	r->link = m->link;
	r->service = m->service;
	r->type = type;
	r->session = a->session != NULL ? a->session->id : 0;
	r->xid = m->xid;
	r->flags = m->flags;
	r->htype = m->htype;
	COPY_BYTES(r->hw, m->hw);
	r->giaddr = m->giaddr;
	r->max_size = m->max_size;
	/* RFC 5107: through this relay we are known by the relay's name for us. */
	r->server_id =
	    relayed && !addr_is_unset(&m->server_override) ? m->server_override : a->server;
	COPY_BYTES(r->client_id, m->client_id);
	COPY_BYTES(r->uuid, m->uuid);
	COPY_BYTES(r->relay, m->relay);
	if (type == DHCP_ACK)
		r->ciaddr = m->ciaddr;
	if (yiaddr != NULL)
		r->yiaddr = *yiaddr;
	if (type != DHCP_NAK)
		add_network(r, a->subnet, yiaddr != NULL);
	choose_way(r, a);
}
