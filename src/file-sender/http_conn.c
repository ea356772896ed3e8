/*
 * Connections of file-sender: the table, relaying, closing. The peers are anybody; the
 * bytes they send go to http-parser in the order they came, never more ahead of the answers
 * than one head's worth, and are never looked at here. What does not fit into a channel is
 * owed: nothing is lost, and a connection that must wait is not read meanwhile.
 */
#include "src/file-sender/http_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"

#define NONE UINT32_MAX
#define READ_TURN 4
#define NR_BITS 40

static int
allocate(struct http *h)
{
	h->all = calloc(HTTP_CONNS, sizeof *h->all);
	h->answers = calloc(HTTP_CONNS, sizeof *h->answers);
	h->buckets = calloc(HTTP_BUCKETS, sizeof *h->buckets);
	if (h->all == NULL || h->answers == NULL || h->buckets == NULL)
		return ERR_SYS;
	if (timers_init(&h->timers, HTTP_CONNS) != 0)
		return ERR_SYS;
	return caps_init(&h->caps, HTTP_CONNS, h->setup.seed);
}

int
http_init(struct http *h, const struct http_setup *setup)
{
	memset(h, 0, sizeof *h);
	h->setup = *setup;
	if (setup->most < 1 || setup->most > HTTP_CONNS || allocate(h) != 0)
		return ERR_SYS;
	for (uint32_t i = 0; i < HTTP_BUCKETS; i++)
		h->buckets[i] = NONE;
	for (uint32_t i = 0; i < setup->most; i++)
		h->all[i].next = i + 1 < setup->most ? i + 1 : NONE;
	h->wait_first = h->wait_last = h->oldest = h->youngest = h->answer_free = NONE;
	h->deaf = true;
	return 0;
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

/* --------------------------------------------------------------------- the idle */

void
http_conn_idle(struct http *h, struct http_conn *c)
{
	uint32_t i = index_of(h, c);

	if (c->idle)
		return;
	c->idle = true;
	c->older = h->youngest;
	c->younger = NONE;
	*(h->youngest == NONE ? &h->oldest : &h->all[h->youngest].younger) = i;
	h->youngest = i;
}

static void
not_idle(struct http *h, struct http_conn *c)
{
	if (!c->idle)
		return;
	c->idle = false;
	*(c->older == NONE ? &h->oldest : &h->all[c->older].younger) = c->younger;
	*(c->younger == NONE ? &h->youngest : &h->all[c->younger].older) = c->older;
}

bool
http_conn_evict(struct http *h)
{
	if (h->oldest == NONE)
		return false;
	http_conn_close(h, &h->all[h->oldest]);
	return true;
}

/* --------------------------------------------------------------------- answers */

struct http_answer *
http_answer_take(struct http *h, struct http_conn *c)
{
	if (c->answer != NULL)
		bug("a second answer to one request");
	if (h->answer_free != NONE) {
		c->answer = &h->answers[h->answer_free];
		h->answer_free = c->answer->next;
	} else {
		if (h->answers_new == HTTP_CONNS)
			bug("more answers than connections");
		c->answer = &h->answers[h->answers_new++];
	}
	c->answer->object = NULL;
	return c->answer;
}

void
http_answer_give(struct http *h, struct http_conn *c)
{
	if (c->answer == NULL)
		return;
	if (c->answer->object != NULL)
		memfds_give(h->setup.memfds, c->answer->object);
	c->answer->next = h->answer_free;
	h->answer_free = (uint32_t)(c->answer - h->answers);
	c->answer = NULL;
}

/* ----------------------------------------------------------------- begin and end */

uint64_t
http_conn_next_nr(const struct http *h)
{
	return (uint64_t)h->setup.generation << NR_BITS | h->issued;
}

struct watch_tag
http_conn_next_tag(const struct http *h)
{
	return (struct watch_tag){
	    WATCH_CONN, h->free, (uint32_t)http_conn_next_nr(h) & 0xffffff};
}

void
http_conn_enlist(struct http *h, int fd, const struct http_peer *from)
{
	uint64_t nr = http_conn_next_nr(h);
	uint32_t i = h->free;
	struct http_conn *c = &h->all[i];
	uint32_t after = c->next;

	memset(c, 0, sizeof *c);
	c->nr = nr;
	c->fd = fd;
	c->state = CONN_READING;
	c->peer = from->peer;
	c->port = from->port;
	c->local = from->local;
	c->tls = from->tls;
	c->events = EPOLLIN;
	c->next = h->buckets[nr % HTTP_BUCKETS];
	h->buckets[nr % HTTP_BUCKETS] = i;
	h->free = after;
	h->issued++;
	http_conn_idle(h, c);
	http_conn_deadline(h, c, h->setup.head_timeout_ms);
	http_conn_owe(h, c, OWE_CONN);
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
	http_conn_listen(h);
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

	http_answer_give(h, c);
	not_idle(h, c);
	close(c->fd);
	c->fd = -1;
	c->state = CONN_GONE;
	caps_give(&h->caps, &c->peer);
	timers_clear(&h->timers, index_of(h, c));
	http_conn_owe(h, c, bits);
}

/* ----------------------------------------------------------------------- relaying */

enum relayed { RELAY_ALL, RELAY_LATER, RELAY_DEAD };

static enum relayed
relay_once(struct http *h, struct http_conn *c)
{
	struct msg m = {.nr = MSG_BYTES_TELL};
	size_t room = (size_t)(HTTP_RELAY_MAX - c->relayed);
	ssize_t n;

	if (room > sizeof m.u.bytes_tell.data.b)
		room = sizeof m.u.bytes_tell.data.b;
	n = recv(c->fd, m.u.bytes_tell.data.b, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RELAY_ALL : RELAY_DEAD;
	if (n == 0) {
		/* The peer has ended its side. What is asked already will be answered. */
		c->eof = true;
		return c->started ? RELAY_ALL : RELAY_DEAD;
	}
	m.u.bytes_tell.conn = c->nr;
	m.u.bytes_tell.next = c->next_due;
	m.u.bytes_tell.data.len = (uint16_t)n;
	if (chan_send(h->setup.parser, &m) != 0)
		bug("no room where there was some");
	if (!c->started && c->answered)
		http_conn_deadline(h, c, h->setup.head_timeout_ms);
	not_idle(h, c);
	c->started = true;
	c->parser_knows = true;
	c->next_due = false;
	c->relayed = (uint16_t)(c->relayed + n);
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
	if (c->dead)
		return true;
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
	m.u.conn_tell.tls = c->tls;
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
