/*
 * Folding of names: the first byte chooses the policy. What comes out obeys path.h, and is
 * its own canonical form.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/path.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static void
check_component(const char *s, size_t n)
{
	REQUIRE(n > 0);
	REQUIRE(!(n == 1 && s[0] == '.') && !(n == 2 && s[0] == '.' && s[1] == '.'));
	for (size_t i = 0; i < n; i++)
		REQUIRE(s[i] >= 0x20 && s[i] <= 0x7e && s[i] != '\\');
}

static void
check_folded(const char *name, unsigned flags)
{
	char again[PATH_FOLDED_MAX + 1];
	size_t len = strlen(name);

	REQUIRE(len > 0 && len <= PATH_FOLDED_MAX);
	for (const char *s = name;; s++) {
		size_t n = strcspn(s, "/");

		check_component(s, n);
		s += n;
		if (*s == '\0')
			break;
	}
	REQUIRE((flags & PATH_PERCENT) == 0 || strchr(name, '%') == NULL);
	/* A second folding without the rules of spelling changes nothing. */
	REQUIRE(path_fold(name, len, 0, again) == 0 && strcmp(name, again) == 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	char name[PATH_FOLDED_MAX + 1];
	unsigned flags;

	if (len == 0)
		return 0;
	flags = data[0] & 7u;
	if (data[0] == 't')
		flags = PATH_TFTP;
	if (data[0] == 'h')
		flags = PATH_HTTP;
	memset(name, 'x', sizeof name);
	if (path_fold(data + 1, len - 1, flags, name) == 0)
		check_folded(name, flags);
	else
		REQUIRE(name[0] == '\0');
	return 0;
}
