/*
 * DHCPv4 replies (RFC 2131, 2132; boot options RFC 4578; BOOTP RFC 1534): struct to bytes.
 * Pure. Lengths are in bytes.
 */
#ifndef SALLYPORT_WIRE_DHCP4_REPLY_H
#define SALLYPORT_WIRE_DHCP4_REPLY_H

#include "src/wire/dhcp4.h"

/* Bytes of somebody else, to be copied out. */
struct dhcp4_span {
	const uint8_t *b;
	size_t len;
};

/* What to answer. Pointers are borrowed for the call; strings may be NULL or empty for
 * "none". */
struct dhcp4_reply {
	uint8_t type; /* DHCP4_OFFER, DHCP4_ACK, DHCP4_NAK, or DHCP4_BOOTP */
	uint8_t htype;
	struct dhcp4_span hw; /* at most DHCP4_HW_MAX */
	uint32_t xid;
	uint16_t secs;
	uint16_t flags;
	struct addr ciaddr, yiaddr, siaddr, giaddr;
	struct addr server_id; /* must be set but for BOOTP */
	uint32_t lease;        /* seconds; 51, 58, 59 are sent when it is not 0 */
	uint32_t t1, t2;
	uint8_t prefix;            /* 1 and 28 are sent when it is not 0 */
	struct dhcp4_span options; /* see dhcp4_options_check() */
	uint8_t class60;           /* DHCP4_CLASS_NONE, _PXE or _HTTP */
	uint8_t discovery; /* with _PXE and a boot file: 43 "use the file, do not search" */
	uint8_t ipxe;      /* 175 "do not wait for a ProxyDHCP server" */
	uint8_t pi;        /* what a Raspberry Pi boots by: 43, 60, and 66 without NUL */
	uint8_t rapid;     /* 80 (RFC 4039) */
	uint8_t auto_configure; /* 116 "do not" (RFC 2563) */
	uint32_t boot_item;     /* with _PXE: 43.71, type << 16 | layer; 0: none */
	const char *bootfile;
	const char *sname;           /* at most 63 */
	struct dhcp4_span client_id; /* echoed (RFC 6842) */
	struct dhcp4_span uuid;      /* echoed */
	struct dhcp4_span relay;     /* echoed as the last option */
	/* The largest IP packet the receiver takes: option 57, lowered to the link's MTU.
	 * Below 576 it counts as absent (576), above 1500 as 1500: firmware asks for
	 * 65280 and means a full frame. For BOOTP the least is DHCP4_REPLY_MIN bytes
	 * with their headers. */
	uint16_t max_size;
};

/* Configured options, { code, length, value } each: complete, codes ascending, and none
 * that the encoder makes of a field of its own: 1, 50 to 61, 66, 67, 77, 80, 82, 93, 94,
 * 97, 116, 118, 175. 28 among them goes out instead of the computed one; 43 does not go
 * out when the encoder has one. NULL, or what is wrong (constant text). */
const char *dhcp4_options_check(struct dhcp4_span options);

/* Writes the reply and returns its length, DHCP4_REPLY_MIN..DHCP4_PACKET_MAX. Options that
 * do not fit are left out and *left_out (may be NULL) says how many, the least needed
 * first: 28; 58 and 59; configured ones but those named here, from the end; 15, 175, 66
 * (not to a Pi), 97, 61; configured 43, 150, 208 to 211; 17, 6, 121, 3. ERR_LONG when the
 * rest is still too much or cap is too small; ERR_RANGE when a field is not what is said
 * above. A NAK carries 53, 54, 61, 82 and no address but giaddr. A reply to a BOOTP client
 * has no option of DHCP's own: 51, 53, 54, 58, 59, 61, 66, 67, 80, 116. */
int dhcp4_encode(
    const struct dhcp4_reply *r, uint8_t *bytes, size_t cap, unsigned *left_out) MUST_CHECK;

#endif
