/*
 * The control socket: who is connected, what is read from them and sent to them. Broker,
 * main thread. Distrusts every client, root's too: what they send is one message of
 * msgs.def that CONTROL may send, or it is the last thing that they send. Nothing here
 * waits, and nothing grows: an answer is made piece by piece as the client takes it.
 */
#include "src/broker/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/broker/control_client.h"

#define BATCH 32                 /* pieces of answers to one client in a turn */
#define IDLE_MS 10000            /* neither asked nor took anything */
#define READERS (CLIENT_MAX - 1) /* one place is for root alone */
#define PAUSE_MS 100             /* after a failure to accept */

static struct client clients[CLIENT_MAX];
static uint64_t accept_ms; /* not before */
static bool more;          /* somebody's batch ended before the work did */

void
control_init(void)
{
	memset(clients, 0, sizeof clients);
	accept_ms = 0;
	more = false;
}

static int
fd_of(const struct client *c)
{
	return FD_CLIENT + (int)(c - clients);
}

enum step
control_end(struct msg *m, enum control_result result)
{
	m->nr = MSG_DONE_TELL;
	m->u.done_tell.result = (uint8_t)result;
	return STEP_LAST;
}

/* The number goes back to /dev/null: it is never free, so that nothing else gets it. */
static void
send_away(struct client *c, const char *why)
{
	log_limited(LOG_DEBUG, "control-end", "client=%u uid=%u why=%s",
	    (unsigned)(c - clients), c->uid, why);
	if (dup3(STDIN_FILENO, fd_of(c), O_CLOEXEC) < 0)
		bug("a client's number");
	c->used = false;
}

/* ------------------------------------------------------------------ accepting */

static unsigned
count(bool all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENT_MAX; i++)
		n += clients[i].used && (all || !clients[i].root);
	return n;
}

/* Says that there is no place, as far as the socket takes it. */
static void
refuse(struct client *c)
{
	static struct msg m;
	uint8_t bytes[16];
	int n;

	(void)control_end(&m, CONTROL_BUSY);
	n = msg_encode(&m, bytes, sizeof bytes);
	if (n > 0)
		(void)send(fd_of(c), bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	send_away(c, "busy");
}

static void
welcome(struct client *c)
{
	struct ucred who;
	socklen_t len = sizeof who;
	unsigned readers = count(false);

	c->used = true;
	c->root = false;
	c->uid = UINT32_MAX;
	c->moved_ms = broker.now_ms;
	c->step = NULL;
	c->nchanges = c->first = 0;
	c->pending_len = 0;
	if (getsockopt(fd_of(c), SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
	    len != sizeof who) {
		send_away(c, "unknown");
		return;
	}
	c->uid = who.uid;
	c->root = who.uid == 0;
	log_limited(LOG_DEBUG, "control-client", "client=%u uid=%u pid=%d",
	    (unsigned)(c - clients), c->uid, (int)who.pid);
	if (!c->root && readers >= READERS)
		refuse(c);
}

static void
accept_one(void)
{
	int fd = accept4(FD_CONTROL, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = clients;

	if (fd < 0) {
		/* Who has gone again is nothing; without a free number we would spin. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			accept_ms = broker.now_ms + PAUSE_MS;
		return;
	}
	while (c->used)
		c++;
	if (dup3(fd, fd_of(c), O_CLOEXEC) < 0)
		bug("a client's number");
	close(fd);
	welcome(c);
}

/* -------------------------------------------------------------------- serving */

static void
breach(struct client *c, const char *why)
{
	log_limited(LOG_WARNING, "control-breach", "client-uid=%u why=\"%s\"", c->uid, why);
	send_away(c, "breach");
}

static void
dispatch(struct client *c, const struct msg *m)
{
	switch (m->nr) {
	case MSG_STATUS_ASK: on_status_ask(c, &m->u.status_ask); break;
	case MSG_LEASES_ASK: on_leases_ask(c, &m->u.leases_ask); break;
	case MSG_SESSIONS_ASK: on_sessions_ask(c, &m->u.sessions_ask); break;
	case MSG_LEASE_RELEASE_ASK: on_lease_release_ask(c, &m->u.lease_release_ask); break;
	case MSG_LEASE_IMPORT_ASK: on_lease_import_ask(c, &m->u.lease_import_ask); break;
	case MSG_EXPLAIN_ASK: on_explain_ask(c, &m->u.explain_ask); break;
	default: breach(c, "a message that nobody handles"); break;
	}
}

/* The next question. False when there is none. */
static bool
hear(struct client *c)
{
	static struct msg m;
	/* One more than any message has, so that a longer one shows. */
	static uint8_t bytes[MSG_SIZE_MAX + 1];
	ssize_t n = recv(fd_of(c), bytes, sizeof bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		send_away(c, "gone");
		return false;
	}
	c->moved_ms = broker.now_ms;
	if ((size_t)n == sizeof bytes || msg_decode(bytes, (size_t)n, &m) != 0)
		breach(c, "malformed message");
	else if (!msg_permitted(m.nr, ROLE_CONTROL, ROLE_BROKER))
		breach(c, "message not permitted");
	else if (c->nchanges > 0 && m.nr != MSG_LEASE_IMPORT_ASK)
		breach(c, "a question before the answer");
	else
		dispatch(c, &m);
	return c->used;
}

/* Sends what waits. False when the socket does not take it, or the client is gone. */
static bool
push(struct client *c)
{
	if (c->pending_len == 0)
		return true;
	if (send(fd_of(c), c->pending, c->pending_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			send_away(c, "gone");
		return false;
	}
	c->pending_len = 0;
	c->moved_ms = broker.now_ms;
	return true;
}

static void
queue(struct client *c, const struct msg *m)
{
	int n = msg_encode(m, c->pending, sizeof c->pending);

	if (n < 0 || !msg_permitted(m->nr, ROLE_BROKER, ROLE_CONTROL))
		bug("an answer that may not be sent");
	c->pending_len = (unsigned)n;
}

/* May it be asked for its next question? */
static bool
listens(const struct client *c)
{
	return c->step == NULL && control_may_change(c);
}

/* One piece of work. False when there is none until something comes. */
static bool
work(struct client *c)
{
	static struct msg m;
	enum step step;

	if (!push(c))
		return false;
	memset(&m, 0, sizeof m);
	if (c->step != NULL) {
		step = c->step(c, &m);
		c->moved_ms = step == STEP_SCAN ? broker.now_ms : c->moved_ms;
		if (step != STEP_SCAN)
			queue(c, &m);
		if (step == STEP_LAST)
			c->step = NULL;
		return push(c);
	}
	if (control_changed(c, &m)) {
		queue(c, &m);
		return push(c);
	}
	return listens(c) && hear(c);
}

static void
serve(struct client *c)
{
	unsigned n = 0;

	control_settle(c);
	while (n < BATCH && c->used && work(c))
		n++;
	more = more || n == BATCH;
	/* Who waits for the store waits for us. */
	if (c->used && c->nchanges == 0 && broker.now_ms > c->moved_ms + IDLE_MS)
		send_away(c, "idle");
}

/* ----------------------------------------------------------------- in the loop */

int
control_fill(struct pollfd polls[CONTROL_POLLS], int ms)
{
	bool may_accept = count(true) < CLIENT_MAX && broker.now_ms >= accept_ms;

	for (unsigned i = 0; i < CLIENT_MAX; i++) {
		const struct client *c = &clients[i];

		polls[i] = (struct pollfd){.fd = fd_of(c)};
		if (c->used && c->pending_len > 0)
			polls[i].events = POLLOUT;
		else if (c->used && listens(c))
			polls[i].events = POLLIN;
		if (polls[i].events == 0)
			polls[i].fd = -1;
	}
	polls[CLIENT_MAX] =
	    (struct pollfd){.fd = may_accept ? FD_CONTROL : -1, .events = POLLIN};
	if (more)
		return 0;
	if ((count(true) > 0 || broker.now_ms < accept_ms) && ms > 1000)
		return 1000;
	return ms;
}

void
control_turn(const struct pollfd polls[CONTROL_POLLS])
{
	more = false;
	for (unsigned i = 0; i < CLIENT_MAX; i++)
		if (clients[i].used)
			serve(&clients[i]);
	if (polls[CLIENT_MAX].revents != 0 && count(true) < CLIENT_MAX)
		accept_one();
}
