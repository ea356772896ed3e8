/*
 * Key management of the provider. A key here is a public one and a number; it claims to
 * have its private half, and refuses to hand that out.
 */
#include "src/tls/provider_parts.h"

static struct provider_key *
new_key(void *of, bool is_rsa)
{
	struct provider_key *k = OPENSSL_zalloc(sizeof *k);

	if (k != NULL) {
		k->of = of;
		k->is_rsa = is_rsa;
	}
	return k;
}

static void *
new_ec(void *of)
{
	return new_key(of, false);
}

static void *
new_rsa(void *of)
{
	return new_key(of, true);
}

static void
free_key(void *key)
{
	struct provider_key *k = key;

	if (k != NULL)
		EVP_PKEY_free(k->public);
	OPENSSL_free(k);
}

static int
has(const void *key, int selection)
{
	const struct provider_key *k = key;

	if (k == NULL || k->public == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || k->is_ours;
}

/* Nobody has a private key to bring along. */
static bool
has_private(const OSSL_PARAM params[])
{
	return OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL ||
	       OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_D) != NULL;
}

/* EVP_PKEY_fromdata() reads its parameters, and says so only in words. */
static EVP_PKEY *
public_from(const struct provider *p, bool is_rsa, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *maker =
	    EVP_PKEY_CTX_new_from_name(p->plain, is_rsa ? "RSA" : "EC", NULL);
	OSSL_PARAM *copy = OSSL_PARAM_dup(params);
	EVP_PKEY *key = NULL;

	if (maker != NULL && copy != NULL && EVP_PKEY_fromdata_init(maker) > 0 &&
	    EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, copy) <= 0)
		key = NULL;
	OSSL_PARAM_free(copy);
	EVP_PKEY_CTX_free(maker);
	return key;
}

static int
import(void *key, int selection, const OSSL_PARAM params[])
{
	struct provider_key *k = key;
	const OSSL_PARAM *number = OSSL_PARAM_locate_const(params, PROVIDER_PARAM_KEY);

	(void)selection;
	if (k->public != NULL || has_private(params))
		return 0;
	k->public = public_from(k->of, k->is_rsa, params);
	if (k->public == NULL)
		return 0;
	k->is_ours = number != NULL && OSSL_PARAM_get_uint(number, &k->number) == 1;
	return number == NULL || k->is_ours;
}

static const OSSL_PARAM ec_types[] = {
    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
    OSSL_PARAM_END,
};
static const OSSL_PARAM rsa_types[] = {
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM *
types_of_ec(int selection)
{
	(void)selection;
	return ec_types;
}

static const OSSL_PARAM *
types_of_rsa(int selection)
{
	(void)selection;
	return rsa_types;
}

static int export(void *key, int selection, OSSL_CALLBACK *tell, void *arg)
{
	const struct provider_key *k = key;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 || k->public == NULL)
		return 0;
	return EVP_PKEY_export(k->public, EVP_PKEY_PUBLIC_KEY, tell, arg);
}

static int
get_params(void *key, OSSL_PARAM params[])
{
	const struct provider_key *k = key;

	return k->public != NULL && EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *
gettable(void *of)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)of;
	return list;
}

static int
match(const void *one, const void *other, int selection)
{
	const struct provider_key *a = one, *b = other;

	(void)selection;
	return a->public != NULL && b->public != NULL &&
	       EVP_PKEY_eq(a->public, b->public) == 1;
}

static const char *
name_for_ec(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const char *
name_for_rsa(int operation)
{
	return operation == OSSL_OP_SIGNATURE || operation == OSSL_OP_ASYM_CIPHER ? "RSA"
										  : NULL;
}

/* clang-format off */
#define KEY_FUNCTIONS(kind)                                               \
	ENTRY(OSSL_FUNC_KEYMGMT_NEW, new_##kind),                         \
	ENTRY(OSSL_FUNC_KEYMGMT_FREE, free_key),                          \
	ENTRY(OSSL_FUNC_KEYMGMT_HAS, has),                                \
	ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, import),                          \
	ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, types_of_##kind),           \
	ENTRY(OSSL_FUNC_KEYMGMT_EXPORT, export),                          \
	ENTRY(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, types_of_##kind),           \
	ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),                  \
	ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable),               \
	ENTRY(OSSL_FUNC_KEYMGMT_MATCH, match),                            \
	ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, name_for_##kind)
/* clang-format on */

static const OSSL_DISPATCH ec[] = {KEY_FUNCTIONS(ec), {0, NULL}};
static const OSSL_DISPATCH rsa[] = {KEY_FUNCTIONS(rsa), {0, NULL}};

/* libssl looks for certificates by these names. */
const OSSL_ALGORITHM provider_keys[] = {
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", PROVIDER_PROPERTIES, ec, NULL},
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPERTIES, rsa, NULL},
    {NULL, NULL, NULL, NULL},
};
