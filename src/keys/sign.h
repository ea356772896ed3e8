/*
 * What may be signed and decrypted, and how.
 */
#ifndef SALLYPORT_KEYS_SIGN_H
#define SALLYPORT_KEYS_SIGN_H

#include "src/keys/load.h"
#include "src/wire/tls_sign.h"

#define SIGN_SECRET_LEN 48 /* bytes of the premaster secret of RSA key exchange */

/* Before anything is signed: 0, or
 * ERR_FORMAT: no text of a handshake, or a scheme that does not go with it. No tls process
 *   of ours asks that: the one that did is owned.
 * ERR_DENIED: there is no such key, or it is of another kind. Keys may have changed. */
int sign_check(const struct secrets *s, unsigned key, unsigned scheme, const uint8_t *text,
    size_t len) MUST_CHECK;

/* Signs what sign_check() has passed. 0, or ERR_SYS when OpenSSL fails. From any thread. */
int sign_make(const struct secrets *s, unsigned key, enum sign_scheme scheme,
    const uint8_t *text, size_t len, uint8_t sig[TLS_SIGNATURE_MAX],
    size_t *siglen) MUST_CHECK;

/* The secret of a TLS 1.2 handshake with RSA key exchange; version: that of the
 * ClientHello. Always 48 bytes: random ones for a text that is wrong in any way, in the
 * same time (RFC 5246, 7.4.7.1). 0, ERR_DENIED: no such RSA key, ERR_SYS: no random
 * bytes. From any thread. */
int sign_decrypt(const struct secrets *s, unsigned key, uint16_t version,
    const uint8_t *text, size_t len, uint8_t secret[SIGN_SECRET_LEN]) MUST_CHECK;

#endif
