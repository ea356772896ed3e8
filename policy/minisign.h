/*
 * minisign's public keys and signature files (Ed25519), as https://jedisct1.github.io/
 * minisign/ describes them. Reading and checking only: what signs is src/tools/secret.h.
 * Pure but for libsodium, which the caller has initialised.
 */
#ifndef SALLYPORT_POLICY_MINISIGN_H
#define SALLYPORT_POLICY_MINISIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/lines.h"
#include "src/base/err.h"

#define MINISIGN_PUBLIC_LEN 56        /* characters of a public key in base64 */
#define MINISIGN_SIGNATURE_MAX 16384u /* bytes of a signature file */
#define MINISIGN_COMMENT_MAX 8192u    /* bytes of a comment */
#define MINISIGN_ID_TEXT 17           /* a key number in hex, with NUL */

struct minisign_public {
	uint8_t id[8]; /* key number, little-endian when shown */
	uint8_t key[32];
};

struct minisign_signature {
	bool prehashed; /* "ED": of the BLAKE2b-512 of the text; else "Ed": of the text */
	uint8_t id[8];
	uint8_t signature[64];
	uint8_t global[64];   /* of the signature and the trusted comment */
	struct piece comment; /* the trusted one; borrowed from the file's text */
};

/* Reads the base64 of a public key. 0 or ERR_FORMAT. */
int minisign_public_decode(
    const char *text, size_t len, struct minisign_public *key) MUST_CHECK;
/* Reads a public key file: a comment line and the key. 0, or ERR_FORMAT with *error. */
int minisign_public_file(const char *text, size_t len, struct minisign_public *key,
    struct text_error *error) MUST_CHECK;
/* Writes the base64 of a key and returns text. */
const char *minisign_public_encode(
    const struct minisign_public *key, char text[MINISIGN_PUBLIC_LEN + 1]);
/* Writes a key number the way minisign shows it. Returns text. */
const char *minisign_id_format(const uint8_t id[8], char text[MINISIGN_ID_TEXT]);

/* Reads a signature file: exactly its four lines. 0, or ERR_FORMAT with *error. */
int minisign_decode(const char *text, size_t len, struct minisign_signature *s,
    struct text_error *error) MUST_CHECK;
/* Are both signatures, that of the bytes and that of the trusted comment, by this key?
 * 0, ERR_ABSENT (another key's number), ERR_DENIED. */
int minisign_verify(const struct minisign_signature *s, const struct minisign_public *key,
    const void *bytes, size_t len) MUST_CHECK;

#endif
