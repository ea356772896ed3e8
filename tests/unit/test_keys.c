/*
 * Process keys without its cage: which files it takes, what it signs and decrypts, and how
 * the tls processes, some of them owned, get their answers.
 */
#include "tests/unit/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/keys/pool.h"
#include "src/keys/serve.h"
#include "tests/lib/certs.h"

enum { RSA_KEY, EC_KEY, SIGNERS = 3 };

static EVP_PKEY *private[2];
static struct secrets secrets;
static struct serve_config config = {
    .secrets = &secrets, .signers = SIGNERS, .verify_client = 2};
static struct chan tls[SIGNERS]; /* the tls processes' ends */
static int super;                /* the supervisor's */

/* ------------------------------------------------------------------ texts of handshakes */

static uint8_t text[TLS_SIGN_TEXT_MAX];
static size_t text_len;

static void
make_verify(void)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";

	memset(text, ' ', 64);
	memcpy(text + 64, context, sizeof context);
	memset(text + 64 + sizeof context, 0x3a, 32);
	text_len = 64 + sizeof context + 32;
}

/* Without its NUL. */
static void
set_word(size_t at, const char *word)
{
	for (; *word != '\0'; word++)
		text[at++] = (uint8_t)*word;
}

static void
make_ecdhe(void)
{
	static const uint8_t head[] = {3, 0, 29, 32};

	memset(text, 0x6b, 64 + sizeof head + 32);
	memcpy(text + 64, head, sizeof head);
	text_len = 64 + sizeof head + 32;
}

static bool
is_signature(EVP_PKEY *key, enum sign_scheme scheme, const uint8_t *sig, size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	const char *hash = tls_sign_hash_len(scheme) == 48 ? "SHA384" : "SHA256";
	bool good;

	assert_true(EVP_DigestVerifyInit_ex(md, &ctx, hash, NULL, NULL, key, NULL) == 1);
	if (tls_sign_is_pss(scheme)) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
	}
	good = EVP_DigestVerify(md, sig, len, text, text_len) == 1;
	EVP_MD_CTX_free(md);
	return good;
}

/* ------------------------------------------------------------------ set up */

static struct key
loaded(EVP_PKEY *key, const char *name, int days)
{
	X509 *own = certs_make(key, name, days, NULL, NULL);
	char *key_pem = certs_key_pem(key, NULL), *pem = certs_pem(&own, 1);
	struct key k;

	assert_null(load_key(secrets.lib, key_pem, strlen(key_pem), pem, strlen(pem), &k));
	free(key_pem);
	free(pem);
	X509_free(own);
	return k;
}

static int
make_all(void **state)
{
	int pair[2];

	(void)state;
	secrets.lib = load_library();
	assert_non_null(secrets.lib);
	private[RSA_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	private[EC_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	secrets.keys[RSA_KEY] = loaded(private[RSA_KEY], "boot.example", 90);
	secrets.keys[EC_KEY] = loaded(private[EC_KEY], "boot.example", 90);
	secrets.n = 2;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	super = dup2(pair[0], FD_FREE + 100);
	assert_int_equal(dup2(pair[1], FD_SUPER), FD_SUPER);
	for (int i = 0; i < SIGNERS; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
		assert_int_equal(dup2(pair[1], FD_SIGN + i), FD_SIGN + i);
		chan_init(
		    &tls[i], dup2(pair[0], FD_FREE + 1 + i), ROLE_TLS, ROLE_KEYS, 0, 64);
	}
	return 0;
}

static int
free_all(void **state)
{
	(void)state;
	load_forget(&secrets);
	for (unsigned i = 0; i < 2; i++)
		EVP_PKEY_free(private[i]);
	return 0;
}

/* A process without threads, with empty channels. */
static int
serve_alone(void **state)
{
	uint8_t notice[4];

	(void)state;
	make_verify();
	pool_init(&secrets, 0);
	serve_init(&config);
	for (unsigned i = 0; i < SIGNERS; i++) {
		struct chan drained;

		chan_init(&drained, FD_SIGN + (int)i, ROLE_KEYS, ROLE_TLS, i, 1);
		chan_reset(&drained);
		chan_reset(&tls[i]);
	}
	while (recv(super, notice, sizeof notice, MSG_DONTWAIT) > 0)
		continue;
	return 0;
}

/* ------------------------------------------------------------------ files */

static const char *
refusal(EVP_PKEY *key, char *password, X509 *const certs[], unsigned n, struct key *k)
{
	char *key_pem = certs_key_pem(key, password);
	char *pem = n == 0 ? strdup("nothing\n") : certs_pem(certs, n);
	const char *why =
	    load_key(secrets.lib, key_pem, strlen(key_pem), pem, strlen(pem), k);

	free(key_pem);
	free(pem);
	if (why != NULL) {
		assert_null(k->private);
		assert_null(k->chain.der);
	}
	return why;
}

static void
empty(struct key *k)
{
	struct secrets s = {.n = 1};

	s.keys[0] = *k;
	load_forget(&s);
}

static void
keys_that_are_taken(void **state)
{
	static const struct {
		const char *type, *group;
		bool quick;
	} kinds[] = {{"EC", "P-256", true}, {"EC", "P-384", false}};
	struct key k;

	(void)state;
	assert_true(secrets.keys[RSA_KEY].is_rsa);
	assert_false(secrets.keys[RSA_KEY].is_quick);
	assert_int_equal(secrets.keys[RSA_KEY].size, 256);
	for (unsigned i = 0; i < 2; i++) {
		EVP_PKEY *key =
		    EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type, kinds[i].group);
		X509 *own = certs_make(key, "-nameless", 10, NULL, NULL);

		assert_null(refusal(key, NULL, &own, 1, &k));
		assert_false(k.is_rsa);
		assert_int_equal(k.is_quick, kinds[i].quick);
		assert_false(k.chain.has_name);
		assert_true(k.chain.in_order);
		assert_int_equal(k.chain.n, 1);
		assert_true(k.chain.expires > clock_wall_s() + UINT64_C(9) * 86400);
		assert_true(k.chain.expires < clock_wall_s() + UINT64_C(11) * 86400);
		empty(&k);
		X509_free(own);
		EVP_PKEY_free(key);
	}
}

static void
keys_that_are_refused(void **state)
{
	EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *curve = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	EVP_PKEY *short_rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *own = certs_make(private[EC_KEY], "a", 10, NULL, NULL);
	char password[] = "open sesame", *pem = certs_pem(&own, 1);
	struct key k;

	(void)state;
	assert_string_equal(refusal(other, NULL, &own, 1, &k),
	    "it does not belong to the first certificate");
	assert_string_equal(
	    refusal(curve, NULL, &own, 1, &k), "an EC key is one of P-256 or P-384");
	assert_string_equal(
	    refusal(short_rsa, NULL, &own, 1, &k), "an RSA key has 2048 to 4096 bits");
	assert_string_equal(
	    refusal(edwards, NULL, &own, 1, &k), "neither an RSA nor an EC key");
	assert_string_equal(refusal(private[EC_KEY], password, &own, 1, &k),
	    "it is encrypted; the server has no password");
	assert_string_equal(refusal(private[EC_KEY], NULL, NULL, 0, &k),
	    "there is no certificate in it (PEM is expected)");
	assert_string_equal(load_key(secrets.lib, pem, strlen(pem), pem, strlen(pem), &k),
	    "there is no private key in it (PEM is expected)");
	assert_string_equal(load_key(secrets.lib, "", 0, pem, strlen(pem), &k),
	    "there is no private key in it (PEM is expected)");
	free(pem);
	X509_free(own);
	EVP_PKEY_free(other);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(short_rsa);
	EVP_PKEY_free(edwards);
}

static void
chains(void **state)
{
	EVP_PKEY *ca_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *ca = certs_make(ca_key, "ca", 3000, NULL, NULL);
	X509 *leaf = certs_make(private[EC_KEY], "a", 10, ca, ca_key);
	X509 *good[] = {leaf, ca}, *wrong[] = {ca, leaf}, *many[90];
	uint8_t both[8192], *end = both;
	char *pem;
	struct chain c;
	struct key k;

	(void)state;
	assert_null(refusal(private[EC_KEY], NULL, good, 2, &k));
	assert_true(k.chain.in_order);
	assert_int_equal(k.chain.n, 2);
	assert_true(i2d_X509(leaf, &end) > 0 && i2d_X509(ca, &end) > 0);
	assert_int_equal(k.chain.len, end - both);
	assert_memory_equal(k.chain.der, both, k.chain.len);
	empty(&k);
	/* The key's own comes first. */
	assert_non_null(refusal(private[EC_KEY], NULL, wrong, 2, &k));
	good[1] = leaf;
	assert_null(refusal(private[EC_KEY], NULL, good, 2, &k));
	assert_false(k.chain.in_order);
	empty(&k);
	for (unsigned i = 0; i < 90; i++)
		many[i] = ca;
	pem = certs_pem(many, 90);
	assert_string_equal(load_chain(secrets.lib, pem, strlen(pem), LOAD_CHAIN_MAX, &c),
	    "too many or too large certificates");
	pem[strlen(pem) - 60] = '!';
	assert_string_equal(load_chain(secrets.lib, pem, strlen(pem), LOAD_FILE_MAX, &c),
	    "a certificate in it is damaged");
	assert_null(c.der);
	free(pem);
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

/* ------------------------------------------------------------------ signatures */

static void
handshakes_are_signed(void **state)
{
	uint8_t sig[TLS_SIGNATURE_MAX];
	size_t len;

	(void)state;
	for (unsigned s = 0; s < SIGN_SCHEMES; s++) {
		enum sign_scheme scheme = (enum sign_scheme)s;
		unsigned key = tls_sign_is_rsa(scheme) ? RSA_KEY : EC_KEY;

		make_ecdhe();
		assert_int_equal(sign_check(&secrets, key, s, text, text_len), 0);
		assert_int_equal(
		    sign_make(&secrets, key, scheme, text, text_len, sig, &len), 0);
		assert_true(is_signature(private[key], scheme, sig, len));
		/* Another key, one that does not exist. */
		assert_int_equal(
		    sign_check(&secrets, 1 - key, s, text, text_len), ERR_DENIED);
		assert_int_equal(sign_check(&secrets, 2, s, text, text_len), ERR_DENIED);
		make_verify();
		assert_int_equal(sign_check(&secrets, key, s, text, text_len),
		    tls_sign_allows(TLS_SHAPE_VERIFY, scheme) ? 0 : ERR_FORMAT);
	}
}

static void
nothing_else_is_signed(void **state)
{
	(void)state;
	for (unsigned s = 0; s < 8; s++)
		for (unsigned key = 0; key < 3; key++) {
			memset(text, 'x', sizeof text);
			for (size_t n = 0; n <= sizeof text; n++)
				assert_int_equal(
				    sign_check(&secrets, key, s, text, n), ERR_FORMAT);
			make_verify();
			set_word(73, "client");
			assert_int_equal(
			    sign_check(&secrets, key, s, text, text_len), ERR_FORMAT);
		}
	make_ecdhe();
	for (unsigned s = SIGN_SCHEMES; s < 256; s++)
		assert_int_equal(sign_check(&secrets, 0, s, text, text_len), ERR_FORMAT);
}

/* ------------------------------------------------------------------ decryption */

/* Encrypts a whole block, whatever it is. */
static void
encrypt(const uint8_t block[256], uint8_t out[256])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private[RSA_KEY], NULL);
	size_t len = 256;

	assert_true(EVP_PKEY_encrypt_init(ctx) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
	assert_true(EVP_PKEY_encrypt(ctx, out, &len, block, 256) > 0);
	EVP_PKEY_CTX_free(ctx);
}

static void
make_block(uint8_t block[256])
{
	memset(block, 0x55, 256);
	block[0] = 0;
	block[1] = 2;
	block[207] = 0;
	block[208] = 3; /* the version */
	block[209] = 3;
	for (unsigned i = 210; i < 256; i++)
		block[i] = (uint8_t)i;
}

/* The answers look alike: 48 bytes, other ones each time. */
static void
is_random(const uint8_t *bytes, size_t len, const uint8_t block[256])
{
	uint8_t one[48], other[48];

	assert_int_equal(sign_decrypt(&secrets, RSA_KEY, 0x303, bytes, len, one), 0);
	assert_int_equal(sign_decrypt(&secrets, RSA_KEY, 0x303, bytes, len, other), 0);
	assert_memory_not_equal(one, other, 48);
	assert_memory_not_equal(one, block + 208, 48);
}

static void
secrets_are_decrypted(void **state)
{
	uint8_t block[256], out[256], secret[48];

	(void)state;
	make_block(block);
	encrypt(block, out);
	assert_int_equal(sign_decrypt(&secrets, RSA_KEY, 0x303, out, 256, secret), 0);
	assert_memory_equal(secret, block + 208, 48);
	assert_int_equal(
	    sign_decrypt(&secrets, EC_KEY, 0x303, out, 256, secret), ERR_DENIED);
	assert_int_equal(sign_decrypt(&secrets, 2, 0x303, out, 256, secret), ERR_DENIED);
}

static void
wrong_texts_look_like_right_ones(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} wrong[] = {
	    {0, 1}, {1, 1}, {2, 0}, {100, 0}, {206, 0}, {207, 1}, {208, 2}, {209, 1}};
	uint8_t block[256], out[512] = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		make_block(block);
		block[wrong[i].at] = wrong[i].value;
		encrypt(block, out);
		is_random(out, 256, block);
	}
	make_block(block);
	encrypt(block, out);
	for (size_t n = 0; n <= 512; n += n < 254 || n > 258 ? 32 : 1)
		if (n != 256)
			is_random(out, n, block);
	memset(out, 0xff, sizeof out); /* above the modulus */
	is_random(out, 256, block);
	memset(out, 0, sizeof out);
	is_random(out, 256, block);
}

/* ------------------------------------------------------------------ asks */

static void
ask_sign(unsigned who, uint32_t ask, unsigned key, enum sign_scheme scheme)
{
	struct msg m = {.nr = MSG_SIGN_ASK};

	m.u.sign_ask.ask = ask;
	m.u.sign_ask.key = (uint8_t)key;
	m.u.sign_ask.scheme = (uint8_t)scheme;
	m.u.sign_ask.text.len = (uint16_t)text_len;
	memcpy(m.u.sign_ask.text.b, text, text_len);
	assert_int_equal(chan_send(&tls[who], &m), 0);
	chan_flush(&tls[who]);
}

static bool
told(unsigned who, struct msg *m)
{
	int got = chan_recv(&tls[who], m, NULL);

	if (got == 0)
		got = chan_recv(&tls[who], m, NULL);
	return got == 1;
}

static void
work_off(void)
{
	while (serve_step())
		continue;
}

/* The supervisor is told of this one alone. */
static void
is_accused(unsigned who)
{
	uint8_t b[4];

	assert_int_equal(recv(super, b, sizeof b, MSG_DONTWAIT), 4);
	assert_int_equal(b[0], NOTICE_FAULT);
	assert_int_equal(b[1], ROLE_TLS);
	assert_int_equal(b[2], who);
	assert_int_equal(recv(super, b, sizeof b, MSG_DONTWAIT), -1);
}

static void
each_gets_its_own_answers(void **state)
{
	struct msg m;

	(void)state;
	for (unsigned i = 0; i < SIGNERS; i++)
		ask_sign(
		    i, 100 + i, i % 2, i % 2 == 0 ? SIGN_PSS_SHA256 : SIGN_ECDSA_SHA256);
	work_off();
	for (unsigned i = 0; i < SIGNERS; i++) {
		assert_true(told(i, &m));
		assert_int_equal(m.nr, MSG_SIGN_ANS);
		assert_int_equal(m.u.sign_ans.ask, 100 + i);
		assert_int_equal(m.u.sign_ans.ok, 1);
		assert_true(is_signature(private[i % 2],
		    i % 2 == 0 ? SIGN_PSS_SHA256 : SIGN_ECDSA_SHA256,
		    m.u.sign_ans.signature.b, m.u.sign_ans.signature.len));
		assert_false(told(i, &m));
	}
}

static void
an_owned_one_is_accused(void **state)
{
	struct msg m;

	(void)state;
	set_word(73, "client");
	ask_sign(1, 1, EC_KEY, SIGN_ECDSA_SHA256);
	make_verify();
	ask_sign(1, 2, EC_KEY, SIGN_ECDSA_SHA256); /* too late to be good */
	ask_sign(2, 3, EC_KEY, SIGN_ECDSA_SHA256);
	work_off();
	is_accused(1);
	assert_false(told(1, &m));
	assert_true(told(2, &m));
	assert_int_equal(m.u.sign_ans.ok, 1);
	/* Its successor is another. */
	serve_reset(1);
	ask_sign(1, 4, EC_KEY, SIGN_ECDSA_SHA256);
	work_off();
	assert_true(told(1, &m));
	assert_int_equal(m.u.sign_ans.ask, 4);
	assert_int_equal(m.u.sign_ans.ok, 1);
	/* PKCS#1 for TLS 1.3. */
	ask_sign(0, 5, RSA_KEY, SIGN_PKCS1_SHA256);
	work_off();
	is_accused(0);
	assert_false(told(0, &m));
}

static void
keys_that_are_not_there(void **state)
{
	struct msg m;
	uint8_t b[4];

	(void)state;
	ask_sign(0, 1, EC_KEY, SIGN_PSS_SHA256);
	ask_sign(0, 2, RSA_KEY, SIGN_ECDSA_SHA256);
	secrets.n = 1;
	ask_sign(0, 3, EC_KEY, SIGN_ECDSA_SHA256);
	work_off();
	secrets.n = 2;
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(told(0, &m));
		assert_int_equal(m.u.sign_ans.ask, i);
		assert_int_equal(m.u.sign_ans.ok, 0);
		assert_int_equal(m.u.sign_ans.signature.len, 0);
	}
	assert_int_equal(recv(super, b, sizeof b, MSG_DONTWAIT), -1);
}

static void
decryption_only_when_configured(void **state)
{
	struct msg m = {.nr = MSG_DECRYPT_ASK};
	uint8_t block[256];
	unsigned key = RSA_KEY;

	(void)state;
	make_block(block);
	m.u.decrypt_ask.version = 0x303;
	m.u.decrypt_ask.text.len = 256;
	encrypt(block, m.u.decrypt_ask.text.b);
	for (unsigned i = 0; i < 3; i++) {
		struct msg a;

		config.decrypts = i > 0;
		m.u.decrypt_ask.ask = i;
		m.u.decrypt_ask.key = (uint8_t)key;
		assert_int_equal(chan_send(&tls[0], &m), 0);
		chan_flush(&tls[0]);
		work_off();
		assert_true(told(0, &a));
		assert_int_equal(a.nr, MSG_DECRYPT_ANS);
		assert_int_equal(a.u.decrypt_ans.ask, i);
		assert_int_equal(a.u.decrypt_ans.ok, i == 1);
		if (i == 1)
			assert_memory_equal(a.u.decrypt_ans.secret, block + 208, 48);
		else
			assert_int_equal(a.u.decrypt_ans.secret[0], 0);
		key = i == 0 ? RSA_KEY : EC_KEY;
	}
	config.decrypts = false;
}

static void
certificates_in_pieces(void **state)
{
	struct msg m = {.nr = MSG_CERTS_ASK};
	struct key *k = secrets.keys;
	struct chain large = {.der = malloc(LOAD_CHAIN_MAX), .len = LOAD_CHAIN_MAX, .n = 9};
	struct chain kept = k[1].chain;
	uint8_t got[3][LOAD_CHAIN_MAX];
	size_t len[3] = {0};

	(void)state;
	assert_non_null(large.der);
	for (size_t i = 0; i < large.len; i++)
		large.der[i] = (uint8_t)(i >> 3);
	k[1].chain = large;
	secrets.clients = kept;
	m.u.certs_ask.ask = 77;
	assert_int_equal(chan_send(&tls[0], &m), 0);
	chan_flush(&tls[0]);
	work_off();
	for (;;) {
		assert_true(told(0, &m));
		if (m.nr == MSG_CERTS_ANS)
			break;
		assert_int_equal(m.nr, MSG_CERT_TELL);
		assert_int_equal(m.u.cert_tell.ask, 77);
		memcpy(got[m.u.cert_tell.kind] + len[m.u.cert_tell.kind],
		    m.u.cert_tell.part.b, m.u.cert_tell.part.len);
		len[m.u.cert_tell.kind] += m.u.cert_tell.part.len;
	}
	assert_int_equal(m.u.certs_ans.ask, 77);
	assert_int_equal(m.u.certs_ans.keys, 2);
	assert_int_equal(m.u.certs_ans.verify_client, 2);
	assert_int_equal(m.u.certs_ans.rsa_exchange, 0);
	assert_int_equal(len[0], k[0].chain.len);
	assert_memory_equal(got[0], k[0].chain.der, len[0]);
	assert_int_equal(len[1], large.len);
	assert_memory_equal(got[1], large.der, len[1]);
	assert_int_equal(len[2], kept.len);
	assert_memory_equal(got[2], kept.der, len[2]);
	k[1].chain = kept;
	memset(&secrets.clients, 0, sizeof secrets.clients);
	free(large.der);
}

/* One that asks without end delays nobody, and gets no more than its share. */
static void
not_more_than_its_rate(void **state)
{
	uint64_t before = clock_mono_ms(), took;
	unsigned good = 0, refused = 0;
	struct msg m;

	(void)state;
	for (unsigned i = 0; i < SERVE_RATE + SERVE_RATE / 2; i++) {
		ask_sign(0, i, EC_KEY, SIGN_ECDSA_SHA256);
		work_off();
		assert_true(told(0, &m));
		assert_int_equal(m.u.sign_ans.ask, i);
		*(m.u.sign_ans.ok != 0 ? &good : &refused) += 1;
	}
	took = clock_mono_ms() - before;
	assert_true(good >= SERVE_RATE);
	assert_true(good <= SERVE_RATE + (took + 1) * SERVE_RATE / 1000 + 1);
	/* Others have their own. */
	ask_sign(1, 1, EC_KEY, SIGN_ECDSA_SHA256);
	work_off();
	assert_true(told(1, &m));
	assert_int_equal(m.u.sign_ans.ok, 1);
}

/* Its answers fill the queue: nothing more of it is read until it takes some. */
static void
one_that_does_not_listen(void **state)
{
	unsigned asked = 0, answered = 0, quiet = 0;
	struct msg m = {.nr = MSG_CERTS_ASK};

	(void)state;
	while (quiet < 100) {
		chan_flush(&tls[0]);
		if (chan_room(&tls[0], 1)) {
			m.u.certs_ask.ask = asked++;
			assert_int_equal(chan_send(&tls[0], &m), 0);
			quiet = 0;
		} else {
			quiet++;
		}
		(void)serve_step();
		assert_true(asked < 100000);
	}
	ask_sign(1, 1, EC_KEY, SIGN_ECDSA_SHA256);
	(void)serve_step();
	assert_true(told(1, &m));
	for (unsigned idle = 0; answered < asked && idle < 1000; idle++) {
		(void)serve_step();
		chan_flush(&tls[0]);
		while (told(0, &m)) {
			if (m.nr != MSG_CERTS_ANS)
				continue;
			assert_int_equal(m.u.certs_ans.ask, answered);
			answered++;
			idle = 0;
		}
	}
	assert_int_equal(answered, asked);
}

/* ------------------------------------------------------------------ threads */

static void
until(bool *done, unsigned who, struct msg *m)
{
	struct pollfd p[1 + SIGNERS] = {{FD_SIGNED, POLLIN, 0}};

	for (*done = false; !*done;) {
		(void)serve_step();
		*done = told(who, m);
		if (*done)
			return;
		serve_poll(p + 1);
		assert_true(poll(p, 1 + SIGNERS, 30000) > 0);
		if (p[0].revents != 0)
			pool_clear();
	}
}

static int
serve_with_threads(void **state)
{
	(void)serve_alone(state);
	pool_init(&secrets, 2);
	pool_start(NULL);
	return 0;
}

static void
threads_sign(void **state)
{
	struct msg m;
	bool done;

	(void)state;
	/* One asks far more than it may have under way. */
	for (unsigned i = 0; i < 40; i++)
		ask_sign(0, i, RSA_KEY, SIGN_PSS_SHA256);
	(void)serve_step();
	/* Another is served before most of these. */
	ask_sign(1, 1000, RSA_KEY, SIGN_PSS_SHA384);
	until(&done, 1, &m);
	assert_int_equal(m.u.sign_ans.ask, 1000);
	assert_int_equal(m.u.sign_ans.ok, 1);
	assert_true(is_signature(private[RSA_KEY], SIGN_PSS_SHA384,
	    m.u.sign_ans.signature.b, m.u.sign_ans.signature.len));
	for (unsigned i = 0; i < 40; i++) {
		until(&done, 0, &m);
		assert_int_equal(m.u.sign_ans.ok, 1);
		assert_true(is_signature(private[RSA_KEY], SIGN_PSS_SHA256,
		    m.u.sign_ans.signature.b, m.u.sign_ans.signature.len));
	}
	assert_false(told(0, &m));
	/* What a dead one has asked is answered to nobody. */
	for (unsigned i = 0; i < 4; i++)
		ask_sign(2, i, RSA_KEY, SIGN_PSS_SHA256);
	(void)serve_step();
	serve_reset(2);
	chan_reset(&tls[2]);
	for (unsigned i = 0; i < 4; i++)
		ask_sign(2, 50 + i, RSA_KEY, SIGN_PSS_SHA256);
	for (unsigned seen = 0; seen < 4; seen++) {
		until(&done, 2, &m);
		assert_true(m.u.sign_ans.ask >= 50);
	}
	pool_stop();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_that_are_taken),
	    cmocka_unit_test(keys_that_are_refused),
	    cmocka_unit_test(chains),
	    cmocka_unit_test(handshakes_are_signed),
	    cmocka_unit_test(nothing_else_is_signed),
	    cmocka_unit_test(secrets_are_decrypted),
	    cmocka_unit_test(wrong_texts_look_like_right_ones),
	    cmocka_unit_test_setup(each_gets_its_own_answers, serve_alone),
	    cmocka_unit_test_setup(an_owned_one_is_accused, serve_alone),
	    cmocka_unit_test_setup(keys_that_are_not_there, serve_alone),
	    cmocka_unit_test_setup(decryption_only_when_configured, serve_alone),
	    cmocka_unit_test_setup(certificates_in_pieces, serve_alone),
	    cmocka_unit_test_setup(not_more_than_its_rate, serve_alone),
	    cmocka_unit_test_setup(one_that_does_not_listen, serve_alone),
	    cmocka_unit_test_setup(threads_sign, serve_with_threads),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
