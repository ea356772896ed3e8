/*
 * HTTP requests: which connection is whose, and what each request gets. The bytes of the
 * answer are file-sender's.
 */
#ifndef SALLYPORT_BROKER_HTTP_H
#define SALLYPORT_BROKER_HTTP_H

#include "privsep/chan.h"
#include "src/broker/render.h"

/* After a start of ours or of theirs, http-parser may still speak of connections that it
 * has from before, for so long. */
#define HTTP_GRACE_MS 5000u

void http_init(void);
/* Of file-sender. */
void on_conn_tell(struct chan *from, const struct msg *m, int *fd);
void on_end_tell(struct chan *from, const struct msg *m, int *fd);
void on_sender_reset_tell(struct chan *from, const struct msg *m, int *fd);
/* Of tls. */
void on_client_tell(struct chan *from, const struct msg *m, int *fd);
/* Which tls process has the connection that this message of http-parser is about: one more
 * than its index; 0: none, or the client has been named. */
unsigned http_tls(unsigned worker, const struct msg *m);
/* Of http-parser. */
void on_get_tell(struct chan *from, const struct msg *m, int *fd);
void on_bad_tell(struct chan *from, const struct msg *m, int *fd);

/* A request of a connection that file-sender may have announced, but we have not heard. */
bool http_is_early(unsigned worker, const struct msg *m);

/* Answers if that is possible now. 0: done, or the connection has ended. ERR_STATE: the
 * text is not there yet, see *ticket; with `last`, that means not found, or
 * 503 when it is memory. ERR_FULL: the
 * channel is full. */
int http_try(unsigned worker, const struct msg_get_tell *m, bool last,
    struct render_ticket *ticket) MUST_CHECK;
/* The worker's connections are void. */
void http_forget(unsigned worker);

#endif
