/*
 * Asks on the network what the broker wants to know of an address or a link.
 */
#ifndef SALLYPORT_DHCP_SENDER_PROBE_SEND_H
#define SALLYPORT_DHCP_SENDER_PROBE_SEND_H

#include "privsep/msg.h"
#include "privsep/start.h"

/* Takes the option "echo"; exits when it is wrong. */
void probe_init(const struct start *st);
/* Sends what probe_check() has accepted. A failure is logged: without an answer the
 * address counts as free. */
void probe_send(const struct start *st, const struct msg_probe_tell *m);

#endif
