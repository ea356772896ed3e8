/*
 * minisign's files: vectors made by minisign 0.11, our own signatures, and every bit of
 * both flipped. That minisign itself accepts ours is shown by tests/system/image_tool.sh.
 */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/minisign.h"
#include "src/tools/secret.h"

static const char public_file[] =
    "untrusted comment: minisign public key 53133A8908E378B3\n"
    "RWSzeOMIiToTUwFMsuaQixpGcroRKEFwUA/TDSz6827DvLNK9D3i8waY\n";
/* Of a key that signs nothing but this test; without a password (minisign -W). */
static const char secret_file[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAs3jjCIk6E1Md"
    "WRghQSwW16ccqYQtKc62MM20J4/dHXFAHJgOeuk0VgFMsuaQixpGcroRKEFwUA/"
    "TDSz6827DvLNK9D3i8waYAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
static const char hashed[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUSzeOMIiToTU1ff3kfbqLrgbOXrV5PaTWMz+"
    "hB2YS4dxgJfiVKj9SycBAI6cd3zY06R7PsYZqIbbGqp1e8ci8O9"
    "uPIHRbowjA4=\n"
    "trusted comment: timestamp:1795363915\tfile:f\thashed\n"
    "hRbjr0AQ9QuACsmanuKeR//m9X0eRuyYrrFKuU3pWP8QANh1foiPBedEUOhsPdX+G6zo6Rebzp/"
    "CJczjEbc1DA==\n";
static const char legacy[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWSzeOMIiToTU3u52WYfr5Q/"
    "lwJyLv16yF7yl9cNzRRzGtnZ+MsXioQ460tPduy1PBOTBpMgbH6+YgDKOuqKcxFP"
    "UK7Nb4OLpgo=\n"
    "trusted comment: timestamp:1795366072\tfile:f\n"
    "//69mRYUPHzqEo1pWrm9PyMZrui+R27Oh/kvyiqSx3gYJMyxkA4yD6qaIq5Zvyo04Vo4rZSvtIh5i/"
    "V5SDfVBw==\n";

static struct minisign_public key;
static struct text_error error;

static int
set_up(void **state)
{
	(void)state;
	return minisign_public_file(public_file, strlen(public_file), &key, &error);
}

/* Decodes and verifies; from memory of exactly that size. */
static int
verify(const char *file, size_t len, const void *bytes, size_t n)
{
	char *exact = malloc(len + 1);
	struct minisign_signature s;
	int err;

	memcpy(exact, file, len);
	err = minisign_decode(exact, len, &s, &error);
	if (err == 0)
		err = minisign_verify(&s, &key, bytes, n);
	free(exact);
	return err;
}

static void
test_vectors(void **state)
{
	(void)state;
	assert_int_equal(verify(hashed, strlen(hashed), "hi\n", 3), 0);
	assert_int_equal(verify(legacy, strlen(legacy), "hi\n", 3), 0);
	assert_int_equal(verify(hashed, strlen(hashed), "hi", 2), ERR_DENIED);
	assert_int_equal(verify(legacy, strlen(legacy), "", 0), ERR_DENIED);
	assert_int_equal(verify(legacy, strlen(legacy), "hj\n", 3), ERR_DENIED);
}

/* The first bytes of the second line say which algorithm; each signature is only good for
 * its own. */
static void
test_algorithms(void **state)
{
	char text[1024];
	char *line;

	(void)state;
	strcpy(text, hashed);
	line = strchr(text, '\n') + 1;
	assert_memory_equal(line, "RUSz", 4);
	memcpy(line, "RWSz", 4);
	assert_int_equal(verify(text, strlen(text), "hi\n", 3), ERR_DENIED);
	memcpy(line, "RXSz", 4);
	assert_int_equal(verify(text, strlen(text), "hi\n", 3), ERR_FORMAT);
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 1);
}

/* Every flipped bit is refused but those in the untrusted comment's own text, which
 * nobody signs. */
static void
test_bit_flips(void **state)
{
	static const char *const all[] = {hashed, legacy};
	char text[1024];

	(void)state;
	for (unsigned which = 0; which < 2; which++) {
		size_t len = strlen(all[which]);
		size_t first = strlen("untrusted comment: ");
		size_t end = (size_t)(strchr(all[which], '\n') - all[which]);

		for (size_t bit = 0; bit < len * 8; bit++) {
			if (bit / 8 >= first && bit / 8 < end)
				continue;
			memcpy(text, all[which], len);
			text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
			if (verify(text, len, "hi\n", 3) == 0)
				fail_msg("file %u, bit %zu", which, bit);
		}
	}
}

static void
test_truncated(void **state)
{
	char text[1024];

	(void)state;
	for (size_t len = 0; len < strlen(hashed); len++)
		assert_int_equal(verify(hashed, len, "hi\n", 3), ERR_FORMAT);
	snprintf(text, sizeof text, "%s\n", hashed);
	assert_int_equal(verify(text, strlen(text), "hi\n", 3), ERR_FORMAT);
	snprintf(text, sizeof text, "%s%s", hashed, hashed);
	assert_int_equal(verify(text, strlen(text), "hi\n", 3), ERR_FORMAT);
	assert_int_equal(error.line, 5);
}

static void
test_other_keys(void **state)
{
	struct minisign_public good = key;

	(void)state;
	key.id[7] ^= 0x80;
	assert_int_equal(verify(hashed, strlen(hashed), "hi\n", 3), ERR_ABSENT);
	key = good;
	for (unsigned bit = 0; bit < 256; bit++) {
		key.key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(verify(hashed, strlen(hashed), "hi\n", 3), ERR_DENIED);
		key = good;
	}
	/* A key of zeros is a point of small order, for which anything is a signature. */
	memset(key.key, 0, sizeof key.key);
	assert_int_equal(verify(hashed, strlen(hashed), "hi\n", 3), ERR_DENIED);
}

static void
test_comments(void **state)
{
	struct minisign_signature s;
	struct secret_key secret;
	char *comment = calloc(1, MINISIGN_COMMENT_MAX + 2);
	static char text[MINISIGN_SIGNATURE_MAX];

	(void)state;
	secret_generate(&secret);
	secret_public(&secret, &key);
	assert_int_equal(secret_sign(&secret, "text", 4, "", text), 0);
	assert_int_equal(verify(text, strlen(text), "text", 4), 0);
	memset(comment, 'c', MINISIGN_COMMENT_MAX);
	assert_int_equal(secret_sign(&secret, "text", 4, comment, text), 0);
	assert_int_equal(verify(text, strlen(text), "text", 4), 0);
	assert_int_equal(minisign_decode(text, strlen(text), &s, &error), 0);
	assert_true(s.prehashed);
	assert_int_equal(s.comment.len, MINISIGN_COMMENT_MAX);
	comment[MINISIGN_COMMENT_MAX] = 'c';
	assert_int_equal(secret_sign(&secret, "text", 4, comment, text), ERR_LONG);
	free(comment);
}

/* What we sign, bit by bit: the text, and the file. */
static void
test_own_signature(void **state)
{
	static char sig[MINISIGN_SIGNATURE_MAX];
	char manifest[] = "sallyport-manifest 1\nname a\n";
	struct secret_key secret;
	size_t skip;

	(void)state;
	secret_generate(&secret);
	secret_public(&secret, &key);
	assert_int_equal(
	    secret_sign(&secret, manifest, strlen(manifest), "a comment", sig), 0);
	assert_int_equal(verify(sig, strlen(sig), manifest, strlen(manifest)), 0);
	for (size_t bit = 0; bit < strlen(manifest) * 8; bit++) {
		manifest[bit / 8] = (char)(manifest[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(
		    verify(sig, strlen(sig), manifest, sizeof manifest - 1), ERR_DENIED);
		manifest[bit / 8] = (char)(manifest[bit / 8] ^ 1 << bit % 8);
	}
	skip = (size_t)(strchr(sig, '\n') - sig);
	for (size_t bit = skip * 8, len = strlen(sig); bit < len * 8; bit++) {
		sig[bit / 8] = (char)(sig[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(verify(sig, len, manifest, sizeof manifest - 1), 0);
		sig[bit / 8] = (char)(sig[bit / 8] ^ 1 << bit % 8);
	}
}

static void
test_secret_file(void **state)
{
	struct secret_file file;
	struct secret_key secret, again;
	struct minisign_public public;
	char text[SECRET_FILE_MAX];

	(void)state;
	assert_int_equal(secret_decode(secret_file, strlen(secret_file), &file, &error), 0);
	assert_false(file.encrypted);
	assert_int_equal(secret_open(&file, NULL, 0, &secret), 0);
	secret_public(&secret, &public);
	assert_memory_equal(&public, &key, sizeof key);
	assert_int_equal(secret_encode(&secret, NULL, 0, text), 0);
	assert_int_equal(secret_decode(text, strlen(text), &file, &error), 0);
	assert_int_equal(secret_open(&file, NULL, 0, &again), 0);
	assert_memory_equal(&again, &secret, sizeof secret);
	for (size_t len = 0; len < strlen(secret_file); len++)
		assert_int_equal(
		    secret_decode(secret_file, len, &file, &error), ERR_FORMAT);
}

/* A damaged key never signs: seed and public half must fit, the checksum must be right
 * or (as minisign leaves it) empty. The key's number is not covered by either. */
static void
test_secret_damage(void **state)
{
	struct secret_file file, good;
	struct secret_key secret;

	(void)state;
	assert_int_equal(secret_decode(secret_file, strlen(secret_file), &good, &error), 0);
	for (size_t bit = 64; bit < sizeof good.box * 8; bit++) {
		file = good;
		file.box[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(secret_open(&file, NULL, 0, &secret), ERR_DENIED);
	}
}

/* scrypt's limits come from the file: beyond reason they are not even tried. */
static void
test_secret_limits(void **state)
{
	uint8_t raw[158] = "EdScB2";
	struct secret_file file;
	char base64[300], text[400];

	(void)state;
	for (unsigned at = 38; at < 54; at += 8) {
		memset(raw + 38, 0, 16);
		raw[at + 7] = 1;
		sodium_bin2base64(
		    base64, sizeof base64, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
		snprintf(text, sizeof text, "untrusted comment: x\n%s\n", base64);
		assert_int_equal(
		    secret_decode(text, strlen(text), &file, &error), ERR_UNSUPPORTED);
	}
}

static void
test_public_file(void **state)
{
	char text[256];

	(void)state;
	for (size_t len = 0; len < strlen(public_file); len++)
		assert_int_equal(
		    minisign_public_file(public_file, len, &key, &error), ERR_FORMAT);
	snprintf(text, sizeof text, "%sx", public_file);
	assert_int_equal(
	    minisign_public_file(text, strlen(text), &key, &error), ERR_FORMAT);
	assert_int_equal(error.line, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_vectors, set_up),
	    cmocka_unit_test_setup(test_algorithms, set_up),
	    cmocka_unit_test_setup(test_bit_flips, set_up),
	    cmocka_unit_test_setup(test_truncated, set_up),
	    cmocka_unit_test_setup(test_other_keys, set_up),
	    cmocka_unit_test_setup(test_comments, set_up),
	    cmocka_unit_test_setup(test_own_signature, set_up),
	    cmocka_unit_test_setup(test_secret_file, set_up),
	    cmocka_unit_test_setup(test_secret_damage, set_up),
	    cmocka_unit_test_setup(test_secret_limits, set_up),
	    cmocka_unit_test_setup(test_public_file, set_up),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
