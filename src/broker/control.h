/*
 * The control socket: at most CLIENT_MAX connected programs ask, one question at a time,
 * and are answered in bounded pieces, so that no question and no client that does not
 * read delays a DHCP client. Who is not uid 0 (and was let in by the socket's group) may
 * only read. A client that breaks a rule, or neither asks nor reads for ten seconds, is
 * sent away.
 */
#ifndef SALLYPORT_BROKER_CONTROL_H
#define SALLYPORT_BROKER_CONTROL_H

#include <poll.h>
#include <stdbool.h>

#include "src/broker/broker.h"

#define CONTROL_POLLS (1 + CLIENT_MAX)

/* Nobody is connected. Before the loop. */
void control_init(void);
/* What to wait for. Returns how long at most, `ms` or less. */
int control_fill(struct pollfd polls[CONTROL_POLLS], int ms);
/* Serves what came. Once a turn, after dhcp_completed(). */
void control_turn(const struct pollfd polls[CONTROL_POLLS]);

#endif
