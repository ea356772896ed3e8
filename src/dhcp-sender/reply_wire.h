/*
 * A reply of the broker's as the encoder takes it.
 */
#ifndef SALLYPORT_DHCP_SENDER_REPLY_WIRE_H
#define SALLYPORT_DHCP_SENDER_REPLY_WIRE_H

#include "privsep/msg.h"
#include "src/wire/dhcp4_reply.h"

/* mtu: of the link that it goes out on, bytes. The result borrows from m. */
struct dhcp4_reply reply_wire(const struct msg_reply_tell *m, uint32_t mtu);

#endif
