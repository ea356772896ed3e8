/*
 * DHCPv4 on the wire (RFC 2131, 2132; boot options RFC 4578): requests in. Replies are in
 * dhcp4_reply.h.
 * Pure: bytes to struct. Lengths are in bytes; the bytes are the UDP
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
#define DHCP4_RELAY_ID_MAX 128 /* of a circuit or remote id that is kept */
#define DHCP4_CLASS_MAX 64     /* of options 60 and 77, which are cut to it */
#define DHCP4_WANTED_LEN 32    /* option 55 as a set: bit n % 8 of byte n / 8 */
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

/* What a request asks for besides an address. */
enum {
	DHCP4_ASKS_RAPID_COMMIT = 1,   /* 80 (RFC 4039) */
	DHCP4_ASKS_AUTO_CONFIGURE = 2, /* 116 (RFC 2563) */
	DHCP4_ASKS_RELAY_PORT = 4      /* 82.19: answer the relay's port (RFC 8357) */
};

/* What can be wrong with a request. */
#define DHCP4_FAULT_LIST(X)                                                         \
	X(DHCP4_SHORT, "short-header")      /* less than the fixed fields */        \
	X(DHCP4_LONG, "long-packet")        /* more than DHCP4_PACKET_MAX */        \
	X(DHCP4_BAD_OP, "not-a-request")    /* op is not BOOTREQUEST */             \
	X(DHCP4_BAD_HLEN, "hlen")           /* above 16 */                          \
	X(DHCP4_BAD_COOKIE, "cookie")       /* no options, and not BOOTP either */  \
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
	/* 57 as sent, 0 when absent or not a number; of BOOTP at least the request's size.
	 * With IP and UDP headers. */
	uint16_t max_size;
	uint16_t arch; /* 93: the first that we know, else the first */
	uint8_t has_arch;
	uint8_t class60;
	uint8_t ipxe;           /* 77 or 175 says iPXE */
	uint32_t ipxe_features; /* bit n: 175 has feature 0x10 + n */
	uint8_t asks;           /* DHCP4_ASKS_... */
	uint8_t credentials;    /* 43.71 wants them checked; then boot_item is 0 */
	uint32_t boot_item;     /* 43.71 of a PXE client: type << 16 | layer; 0: absent */
	uint8_t has_wanted;     /* 55 names an option */
	uint8_t client_id_len;  /* 61; 0 when absent */
	uint8_t uuid_len;       /* 97; 0, or DHCP4_UUID_LEN with type 0 */
	uint8_t relay_len;      /* 82, byte for byte; 0 when absent */
	uint8_t circuit_len;    /* 82.1; 0 when absent or longer than DHCP4_RELAY_ID_MAX */
	uint8_t remote_len;     /* 82.2; the same */
	uint8_t vendor_len;     /* 60 without a NUL at its end; 0 when absent */
	uint8_t user_len;       /* 77 as { length, bytes } each; 0 when absent */
	uint8_t client_id[DHCP4_OPTION_MAX];
	uint8_t uuid[DHCP4_UUID_LEN];
	uint8_t relay[DHCP4_OPTION_MAX];
	uint8_t circuit[DHCP4_RELAY_ID_MAX];
	uint8_t remote[DHCP4_RELAY_ID_MAX];
	uint8_t vendor[DHCP4_CLASS_MAX];
	uint8_t user[DHCP4_CLASS_MAX];
	uint8_t wanted[DHCP4_WANTED_LEN];
};

/* Reads one BOOTREQUEST. 0, or minus one of enum dhcp4_fault and *r is untouched.
 * Repeated options are joined (RFC 3396), over the overloaded fields too. Options 43, 57,
 * 77, 80, 97, 116 and 175 of a wrong shape count as absent: they are hints, and a machine
 * with odd firmware shall still boot. A vendor area that is empty or of BOOTP's size and
 * another vendor counts as no options. */
int dhcp4_decode(const uint8_t *bytes, size_t len, struct dhcp4_request *r) MUST_CHECK;
/* A short name for logs; takes what dhcp4_decode returned. */
const char *dhcp4_fault_name(int fault);

#endif
