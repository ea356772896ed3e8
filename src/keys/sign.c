/*
 * The only place where private keys are used. Part of keys; the text comes from a tls
 * process, which may be owned.
 */
#include "src/keys/sign.h"

#include <string.h>

int
sign_check(
    const struct secrets *s, unsigned key, unsigned scheme, const uint8_t *text, size_t len)
{
	enum tls_shape shape;

	if (scheme >= SIGN_SCHEMES || tls_sign_shape(text, len, &shape) != 0 ||
	    !tls_sign_allows(shape, (enum sign_scheme)scheme))
		return ERR_FORMAT;
	if (key >= s->n || s->keys[key].is_rsa != tls_sign_is_rsa((enum sign_scheme)scheme))
		return ERR_DENIED;
	return 0;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, enum sign_scheme scheme)
{
	if (!tls_sign_is_rsa(scheme))
		return true;
	if (!tls_sign_is_pss(scheme))
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

int
sign_make(const struct secrets *s, unsigned key, enum sign_scheme scheme,
    const uint8_t *text, size_t len, uint8_t sig[TLS_SIGNATURE_MAX], size_t *siglen)
{
	const char *hash = tls_sign_hash_len(scheme) == 48 ? "SHA2-384" : "SHA2-256";
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	bool made;

	*siglen = TLS_SIGNATURE_MAX;
	made = md != NULL &&
	       EVP_DigestSignInit_ex(
		   md, &ctx, hash, s->lib, NULL, s->keys[key].private, NULL) == 1 &&
	       set_padding(ctx, scheme) && EVP_DigestSign(md, sig, siglen, text, len) == 1;
	EVP_MD_CTX_free(md);
	if (!made)
		ERR_clear_error();
	return made ? 0 : ERR_SYS;
}

/* Into secret, in constant time what is in the text or random bytes. False: the text is
 * not even a number below the modulus, which everybody can see. */
static bool
decrypt(const struct secrets *s, EVP_PKEY *key, unsigned version, const uint8_t *text,
    size_t len, uint8_t secret[SIGN_SECRET_LEN])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(s->lib, key, NULL);
	OSSL_PARAM params[2] = {
	    OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
	    OSSL_PARAM_construct_end(),
	};
	size_t n = SIGN_SECRET_LEN;
	bool done;

	done = ctx != NULL && EVP_PKEY_decrypt_init(ctx) > 0 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_WITH_TLS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_params(ctx, params) > 0 &&
	       EVP_PKEY_decrypt(ctx, secret, &n, text, len) > 0 && n == SIGN_SECRET_LEN;
	EVP_PKEY_CTX_free(ctx);
	if (!done)
		ERR_clear_error();
	return done;
}

int
sign_decrypt(const struct secrets *s, unsigned key, uint16_t version, const uint8_t *text,
    size_t len, uint8_t secret[SIGN_SECRET_LEN])
{
	uint8_t made[SIGN_SECRET_LEN];

	if (key >= s->n || !s->keys[key].is_rsa)
		return ERR_DENIED;
	if (RAND_priv_bytes_ex(s->lib, secret, SIGN_SECRET_LEN, 0) != 1)
		return ERR_SYS;
	if (len == s->keys[key].size &&
	    decrypt(s, s->keys[key].private, version, text, len, made))
		memcpy(secret, made, sizeof made);
	OPENSSL_cleanse(made, sizeof made);
	return 0;
}
