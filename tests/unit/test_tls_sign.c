/*
 * What process keys signs: exactly the texts of TLS handshakes, and nothing that is one
 * byte away from them.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/openssl.h"
#include "src/wire/tls_sign.h"

static uint8_t text[TLS_SIGN_TEXT_MAX + 1];
static size_t len;

static int
shape_of(size_t n)
{
	enum tls_shape shape = TLS_SHAPE_VERIFY;
	uint8_t *exact = malloc(n == 0 ? 1 : n); /* a sanitizer sees each byte too many */
	int err;

	assert_non_null(exact);
	memcpy(exact, text, n);
	err = tls_sign_shape(exact, n, &shape);
	free(exact);
	return err == 0 ? (int)shape : err;
}

static void
make_verify(const char *context, size_t hash)
{
	memset(text, 0x20, 64);
	memcpy(text + 64, context, strlen(context) + 1);
	len = 64 + strlen(context) + 1;
	memset(text + len, 0xa5, hash);
	len += hash;
}

static void
make_ecdhe(uint16_t curve, uint8_t point, uint8_t first)
{
	struct out out;

	out_init(&out, text, sizeof text);
	out_fill(&out, 0x5c, 64);
	out_u8(&out, 3);
	out_u16(&out, curve);
	out_u8(&out, point);
	out_u8(&out, first);
	out_fill(&out, 0x77, point - 1u);
	assert_true(out_ok(&out));
	len = out.len;
}

/* p of a group, by OpenSSL. */
static BIGNUM *
prime_of(const char *group)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	char name[16];
	OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
	EVP_PKEY *key = NULL;
	BIGNUM *p = NULL;

	snprintf(name, sizeof name, "%s", group);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	assert_true(EVP_PKEY_keygen_init(ctx) > 0);
	assert_true(EVP_PKEY_CTX_set_params(ctx, params) > 0);
	assert_true(EVP_PKEY_generate(ctx, &key) > 0);
	assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p) > 0);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return p;
}

/* Ys is p minus below when that is not 0, else y. */
static void
make_dhe(const char *group, unsigned below, unsigned long y)
{
	BIGNUM *p = prime_of(group), *ys = BN_dup(p);
	int n = BN_num_bytes(p);
	uint8_t bytes[512];
	struct out out;

	assert_non_null(ys);
	if (below > 0)
		assert_true(BN_sub_word(ys, below));
	else
		assert_true(BN_set_word(ys, y));
	out_init(&out, text, sizeof text);
	out_fill(&out, 0x5c, 64);
	out_u16(&out, (uint16_t)n);
	assert_int_equal(BN_bn2binpad(p, bytes, n), n);
	out_copy(&out, bytes, (size_t)n);
	out_u16(&out, 1);
	out_u8(&out, 2);
	out_u16(&out, (uint16_t)n);
	assert_int_equal(BN_bn2binpad(ys, bytes, n), n);
	out_copy(&out, bytes, (size_t)n);
	assert_true(out_ok(&out));
	len = out.len;
	BN_free(p);
	BN_free(ys);
}

/* No byte more, and none less. */
static void
only_at_this_length(int shape)
{
	assert_int_equal(shape_of(len), shape);
	text[len] = 0;
	for (size_t n = 0; n <= len + 1; n++)
		if (n != len)
			assert_int_equal(shape_of(n), ERR_FORMAT);
}

/* Every bit of these bytes counts. */
static void
each_bit_counts(size_t from, size_t to)
{
	int shape = shape_of(len);

	assert_true(shape >= 0);
	for (size_t i = from; i < to; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(shape_of(len), ERR_FORMAT);
			text[i] ^= (uint8_t)(1u << bit);
		}
	assert_int_equal(shape_of(len), shape);
}

static void
the_server_s_verify(void **state)
{
	(void)state;
	make_verify("TLS 1.3, server CertificateVerify", 32);
	assert_int_equal(len, 130);
	/* 130 + 16 = 146: the other hash, which only_at_this_length does not reach. */
	only_at_this_length(TLS_SHAPE_VERIFY);
	each_bit_counts(0, 98);
	make_verify("TLS 1.3, server CertificateVerify", 48);
	assert_int_equal(shape_of(len), TLS_SHAPE_VERIFY);
	text[len] = 0;
	assert_int_equal(shape_of(len + 1), ERR_FORMAT);
	assert_int_equal(shape_of(len - 1), ERR_FORMAT);
	make_verify("TLS 1.3, server CertificateVerify", 64);
	assert_int_equal(shape_of(len), ERR_FORMAT);
	make_verify("TLS 1.3, server CertificateVerify", 20);
	assert_int_equal(shape_of(len), ERR_FORMAT);
}

static void
no_other_context(void **state)
{
	(void)state;
	for (size_t hash = 0; hash <= 64; hash += 16) {
		make_verify("TLS 1.3, client CertificateVerify", hash);
		assert_int_equal(shape_of(len), ERR_FORMAT);
		make_verify("TLS 1.3, server certificate verify", hash);
		assert_int_equal(shape_of(len), ERR_FORMAT);
		make_verify("Exported Authenticator", hash);
		assert_int_equal(shape_of(len), ERR_FORMAT);
		make_verify("QUIC, server CertificateVerify", hash);
		assert_int_equal(shape_of(len), ERR_FORMAT);
	}
}

static void
ecdhe_on_known_curves(void **state)
{
	static const struct {
		uint16_t curve;
		uint8_t point, first;
	} good[] = {{23, 65, 4}, {24, 97, 4}, {25, 133, 4}, {29, 32, 0x99}};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		make_ecdhe(good[i].curve, good[i].point, good[i].first);
		only_at_this_length(TLS_SHAPE_ECDHE);
		each_bit_counts(64, good[i].curve == 29 ? 68 : 69);
	}
	for (unsigned curve = 0; curve < 600; curve++)
		for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
			if (curve == good[i].curve)
				continue;
			make_ecdhe((uint16_t)curve, good[i].point, 4);
			assert_int_equal(shape_of(len), ERR_FORMAT);
		}
	/* Compressed, infinity, hybrid. */
	for (unsigned first = 0; first < 8; first++) {
		make_ecdhe(23, 65, (uint8_t)first);
		assert_int_equal(shape_of(len), first == 4 ? TLS_SHAPE_ECDHE : ERR_FORMAT);
		make_ecdhe(23, 33, (uint8_t)first);
		assert_int_equal(shape_of(len), ERR_FORMAT);
	}
	/* Explicit curves (RFC 8422 forbids them). */
	make_ecdhe(23, 65, 4);
	for (unsigned type = 0; type < 256; type++) {
		text[64] = (uint8_t)type;
		assert_int_equal(shape_of(len), type == 3 ? TLS_SHAPE_ECDHE : ERR_FORMAT);
	}
}

static void
dhe_in_two_groups(void **state)
{
	static const char *const groups[] = {"ffdhe2048", "ffdhe3072"};
	size_t p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_dhe(groups[i], 12345, 0);
		p = i == 0 ? 256 : 384;
		assert_int_equal(len, 64 + 2 + p + 2 + 1 + 2 + p);
		only_at_this_length(TLS_SHAPE_DHE);
		each_bit_counts(64, 64 + 2 + p + 2 + 1 + 2);
		/* The randoms are free. */
		memset(text, 0x20, 64);
		assert_int_equal(shape_of(len), TLS_SHAPE_DHE);
	}
}

static void
dhe_in_no_small_subgroup(void **state)
{
	static const char *const groups[] = {"ffdhe2048", "ffdhe3072"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (unsigned long y = 0; y < 4; y++) {
			make_dhe(groups[i], 0, y);
			assert_int_equal(shape_of(len), y > 1 ? TLS_SHAPE_DHE : ERR_FORMAT);
		}
		for (unsigned below = 1; below < 4; below++) {
			make_dhe(groups[i], below, 0);
			assert_int_equal(
			    shape_of(len), below > 1 ? TLS_SHAPE_DHE : ERR_FORMAT);
		}
		make_dhe(groups[i], 2, 0);
		text[len - 1] = 0xff; /* p itself */
		assert_int_equal(shape_of(len), ERR_FORMAT);
		memset(text + len - 256, 0xff, 256); /* more than p */
		assert_int_equal(shape_of(len), ERR_FORMAT);
	}
}

static void
dhe_in_no_other_group(void **state)
{
	static const char *const groups[] = {"modp_2048", "modp_3072", "modp_1536"};

	(void)state;
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		make_dhe(groups[i], 5, 0);
		assert_int_equal(shape_of(len), ERR_FORMAT);
	}
}

/* What a thief of the worker would want signed. */
static void
nothing_else(void **state)
{
	static const char *const texts[] = {"",
	    "sallyport-manifest 1\nname debian-12\nversion 5\n",
	    "untrusted comment: signature of a boot image\n", "GET / HTTP/1.1\r\n\r\n"};
	uint32_t lcg = 7;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		memcpy(text, texts[i], strlen(texts[i]));
		assert_int_equal(shape_of(strlen(texts[i])), ERR_FORMAT);
	}
	for (size_t n = 0; n <= TLS_SIGN_TEXT_MAX; n++) {
		memset(text, 0x20, sizeof text);
		assert_int_equal(shape_of(n), ERR_FORMAT);
		for (size_t i = 0; i < n; i++) {
			lcg = lcg * 1664525u + 1013904223u;
			text[i] = (uint8_t)(lcg >> 24);
		}
		assert_int_equal(shape_of(n), ERR_FORMAT);
	}
}

static void
schemes(void **state)
{
	(void)state;
	for (unsigned s = 0; s < SIGN_SCHEMES; s++) {
		bool pkcs1 = s == SIGN_PKCS1_SHA256 || s == SIGN_PKCS1_SHA384;

		assert_int_equal(
		    tls_sign_allows(TLS_SHAPE_VERIFY, (enum sign_scheme)s), !pkcs1);
		assert_true(tls_sign_allows(TLS_SHAPE_ECDHE, (enum sign_scheme)s));
		assert_true(tls_sign_allows(TLS_SHAPE_DHE, (enum sign_scheme)s));
		assert_int_equal(tls_sign_is_rsa((enum sign_scheme)s), s >= 2);
		assert_int_equal(tls_sign_is_pss((enum sign_scheme)s), s >= 2 && !pkcs1);
		assert_int_equal(
		    tls_sign_hash_len((enum sign_scheme)s), s % 2 == 0 ? 32 : 48);
	}
	assert_false(tls_sign_allows(TLS_SHAPE_VERIFY, SIGN_SCHEMES));
	assert_false(tls_sign_allows(TLS_SHAPE_ECDHE, SIGN_SCHEMES));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_server_s_verify),
	    cmocka_unit_test(no_other_context),
	    cmocka_unit_test(ecdhe_on_known_curves),
	    cmocka_unit_test(dhe_in_two_groups),
	    cmocka_unit_test(dhe_in_no_small_subgroup),
	    cmocka_unit_test(dhe_in_no_other_group),
	    cmocka_unit_test(nothing_else),
	    cmocka_unit_test(schemes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
