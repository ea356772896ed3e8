/*
 * A packet from a file: the payload of one DHCP request as it is, or a capture of tcpdump's
 * (pcap), of which one request counts. Pure.
 */
#ifndef SALLYPORT_SALLYPORT_CAPTURE_H
#define SALLYPORT_SALLYPORT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

struct captured {
	bool has_headers; /* the next four are known */
	struct addr src, dst;
	uint16_t sport, dport;
	const uint8_t *payload; /* borrowed */
	size_t len;
};

/* The n-th DHCP or boot service request (UDP to port 67 or 4011, from 1) of a pcap file;
 * anything that does not begin as one is taken for a payload, of which there is one. 0;
 * ERR_ABSENT: no such request; ERR_UNSUPPORTED: pcapng, or a link type that is not known;
 * ERR_FORMAT: a broken file. Of several fragments none is joined. */
int capture_find(
    const uint8_t *bytes, size_t len, unsigned n, struct captured *c) MUST_CHECK;

#endif
