/*
 * What dhcp4_decode.c and dhcp4_hints.c share: the options of one request, joined.
 */
#ifndef SALLYPORT_WIRE_DHCP4_VALUE_H
#define SALLYPORT_WIRE_DHCP4_VALUE_H

#include "src/base/buf.h"
#include "src/wire/dhcp4.h"

/* The options that are kept; all others are only walked over. */
enum slot {
	NOT_KEPT,
	REQUESTED,
	OVERLOAD,
	TYPE,
	SERVER_ID,
	MAX_SIZE,
	CLASS,
	CLIENT_ID,
	VENDOR,
	USER_CLASS,
	RAPID_COMMIT,
	RELAY,
	ARCH,
	UUID,
	AUTO_CONFIGURE,
	SUBNET,
	IPXE,
	SLOTS
};

/* The parts of one option, joined in the order of RFC 3396. An option that was there
 * with no bytes at all is present with length 0. */
struct value {
	bool present;
	uint8_t len;
	const uint8_t *b; /* in the packet, or in `joined` when there were several parts */
};

struct fields {
	struct value v[SLOTS];
	uint8_t joined[SLOTS][DHCP4_OPTION_MAX];
	uint8_t wanted[DHCP4_WANTED_LEN];
};

struct in value_cursor(const struct value *v);

/* dhcp4_hints.c: the options that say who the client is or how it wants to be treated, and
 * that never make a request invalid. */
void dhcp4_read_hints(const struct fields *f, struct dhcp4_request *r);

#endif
