/*
 * Private keys that live in another process, as an OpenSSL 3 provider of our own. To
 * libssl each looks like any private key; what it is asked to sign goes through a function
 * that the caller gives, and nothing of the private half is ever here to be exported.
 *
 * How process tls uses it: provider_start(), SSL_CTX_new_ex() with its context and no
 * property query, and for each key SSL_CTX_use_certificate() followed by
 * SSL_CTX_use_PrivateKey() with provider_key(). Signature algorithms beyond enum
 * sign_scheme fail here, so they are best not offered (PROVIDER_SIGALGS). The key exchange
 * by DHE needs SSL_CTX_set0_tmp_dh_pkey() with provider_dh(): what OpenSSL chooses by
 * itself are groups that process keys does not sign. Everything OpenSSL fetches later comes
 * from memory: no file is opened, and its configuration file is never read.
 */
#ifndef SALLYPORT_TLS_PROVIDER_H
#define SALLYPORT_TLS_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/openssl.h"
#include "src/wire/tls_sign.h"

#define PROVIDER_SECRET_LEN 48 /* of TLS's RSA key exchange */

/* For SSL_CTX_set1_sigalgs_list(): what there is an enum sign_scheme for. */
#define PROVIDER_SIGALGS                                                     \
	"ECDSA+SHA256:ECDSA+SHA384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:" \
	"RSA+SHA256:RSA+SHA384"

/* For SSL_CTX_set1_groups_list(): a ServerKeyExchange with another one is not signed. */
#define PROVIDER_GROUPS "X25519:P-256:P-384:P-521"

struct provider_calls {
	/* Signs text, always one that tls_sign_shape() knows, with a key. *siglen holds the
	 * room at sig, at most TLS_SIGNATURE_MAX, and then the length. 0, or a negative
	 * enum err: the handshake fails. */
	int (*sign)(void *arg, unsigned key, enum sign_scheme scheme, const uint8_t *text,
	    size_t len, uint8_t *sig, size_t *siglen);
	/* The premaster secret of TLS's RSA key exchange, always 48 bytes: random ones
	 * when the text is not well-formed, which only the asked process knows. version:
	 * the highest that the client offered. May be NULL: never decrypts. */
	int (*decrypt)(void *arg, unsigned key, uint16_t version, const uint8_t *text,
	    size_t len, uint8_t secret[PROVIDER_SECRET_LEN]);
	void *arg;
};

/* A library context with OpenSSL's default provider and ours, which lives as long as the
 * process. NULL when OpenSSL fails. */
OSSL_LIB_CTX *provider_start(const struct provider_calls *calls) MUST_CHECK;

/* The private key that belongs to a certificate, RSA or EC, known to the other process by
 * this number. The caller frees it. NULL when the certificate has another kind of key. */
EVP_PKEY *provider_key(OSSL_LIB_CTX *ctx, X509 *certificate, unsigned number) MUST_CHECK;

/* The DHE group of 2048 or 3072 bits. The caller, or SSL_CTX_set0_tmp_dh_pkey(), frees it.
 * NULL when OpenSSL fails. */
EVP_PKEY *provider_dh(OSSL_LIB_CTX *ctx, unsigned bits) MUST_CHECK;

#endif
