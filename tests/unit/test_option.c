/* Options of DHCPv4 as text and bytes: the table, each type both ways, what is refused. */
#include "policy/option.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

#define PIECES_MAX 4

/* Pieces of text, the bytes that they become, and the text of those. */
static const struct {
	enum option_type type;
	const char *pieces[PIECES_MAX];
	const char *bytes;
	size_t len;
	const char *shown; /* NULL: the pieces with ", " between */
} good[] = {
#define B(s) s, sizeof s - 1
    {OPTION_FLAG, {"yes"}, B("\1"), NULL},
    {OPTION_FLAG, {"no"}, B("\0"), NULL},
    {OPTION_U8, {"0"}, B("\0"), NULL},
    {OPTION_U8, {"255"}, B("\xff"), NULL},
    {OPTION_U8, {"007"}, B("\7"), "7"},
    {OPTION_U16, {"1500"}, B("\x05\xdc"), NULL},
    {OPTION_U16, {"65535"}, B("\xff\xff"), NULL},
    {OPTION_U32, {"0"}, B("\0\0\0\0"), NULL},
    {OPTION_U32, {"4294967295"}, B("\xff\xff\xff\xff"), NULL},
    {OPTION_S32, {"-1"}, B("\xff\xff\xff\xff"), NULL},
    {OPTION_S32, {"-2147483648"}, B("\x80\0\0\0"), NULL},
    {OPTION_S32, {"2147483647"}, B("\x7f\xff\xff\xff"), NULL},
    {OPTION_S32, {"-0"}, B("\0\0\0\0"), "0"},
    {OPTION_S32, {"-18000"}, B("\xff\xff\xb9\xb0"), NULL},
    {OPTION_SECONDS, {"90"}, B("\0\0\0\x5a"), NULL},
    {OPTION_SECONDS, {"90s"}, B("\0\0\0\x5a"), "90"},
    {OPTION_SECONDS, {"30m"}, B("\0\0\x07\x08"), NULL},
    {OPTION_SECONDS, {"1h"}, B("\0\0\x0e\x10"), NULL},
    {OPTION_SECONDS, {"24h"}, B("\0\1\x51\x80"), "1d"},
    {OPTION_SECONDS, {"1w"}, B("\0\x09\x3a\x80"), "7d"},
    {OPTION_SECONDS, {"0"}, B("\0\0\0\0"), NULL},
    {OPTION_SECONDS, {"4294967295"}, B("\xff\xff\xff\xff"), NULL},
    {OPTION_U8S, {"1", "0", "255"}, B("\1\0\xff"), NULL},
    {OPTION_U16S, {"68", "1492"}, B("\0\x44\x05\xd4"), NULL},
    {OPTION_ADDRESS, {"192.0.2.1"}, B("\xc0\0\2\1"), NULL},
    {OPTION_ADDRESS, {"0.0.0.0"}, B("\0\0\0\0"), NULL},
    {OPTION_ADDRESS, {"255.255.255.255"}, B("\xff\xff\xff\xff"), NULL},
    {OPTION_ADDRESSES, {"192.0.2.1", "192.0.2.2"}, B("\xc0\0\2\1\xc0\0\2\2"), NULL},
    {OPTION_PAIRS, {"192.0.2.0 255.255.255.0", "10.0.0.1 10.0.0.2"},
	B("\xc0\0\2\0\xff\xff\xff\0\x0a\0\0\1\x0a\0\0\2"), NULL},
    {OPTION_PAIRS, {"10.0.0.1 \t 10.0.0.2"}, B("\x0a\0\0\1\x0a\0\0\2"),
	"10.0.0.1 10.0.0.2"},
    {OPTION_TEXT, {"/srv/root, rw"}, B("/srv/root, rw"), NULL},
    {OPTION_NAME, {"lab.example.org"}, B("lab.example.org"), NULL},
    {OPTION_NAME, {"lab.example.org."}, B("lab.example.org"), "lab.example.org"},
    {OPTION_NAME, {"_tcp.x"}, B("_tcp.x"), NULL},
    {OPTION_NAMES, {"a.example", "b"}, B("\1a\7example\0\1b\0"), NULL},
    {OPTION_NAMES, {"Example.org."}, B("\7Example\3org\0"), "Example.org"},
    /* The examples of RFC 3442. */
    {OPTION_ROUTES, {"0.0.0.0/0 192.0.2.1"}, B("\0\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.0.0.0/8 192.0.2.1"}, B("\x08\x0a\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.0.0.0/24 192.0.2.1"}, B("\x18\x0a\0\0\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.17.0.0/16 192.0.2.1"}, B("\x10\x0a\x11\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.27.129.0/24 192.0.2.1"}, B("\x18\x0a\x1b\x81\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.229.0.128/25 192.0.2.1"}, B("\x19\x0a\xe5\0\x80\xc0\0\2\1"), NULL},
    {OPTION_ROUTES, {"10.198.122.47/32 192.0.2.1"}, B("\x20\x0a\xc6\x7a\x2f\xc0\0\2\1"),
	NULL},
    {OPTION_ROUTES, {"10.0.0.0/8 0.0.0.0", "128.0.0.0/1 192.0.2.9"},
	B("\x08\x0a\0\0\0\0\x01\x80\xc0\0\2\x09"), NULL},
    {OPTION_BYTES, {"01:02:ff"}, B("\1\2\xff"), NULL},
    {OPTION_BYTES, {"Ab"}, B("\xab"), "ab"},
#undef B
};

static void
joined(const char *const pieces[PIECES_MAX], char *text, size_t cap)
{
	size_t n = 0;

	for (unsigned i = 0; i < PIECES_MAX && pieces[i] != NULL; i++)
		n += (size_t)snprintf(
		    text + n, cap - n, "%s%s", i == 0 ? "" : ", ", pieces[i]);
}

static void
types_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint8_t value[OPTION_VALUE_MAX];
		char text[OPTION_TEXT_MAX], want[OPTION_TEXT_MAX];
		const char *expected;
		size_t used = 0;

		for (unsigned k = 0; k < PIECES_MAX && good[i].pieces[k] != NULL; k++) {
			const char *p = good[i].pieces[k];

			assert_int_equal(option_append(good[i].type, p, strlen(p), value,
					     sizeof value, &used, &expected),
			    0);
		}
		assert_int_equal(used, good[i].len);
		assert_memory_equal(value, good[i].bytes, used);
		joined(good[i].pieces, want, sizeof want);
		assert_string_equal(option_format(good[i].type, value, used, text),
		    good[i].shown != NULL ? good[i].shown : want);
	}
}

static const struct {
	enum option_type type;
	const char *text;
	int err;
	const char *expected;
} bad[] = {
    {OPTION_FLAG, "true", ERR_FORMAT, "'yes' or 'no'"},
    {OPTION_FLAG, "", ERR_FORMAT, "'yes' or 'no'"},
    {OPTION_FLAG, "yes ", ERR_FORMAT, NULL},
    {OPTION_U8, "256", ERR_RANGE, "a number from 0 to 255"},
    {OPTION_U8, "18446744073709551616", ERR_RANGE, NULL},
    {OPTION_U8, "99999999999999999999999999999x", ERR_FORMAT, NULL},
    {OPTION_U8, "-1", ERR_FORMAT, NULL},
    {OPTION_U8, "", ERR_FORMAT, NULL},
    {OPTION_U8, "0x10", ERR_FORMAT, NULL},
    {OPTION_U16, "65536", ERR_RANGE, "a number from 0 to 65535"},
    {OPTION_U32, "4294967296", ERR_RANGE, "a number from 0 to 4294967295"},
    {OPTION_S32, "2147483648", ERR_RANGE, NULL},
    {OPTION_S32, "-2147483649", ERR_RANGE, NULL},
    {OPTION_S32, "-", ERR_FORMAT, NULL},
    {OPTION_S32, "--1", ERR_FORMAT, NULL},
    {OPTION_SECONDS, "h", ERR_FORMAT, NULL},
    {OPTION_SECONDS, "1y", ERR_FORMAT, NULL},
    {OPTION_SECONDS, "1hm", ERR_FORMAT, NULL},
    {OPTION_SECONDS, "7102w", ERR_RANGE, NULL},
    {OPTION_SECONDS, "4294967296", ERR_RANGE, NULL},
    {OPTION_U8S, "1 2", ERR_FORMAT, NULL},
    {OPTION_ADDRESS, "192.0.2", ERR_FORMAT, "an IPv4 address"},
    {OPTION_ADDRESS, "192.0.2.256", ERR_FORMAT, NULL},
    {OPTION_ADDRESS, "::1", ERR_FORMAT, NULL},
    {OPTION_ADDRESS, "192.0.2.1 ", ERR_FORMAT, NULL},
    {OPTION_ADDRESS, "111.222.111.2222", ERR_FORMAT, NULL},
    {OPTION_PAIRS, "192.0.2.1", ERR_FORMAT, NULL},
    {OPTION_PAIRS, "192.0.2.1 ", ERR_FORMAT, NULL},
    {OPTION_PAIRS, " 192.0.2.1", ERR_FORMAT, NULL},
    {OPTION_PAIRS, "192.0.2.1 192.0.2.2 192.0.2.3", ERR_FORMAT, NULL},
    {OPTION_TEXT, "", ERR_FORMAT, NULL},
    {OPTION_TEXT, "a\nb", ERR_FORMAT, NULL},
    {OPTION_TEXT, "\xc3\xa4", ERR_FORMAT, NULL},
    {OPTION_NAME, "", ERR_FORMAT, NULL},
    {OPTION_NAME, ".", ERR_FORMAT, NULL},
    {OPTION_NAME, "a..b", ERR_FORMAT, NULL},
    {OPTION_NAME, ".a", ERR_FORMAT, NULL},
    {OPTION_NAME, "a..", ERR_FORMAT, NULL},
    {OPTION_NAME, "-a.b", ERR_FORMAT, NULL},
    {OPTION_NAME, "a-.b", ERR_FORMAT, NULL},
    {OPTION_NAME, "a b", ERR_FORMAT, NULL},
    {OPTION_NAMES, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
	ERR_FORMAT, NULL},
    {OPTION_ROUTES, "10.0.0.0/33 192.0.2.1", ERR_RANGE, "a prefix from 0 to 32"},
    {OPTION_ROUTES, "10.0.0.1/8 192.0.2.1", ERR_RANGE,
	"a network, with no bit set behind its prefix"},
    {OPTION_ROUTES, "128.0.0.0/0 192.0.2.1", ERR_RANGE, NULL},
    {OPTION_ROUTES, "10.0.0.0 192.0.2.1", ERR_FORMAT, NULL},
    {OPTION_ROUTES, "10.0.0.0/ 192.0.2.1", ERR_FORMAT, NULL},
    {OPTION_ROUTES, "10.0.0.0/8", ERR_FORMAT, NULL},
    {OPTION_ROUTES, "10.0.0.0/8 192.0.2", ERR_FORMAT, NULL},
    {OPTION_BYTES, "", ERR_FORMAT, NULL},
    {OPTION_BYTES, "1", ERR_FORMAT, NULL},
    {OPTION_BYTES, "01:", ERR_FORMAT, NULL},
    {OPTION_BYTES, "01:2", ERR_FORMAT, NULL},
    {OPTION_BYTES, "01-02", ERR_FORMAT, NULL},
    {OPTION_BYTES, "0g", ERR_FORMAT, NULL},
    {OPTION_EMPTY, "x", ERR_FORMAT, "no value"},
    {OPTION_OURS, "x", ERR_DENIED, "an option that can be configured"},
    {(enum option_type)99, "x", ERR_DENIED, NULL},
};

static void
refusals_say_why_and_change_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t value[OPTION_VALUE_MAX] = {0x55};
		const char *expected = NULL;
		size_t used = 0;

		assert_int_equal(
		    option_append(bad[i].type, bad[i].text, strlen(bad[i].text), value,
			sizeof value, &used, &expected),
		    bad[i].err);
		assert_int_equal(used, 0);
		assert_int_equal(value[0], 0x55);
		assert_non_null(expected);
		if (bad[i].expected != NULL)
			assert_string_equal(expected, bad[i].expected);
	}
}

static void
a_nul_is_no_text(void **state)
{
	uint8_t value[8];
	const char *expected;
	size_t used = 0;

	(void)state;
	assert_int_equal(
	    option_append(OPTION_TEXT, "a\0b", 3, value, sizeof value, &used, &expected),
	    ERR_FORMAT);
	assert_int_equal(option_append(OPTION_ADDRESS, "192.0.2.1\0x", 11, value,
			     sizeof value, &used, &expected),
	    ERR_FORMAT);
}

static void
single_values_come_once(void **state)
{
	static const enum option_type single[] = {OPTION_FLAG, OPTION_U8, OPTION_U16,
	    OPTION_U32, OPTION_S32, OPTION_SECONDS, OPTION_ADDRESS, OPTION_TEXT,
	    OPTION_NAME, OPTION_BYTES};
	uint8_t value[OPTION_VALUE_MAX];
	const char *expected;

	(void)state;
	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
		size_t used = 4;

		assert_int_equal(
		    option_append(single[i], "1", 1, value, sizeof value, &used, &expected),
		    ERR_DUPLICATE);
		assert_int_equal(used, 4);
		assert_string_equal(expected, "one value only");
	}
}

static void
values_end_at_the_cap(void **state)
{
	uint8_t value[400];
	const char *expected;
	size_t used = 0;
	char text[300];

	(void)state;
	/* 63 addresses are 252 bytes. */
	for (unsigned i = 0; i < 63; i++)
		assert_int_equal(option_append(OPTION_ADDRESSES, "192.0.2.1", 9, value,
				     sizeof value, &used, &expected),
		    0);
	assert_int_equal(option_append(OPTION_ADDRESSES, "192.0.2.1", 9, value,
			     sizeof value, &used, &expected),
	    ERR_LONG);
	assert_int_equal(used, 252);
	assert_string_equal(expected, "a value of at most 255 bytes in all");
	used = 2;
	assert_int_equal(
	    option_append(OPTION_U16S, "1", 1, value, 3, &used, &expected), ERR_LONG);
	assert_int_equal(option_append(OPTION_U16S, "1", 1, value, 4, &used, &expected), 0);
	used = 5;
	assert_int_equal(
	    option_append(OPTION_U16S, "1", 1, value, 4, &used, &expected), ERR_LONG);
	memset(text, 'x', sizeof text);
	used = 0;
	assert_int_equal(
	    option_append(OPTION_TEXT, text, 256, value, sizeof value, &used, &expected),
	    ERR_LONG);
	assert_int_equal(
	    option_append(OPTION_TEXT, text, 255, value, sizeof value, &used, &expected),
	    0);
	assert_int_equal(used, 255);
}

/* 253 characters, 255 bytes as labels (RFC 1035, 2.3.4); one more is too long both ways. */
static void
names_end_at_their_limit(void **state)
{
	uint8_t value[400];
	char text[400], shown[OPTION_TEXT_MAX];
	const char *expected;
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof text; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(
	    option_append(OPTION_NAMES, text, 253, value, sizeof value, &used, &expected),
	    0);
	assert_int_equal(used, 255);
	text[253] = '\0';
	assert_string_equal(option_format(OPTION_NAMES, value, used, shown), text);
	used = 0;
	text[252] = text[253] = 'a';
	assert_int_equal(
	    option_append(OPTION_NAMES, text, 254, value, sizeof value, &used, &expected),
	    ERR_FORMAT);
	assert_int_equal(
	    option_append(OPTION_NAME, text, 254, value, sizeof value, &used, &expected),
	    ERR_FORMAT);
}

/* Bytes that the type does not allow. */
static const struct {
	enum option_type type;
	const char *bytes;
	size_t len;
	const char *shown;
} odd[] = {
    {OPTION_FLAG, "\2", 1, "02"},
    {OPTION_FLAG, "\1\1", 2, "01:01"},
    {OPTION_U16, "\1", 1, "01"},
    {OPTION_U16, "\1\2\3", 3, "01:02:03"},
    {OPTION_U16S, "\1\2\3", 3, "01:02:03"},
    {OPTION_ADDRESSES, "\1\2\3\4\5", 5, "01:02:03:04:05"},
    {OPTION_PAIRS, "\1\2\3\4", 4, "01:02:03:04"},
    {OPTION_TEXT, "ab\n", 3, "61:62:0a"},
    {OPTION_TEXT, "ab\0", 3, "61:62:00"},
    {OPTION_NAME, "a..b", 4, "61:2e:2e:62"},
    {OPTION_NAMES, "\1a", 2, "01:61"},
    {OPTION_NAMES, "\0", 1, "00"},
    {OPTION_NAMES, "\xc0\0", 2, "c0:00"},
    {OPTION_NAMES, "\1.\0", 3, "01:2e:00"},
    {OPTION_ROUTES, "\x21\1\1\1\1\1\1\1\1", 9, "21:01:01:01:01:01:01:01:01"},
    {OPTION_ROUTES, "\x07\x01\1\1\1\1", 6, "07:01:01:01:01:01"},
    {OPTION_ROUTES, "\x08\x01\1\1\1", 5, "08:01:01:01:01"},
    {OPTION_EMPTY, "\x08", 1, "08"},
    {OPTION_OURS, "\x08", 1, "08"},
    {(enum option_type)99, "\x08", 1, "08"},
    {OPTION_EMPTY, "", 0, ""},
    {OPTION_BYTES, "", 0, ""},
    {OPTION_TEXT, "", 0, ""},
    {OPTION_ADDRESSES, "", 0, ""},
};

static void
other_bytes_are_shown_as_hex(void **state)
{
	char text[OPTION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		assert_string_equal(option_format(odd[i].type,
					(const uint8_t *)odd[i].bytes, odd[i].len, text),
		    odd[i].shown);
}

/* The longest text of every type, and what is beyond 255 bytes. */
static void
any_length_fits_the_text(void **state)
{
	static const uint8_t fills[] = {0x00, 0x01, 0x20, 0x61, 0xff};
	uint8_t value[300];
	char text[OPTION_TEXT_MAX + 1];

	(void)state;
	for (size_t f = 0; f < sizeof fills; f++) {
		memset(value, fills[f], sizeof value);
		for (unsigned type = 0; type <= OPTION_EMPTY; type++) {
			for (size_t len = 0; len <= sizeof value; len++) {
				text[OPTION_TEXT_MAX] = '!';
				option_format((enum option_type)type, value, len, text);
				assert_true(strlen(text) < OPTION_TEXT_MAX);
				assert_true((text[0] == '\0') == (len == 0));
				assert_int_equal(text[OPTION_TEXT_MAX], '!');
			}
		}
	}
	memset(value, 0xff, sizeof value);
	assert_int_equal(strlen(option_format(OPTION_U8S, value, 255, text)), 255 * 5 - 2);
	assert_int_equal(
	    strlen(option_format(OPTION_BYTES, value, 255, text)), 255 * 3 - 1);
	assert_int_equal(
	    strlen(option_format(OPTION_BYTES, value, 300, text)), 255 * 3 - 1);
}

static void
types_have_names(void **state)
{
	enum option_type type;

	(void)state;
	for (unsigned i = OPTION_OURS + 1; i <= OPTION_EMPTY; i++) {
		const char *name = option_type_name((enum option_type)i);

		assert_true(option_type_parse(name, strlen(name), &type));
		assert_int_equal(type, i);
	}
	assert_string_equal(option_type_name(OPTION_ADDRESSES), "addresses");
	assert_string_equal(option_type_name((enum option_type)99), "unknown");
	assert_false(option_type_parse("ours", 4, &type));
	assert_false(option_type_parse("u", 1, &type));
	assert_false(option_type_parse("u88", 3, &type));
	assert_false(option_type_parse("", 0, &type));
}

/* One piece that each type takes. */
static const char *
sample(enum option_type type)
{
	switch (type) {
	case OPTION_FLAG: return "yes";
	case OPTION_S32: return "-3600";
	case OPTION_SECONDS: return "30m";
	case OPTION_U8:
	case OPTION_U8S: return "8";
	case OPTION_U16:
	case OPTION_U16S:
	case OPTION_U32: return "1500";
	case OPTION_ADDRESS:
	case OPTION_ADDRESSES: return "192.0.2.1";
	case OPTION_PAIRS: return "192.0.2.0 192.0.2.1";
	case OPTION_TEXT:
	case OPTION_NAME:
	case OPTION_NAMES: return "example.org";
	case OPTION_ROUTES: return "192.0.2.0/24 198.51.100.1";
	case OPTION_BYTES: return "01:02:ff";
	default: return "";
	}
}

static void
every_entry_both_ways(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		const struct option_def *d = option_by_code(code);
		uint8_t value[OPTION_VALUE_MAX];
		char text[OPTION_TEXT_MAX];
		const char *expected, *s;
		size_t used = 0;
		int rc;

		if (d == NULL)
			continue;
		n++;
		assert_int_equal(d->code, code);
		assert_ptr_equal(option_by_name(d->name, strlen(d->name)), d);
		assert_int_not_equal(d->shown, OPTION_OURS);
		assert_true(d->shown == d->type || d->type == OPTION_OURS);
		s = sample(d->type);
		rc = option_append(
		    d->type, s, strlen(s), value, sizeof value, &used, &expected);
		if (d->type == OPTION_OURS) {
			assert_int_equal(rc, ERR_DENIED);
			assert_int_equal(option_check(d, value, 0, &expected), ERR_RANGE);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(option_format(d->shown, value, used, text), s);
		assert_int_equal(option_check(d, value, used, &expected), 0);
	}
	assert_true(n > 140);
}

static void
known_names(void **state)
{
	static const struct {
		unsigned code;
		const char *name;
		enum option_type type;
	} some[] = {{2, "time-offset", OPTION_S32}, {3, "routers", OPTION_ADDRESSES},
	    {6, "domain-name-servers", OPTION_ADDRESSES}, {12, "host-name", OPTION_TEXT},
	    {15, "domain-name", OPTION_NAME}, {17, "root-path", OPTION_TEXT},
	    {26, "interface-mtu", OPTION_U16}, {33, "static-routes", OPTION_PAIRS},
	    {42, "ntp-servers", OPTION_ADDRESSES},
	    {108, "v6-only-preferred", OPTION_SECONDS},
	    {114, "captive-portal", OPTION_TEXT}, {119, "domain-search", OPTION_NAMES},
	    {121, "classless-static-route", OPTION_ROUTES},
	    {150, "tftp-server-address", OPTION_ADDRESSES},
	    {209, "loader-configfile", OPTION_TEXT},
	    {249, "ms-classless-static-route", OPTION_ROUTES}};
	static const uint8_t ours[] = {0, 1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
	    66, 67, 80, 82, 93, 94, 97, 116, 118, 175, 255};

	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		const struct option_def *d =
		    option_by_name(some[i].name, strlen(some[i].name));

		assert_non_null(d);
		assert_int_equal(d->code, some[i].code);
		assert_int_equal(d->type, some[i].type);
	}
	for (size_t i = 0; i < sizeof ours; i++)
		assert_int_equal(option_by_code(ours[i])->type, OPTION_OURS);
	assert_null(option_by_name("router", 6));
	assert_null(option_by_name("routersx", 8));
	assert_null(option_by_name("", 0));
	assert_null(option_by_code(224));
	assert_null(option_by_code(256));
	assert_null(option_by_code(UINT32_MAX));
}

static void
whole_values_have_limits(void **state)
{
	static const struct {
		unsigned code;
		const char *bytes;
		size_t len;
		int rc;
	} values[] = {
	    {26, "\0\x43", 2, ERR_RANGE},
	    {26, "\0\x44", 2, 0},
	    {26, "\0\x44\0", 3, ERR_RANGE},
	    {22, "\2\x3f", 2, ERR_RANGE},
	    {22, "\2\x40", 2, 0},
	    {23, "\0", 1, ERR_RANGE},
	    {37, "\0", 1, ERR_RANGE},
	    {37, "\1", 1, 0},
	    {46, "\0", 1, ERR_RANGE},
	    {46, "\x09", 1, ERR_RANGE},
	    {25, "\1\0\0\x43", 4, ERR_RANGE},
	    {25, "\1\0\0\x44", 4, 0},
	    {3, "\1\2\3\4\1\2\3\4", 8, 0},
	    {3, "\1\2\3\4\1\2\3", 7, ERR_RANGE},
	    {3, "", 0, ERR_RANGE},
	    {43, "", 0, ERR_RANGE},
	    {43, "\0", 1, 0},
	};
	const char *expected;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		expected = NULL;
		assert_int_equal(
		    option_check(option_by_code(values[i].code),
			(const uint8_t *)values[i].bytes, values[i].len, &expected),
		    values[i].rc);
		assert_non_null(expected);
	}
	assert_int_equal(
	    option_check(option_by_code(26), (const uint8_t *)"\0\1", 2, &expected),
	    ERR_RANGE);
	assert_string_equal(expected, "a number from 68 to 65535");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types_both_ways),
	    cmocka_unit_test(refusals_say_why_and_change_nothing),
	    cmocka_unit_test(a_nul_is_no_text),
	    cmocka_unit_test(single_values_come_once),
	    cmocka_unit_test(values_end_at_the_cap),
	    cmocka_unit_test(names_end_at_their_limit),
	    cmocka_unit_test(other_bytes_are_shown_as_hex),
	    cmocka_unit_test(any_length_fits_the_text),
	    cmocka_unit_test(types_have_names),
	    cmocka_unit_test(every_entry_both_ways),
	    cmocka_unit_test(known_names),
	    cmocka_unit_test(whole_values_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
