/*
 * The hash of the verifier and of sallyport-image.
 */
#include "src/verifier/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

struct sha256 *
sha256_new(void)
{
	struct sha256 *s = calloc(1, sizeof *s);
	uint8_t hash[SHA256_LEN];

	if (s == NULL)
		return NULL;
	if (OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1) {
		s->md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
		s->ctx = EVP_MD_CTX_new();
	}
	/* One round now, so that whatever OpenSSL puts off is done here. */
	if (s->md == NULL || s->ctx == NULL || !sha256_begin(s) || !sha256_add(s, "", 1) ||
	    !sha256_end(s, hash)) {
		sha256_free(s);
		return NULL;
	}
	return s;
}

void
sha256_free(struct sha256 *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
	free(s);
}

bool
sha256_begin(struct sha256 *s)
{
	return EVP_DigestInit_ex2(s->ctx, s->md, NULL) == 1;
}

bool
sha256_add(struct sha256 *s, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(s->ctx, bytes, len) == 1;
}

bool
sha256_end(struct sha256 *s, uint8_t hash[SHA256_LEN])
{
	unsigned len = 0;

	return EVP_DigestFinal_ex(s->ctx, hash, &len) == 1 && len == SHA256_LEN;
}
