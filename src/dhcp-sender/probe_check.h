/*
 * Which questions the mouth refuses to ask, whoever wants them asked, and how many it asks.
 */
#ifndef SALLYPORT_DHCP_SENDER_PROBE_CHECK_H
#define SALLYPORT_DHCP_SENDER_PROBE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/msg.h"
#include "privsep/start.h"

#define PROBE_RATE 1000      /* questions about addresses a second, and as many at once */
#define PROBE_SERVERS_RATE 4 /* DISCOVERs a second */
#define PROBE_SERVERS_BURST (4 * LINKS_MAX)

/* NULL when m may be asked; else constant text that says what rule it breaks: a target is
 * one machine's address and not ours; a DISCOVER has none. Pure. */
const char *probe_check(const struct start *st, const struct msg_probe_tell *m);
/* Counts a question of that kind against its rate; false when it must not be asked. */
bool probe_may_send(uint8_t kind, uint64_t now_ms);

#endif
