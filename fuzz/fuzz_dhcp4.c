/*
 * DHCPv4: any bytes as a request; what is understood becomes a reply whose other fields
 * come from the same bytes, and the reply must pass a reader that shares no code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/dhcp4.h"
#include "tests/lib/dhcp4_check.h"

static void
require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_dhcp4: %s\n", what);
	abort();
}

static void
check_request(const struct dhcp4_request *q)
{
	require(q->type <= DHCP4_TYPE_MAX && q->hw_len <= DHCP4_HW_MAX, "type or hlen");
	require(
	    q->uuid_len == 0 || (q->uuid_len == DHCP4_UUID_LEN && q->uuid[0] == 0), "uuid");
	require(
	    q->class60 <= DHCP4_CLASS_OTHER && q->has_arch <= 1 && q->ipxe <= 1, "flags");
	require(addr_is_canonical(&q->ciaddr) && addr_is_canonical(&q->giaddr) &&
		    addr_is_canonical(&q->requested) && addr_is_canonical(&q->server_id) &&
		    addr_is_canonical(&q->link_select) &&
		    addr_is_canonical(&q->server_override),
	    "an address");
}

/* Text of a length and a kind that the input chooses. */
static const char *
make_text(char *text, size_t max, uint32_t choice)
{
	size_t len = choice % (max + 1);

	memset(text, 'a' + (int)(choice % 26), len);
	text[len] = '\0';
	return text;
}

static void
answer(const struct dhcp4_request *q)
{
	static const uint8_t types[] = {DHCP4_OFFER, DHCP4_ACK, DHCP4_NAK};
	static const uint8_t list[] = {10, 77, 0, 1, 10, 77, 0, 2, 10, 77, 0, 3};
	char bootfile[251], domain[254], sname[64];
	uint8_t packet[DHCP4_PACKET_MAX];
	uint32_t x = q->xid;
	struct dhcp4_reply r = {
	    .type = types[q->secs % 3],
	    .htype = q->htype,
	    .hw = {q->hw, q->hw_len},
	    .xid = x,
	    .secs = q->secs,
	    .flags = q->flags,
	    .ciaddr = q->ciaddr,
	    .yiaddr = q->requested,
	    .siaddr = q->server_id,
	    .giaddr = q->giaddr,
	    .server_id = addr_v4(x | 1),
	    .lease = x & 0xff00,
	    .t1 = x & 0xf00,
	    .t2 = x & 0xf000,
	    .prefix = (uint8_t)(x % 33),
	    .routers = {list, (x >> 4) % 4 * 4},
	    .dns = {list, (x >> 6) % 4 * 4},
	    .domain = make_text(domain, 253, q->secs),
	    .class60 = q->class60 % 3,
	    .discovery = (uint8_t)(x >> 8 & 1),
	    .ipxe = q->ipxe,
	    .bootfile = make_text(bootfile, 250, x >> 12),
	    .sname = make_text(sname, 63, x >> 20),
	    .client_id = {q->client_id, q->client_id_len},
	    .uuid = {q->uuid, q->uuid_len},
	    .relay = {q->relay, q->relay_len},
	    .max_size = q->max_size,
	};
	int n = dhcp4_encode(&r, packet, sizeof packet);
	const char *wrong;

	/* Two options alone may be too much for a client that takes 548 bytes. */
	if (n == ERR_LONG) {
		require(
		    strlen(bootfile) + q->relay_len + q->client_id_len > 200, "too long?");
		return;
	}
	require(n > 0, "the reply was refused");
	wrong = dhcp4_check(&r, packet, (size_t)n);
	require(wrong == NULL, wrong);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct dhcp4_request q;
	int err;

	memset(&q, 0xa5, sizeof q);
	err = dhcp4_decode(data, len, &q);
	if (err != 0) {
		static const uint8_t untouched[4] = {0xa5, 0xa5, 0xa5, 0xa5};

		require(err > -DHCP4_FAULT_MAX && err < 0, "not a named fault");
		require(memcmp(&q, untouched, sizeof untouched) == 0, "half a result");
		require(
		    strcmp(dhcp4_fault_name(err), "unknown") != 0, "a fault without name");
		return 0;
	}
	check_request(&q);
	answer(&q);
	return 0;
}
