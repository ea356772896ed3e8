/*
 * tls: the sessions of HTTPS. It gets accepted connections from the file-senders, each with
 * one end of a pair for the plaintext; it has no listening socket, no file, and no private
 * key, which keys signs with. The network is any stranger's; file-sender may be owned.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/tls/certs.h"
#include "src/tls/clients.h"
#include "src/tls/context.h"
#include "src/tls/intake.h"
#include "src/tls/provider.h"
#include "src/tls/session.h"
#include "src/tls/signer.h"
#include "src/tls/stacks.h"
#include "src/tls/tickets.h"

#define QUEUE_DEPTH 512
#define EVENTS 64
#define CONNS_TURN 32     /* messages of a file-sender before the others' turn */
#define ANSWERS_TURN 64   /* of keys */
#define SHAKE_TURN_US 500 /* for handshakes before the transfers' turn */
#define DRAIN_MS 5000
#define END_MS 2000
#define WAIT_MAX_MS 60000

/* In the epoll set, beside connections; senders + worker. */
enum { EVENT_SUPER, EVENT_BROKER, EVENT_KEYS, EVENT_SENDER };

static struct start start;
static struct chan broker, keys, senders[WORKER_MAX];
static uint32_t broker_events, keys_events; /* in the epoll set */
static bool keys_more;                      /* was not read to its end */
static OSSL_LIB_CTX *lib;
static uint64_t now;

/* ---------------------------------------------------------------- from file-sender */

static void
read_sender(unsigned worker)
{
	struct chan *from = &senders[worker];
	struct msg m;
	int fd;

	for (unsigned i = 0; i < CONNS_TURN; i++) {
		if (chan_recv(from, &m, &fd) != 1)
			return;
		if (m.nr == MSG_TLS_CONN_TELL)
			on_tls_conn_tell(worker, &m.u.tls_conn_tell, fd);
		else
			on_tls_pair_tell(worker, &m.u.tls_pair_tell, fd, now);
	}
}

/* -------------------------------------------------------------------- to the broker */

static int
tell_client(const struct conn *c, X509 *shown)
{
	return clients_tell(&broker, c, shown);
}

/* A new broker does not know who the clients are. */
static void
tell_all(void)
{
	for (struct conn *c = conn_next(NULL); c != NULL; c = conn_next(c)) {
		X509 *shown = c->state == CONN_OPEN ? session_shown(c) : NULL;

		if (shown != NULL && clients_tell(&broker, c, shown) != 0)
			log_limited(LOG_WARNING, "client-untold", "worker=%u", c->worker);
	}
}

/* -------------------------------------------------------------------------- keys */

static void
on_complete(const struct msg_certs_ans *m)
{
	static uint8_t before[EVP_MAX_MD_SIZE];
	const struct certs *certs = on_certs_ans(&keys, m);
	SSL_CTX *context;
	uint8_t hash[EVP_MAX_MD_SIZE] = {0};

	if (certs == NULL)
		return;
	/* A ticket says who the client was: by these certificates, or by none. */
	if (EVP_Digest(certs, sizeof *certs, hash, NULL, EVP_sha256(), NULL) != 1 ||
	    memcmp(hash, before, sizeof hash) != 0)
		tickets_forget(now);
	memcpy(before, hash, sizeof before);
	context = context_make(lib, certs);
	if (context != NULL)
		session_context(context);
	log_event(context == NULL ? LOG_ERROR : LOG_INFO, "certificates",
	    "keys=%u clients=%u used=%d", certs->keys, certs->verify_client,
	    context != NULL);
}

static void
read_keys(void)
{
	struct msg m;

	keys_more = false;
	for (unsigned i = 0; chan_recv(&keys, &m, NULL) == 1; i++) {
		switch (m.nr) {
		case MSG_SIGN_ANS: on_sign_ans(&m.u.sign_ans); break;
		case MSG_DECRYPT_ANS: on_decrypt_ans(&m.u.decrypt_ans); break;
		case MSG_CERT_TELL: on_cert_tell(&keys, &m.u.cert_tell); break;
		case MSG_CERTS_ANS: on_complete(&m.u.certs_ans); break;
		default: chan_peer_fault(&keys, "a message that nobody handles"); break;
		}
		keys_more = i + 1 == ANSWERS_TURN;
		if (keys_more)
			return;
	}
}

/* --------------------------------------------------------------------- neighbours */

static void
on_gone(enum role role, unsigned index)
{
	if (role == ROLE_BROKER) {
		chan_reset(&broker);
		tell_all();
	} else if (role == ROLE_KEYS) {
		chan_reset(&keys);
		signer_keys_gone();
		certs_ask(&keys);
	} else if (role == ROLE_FILE_SENDER && index < start.workers) {
		chan_reset(&senders[index]);
		intake_gone(index);
	}
	super_cleared(role, index);
}

static void
read_super(void)
{
	enum role role;
	unsigned index;

	while (super_poll(&role, &index))
		on_gone(role, index);
}

/* --------------------------------------------------------------------------- loop */

static void
watch(int fd, int how, uint32_t events, uint64_t what)
{
	struct epoll_event e = {.events = events, .data.u64 = what};

	if (epoll_ctl(FD_WAIT, how, fd, &e) != 0)
		bug("descriptor cannot be watched");
}

/* Sends what is queued; who has no room wakes us when there is some. */
static void
flush_channel(struct chan *c, uint64_t what, uint32_t *events)
{
	uint32_t want = c->breached ? 0 : EPOLLIN;

	chan_flush(c);
	if (chan_blocked(c))
		want |= EPOLLOUT;
	if (want != *events)
		watch(c->fd, EPOLL_CTL_MOD, want, what);
	*events = want;
}

static void
on_event(const struct epoll_event *e)
{
	struct conn *c;

	if ((e->data.u64 & CONN_EVENT) != 0) {
		c = conn_event(e->data.u64, e->events);
		if (c != NULL)
			conn_queue(c);
		return;
	}
	switch (e->data.u64) {
	case EVENT_SUPER: break;
	case EVENT_BROKER: break;
	case EVENT_KEYS: read_keys(); break;
	default: read_sender((unsigned)(e->data.u64 - EVENT_SENDER)); break;
	}
}

/* Each that is in line by now, once. */
static void
serve_transfers(void)
{
	struct conn *c;

	for (unsigned n = conn_waiting(LINE_BYTES);
	     n > 0 && (c = conn_take(LINE_BYTES)) != NULL; n--)
		session_serve(c, now);
}

/* Whoever has an answer goes first; who may have a question waits until there is room. */
static struct conn *
next_hand(void)
{
	struct conn *c = conn_take(LINE_ANSWERED);

	return c == NULL && signer_room() ? conn_take(LINE_SHAKING) : c;
}

/* At least one step, for the transfers' turn comes again at once. */
static void
shake_hands(void)
{
	struct timespec t0, t;
	struct conn *c;
	long us = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	while (us < SHAKE_TURN_US && (c = next_hand()) != NULL) {
		session_shake(c, now);
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		us = (t.tv_sec - t0.tv_sec) * 1000000 + (t.tv_nsec - t0.tv_nsec) / 1000;
	}
}

static void
tick(void)
{
	struct conn *c;
	enum conn_clock clock;

	while ((c = conn_due(now, &clock)) != NULL)
		session_late(c, clock);
	signer_tick(now);
	tickets_tick(now);
	certs_tick();
	if (keys_more)
		read_keys();
}

static int
wait_ms(void)
{
	uint64_t until = conn_next_due(), asks = signer_next(), at = clock_mono_ms();

	if (asks < until)
		until = asks;
	if (conn_waiting(LINE_BYTES) > 0 || conn_waiting(LINE_ANSWERED) > 0 ||
	    (conn_waiting(LINE_SHAKING) > 0 && signer_room()))
		return 0;
	if (keys_more || until <= at)
		return 0;
	return until - at > WAIT_MAX_MS ? WAIT_MAX_MS : (int)(until - at);
}

static void NORETURN
loop(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n;

		flush_channel(&broker, EVENT_BROKER, &broker_events);
		flush_channel(&keys, EVENT_KEYS, &keys_events);
		n = epoll_pwait(FD_WAIT, events, EVENTS, wait_ms(), NULL);
		now = clock_mono_ms();
		/* Who is gone must be known before anything is sent to it. */
		for (int i = 0; i < n; i++)
			if (events[i].data.u64 == EVENT_SUPER)
				read_super();
		for (int i = 0; i < n; i++)
			on_event(&events[i]);
		serve_transfers();
		shake_hands();
		tick();
	}
}

/* -------------------------------------------------------------------------- start */

static void
ready(struct conn *c)
{
	if (c != NULL)
		conn_queue(c);
}

static void
open_channels(void)
{
	chan_init(&broker, FD_BROKER, ROLE_TLS, ROLE_BROKER, 0, QUEUE_DEPTH);
	chan_init(&keys, FD_KEYS, ROLE_TLS, ROLE_KEYS, 0, QUEUE_DEPTH);
	broker.bundles = true;
	for (unsigned i = 0; i < start.workers; i++)
		chan_init(
		    &senders[i], FD_TLS_SENDER + (int)i, ROLE_TLS, ROLE_FILE_SENDER, i, 1);
}

static void
watch_channels(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || (fd != FD_WAIT && dup3(fd, FD_WAIT, O_CLOEXEC) < 0))
		start_fail("epoll");
	if (fd != FD_WAIT)
		close(fd);
	watch(FD_SUPER, EPOLL_CTL_ADD, EPOLLIN, EVENT_SUPER);
	watch(FD_BROKER, EPOLL_CTL_ADD, EPOLLIN, EVENT_BROKER);
	watch(FD_KEYS, EPOLL_CTL_ADD, EPOLLIN, EVENT_KEYS);
	broker_events = keys_events = EPOLLIN;
	for (unsigned i = 0; i < start.workers; i++)
		watch(senders[i].fd, EPOLL_CTL_ADD, EPOLLIN, EVENT_SENDER + i);
}

/* What OpenSSL and the C library would look for later, where nothing can be found. */
static void
open_library(void)
{
	const time_t then = 0;
	struct tm t;

	/* Blocks of the heap alone: those with a mapping of their own grow by a call that
	 * is not for us. */
	if (mallopt(M_MMAP_MAX, 0) != 1 || gmtime_r(&then, &t) == NULL)
		start_fail("C library");
	if (stacks_prepare() != 0)
		start_fail("OpenSSL's allocator");
	lib = provider_start(&signer_calls);
	if (lib == NULL ||
	    OPENSSL_init_ssl(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL) != 1)
		start_fail("OpenSSL");
	if (stacks_make(SIGNER_ASKS) != 0)
		start_fail("stacks for handshakes");
	if (tickets_init(lib, clock_mono_ms()) != 0)
		start_fail("ticket keys");
}

int
main(int argc, char **argv)
{
	struct conn_times times = {.drain_ms = DRAIN_MS, .end_ms = END_MS};

	start_init(&start, ROLE_TLS, argc, argv);
	times.shake_ms = (uint32_t)start_number(&start, "head_timeout", 1, 3600) * 1000;
	open_channels();
	watch_channels();
	open_library();
	if (conn_init(&times) != 0 || session_init(tell_client) != 0)
		start_fail("memory for connections");
	signer_init(&keys, ready);
	now = clock_mono_ms();
	cage_enter(&start, NULL);
	certs_ask(&keys);
	start_ready();
	loop();
}
