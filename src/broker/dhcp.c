/*
 * One DHCPv4 request through the broker: limit it (limit.c), read it (dhcp_ask.c), decide
 * (decide.c, proxy.c), ask whether the address is in use (probe.c), do it (apply.c).
 * Broker, main thread. Distrusts every client (each field of a request can be made up, by
 * one machine in the name of another) and the ear that reports them.
 */
#include "src/broker/dhcp.h"

#include "src/base/log.h"
#include "src/broker/counters.h"
#include "src/broker/decide.h"
#include "src/broker/limit.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"

static void
count_request(const struct msg_dhcp_tell *m)
{
	static const char *const names[] = {"got-bootp", "got-discover", "got-other",
	    "got-request", "got-decline", "got-other", "got-other", "got-release",
	    "got-inform"};

	counter_add(m->service == 1                            ? "got-boot-service"
		    : m->type < sizeof names / sizeof names[0] ? names[m->type]
							       : "got-other");
}

static void
too_many(const char *what, const struct msg_dhcp_tell *m)
{
	counter_add(what);
	log_limited(LOG_WARNING, "dhcp-limited", "reason=%s link=%s so-far=%llu", what,
	    broker.start.links[m->link].name, (unsigned long long)counter_of(what));
}

static bool
answers(const struct decision *d)
{
	return d->effect == EFFECT_OFFER || d->effect == EFFECT_GRANT ||
	       d->effect == EFFECT_REPLY;
}

void
dhcp_run(const struct msg_dhcp_tell *m, bool again)
{
	static struct decision d;
	struct ask a;
	const char *why = dhcp_ask(&a, m, NULL);

	if (why != NULL) {
		dhcp_refused(&a, why, a.quiet);
		return;
	}
	dhcp_decide(&a, &d, NULL);
	if (!again && d.fresh && answers(&d) && !limit_stranger(&a))
		too_many("link-rate", m);
	else if (!probe_first(&a, &d))
		dhcp_apply(&a, &d);
}

static void
handle(const struct msg_dhcp_tell *m)
{
	uint64_t until;

	count_request(m);
	if (!limit_client(m)) {
		too_many("client-rate", m);
		return;
	}
	rogue_request(m);
	if (!rogue_silent(m, &until))
		dhcp_run(m, false);
	else if (until != 0)
		(void)probe_hold(m, until);
}

void
on_dhcp_tell(struct chan *from, const struct msg_dhcp_tell *m)
{
	if (m->link >= broker.start.nlinks)
		chan_peer_fault(from, "link that does not exist");
	else if (m->uuid.len != 0 && m->uuid.len != sizeof m->uuid.b)
		chan_peer_fault(from, "a machine identifier of another length");
	else
		handle(m);
}
