/*
 * An Ethernet frame with IPv4 and UDP around a payload, for clients that have no address
 * yet and so cannot be reached through a UDP socket (RFC 894, 791, 768). Pure.
 */
#ifndef SALLYPORT_WIRE_FRAME_H
#define SALLYPORT_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define FRAME_HEAD_LEN 42 /* Ethernet 14, IPv4 20, UDP 8 */

struct frame_udp4 {
	struct mac from_mac, to_mac;
	struct addr from, to; /* IPv4 */
	uint16_t from_port, to_port;
};

/* Writes headers with both checksums, then the payload; returns the length of the frame.
 * ERR_RANGE when an address is not IPv4, ERR_LONG when cap or an IPv4 packet is too
 * small for it. bytes and payload must not overlap. */
int frame_encode_udp4(const struct frame_udp4 *f, const uint8_t *payload, size_t len,
    uint8_t *bytes, size_t cap) MUST_CHECK;

#endif
