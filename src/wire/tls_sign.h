/*
 * What a TLS server signs in a handshake, told apart from everything else. The process
 * that holds the private keys signs nothing but these texts, so that whoever owns the
 * process that speaks to the network gains no signature over a certificate, a manifest or
 * a client's proof. Pure.
 */
#ifndef SALLYPORT_WIRE_TLS_SIGN_H
#define SALLYPORT_WIRE_TLS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define TLS_SIGN_TEXT_MAX 1024 /* bytes; the longest shape has 64 + 3 * 2 + 1 + 2 * 384 */
#define TLS_SIGNATURE_MAX 512  /* bytes: RSA with 4096 bits */

/* How a signature is made. The number travels in SIGN_ASK. SHA-1 is not among them: every
 * firmware that speaks TLS 1.2 offers SHA-256 as well. */
enum sign_scheme {
	SIGN_ECDSA_SHA256,
	SIGN_ECDSA_SHA384,
	SIGN_PSS_SHA256, /* RSA-PSS, MGF1 with the same hash, salt as long as the hash */
	SIGN_PSS_SHA384,
	SIGN_PKCS1_SHA256, /* RSASSA-PKCS1-v1_5: TLS 1.2 alone */
	SIGN_PKCS1_SHA384,
	SIGN_SCHEMES
};

enum tls_shape {
	TLS_SHAPE_VERIFY, /* TLS 1.3 CertificateVerify of a server (RFC 8446, 4.4.3) */
	TLS_SHAPE_ECDHE,  /* TLS 1.2 ServerKeyExchange (RFC 5246, 7.4.3; RFC 8422, 5.4) */
	TLS_SHAPE_DHE,    /* the same with a group of RFC 7919: ffdhe2048 or ffdhe3072 */
};

/* Which of them this text is, as a whole. 0 and *shape, or ERR_FORMAT: none of them. */
int tls_sign_shape(const void *text, size_t len, enum tls_shape *shape) MUST_CHECK;

/* Whether a scheme may be used for a shape: all for TLS 1.2, all but PKCS#1 for 1.3. */
bool tls_sign_allows(enum tls_shape shape, enum sign_scheme scheme);

/* Of a scheme: made by an RSA key, else by an EC key. */
bool tls_sign_is_rsa(enum sign_scheme scheme);
bool tls_sign_is_pss(enum sign_scheme scheme);
/* Of its hash: 32 or 48 bytes. */
size_t tls_sign_hash_len(enum sign_scheme scheme);

#endif
