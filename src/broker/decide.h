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
	EFFECT_NONE,  /* no answer; reason says why */
	EFFECT_OFFER, /* hold the address, reply now */
	EFFECT_GRANT, /* bind the address, reply when that is on disk */
	EFFECT_REPLY, /* reply now: INFORM, ProxyDHCP, boot service, NAK, no address left */
	EFFECT_LEARN, /* another server's client told its address; no answer */
	EFFECT_UNHOLD,  /* the OFFER was not taken */
	EFFECT_RELEASE, /* the lease ends */
	EFFECT_DECLINE  /* the address rests, unless it is reserved */
};

struct decision {
	enum effect effect;
	const char *reason;  /* a word for the log and the counters; never NULL */
	struct lease *lease; /* NULL: none concerned */
	struct addr address; /* the one concerned; ADDR_NONE: none */
	uint32_t time;       /* seconds of EFFECT_GRANT */
	bool takes_address;  /* it is the machine's session's from now on, and no other's */
	bool opens_session;  /* opens, or refreshes, the machine's boot session */
	bool confirms;       /* the session lives on without a lease of ours */
	bool fresh;     /* of a machine that had neither lease, reservation nor session */
	bool reserved;  /* the lease is the machine's own by the configuration */
	bool exhausted; /* no address is left for it */
	bool quiet;     /* EFFECT_NONE that is nothing to speak of */
	const char
	    *no_boot; /* why it is told no boot file, though it has an image; or NULL */
	struct msg_reply_tell reply; /* of OFFER, GRANT, REPLY */
};

/* decide.c. a is filled by dhcp_ask(). trace may be NULL. */
void dhcp_decide(struct ask *a, struct decision *d, struct trace *trace);
/* "offer", "grant" ... */
const char *dhcp_effect_name(enum effect effect);
/* No answer. */
void decide_nothing(struct decision *d, const char *reason);
/* The same, and nothing to speak of. */
void decide_silence(struct decision *d, const char *reason);

/* proxy.c: port 67 where we are beside another server, and port 4011 everywhere. */
void proxy_decide(struct ask *a, struct decision *d);
void proxy_boot_service(struct ask *a, struct decision *d);

/* apply.c: the lease, the session, the store, the reply, the log. */
void dhcp_apply(struct ask *a, struct decision *d);
/* What is logged and counted of a request that gets no answer. */
void dhcp_refused(const struct ask *a, const char *reason, bool quiet);

#endif
