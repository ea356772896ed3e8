/*
 * Reads what the links say. Runs in link-parser, which can tell the broker and nobody
 * else; the bytes are anybody's.
 */
#include "src/link-parser/heard.h"

#include <stdbool.h>
#include <string.h>

#include "src/wire/arp.h"
#include "src/wire/dhcp4_client.h"
#include "src/wire/frame.h"
#include "src/wire/icmp.h"

#define SERVER_PORT 67

static bool
is_our_mac(const struct start *st, const struct mac *mac)
{
	for (unsigned i = 0; i < st->nlinks; i++)
		if (mac_equal(mac, &st->links[i].mac))
			return true;
	return false;
}

static bool
is_our_address(const struct start *st, const struct addr *a)
{
	for (unsigned i = 0; i < st->nlinks; i++)
		if (addr_equal(a, &st->links[i].address))
			return true;
	return false;
}

static struct addr
or_none(const struct addr *a)
{
	const struct addr none = {.family = ADDR_NONE};

	return addr_is_unset(a) ? none : *a;
}

/* On its way through this host to another network: whoever sent it may be anywhere. */
static bool
is_passing(const struct link *l, const struct frame_udp4 *f)
{
	uint32_t mask = l->prefix == 0 ? 0 : UINT32_MAX << (32 - l->prefix);
	uint32_t to = addr_to_v4(&f->to);

	return mac_equal(&f->to_mac, &l->mac) && to != UINT32_MAX &&
	       ((to ^ addr_to_v4(&l->address)) & mask) != 0;
}

/* What comes to our own address says nothing of the link: no server answers there, for we
 * ask without an address, but a stranger far away can send it through a router. */
static enum heard
hear_server(const struct start *st, unsigned link, const struct frame_udp4 *f,
    const uint8_t *payload, size_t len, struct msg_heard_tell *t)
{
	struct dhcp4_answer a;

	if (f->from_port != SERVER_PORT || mac_is_unusable(&f->from_mac) ||
	    dhcp4_client_decode(payload, len, &a) != 0 || a.type == DHCP4_BOOTP)
		return HEARD_MALFORMED;
	if (is_our_mac(st, &f->from_mac) || is_our_address(st, &f->from) ||
	    is_our_address(st, &f->to) || is_our_address(st, &a.server_id) ||
	    is_passing(&st->links[link], f))
		return HEARD_OURS;
	t->kind = LINK_SERVER;
	t->address = or_none(&f->from);
	t->mac = f->from_mac;
	t->number = a.xid;
	t->type = a.type;
	t->server = a.server_id;
	t->offered = a.yiaddr;
	t->relay = a.giaddr;
	return HEARD_GOOD;
}

enum heard
heard_frame(const struct start *st, unsigned link, const uint8_t *bytes, size_t len,
    struct msg_heard_tell *t)
{
	struct arp_answer arp;
	struct frame_udp4 f;
	const uint8_t *payload;
	size_t payload_len;

	memset(t, 0, sizeof *t);
	t->link = (uint8_t)link;
	if (arp_decode_reply(bytes, len, &arp) == 0) {
		t->kind = LINK_ARP;
		t->address = arp.address;
		t->mac = arp.mac;
		return is_our_mac(st, &arp.mac) ? HEARD_OURS : HEARD_GOOD;
	}
	if (frame_decode_udp4(bytes, len, &f, &payload, &payload_len) == 0)
		return hear_server(st, link, &f, payload, payload_len, t);
	return HEARD_MALFORMED;
}

enum heard
heard_echo(uint16_t ident, const uint8_t *bytes, size_t len, struct msg_heard_tell *t)
{
	struct icmp_answer a;

	memset(t, 0, sizeof *t);
	if (icmp_decode_reply(ident, bytes, len, &a) != 0)
		return HEARD_MALFORMED;
	t->kind = LINK_ECHO;
	t->address = a.address;
	t->number = a.number;
	return HEARD_GOOD;
}
