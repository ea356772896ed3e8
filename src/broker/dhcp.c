/*
 * One DHCPv4 request through the broker: read it (dhcp_ask.c), decide (decide.c), do it
 * (apply.c). Broker, main thread. Distrusts every client (each field of a request can be
 * made up, by one machine in the name of another) and the ear that reports them.
 */
#include "src/broker/dhcp.h"

#include "src/broker/decide.h"

void
on_dhcp_tell(struct chan *from, const struct msg_dhcp_tell *m)
{
	static struct decision d;
	struct ask a;
	const char *why;

	if (m->link >= broker.start.nlinks) {
		chan_peer_fault(from, "link that does not exist");
		return;
	}
	if (m->uuid.len != 0 && m->uuid.len != sizeof m->uuid.b) {
		chan_peer_fault(from, "a machine identifier of another length");
		return;
	}
	why = dhcp_ask(&a, m, NULL);
	if (why != NULL) {
		dhcp_refused(&a, why);
		return;
	}
	dhcp_decide(&a, &d, NULL);
	dhcp_apply(&a, &d);
}
