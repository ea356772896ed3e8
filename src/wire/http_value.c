/*
 * Values of HTTP header fields, read in http-parser from bytes that any stranger on the
 * network may have sent. A value that is not understood never means more than its absence.
 */
#include "src/wire/http_value.h"

#include <string.h>
#include <strings.h>

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct in
http_value_trim(struct in v)
{
	while (in_left(&v) > 0 && is_blank(v.p[0]))
		in_skip(&v, 1);
	while (in_left(&v) > 0 && is_blank(v.p[v.left - 1]))
		v.left--;
	return v;
}

bool
http_value_is(struct in v, const char *word)
{
	size_t n = strlen(word);

	return in_left(&v) == n && (n == 0 || strncasecmp((const char *)v.p, word, n) == 0);
}

struct in
http_value_next(struct in *v)
{
	const uint8_t *comma = in_left(v) == 0 ? NULL : memchr(v->p, ',', v->left);
	struct in part = in_sub(v, comma == NULL ? in_left(v) : (size_t)(comma - v->p));

	if (comma != NULL)
		in_skip(v, 1);
	return http_value_trim(part);
}

/* ---------------------------------------------------------------------- numbers */

static bool
next_is_digit(const struct in *v)
{
	return in_left(v) > 0 && v->p[0] >= '0' && v->p[0] <= '9';
}

/* One or more digits; a number that is too large becomes the largest. */
static bool
take_number(struct in *v, uint64_t *number)
{
	uint64_t n = 0;

	if (!next_is_digit(v))
		return false;
	while (next_is_digit(v)) {
		unsigned digit = in_u8(v) - (unsigned)'0';

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*number = n;
	return true;
}

int
http_value_length(struct in v)
{
	uint64_t n;

	if (!take_number(&v, &n) || !in_done(&v))
		return ERR_FORMAT;
	return n == 0 ? 0 : 1;
}

/* ------------------------------------------------------------------------ range */

static bool
take_byte(struct in *v, char c)
{
	if (in_left(v) == 0 || v->p[0] != (uint8_t)c)
		return false;
	in_skip(v, 1);
	return true;
}

enum http_range
http_value_range(struct in v, uint64_t *first, uint64_t *last)
{
	struct in unit = in_sub(&v, in_left(&v) < 6 ? 0 : 6);

	*first = 0;
	*last = 0;
	if (!http_value_is(unit, "bytes="))
		return HTTP_RANGE_NONE;
	if (take_byte(&v, '-'))
		return take_number(&v, last) && in_done(&v) ? HTTP_RANGE_SUFFIX
							    : HTTP_RANGE_NONE;
	if (!take_number(&v, first) || !take_byte(&v, '-'))
		return HTTP_RANGE_NONE;
	if (in_done(&v))
		return HTTP_RANGE_OPEN;
	if (!take_number(&v, last) || !in_done(&v) || *first > *last)
		return HTTP_RANGE_NONE;
	return HTTP_RANGE_CLOSED;
}

/* ------------------------------------------------------------------------- tags */

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one tag with its quotes and prefix. ours: it has our form, in tag. */
static bool
take_tag(struct in *v, bool *weak, bool *ours, uint8_t tag[HTTP_TAG_SIZE])
{
	const uint8_t *end;
	struct in opaque;

	*weak = in_left(v) > 2 && v->p[0] == 'W' && v->p[1] == '/';
	if (*weak)
		in_skip(v, 2);
	if (!take_byte(v, '"') || in_left(v) == 0)
		return false;
	end = memchr(v->p, '"', v->left);
	if (end == NULL)
		return false;
	opaque = in_sub(v, (size_t)(end - v->p));
	in_skip(v, 1);
	*ours = in_left(&opaque) == (size_t)2 * HTTP_TAG_SIZE;
	for (size_t i = 0; *ours && i < HTTP_TAG_SIZE; i++) {
		int high = hex_value(in_u8(&opaque));
		int low = hex_value(in_u8(&opaque));

		*ours = high >= 0 && low >= 0;
		tag[i] = (uint8_t)(*ours ? high << 4 | low : 0);
	}
	return true;
}

bool
http_value_tag(struct in v, uint8_t tag[HTTP_TAG_SIZE])
{
	bool weak, ours;

	return take_tag(&v, &weak, &ours, tag) && in_done(&v) && ours && !weak;
}

void
http_value_tags(struct in v, bool weak_too, struct http_tags *t)
{
	bool weak, ours;
	uint8_t tag[HTTP_TAG_SIZE];

	for (;;) {
		v = http_value_trim(v);
		if (take_byte(&v, ','))
			continue;
		if (!take_tag(&v, &weak, &ours, tag))
			return;
		v = http_value_trim(v);
		if (in_left(&v) > 0 && v.p[0] != ',')
			return;
		if (ours && (weak_too || !weak) && t->n < HTTP_TAGS_MAX)
			memcpy(t->tag[t->n++], tag, sizeof tag);
	}
}

/* ------------------------------------------------------------------------- date */

/* Takes n bytes and returns the index of the word they are among words of n letters. */
static int
take_word(struct in *v, const char *words, size_t n)
{
	const uint8_t *p = in_take(v, n);

	for (int i = 0; p != NULL && words[(size_t)i * n] != '\0'; i++)
		if (memcmp(p, words + (size_t)i * n, n) == 0)
			return i;
	v->bad = true;
	return 0;
}

/* Exactly n digits, a number up to max. */
static unsigned
take_digits(struct in *v, unsigned n, unsigned max)
{
	unsigned number = 0;

	while (n-- > 0) {
		if (!next_is_digit(v))
			v->bad = true;
		number = number * 10 + (in_u8(v) - (unsigned)'0');
	}
	if (number > max)
		v->bad = true;
	return number;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01; month and day count from 0. year >= 1970. */
static uint64_t
count_days(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[12] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	uint64_t y = year - 1; /* whole years since year 0 */
	uint64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

	return (year - 1970) * UINT64_C(365) + leaps + before[month] + day +
	       (month > 1 && is_leap(year) ? 1 : 0);
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

bool
http_value_date(struct in v, uint64_t *seconds)
{
	unsigned day, month, year, hour, minute, second;

	(void)take_word(&v, "Mon, Tue, Wed, Thu, Fri, Sat, Sun, ", 5);
	day = take_digits(&v, 2, 31);
	(void)take_word(&v, " ", 1);
	month = (unsigned)take_word(&v, "JanFebMarAprMayJunJulAugSepOctNovDec", 3);
	(void)take_word(&v, " ", 1);
	year = take_digits(&v, 4, 9999);
	(void)take_word(&v, " ", 1);
	hour = take_digits(&v, 2, 23);
	(void)take_word(&v, ":", 1);
	minute = take_digits(&v, 2, 59);
	(void)take_word(&v, ":", 1);
	second = take_digits(&v, 2, 60); /* a leap second counts as the next one */
	(void)take_word(&v, " GMT", 4);
	if (!in_done(&v) || year < 1970 || day < 1 || day > days_of_month(year, month))
		return false;
	*seconds =
	    ((count_days(year, month, day - 1) * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}
