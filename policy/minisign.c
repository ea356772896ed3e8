/*
 * Checking minisign signatures. Linked by the verifier, where it decides what is served,
 * and by the image tool. The signature file comes from the disk, beside what it signs,
 * and is not trusted in any byte.
 */
#include "policy/minisign.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[] = "trusted comment: ";

/* Strict base64 with padding, of exactly n bytes. */
static bool
decode_exact(const char *text, size_t len, uint8_t *bytes, size_t n)
{
	size_t got;
	const char *end;

	if (sodium_base642bin(
		bytes, n, text, len, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	return got == n && end == text + len;
}

int
minisign_public_decode(const char *text, size_t len, struct minisign_public *key)
{
	uint8_t raw[42];

	if (len != MINISIGN_PUBLIC_LEN || !decode_exact(text, len, raw, sizeof raw))
		return ERR_FORMAT;
	if (raw[0] != 'E' || raw[1] != 'd')
		return ERR_FORMAT;
	memcpy(key->id, raw + 2, sizeof key->id);
	memcpy(key->key, raw + 10, sizeof key->key);
	return 0;
}

const char *
minisign_public_encode(
    const struct minisign_public *key, char text[MINISIGN_PUBLIC_LEN + 1])
{
	uint8_t raw[42] = {'E', 'd'};

	memcpy(raw + 2, key->id, sizeof key->id);
	memcpy(raw + 10, key->key, sizeof key->key);
	return sodium_bin2base64(
	    text, MINISIGN_PUBLIC_LEN + 1, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
}

const char *
minisign_id_format(const uint8_t id[8], char text[MINISIGN_ID_TEXT])
{
	for (size_t i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02X", id[7 - i]);
	return text;
}

/* The rest of a comment line: any bytes but control characters, for comments may hold
 * names in UTF-8. */
static bool
read_comment(struct lines *l, const char *prefix, struct piece *comment)
{
	const char *q;

	if (!lines_literal(l, prefix))
		return false;
	for (q = l->p; q < l->end && *q != '\n'; q++)
		if (((unsigned char)*q < 0x20 && *q != '\t') || *q == 0x7f)
			return lines_fail(l, q, "a comment holds no control characters");
	if ((size_t)(q - l->p) > MINISIGN_COMMENT_MAX)
		return lines_fail(
		    l, l->p, "a comment has at most %u bytes", MINISIGN_COMMENT_MAX);
	comment->p = l->p;
	comment->len = (size_t)(q - l->p);
	l->p = q;
	return lines_end(l, "the end of the line (LF)");
}

/* A line of base64 that holds exactly n bytes. */
static bool
read_base64(struct lines *l, uint8_t *bytes, size_t n, const char *what)
{
	struct piece word;

	if (!lines_word(l, &word, 200, what))
		return false;
	if (!decode_exact(word.p, word.len, bytes, n))
		return lines_fail(l, word.p, "expected %s", what);
	return lines_end(l, "the end of the line (LF)");
}

int
minisign_public_file(
    const char *text, size_t len, struct minisign_public *key, struct text_error *error)
{
	struct lines l;
	struct piece comment, word;

	lines_init(&l, text, len, error);
	if (!read_comment(&l, untrusted_prefix, &comment) ||
	    !lines_word(&l, &word, 200, "a public key of minisign"))
		return ERR_FORMAT;
	if (minisign_public_decode(word.p, word.len, key) != 0) {
		(void)lines_fail(&l, word.p, "expected a public key of minisign");
		return ERR_FORMAT;
	}
	if (!lines_end(&l, "the end of the line (LF)"))
		return ERR_FORMAT;
	if (!lines_done(&l)) {
		(void)lines_fail(&l, l.p, "expected nothing after the key");
		return ERR_FORMAT;
	}
	return 0;
}

int
minisign_decode(
    const char *text, size_t len, struct minisign_signature *s, struct text_error *error)
{
	uint8_t raw[74];
	struct lines l;
	struct piece untrusted;
	const char *line;

	lines_init(&l, text, len, error);
	if (len > MINISIGN_SIGNATURE_MAX) {
		(void)lines_fail(&l, text, "longer than %u bytes", MINISIGN_SIGNATURE_MAX);
		return ERR_FORMAT;
	}
	if (!read_comment(&l, untrusted_prefix, &untrusted))
		return ERR_FORMAT;
	line = l.p;
	if (!read_base64(&l, raw, sizeof raw, "a signature of minisign"))
		return ERR_FORMAT;
	if (raw[0] != 'E' || (raw[1] != 'd' && raw[1] != 'D')) {
		l.line--;
		l.start = line;
		(void)lines_fail(&l, line, "expected a signature of algorithm ED or Ed");
		return ERR_FORMAT;
	}
	if (!read_comment(&l, trusted_prefix, &s->comment) ||
	    !read_base64(&l, s->global, sizeof s->global, "the comment's signature"))
		return ERR_FORMAT;
	if (!lines_done(&l)) {
		(void)lines_fail(&l, l.p, "expected nothing after the comment's signature");
		return ERR_FORMAT;
	}
	s->prehashed = raw[1] == 'D';
	memcpy(s->id, raw + 2, sizeof s->id);
	memcpy(s->signature, raw + 10, sizeof s->signature);
	return 0;
}

static int
verify_text(const struct minisign_signature *s, const struct minisign_public *key,
    const void *bytes, size_t len)
{
	uint8_t hash[64];

	if (!s->prehashed)
		return crypto_sign_verify_detached(s->signature, bytes, len, key->key);
	if (crypto_generichash(hash, sizeof hash, bytes, len, NULL, 0) != 0)
		return -1;
	return crypto_sign_verify_detached(s->signature, hash, sizeof hash, key->key);
}

int
minisign_verify(const struct minisign_signature *s, const struct minisign_public *key,
    const void *bytes, size_t len)
{
	uint8_t both[64 + MINISIGN_COMMENT_MAX];

	if (memcmp(s->id, key->id, sizeof s->id) != 0)
		return ERR_ABSENT;
	if (verify_text(s, key, bytes, len) != 0 || s->comment.len > MINISIGN_COMMENT_MAX)
		return ERR_DENIED;
	memcpy(both, s->signature, sizeof s->signature);
	memcpy(both + sizeof s->signature, s->comment.p, s->comment.len);
	if (crypto_sign_verify_detached(
		s->global, both, sizeof s->signature + s->comment.len, key->key) != 0)
		return ERR_DENIED;
	return 0;
}
