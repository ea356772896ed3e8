/*
 * RSA decryption of the provider, for TLS's RSA key exchange alone, and there only when the
 * server is configured to have it. What is wrong with a text is neither known nor said
 * here: the answer is always 48 bytes.
 */
#include "src/tls/provider_parts.h"

struct decryption {
	const struct provider *of;
	const struct provider_key *key;
	bool is_tls; /* libssl's padding mode was set */
	unsigned version;
};

static void *
new_decryption(void *of)
{
	struct decryption *d = OPENSSL_zalloc(sizeof *d);

	if (d != NULL)
		d->of = of;
	return d;
}

static void
free_decryption(void *decryption)
{
	OPENSSL_free(decryption);
}

/* A negotiated version is named only for the sake of clients with a bug of the last
 * century; it is not taken. */
static int
set_params(void *decryption, const OSSL_PARAM params[])
{
	struct decryption *d = decryption;
	const OSSL_PARAM *padding, *version;
	int mode;

	if (params == NULL)
		return 1;
	padding = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE);
	version =
	    OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION);
	if (padding != NULL) {
		d->is_tls = padding->data_type == OSSL_PARAM_INTEGER &&
			    OSSL_PARAM_get_int(padding, &mode) == 1 &&
			    mode == RSA_PKCS1_WITH_TLS_PADDING;
		if (!d->is_tls)
			return 0;
	}
	return version == NULL || OSSL_PARAM_get_uint(version, &d->version) == 1;
}

static const OSSL_PARAM *
settable(void *decryption, void *of)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL),
	    OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
	    OSSL_PARAM_END,
	};

	(void)decryption;
	(void)of;
	return list;
}

static int
start(void *decryption, void *key, const OSSL_PARAM params[])
{
	struct decryption *d = decryption;

	d->key = key;
	return d->key != NULL && d->key->is_ours && set_params(d, params);
}

static int
decrypt(void *decryption, unsigned char *out, size_t *len, size_t room,
    const unsigned char *text, size_t text_len)
{
	const struct decryption *d = decryption;
	const struct provider_calls *calls = &d->of->calls;

	if (!d->is_tls || d->version > UINT16_MAX)
		return 0;
	*len = PROVIDER_SECRET_LEN;
	if (out == NULL)
		return 1;
	return room >= PROVIDER_SECRET_LEN &&
	       calls->decrypt(calls->arg, d->key->number, (uint16_t)d->version, text,
		   text_len, out) == 0;
}

static const OSSL_DISPATCH functions[] = {
    ENTRY(OSSL_FUNC_ASYM_CIPHER_NEWCTX, new_decryption),
    ENTRY(OSSL_FUNC_ASYM_CIPHER_FREECTX, free_decryption),
    ENTRY(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, start),
    ENTRY(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
    ENTRY(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_params),
    ENTRY(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
    {0, NULL},
};

const OSSL_ALGORITHM provider_ciphers[] = {
    {"RSA:rsaEncryption", PROVIDER_PROPERTIES, functions, NULL},
    {NULL, NULL, NULL, NULL},
};
