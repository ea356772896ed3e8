/*
 * The ear of HTTP, one beside each file-sender: takes the bytes that clients sent, finds
 * the request heads, and tells the broker what is asked for. Runs in its cage with no
 * privilege, no socket and two channels. The bytes are any stranger's, and the file-sender
 * that relays them may be owned; a breach of its rules is reported, never followed.
 */
#include <poll.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/log.h"
#include "src/http-parser/conns.h"

#define TURN_MAX 256    /* messages of the file-sender a turn */
#define QUEUE_DEPTH 256 /* requests that wait for a busy broker */

static struct start start;
static struct chan broker, pair;
static struct conns *conns;

static void
tell_broker(void *arg, const struct msg *m)
{
	struct chan *c = arg;

	if (chan_send(c, m) != 0)
		bug("a request without room in the queue");
}

static void
on_bytes_tell(const struct msg_bytes_tell *m)
{
	int err = conns_bytes(conns, m->conn, m->next, m->data.b, m->data.len);

	if (err != 0)
		chan_peer_fault(&pair, err_text(err));
}

static void
on_message(const struct msg *m)
{
	switch (m->nr) {
	case MSG_BYTES_TELL: on_bytes_tell(&m->u.bytes_tell); break;
	case MSG_NEXT_TELL: conns_next(conns, m->u.next_tell.conn); break;
	case MSG_END_TELL: conns_end(conns, m->u.end_tell.conn); break;
	case MSG_FORGET_TELL: conns_reset(conns); break;
	default: chan_peer_fault(&pair, "message out of place");
	}
}

/* Takes messages while what they may lead to has room with the broker. True when there may
 * be more, which the next poll need not show: they can lie in the batch already read. */
static bool
take_turn(void)
{
	static struct msg m;

	for (unsigned i = 0; i < TURN_MAX; i++) {
		if (!chan_room(&broker, CONNS_OUT_MAX))
			chan_flush(&broker);
		if (!chan_room(&broker, CONNS_OUT_MAX))
			return true;
		if (chan_recv(&pair, &m, NULL) != 1)
			return false;
		on_message(&m);
	}
	return true;
}

static void
log_evictions(void)
{
	static uint64_t last;
	uint64_t now = conns_count(conns).evicted;

	if (now == last)
		return;
	log_limited(LOG_WARNING, "http-heads-full", "ended=%llu so-far=%llu",
	    (unsigned long long)(now - last), (unsigned long long)now);
	last = now;
}

static void
on_notice(void)
{
	enum role role;
	unsigned index;

	if (!super_poll(&role, &index))
		return;
	if (role == ROLE_BROKER)
		chan_reset(&broker);
	if (role == ROLE_FILE_SENDER) {
		chan_reset(&pair);
		conns_reset(conns);
	}
	super_cleared(role, index);
}

static void
loop(void)
{
	static const struct timespec at_once = {0, 0};
	struct pollfd p[3] = {{.fd = FD_SUPER, .events = POLLIN}};
	bool more = false;

	p[1].events = POLLIN;
	p[2].events = POLLOUT;
	for (;;) {
		bool room = chan_room(&broker, CONNS_OUT_MAX);

		/* Without room for an answer nothing more is heard; the bytes wait with
		 * the file-sender, and at last with the client. */
		p[1].fd = room && !pair.breached ? FD_PAIR : -1;
		p[2].fd = chan_blocked(&broker) ? FD_BROKER : -1;
		if (ppoll(p, 3, more && room ? &at_once : NULL, NULL) < 0)
			continue;
		if (p[0].revents != 0)
			on_notice();
		if (p[2].revents != 0)
			chan_flush(&broker);
		more = take_turn();
		chan_flush(&broker);
		log_evictions();
	}
}

int
main(int argc, char **argv)
{
	start_init(&start, ROLE_HTTP_PARSER, argc, argv);
	chan_init(&broker, FD_BROKER, ROLE_HTTP_PARSER, ROLE_BROKER, 0, QUEUE_DEPTH);
	chan_init(&pair, FD_PAIR, ROLE_HTTP_PARSER, ROLE_FILE_SENDER, start.index, 1);
	broker.bundles = pair.polled = true;
	conns = conns_init(CONNS_MAX, CONNS_BUFFERS, tell_broker, &broker);
	if (conns == NULL)
		start_fail("memory for connections");
	cage_enter(&start, NULL);
	start_ready();
	loop();
}
