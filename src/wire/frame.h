/*
 * An Ethernet frame with IPv4 and UDP around a payload, for clients that have no address
 * yet and so cannot be reached through a UDP socket (RFC 894, 791, 768); and the way back,
 * for what other servers send. Pure.
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

/* An IPv4 packet, whole; what its header says, with the payload borrowed. */
struct frame_ipv4 {
	struct addr from, to;
	uint8_t protocol;
	const uint8_t *payload;
	size_t len;
};

/* 0; else *ip is untouched: ERR_SHORT when it is cut, ERR_FORMAT when it is not version 4,
 * is a piece of a packet, or its header's checksum is wrong. Options are skipped. */
int frame_decode_ipv4(const uint8_t *bytes, size_t len, struct frame_ipv4 *ip) MUST_CHECK;
/* An Ethernet frame with IPv4 and UDP; payload and *payload_len as UDP says. 0; else *f is
 * untouched: as above, and ERR_FORMAT for other protocols and wrong UDP lengths. The UDP
 * checksum is not looked at: a card may fill it in after a copy was taken. */
int frame_decode_udp4(const uint8_t *bytes, size_t len, struct frame_udp4 *f,
    const uint8_t **payload, size_t *payload_len) MUST_CHECK;
/* RFC 1071, over bytes; 0 when they hold their right checksum. */
uint16_t frame_checksum(const uint8_t *bytes, size_t len);

#endif
