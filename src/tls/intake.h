/*
 * What file-senders hand over: a connection and one end of a pair, in two messages with
 * nothing of theirs between. What does not match is closed.
 */
#ifndef SALLYPORT_TLS_INTAKE_H
#define SALLYPORT_TLS_INTAKE_H

#include "privsep/msg.h"

/* Either takes fd over. */
void on_tls_conn_tell(unsigned worker, const struct msg_tls_conn_tell *m, int fd);
void on_tls_pair_tell(
    unsigned worker, const struct msg_tls_pair_tell *m, int fd, uint64_t now);
/* That file-sender is gone, and so are its connections. */
void intake_gone(unsigned worker);

#endif
