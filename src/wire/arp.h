/*
 * ARP for IPv4 on Ethernet (RFC 826): the question whether anybody uses an address, asked
 * the way RFC 5227 asks it, and its answer. Pure.
 */
#ifndef SALLYPORT_WIRE_ARP_H
#define SALLYPORT_WIRE_ARP_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define ARP_FRAME_LEN 60 /* the shortest that Ethernet has, without its checksum */

struct arp_answer {
	struct addr address; /* IPv4, in use */
	struct mac mac;      /* by whom */
};

/* "Who has target?", broadcast, with no sender address, so that it enters nobody's cache
 * (RFC 5227, 2.1.1). Returns ARP_FRAME_LEN; ERR_RANGE when target is not IPv4, ERR_LONG
 * when cap is too small. */
int arp_encode_probe(const struct mac *from, const struct addr *target, uint8_t *bytes,
    size_t cap) MUST_CHECK;
/* A frame that holds an ARP reply. 0; else *a is untouched: ERR_SHORT when it is cut,
 * ERR_FORMAT when it is something else, ERR_RANGE when nobody can have that address. */
int arp_decode_reply(const uint8_t *bytes, size_t len, struct arp_answer *a) MUST_CHECK;

#endif
