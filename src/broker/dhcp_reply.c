/*
 * From a decision to a reply: the fields of RFC 2131, table 3, the configured options, and
 * the way back to the client (4.1). Broker, main thread; dhcp-sender encodes. Of the
 * client's bytes only those travel that a reply must repeat.
 */
#include <string.h>

#include "src/broker/dhcp.h"

#define PORT_SERVER 67
#define PORT_CLIENT 68
#define FLAG_BROADCAST 0x8000
#define OPTION_V6ONLY 108
#define RELAY_SOURCE_PORT 19 /* of option 82 */

enum { WAY_FRAME = 0, WAY_BROADCAST = 1, WAY_UDP = 2 };

#define COPY_BYTES(to, from)                          \
	do {                                          \
		(to).len = (from).len;                \
		memcpy((to).b, (from).b, (from).len); \
	} while (0)

/* ------------------------------------------------------------------- options */

/* RFC 8925, 3.2: only to a client that asks for it; whoever does not would be left
 * without any network. */
static void
drop_v6only(struct msg_reply_tell *r)
{
	uint8_t *b = r->options.b;

	for (size_t at = 0; at + 2 <= r->options.len;) {
		size_t n = 2u + b[at + 1];

		if (b[at] == OPTION_V6ONLY) {
			memmove(b + at, b + at + n, r->options.len - at - n);
			r->options.len = (uint16_t)(r->options.len - n);
			return;
		}
		at += n;
	}
}

static bool
is_listed(const uint8_t wanted[32], unsigned code)
{
	return (wanted[code / 8] >> code % 8 & 1) != 0;
}

static void
add_options(struct msg_reply_tell *r, const struct ask *a)
{
	uint8_t wanted[32] = {0};
	bool lists = a->m->wanted.len > 0;
	unsigned left_out;

	memcpy(wanted, a->m->wanted.b, a->m->wanted.len);
	r->options.len = (uint16_t)scopes_options(&a->scopes, lists ? wanted : NULL,
	    r->options.b, sizeof r->options.b, &left_out);
	if (!is_listed(wanted, OPTION_V6ONLY))
		drop_v6only(r);
	trace_note(a->trace, "options: %u bytes of the configuration, %s%s", r->options.len,
	    lists ? "as the client lists them" : "all, for it lists none",
	    left_out > 0 ? "; some do not fit" : "");
}

/* --------------------------------------------------------------------- fields */

void
dhcp_reply_network(struct msg_reply_tell *r, const struct ask *a)
{
	r->prefix = a->subnet->prefix;
	add_options(r, a);
}

static void
add_lease(struct msg_reply_tell *r, const struct ask *a)
{
	uint32_t time = scopes_lease_time(&a->scopes, a->boots);

	r->lease = time;
	r->t1 = time / 2;
	r->t2 = (uint32_t)((uint64_t)time * 7 / 8);
}

/* RFC 8357: a relay that says so listens on the port that it sent from. Its option is what
 * counts, for the mouth looks at it too. */
static uint16_t
relay_port(const struct msg_dhcp_tell *m)
{
	const uint8_t *b = m->relay.b;

	if (m->sport == 0 || (m->asks & ASKS_SOURCE_PORT) == 0)
		return PORT_SERVER;
	for (size_t at = 0; at + 2 <= m->relay.len; at += 2u + b[at + 1])
		if (b[at] == RELAY_SOURCE_PORT && b[at + 1] == 0)
			return m->sport;
	return PORT_SERVER;
}

/* RFC 2131, 4.1. To the address that the client says it has only where that can be true:
 * else anybody could have us send to any address of the world. */
static void
choose_way(struct msg_reply_tell *r, const struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;

	if (dhcp_is_relayed(a)) {
		/* The relay cannot reach a client that has no address but by broadcast. */
		if (r->type == DHCP_NAK)
			r->flags |= FLAG_BROADCAST;
		r->way = WAY_UDP;
		r->to = m->giaddr;
		r->to_port = relay_port(m);
	} else if (r->type != DHCP_NAK && !addr_is_unset(&m->ciaddr) &&
		   dhcp_is_on_link(a, &m->ciaddr)) {
		r->way = WAY_UDP;
		r->to = m->ciaddr;
		r->to_port = PORT_CLIENT;
	} else {
		bool all = r->type == DHCP_NAK || a->mac == NULL ||
			   addr_is_unset(&r->yiaddr) || (m->flags & FLAG_BROADCAST) != 0;

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
	r->server_id = dhcp_is_relayed(a) && !addr_is_unset(&m->server_override)
			   ? m->server_override
			   : a->server;
	/* RFC 6842: repeated in every reply, a NAK too. */
	COPY_BYTES(r->client_id, m->client_id);
	COPY_BYTES(r->uuid, m->uuid);
	COPY_BYTES(r->relay, m->relay);
	if (type == DHCP_ACK || type == DHCP_BOOTP)
		r->ciaddr = m->ciaddr;
	if (yiaddr != NULL)
		r->yiaddr = *yiaddr;
	choose_way(r, a);
	if (yiaddr == NULL)
		return;
	dhcp_reply_network(r, a);
	if (type != DHCP_BOOTP)
		add_lease(r, a);
}
