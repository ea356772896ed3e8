/*
 * How much one client, and one link or relay port, may ask of us. Tables of fixed size,
 * token buckets in them; two that fall into one place share its tokens. Broker, main
 * thread.
 */
#ifndef SALLYPORT_BROKER_LIMIT_H
#define SALLYPORT_BROKER_LIMIT_H

#include <stdbool.h>

#include "src/broker/dhcp.h"

/* Empties the tables. Before the first request. */
void limit_init(void);
/* One request of this client, by its hardware address and where it came in. False: more
 * than conf->client_rate in ten seconds. */
bool limit_client(const struct msg_dhcp_tell *m);
/* One request that asks something for a machine that we know nothing of, by where it came
 * in. False: more than conf->link_rate a second. */
bool limit_stranger(const struct ask *a);

#endif
