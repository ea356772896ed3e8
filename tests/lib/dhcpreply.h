/*
 * A DHCP answer as a test client sees it.
 */
#ifndef SALLYPORT_TESTS_LIB_DHCPREPLY_H
#define SALLYPORT_TESTS_LIB_DHCPREPLY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"

enum { BOOTP, DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };

struct reply {
	uint8_t type; /* option 53, BOOTP when absent */
	struct in_addr yiaddr, server;
};

/* options: after the magic cookie. bootp: at least 240 bytes. False when malformed. */
bool dhcpreply_read(struct in options, const uint8_t *bootp, struct reply *r);
/* One line: the type, then every field and option as key=value. frame and ip are the
 * headers it came with, len the length of the BOOTP message. */
void dhcpreply_print(const uint8_t *frame, const uint8_t *ip, const uint8_t *bootp,
    size_t len, struct in options, struct reply *r);

#endif
