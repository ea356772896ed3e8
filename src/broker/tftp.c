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

/* Room in the channel of a mouth that acknowledgements leave to orders. */
#define ORDERS_ROOM 32u

/* A client keeps to one file-sender for one transfer: its address and port choose, always
 * the same. So nobody has to remember which transfer runs where. */
static struct chan *
mouth_for(const struct addr *peer, uint16_t port, unsigned *worker)
{
	uint32_t h = UINT32_C(2166136261);

	for (unsigned i = 0; i < sizeof peer->b; i++)
		h = (h ^ peer->b[i]) * UINT32_C(16777619);
	h = (h ^ (port & 0xffu)) * UINT32_C(16777619);
	h = (h ^ (unsigned)port >> 8) * UINT32_C(16777619);
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
	out.u.tftp_deny_tell.single = broker.conf->tftp_single;
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
	g->single = broker.conf->tftp_single;
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
	struct chan *mouth = mouth_for(&m->peer, m->port, &worker);
	struct serve_request request = {.session = s, .client = &m->peer, .name = m->name};
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

/* An answer leaves from the address that the request came to, so it has to be ours; from
 * port 69 there is a socket for that of the link alone. */
static bool
is_ours(const struct addr *a, unsigned link)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		const struct link *l = &broker.start.links[i];

		if (broker.conf->tftp_single && i != link)
			continue;
		if (addr_equal(a, a->family == ADDR_V6 ? &l->address6 : &l->address))
			return true;
	}
	return false;
}

/* In a subnet of ours, or in one that an image is open to; or, where another server gives
 * the addresses, on that link. */
static bool
may_get_files(const struct addr *peer, unsigned link)
{
	const struct link *l = &broker.start.links[link];
	uint32_t mask = l->prefix == 0 ? 0 : UINT32_MAX << (32 - l->prefix);
	unsigned first = 0;

	if (conf_subnet_of(broker.conf, peer) != NULL ||
	    conf_next_open(broker.conf, peer, &first) != NULL)
		return true;
	return link < broker.conf->nlinks && broker.conf->links[link].mode == MODE_PROXY &&
	       peer->family == ADDR_V4 &&
	       ((addr_to_v4(peer) ^ addr_to_v4(&l->address)) & mask) == 0;
}

/* There is nothing for anybody elsewhere, and a refusal would go to whomever a forged
 * source or an owned ear names. */
static bool
may_be_answered(
    unsigned link, const struct addr *peer, uint16_t port, const struct addr *local)
{
	if (may_get_files(peer, link) && port != 0 && is_ours(local, link) &&
	    peer->family == local->family)
		return true;
	log_limited(LOG_DEBUG, "dropped", "via=tftp why=\"addresses\"");
	return false;
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
	if (!may_be_answered(t->link, &t->peer, t->port, &t->local))
		return;
	err = tftp_try(t, false, &ticket);
	/* Under load the client has to ask again: nobody else waits for its mouth. */
	if (err == ERR_STATE)
		err = wait_add_rrq(t, &ticket);
	if (err != 0)
		log_limited(LOG_NOTICE, "dropped", "via=tftp why=\"busy\"");
}

/* Whether there is such a transfer, file-sender knows. What is lost here the peer says
 * again. */
void
on_tftp_reply_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_tftp_reply_tell *t = &m->u.tftp_reply_tell;
	struct msg out = {.nr = MSG_TFTP_RELAY_TELL};
	struct msg_tftp_relay_tell *relay = &out.u.tftp_relay_tell;
	unsigned worker;
	struct chan *mouth;

	(void)fd;
	if (t->link >= broker.start.nlinks) {
		chan_peer_fault(from, "a reply on a link that there is not");
		return;
	}
	if (!broker.conf->tftp_single ||
	    !may_be_answered(t->link, &t->peer, t->port, &t->local))
		return;
	mouth = mouth_for(&t->peer, t->port, &worker);
	if (!chan_room(mouth, ORDERS_ROOM)) {
		log_limited(LOG_NOTICE, "dropped", "via=tftp why=\"busy\"");
		return;
	}
	relay->link = t->link;
	relay->peer = t->peer;
	relay->port = t->port;
	relay->local = t->local;
	relay->error = t->error;
	relay->number = t->number;
	if (chan_send(mouth, &out) != 0)
		bug("no room where there was some");
}
