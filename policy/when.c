/*
 * Calendar of manifests, without the C library's: no time zone, no locale, no files.
 * Linked by the verifier and the image tool.
 */
#include "policy/when.h"

#include <stdbool.h>
#include <stdio.h>

#define DAY_S 86400u

static bool
is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first of January of `year`. */
static uint64_t
year_start(unsigned year)
{
	uint64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static unsigned
digits(const char *p, unsigned n)
{
	unsigned v = 0;

	while (n-- > 0)
		v = v * 10 + (unsigned)(*p++ - '0');
	return v;
}

static int
check_form(const char *text, size_t len, size_t *at)
{
	static const char form[WHEN_TEXT_LEN + 1] = "0000-00-00T00:00:00Z";

	for (*at = 0; *at < WHEN_TEXT_LEN; (*at)++) {
		char want = form[*at];

		if (*at >= len)
			return ERR_FORMAT;
		if (want == '0' ? (unsigned)(text[*at] - '0') > 9 : text[*at] != want)
			return ERR_FORMAT;
	}
	return len == WHEN_TEXT_LEN ? 0 : ERR_FORMAT;
}

int
when_parse(const char *text, size_t len, uint64_t *seconds, size_t *at)
{
	unsigned year, month, day;
	uint64_t days;

	if (check_form(text, len, at) != 0)
		return ERR_FORMAT;
	year = digits(text, 4);
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	*at = 0;
	if (year < 1970)
		return ERR_RANGE;
	*at = 5;
	if (month < 1 || month > 12)
		return ERR_RANGE;
	*at = 8;
	if (day < 1 || day > month_days(year, month))
		return ERR_RANGE;
	*at = 11;
	if (digits(text + 11, 2) > 23 || digits(text + 14, 2) > 59 ||
	    digits(text + 17, 2) > 59)
		return ERR_RANGE;
	days = year_start(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += month_days(year, m);
	*seconds = days * DAY_S + digits(text + 11, 2) * UINT64_C(3600) +
		   digits(text + 14, 2) * UINT64_C(60) + digits(text + 17, 2);
	return 0;
}

const char *
when_format(uint64_t seconds, char text[WHEN_TEXT_LEN + 1])
{
	uint64_t last = year_start(10000) * DAY_S - 1, days, rest;
	unsigned year = 1970, month = 1;

	if (seconds > last)
		seconds = last;
	days = seconds / DAY_S;
	rest = seconds % DAY_S;
	while (year_start(year + 1) <= days)
		year++;
	days -= year_start(year);
	while (days >= month_days(year, month))
		days -= month_days(year, month++);
	snprintf(text, WHEN_TEXT_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000,
	    month % 100, (unsigned)(days + 1) % 100, (unsigned)(rest / 3600) % 100,
	    (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
	return text;
}
