/*
 * Strict lines. Linked by the verifier and the image tool; reads manifests and keyrings,
 * whose text is not trusted before its signature is checked, and hardly after.
 */
#include "policy/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
lines_init(struct lines *l, const char *text, size_t len, struct text_error *error)
{
	l->p = text;
	l->end = text + len;
	l->start = text;
	l->line = 1;
	l->failed = false;
	l->error = error;
}

bool
lines_done(const struct lines *l)
{
	return !l->failed && l->p == l->end;
}

bool
lines_fail(struct lines *l, const char *at, const char *fmt, ...)
{
	va_list ap;

	if (l->failed)
		return false;
	l->failed = true;
	l->error->line = l->line;
	l->error->column = (unsigned)(at - l->start) + 1;
	va_start(ap, fmt);
	vsnprintf(l->error->what, sizeof l->error->what, fmt, ap);
	va_end(ap);
	return false;
}

bool
lines_at(const struct lines *l, const char *text)
{
	size_t len = strlen(text);

	return !l->failed && (size_t)(l->end - l->p) >= len && memcmp(l->p, text, len) == 0;
}

/* Moves to `to`, which lies in this line or just behind its LF. */
static void
advance(struct lines *l, const char *to)
{
	if (to > l->p && to[-1] == '\n') {
		l->line++;
		l->start = to;
	}
	l->p = to;
}

bool
lines_literal(struct lines *l, const char *text)
{
	size_t len = strlen(text), left, same = 0;

	if (l->failed)
		return false;
	left = (size_t)(l->end - l->p);
	while (same < len && same < left && l->p[same] == text[same])
		same++;
	if (same < len)
		return lines_fail(
		    l, l->p + same, "expected \"%.*s\"", (int)strcspn(text, "\n"), text);
	advance(l, l->p + len);
	return true;
}

bool
lines_end(struct lines *l, const char *expected)
{
	if (l->failed)
		return false;
	if (l->p == l->end || *l->p != '\n')
		return lines_fail(l, l->p, "expected %s", expected);
	advance(l, l->p + 1);
	return true;
}

/* Takes the bytes up to the first of `stops`, which must exist. */
static bool
take_until(struct lines *l, struct piece *piece, size_t max, const char *stops,
    const char *expected)
{
	const char *q = l->p;

	if (l->failed)
		return false;
	while (q < l->end && *q >= 0x20 && *q < 0x7f && strchr(stops, *q) == NULL)
		q++;
	if (q == l->p)
		return lines_fail(l, q, "expected %s", expected);
	if ((size_t)(q - l->p) > max)
		return lines_fail(
		    l, l->p + max, "%s: longer than %zu characters", expected, max);
	if (q == l->end)
		return lines_fail(l, q, "expected the end of the line (LF)");
	if (*q != '\n' && *q != ' ')
		return lines_fail(l, q, "expected printable ASCII");
	piece->p = l->p;
	piece->len = (size_t)(q - l->p);
	l->p = q;
	return true;
}

bool
lines_word(struct lines *l, struct piece *word, size_t max, const char *expected)
{
	return take_until(l, word, max, " ", expected);
}

bool
lines_rest(struct lines *l, struct piece *rest, size_t max, const char *expected)
{
	const char *start = l->p;

	if (!take_until(l, rest, max, "", expected))
		return false;
	if (rest->p[0] == ' ')
		return lines_fail(
		    l, start, "expected %s without a space before it", expected);
	if (rest->p[rest->len - 1] == ' ')
		return lines_fail(
		    l, l->p - 1, "expected %s without a space after it", expected);
	return true;
}

bool
lines_number(struct lines *l, uint64_t *n, uint64_t min, uint64_t max, const char *expected)
{
	struct piece word;
	uint64_t v = 0;

	if (!lines_word(l, &word, 20, expected))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		unsigned digit = (unsigned)(word.p[i] - '0');

		if (digit > 9 || (word.len > 1 && word.p[0] == '0'))
			return lines_fail(l, word.p + i, "expected %s", expected);
		if (v > (UINT64_MAX - digit) / 10)
			return lines_fail(l, word.p, "%s: too large", expected);
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return lines_fail(l, word.p, "expected %s", expected);
	*n = v;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
lines_hex(struct lines *l, uint8_t *bytes, size_t n, const char *expected)
{
	struct piece word = {NULL, 0};

	if (!lines_word(l, &word, 2 * n, expected))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		int v = hex_value(word.p[i]);

		if (v < 0)
			return lines_fail(l, word.p + i, "expected %s", expected);
		bytes[i / 2] = (uint8_t)(i % 2 == 0 ? v << 4 : bytes[i / 2] | v);
	}
	if (word.len != 2 * n)
		return lines_fail(l, word.p + word.len, "expected %s", expected);
	return true;
}
