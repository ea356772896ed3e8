/*
 * Connections of file-sender: accepting, relaying, closing. The peers are anybody; the
 * bytes they send go to http-parser in the order they came, at most one head's worth
 * before an answer, and are never looked at here. What does not fit into a channel is
 * owed: nothing is lost, and a connection that must wait is not read meanwhile.
 */
#include "src/file-sender/http_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"

#define NONE UINT32_MAX
#define ACCEPT_TURN 16
#define READ_TURN 4
#define EOF_GRACE_MS 100 /* for what the parser may still hold when the peer is silent */
#define NR_BITS 40

int
http_init(struct http *h, const struct http_setup *setup)
{
	memset(h, 0, sizeof *h);
	h->setup = *setup;
	h->all = calloc(HTTP_CONNS, sizeof *h->all);
	h->buckets = calloc(HTTP_BUCKETS, sizeof *h->buckets);
	if (h->all == NULL || h->buckets == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < HTTP_BUCKETS; i++)
		h->buckets[i] = NONE;
	for (uint32_t i = 0; i < HTTP_CONNS; i++)
		h->all[i].next = i + 1 < HTTP_CONNS ? i + 1 : NONE;
	h->wait_first = h->wait_last = NONE;
	if (timers_init(&h->timers, HTTP_CONNS) != 0)
		return ERR_SYS;
	return caps_init(&h->caps, HTTP_CONNS, setup->seed);
}

static uint32_t
index_of(const struct http *h, const struct http_conn *c)
{
	return (uint32_t)(c - h->all);
}

static struct watch_tag
tag_of(const struct http *h, const struct http_conn *c)
{
	return (struct watch_tag){WATCH_CONN, index_of(h, c), (uint32_t)c->nr & 0xffffff};
}

struct http_conn *
http_conn_at(struct http *h, struct watch_tag tag)
{
	struct http_conn *c = &h->all[tag.index];

	if (c->state == CONN_FREE || c->state == CONN_GONE ||
	    ((uint32_t)c->nr & 0xffffff) != tag.serial)
		return NULL;
	return c;
}

struct http_conn *
http_conn_find(struct http *h, uint64_t nr, bool *foreign)
{
	uint64_t generation = nr >> NR_BITS;
	uint64_t count = nr & ((UINT64_C(1) << NR_BITS) - 1);

	/* Numbers of an earlier start of this role are late, not wrong. */
	*foreign = generation > h->setup.generation ||
		   (generation == h->setup.generation && count >= h->issued);
	for (uint32_t i = h->buckets[nr % HTTP_BUCKETS]; i != NONE; i = h->all[i].next)
		if (h->all[i].nr == nr && h->all[i].state != CONN_GONE)
			return &h->all[i];
	return NULL;
}

void
http_conn_want(struct http *h, struct http_conn *c, uint32_t events)
{
	/* Who waits for room is not read: level-triggered, it would only wake us in vain.
	 */
	if (c->waiting && c->state == CONN_READING)
		events = 0;
	if (c->events == events)
		return;
	c->events = events;
	watch_change(c->fd, events, tag_of(h, c));
}

void
http_conn_deadline(struct http *h, struct http_conn *c, uint32_t ms)
{
	timers_set(&h->timers, index_of(h, c), h->now + ms);
}

/* ----------------------------------------------------------------- begin and end */

static void
enlist(struct http *h, int fd, const struct sockaddr_in *from, unsigned link)
{
	uint64_t nr = (uint64_t)h->setup.generation << NR_BITS | h->issued;
	uint32_t i = h->free;
	struct http_conn *c = &h->all[i];
	uint32_t after = c->next;

	memset(c, 0, sizeof *c);
	c->nr = nr;
	c->fd = fd;
	c->state = CONN_READING;
	c->peer = addr_v4(ntohl(from->sin_addr.s_addr));
	c->port = ntohs(from->sin_port);
	c->local = h->setup.locals[link];
	c->events = EPOLLIN;
	c->next = h->buckets[nr % HTTP_BUCKETS];
	h->buckets[nr % HTTP_BUCKETS] = i;
	h->free = after;
	h->issued++;
	http_conn_deadline(h, c, h->setup.head_timeout_ms);
	http_conn_owe(h, c, OWE_CONN);
}

/* NULL when the connection may be taken, else why not. */
static const char *
refusal(struct http *h, int fd, const struct sockaddr_in *from)
{
	struct addr peer = addr_v4(ntohl(from->sin_addr.s_addr));
	struct watch_tag tag = {WATCH_CONN, h->free, (uint32_t)h->issued & 0xffffff};

	if (from->sin_family != AF_INET)
		return "family";
	if (h->free == NONE)
		return "table-full";
	if (!caps_take(&h->caps, &peer, h->setup.per_address))
		return "address-limit";
	if (watch_add(fd, EPOLLIN, tag) != 0) {
		caps_give(&h->caps, &peer);
		return "epoll";
	}
	return NULL;
}

void
http_conn_accept(struct http *h, unsigned link)
{
	static const int on = 1;

	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_in from = {0};
		socklen_t len = sizeof from;
		int fd = accept4(FD_LISTEN + (int)link, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		const char *why;

		if (fd < 0)
			return;
		why = refusal(h, fd, &from);
		if (why != NULL) {
			struct addr peer = addr_v4(ntohl(from.sin_addr.s_addr));
			char text[ADDR_TEXT_MAX];

			close(fd);
			log_limited(LOG_WARNING, "http-refused", "peer=%s reason=%s",
			    addr_format(&peer, text), why);
			continue;
		}
		/* Only delays are at stake. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		enlist(h, fd, &from, link);
	}
}

/* Of a closed connection to which nothing is owed any more. */
static void
delist(struct http *h, struct http_conn *c)
{
	uint32_t *link = &h->buckets[c->nr % HTTP_BUCKETS];
	uint32_t i = index_of(h, c);

	while (*link != i)
		link = &h->all[*link].next;
	*link = c->next;
	c->state = CONN_FREE;
	c->next = h->free;
	h->free = i;
}

void
http_conn_release(struct http *h, struct http_conn *c)
{
	if (c->object != NULL)
		memfds_give(h->setup.memfds, c->object);
	c->object = NULL;
}

/* The debts that END_TELL takes the place of. */
static unsigned
end_debts(struct http_conn *c)
{
	unsigned bits = 0;

	if (c->broker_knows)
		bits |= OWE_END_BROKER;
	if (c->parser_knows)
		bits |= OWE_END_PARSER;
	c->owes &= (uint8_t) ~(OWE_CONN | OWE_NEXT | OWE_BYTES);
	return bits;
}

void
http_conn_tell_end(struct http *h, struct http_conn *c)
{
	http_conn_owe(h, c, end_debts(c));
}

void
http_conn_close(struct http *h, struct http_conn *c)
{
	unsigned bits = end_debts(c);

	http_conn_release(h, c);
	close(c->fd);
	c->fd = -1;
	c->state = CONN_GONE;
	caps_give(&h->caps, &c->peer);
	timers_clear(&h->timers, index_of(h, c));
	http_conn_owe(h, c, bits);
}

/* ----------------------------------------------------------------------- relaying */

/* The peer has ended its side. What is asked already will be answered. */
static void
on_eof(struct http *h, struct http_conn *c)
{
	c->eof = true;
	if (!c->started)
		http_conn_deadline(h, c, EOF_GRACE_MS);
}

enum relayed { RELAY_ALL, RELAY_LATER, RELAY_DEAD };

static enum relayed
relay_once(struct http *h, struct http_conn *c)
{
	struct msg m = {.nr = MSG_BYTES_TELL};
	size_t room = HTTP_RELAY_MAX - c->relayed;
	ssize_t n;

	if (room > sizeof m.u.bytes_tell.data.b)
		room = sizeof m.u.bytes_tell.data.b;
	n = recv(c->fd, m.u.bytes_tell.data.b, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RELAY_ALL : RELAY_DEAD;
	if (n == 0) {
		on_eof(h, c);
		return RELAY_ALL;
	}
	m.u.bytes_tell.conn = c->nr;
	m.u.bytes_tell.data.len = (uint16_t)n;
	if (chan_send(h->setup.parser, &m) != 0)
		bug("no room where there was some");
	if (!c->started && c->answered)
		http_conn_deadline(h, c, h->setup.head_timeout_ms);
	c->started = true;
	c->parser_knows = true;
	c->relayed += (uint32_t)n;
	return (size_t)n == room ? RELAY_LATER : RELAY_ALL;
}

/* Relays what has come. False when a channel is full: the connection waits unread. */
static bool
relay(struct http *h, struct http_conn *c)
{
	enum relayed r = RELAY_LATER;

	/* The broker must hear of a connection before it hears of its requests. */
	chan_flush(h->setup.broker);
	if (chan_blocked(h->setup.broker))
		return false;
	for (unsigned i = 0; i < READ_TURN && r == RELAY_LATER; i++) {
		if (c->relayed == HTTP_RELAY_MAX)
			break;
		if (!chan_room(h->setup.parser, 1))
			return false;
		r = relay_once(h, c);
	}
	c->owes &= (uint8_t)~OWE_BYTES;
	c->dead = r == RELAY_DEAD;
	http_conn_want(h, c, c->eof || c->relayed == HTTP_RELAY_MAX ? 0 : EPOLLIN);
	return true;
}

/* -------------------------------------------------------------------------- debts */

static bool
pay_conn(struct http *h, struct http_conn *c)
{
	struct msg m = {.nr = MSG_CONN_TELL};

	m.u.conn_tell.conn = c->nr;
	m.u.conn_tell.peer = c->peer;
	m.u.conn_tell.port = c->port;
	m.u.conn_tell.local = c->local;
	if (chan_send(h->setup.broker, &m) != 0)
		return false;
	c->broker_knows = true;
	c->owes &= (uint8_t)~OWE_CONN;
	return true;
}

static bool
pay_next(struct http *h, struct http_conn *c)
{
	struct msg m = {.nr = MSG_NEXT_TELL};

	m.u.next_tell.conn = c->nr;
	if (c->parser_knows && chan_send(h->setup.parser, &m) != 0)
		return false;
	c->owes &= (uint8_t)~OWE_NEXT;
	return true;
}

static bool
pay_end(struct chan *to, struct http_conn *c, bool *knows, unsigned bit)
{
	struct msg m = {.nr = MSG_END_TELL};

	m.u.end_tell.conn = c->nr;
	if (*knows && chan_send(to, &m) != 0)
		return false;
	*knows = false;
	c->owes &= (uint8_t)~bit;
	return true;
}

/* True when nothing is owed any more. */
static bool
pay(struct http *h, struct http_conn *c)
{
	if ((c->owes & OWE_CONN) != 0 && !pay_conn(h, c))
		return false;
	if ((c->owes & OWE_NEXT) != 0 && !pay_next(h, c))
		return false;
	if ((c->owes & OWE_BYTES) != 0 && c->state == CONN_READING && !relay(h, c))
		return false;
	if ((c->owes & OWE_END_BROKER) != 0 &&
	    !pay_end(h->setup.broker, c, &c->broker_knows, OWE_END_BROKER))
		return false;
	if ((c->owes & OWE_END_PARSER) != 0 &&
	    !pay_end(h->setup.parser, c, &c->parser_knows, OWE_END_PARSER))
		return false;
	return true;
}

static void
wait_in_line(struct http *h, struct http_conn *c)
{
	uint32_t i = index_of(h, c);

	c->waiting = true;
	c->wait_next = NONE;
	if (h->wait_last == NONE)
		h->wait_first = i;
	else
		h->all[h->wait_last].wait_next = i;
	h->wait_last = i;
	if (c->state == CONN_READING)
		http_conn_want(h, c, 0);
}

void
http_conn_owe(struct http *h, struct http_conn *c, unsigned bits)
{
	c->owes |= (uint8_t)bits;
	/* Whoever waits stays in line, so that messages of one connection keep their order.
	 */
	if (c->waiting)
		return;
	if (!pay(h, c)) {
		wait_in_line(h, c);
		return;
	}
	if (c->state == CONN_GONE)
		delist(h, c);
	else if (c->dead)
		http_conn_close(h, c);
}

bool
http_conn_can_pay(const struct http *h)
{
	return h->wait_first != NONE && !chan_blocked(h->setup.broker) &&
	       chan_room(h->setup.parser, 1);
}

void
http_conn_pay_waiting(struct http *h)
{
	uint32_t last = h->wait_last;

	while (h->wait_first != NONE) {
		uint32_t i = h->wait_first;
		struct http_conn *c = &h->all[i];

		if (!chan_room(h->setup.broker, 1) && !chan_room(h->setup.parser, 1))
			return;
		h->wait_first = c->wait_next;
		if (h->wait_first == NONE)
			h->wait_last = NONE;
		c->waiting = false;
		/* Reading was put off with the rest. */
		http_conn_owe(h, c, c->state == CONN_READING && !c->eof ? OWE_BYTES : 0);
		if (i == last)
			return;
	}
}
