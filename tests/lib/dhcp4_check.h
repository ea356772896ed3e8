/*
 * A second opinion on DHCPv4 replies, for the unit test and the fuzz target: shares no
 * code with the codec.
 */
#ifndef SALLYPORT_TESTS_DHCP4_CHECK_H
#define SALLYPORT_TESTS_DHCP4_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "src/wire/dhcp4_reply.h"

/* Does the packet say what the reply says, in the shape that boot ROMs need, with so many
 * options left out for want of room? NULL, or what is wrong with it (constant text). */
const char *dhcp4_check(
    const struct dhcp4_reply *r, const uint8_t *packet, size_t len, unsigned left_out);

/* Is there room at least for what must not be left out? */
bool dhcp4_fits(const struct dhcp4_reply *r);

/* The value of an option in a well-formed packet, NULL when it is not there. */
const uint8_t *dhcp4_find(const uint8_t *packet, size_t len, uint8_t code, size_t *n);

#endif
