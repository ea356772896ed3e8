/*
 * The configuration: images that are open to a network, what is wrong with such a rule,
 * and which rules hold for an address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "tests/lib/conf_same.h"
#include "tests/lib/conf_wrong.h"
#include "tests/unit/unit.h"

#define IF "interface eth0;\n"

static struct conf *
parse(const char *text)
{
	struct conf_text t = {.conf = text, .conf_len = strlen(text)};
	struct conf_error e;
	struct conf *c;

	if (conf_parse(&t, &c, &e) == 0)
		return c;
	fail_msg("%u:%u: %s", e.line, e.column, e.text);
	return NULL;
}

/* The images that are open to the address, "a b " in the order of the file. */
static const char *
open_to(const struct conf *c, const char *address)
{
	static char names[256];
	const struct conf_open *o;
	struct addr a;
	unsigned n = 0;

	assert_int_equal(addr_parse(address, &a), 0);
	names[0] = '\0';
	while ((o = conf_next_open(c, &a, &n)) != NULL) {
		strcat(names, o->image);
		strcat(names, " ");
	}
	return names;
}

static void
prefixes_end_where_they_say(void **state)
{
	struct conf *c = parse(IF "open image \"a\" to 10.0.0.0/8;\n"
				  "open image \"b\" to 10.1.2.0/25; open image \"c\" to "
				  "10.1.2.7/32; open image \"d\" to 2001:DB8::/32;\n"
				  "open image \"e\" to 2001:db8:0:10::/60;\n"
				  "open image \"f\" to fd00::1/128;");

	(void)state;
	assert_int_equal(c->nopen, 6);
	assert_string_equal(open_to(c, "9.255.255.255"), "");
	assert_string_equal(open_to(c, "10.255.255.255"), "a ");
	assert_string_equal(open_to(c, "11.0.0.0"), "");
	assert_string_equal(open_to(c, "10.1.2.127"), "a b ");
	assert_string_equal(open_to(c, "10.1.2.128"), "a ");
	assert_string_equal(open_to(c, "10.1.2.7"), "a b c ");
	assert_string_equal(open_to(c, "2001:db8:0:1f:ffff::"), "d e ");
	assert_string_equal(open_to(c, "2001:db8:0:20::"), "d ");
	assert_string_equal(open_to(c, "2001:db9::"), "");
	assert_string_equal(open_to(c, "fd00::1"), "f ");
	assert_string_equal(open_to(c, "fd00::"), "");
	/* The same bytes in another family are another address. */
	assert_string_equal(open_to(c, "a01:207::"), "");
	assert_string_equal(open_to(c, "0:a01:207::"), "");
	conf_free(c);
}

static void
printed_as_read(void **state)
{
	struct conf *c = parse(IF "open image \"a.b-c\" to 192.0.2.0/24; open image \"a\" "
				  "to 2001:0DB8:0000::/48;"),
		    *again;
	char *text, *whole;
	size_t len;

	(void)state;
	text = conf_printed(c, &len);
	whole = calloc(1, len + 1);
	assert_non_null(whole);
	memcpy(whole, text, len);
	assert_non_null(strstr(whole, "open image \"a.b-c\" to 192.0.2.0/24;\n"
				      "open image \"a\" to 2001:db8::/48;\n"));
	again = parse(whole);
	assert_null(conf_same(c, again));
	conf_free(again);
	conf_free(c);
	free(whole);
	free(text);
}

static void
as_many_as_can_be(void **state)
{
	char text[8192];
	size_t len = (size_t)snprintf(text, sizeof text, IF);
	struct conf_wrong w = {text, ERR_FULL, 66, 19,
	    "found '10.1.0.64/32', expected at most 64 times 'open image'"};
	struct conf *c;

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
		    "open image \"a\" to 10.1.0.%u/32;\n", i);
	c = parse(text);
	assert_int_equal(c->nopen, 64);
	conf_free(c);
	snprintf(text + len, sizeof text - len, "open image \"a\" to 10.1.0.64/32;\n");
	assert_true(conf_wrong_is_exact(&w));
}

static void
what_is_wrong(void **state)
{
	static const struct conf_wrong wrongs[] = {
	    {IF "open \"a\" to 10.0.0.0/8;", ERR_FORMAT, 2, 6,
		"found \"a\", expected 'image'"},
	    {IF "open image a to 10.0.0.0/8;", ERR_FORMAT, 2, 12,
		"found 'a', expected a text in double quotes"},
	    {IF "open image \"a\" 10.0.0.0/8;", ERR_FORMAT, 2, 16,
		"found '10.0.0.0/8', expected 'to'"},
	    {IF "open image \"a\" to 10.0.0.1;", ERR_FORMAT, 2, 19,
		"found '10.0.0.1', expected a subnet such as 192.0.2.0/24 or an IPv6 "
		"subnet such as 2001:db8::/64"},
	    {IF "open image \"a\" to 2001:db8::1;", ERR_FORMAT, 2, 19,
		"found '2001:db8::1', expected a subnet such as 192.0.2.0/24 or an IPv6 "
		"subnet such as 2001:db8::/64"},
	    {IF "open image \"A\" to 10.0.0.0/8;", ERR_FORMAT, 2, 12,
		"found \"A\", expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', "
		"first a letter or digit"},
	    {IF "open image \"a\" to 10.0.0.0/7;", ERR_RANGE, 2, 19,
		"found '10.0.0.0/7', expected a prefix length from 8 to 32"},
	    {IF "open image \"a\" to 10.0.0.1/8;", ERR_RANGE, 2, 19,
		"found '10.0.0.1/8', expected the subnet's first address: 10.0.0.0/8"},
	    {IF "open image \"a\" to 224.0.0.0/8;", ERR_RANGE, 2, 19,
		"found '224.0.0.0', expected an address that a machine can have, from "
		"1.0.0.0 to 223.255.255.255 without 127"},
	    {IF "open image \"a\" to 2001:db8::/129;", ERR_RANGE, 2, 19,
		"found '2001:db8::/129', expected a prefix length from 16 to 128"},
	    {IF "open image \"a\" to 2001:db8::/15;", ERR_RANGE, 2, 19,
		"found '2001:db8::/15', expected a prefix length from 16 to 128"},
	    {IF "open image \"a\" to 2001:db8::/4294967360;", ERR_RANGE, 2, 19,
		"found '2001:db8::/4294967360', expected a prefix length from 16 to 128"},
	    {IF "open image \"a\" to 2001:db8:0:1::/63;", ERR_RANGE, 2, 19,
		"found '2001:db8:0:1::/63', expected the subnet's first address: "
		"2001:db8::/63"},
	    {IF "open image \"a\" to fe80::/64;", ERR_RANGE, 2, 19,
		"found 'fe80::', expected an address of 2000::/3 or fc00::/7, as machines "
		"have it"},
	    {IF "open image \"a\" to ::/64;", ERR_RANGE, 2, 19,
		"found '::', expected an address of 2000::/3 or fc00::/7, as machines "
		"have it"},
	    {IF "open image \"a\" to ff05::/64;", ERR_RANGE, 2, 19,
		"found 'ff05::', expected an address of 2000::/3 or fc00::/7, as machines "
		"have it"},
	    {IF "open image \"a\" to 2001:db8::1::/64;", ERR_FORMAT, 2, 19,
		"found '2001:db8::1::', expected an IPv6 address"},
	    {IF "open image \"a\" to 1:2:3:4:5:6:7/64;", ERR_FORMAT, 2, 19,
		"found '1:2:3:4:5:6:7', expected an IPv6 address"},
	    {IF "open image \"a\" to 10.0.0.0/8;\nopen image \"b\" to 10.0.0.0/8;\n"
		"open image \"a\" to 10.0.0.0/8;",
		ERR_DUPLICATE, 4, 19,
		"found a network that the image is open to already, expected another; the "
		"first is on line 2"},
	    {IF "subnet 2001:db8::/64 {}", ERR_FORMAT, 2, 8,
		"found '2001:db8::/64', expected a subnet such as 192.0.2.0/24"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++)
		assert_true(conf_wrong_is_exact(&wrongs[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes_end_where_they_say),
	    cmocka_unit_test(printed_as_read),
	    cmocka_unit_test(as_many_as_can_be),
	    cmocka_unit_test(what_is_wrong),
	};

	return cmocka_run_group_tests_name("conf_open", tests, NULL, NULL);
}
