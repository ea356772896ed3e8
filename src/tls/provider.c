/*
 * The provider as OpenSSL loads it. Part of process tls, which meets the network and holds
 * no private key: this stands where OpenSSL expects one.
 */
#include "src/tls/provider.h"

#include <string.h>

#include "src/tls/provider_parts.h"

/* What init(), which OpenSSL calls without an argument of ours, is to use. */
static const struct provider_calls *starting;

static const OSSL_ALGORITHM *
query(void *of, int operation, int *no_cache)
{
	const struct provider *p = of;

	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT: return provider_keys;
	case OSSL_OP_SIGNATURE: return provider_signatures;
	case OSSL_OP_ASYM_CIPHER: return p->calls.decrypt == NULL ? NULL : provider_ciphers;
	default: return NULL;
	}
}

static int
init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **context)
{
	static const OSSL_DISPATCH functions[] = {
	    ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
	    {0, NULL},
	};
	struct provider *p = OPENSSL_zalloc(sizeof *p);

	(void)core;
	(void)in;
	if (p == NULL)
		return 0;
	p->calls = *starting;
	p->plain = OSSL_LIB_CTX_new();
	if (p->plain == NULL || OSSL_PROVIDER_load(p->plain, "default") == NULL) {
		OSSL_LIB_CTX_free(p->plain);
		OPENSSL_free(p);
		return 0;
	}
	*out = functions;
	*context = p;
	return 1;
}

OSSL_LIB_CTX *
provider_start(const struct provider_calls *calls)
{
	OSSL_LIB_CTX *ctx;

	if (OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return NULL;
	ctx = OSSL_LIB_CTX_new();
	starting = calls;
	/* The default provider first: of two that can do the same, OpenSSL takes that. */
	if (ctx == NULL || OSSL_PROVIDER_load(ctx, "default") == NULL ||
	    OSSL_PROVIDER_add_builtin(ctx, PROVIDER_NAME, init) != 1 ||
	    OSSL_PROVIDER_load(ctx, PROVIDER_NAME) == NULL) {
		OSSL_LIB_CTX_free(ctx);
		ctx = NULL;
	}
	starting = NULL;
	return ctx;
}

/* From the parameters of a public key. */
static EVP_PKEY *
import(OSSL_LIB_CTX *ctx, const char *type, OSSL_PARAM *public, unsigned number)
{
	OSSL_PARAM more[2] = {
	    OSSL_PARAM_construct_uint(PROVIDER_PARAM_KEY, &number),
	    OSSL_PARAM_construct_end(),
	};
	OSSL_PARAM *all = OSSL_PARAM_merge(public, more);
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(ctx, type, PROVIDER_PROPERTIES);
	EVP_PKEY *key = NULL;

	if (all != NULL && maker != NULL && EVP_PKEY_fromdata_init(maker) > 0 &&
	    EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, all) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(all);
	return key;
}

EVP_PKEY *
provider_key(OSSL_LIB_CTX *ctx, X509 *certificate, unsigned number)
{
	EVP_PKEY *public = X509_get0_pubkey(certificate), *key;
	OSSL_PARAM *params = NULL;
	const char *type;

	if (public == NULL)
		return NULL;
	type = EVP_PKEY_is_a(public, "RSA")  ? "RSA"
	       : EVP_PKEY_is_a(public, "EC") ? "EC"
					     : NULL;
	if (type == NULL || EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return NULL;
	key = import(ctx, type, params, number);
	OSSL_PARAM_free(params);
	return key;
}

EVP_PKEY *
provider_dh(OSSL_LIB_CTX *ctx, unsigned bits)
{
	char group[] = "ffdhe3072";
	OSSL_PARAM params[2] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(ctx, "DH", NULL);
	EVP_PKEY *key = NULL;

	if (bits == 2048)
		memcpy(group, "ffdhe2048", sizeof group);
	if (maker != NULL && EVP_PKEY_fromdata_init(maker) > 0 &&
	    EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(maker);
	return key;
}
