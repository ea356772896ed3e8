/*
 * file-sender: the mouth that sends files, by TFTP and by HTTP. Uncaged until its tables
 * stand; then it holds its sockets, two channels and sealed objects, and can neither open
 * nor connect anything. It trusts the broker about who gets what, http-parser not at all
 * (which has nothing to say to it), and the network only for who sent a datagram.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/file-sender/http.h"
#include "src/file-sender/tftp.h"

#define CHANNEL_DEPTH 256
#define TLS_DEPTH 1     /* what carries a descriptor is never queued */
#define CONNS_MIN 1024  /* connections, however few descriptors there may be */
#define ORDERS_TURN 128 /* messages of the broker before the network's turn */

struct sender {
	struct start start;
	struct addr locals[2 * LINKS_MAX]; /* of IPv4, then those that there are of IPv6 */
	unsigned nlocals;
	unsigned pool, pool6;
	struct chan broker, parser, tls[TLS_MAX];
	unsigned ntls;
	uint32_t broker_events, parser_events; /* in the epoll set */
	struct memfds memfds;
	struct tftp tftp;
	struct http http;
	uint64_t now;
};

/* -------------------------------------------------------------- from the broker */

static void
on_memfd_tell(struct sender *s, const struct msg_memfd_tell *m, int fd)
{
	int err = memfds_add(&s->memfds, m->memfd, m->size, fd);

	if (err == ERR_FULL)
		log_limited(LOG_ERROR, "objects-full", "memfd=%u most=%u", m->memfd,
		    MEMFDS_NAMED_MAX);
	else if (err != 0)
		chan_peer_fault(&s->broker,
		    err == ERR_DENIED ? "object is not sealed" : "object number in use");
}

static void
on_order(struct sender *s, const struct msg *m, int fd)
{
	int err = 0;

	switch (m->nr) {
	case MSG_MEMFD_TELL: on_memfd_tell(s, &m->u.memfd_tell, fd); break;
	case MSG_DROP_TELL:
		if (memfds_drop(&s->memfds, m->u.drop_tell.memfd) != 0)
			log_limited(
			    LOG_DEBUG, "object-unknown", "memfd=%u", m->u.drop_tell.memfd);
		break;
	case MSG_RESET_TELL: memfds_forget(&s->memfds); break;
	case MSG_TFTP_GRANT_TELL:
		err = tftp_grant(&s->tftp, &m->u.tftp_grant_tell, s->now);
		break;
	case MSG_TFTP_DENY_TELL: err = tftp_deny(&s->tftp, &m->u.tftp_deny_tell); break;
	case MSG_TFTP_RELAY_TELL:
		err = tftp_told(&s->tftp, &m->u.tftp_relay_tell, s->now);
		break;
	case MSG_HTTP_GRANT_TELL:
		err = http_grant(&s->http, &m->u.http_grant_tell, s->now);
		break;
	case MSG_HTTP_DENY_TELL:
		err = http_deny(&s->http, &m->u.http_deny_tell, s->now);
		break;
	default: err = ERR_STATE; break;
	}
	if (err != 0)
		chan_peer_fault(&s->broker, err_text(err));
}

static void
read_broker(struct sender *s)
{
	struct msg m;
	int fd;

	for (unsigned i = 0; i < ORDERS_TURN && !s->broker.breached; i++) {
		if (chan_recv(&s->broker, &m, &fd) != 1)
			return;
		on_order(s, &m, fd);
	}
}

/* The broker learns which of the objects that it dropped nobody holds any more. */
static void
tell_closed(struct sender *s)
{
	struct msg m = {.nr = MSG_CLOSED_TELL};

	while (memfds_closed(&s->memfds, &m.u.closed_tell.memfd)) {
		if (chan_send(&s->broker, &m) != 0)
			return;
		memfds_said(&s->memfds);
	}
}

/* http-parser has no message for us: whatever comes is a breach, which chan_recv sees. */
static void
read_parser(struct sender *s)
{
	struct msg m;

	if (chan_recv(&s->parser, &m, NULL) == 1)
		bug("a message of http-parser was permitted");
}

/* ------------------------------------------------------------------- neighbours */

/* The first message on an empty channel. */
static void
send_first(struct chan *to, const struct msg *m)
{
	if (chan_send(to, m) != 0)
		bug("an empty channel is full");
}

static void
reset_broker(struct sender *s)
{
	struct msg m = {.nr = MSG_RESET_TELL};

	m.u.reset_tell.generation = s->start.generation;
	send_first(&s->broker, &m);
}

static void
reset_parser(struct sender *s)
{
	struct msg m = {.nr = MSG_FORGET_TELL};

	m.u.forget_tell.generation = s->start.generation;
	send_first(&s->parser, &m);
}

static void
on_gone(struct sender *s, enum role role, unsigned index)
{
	if (role == ROLE_BROKER) {
		chan_reset(&s->broker);
		memfds_forget(&s->memfds);
		reset_broker(s);
		http_broker_gone(&s->http, s->now);
	} else if (role == ROLE_HTTP_PARSER && index == s->start.index) {
		chan_reset(&s->parser);
		reset_parser(s);
		http_parser_gone(&s->http, s->now);
	} else if (role == ROLE_TLS && index < s->ntls) {
		/* Its ends of the pairs are closed, which ends the connections. */
		chan_reset(&s->tls[index]);
	} else if (role == ROLE_FILE_SENDER) {
		/* It may have been woken for a connection that it did not take any more. */
		http_accept_all(&s->http, s->now);
	}
	super_cleared(role, index);
}

static void
read_super(struct sender *s)
{
	enum notice kind;
	enum role role;
	unsigned index;

	while (super_next(&kind, &role, &index)) {
		if (kind == NOTICE_GONE)
			on_gone(s, role, index);
		else if (role == ROLE_HTTP_PARSER && index == s->start.index)
			http_parser_here(&s->http, s->now);
	}
}

/* ------------------------------------------------------------------------- loop */

static void
on_event(struct sender *s, const struct watch_event *e)
{
	switch (e->tag.kind) {
	case WATCH_SUPER: read_super(s); break;
	case WATCH_BROKER: read_broker(s); break;
	case WATCH_PAIR: read_parser(s); break;
	case WATCH_LISTEN: http_accept(&s->http, e->tag.index, s->now); break;
	case WATCH_POOL: tftp_readable(&s->tftp, e->tag.index, s->now); break;
	case WATCH_CONN: http_event(&s->http, e->tag, e->events, s->now); break;
	}
}

/* Sends what is queued; a channel that stays full wakes us when it has room, one that a
 * breach has closed does not wake us any more. */
static void
flush_channel(struct chan *c, enum watch_kind kind, uint32_t *events)
{
	uint32_t want = c->breached ? 0 : EPOLLIN;

	chan_flush(c);
	if (chan_blocked(c))
		want |= EPOLLOUT;
	if (want != *events)
		watch_change(c->fd, want, (struct watch_tag){kind, 0, 0});
	*events = want;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void NORETURN
loop(struct sender *s)
{
	struct watch_event events[WATCH_EVENTS];

	for (;;) {
		uint64_t until;
		unsigned n;

		tell_closed(s);
		flush_channel(&s->broker, WATCH_BROKER, &s->broker_events);
		flush_channel(&s->parser, WATCH_PAIR, &s->parser_events);
		until = sooner(tftp_next(&s->tftp), http_next(&s->http));
		n = watch_wait(events, clock_mono_ms(), until);
		s->now = clock_mono_ms();
		/* Who is gone must be known before anything is sent to it. */
		for (unsigned i = 0; i < n; i++)
			if (events[i].tag.kind == WATCH_SUPER)
				on_event(s, &events[i]);
		for (unsigned i = 0; i < n; i++)
			if (events[i].tag.kind != WATCH_SUPER)
				on_event(s, &events[i]);
		chan_flush(&s->broker);
		chan_flush(&s->parser);
		tftp_tick(&s->tftp, s->now);
		http_tick(&s->http, s->now);
		tftp_flush(&s->tftp);
	}
}

/* ------------------------------------------------------------------------ start */

static void
watch(int fd, uint32_t events, enum watch_kind kind, unsigned index)
{
	if (watch_add(fd, events, (struct watch_tag){kind, index, 0}) != 0)
		start_fail("waiting for descriptors");
}

static void
watch_all(struct sender *s)
{
	if (watch_init() != 0)
		start_fail("epoll");
	watch(FD_SUPER, EPOLLIN, WATCH_SUPER, 0);
	watch(FD_BROKER, EPOLLIN, WATCH_BROKER, 0);
	watch(FD_PAIR, EPOLLIN, WATCH_PAIR, 0);
	s->broker_events = s->parser_events = EPOLLIN;
	for (unsigned i = 0; i < s->pool + s->pool6; i++)
		watch(FD_POOL + (int)i, EPOLLIN, WATCH_POOL, i);
}

/* What connections leave of the descriptors is enough for the rest. */
static uint32_t
most_connections(const struct sender *s)
{
	uint64_t rest = FD_POOL + s->pool + s->pool6 + 2 * MEMFDS_NAMED_MAX, limit;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		start_fail("limit of descriptors");
	limit = cage_policy.limits.files;
	if (l.rlim_cur < limit)
		limit = l.rlim_cur;
	if (limit < rest + CONNS_MIN)
		return CONNS_MIN;
	return limit - rest > HTTP_CONNS ? HTTP_CONNS : (uint32_t)(limit - rest);
}

static void
add_listeners(struct http_setup *hs, const struct start *st, int fd, int fd6, bool tls)
{
	for (unsigned i = 0; i < st->nlinks; i++) {
		const struct link *l = &st->links[i];

		hs->listeners[hs->nlisteners++] =
		    (struct http_listener){fd + (int)i, l->address, tls};
		if (l->address6.family != ADDR_NONE)
			hs->listeners[hs->nlisteners++] =
			    (struct http_listener){fd6 + (int)i, l->address6, tls};
	}
}

static void
init_tables(struct sender *s)
{
	const struct start *st = &s->start;
	uint64_t seed, window = start_number(st, "rate_window", 1, 3600);
	struct http_setup hs = {.broker = &s->broker,
	    .parser = &s->parser,
	    .memfds = &s->memfds,
	    .most = most_connections(s),
	    .tls = s->tls,
	    .ntls = s->ntls,
	    .spread = start_number(st, "spread", 0, UINT64_MAX),
	    .generation = st->generation};
	bool http = start_number(st, "http_port", 0, 65535) != 0;
	struct tftp_setup ts = {.pool = s->pool,
	    .pool6 = s->pool6,
	    .links = st->nlinks,
	    .per_address =
		(uint32_t)start_number(st, "transfers_per_address", 1, UINT32_MAX),
	    .single = start_number(st, "single_port", 0, 1) != 0,
	    .locals = s->locals,
	    .nlocals = s->nlocals,
	    .memfds = &s->memfds};

	for (unsigned i = 0; i < st->nlinks; i++)
		ts.scopes[i] = st->links[i].ifindex;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		start_fail("getrandom");
	hs.seed = ts.seed = seed;
	hs.head_timeout_ms = (uint32_t)start_number(st, "head_timeout", 1, 3600) * 1000;
	hs.idle_timeout_ms = (uint32_t)start_number(st, "idle_timeout", 1, 3600) * 1000;
	hs.rate_window_ms = (uint32_t)window * 1000;
	hs.window_bytes = start_number(st, "min_rate", 0, UINT32_MAX) * window;
	if (http)
		add_listeners(&hs, st, FD_LISTEN, FD_LISTEN6, false);
	if (s->ntls > 0)
		add_listeners(&hs, st, FD_LISTEN_TLS, FD_LISTEN6_TLS, true);
	hs.per_address = (uint32_t)start_number(st, "conns_per_address", 1, UINT32_MAX);
	if (memfds_init(&s->memfds) != 0 || tftp_init(&s->tftp, &ts) != 0 ||
	    http_init(&s->http, &hs) != 0)
		start_fail("memory for transfers");
}

static void
list_locals(struct sender *s)
{
	const struct start *st = &s->start;

	for (unsigned i = 0; i < st->nlinks; i++)
		s->locals[s->nlocals++] = st->links[i].address;
	for (unsigned i = 0; i < st->nlinks; i++)
		if (st->links[i].address6.family != ADDR_NONE)
			s->locals[s->nlocals++] = st->links[i].address6;
}

int
main(int argc, char **argv)
{
	static struct sender s;

	start_init(&s.start, ROLE_FILE_SENDER, argc, argv);
	s.pool = (unsigned)start_number(&s.start, "pool", 1, 1024);
	s.pool6 = (unsigned)start_number(&s.start, "pool6", 0, 1024);
	list_locals(&s);
	/* sendfile has no flag against it. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		start_fail("SIGPIPE");
	chan_init(&s.broker, FD_BROKER, ROLE_FILE_SENDER, ROLE_BROKER, 0, CHANNEL_DEPTH);
	chan_init(&s.parser, FD_PAIR, ROLE_FILE_SENDER, ROLE_HTTP_PARSER, s.start.index,
	    CHANNEL_DEPTH);
	s.broker.bundles = s.parser.bundles = true;
	s.ntls = (unsigned)start_number(&s.start, "tls", 0, TLS_MAX);
	for (unsigned j = 0; j < s.ntls; j++)
		chan_init(
		    &s.tls[j], FD_TLS + (int)j, ROLE_FILE_SENDER, ROLE_TLS, j, TLS_DEPTH);
	watch_all(&s);
	init_tables(&s);
	cage_enter(&s.start, NULL);
	reset_broker(&s);
	reset_parser(&s);
	start_ready();
	loop(&s);
}
