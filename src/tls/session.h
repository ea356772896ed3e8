/*
 * TLS sessions: the handshake, and then bytes, from the client's descriptor to the pair
 * and back. Each call serves one connection for a bounded while; what is left puts it in
 * line again.
 */
#ifndef SALLYPORT_TLS_SESSION_H
#define SALLYPORT_TLS_SESSION_H

#include "src/tls/libssl.h"
#include "src/tls/conn.h"

/* Before the cage. told: the handshake is done, and the client has shown a certificate
 * (which stays the session's); 0, or negative when nobody can be told, which ends the
 * connection. 0 or ERR_SYS. */
int session_init(int (*told)(const struct conn *c, X509 *shown)) MUST_CHECK;
/* Sessions that begin from now on begin with this. NULL: none does. */
void session_context(SSL_CTX *ctx);
/* A step of a handshake. The connection may be gone afterwards. */
void session_shake(struct conn *c, uint64_t now);
/* Bytes of an open or ended one. Likewise. */
void session_serve(struct conn *c, uint64_t now);
/* Its time has come (its clock has been cleared). The connection is gone afterwards. */
void session_late(struct conn *c, enum conn_clock clock);
/* Ends it at once. why: for the log, NULL for none. */
void session_drop(struct conn *c, const char *why);
/* The certificate that an open connection's client has shown; NULL: none. */
X509 *session_shown(const struct conn *c);

#endif
