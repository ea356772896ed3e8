/*
 * One DHCPv4 request through the broker: read it (dhcp_ask.c), decide (decide.c), do it
 * (apply.c). Broker, main thread. Distrusts every client (each field of a request can be
 * made up, by one machine in the name of another) and the ear that reports them.
 */
#include "src/broker/dhcp.h"

#include "src/broker/decide.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"

void
dhcp_run(const struct msg_dhcp_tell *m)
{
	static struct decision d;
	struct ask a;
	const char *why = dhcp_ask(&a, m, NULL);

	if (why != NULL) {
		dhcp_refused(&a, why);
		return;
	}
	dhcp_decide(&a, &d, NULL);
	if (!probe_first(&a, &d))
		dhcp_apply(&a, &d);
}

void
on_dhcp_tell(struct chan *from, const struct msg_dhcp_tell *m)
{
	uint64_t until;

	if (m->link >= broker.start.nlinks) {
		chan_peer_fault(from, "link that does not exist");
		return;
	}
	if (m->uuid.len != 0 && m->uuid.len != sizeof m->uuid.b) {
		chan_peer_fault(from, "a machine identifier of another length");
		return;
	}
	rogue_request(m);
	if (!rogue_silent(m, &until))
		dhcp_run(m);
	else if (until != 0)
		(void)probe_hold(m, until);
}
