/*
 * From a decoded request to the message about it: field by field, nothing added. In the
 * ear, and in the tool that explains what would be done about a packet. Pure.
 */
#include "src/dhcp-parser/tell.h"

#include <string.h>

#define FILL(to, n, from)                    \
	do {                                 \
		(to).len = (n);              \
		memcpy((to).b, (from), (n)); \
	} while (0)

static void
fill_identity(struct msg_dhcp_tell *t, const struct dhcp4_request *q)
{
	t->htype = q->htype;
	FILL(t->hw, q->hw_len, q->hw);
	FILL(t->client_id, q->client_id_len, q->client_id);
	FILL(t->uuid, q->uuid_len, q->uuid);
	FILL(t->relay, q->relay_len, q->relay);
	FILL(t->circuit, q->circuit_len, q->circuit);
	FILL(t->remote, q->remote_len, q->remote);
	FILL(t->vendor, q->vendor_len, q->vendor);
	FILL(t->user, q->user_len, q->user);
	FILL(t->wanted, q->has_wanted ? sizeof q->wanted : 0, q->wanted);
}

void
tell_fill(struct msg_dhcp_tell *t, const struct dhcp4_request *q)
{
	t->type = q->type;
	t->xid = q->xid;
	t->secs = q->secs;
	t->flags = q->flags;
	t->hops = q->hops;
	t->ciaddr = q->ciaddr;
	t->giaddr = q->giaddr;
	t->requested = q->requested;
	t->server_id = q->server_id;
	t->link_select = q->link_select;
	t->server_override = q->server_override;
	t->class60 = q->class60;
	t->has_arch = q->has_arch;
	t->arch = q->arch;
	t->ipxe = q->ipxe;
	t->ipxe_features = q->ipxe_features;
	t->max_size = q->max_size;
	t->asks = q->asks;
	t->boot_item = q->boot_item;
	fill_identity(t, q);
}
