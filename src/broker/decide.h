/*
 * A request's decision and its effect, apart: dhcp_decide() reads leases, sessions, images
 * and the configuration and changes none of them, so that `sallyport explain` can ask what
 * would happen; dhcp_apply() does it. Broker, main thread.
 */
#ifndef SALLYPORT_BROKER_DECIDE_H
#define SALLYPORT_BROKER_DECIDE_H

#include "src/broker/dhcp.h"
#include "src/broker/trace.h"

enum effect {
	EFFECT_NONE,    /* no answer; reason says why */
	EFFECT_OFFER,   /* hold the address, reply now */
	EFFECT_GRANT,   /* bind the address, reply when that is on disk */
	EFFECT_REPLY,   /* reply now: INFORM, ProxyDHCP, boot service, NAK */
	EFFECT_UNHOLD,  /* the OFFER was not taken */
	EFFECT_RELEASE, /* the lease ends */
	EFFECT_DECLINE  /* the address rests */
};

struct decision {
	enum effect effect;
	const char *reason;  /* a word for the log; never NULL */
	struct lease *lease; /* NULL: none concerned */
	struct addr address; /* the session's address from now on; ADDR_NONE: as it was */
	uint32_t time;       /* seconds of EFFECT_GRANT */
	bool opens_session;  /* opens, or refreshes, the machine's boot session */
	struct msg_reply_tell reply; /* of OFFER, GRANT, REPLY */
};

/* a is filled by dhcp_ask(). trace may be NULL. */
void dhcp_decide(struct ask *a, struct decision *d, struct trace *trace);
void dhcp_apply(struct ask *a, struct decision *d);

#endif
