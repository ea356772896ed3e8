/*
 * Clients' certificates: the broker is told which connection has shown which.
 */
#ifndef SALLYPORT_TLS_CLIENTS_H
#define SALLYPORT_TLS_CLIENTS_H

#include "privsep/chan.h"
#include "src/base/openssl.h"
#include "src/tls/conn.h"

/* Has been sent when this returns: request bytes may follow. 0, or ERR_FULL. */
int clients_tell(struct chan *broker, const struct conn *c, X509 *shown) MUST_CHECK;

#endif
