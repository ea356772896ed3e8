/*
 * `sallyport explain`: what would be done about a request. Broker, main thread. The same
 * functions decide as for a client, and nothing is applied: no lease, no session, no
 * record, no line in the log.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/control_client.h"
#include "src/broker/decide.h"
#include "src/broker/rogue.h"

static enum step
next_line(struct client *c, struct msg *m)
{
	struct explained *e = &c->explained;

	if (e->next < e->trace.n) {
		m->nr = MSG_EXPLAIN_LINE_TELL;
		snprintf(m->u.explain_line_tell.line, sizeof m->u.explain_line_tell.line,
		    "%s", e->trace.lines[e->next++]);
		return STEP_SEND;
	}
	if (e->replies) {
		_Static_assert(
		    sizeof m->u.explain_reply_tell == sizeof e->reply, "the same fields");
		e->replies = false;
		m->nr = MSG_EXPLAIN_REPLY_TELL;
		memcpy(&m->u.explain_reply_tell, &e->reply, sizeof e->reply);
		return STEP_SEND;
	}
	m->nr = MSG_EXPLAIN_ANS;
	memcpy(m->u.explain_ans.effect, e->effect, sizeof e->effect);
	memcpy(m->u.explain_ans.reason, e->reason, sizeof e->reason);
	m->u.explain_ans.lease = e->lease;
	if (e->reply.link < broker.start.nlinks)
		m->u.explain_ans.mtu = broker.start.links[e->reply.link].mtu;
	return STEP_LAST;
}

static void
decide(struct explained *e, struct ask *a)
{
	static struct decision d;

	dhcp_decide(a, &d, &e->trace);
	snprintf(e->effect, sizeof e->effect, "%s", dhcp_effect_name(d.effect));
	snprintf(e->reason, sizeof e->reason, "%s", d.reason);
	if (d.lease != NULL)
		e->lease = lease_addr(d.lease);
	e->replies = d.effect == EFFECT_OFFER || d.effect == EFFECT_GRANT ||
		     d.effect == EFFECT_REPLY;
	if (e->replies)
		e->reply = d.reply;
}

void
on_explain_ask(struct client *c, const struct msg_explain_ask *m)
{
	static struct msg_dhcp_tell tell;
	struct explained *e = &c->explained;
	struct ask a;
	uint64_t until;
	const char *why;

	_Static_assert(sizeof tell == sizeof *m, "the same fields");
	memcpy(&tell, m, sizeof tell);
	memset(e, 0, sizeof *e);
	c->step = next_line;
	snprintf(e->effect, sizeof e->effect, "%s", dhcp_effect_name(EFFECT_NONE));
	/* What on_dhcp_tell takes for a breach by the ear is no question either. */
	if (tell.link >= broker.start.nlinks ||
	    (tell.uuid.len != 0 && tell.uuid.len != sizeof tell.uuid.b)) {
		snprintf(e->reason, sizeof e->reason, "no such link, or a UUID cut short");
		return;
	}
	if (rogue_silent(&tell, &until))
		trace_note(&e->trace, "we are silent on this link now, for another server "
				      "is there or may be; what follows is then not sent");
	why = dhcp_ask(&a, &tell, &e->trace);
	if (why == NULL) {
		decide(e, &a);
		return;
	}
	snprintf(e->reason, sizeof e->reason, "%s", why);
}
