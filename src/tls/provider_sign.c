/*
 * Signatures of the provider. libssl gives the whole text of a handshake's signature; it
 * goes to the process that holds the key, with one of few schemes. All else ends here.
 */
#include <string.h>
#include <strings.h>

#include "src/tls/provider_parts.h"

/* What libssl sets before it signs. */
struct signing {
	const struct provider *of;
	const struct provider_key *key;
	size_t hash_len; /* 32 or 48; 0: none that we make */
	bool is_pss;
	uint8_t text[TLS_SIGN_TEXT_MAX];
	size_t len;
};

static void *
new_signing(void *of, const char *properties)
{
	struct signing *s = OPENSSL_zalloc(sizeof *s);

	(void)properties;
	if (s != NULL)
		s->of = of;
	return s;
}

static void
free_signing(void *signing)
{
	OPENSSL_free(signing);
}

static void *
copy_signing(void *signing)
{
	return OPENSSL_memdup(signing, sizeof(struct signing));
}

static bool
is_one_of(const char *name, const char *const names[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
set_hash(struct signing *s, const char *name)
{
	static const char *const sha256[3] = {"SHA2-256", "SHA256", "SHA-256"};
	static const char *const sha384[3] = {"SHA2-384", "SHA384", "SHA-384"};

	s->hash_len = is_one_of(name, sha256) ? 32 : is_one_of(name, sha384) ? 48 : 0;
	return s->hash_len != 0;
}

/* OpenSSL has numbers, and names for them, in one parameter. */
static bool
is_param(const OSSL_PARAM *param, int number, const char *name)
{
	const char *text;
	int n;

	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(param, &text) == 1 &&
		       strcmp(text, name) == 0;
	return OSSL_PARAM_get_int(param, &n) == 1 && n == number;
}

static bool
set_padding(struct signing *s, const OSSL_PARAM *param)
{
	if (!s->key->is_rsa)
		return false;
	s->is_pss = is_param(param, RSA_PKCS1_PSS_PADDING, OSSL_PKEY_RSA_PAD_MODE_PSS);
	return s->is_pss ||
	       is_param(param, RSA_PKCS1_PADDING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
}

static int
set_params(void *signing, const OSSL_PARAM params[])
{
	struct signing *s = signing;
	const OSSL_PARAM *hash, *padding, *salt, *mask;
	const char *name;

	if (params == NULL)
		return 1;
	hash = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	mask = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
	if (s->key == NULL || mask != NULL)
		return 0;
	if (hash != NULL &&
	    (OSSL_PARAM_get_utf8_string_ptr(hash, &name) != 1 || !set_hash(s, name)))
		return 0;
	if (padding != NULL && !set_padding(s, padding))
		return 0;
	return salt == NULL ||
	       is_param(salt, RSA_PSS_SALTLEN_DIGEST, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST);
}

static const OSSL_PARAM *
settable(void *signing, void *of)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)signing;
	(void)of;
	return list;
}

static int
start(void *signing, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct signing *s = signing;

	s->len = 0;
	s->is_pss = false;
	if (key != NULL)
		s->key = key;
	if (s->key == NULL || !s->key->is_ours || hash == NULL || !set_hash(s, hash))
		return 0;
	return set_params(s, params);
}

static int
add(void *signing, const unsigned char *data, size_t len)
{
	struct signing *s = signing;

	if (len > sizeof s->text - s->len)
		return 0;
	memcpy(s->text + s->len, data, len);
	s->len += len;
	return 1;
}

static enum sign_scheme
scheme_of(const struct signing *s)
{
	bool longer = s->hash_len == 48;

	if (!s->key->is_rsa)
		return longer ? SIGN_ECDSA_SHA384 : SIGN_ECDSA_SHA256;
	if (s->is_pss)
		return longer ? SIGN_PSS_SHA384 : SIGN_PSS_SHA256;
	return longer ? SIGN_PKCS1_SHA384 : SIGN_PKCS1_SHA256;
}

/* Process keys takes whoever asks for anything else for owned, and has it killed. A client
 * that talked libssl into a curve of its own would otherwise have that power. */
static bool
is_handshake(const struct signing *s)
{
	enum tls_shape shape;

	return tls_sign_shape(s->text, s->len, &shape) == 0 &&
	       tls_sign_allows(shape, scheme_of(s));
}

/* With sig NULL, OpenSSL asks how long it may become. */
static int
finish(void *signing, unsigned char *sig, size_t *len, size_t room)
{
	struct signing *s = signing;
	const struct provider_calls *calls = &s->of->calls;
	int max = EVP_PKEY_get_size(s->key->public);

	if (max <= 0 || max > TLS_SIGNATURE_MAX)
		return 0;
	*len = (size_t)max;
	if (sig == NULL)
		return 1;
	if (room < *len || s->hash_len == 0 || !is_handshake(s))
		return 0;
	return calls->sign(calls->arg, s->key->number, scheme_of(s), s->text, s->len, sig,
		   len) == 0 &&
	       *len <= (size_t)max;
}

static int
at_once(void *signing, unsigned char *sig, size_t *len, size_t room,
    const unsigned char *data, size_t data_len)
{
	if (sig == NULL)
		return finish(signing, NULL, len, room);
	return add(signing, data, data_len) && finish(signing, sig, len, room);
}

static const OSSL_DISPATCH functions[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
    ENTRY(OSSL_FUNC_SIGNATURE_DUPCTX, copy_signing),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, start),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, add),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, finish),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, at_once),
    ENTRY(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_params),
    ENTRY(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
    {0, NULL},
};

const OSSL_ALGORITHM provider_signatures[] = {
    {"ECDSA", PROVIDER_PROPERTIES, functions, NULL},
    {"RSA:rsaEncryption", PROVIDER_PROPERTIES, functions, NULL},
    {NULL, NULL, NULL, NULL},
};
