/*
 * Any bytes as each of minisign's files. No forgery is to be expected here: what is
 * looked for is reading out of bounds, and acceptance by a key that signed nothing.
 */
#include <sodium.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "src/tools/secret.h"

int
fuzz_one(const uint8_t *data, size_t len)
{
	/* The base point: a valid key whose secret is not used to sign anything. */
	static const struct minisign_public nobody = {
	    .key = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}};
	const char *text = (const char *)data;
	struct minisign_signature s;
	struct minisign_public key;
	struct secret_file file;
	struct secret_key secret;
	struct text_error error;

	if (sodium_init() < 0)
		abort();
	if (minisign_decode(text, len, &s, &error) == 0) {
		key = nobody;
		for (unsigned i = 0; i < 8; i++)
			key.id[i] = s.id[i];
		if (minisign_verify(&s, &key, "text", 4) == 0)
			abort();
	}
	if (minisign_public_file(text, len, &key, &error) == 0) {
		char again[MINISIGN_PUBLIC_LEN + 1];
		struct minisign_public same;

		minisign_public_encode(&key, again);
		if (minisign_public_decode(again, MINISIGN_PUBLIC_LEN, &same) != 0)
			abort();
	}
	/* Encrypted ones would cost a gigabyte each. */
	if (secret_decode(text, len, &file, &error) == 0 && !file.encrypted)
		(void)!secret_open(&file, NULL, 0, &secret);
	return 0;
}
