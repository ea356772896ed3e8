/*
 * ICMP echo (RFC 792): the question whether anybody uses an address behind a router, and
 * its answer. Pure. The number travels in sequence and data, so that who did not see the
 * question cannot make up the answer.
 */
#ifndef SALLYPORT_WIRE_ICMP_H
#define SALLYPORT_WIRE_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define ICMP_ECHO_LEN 16 /* header and eight bytes of data */

struct icmp_answer {
	struct addr address; /* IPv4, in use */
	uint32_t number;     /* of the question */
};

/* An echo request without IP header. Returns ICMP_ECHO_LEN; ERR_LONG when cap is too
 * small. */
int icmp_encode_echo(
    uint16_t ident, uint32_t number, uint8_t *bytes, size_t cap) MUST_CHECK;
/* An IPv4 packet that holds the reply to one of those. 0; else *a is untouched: ERR_SHORT
 * when it is cut, ERR_FORMAT when it is something else or its checksum is wrong, ERR_RANGE
 * when its sender is nobody. */
int icmp_decode_reply(
    uint16_t ident, const uint8_t *bytes, size_t len, struct icmp_answer *a) MUST_CHECK;

#endif
