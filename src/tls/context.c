/*
 * Contexts of process tls. The certificates are the operator's, by way of keys. Which
 * ciphers there are follows firmware: iPXE and EDK2 know TLS 1.2 at most, and EDK2 as
 * Debian builds it offers DHE and RSA key exchange alone, without elliptic curves.
 */
#include "src/tls/context.h"

#include "src/base/log.h"
#include "src/tls/provider.h"
#include "src/tls/tickets.h"

#define DEPTH_MAX 4           /* certificates between a client's and ours */
#define CLIENT_LIST_MAX 32768 /* bytes of the certificates that a client may send */
#define DH_BITS 3072

static const char ciphers_13[] =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/* The RSA key exchange, last: a session recorded today is read by who gets the key
 * tomorrow. DHE with CBC is for firmware of around 2016. */
#define CIPHERS_12                                                        \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"    \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"      \
	"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"        \
	"DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:"            \
	"DHE-RSA-AES256-SHA256:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA:" \
	"DHE-RSA-AES128-SHA"
#define CIPHERS_RSA                                                         \
	":AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:" \
	"AES256-SHA:AES128-SHA"

/* Not const, for libssl's macros cast that away; nobody writes to them. */
static char groups[] = "X25519:P-256:P-384";
static char sigalgs[] = PROVIDER_SIGALGS;
static char client_sigalgs[] =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:rsa_pss_rsae_sha256:"
    "rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

/* The next certificate of a list; NULL at its end, or when it is none. */
static X509 *
next_cert(OSSL_LIB_CTX *lib, const uint8_t **at, const uint8_t *end)
{
	X509 *x = *at < end ? X509_new_ex(lib, NULL) : NULL;

	if (x != NULL && d2i_X509(&x, at, (long)(end - *at)) == NULL) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static bool
use_cert(SSL_CTX *ctx, OSSL_LIB_CTX *lib, const struct certs *certs, unsigned k)
{
	const uint8_t *at = certs->kind[k].bytes, *end = at + certs->kind[k].len;
	X509 *x = next_cert(lib, &at, end);
	EVP_PKEY *key = x == NULL ? NULL : provider_key(lib, x, k);
	bool ok = key != NULL && SSL_CTX_use_certificate(ctx, x) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	X509_free(x);
	while (ok && at < end) {
		x = next_cert(lib, &at, end);
		ok = x != NULL && SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
	}
	return ok;
}

static bool
use_authorities(SSL_CTX *ctx, OSSL_LIB_CTX *lib, const struct certs *certs)
{
	const uint8_t *at = certs->kind[CERTS_CLIENT_CA].bytes;
	const uint8_t *end = at + certs->kind[CERTS_CLIENT_CA].len;
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	int mode = SSL_VERIFY_PEER;
	bool ok = true;

	if (certs->verify_client == 0)
		return true;
	while (ok && at < end) {
		X509 *x = next_cert(lib, &at, end);

		ok = x != NULL && X509_STORE_add_cert(store, x) == 1 &&
		     SSL_CTX_add_client_CA(ctx, x) == 1;
		X509_free(x);
	}
	if (certs->verify_client == 2)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_LIST_MAX);
	return ok && SSL_CTX_set1_client_sigalgs_list(ctx, client_sigalgs) == 1;
}

static bool
use_group(SSL_CTX *ctx, OSSL_LIB_CTX *lib)
{
	EVP_PKEY *dh = provider_dh(lib, DH_BITS);

	if (dh != NULL && SSL_CTX_set0_tmp_dh_pkey(ctx, dh) == 1)
		return true;
	EVP_PKEY_free(dh);
	return false;
}

static bool
set_up(SSL_CTX *ctx, bool rsa_exchange)
{
	static const unsigned char id[] = "sallyport";

	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE |
				     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	tickets_use(ctx);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, ciphers_13) == 1 &&
	       SSL_CTX_set_cipher_list(
		   ctx, rsa_exchange ? CIPHERS_12 CIPHERS_RSA : CIPHERS_12) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, sigalgs) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

SSL_CTX *
context_make(OSSL_LIB_CTX *lib, const struct certs *certs)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(lib, NULL, TLS_server_method());
	bool ok = ctx != NULL && set_up(ctx, certs->rsa_exchange) && use_group(ctx, lib) &&
		  use_authorities(ctx, lib, certs);

	for (unsigned k = 0; ok && k < certs->keys; k++)
		ok = use_cert(ctx, lib, certs, k);
	if (ok)
		return ctx;
	log_event(LOG_ERROR, "certificates", "error=\"%s\"",
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}
