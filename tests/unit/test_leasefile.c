/*
 * Lease files of dnsmasq, ISC dhcpd and Kea, and our own: what is read of good ones, and
 * where bad ones are wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/sallyport/leasefile.h"
#include "tests/unit/unit.h"

#define MOST 16

static struct file_lease got[MOST];
static unsigned ngot;
static struct text_error error;

static void
keep(void *arg, const struct file_lease *l)
{
	(void)arg;
	assert_true(ngot < MOST);
	got[ngot++] = *l;
}

static int
read_text(const char *format, const char *text, size_t len)
{
	leasefile_parse *parse = leasefile_format(format);
	/* Of exactly that length, for the sanitizers. */
	char *copy = malloc(len == 0 ? 1 : len);
	int err;

	assert_non_null(parse);
	assert_non_null(copy);
	memcpy(copy, text, len);
	ngot = 0;
	memset(&error, 0, sizeof error);
	err = parse(copy, len, keep, NULL, &error);
	free(copy);
	return err;
}

static void
read_seed(const char *name)
{
	static char text[8192];
	char path[64];
	FILE *f;
	size_t len;

	snprintf(path, sizeof path, "fuzz/corpus/leasefile/%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(text, 1, sizeof text, f);
	fclose(f);
	assert_int_equal(read_text(name, text, len), 0);
}

/* identity: "KIND BYTES", KIND as in enum. */
static void
is(unsigned i, const char *address, enum file_state state, uint64_t until, const char *mac,
    const char *identity)
{
	char text[256], a[ADDR_TEXT_MAX], m[MAC_TEXT_MAX];
	size_t at;

	assert_true(i < ngot);
	assert_string_equal(addr_format(&got[i].addr, a), address);
	assert_int_equal(got[i].state, state);
	if (state == FILE_BOUND)
		assert_true(got[i].until == until);
	assert_string_equal(mac_format(&got[i].mac, m), mac);
	at = (size_t)snprintf(text, sizeof text, "%u ", got[i].kind);
	for (size_t k = 0; k < got[i].id_len; k++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%02x", got[i].id[k]);
	assert_string_equal(text, identity);
}

#define NO_MAC "00:00:00:00:00:00"

static void
dnsmasq(void **state)
{
	(void)state;
	read_seed("dnsmasq");
	assert_int_equal(ngot, 5);
	is(0, "10.77.0.101", FILE_BOUND, 1795000000, "52:54:00:00:00:01",
	    "1 01525400000001");
	is(1, "10.77.0.102", FILE_BOUND, 1795000100, "52:54:00:00:00:02",
	    "1 01525400000002");
	is(2, "10.77.0.103", FILE_BOUND, LEASEFILE_NEVER, "52:54:00:00:00:03",
	    "2 ff00000003000100012abb");
	is(3, "10.77.0.104", FILE_BOUND, 1795000200, NO_MAC, "1 20a0000220fe80");
	/* What PXE firmware calls itself is no identity to lease by. */
	is(4, "10.77.0.105", FILE_BOUND, 1795000300, "52:54:00:00:00:05",
	    "1 01525400000005");
	assert_int_equal(got[4].line, 5);
}

static void
isc(void **state)
{
	(void)state;
	read_seed("isc");
	assert_int_equal(ngot, 5);
	is(0, "10.77.0.101", FILE_ENDED, 0, "52:54:00:00:00:01", "1 01525400000001");
	is(1, "10.77.0.101", FILE_BOUND, 1795437296, "52:54:00:00:00:01",
	    "1 01525400000001");
	is(2, "10.77.0.102", FILE_BOUND, 1795003200, "52:54:00:00:00:02",
	    "2 ff000000020001");
	is(3, "10.77.0.103", FILE_BOUND, LEASEFILE_NEVER, "52:54:00:00:00:03",
	    "1 01525400000003");
	is(4, "10.77.0.104", FILE_RESTS, 0, NO_MAC, "0 ");
	assert_int_equal(got[1].line, 21);
}

static void
kea(void **state)
{
	(void)state;
	read_seed("kea");
	assert_int_equal(ngot, 6);
	is(0, "10.77.0.101", FILE_BOUND, 1795000000, "52:54:00:00:00:01",
	    "1 01525400000001");
	is(1, "10.77.0.101", FILE_BOUND, 1795000500, "52:54:00:00:00:01",
	    "1 01525400000001");
	is(2, "10.77.0.102", FILE_BOUND, LEASEFILE_NEVER, "52:54:00:00:00:02",
	    "1 01525400000002");
	is(3, "10.77.0.103", FILE_RESTS, 0, NO_MAC, "0 ");
	is(4, "10.77.0.104", FILE_ENDED, 0, "52:54:00:00:00:04", "2 ff00000004");
	is(5, "10.77.0.105", FILE_ENDED, 0, "52:54:00:00:00:05", "1 01525400000005");
}

static void
ours(void **state)
{
	(void)state;
	read_seed("csv");
	assert_int_equal(ngot, 4);
	is(0, "10.77.0.101", FILE_BOUND, 1795437296, "52:54:00:00:00:01",
	    "1 01525400000001");
	is(1, "10.77.0.102", FILE_BOUND, 1795437296, NO_MAC, "2 ff0001");
	is(2, "10.77.0.103", FILE_RESTS, 0, NO_MAC, "0 ");
	is(3, "10.77.0.104", FILE_ENDED, 0, NO_MAC, "0 ");
}

#define HEAD "address,state,until,mac,identity\n"
#define KEA "address,hwaddr,client_id,valid_lifetime,expire\n"

/* What is wrong, and where. */
static void
errors(void **state)
{
	static const struct {
		const char *format, *text;
		unsigned line, column;
		const char *what;
	} cases[] = {
	    {"dnsmasq", "x", 1, 1, "number"},
	    {"dnsmasq", "1 02:00:00:00:00:01", 1, 20, "an address"},
	    {"dnsmasq", "1 02:00:00:00:00:01 10.0.0.256 * *", 1, 21, "an address"},
	    {"dnsmasq", "1 02:00:00:00:00:01 10.0.0.1 *\n", 1, 31, "client identifier"},
	    {"dnsmasq", "1 02:0g:00:00:00:01 10.0.0.1 * *\n", 1, 7, "colon"},
	    {"dnsmasq", "1 02: 10.0.0.1 * *\n", 1, 6, "bytes"},
	    {"dnsmasq", "1 02:00:00:00:00:01 10.0.0.1 * * *\n", 1, 34, "end of the line"},
	    {"dnsmasq", "1 02:00:00:00:00:01 fd00::1 * *\n", 1, 21, "IPv4"},
	    {"dnsmasq", "\n18446744073709551616 02 10.0.0.1 * *\n", 2, 1, "too large"},
	    {"isc", "lease", 1, 6, "an address"},
	    {"isc", "lease 10.0.0.1 ;", 1, 16, "\"{\""},
	    {"isc", "lease 10.0.0.1 {\n ends never", 2, 12, "\";\""},
	    {"isc", "lease 10.0.0.1 {\n ends 7 2026/1/1 0:0:0; }", 2, 7, "too large"},
	    {"isc", "lease 10.0.0.1 {\n ends 1 2026/13/1 0:0:0; }", 2, 9, "a date"},
	    {"isc", "lease 10.0.0.1 {\n ends 1 2026/1 0:0:0; }", 2, 15, "three numbers"},
	    {"isc", "lease 10.0.0.1 {\n ends 1 2026/1/1 24:0:0; }", 2, 18, "time of day"},
	    {"isc", "lease 10.0.0.1 { binding state odd; }", 1, 32, "binding state"},
	    {"isc", "lease 10.0.0.1 { uid \"abc\n\"; }", 1, 26, "end of the text"},
	    {"isc", "lease 10.0.0.1 { uid \"abc\\", 1, 26, "end of the text"},
	    {"isc", "lease 10.0.0.1 { uid ; }", 1, 22, "client identifier"},
	    {"isc", "lease 10.0.0.1 { hardware ethernet 1:2", 1, 39, "\";\""},
	    {"isc", "x { y; ", 1, 8, "\";\""},
	    {"isc", "}", 1, 1, "declaration"},
	    {"kea", "", 1, 1, "column \"address\""},
	    {"kea", "address,address\n", 1, 9, "twice"},
	    {"kea", KEA "10.0.0.1,1,,1\n", 3, 1, "expire"},
	    {"kea", KEA "10.0.0.1,1,,x,1\n", 2, 13, "a number"},
	    {"kea", KEA "10.0.0.1,,,1,1\n10.0.0,,,1,1\n", 3, 1, "an address"},
	    {"csv", "address,state,until,mac\n", 2, 1, "column \"identity\""},
	    {"csv", HEAD "10.0.0.1,odd,,,\n", 2, 10, "bound"},
	    {"csv", HEAD "10.0.0.1,bound,,,\n", 2, 16, "a time"},
	    {"csv", HEAD "10.0.0.1,bound,2026-11-23 12:34:56Z,,\n", 2, 16, "a time"},
	    {"csv", HEAD "10.0.0.1,free,,1:2,\n", 2, 16, "six bytes"},
	    {"csv", HEAD "10.0.0.1,free,,,hw:\n", 2, 17, "hw:"},
	    {"csv", HEAD "10.0.0.1,free,,,id:x\n", 2, 17, "bytes"},
	    {"csv", HEAD "\"10.0.0.1", 2, 10, "end of the field"},
	    {"csv", HEAD "\"10.0.0.1\"x", 2, 11, "comma"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int err = read_text(cases[i].format, cases[i].text, strlen(cases[i].text));

		if (err != ERR_FORMAT || error.line != cases[i].line ||
		    error.column != cases[i].column ||
		    strstr(error.what, cases[i].what) == NULL)
			fail_msg("case %zu: %d at %u:%u: %s", i, err, error.line,
			    error.column, error.what);
	}
	assert_null(leasefile_format("windows"));
}

/* A text cut anywhere is an error or a shorter list, never a step too far. */
static void
cut_anywhere(void **state)
{
	static const char *const names[] = {"dnsmasq", "isc", "kea", "csv"};
	static char text[8192];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char path[64];
		size_t len;
		FILE *f;

		snprintf(path, sizeof path, "fuzz/corpus/leasefile/%s", names[i]);
		f = fopen(path, "rb");
		assert_non_null(f);
		len = fread(text, 1, sizeof text, f);
		fclose(f);
		for (size_t cut = 0; cut < len; cut++)
			if (read_text(names[i], text, cut) != 0)
				assert_true(error.line > 0 && error.column > 0);
	}
}

/* Longer than anything that is kept. */
static void
too_long(void **state)
{
	static char text[4000];
	int at;

	(void)state;
	at = snprintf(text, sizeof text, "lease 10.0.0.1 { uid \"");
	memset(text + at, 'x', 600);
	strcpy(text + at + 600, "\"; }");
	assert_int_equal(read_text("isc", text, strlen(text)), ERR_FORMAT);
	assert_non_null(strstr(error.what, "longer than 512"));
	at = snprintf(text, sizeof text, "a ");
	memset(text + at, '{', 100);
	assert_int_equal(read_text("isc", text, 102), ERR_FORMAT);
	assert_non_null(strstr(error.what, "braces"));
	at = snprintf(text, sizeof text, HEAD);
	memset(text + at, 'x', 900);
	assert_int_equal(read_text("csv", text, (size_t)at + 900), ERR_FORMAT);
	assert_non_null(strstr(error.what, "longer than 800"));
	memset(text, ',', 40);
	assert_int_equal(read_text("csv", text, 40), ERR_FORMAT);
	assert_non_null(strstr(error.what, "columns"));
	/* A client identifier that no record could hold: the hardware address counts. */
	at = snprintf(text, sizeof text, KEA "10.0.0.1,02:00:00:00:00:01,ff");
	for (unsigned i = 0; i < 64; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, ":01");
	at += snprintf(text + at, sizeof text - (size_t)at, ",1,1\n");
	assert_int_equal(read_text("kea", text, (size_t)at), 0);
	is(0, "10.0.0.1", FILE_BOUND, 1, "02:00:00:00:00:01", "1 01020000000001");
}

/* Dates against what the C library makes of them. */
static void
dates(void **state)
{
	static const struct {
		const char *text;
		uint64_t when;
	} cases[] = {{"1970-01-01T00:00:01Z", 1}, {"2000-02-29T12:00:00Z", 951825600},
	    {"2024-12-31T23:59:59Z", 1735689599}, {"2100-03-01T00:00:00Z", 4107542400}};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(
		    text, sizeof text, HEAD "10.0.0.1,bound,%s,,id:01\n", cases[i].text);
		assert_int_equal(read_text("csv", text, strlen(text)), 0);
		is(0, "10.0.0.1", FILE_BOUND, cases[i].when, NO_MAC, "2 01");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dnsmasq),
	    cmocka_unit_test(isc),
	    cmocka_unit_test(kea),
	    cmocka_unit_test(ours),
	    cmocka_unit_test(errors),
	    cmocka_unit_test(cut_anywhere),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
