/*
 * From a frame or packet that was heard to what the broker is told of it. Pure.
 */
#ifndef SALLYPORT_LINK_PARSER_HEARD_H
#define SALLYPORT_LINK_PARSER_HEARD_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/msg.h"
#include "privsep/start.h"

/* What is wrong with a frame, or not of interest. */
enum heard {
	HEARD_GOOD,
	HEARD_OURS,     /* from ourselves, on this link or another, or to us alone */
	HEARD_MALFORMED /* not what the filter lets through */
};

/* A frame of st->links[link]. *t is filled when the answer is HEARD_GOOD. */
enum heard heard_frame(const struct start *st, unsigned link, const uint8_t *bytes,
    size_t len, struct msg_heard_tell *t);
/* An IPv4 packet of the ICMP socket; ident: of our echo requests. */
enum heard heard_echo(
    uint16_t ident, const uint8_t *bytes, size_t len, struct msg_heard_tell *t);

#endif
