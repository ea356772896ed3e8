/*
 * Rules for names. Linked by the verifier and the image tool, so that what one writes
 * the other accepts; the strings come from manifests and directories.
 */
#include "policy/paths.h"

#include <string.h>

static bool
is_digit_or_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_path_char(char c)
{
	return is_digit_or_lower(c) || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("._+@=,-", c) != NULL);
}

const char *
paths_check_name(const char *name, size_t len, size_t *at)
{
	*at = 0;
	if (len == 0)
		return "a name is missing";
	if (!is_digit_or_lower(name[0]))
		return "a name begins with a-z or 0-9";
	for (*at = 0; *at < len; (*at)++) {
		char c = name[*at];

		if (*at == PATHS_NAME_MAX)
			return "a name has at most 63 characters";
		if (!is_digit_or_lower(c) && c != '.' && c != '_' && c != '-')
			return "a name consists of a-z 0-9 . _ -";
	}
	return NULL;
}

/* One component of n bytes. */
static const char *
check_component(const char *p, size_t n)
{
	if (n == 0)
		return "a path has no empty component, and no slash at its ends";
	if (n == 1 && p[0] == '.')
		return "a path has no component \".\"";
	if (n == 2 && p[0] == '.' && p[1] == '.')
		return "a path has no component \"..\"";
	return NULL;
}

static bool
is_reserved(const char *path, size_t len)
{
	static const char manifest[] = "manifest", signature[] = "manifest.minisig";
	char text[sizeof signature];

	if (len >= sizeof text)
		return false;
	memcpy(text, path, len);
	text[len] = '\0';
	return paths_compare_folded(text, manifest) == 0 ||
	       paths_compare_folded(text, signature) == 0;
}

const char *
paths_check_path(const char *path, size_t len, size_t *at)
{
	size_t begin = 0;
	const char *why;

	for (*at = 0; *at <= len; (*at)++) {
		if (*at < len && path[*at] != '/') {
			if (*at == PATHS_PATH_MAX)
				return "a path has at most 200 characters";
			if (!is_path_char(path[*at]))
				return "a path consists of A-Z a-z 0-9 . _ / + @ = , -";
			continue;
		}
		why = check_component(path + begin, *at - begin);
		if (why != NULL) {
			*at = begin;
			return why;
		}
		begin = *at + 1;
	}
	*at = 0;
	if (len > PATHS_PATH_MAX)
		return "a path has at most 200 characters";
	if (is_reserved(path, len))
		return "a manifest cannot list itself or its signature";
	return NULL;
}

static int
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int
paths_compare_folded(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) - fold(*b);
}

bool
paths_match(const char *pattern, const char *name)
{
	const char *star = NULL, *from = NULL;

	/* On a mismatch the last star takes one character more; earlier ones need not. */
	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			from = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
