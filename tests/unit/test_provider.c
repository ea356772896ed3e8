/*
 * The provider under libssl: whole handshakes in memory with keys that only the test's own
 * function holds; what it signs has the shape that process keys asks for; and nothing gets
 * a private key out of it.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "src/tls/provider.h"

#include <openssl/encoder.h>
#include <openssl/ssl.h>

enum { RSA_KEY, EC_KEY, KEYS };

static EVP_PKEY *private[KEYS];
static X509 *cert[KEYS];
static OSSL_LIB_CTX *ctx; /* signs only */
static OSSL_LIB_CTX *ctx_decrypts;

/* What the provider asked for. */
static struct {
	unsigned signatures, decryptions, key;
	enum sign_scheme scheme;
	enum tls_shape shape;
	int answer;
} asked;

/* ------------------------------------------------------- the other process, in short */

static int
sign_here(void *arg, unsigned key, enum sign_scheme scheme, const uint8_t *text, size_t len,
    uint8_t *sig, size_t *siglen)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	const char *hash = tls_sign_hash_len(scheme) == 48 ? "SHA384" : "SHA256";

	assert_ptr_equal(arg, &asked);
	assert_true(key < KEYS);
	asked.signatures++;
	asked.key = key;
	asked.scheme = scheme;
	assert_int_equal(tls_sign_shape(text, len, &asked.shape), 0);
	assert_true(tls_sign_allows(asked.shape, scheme));
	assert_int_equal(tls_sign_is_rsa(scheme), key == RSA_KEY);
	if (asked.answer != 0) {
		EVP_MD_CTX_free(md);
		return asked.answer;
	}
	assert_true(
	    EVP_DigestSignInit_ex(md, &pctx, hash, NULL, NULL, private[key], NULL) == 1);
	if (tls_sign_is_pss(scheme)) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0);
	}
	assert_true(EVP_DigestSign(md, sig, siglen, text, len) == 1);
	EVP_MD_CTX_free(md);
	return 0;
}

static int
decrypt_here(void *arg, unsigned key, uint16_t version, const uint8_t *text, size_t len,
    uint8_t secret[PROVIDER_SECRET_LEN])
{
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(NULL, private[key], NULL);
	unsigned v = version;
	size_t n = PROVIDER_SECRET_LEN;
	OSSL_PARAM params[2] = {
	    OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &v),
	    OSSL_PARAM_construct_end(),
	};

	assert_ptr_equal(arg, &asked);
	assert_int_equal(key, RSA_KEY);
	assert_int_equal(version, TLS1_2_VERSION);
	asked.decryptions++;
	assert_true(EVP_PKEY_decrypt_init(pctx) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_WITH_TLS_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_params(pctx, params) > 0);
	assert_true(EVP_PKEY_decrypt(pctx, secret, &n, text, len) > 0);
	assert_int_equal(n, PROVIDER_SECRET_LEN);
	EVP_PKEY_CTX_free(pctx);
	return 0;
}

/* ------------------------------------------------------------------------ certificates */

static X509 *
certify(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	assert_true(x != NULL && name != NULL);
	assert_true(X509_set_version(x, X509_VERSION_3) == 1);
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			(const unsigned char *)"boot.example", -1, -1, 0) == 1);
	assert_true(X509_set_subject_name(x, name) == 1);
	assert_true(X509_set_issuer_name(x, name) == 1);
	assert_true(X509_set_pubkey(x, key) == 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	X509_NAME_free(name);
	return x;
}

static int
make_all(void **state)
{
	struct provider_calls calls = {.sign = sign_here, .arg = &asked};

	(void)state;
	private[RSA_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	private[EC_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	for (unsigned i = 0; i < KEYS; i++)
		cert[i] = certify(private[i]);
	ctx = provider_start(&calls);
	calls.decrypt = decrypt_here;
	ctx_decrypts = provider_start(&calls);
	return ctx == NULL || ctx_decrypts == NULL;
}

static int
free_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		X509_free(cert[i]);
		EVP_PKEY_free(private[i]);
	}
	return 0;
}

static int
forget_asked(void **state)
{
	(void)state;
	memset(&asked, 0, sizeof asked);
	ERR_clear_error();
	return 0;
}

/* ------------------------------------------------------------------------ handshakes */

struct tried {
	int version;
	const char *ciphers; /* of TLS 1.2 */
	const char *groups;
	const char *sigalgs; /* the client's; NULL: all */
	unsigned keys;       /* bit n: the server has certificate n */
	unsigned dh;         /* bits */
	bool decrypts;
};

/* OpenSSL's own macros cast const away. */
static bool
set_list(SSL_CTX *ssl, int what, const char *list)
{
	char copy[160];

	snprintf(copy, sizeof copy, "%s", list);
	return SSL_CTX_ctrl(ssl, what, 0, copy) == 1;
}

static SSL_CTX *
make_server(const struct tried *t)
{
	OSSL_LIB_CTX *lib = t->decrypts ? ctx_decrypts : ctx;
	SSL_CTX *s = SSL_CTX_new_ex(lib, NULL, TLS_server_method());

	assert_non_null(s);
	assert_true(set_list(s, SSL_CTRL_SET_SIGALGS_LIST, PROVIDER_SIGALGS));
	assert_true(SSL_CTX_set_cipher_list(s, "ALL:!aNULL") == 1);
	for (unsigned i = 0; i < KEYS; i++) {
		EVP_PKEY *key;

		if ((t->keys & 1u << i) == 0)
			continue;
		key = provider_key(lib, cert[i], i);
		assert_non_null(key);
		assert_true(SSL_CTX_use_certificate(s, cert[i]) == 1);
		assert_true(SSL_CTX_use_PrivateKey(s, key) == 1);
		assert_true(SSL_CTX_check_private_key(s) == 1);
		EVP_PKEY_free(key);
	}
	if (t->dh != 0) {
		EVP_PKEY *dh = provider_dh(lib, t->dh);

		assert_non_null(dh);
		assert_int_equal(EVP_PKEY_get_bits(dh), t->dh);
		assert_true(SSL_CTX_set0_tmp_dh_pkey(s, dh) == 1);
	}
	return s;
}

static SSL_CTX *
make_client(const struct tried *t)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	assert_non_null(c);
	for (unsigned i = 0; i < KEYS; i++)
		assert_true(X509_STORE_add_cert(SSL_CTX_get_cert_store(c), cert[i]) == 1);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	assert_true(SSL_CTX_set_min_proto_version(c, t->version) == 1);
	assert_true(SSL_CTX_set_max_proto_version(c, t->version) == 1);
	if (t->ciphers != NULL)
		assert_true(SSL_CTX_set_cipher_list(c, t->ciphers) == 1);
	if (t->groups != NULL)
		assert_true(set_list(c, SSL_CTRL_SET_GROUPS_LIST, t->groups));
	if (t->sigalgs != NULL)
		assert_true(set_list(c, SSL_CTRL_SET_SIGALGS_LIST, t->sigalgs));
	return c;
}

static bool
meet(SSL *s, SSL *c)
{
	char byte = 0;

	for (unsigned i = 0; i < 20; i++) {
		int client = SSL_do_handshake(c), server = SSL_do_handshake(s);

		if (client == 1 && server == 1)
			return SSL_write(c, "x", 1) == 1 && SSL_read(s, &byte, 1) == 1 &&
			       byte == 'x';
	}
	return false;
}

static bool
handshake(const struct tried *t)
{
	SSL_CTX *sctx = make_server(t), *cctx = make_client(t);
	SSL *s = SSL_new(sctx), *c = SSL_new(cctx);
	BIO *one = NULL, *other = NULL;
	bool met;

	assert_true(s != NULL && c != NULL && BIO_new_bio_pair(&one, 0, &other, 0) == 1);
	SSL_set_bio(s, one, one);
	SSL_set_bio(c, other, other);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	met = meet(s, c);
	SSL_free(s);
	SSL_free(c);
	SSL_CTX_free(sctx);
	SSL_CTX_free(cctx);
	return met;
}

static void
expect(const struct tried *t, unsigned key, enum sign_scheme scheme, enum tls_shape shape)
{
	memset(&asked, 0, sizeof asked);
	if (!handshake(t)) {
		ERR_print_errors_fp(stderr);
		fail();
	}
	assert_int_equal(asked.signatures, 1);
	assert_int_equal(asked.decryptions, 0);
	assert_int_equal(asked.key, key);
	assert_int_equal(asked.scheme, scheme);
	assert_int_equal(asked.shape, shape);
}

static void
tls13(void **state)
{
	struct tried t = {.version = TLS1_3_VERSION, .keys = 1u << RSA_KEY};

	(void)state;
	expect(&t, RSA_KEY, SIGN_PSS_SHA256, TLS_SHAPE_VERIFY);
	t.sigalgs = "rsa_pss_rsae_sha384";
	expect(&t, RSA_KEY, SIGN_PSS_SHA384, TLS_SHAPE_VERIFY);
	t.keys = 1u << EC_KEY;
	t.sigalgs = "ECDSA+SHA256";
	expect(&t, EC_KEY, SIGN_ECDSA_SHA256, TLS_SHAPE_VERIFY);
}

static void
tls12_with_elliptic_curves(void **state)
{
	static const char *const groups[] = {"X25519", "P-256", "P-384", "P-521"};
	struct tried t = {.version = TLS1_2_VERSION};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		t.groups = groups[i];
		t.keys = 1u << RSA_KEY;
		t.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
		t.sigalgs = "rsa_pss_rsae_sha256";
		expect(&t, RSA_KEY, SIGN_PSS_SHA256, TLS_SHAPE_ECDHE);
		t.sigalgs = "RSA+SHA256";
		expect(&t, RSA_KEY, SIGN_PKCS1_SHA256, TLS_SHAPE_ECDHE);
		t.sigalgs = "RSA+SHA384";
		expect(&t, RSA_KEY, SIGN_PKCS1_SHA384, TLS_SHAPE_ECDHE);
		if (i == 0) /* an EC certificate needs its own curve among the groups */
			t.groups = "X25519:P-256";
		else if (i > 1)
			continue;
		t.keys = 1u << EC_KEY;
		t.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
		t.sigalgs = "ECDSA+SHA256";
		expect(&t, EC_KEY, SIGN_ECDSA_SHA256, TLS_SHAPE_ECDHE);
		t.sigalgs = "ECDSA+SHA384";
		expect(&t, EC_KEY, SIGN_ECDSA_SHA384, TLS_SHAPE_ECDHE);
	}
}

static void
tls12_with_finite_fields(void **state)
{
	struct tried t = {.version = TLS1_2_VERSION, .keys = 3};

	(void)state;
	t.ciphers = "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-SHA";
	for (t.dh = 2048; t.dh <= 3072; t.dh += 1024) {
		t.sigalgs = NULL;
		expect(&t, RSA_KEY, SIGN_PSS_SHA256, TLS_SHAPE_DHE);
		t.sigalgs = "RSA+SHA256:RSA+SHA1";
		expect(&t, RSA_KEY, SIGN_PKCS1_SHA256, TLS_SHAPE_DHE);
	}
}

static void
two_certificates_at_once(void **state)
{
	struct tried t = {.version = TLS1_3_VERSION, .keys = 3};

	(void)state;
	t.sigalgs = "rsa_pss_rsae_sha256";
	expect(&t, RSA_KEY, SIGN_PSS_SHA256, TLS_SHAPE_VERIFY);
	t.sigalgs = "ECDSA+SHA256";
	expect(&t, EC_KEY, SIGN_ECDSA_SHA256, TLS_SHAPE_VERIFY);
	t.version = TLS1_2_VERSION;
	t.sigalgs = NULL;
	t.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
	expect(&t, RSA_KEY, SIGN_PSS_SHA256, TLS_SHAPE_ECDHE);
	t.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
	expect(&t, EC_KEY, SIGN_ECDSA_SHA256, TLS_SHAPE_ECDHE);
}

static void
rsa_key_exchange_only_when_allowed(void **state)
{
	struct tried t = {.version = TLS1_2_VERSION, .keys = 3};

	(void)state;
	t.ciphers = "AES256-GCM-SHA384";
	assert_false(handshake(&t));
	assert_int_equal(asked.decryptions, 0);
	t.decrypts = true;
	assert_true(handshake(&t));
	assert_int_equal(asked.decryptions, 1);
	assert_int_equal(asked.signatures, 0);
}

/* All that these clients know is SHA-1, or another hash that keys does not make. */
static void
no_other_hash(void **state)
{
	static const char *const lists[] = {
	    "RSA+SHA1", "RSA+SHA512", "rsa_pss_rsae_sha512"};
	struct tried t = {.version = TLS1_2_VERSION, .keys = 1u << RSA_KEY};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		t.sigalgs = lists[i];
		assert_false(handshake(&t));
	}
	assert_int_equal(asked.signatures, 0);
}

/* A client that knows but a curve that keys does not sign: it gets nothing, and keys is not
 * even asked, for it would accuse us. */
static void
no_other_curve(void **state)
{
	struct tried t = {.version = TLS1_2_VERSION, .keys = 1u << RSA_KEY};

	(void)state;
	t.groups = "X448";
	t.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
	assert_false(handshake(&t));
	assert_int_equal(asked.signatures, 0);
}

static void
no_signature_no_handshake(void **state)
{
	struct tried t = {.version = TLS1_3_VERSION, .keys = 3};

	(void)state;
	asked.answer = ERR_DENIED;
	assert_false(handshake(&t));
	assert_int_equal(asked.signatures, 1);
	t.version = TLS1_2_VERSION;
	assert_false(handshake(&t));
	assert_int_equal(asked.signatures, 2);
}

/* ------------------------------------------------------------------------ refusals */

static void
written_in_no_form(EVP_PKEY *key)
{
	static const char *const forms[] = {"PEM", "DER"};
	static const char *const structures[] = {
	    "PrivateKeyInfo", "type-specific", "EncryptedPrivateKeyInfo"};
	OSSL_PARAM *params = NULL;
	BIO *out = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 0);
	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 0);
	assert_int_equal(i2d_PrivateKey_bio(out, key), 0);
	assert_int_equal(BIO_pending(out), 0);
	BIO_free(out);
	assert_int_not_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 1);
	assert_null(params);
	for (unsigned i = 0; i < 6; i++) {
		OSSL_ENCODER_CTX *e = OSSL_ENCODER_CTX_new_for_pkey(
		    key, EVP_PKEY_KEYPAIR, forms[i % 2], structures[i / 2], NULL);
		unsigned char *bytes = NULL;
		size_t len = 0;

		assert_false(e != NULL && OSSL_ENCODER_to_data(e, &bytes, &len) == 1);
		assert_null(bytes);
		OSSL_ENCODER_CTX_free(e);
	}
}

static int
take_params(const OSSL_PARAM params[], void *arg)
{
	(void)params;
	*(unsigned *)arg += 1;
	return 1;
}

static void
no_private_half_comes_out(void **state)
{
	static const char *const names[] = {
	    OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1};

	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		EVP_PKEY *key = provider_key(ctx, cert[i], i);
		unsigned told = 0;
		BIGNUM *n = NULL;

		assert_non_null(key);
		written_in_no_form(key);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(EVP_PKEY_get_bn_param(key, names[k], &n), 0);
		assert_null(n);
		assert_int_equal(
		    EVP_PKEY_export(key, EVP_PKEY_KEYPAIR, take_params, &told), 0);
		assert_int_equal(told, 0);
		/* The public half does. */
		assert_int_equal(
		    EVP_PKEY_export(key, EVP_PKEY_PUBLIC_KEY, take_params, &told), 1);
		assert_int_equal(told, 1);
		assert_int_equal(EVP_PKEY_eq(key, private[i]), 1);
		assert_int_equal(EVP_PKEY_eq(key, private[1 - i]) == 1, 0);
		EVP_PKEY_free(key);
	}
}

static bool
signs(EVP_PKEY *key, const char *hash, const char *properties, int padding)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	uint8_t sig[TLS_SIGNATURE_MAX];
	size_t len = sizeof sig;
	bool done =
	    EVP_DigestSignInit_ex(md, &pctx, hash, ctx, properties, key, NULL) == 1 &&
	    (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pctx, padding) > 0) &&
	    EVP_DigestSign(md, sig, &len, (const uint8_t *)"text", 4) == 1;

	EVP_MD_CTX_free(md);
	return done;
}

static void
no_other_way_to_sign(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		EVP_PKEY *key = provider_key(ctx, cert[i], i);
		EVP_PKEY_CTX *raw = EVP_PKEY_CTX_new_from_pkey(ctx, key, NULL);

		/* A text that is no handshake's. */
		assert_false(signs(key, "SHA256", NULL, 0));
		assert_false(
		    signs(key, "SHA384", NULL, i == RSA_KEY ? RSA_PKCS1_PSS_PADDING : 0));
		assert_false(signs(key, "SHA1", NULL, 0));
		assert_false(signs(key, "SHA512", NULL, 0));
		assert_false(signs(key, "MD5-SHA1", NULL, 0));
		assert_false(signs(key, "SHA256", NULL, RSA_NO_PADDING));
		assert_false(signs(key, "SHA256", NULL, RSA_X931_PADDING));
		/* A digest, already made. */
		assert_true(raw != NULL);
		assert_true(EVP_PKEY_sign_init(raw) <= 0);
		assert_true(EVP_PKEY_decrypt_init(raw) <= 0);
		assert_true(EVP_PKEY_derive_init(raw) <= 0);
		EVP_PKEY_CTX_free(raw);
		EVP_PKEY_free(key);
	}
	assert_int_equal(asked.signatures, 0);
}

static void
private_keys_are_not_taken(void **state)
{
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(ctx, "RSA", "provider=sallyport");

	(void)state;
	assert_true(EVP_PKEY_todata(private[RSA_KEY], EVP_PKEY_KEYPAIR, &params) == 1);
	assert_true(maker != NULL && EVP_PKEY_fromdata_init(maker) > 0);
	assert_true(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, params) <= 0);
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(params);
}

/* A public key that OpenSSL imported for itself has no number, and signs nothing. */
static void
a_public_key_does_not_sign(void **state)
{
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(ctx, "EC", "provider=sallyport");

	(void)state;
	assert_true(EVP_PKEY_todata(private[EC_KEY], EVP_PKEY_PUBLIC_KEY, &params) == 1);
	assert_true(maker != NULL && EVP_PKEY_fromdata_init(maker) > 0);
	assert_true(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	assert_false(signs(key, "SHA256", NULL, 0));
	assert_int_equal(asked.signatures, 0);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(params);
}

static void
other_kinds_of_keys(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = X509_new();

	(void)state;
	assert_true(X509_set_pubkey(x, key) == 1);
	assert_null(provider_key(ctx, x, 0));
	X509_free(x);
	x = X509_new();
	assert_null(provider_key(ctx, x, 0));
	X509_free(x);
	EVP_PKEY_free(key);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(tls13, forget_asked),
	    cmocka_unit_test_setup(tls12_with_elliptic_curves, forget_asked),
	    cmocka_unit_test_setup(tls12_with_finite_fields, forget_asked),
	    cmocka_unit_test_setup(two_certificates_at_once, forget_asked),
	    cmocka_unit_test_setup(rsa_key_exchange_only_when_allowed, forget_asked),
	    cmocka_unit_test_setup(no_other_hash, forget_asked),
	    cmocka_unit_test_setup(no_other_curve, forget_asked),
	    cmocka_unit_test_setup(no_signature_no_handshake, forget_asked),
	    cmocka_unit_test_setup(no_private_half_comes_out, forget_asked),
	    cmocka_unit_test_setup(no_other_way_to_sign, forget_asked),
	    cmocka_unit_test_setup(private_keys_are_not_taken, forget_asked),
	    cmocka_unit_test_setup(a_public_key_does_not_sign, forget_asked),
	    cmocka_unit_test_setup(other_kinds_of_keys, forget_asked),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
