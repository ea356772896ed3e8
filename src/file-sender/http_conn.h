/*
 * The HTTP connections of this process: who knows of each, and what is still owed to the
 * broker and to http-parser because a channel was full. Request bytes are relayed unread.
 *
 * Private to http*.c, except http_init.
 */
#ifndef SALLYPORT_FILE_SENDER_HTTP_CONN_H
#define SALLYPORT_FILE_SENDER_HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "src/file-sender/http_table.h"

/* Allocates. 0 or ERR_SYS. */
int http_init(struct http *h, const struct http_setup *setup) MUST_CHECK;

/* Whose connection it is, and where it came in. */
struct http_peer {
	struct addr peer, local;
	uint16_t port;
	uint8_t tls; /* as in struct http_conn */
};

/* Takes at most 16 connections from listening socket number `listener`. */
void http_conn_accept(struct http *h, unsigned listener);
/* A connection from a stream socket, non-blocking, that may be of any family: taken over,
 * or closed when that cannot be. */
void http_conn_adopt(struct http *h, int fd, const struct http_peer *from);
/* Listens, if it does not and may now. */
void http_conn_listen(struct http *h);
/* Does not, before that time at least. */
void http_conn_go_deaf(struct http *h, uint64_t until);
/* The live connection of that number. NULL when it is gone or was never; then *foreign
 * says that this process can never have issued it. */
struct http_conn *http_conn_find(struct http *h, uint64_t nr, bool *foreign);
/* The one of an event; NULL when another has its place by now. */
struct http_conn *http_conn_at(struct http *h, struct watch_tag tag);
void http_conn_want(struct http *h, struct http_conn *c, uint32_t events);
void http_conn_deadline(struct http *h, struct http_conn *c, uint32_t ms);
/* Owes these, pays what there is room for, and puts the rest on the waiting list. The
 * connection may be gone afterwards. */
void http_conn_owe(struct http *h, struct http_conn *c, unsigned bits);
/* Pays the waiting ones in turn. */
void http_conn_pay_waiting(struct http *h);
/* There are connections waiting, and room for what they wait with. */
bool http_conn_can_pay(const struct http *h);
/* The connection gets its last answer, or none: nobody need know it any more. */
void http_conn_tell_end(struct http *h, struct http_conn *c);
/* Closes; the entry is free as soon as nothing is owed. */
void http_conn_close(struct http *h, struct http_conn *c);

/* What http_accept.c, https.c and http_conn.c have to know of each other. */
void http_conn_enlist(struct http *h, int fd, const struct http_peer *from);
uint64_t http_conn_next_nr(const struct http *h);
/* A connection of HTTPS: its socket and one end of a new pair go to a tls process, the
 * other end is the connection. Closed when that cannot be. */
void https_adopt(struct http *h, int fd, const struct http_peer *from);
struct watch_tag http_conn_next_tag(const struct http *h);
/* Nothing is asked: it may be closed in favour of a new one, who waits longest first. */
void http_conn_idle(struct http *h, struct http_conn *c);
/* Closes the one that has been idle longest. False when none is. */
bool http_conn_evict(struct http *h);

/* An answer for this connection, which has none; and back. */
struct http_answer *http_answer_take(struct http *h, struct http_conn *c);
void http_answer_give(struct http *h, struct http_conn *c);

#endif
