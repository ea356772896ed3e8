/*
 * The keyring: which keys may sign which images. Text, one key a line:
 *
 *   # comment
 *   key RWSzeOMIiToTUwFMsuaQixpGcroRKEFwUA/TDSz6827DvLNK9D3i8waY debian-*
 *
 * Pure but for libsodium's base64.
 */
#ifndef SALLYPORT_POLICY_KEYRING_H
#define SALLYPORT_POLICY_KEYRING_H

#include "policy/lines.h"
#include "policy/minisign.h"
#include "policy/paths.h"
#include "src/base/err.h"

#define KEYRING_KEYS_MAX 64u
#define KEYRING_SIZE_MAX (64u << 10) /* bytes of text */

struct keyring_key {
	struct minisign_public public;
	char images[PATHS_NAME_MAX + 1]; /* pattern for paths_match() */
};

struct keyring {
	unsigned n;
	struct keyring_key keys[KEYRING_KEYS_MAX];
};

/* Reads a keyring. 0, or ERR_FORMAT with *error; k must then not be used. A keyring
 * may hold no key: then no image is accepted. */
int keyring_parse(
    const char *text, size_t len, struct keyring *k, struct text_error *error) MUST_CHECK;
/* Is `bytes` signed by a key that may sign images of this name? 0, ERR_ABSENT (no key of
 * that number), ERR_STATE (there is one, but not for this image), or ERR_DENIED (the
 * signature does not fit). */
int keyring_verify(const struct keyring *k, const char *image,
    const struct minisign_signature *s, const void *bytes, size_t len) MUST_CHECK;

#endif
