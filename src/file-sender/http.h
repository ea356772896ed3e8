/*
 * The HTTP half of file-sender: what the broker grants or denies is answered, bodies are
 * sent from sealed objects, deadlines are kept. Times are milliseconds of
 * clock_mono_ms().
 */
#ifndef SALLYPORT_FILE_SENDER_HTTP_H
#define SALLYPORT_FILE_SENDER_HTTP_H

#include "src/file-sender/http_conn.h"

/* Something happened on a connection. events: those of epoll. */
void http_event(struct http *h, struct watch_tag tag, uint32_t events, uint64_t now);
void http_accept(struct http *h, unsigned listener, uint64_t now);
/* Takes what another worker has left waiting. */
void http_accept_all(struct http *h, uint64_t now);
/* Orders of the broker. 0, also for a connection that is gone; ERR_STATE for a number
 * that was never issued, ERR_RANGE for an answer that cannot be: the broker's fault. */
int http_grant(
    struct http *h, const struct msg_http_grant_tell *g, uint64_t now) MUST_CHECK;
int http_deny(struct http *h, const struct msg_http_deny_tell *d, uint64_t now) MUST_CHECK;
/* Serves what is due, and those who wait for room in a channel. */
void http_tick(struct http *h, uint64_t now);
/* Nothing is due before. */
uint64_t http_next(const struct http *h);
/* Their channel was reset and carries RESET_TELL or FORGET_TELL as its first message again.
 * Connections that waited for an answer are closed; the others go on, and a new broker is
 * told of them. */
void http_broker_gone(struct http *h, uint64_t now);
void http_parser_gone(struct http *h, uint64_t now);
/* http-parser is at work; before that, and without it, no connection is taken: another
 * worker may have one. */
void http_parser_here(struct http *h, uint64_t now);

#endif
