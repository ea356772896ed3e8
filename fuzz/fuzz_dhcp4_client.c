/*
 * Any bytes as a server's message; and the question that is asked of servers, for an
 * address and a number that the input chooses, read by the decoder of requests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/dhcp4_client.h"

static void
require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_dhcp4_client: %s\n", what);
	abort();
}

static void
ask(const uint8_t *data)
{
	uint32_t xid = (uint32_t)data[0] << 24 | data[1];
	struct dhcp4_request q;
	uint8_t packet[DHCP4_PROBE_LEN];
	struct mac mac;
	int n;

	memcpy(mac.b, data + 2, sizeof mac.b);
	n = dhcp4_client_encode(xid, &mac, packet, sizeof packet);
	require(n == DHCP4_PROBE_LEN, "the question was refused");
	require(dhcp4_decode(packet, (size_t)n, &q) == 0, "the question is malformed");
	require(q.type == DHCP4_DISCOVER && q.xid == xid && q.flags == 0x8000, "header");
	require(q.hw_len == 6 && memcmp(q.hw, mac.b, 6) == 0, "hardware address");
	require(
	    q.client_id_len == 7 && memcmp(q.client_id + 1, mac.b, 6) == 0, "client id");
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct dhcp4_answer a;
	int err;

	memset(&a, 0xa5, sizeof a);
	err = dhcp4_client_decode(data, len, &a);
	if (err != 0) {
		require(err == ERR_SHORT || err == ERR_FORMAT, "not a named error");
		require(a.type == 0xa5 && a.hw_len == 0xa5, "half a result");
	} else {
		require(a.type == DHCP4_BOOTP || a.type == DHCP4_OFFER ||
			    a.type == DHCP4_ACK || a.type == DHCP4_NAK,
		    "type");
		require(
		    a.hw_len <= DHCP4_HW_MAX && a.class60 <= DHCP4_CLASS_OTHER, "range");
		require(addr_is_canonical(&a.yiaddr) && addr_is_canonical(&a.siaddr) &&
			    addr_is_canonical(&a.giaddr) && addr_is_canonical(&a.server_id),
		    "an address");
	}
	if (len >= 8)
		ask(data);
	return 0;
}
