/*
 * The mouth's own judgement of a reply. Runs in dhcp-sender on what the broker says; the
 * broker may be owned, and then this keeps it from using the mouth against our own
 * machine, against groups of machines, or on ports that are not DHCP's.
 */
#include "src/dhcp-sender/reply_check.h"

#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_reply.h"

#define HTYPE_ETHERNET 1
#define MAC_LEN 6

static bool
is_v4_or_none(const struct addr *a)
{
	return a->family == ADDR_V4 || a->family == ADDR_NONE;
}

/* Ours, or the broadcast address of a subnet that we are in. */
static bool
belongs_to_us(const struct start *st, const struct addr *a)
{
	for (unsigned i = 0; i < st->nlinks; i++) {
		const struct link *l = &st->links[i];
		uint32_t host = l->prefix >= 32 ? 0 : UINT32_MAX >> l->prefix;

		if (addr_equal(a, &l->address))
			return true;
		if (l->prefix < 31 && addr_to_v4(a) == (addr_to_v4(&l->address) | host))
			return true;
	}
	return false;
}

bool
reply_is_somebody(const struct start *st, const struct addr *a)
{
	if (a->family != ADDR_V4 || a->b[0] == 0 || a->b[0] == 127 || a->b[0] >= 224)
		return false;
	return !belongs_to_us(st, a);
}

static bool
is_our_mac(const struct start *st, const struct mac *mac)
{
	for (unsigned i = 0; i < st->nlinks; i++)
		if (mac_equal(mac, &st->links[i].mac))
			return true;
	return false;
}

const struct addr *
reply_frame_target(const struct msg_reply_tell *m)
{
	return addr_is_unset(&m->to) ? &m->yiaddr : &m->to;
}

static const char *
check_frame(const struct start *st, const struct msg_reply_tell *m)
{
	struct mac mac;

	if (m->hw.len != MAC_LEN || m->htype != HTYPE_ETHERNET)
		return "a frame to something without an Ethernet address";
	for (unsigned i = 0; i < MAC_LEN; i++)
		mac.b[i] = m->hw.b[i];
	if (mac_is_unusable(&mac))
		return "a frame to a group or to nobody";
	if (is_our_mac(st, &mac))
		return "a frame to ourselves";
	if (!reply_is_somebody(st, reply_frame_target(m)))
		return "a frame to an address that is no client's";
	return NULL;
}

/* RFC 8357, 5.1: the relay said that it wants its answer where it asked from. What it
 * said is in the option that the reply repeats. */
static bool
relay_names_port(const struct msg_reply_tell *m)
{
	const uint8_t *b = m->relay.b;
	size_t len = m->relay.len;

	if (addr_is_unset(&m->giaddr) || !addr_equal(&m->to, &m->giaddr))
		return false;
	for (size_t at = 0; at + 2 <= len; at += 2u + b[at + 1])
		if (b[at] == DHCP4_RELAY_PORT && b[at + 1] == 0)
			return true;
	return false;
}

static const char *
check_port(const struct msg_reply_tell *m)
{
	if (m->to_port == 0)
		return "a datagram to port 0";
	if (m->service != 0 || m->to_port == DHCP_SERVER_PORT ||
	    m->to_port == DHCP_CLIENT_PORT || relay_names_port(m))
		return NULL;
	return "a datagram to a port that is not DHCP's";
}

static const char *
check_way(const struct start *st, const struct msg_reply_tell *m)
{
	if (m->service != 0 && m->to_port == 0)
		return "a reply to port 0";
	if (m->way == 0)
		return check_frame(st, m);
	if (m->way == 1)
		return NULL;
	if (!reply_is_somebody(st, &m->to))
		return "a datagram to an address that is no client's";
	return check_port(m);
}

/* Of a BOOTP client's reply alone there is no server's name. */
static const char *
check_kind(const struct msg_reply_tell *m)
{
	if (m->type != DHCP4_OFFER && m->type != DHCP4_ACK && m->type != DHCP4_NAK &&
	    m->type != DHCP4_BOOTP)
		return "a message type that is no reply";
	if (!is_v4_or_none(&m->server_id))
		return "a server that is not IPv4";
	if (m->type != DHCP4_BOOTP && addr_is_unset(&m->server_id))
		return "a reply without a server";
	return NULL;
}

static const char *
check_content(const struct start *st, const struct msg_reply_tell *m)
{
	if (!is_v4_or_none(&m->to) || !is_v4_or_none(&m->ciaddr) ||
	    !is_v4_or_none(&m->yiaddr) || !is_v4_or_none(&m->siaddr) ||
	    !is_v4_or_none(&m->giaddr))
		return "an address that is not IPv4";
	if (!addr_is_unset(&m->yiaddr) && !reply_is_somebody(st, &m->yiaddr))
		return "a lease of an address that nobody may have";
	if (m->uuid.len != 0 && m->uuid.len != DHCP4_UUID_LEN)
		return "a machine identifier of another length";
	return dhcp4_options_check((struct dhcp4_span){m->options.b, m->options.len});
}

const char *
reply_check(const struct start *st, const struct msg_reply_tell *m)
{
	const char *why;

	if (m->link >= st->nlinks)
		return "a link that does not exist";
	why = check_kind(m);
	if (why == NULL)
		why = check_content(st, m);
	return why != NULL ? why : check_way(st, m);
}
