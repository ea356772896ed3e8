/*
 * Reading the keyring, and deciding by it. Linked by the verifier and the image tool. The
 * keyring is the operator's; it is read strictly so that a slip of the pen trusts nobody.
 */
#include "policy/keyring.h"

#include <string.h>

static bool
read_pattern(struct lines *l, struct keyring_key *key)
{
	struct piece word;

	if (!lines_word(l, &word, PATHS_NAME_MAX, "a pattern of image names, or *"))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    strchr("._-*", c) == NULL)
			return lines_fail(
			    l, word.p + i, "a pattern consists of a-z 0-9 . _ - *");
	}
	memcpy(key->images, word.p, word.len);
	return true;
}

static bool
is_known(const struct keyring *k, const struct keyring_key *key)
{
	for (unsigned i = 0; i < k->n; i++)
		if (memcmp(&k->keys[i].public, &key->public, sizeof key->public) == 0 &&
		    strcmp(k->keys[i].images, key->images) == 0)
			return true;
	return false;
}

static bool
read_key(struct lines *l, struct keyring *k)
{
	struct keyring_key key;
	struct piece word;

	memset(&key, 0, sizeof key);
	if (k->n == KEYRING_KEYS_MAX)
		return lines_fail(l, l->p, "more than %u keys", KEYRING_KEYS_MAX);
	if (!lines_literal(l, "key ") ||
	    !lines_word(l, &word, MINISIGN_PUBLIC_LEN, "a public key of minisign"))
		return false;
	if (minisign_public_decode(word.p, word.len, &key.public) != 0)
		return lines_fail(
		    l, word.p, "expected a public key of minisign (56 characters)");
	if (!lines_literal(l, " ") || !read_pattern(l, &key))
		return false;
	if (is_known(k, &key))
		return lines_fail(
		    l, word.p, "this key is listed twice for the same images");
	k->keys[k->n++] = key;
	return lines_end(l, "the end of the line (LF)");
}

/* A comment may hold anything, so that people can write their names. */
static bool
skip_comment(struct lines *l)
{
	const char *lf = memchr(l->p, '\n', (size_t)(l->end - l->p));

	l->p = lf == NULL ? l->end : lf;
	return lines_end(l, "the end of the line (LF)");
}

static bool
read_line(struct lines *l, struct keyring *k)
{
	if (*l->p == '\n')
		return lines_end(l, "an empty line");
	if (*l->p == '#')
		return skip_comment(l);
	if (*l->p != 'k')
		return lines_fail(l, l->p, "expected \"key\" or a comment with \"#\"");
	return read_key(l, k);
}

int
keyring_parse(const char *text, size_t len, struct keyring *k, struct text_error *error)
{
	struct lines l;

	memset(k, 0, sizeof *k);
	lines_init(&l, text, len, error);
	if (len > KEYRING_SIZE_MAX) {
		(void)lines_fail(&l, text, "longer than %u bytes", KEYRING_SIZE_MAX);
		return ERR_FORMAT;
	}
	while (l.p < l.end)
		if (!read_line(&l, k))
			return ERR_FORMAT;
	return 0;
}

int
keyring_verify(const struct keyring *k, const char *image,
    const struct minisign_signature *s, const void *bytes, size_t len)
{
	int result = ERR_ABSENT;

	for (unsigned i = 0; i < k->n; i++) {
		const struct keyring_key *key = &k->keys[i];

		if (memcmp(key->public.id, s->id, sizeof s->id) != 0)
			continue;
		if (!paths_match(key->images, image)) {
			if (result == ERR_ABSENT)
				result = ERR_STATE;
			continue;
		}
		if (minisign_verify(s, &key->public, bytes, len) == 0)
			return 0;
		result = ERR_DENIED;
	}
	return result;
}
