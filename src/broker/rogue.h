/*
 * Other DHCP servers on our links: who they are, and whether we speak beside them.
 *
 * On a link in full mode another server hands out addresses of its own. At the start a
 * DISCOVER of ours asks who is there, and after the first one such a link is held silent
 * for ROGUE_HOLD_MS. When somebody answers that question, also if later (many servers ping
 * an address first), the link falls silent (unless told otherwise) and is asked again every
 * ROGUE_AGAIN_MS, until nobody answers for ROGUE_ANSWER_MS. A server that comes later is
 * reported, not obeyed: else it could silence us. What comes through a relay is served all
 * the same: it is from another link. In proxy mode one other server is what we are there
 * for; more than one is reported once.
 */
#ifndef SALLYPORT_BROKER_ROGUE_H
#define SALLYPORT_BROKER_ROGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/msg.h"

#define ROGUE_SERVERS_MAX 32
#define ROGUE_HOLD_MS 1000
#define ROGUE_ANSWER_MS 5000
#define ROGUE_AGAIN_MS 30000

struct rogue_server {
	struct addr address; /* option 54, else the source of its packets */
	struct mac mac;      /* of the last packet; all zero: known from its clients only */
	uint8_t link;
	bool gives;         /* addresses, not only boot files (ProxyDHCP) */
	bool expected;      /* the one beside which we are in proxy mode */
	uint64_t first_s;   /* wall time */
	uint64_t last_s;    /* the same */
	uint64_t heard;     /* its own packets */
	uint64_t requested; /* REQUESTs of clients that took its OFFER */
};

enum rogue_state {
	ROGUE_OPEN,   /* served */
	ROGUE_HELD,   /* asked, and silent until most answers must be there */
	ROGUE_REFUSED /* another server is there */
};

/* Once, when configuration and links are known: asks on the links that it is to ask on. */
void rogue_init(void);
/* A packet of another server; m has been checked. */
void rogue_heard(const struct msg_heard_tell *m);
/* A request of a client: does it name another server? */
void rogue_request(const struct msg_dhcp_tell *m);
/* Must this request go without an answer? *until_ms: 0, or when that will be known. */
bool rogue_silent(const struct msg_dhcp_tell *m, uint64_t *until_ms);
/* Milliseconds until rogue_turn() has something to do; negative: nothing. */
int rogue_timeout(void);
void rogue_turn(void);

/* For the operator: the n-th known server, in no order; NULL ends. */
const struct rogue_server *rogue_server_at(unsigned n);
enum rogue_state rogue_state(unsigned link);

#endif
