/*
 * DHCPv4 on the wire (RFC 2131, 2132; boot options RFC 4578): requests in, replies out.
 * Pure: bytes to struct and struct to bytes. Lengths are in bytes; the bytes are the UDP
 * payload. An address that is absent or 0.0.0.0 is ADDR_NONE, so that family ADDR_V4
 * always means an address that says something.
 */
#ifndef SALLYPORT_WIRE_DHCP4_H
#define SALLYPORT_WIRE_DHCP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define DHCP4_HW_MAX 16
#define DHCP4_OPTION_MAX 255
#define DHCP4_UUID_LEN 17
/* What fits into one Ethernet frame, both ways. */
#define DHCP4_PACKET_MAX 1472
/* Some relays drop shorter replies. */
#define DHCP4_REPLY_MIN 300

/* Message types that have a name here (RFC 2132, 9.6). */
enum {
	DHCP4_BOOTP = 0, /* no option 53 at all */
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER = 2,
	DHCP4_REQUEST = 3,
	DHCP4_DECLINE = 4,
	DHCP4_ACK = 5,
	DHCP4_NAK = 6,
	DHCP4_RELEASE = 7,
	DHCP4_INFORM = 8,
	DHCP4_TYPE_MAX = 18
};

/* Option 60: the kind of boot client. In replies only the first three. */
enum { DHCP4_CLASS_NONE, DHCP4_CLASS_PXE, DHCP4_CLASS_HTTP, DHCP4_CLASS_OTHER };

/* What can be wrong with a request. */
#define DHCP4_FAULT_LIST(X)                                                         \
	X(DHCP4_SHORT, "short-header")      /* less than the fixed fields */        \
	X(DHCP4_LONG, "long-packet")        /* more than DHCP4_PACKET_MAX */        \
	X(DHCP4_BAD_OP, "not-a-request")    /* op is not BOOTREQUEST */             \
	X(DHCP4_BAD_HLEN, "hlen")           /* above 16 */                          \
	X(DHCP4_BAD_COOKIE, "cookie")       /* an options field of another kind */  \
	X(DHCP4_CUT_OPTION, "cut-option")   /* an option runs past its field */     \
	X(DHCP4_LONG_OPTION, "long-option") /* its joined parts exceed 255 bytes */ \
	X(DHCP4_BAD_OVERLOAD, "overload")   /* 52 is not 1, 2 or 3 */               \
	X(DHCP4_BAD_TYPE, "message-type")   /* 53 is not one that clients send */   \
	X(DHCP4_BAD_ADDRESS, "address")     /* 50, 54 or 118 is not 4 bytes */      \
	X(DHCP4_BAD_ARCH, "architecture")   /* 93 is empty or of odd length */      \
	X(DHCP4_BAD_RELAY, "relay-options") /* 82 is empty, broken or ambiguous */

enum dhcp4_fault {
	DHCP4_NO_FAULT,
#define X(name, text) name,
	DHCP4_FAULT_LIST(X)
#undef X
	    DHCP4_FAULT_MAX
};

struct dhcp4_request {
	uint8_t type; /* DHCP4_BOOTP, or option 53 */
	uint8_t htype;
	uint8_t hops;
	uint8_t hw_len; /* at most DHCP4_HW_MAX */
	uint8_t hw[DHCP4_HW_MAX];
	uint32_t xid;
	uint16_t secs;
	uint16_t flags; /* bit 15: broadcast */
	struct addr ciaddr;
	struct addr giaddr;
	struct addr requested;       /* 50 */
	struct addr server_id;       /* 54 */
	struct addr link_select;     /* 82.5 (RFC 3527), else 118 (RFC 3011) */
	struct addr server_override; /* 82.11 (RFC 5107) */
	uint16_t max_size;           /* 57 as sent; 0 when absent or not a number */
	uint16_t arch;               /* 93: the first that we know, else the first */
	uint8_t has_arch;
	uint8_t class60;
	uint8_t ipxe;           /* 77 or 175 says iPXE */
	uint32_t ipxe_features; /* bit n: 175 has feature 0x10 + n */
	uint8_t client_id_len;  /* 61; 0 when absent */
	uint8_t uuid_len;       /* 97; 0, or DHCP4_UUID_LEN with type 0 */
	uint8_t relay_len;      /* 82, byte for byte; 0 when absent */
	uint8_t client_id[DHCP4_OPTION_MAX];
	uint8_t uuid[DHCP4_UUID_LEN];
	uint8_t relay[DHCP4_OPTION_MAX];
};

/* Reads one BOOTREQUEST. 0, or minus one of enum dhcp4_fault and *r is untouched.
 * Repeated options are joined (RFC 3396), over the overloaded fields too. Options 57, 77,
 * 97 and 175 of a wrong shape count as absent: they are hints, and a machine with odd
 * firmware shall still boot. */
int dhcp4_decode(const uint8_t *bytes, size_t len, struct dhcp4_request *r) MUST_CHECK;
/* A short name for logs; takes what dhcp4_decode returned. */
const char *dhcp4_fault_name(int fault);

/* Bytes of somebody else, to be copied out. */
struct dhcp4_span {
	const uint8_t *b;
	size_t len;
};

/* What to answer. Pointers are borrowed for the call; strings may be NULL or empty for
 * "none". */
struct dhcp4_reply {
	uint8_t type; /* DHCP4_OFFER, DHCP4_ACK or DHCP4_NAK */
	uint8_t htype;
	struct dhcp4_span hw; /* at most DHCP4_HW_MAX */
	uint32_t xid;
	uint16_t secs;
	uint16_t flags;
	struct addr ciaddr, yiaddr, siaddr, giaddr;
	struct addr server_id; /* must be set */
	uint32_t lease;        /* seconds; 51, 58, 59 are sent when it is not 0 */
	uint32_t t1, t2;
	uint8_t prefix;                 /* 1 and 28 are sent when it is not 0 */
	struct dhcp4_span routers, dns; /* n * 4 */
	const char *domain;
	uint8_t class60;   /* DHCP4_CLASS_NONE, _PXE or _HTTP */
	uint8_t discovery; /* with _PXE and a boot file: 43 "use the file, do not search" */
	uint8_t ipxe;      /* 175 "do not wait for a ProxyDHCP server" */
	const char *bootfile;
	const char *sname;           /* at most 63 */
	struct dhcp4_span client_id; /* echoed (RFC 6842) */
	struct dhcp4_span uuid;      /* echoed */
	struct dhcp4_span relay;     /* echoed as the last option */
	/* The largest IP packet the receiver takes: option 57, lowered to the link's MTU.
	 * Below 576 it counts as absent (576), above 1500 as 1500: firmware asks for
	 * 65280 and means a full frame. */
	uint16_t max_size;
};

/* Writes the reply and returns its length, DHCP4_REPLY_MIN..DHCP4_PACKET_MAX. Options that
 * do not fit are left out, the least needed first: 28, 58 with 59, 15, 175, 66, 97, 61, 6,
 * 3. ERR_LONG when the rest is still too much or cap is too small; ERR_RANGE when a field
 * is not what is said above. A NAK carries 53, 54, 61, 82 and no address but giaddr. */
int dhcp4_encode(const struct dhcp4_reply *r, uint8_t *bytes, size_t cap) MUST_CHECK;

#endif
