/*
 * Answers of file-sender. The broker decides; this writes headers and moves bytes with
 * sendfile, a bounded piece a turn, so that connections are served alike. Peers may be
 * slow, silent, or gone at any point: every state has a deadline.
 */
#include "src/file-sender/http.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"

#define BODY_TURN (2048u << 10) /* bytes of one connection before the others' turn */
#define LINGER_MS 2000
#define DRAIN_TURN 16
#define SMALL_MAX 16384 /* bytes of a body that is copied, and sent with its header */
#define SMALL_LINES 100 /* a second, of answers with one */
#define LARGE_LINES 500

/* --------------------------------------------------------------------- the answer */

/* The answer is out. A line costs as much as a small answer, of which there may be many. */
static void
report_sent(const struct http *h, const struct http_conn *c)
{
	static struct log_limit small = {.rate = SMALL_LINES},
				large = {.rate = LARGE_LINES};
	const struct http_answer *a = c->answer;
	struct log_limit *limit = a->length <= SMALL_MAX ? &small : &large;
	char peer[ADDR_TEXT_MAX], name[128];

	if (!log_wants(LOG_INFO) || !log_take(limit))
		return;
	log_write(LOG_INFO, limit, "http-sent",
	    "session=%08x peer=%s name=%s bytes=%llu ms=%llu", a->session,
	    addr_format(&c->peer, peer),
	    log_quote(a->name, strlen(a->name), name, sizeof name),
	    (unsigned long long)a->length, (unsigned long long)(h->now - a->began));
}

static void
report_cut(const struct http *h, const struct http_conn *c, const char *why)
{
	const struct http_answer *a = c->answer;
	char peer[ADDR_TEXT_MAX], name[128];

	log_limited(LOG_INFO, "http-cut",
	    "session=%08x peer=%s name=%s bytes=%llu of=%llu ms=%llu reason=%s", a->session,
	    addr_format(&c->peer, peer),
	    log_quote(a->name, strlen(a->name), name, sizeof name),
	    (unsigned long long)(a->length - a->left), (unsigned long long)a->length,
	    (unsigned long long)(h->now - a->began), why);
}

/* The end of a connection, whatever it was doing. */
static void
drop(struct http *h, struct http_conn *c, const char *why)
{
	if (c->state == CONN_SENDING && c->answer->object != NULL)
		report_cut(h, c, why);
	http_conn_close(h, c);
}

/* Who reads too little would let the kernel keep what waits for him for minutes more: it is
 * thrown away, and he is told by a reset. */
static void
cut_off(struct http *h, struct http_conn *c)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	drop(h, c, "too-slow");
}

/* Has the peer sent anything that we have not read, or that nobody has answered? */
static bool
has_more(const struct http_conn *c)
{
	uint8_t byte;

	return c->relayed > 0 ||
	       (!c->eof && recv(c->fd, &byte, sizeof byte, MSG_DONTWAIT) > 0);
}

/* The last answer is out. Closing with unread bytes would reset the connection, and the
 * peer might lose the end of the answer: then it is to close first. */
static void
linger(struct http *h, struct http_conn *c)
{
	if (!has_more(c)) {
		http_conn_close(h, c);
		return;
	}
	(void)shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	http_conn_deadline(h, c, LINGER_MS);
	http_conn_want(h, c, c->eof ? 0 : EPOLLIN);
	http_conn_tell_end(h, c);
	if (c->eof)
		http_conn_close(h, c);
}

/* The answer is out. What the parser has of the next requests already, it may go on with.
 */
static void
finish(struct http *h, struct http_conn *c)
{
	bool keep = c->answer->keep;

	if (c->answer->object != NULL)
		report_sent(h, c);
	http_answer_give(h, c);
	if (!keep) {
		linger(h, c);
		return;
	}
	c->state = CONN_READING;
	c->answered = true;
	c->started = c->relayed > 0;
	if (c->eof && !c->started) {
		http_conn_close(h, c);
		return;
	}
	http_conn_deadline(
	    h, c, c->started ? h->setup.head_timeout_ms : h->setup.idle_timeout_ms);
	http_conn_want(h, c, c->eof || c->relayed == HTTP_RELAY_MAX ? 0 : EPOLLIN);
	if (c->started) {
		http_conn_owe(h, c, OWE_NEXT);
		return;
	}
	c->next_due = c->parser_knows;
	http_conn_idle(h, c);
}

/* 1: sent. 0: the socket is full. ERR_SYS: the connection is dead. */
static int
send_head(int fd, struct http_answer *a)
{
	int more = a->left > 0 ? MSG_MORE : 0;
	ssize_t n;

	while (a->head_sent < a->head_len) {
		n = send(fd, a->head + a->head_sent, (size_t)(a->head_len - a->head_sent),
		    MSG_DONTWAIT | MSG_NOSIGNAL | more);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : ERR_SYS;
		a->head_sent = (uint16_t)(a->head_sent + n);
	}
	return 1;
}

/* A small answer in one piece: copied, which costs less than a call of sendfile. What the
 * socket does not take goes the way of the large ones. */
static int
send_small(int fd, struct http_answer *a)
{
	static uint8_t bytes[HTTP_REPLY_MAX + SMALL_MAX];
	size_t len = a->head_len + (size_t)a->left, body;
	ssize_t n;

	memcpy(bytes, a->head, a->head_len);
	if (pread(a->object->fd, bytes + a->head_len, a->left, (off_t)a->offset) !=
	    (ssize_t)a->left)
		return ERR_SYS;
	n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_SYS;
	a->head_sent = (uint16_t)((size_t)n < a->head_len ? (size_t)n : a->head_len);
	body = (size_t)n - a->head_sent;
	a->offset += body;
	a->left -= body;
	return (size_t)n == len;
}

static int
send_body(int fd, struct http_answer *a)
{
	off_t offset = (off_t)a->offset;
	size_t want = a->left < BODY_TURN ? (size_t)a->left : BODY_TURN;
	ssize_t n = sendfile(fd, a->object->fd, &offset, want);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_SYS;
	if (n == 0)
		return ERR_SYS;
	a->offset += (uint64_t)n;
	a->left -= (uint64_t)n;
	return a->left == 0;
}

static void
send_some(struct http *h, struct http_conn *c)
{
	struct http_answer *a = c->answer;
	bool small = a->head_sent == 0 && a->left > 0 && a->left <= SMALL_MAX;
	int done = small ? send_small(c->fd, a) : send_head(c->fd, a);

	if (!small && done == 1 && a->left > 0)
		done = send_body(c->fd, a);
	if (done < 0)
		drop(h, c, "peer-closed");
	else if (done > 0)
		finish(h, c);
	else
		http_conn_want(h, c, EPOLLOUT);
}

/* Writes the header of r, and begins to send. */
static int
begin(struct http *h, struct http_conn *c, const struct http_reply *r)
{
	struct http_answer *a = c->answer;
	int len = http_reply_encode(r, a->head, sizeof a->head);

	if (len < 0) {
		http_answer_give(h, c);
		return ERR_RANGE;
	}
	a->head_len = (uint16_t)len;
	a->head_sent = 0;
	a->keep = r->keep;
	a->mark = a->left;
	a->began = h->now;
	c->state = CONN_SENDING;
	c->owes &= (uint8_t)~OWE_BYTES;
	http_conn_deadline(h, c, h->setup.rate_window_ms);
	send_some(h, c);
	return 0;
}

static int
begin_plain(struct http *h, struct http_conn *c, const struct http_reply *r)
{
	struct http_answer *a = http_answer_take(h, c);

	a->left = a->length = 0;
	return begin(h, c, r);
}

static void
answer_plain(struct http *h, struct http_conn *c, uint16_t status)
{
	struct http_reply r = {.status = status, .now = clock_wall_s()};

	if (begin_plain(h, c, &r) != 0)
		bug("a status of our own");
}

/* --------------------------------------------------------------- orders of the broker */

/* The connection that an order is for. 0 with *c NULL: it is gone, or what http-parser
 * asked in its name it cannot have asked, which is not the broker's fault. used: bytes of
 * the request. */
static int
target(struct http *h, uint64_t nr, uint16_t used, struct http_conn **c)
{
	bool foreign;

	*c = http_conn_find(h, nr, &foreign);
	if (*c == NULL)
		return foreign ? ERR_STATE : 0;
	if ((*c)->state == CONN_READING && (*c)->started && used <= (*c)->relayed) {
		(*c)->relayed = (uint16_t)((*c)->relayed - used);
		return 0;
	}
	if ((*c)->state != CONN_LINGER)
		log_limited(
		    LOG_WARNING, "http-unasked", "conn=%llx", (unsigned long long)nr);
	if ((*c)->state == CONN_READING)
		http_conn_close(h, *c);
	*c = NULL;
	return 0;
}

static int
begin_object(struct http *h, struct http_conn *c, const struct msg_http_grant_tell *g,
    const struct http_reply *r)
{
	struct http_answer *a = http_answer_take(h, c);

	memcpy(a->name, g->name, sizeof a->name);
	a->session = g->session;
	a->offset = g->offset + g->first;
	a->left = a->length = g->head ? 0 : g->length;
	if (!g->head)
		a->object = memfds_take(h->setup.memfds, g->memfd, a->offset, g->length);
	if (!g->head && a->object == NULL) {
		log_limited(LOG_ERROR, "object-unknown", "memfd=%u", g->memfd);
		http_answer_give(h, c);
		answer_plain(h, c, 503);
		return 0;
	}
	return begin(h, c, r);
}

int
http_grant(struct http *h, const struct msg_http_grant_tell *g, uint64_t now)
{
	struct http_reply r = {.status = g->status,
	    .head = g->head,
	    .keep = g->keep,
	    .first = g->first,
	    .length = g->length,
	    .total = g->total,
	    .content = (enum content)g->content,
	    .modified = g->modified,
	    .now = clock_wall_s()};
	struct http_conn *c;
	int err;

	h->now = now;
	err = target(h, g->conn, g->used, &c);
	if (err != 0 || c == NULL)
		return err;
	if (g->status >= 300 || g->first > UINT64_MAX - g->offset)
		return ERR_RANGE;
	memcpy(r.etag, g->etag, sizeof r.etag);
	return begin_object(h, c, g, &r);
}

int
http_deny(struct http *h, const struct msg_http_deny_tell *d, uint64_t now)
{
	struct http_reply r = {.status = d->status,
	    .head = d->head,
	    .keep = d->keep,
	    .total = d->total,
	    .modified = d->modified,
	    .now = clock_wall_s()};
	struct http_conn *c;
	int err;

	h->now = now;
	err = target(h, d->conn, d->used, &c);
	if (err != 0 || c == NULL)
		return err;
	if (d->status < 300)
		return ERR_RANGE;
	memcpy(r.etag, d->etag, sizeof r.etag);
	return begin_plain(h, c, &r);
}

/* ------------------------------------------------------------------ from the network */

void
http_accept(struct http *h, unsigned listener, uint64_t now)
{
	h->now = now;
	http_conn_accept(h, listener);
}

void
http_accept_all(struct http *h, uint64_t now)
{
	for (unsigned i = 0; i < h->setup.nlisteners; i++)
		http_accept(h, i, now);
}

/* Throws away what comes after the last answer. */
static void
drain(struct http *h, struct http_conn *c)
{
	uint8_t bytes[4096];

	for (unsigned i = 0; i < DRAIN_TURN; i++) {
		ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			http_conn_close(h, c);
			return;
		}
	}
}

void
http_event(struct http *h, struct watch_tag tag, uint32_t events, uint64_t now)
{
	struct http_conn *c = http_conn_at(h, tag);

	h->now = now;
	if (c == NULL)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		drop(h, c, "peer-closed");
	else if (c->state == CONN_SENDING)
		send_some(h, c);
	else if (c->state == CONN_LINGER)
		drain(h, c);
	else if ((events & EPOLLIN) != 0)
		http_conn_owe(h, c, OWE_BYTES);
}

/* ---------------------------------------------------------------------- deadlines */

static void
on_deadline(struct http *h, struct http_conn *c)
{
	struct http_answer *a = c->answer;

	if (c->state == CONN_SENDING && a->mark - a->left < h->setup.window_bytes) {
		cut_off(h, c);
	} else if (c->state == CONN_SENDING) {
		a->mark = a->left;
		http_conn_deadline(h, c, h->setup.rate_window_ms);
	} else if (c->state == CONN_READING && (c->started || !c->answered)) {
		answer_plain(h, c, 408);
	} else {
		http_conn_close(h, c);
	}
}

void
http_tick(struct http *h, uint64_t now)
{
	uint32_t i;

	h->now = now;
	while ((i = timers_take_due(&h->timers, now)) != TIMERS_OUT)
		on_deadline(h, &h->all[i]);
	http_conn_pay_waiting(h);
	http_conn_listen(h);
}

uint64_t
http_next(const struct http *h)
{
	uint64_t next = timers_next(&h->timers);

	if (http_conn_can_pay(h))
		return 0;
	if (h->deaf && h->parser_here && h->free != UINT32_MAX && h->deaf_until < next)
		return h->deaf_until;
	return next;
}

/* --------------------------------------------------------------------- neighbours */

/* Nothing that was owed to this neighbour makes sense any more. */
static void
forgive(struct http_conn *c, unsigned bits)
{
	c->owes &= (uint8_t)~bits;
}

void
http_broker_gone(struct http *h, uint64_t now)
{
	h->now = now;
	for (uint32_t i = 0; i < HTTP_CONNS; i++) {
		struct http_conn *c = &h->all[i];

		if (c->state == CONN_FREE)
			continue;
		c->broker_knows = false;
		forgive(c, OWE_CONN | OWE_END_BROKER);
		if (c->state == CONN_READING && c->started)
			http_conn_close(h, c);
		else if (c->state == CONN_READING || c->state == CONN_SENDING)
			http_conn_owe(h, c, OWE_CONN);
	}
}

void
http_parser_gone(struct http *h, uint64_t now)
{
	h->now = now;
	h->parser_here = false;
	http_conn_go_deaf(h, 0);
	for (uint32_t i = 0; i < HTTP_CONNS; i++) {
		struct http_conn *c = &h->all[i];

		if (c->state == CONN_FREE)
			continue;
		c->parser_knows = c->next_due = false;
		forgive(c, OWE_NEXT | OWE_END_PARSER);
		/* Requests that it had behind the one that is being answered are lost. */
		if (c->state == CONN_SENDING && c->relayed > 0)
			c->answer->keep = false;
		if (c->state == CONN_READING && c->started)
			http_conn_close(h, c);
	}
}

void
http_parser_here(struct http *h, uint64_t now)
{
	h->now = now;
	h->parser_here = true;
	http_conn_listen(h);
}
