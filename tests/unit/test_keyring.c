/*
 * Keyrings: their strict form, and who may sign what.
 */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/keyring.h"

/* Made by minisign 0.11. */
#define KEY_A "RWSzeOMIiToTUwFMsuaQixpGcroRKEFwUA/TDSz6827DvLNK9D3i8waY"

static struct keyring k;
static struct text_error error;

static void
assert_refused(const char *text, unsigned line, unsigned column, const char *words)
{
	assert_int_equal(keyring_parse(text, strlen(text), &k, &error), ERR_FORMAT);
	if (error.line != line || error.column != column ||
	    strstr(error.what, words) == NULL)
		fail_msg("%u:%u: %s; wanted %u:%u: %s", error.line, error.column,
		    error.what, line, column, words);
}

static int
parse(const char *text)
{
	return keyring_parse(text, strlen(text), &k, &error);
}

static void
test_good(void **state)
{
	char id[MINISIGN_ID_TEXT], text[MINISIGN_PUBLIC_LEN + 1];

	(void)state;
	assert_int_equal(
	    parse("# J\xc3\xbcrgen's\n\nkey " KEY_A " *\nkey " KEY_A " deb-*\n"), 0);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.keys[0].images, "*");
	assert_string_equal(k.keys[1].images, "deb-*");
	assert_string_equal(
	    minisign_id_format(k.keys[0].public.id, id), "53133A8908E378B3");
	assert_string_equal(minisign_public_encode(&k.keys[0].public, text), KEY_A);
}

static void
test_bad(void **state)
{
	char key[] = KEY_A;

	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(k.n, 0);
	assert_int_equal(parse("# nothing\n"), 0);
	assert_int_equal(k.n, 0);
	assert_refused("# no line end", 1, 14, "end of the line");
	assert_refused(" key " KEY_A " *\n", 1, 1, "\"key\"");
	assert_refused("keys " KEY_A " *\n", 1, 4, "expected \"key \"");
	assert_refused("key  " KEY_A " *\n", 1, 5, "public key");
	assert_refused("key " KEY_A "\n", 1, 61, "expected \" \"");
	assert_refused("key " KEY_A " \n", 1, 62, "pattern");
	assert_refused("key " KEY_A " *", 1, 63, "end of the line");
	assert_refused("key " KEY_A " * \n", 1, 63, "end of the line");
	assert_refused("key " KEY_A " *\r\n", 1, 63, "printable");
	assert_refused("key " KEY_A " Deb\n", 1, 62, "pattern consists");
	assert_refused("key " KEY_A " a/b\n", 1, 63, "pattern consists");
	assert_refused("key " KEY_A " *\nkey " KEY_A " *\n", 2, 5, "twice");
	assert_refused("key " KEY_A "= *\n", 1, 61, "longer");
	assert_refused("key abc *\n", 1, 5, "56 characters");
	key[0] = 'X';
	assert_int_equal(
	    minisign_public_decode(key, strlen(key), &k.keys[0].public), ERR_FORMAT);
	key[0] = 'R';
	key[10] = '-';
	assert_int_equal(
	    minisign_public_decode(key, strlen(key), &k.keys[0].public), ERR_FORMAT);
	key[10] = '\0';
	assert_int_equal(minisign_public_decode(key, 56, &k.keys[0].public), ERR_FORMAT);
	assert_int_equal(minisign_public_decode(KEY_A, 55, &k.keys[0].public), ERR_FORMAT);
}

static void
test_too_many(void **state)
{
	char *text = calloc(1, KEYRING_SIZE_MAX + 2), *p = text;

	(void)state;
	for (unsigned i = 0; i < KEYRING_KEYS_MAX; i++)
		p += sprintf(p, "key " KEY_A " image%u\n", i);
	assert_int_equal(parse(text), 0);
	assert_int_equal(k.n, KEYRING_KEYS_MAX);
	sprintf(p, "key " KEY_A " more\n");
	assert_refused(text, 65, 1, "more than 64");
	memset(text, '\n', KEYRING_SIZE_MAX + 1);
	assert_int_equal(keyring_parse(text, KEYRING_SIZE_MAX + 1, &k, &error), ERR_FORMAT);
	free(text);
}

/* The real signature of "hi\n" by KEY_A, made by minisign 0.11. */
static const char hi_sig[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUSzeOMIiToTU1ff3kfbqLrgbOXrV5PaTWMz+"
    "hB2YS4dxgJfiVKj9SycBAI6cd3zY06R7PsYZqIbbGqp1e8ci8O9"
    "uPIHRbowjA4=\n"
    "trusted comment: timestamp:1795363915\tfile:f\thashed\n"
    "hRbjr0AQ9QuACsmanuKeR//m9X0eRuyYrrFKuU3pWP8QANh1foiPBedEUOhsPdX+G6zo6Rebzp/"
    "CJczjEbc1DA==\n";

static void
test_verify(void **state)
{
	struct minisign_signature s;

	(void)state;
	assert_int_equal(parse("key " KEY_A " debian-*\n"), 0);
	assert_int_equal(minisign_decode(hi_sig, strlen(hi_sig), &s, &error), 0);
	assert_int_equal(keyring_verify(&k, "debian-12", &s, "hi\n", 3), 0);
	assert_int_equal(keyring_verify(&k, "ubuntu", &s, "hi\n", 3), ERR_STATE);
	assert_int_equal(keyring_verify(&k, "debian-12", &s, "ho\n", 3), ERR_DENIED);
	assert_int_equal(keyring_verify(&k, "debian-12", &s, "hi", 2), ERR_DENIED);
	s.id[0] ^= 1;
	assert_int_equal(keyring_verify(&k, "debian-12", &s, "hi\n", 3), ERR_ABSENT);
	s.id[0] ^= 1;
	/* Another key with the same number does not get in the way. */
	assert_int_equal(parse("key " KEY_A " x\nkey " KEY_A " debian-*\n"), 0);
	k.keys[0].public.key[5] ^= 1;
	strcpy(k.keys[0].images, "*");
	assert_int_equal(keyring_verify(&k, "debian-12", &s, "hi\n", 3), 0);
	assert_int_equal(keyring_verify(&k, "other", &s, "hi\n", 3), ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_verify),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
