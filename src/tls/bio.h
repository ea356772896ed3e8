/*
 * How OpenSSL reads and writes a client's descriptor: it reads what there is, and writes
 * into one buffer for all, which is sent in one call when OpenSSL has said all it had to
 * say.
 */
#ifndef SALLYPORT_TLS_BIO_H
#define SALLYPORT_TLS_BIO_H

#include <stddef.h>

#include "src/base/openssl.h"
#include "src/tls/conn.h"

/* Of plaintext that is encrypted before it is sent. */
#define BIO_PLAIN_MAX (64u << 10)

/* 0 or ERR_SYS. */
int bio_init(void) MUST_CHECK;
/* NULL when there is no memory. The session frees it. */
BIO *bio_make(struct conn *c) MUST_CHECK;
/* Sends what the buffer holds, and what was left before; the rest becomes c->cipher.
 * 0: also when something is left. ERR_SYS: the connection is dead. */
int bio_push(struct conn *c) MUST_CHECK;
/* Bytes that clients have not taken, of all. */
size_t bio_resting(void);
/* What the connection had is forgotten. */
void bio_forget(struct conn *c);

#endif
