/*
 * Signing keys in the format of minisign. Part of sallyport-image, run by whoever owns the
 * key, best on a machine that is not the server.
 */
#include "src/tools/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"

/* The parts of a secret key file: algorithm (2), key derivation (2), checksum (2), salt
 * (32), limits (8 + 8), box (104). */
#define FILE_LEN 158u
#define SUM_AT 72u /* in the box, behind key number and key */

#define OPERATIONS_MAX (UINT64_C(1) << 28)
#define MEMORY_MAX (UINT64_C(1) << 32)

static const char comment_prefix[] = "untrusted comment: ";

void
secret_generate(struct secret_key *key)
{
	uint8_t public[32];

	randombytes_buf(key->id, sizeof key->id);
	crypto_sign_keypair(public, key->key);
}

void
secret_public(const struct secret_key *key, struct minisign_public *public)
{
	memcpy(public->id, key->id, sizeof public->id);
	memcpy(public->key, key->key + 32, sizeof public->key);
}

/* Steps over the comment line. */
static bool
skip_comment(struct lines *l)
{
	const char *lf;

	if (!lines_literal(l, comment_prefix))
		return false;
	lf = memchr(l->p, '\n', (size_t)(l->end - l->p));
	l->p = lf == NULL ? l->end : lf;
	return lines_end(l, "the end of the line (LF)");
}

static int
decode_fields(const uint8_t *raw, struct secret_file *file)
{
	struct in in;
	uint8_t head[6];

	in_init(&in, raw, FILE_LEN);
	in_copy(&in, head, sizeof head);
	in_copy(&in, file->salt, sizeof file->salt);
	file->operations = in_u64_le(&in);
	file->memory = in_u64_le(&in);
	in_copy(&in, file->box, sizeof file->box);
	file->encrypted = memcmp(head + 2, "Sc", 2) == 0;
	if (memcmp(head, "Ed", 2) != 0 || memcmp(head + 4, "B2", 2) != 0)
		return ERR_FORMAT;
	if (!file->encrypted && memcmp(head + 2, "\0\0", 2) != 0)
		return ERR_FORMAT;
	if (file->operations > OPERATIONS_MAX || file->memory > MEMORY_MAX)
		return ERR_UNSUPPORTED;
	return 0;
}

int
secret_decode(
    const char *text, size_t len, struct secret_file *file, struct text_error *error)
{
	uint8_t raw[FILE_LEN];
	struct lines l;
	struct piece word;
	const char *end;
	size_t got;
	int err;

	lines_init(&l, text, len, error);
	if (!skip_comment(&l) || !lines_word(&l, &word, 400, "a secret key of minisign"))
		return ERR_FORMAT;
	if (sodium_base642bin(raw, sizeof raw, word.p, word.len, NULL, &got, &end,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    got != sizeof raw || end != word.p + word.len) {
		(void)lines_fail(&l, word.p, "expected a secret key of minisign");
		return ERR_FORMAT;
	}
	err = decode_fields(raw, file);
	sodium_memzero(raw, sizeof raw);
	if (err != 0)
		(void)lines_fail(&l, word.p, "expected a secret key of minisign");
	else if (!lines_end(&l, "the end of the line (LF)") || !lines_done(&l))
		err = ERR_FORMAT;
	return err;
}

static void
checksum(const struct secret_key *key, uint8_t sum[32])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, NULL, 0, 32);
	(void)crypto_generichash_update(&state, (const uint8_t *)"Ed", 2);
	(void)crypto_generichash_update(&state, key->id, sizeof key->id);
	(void)crypto_generichash_update(&state, key->key, sizeof key->key);
	(void)crypto_generichash_final(&state, sum, 32);
	sodium_memzero(&state, sizeof state);
}

/* Encrypts and decrypts: the box XOR what scrypt makes of the password. */
static int
turn_box(uint8_t box[104], const char *password, size_t len, const uint8_t salt[32],
    uint64_t operations, uint64_t memory)
{
	uint8_t stream[104];

	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password, len, salt,
		operations, (size_t)memory) != 0)
		return ERR_SYS;
	for (size_t i = 0; i < sizeof stream; i++)
		box[i] ^= stream[i];
	sodium_memzero(stream, sizeof stream);
	return 0;
}

/* The public half must be that of the seed: it is what detects a wrong password in files
 * without a checksum, and a damaged key in all. */
static bool
is_consistent(const struct secret_key *key)
{
	uint8_t public[32], whole[64];
	bool same;

	crypto_sign_seed_keypair(public, whole, key->key);
	same = sodium_memcmp(whole, key->key, sizeof whole) == 0;
	sodium_memzero(whole, sizeof whole);
	return same;
}

int
secret_open(const struct secret_file *file, const char *password, size_t len,
    struct secret_key *key)
{
	uint8_t box[104], sum[32];
	int err = 0;

	memcpy(box, file->box, sizeof box);
	if (file->encrypted)
		err = turn_box(
		    box, password, len, file->salt, file->operations, file->memory);
	memcpy(key->id, box, sizeof key->id);
	memcpy(key->key, box + sizeof key->id, sizeof key->key);
	checksum(key, sum);
	/* minisign 0.11 leaves the checksum of a key without password empty. */
	if (err == 0 && !is_consistent(key))
		err = ERR_DENIED;
	if (err == 0 && sodium_memcmp(sum, box + SUM_AT, sizeof sum) != 0 &&
	    (file->encrypted || !sodium_is_zero(box + SUM_AT, sizeof sum)))
		err = ERR_DENIED;
	sodium_memzero(box, sizeof box);
	if (err != 0)
		sodium_memzero(key, sizeof *key);
	return err;
}

int
secret_encode(const struct secret_key *key, const char *password, size_t len,
    char text[SECRET_FILE_MAX])
{
	uint8_t raw[FILE_LEN], box[104] = {0}, salt[32] = {0};
	uint64_t operations = 0, memory = 0;
	char base64[256];
	struct out out;

	memcpy(box, key->id, sizeof key->id);
	memcpy(box + sizeof key->id, key->key, sizeof key->key);
	if (password != NULL) {
		checksum(key, box + SUM_AT);
		randombytes_buf(salt, sizeof salt);
		operations = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
		memory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
		if (turn_box(box, password, len, salt, operations, memory) != 0) {
			sodium_memzero(box, sizeof box);
			return ERR_SYS;
		}
	}
	out_init(&out, raw, sizeof raw);
	out_copy(&out, password != NULL ? "EdScB2" : "Ed\0\0B2", 6);
	out_copy(&out, salt, sizeof salt);
	out_u64_le(&out, operations);
	out_u64_le(&out, memory);
	out_copy(&out, box, sizeof box);
	sodium_bin2base64(
	    base64, sizeof base64, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, SECRET_FILE_MAX,
	    "%ssecret key for boot images, keep it secret\n%s\n", comment_prefix, base64);
	sodium_memzero(raw, sizeof raw);
	sodium_memzero(box, sizeof box);
	sodium_memzero(base64, sizeof base64);
	return 0;
}

int
secret_sign(const struct secret_key *key, const void *bytes, size_t len,
    const char *comment, char text[MINISIGN_SIGNATURE_MAX])
{
	uint8_t raw[74] = {'E', 'D'}, hash[64], global[64];
	uint8_t both[64 + MINISIGN_COMMENT_MAX];
	char base64[128], global64[128];
	size_t comment_len = strlen(comment);
	int n;

	if (comment_len > MINISIGN_COMMENT_MAX)
		return ERR_LONG;
	memcpy(raw + 2, key->id, sizeof key->id);
	(void)crypto_generichash(hash, sizeof hash, bytes, len, NULL, 0);
	(void)crypto_sign_detached(raw + 10, NULL, hash, sizeof hash, key->key);
	memcpy(both, raw + 10, 64);
	/* Bytes to be signed, no string.
	 * NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(both + 64, comment, comment_len);
	(void)crypto_sign_detached(global, NULL, both, 64 + comment_len, key->key);
	sodium_bin2base64(
	    base64, sizeof base64, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(global64, sizeof global64, global, sizeof global,
	    sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(text, MINISIGN_SIGNATURE_MAX,
	    "%ssignature of a boot image\n%s\n"
	    "trusted comment: %s\n%s\n",
	    comment_prefix, base64, comment, global64);
	return n < 0 || (size_t)n >= MINISIGN_SIGNATURE_MAX ? ERR_LONG : 0;
}
