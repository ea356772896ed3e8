/*
 * What the ear tells the broker of a request.
 */
#ifndef SALLYPORT_DHCP_PARSER_TELL_H
#define SALLYPORT_DHCP_PARSER_TELL_H

#include "privsep/msg.h"
#include "src/wire/dhcp4.h"

/* All that stands in the packet. Link, service, source, port and target are the caller's.
 */
void tell_fill(struct msg_dhcp_tell *t, const struct dhcp4_request *q);

#endif
