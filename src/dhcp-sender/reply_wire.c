/*
 * From the broker's reply to what the encoder takes: field by field, nothing added. In the
 * mouth, and in the tool that explains what a machine would be answered. Pure.
 */
#include "src/dhcp-sender/reply_wire.h"

struct dhcp4_reply
reply_wire(const struct msg_reply_tell *m, uint32_t mtu)
{
	uint16_t max_size = mtu < m->max_size ? (uint16_t)mtu : m->max_size;

	return (struct dhcp4_reply){
	    .type = m->type,
	    .htype = m->htype,
	    .hw = {m->hw.b, m->hw.len},
	    .xid = m->xid,
	    .secs = m->secs,
	    .flags = m->flags,
	    .ciaddr = m->ciaddr,
	    .yiaddr = m->yiaddr,
	    .siaddr = m->siaddr,
	    .giaddr = m->giaddr,
	    .server_id = m->server_id,
	    .lease = m->lease,
	    .t1 = m->t1,
	    .t2 = m->t2,
	    .prefix = m->prefix,
	    .options = {m->options.b, m->options.len},
	    .class60 = m->class60,
	    .discovery = m->discovery,
	    .ipxe = m->ipxe,
	    .pi = m->pi,
	    .rapid = m->rapid,
	    .auto_configure = m->auto_configure,
	    .boot_item = m->boot_item,
	    .bootfile = m->bootfile,
	    .sname = m->sname,
	    .client_id = {m->client_id.b, m->client_id.len},
	    .uuid = {m->uuid.b, m->uuid.len},
	    .relay = {m->relay.b, m->relay.len},
	    .max_size = max_size,
	};
}
