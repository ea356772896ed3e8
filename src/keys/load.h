/*
 * What keys holds: private keys with their certificates, and the certificates of who signs
 * those of clients. Read once, before the cage.
 */
#ifndef SALLYPORT_KEYS_LOAD_H
#define SALLYPORT_KEYS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/openssl.h"

#define LOAD_FILE_MAX (128u << 10)   /* bytes of a PEM file */
#define LOAD_CHAIN_MAX (16u << 10)   /* bytes (DER) of a server's certificates */
#define LOAD_CLIENTS_MAX (32u << 10) /* bytes (DER) of clients' authorities */
#define LOAD_RSA_MIN 2048
#define LOAD_RSA_ADVISED 3072 /* newer firmware refuses shorter ones */
#define LOAD_RSA_MAX 4096     /* SIGN_ANS holds no longer signature */

/* Certificates in DER, one after the other. */
struct chain {
	uint8_t *der; /* malloc */
	size_t len;
	unsigned n;
	uint64_t expires; /* seconds since 1970, of the first one */
	bool has_name;    /* the first one has a subjectAltName */
	bool in_order;    /* each is signed by the one behind it */
};

struct key {
	EVP_PKEY *private;
	bool is_rsa;
	bool is_quick; /* P-256: a signature takes microseconds */
	size_t size;   /* bytes of an RSA modulus */
	struct chain chain;
};

struct secrets {
	OSSL_LIB_CTX *lib;
	struct key keys[KEYS_MAX];
	unsigned n;
	struct chain clients; /* n 0: none */
};

/* A library context that reads no configuration file. NULL when OpenSSL fails. */
OSSL_LIB_CTX *load_library(void);

/* A private key and its certificates from PEM, the server's own first. NULL, or why not:
 * constant text, and *key is empty. */
const char *load_key(OSSL_LIB_CTX *lib, const void *key_pem, size_t key_len,
    const void *chain_pem, size_t chain_len, struct key *key) MUST_CHECK;
/* Certificates from PEM, at most max bytes of DER. NULL, or why not. */
const char *load_chain(OSSL_LIB_CTX *lib, const void *pem, size_t len, size_t max,
    struct chain *chain) MUST_CHECK;

/* All of it from the descriptors of roles.h, which are then /dev/null. Logs what was found
 * and whatever is odd about it; exits by start_fail() when it is wrong. */
void load_secrets(struct secrets *s);
/* Wipes and forgets the private keys. */
void load_forget(struct secrets *s);

/* Says when a certificate ends soon: once each at 30, 7 and 1 days before, and after. */
void load_warn_of_expiry(const struct secrets *s, uint64_t now);

#endif
