/*
 * What every TLS session begins with (SSL_CTX): versions, ciphers, certificates, and what
 * is asked of clients. Made anew when the certificates change; sessions that began with
 * an older one keep it.
 */
#ifndef SALLYPORT_TLS_CONTEXT_H
#define SALLYPORT_TLS_CONTEXT_H

#include "src/tls/libssl.h"
#include "src/tls/certs.h"

/* NULL, with a line in the log, when these certificates cannot be used. The caller frees
 * it; a session holds it too. */
SSL_CTX *context_make(OSSL_LIB_CTX *lib, const struct certs *certs) MUST_CHECK;

#endif
