/*
 * A request's decision and its effect, apart: dhcp_decide() reads leases, sessions, images
 * and the configuration and changes none of them, so that `sallyport explain` can ask what
 * would happen; dhcp_apply() does it. Broker, main thread.
 *
 * To explain a request: dhcp_ask() with a trace; when it gives a reason, that is the
 * answer; else dhcp_decide() with the same trace, and no dhcp_apply().
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
	EFFECT_DECLINE  /* the address rests, unless it is reserved */
};

struct decision {
	enum effect effect;
	const char *reason;  /* a word for the log; never NULL */
	struct lease *lease; /* NULL: none concerned */
	struct addr address; /* the session's address from now on; ADDR_NONE: as it was */
	uint32_t time;       /* seconds of EFFECT_GRANT */
	bool opens_session;  /* opens, or refreshes, the machine's boot session */
	bool reserved;       /* the lease is the machine's own by the configuration */
	bool exhausted;      /* no address is left for it */
	bool quiet;          /* EFFECT_NONE that is nothing to speak of */
	const char
	    *no_boot; /* why it is told no boot file, though it has an image; or NULL */
	struct msg_reply_tell reply; /* of OFFER, GRANT, REPLY */
};

/* decide.c. a is filled by dhcp_ask(). trace may be NULL. */
void dhcp_decide(struct ask *a, struct decision *d, struct trace *trace);
/* "offer", "grant" ... */
const char *dhcp_effect_name(enum effect effect);

/* apply.c: the lease, the session, the store, the reply, the log. */
void dhcp_apply(struct ask *a, struct decision *d);
/* The log line of a request that gets no answer. */
void dhcp_refused(const struct ask *a, const char *reason);

#endif
