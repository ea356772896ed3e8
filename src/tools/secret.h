/*
 * minisign's secret keys, and signing. Only sallyport-image links this; no process of the
 * server can sign. Keys in memory are wiped by whoever holds them (sodium_memzero).
 */
#ifndef SALLYPORT_TOOLS_SECRET_H
#define SALLYPORT_TOOLS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/minisign.h"
#include "src/base/err.h"

#define SECRET_FILE_MAX 2048u /* bytes of a secret key file */
#define SECRET_PASSWORD_MAX 1024u

struct secret_key {
	uint8_t id[8];
	uint8_t key[64]; /* as libsodium has it: seed and public key */
};

/* A secret key file as it was read. */
struct secret_file {
	bool encrypted; /* by a password, through scrypt */
	uint8_t salt[32];
	uint64_t operations, memory; /* scrypt's limits; memory in bytes */
	uint8_t box[104];            /* key number, key, checksum */
};

void secret_generate(struct secret_key *key);
void secret_public(const struct secret_key *key, struct minisign_public *public);

/* Reads a secret key file. 0, or ERR_FORMAT with *error; ERR_UNSUPPORTED when the limits
 * for scrypt are beyond reason. */
int secret_decode(const char *text, size_t len, struct secret_file *file,
    struct text_error *error) MUST_CHECK;
/* Opens it; the password is not looked at when it is not encrypted. 0, ERR_DENIED (wrong
 * password or damaged), ERR_SYS (not enough memory for scrypt). */
int secret_open(const struct secret_file *file, const char *password, size_t len,
    struct secret_key *key) MUST_CHECK;
/* Writes a secret key file, encrypted unless password is NULL. 0, or ERR_SYS. */
int secret_encode(const struct secret_key *key, const char *password, size_t len,
    char text[SECRET_FILE_MAX]) MUST_CHECK;

/* Writes the signature file (prehashed, "ED") for these bytes. comment becomes the trusted
 * comment: printable, at most MINISIGN_COMMENT_MAX bytes. 0 or ERR_LONG. */
int secret_sign(const struct secret_key *key, const void *bytes, size_t len,
    const char *comment, char text[MINISIGN_SIGNATURE_MAX]) MUST_CHECK;

#endif
