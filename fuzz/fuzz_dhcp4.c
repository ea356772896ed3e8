/*
 * DHCPv4: any bytes as a request; what is understood becomes a reply whose other fields
 * come from the same bytes, and the reply must pass a reader that shares no code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/dhcp4_reply.h"
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
	require(q->circuit_len <= DHCP4_RELAY_ID_MAX &&
		    q->remote_len <= DHCP4_RELAY_ID_MAX &&
		    q->vendor_len <= DHCP4_CLASS_MAX && q->user_len <= DHCP4_CLASS_MAX,
	    "a length");
	require(q->asks <= 7 && (q->wanted[0] & 1) == 0 && q->wanted[31] < 0x80, "wishes");
	require(q->boot_item == 0 || (!q->credentials && (q->boot_item & 0x8000) == 0),
	    "boot item");
	for (size_t at = 0; at < q->user_len; at += 1u + q->user[at])
		require(q->user[at] > 0 && at + q->user[at] < q->user_len, "user classes");
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

/* The options that the request asks for, of lengths and bytes that the input chooses. */
static size_t
make_options(const struct dhcp4_request *q, uint8_t *b, size_t cap)
{
	size_t n = 0;

	for (unsigned code = 1; code < 255; code++) {
		size_t len = q->relay[code % 64] % 40;
		struct dhcp4_span one = {b + n, 2 + len};

		if ((q->wanted[code / 8] >> code % 8 & 1) == 0 || one.len > cap - n)
			continue;
		b[n] = (uint8_t)code;
		b[n + 1] = (uint8_t)len;
		memcpy(b + n + 2, q->relay + code % 64, len);
		if (dhcp4_options_check(one) == NULL)
			n += one.len;
	}
	return n;
}

static void
answer(const struct dhcp4_request *q)
{
	static const uint8_t types[] = {DHCP4_OFFER, DHCP4_ACK, DHCP4_NAK, DHCP4_BOOTP};
	char bootfile[251], sname[64];
	uint8_t packet[DHCP4_PACKET_MAX], options[768];
	unsigned left_out = 0;
	uint32_t x = q->xid;
	struct dhcp4_reply r = {
	    .type = types[q->secs % 4],
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
	    .options = {options, make_options(q, options, sizeof options)},
	    .class60 = q->class60 % 3,
	    .pi = q->type == DHCP4_INFORM,
	    .rapid = q->asks & DHCP4_ASKS_RAPID_COMMIT,
	    .auto_configure = q->asks & DHCP4_ASKS_AUTO_CONFIGURE,
	    .boot_item = q->boot_item,
	    .discovery = (uint8_t)(x >> 8 & 1),
	    .ipxe = q->ipxe,
	    .bootfile = make_text(bootfile, 250, x >> 12),
	    .sname = make_text(sname, 63, x >> 20),
	    .client_id = {q->client_id, q->client_id_len},
	    .uuid = {q->uuid, q->uuid_len},
	    .relay = {q->relay, q->relay_len},
	    .max_size = q->max_size,
	};
	int n = dhcp4_encode(&r, packet, sizeof packet, &left_out);
	const char *wrong;

	if (n == ERR_LONG) {
		require(!dhcp4_fits(&r), "a reply that fits was refused");
		return;
	}
	require(n > 0, "the reply was refused");
	wrong = dhcp4_check(&r, packet, (size_t)n, left_out);
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
