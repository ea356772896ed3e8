/*
 * Which replies the mouth refuses to send, whoever asks for them. Pure.
 */
#ifndef SALLYPORT_DHCP_SENDER_REPLY_CHECK_H
#define SALLYPORT_DHCP_SENDER_REPLY_CHECK_H

#include <stdbool.h>

#include "privsep/msg.h"
#include "privsep/start.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

/* NULL when m may be sent; else constant text that says what rule it breaks. A reply to a
 * request on port 67 goes to port 67 (a relay) or 68 (a client), or to the port of a relay
 * that asked for it by option 82.19 (RFC 8357), and nowhere else; one to a request on port
 * 4011 goes to the port that m names. */
const char *reply_check(const struct start *st, const struct msg_reply_tell *m);

/* One machine's address that is not ours: no group, no broadcast, no loopback. */
bool reply_is_somebody(const struct start *st, const struct addr *a);

/* The address in the IPv4 header of a frame to one client (way 0). */
const struct addr *reply_frame_target(const struct msg_reply_tell *m);

#endif
