/*
 * Where a request may come from. Pure.
 */
#ifndef SALLYPORT_TFTP_PARSER_ORIGIN_H
#define SALLYPORT_TFTP_PARSER_ORIGIN_H

#include "privsep/start.h"

#define ORIGIN_LIST(X)                                  \
	X(ORIGIN_GOOD, "-")                             \
	X(ORIGIN_BAD_ADDRESS, "source is nobody's own") \
	X(ORIGIN_OURSELVES, "source is this server")    \
	X(ORIGIN_BAD_PORT, "source port of a service")

enum origin {
#define X(name, text) name,
	ORIGIN_LIST(X)
#undef X
	    ORIGIN_MAX
};

/* Judges the source and port of a datagram that came in on a link, which
 * is one of the n links. An answer to a source that is refused here could go to many
 * hosts at once, or start two servers answering each other. */
enum origin origin_check(const struct addr *source, uint16_t port, const struct link *on,
    const struct link *links, unsigned n);
const char *origin_name(enum origin origin);

#endif
