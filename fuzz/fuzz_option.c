/*
 * Values of options. The first byte is a type, the rest once bytes to be shown and once
 * text, with line ends between its pieces. What was taken can be shown and taken again
 * with the same bytes; what is shown of any bytes is printable and ends.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "policy/option.h"

#define REQUIRE(what)            \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

struct value {
	uint8_t b[OPTION_VALUE_MAX];
	size_t len;
};

/* Whether all pieces were taken; *n counts them. */
static bool
take(enum option_type type, const char *text, size_t len, const char *between,
    struct value *v, unsigned *n)
{
	size_t gap = strlen(between);
	const char *expected;

	v->len = 0;
	for (*n = 1;; ++*n) {
		const char *stop = len == 0 ? NULL : memmem(text, len, between, gap);
		size_t piece = stop == NULL ? len : (size_t)(stop - text);
		size_t before = v->len;
		int rc =
		    option_append(type, text, piece, v->b, sizeof v->b, &v->len, &expected);

		REQUIRE(expected != NULL && expected[0] != '\0');
		if (rc != 0) {
			REQUIRE(rc == ERR_FORMAT || rc == ERR_RANGE || rc == ERR_LONG ||
				rc == ERR_DENIED || rc == ERR_DUPLICATE);
			REQUIRE(v->len == before);
			return false;
		}
		REQUIRE(v->len <= sizeof v->b);
		if (stop == NULL)
			return true;
		len -= piece + gap;
		text = stop + gap;
	}
}

static void
show(enum option_type type, const uint8_t *b, size_t len, char text[OPTION_TEXT_MAX])
{
	REQUIRE(option_format(type, b, len, text) == text);
	REQUIRE(memchr(text, '\0', OPTION_TEXT_MAX) != NULL);
	for (const char *p = text; *p != '\0'; p++)
		REQUIRE(*p >= ' ' && *p <= '~');
}

static void
check_text(enum option_type type, const char *text, size_t len)
{
	static struct value first, again;
	char shown[OPTION_TEXT_MAX], twice[OPTION_TEXT_MAX];
	unsigned pieces, more;

	if (!take(type, text, len, "\n", &first, &pieces))
		return;
	show(type, first.b, first.len, shown);
	/* A text may hold what separates pieces. */
	REQUIRE(take(
	    type, shown, strlen(shown), type == OPTION_TEXT ? "\n" : ", ", &again, &more));
	REQUIRE(more == pieces || type == OPTION_EMPTY);
	REQUIRE(again.len == first.len && memcmp(again.b, first.b, first.len) == 0);
	show(type, again.b, again.len, twice);
	REQUIRE(strcmp(shown, twice) == 0);
}

static void
check_bytes(enum option_type type, const uint8_t *b, size_t len)
{
	const struct option_def *def = option_by_code(len > 0 ? b[0] : 0);
	const char *expected;
	char text[OPTION_TEXT_MAX];
	static struct value again;
	unsigned pieces;

	show(type, b, len, text);
	if (def == NULL || option_check(def, b, len, &expected) != 0)
		return;
	/* What is sound can be written down. */
	show(def->type, b, len, text);
	REQUIRE(take(def->type, text, strlen(text), def->type == OPTION_TEXT ? "\n" : ", ",
	    &again, &pieces));
	REQUIRE(again.len == len && memcmp(again.b, b, len) == 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	enum option_type type;

	if (len < 1)
		return 0;
	type = (enum option_type)(data[0] % (OPTION_EMPTY + 2));
	check_text(type, (const char *)data + 1, len - 1);
	check_bytes(type, data + 1, len - 1);
	if (option_type_parse((const char *)data + 1, len - 1, &type))
		REQUIRE(strlen(option_type_name(type)) == len - 1);
	if (option_by_name((const char *)data + 1, len - 1) != NULL)
		REQUIRE(len - 1 ==
			strlen(option_by_name((const char *)data + 1, len - 1)->name));
	return 0;
}
