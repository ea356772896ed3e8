/*
 * The other side of DHCPv4 (RFC 2131): what a server on our links said, for the ear that
 * watches for servers beside us, and the question that finds them. Pure; bytes are the
 * UDP payload.
 */
#ifndef SALLYPORT_WIRE_DHCP4_CLIENT_H
#define SALLYPORT_WIRE_DHCP4_CLIENT_H

#include "src/wire/dhcp4.h"

/* What dhcp4_client_encode() writes. */
#define DHCP4_PROBE_LEN 300

/* A server's message. An address that is absent or 0.0.0.0 is ADDR_NONE. */
struct dhcp4_answer {
	uint8_t type; /* DHCP4_OFFER, _ACK, _NAK, or DHCP4_BOOTP: no option 53 */
	uint32_t xid;
	uint8_t hw_len; /* the client's, at most DHCP4_HW_MAX */
	uint8_t hw[DHCP4_HW_MAX];
	struct addr yiaddr; /* ADDR_NONE in an OFFER: it gives no addresses (ProxyDHCP) */
	struct addr siaddr; /* where to load from */
	struct addr giaddr; /* the relay that it goes through */
	struct addr server_id; /* 54 */
	uint8_t class60;       /* DHCP4_CLASS_...: whom it wants to boot */
	bool boots;            /* names a boot file, in `file` or in 67 */
};

/* Reads one BOOTREPLY of any length. 0; or ERR_SHORT, ERR_FORMAT (not a reply, no cookie,
 * an option beyond its field, a type that no server sends), and *a is untouched. Option 54
 * of another length counts as absent: a server that sends it is there all the same. */
int dhcp4_client_decode(
    const uint8_t *bytes, size_t len, struct dhcp4_answer *a) MUST_CHECK;

/* Writes a DISCOVER of an Ethernet client that asks for nothing: broadcast flag, the
 * options 53, 55 (1, 3) and 61 (hardware type and `mac`). Returns DHCP4_PROBE_LEN, or
 * ERR_LONG when cap is less. */
int dhcp4_client_encode(
    uint32_t xid, const struct mac *mac, uint8_t *bytes, size_t cap) MUST_CHECK;

#endif
