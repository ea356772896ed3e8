/*
 * Broker: TFTP requests. tftp-parser may be owned: then it can ask in the name of any
 * address, and gets for each what its session allows, sent to that address and no other.
 */
#include "src/broker/tftp.h"

#include <string.h>

#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/serve.h"
#include "src/broker/wait.h"

#define BLKSIZE_MIN 8u
#define BLKSIZE_DEFAULT 512u
#define HEADERS_V4 32u /* IPv4 20, UDP 8, TFTP 4 */
#define HEADERS_V6 52u /* IPv6 40, the same */

#define ERROR_NOT_FOUND 1

/* A client keeps to one file-sender for one transfer: its port chooses. */
static struct chan *
mouth_for(const struct msg_rrq_tell *m, unsigned *worker)
{
	uint32_t h = UINT32_C(2166136261);

	for (unsigned i = 0; i < sizeof m->peer.b; i++)
		h = (h ^ m->peer.b[i]) * UINT32_C(16777619);
	h = (h ^ (m->port & 0xffu)) * UINT32_C(16777619);
	h = (h ^ m->port >> 8) * UINT32_C(16777619);
	*worker = (h ^ h >> 16) % broker.start.workers;
	return &broker.file_sender[*worker];
}

static int
deny(struct chan *mouth, const struct msg_rrq_tell *m, uint8_t code)
{
	struct msg out = {.nr = MSG_TFTP_DENY_TELL};

	out.u.tftp_deny_tell.peer = m->peer;
	out.u.tftp_deny_tell.port = m->port;
	out.u.tftp_deny_tell.local = m->local;
	out.u.tftp_deny_tell.code = code;
	out.u.tftp_deny_tell.link = m->link;
	return chan_send(mouth, &out);
}

/* Blocks never need more than one packet: boot ROMs cannot put pieces together. */
static uint16_t
most_of_block(const struct msg_rrq_tell *m, uint32_t mtu)
{
	uint32_t headers = m->peer.family == ADDR_V6 ? HEADERS_V6 : HEADERS_V4;
	uint32_t fits = mtu > headers + BLKSIZE_MIN ? mtu - headers : BLKSIZE_MIN;
	uint16_t most = broker.conf->tftp_blksize;

	return fits < most ? (uint16_t)fits : most;
}

void
tftp_choose_options(
    const struct msg_rrq_tell *m, uint32_t mtu, struct msg_tftp_grant_tell *grant)
{
	uint16_t most = most_of_block(m, mtu), window = broker.conf->tftp_window;

	/* How many bytes netascii makes of a file is not known before they are sent. */
	grant->options =
	    m->options & (m->netascii ? TFTP_ROLLOVER : TFTP_TSIZE | TFTP_ROLLOVER);
	grant->blksize = BLKSIZE_DEFAULT;
	grant->windowsize = 1;
	grant->rollover = broker.conf->tftp_rollover;
	grant->netascii = m->netascii;
	if ((m->options & TFTP_ROLLOVER) != 0)
		grant->rollover = m->rollover;
	if ((m->options & TFTP_BLKSIZE) != 0 && m->blksize >= BLKSIZE_MIN) {
		grant->options |= TFTP_BLKSIZE;
		grant->blksize = m->blksize < most ? m->blksize : most;
	}
	if ((m->options & TFTP_TIMEOUT) != 0 && m->timeout > 0) {
		grant->options |= TFTP_TIMEOUT;
		grant->timeout = m->timeout;
	}
	if ((m->options & TFTP_WINDOWSIZE) != 0 && m->windowsize > 0) {
		grant->options |= TFTP_WINDOWSIZE;
		grant->windowsize = m->windowsize < window ? m->windowsize : window;
	}
}

static int
grant(unsigned worker, const struct msg_rrq_tell *m, const struct serve_request *r,
    const struct serve_object *found)
{
	struct msg out = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &out.u.tftp_grant_tell;

	if (memfd_tell(found->object.mem, worker) != 0)
		return ERR_FULL;
	g->session = r->session == NULL ? 0 : r->session->id;
	g->peer = m->peer;
	g->port = m->port;
	g->local = m->local;
	g->link = m->link;
	g->memfd = found->object.mem->number;
	g->offset = found->object.offset;
	g->length = found->object.length;
	memcpy(g->name, m->name, sizeof g->name);
	tftp_choose_options(m, broker.start.links[m->link].mtu, g);
	if (chan_send(&broker.file_sender[worker], &out) != 0)
		return ERR_FULL;
	serve_log_file(r, found);
	return 0;
}

int
tftp_try(const struct msg_rrq_tell *m, bool last, struct render_ticket *ticket)
{
	struct session *s = session_of_addr(&m->peer, broker.now_ms);
	unsigned worker;
	struct chan *mouth = mouth_for(m, &worker);
	struct serve_request request = {
	    .session = s, .client = &m->peer, .name = m->name};
	struct serve_object found;
	int err;

	*ticket = (struct render_ticket){0};
	if (m->fault != 0)
		return deny(mouth, m, m->fault);
	if (s != NULL)
		session_touch(s, broker.now_ms);
	err = serve_find(&request, &found, ticket);
	if (err == ERR_STATE && !last)
		return ERR_STATE;
	/* It asks again by itself; that it is not there would be wrong. */
	if (err == ERR_STATE && ticket->cold != NULL)
		return 0;
	if (err != 0)
		return deny(mouth, m, ERROR_NOT_FOUND);
	return grant(worker, m, &request, &found);
}

/* An answer leaves from the address that the request came to, so it has to be ours. */
static bool
is_ours(const struct addr *a)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		if (addr_equal(a, &broker.start.links[i].address) ||
		    (a->family == ADDR_V6 &&
			addr_equal(a, &broker.start.links[i].address6)))
			return true;
	return false;
}

/* In a subnet of ours, or in one that an image is open to; or, where another server gives
 * the addresses, on that link. */
static bool
may_get_files(const struct msg_rrq_tell *m)
{
	const struct link *l = &broker.start.links[m->link];
	uint32_t mask = l->prefix == 0 ? 0 : UINT32_MAX << (32 - l->prefix);
	unsigned first = 0;

	if (conf_subnet_of(broker.conf, &m->peer) != NULL ||
	    conf_next_open(broker.conf, &m->peer, &first) != NULL)
		return true;
	return m->link < broker.conf->nlinks &&
	       broker.conf->links[m->link].mode == MODE_PROXY &&
	       m->peer.family == ADDR_V4 &&
	       ((addr_to_v4(&m->peer) ^ addr_to_v4(&l->address)) & mask) == 0;
}

void
on_rrq_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_rrq_tell *t = &m->u.rrq_tell;
	struct render_ticket ticket;
	int err;

	(void)fd;
	if (t->link >= broker.start.nlinks) {
		chan_peer_fault(from, "a request on a link that there is not");
		return;
	}
	/* There is nothing for anybody elsewhere, and a refusal would go to whomever a
	 * forged source or an owned ear names. */
	if (!may_get_files(t) || t->port == 0 || !is_ours(&t->local) ||
	    t->peer.family != t->local.family) {
		log_limited(LOG_DEBUG, "dropped", "via=tftp why=\"addresses\"");
		return;
	}
	err = tftp_try(t, false, &ticket);
	/* Under load the client has to ask again: nobody else waits for its mouth. */
	if (err == ERR_STATE)
		err = wait_add_rrq(t, &ticket);
	if (err != 0)
		log_limited(LOG_NOTICE, "dropped", "via=tftp why=\"busy\"");
}
