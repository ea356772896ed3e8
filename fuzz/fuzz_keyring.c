/*
 * Any bytes as a keyring.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/keyring.h"

int
fuzz_one(const uint8_t *data, size_t len)
{
	static struct keyring k;
	struct minisign_signature s = {.comment = {"", 0}};
	struct text_error error;

	if (keyring_parse((const char *)data, len, &k, &error) != 0) {
		if (error.line == 0 || error.column == 0 || error.what[0] == '\0')
			abort();
		return 0;
	}
	if (k.n > KEYRING_KEYS_MAX)
		abort();
	for (unsigned i = 0; i < k.n; i++)
		if (k.keys[i].images[0] == '\0' ||
		    strlen(k.keys[i].images) > PATHS_NAME_MAX)
			abort();
	memcpy(s.id, k.keys[0].public.id, sizeof s.id);
	if (keyring_verify(&k, "debian-12", &s, "text", 4) == 0)
		abort();
	return 0;
}
