/*
 * A request as a machine would send it, made of what an operator says about the machine.
 */
#ifndef SALLYPORT_SALLYPORT_REQUEST_H
#define SALLYPORT_SALLYPORT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define REQUEST_MAX 1472

/* A text or bytes of the operator's; len 0: not said. */
struct said {
	uint8_t b[255];
	size_t len;
};

struct request {
	uint8_t type; /* DHCP message type */
	struct mac mac;
	uint32_t xid;
	bool broadcast, ipxe;
	bool has_arch;
	uint16_t arch; /* option 93 */
	struct said vendor, user, client_id, circuit, remote;
	bool has_uuid;
	uint8_t uuid[16]; /* as on the wire */
	struct addr ciaddr, giaddr, requested, server_id;
};

/* Writes the payload; the length, or ERR_LONG. */
int request_encode(const struct request *r, uint8_t *bytes, size_t cap) MUST_CHECK;

#endif
