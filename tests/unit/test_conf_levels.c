/*
 * The configuration: what each level says, and how classes, pools and shared networks
 * become numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/conf.h"

static struct conf *
parse(const char *text)
{
	struct conf_text t = {.conf = text, .conf_len = strlen(text)};
	struct conf_error e;
	struct conf *c;

	if (conf_parse(&t, &c, &e) != 0)
		fail_msg("%u:%u: %s", e.line, e.column, e.text);
	return c;
}

static void
assert_options(const struct conf_options *o, const char *bytes, size_t len)
{
	assert_int_equal(o->len, len);
	if (len > 0)
		assert_memory_equal(o->b, bytes, len);
}
#define OPTIONS(o, bytes) assert_options((o), (bytes), sizeof(bytes) - 1)

static void
defaults(void **state)
{
	struct conf *c =
	    parse("interface a; subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.0.6; }"
		  "class \"c\" { match mac 02; }");
	const struct conf_subnet *s = &c->subnets[0];

	(void)state;
	assert_int_equal(c->links[0].mode, MODE_FULL);
	assert_int_equal(c->links[0].rogue, ROGUE_REFUSE);
	assert_int_equal(c->scope.lease_time, 3600);
	assert_int_equal(c->scope.boot_lease_time, 0);
	assert_int_equal(c->scope.options.len, 0);
	assert_int_equal(c->scope.boot, BOOT_UNSET);
	assert_true(c->authoritative);
	assert_false(c->bootp);
	assert_true(c->probe);
	assert_int_equal(c->probe_ms, 200);
	assert_int_equal(c->quarantine, 600);
	assert_int_equal(c->client_rate, 100);
	assert_int_equal(c->link_rate, 0);
	assert_int_equal(c->leases_per_port, 0);
	assert_int_equal(c->pool_share, 100);
	assert_int_equal(c->control_gid, 0);
	assert_int_equal(c->nshared, 0);
	assert_int_equal(s->shared, CONF_NO_SHARED);
	assert_int_equal(s->mode, MODE_UNSET);
	assert_int_equal(s->nexcluded, 0);
	assert_int_equal(s->lease_time, 3600);
	assert_int_equal(s->scope.lease_time, 0);
	assert_int_equal(s->scope.boot, BOOT_UNSET);
	assert_int_equal(s->pools[0].known, POOL_ANYBODY);
	assert_true(s->pools[0].allow == 0 && s->pools[0].deny == 0);
	assert_int_equal(s->pools[0].scope.lease_time, 0);
	assert_int_equal(c->classes[0].scope.lease_time, 0);
	conf_free(c);
}

static void
every_setting_arrives(void **state)
{
	struct conf *c = parse(
	    "interface a{mode off;rogue-servers warn;}interface b{rogue-servers ignore;"
	    "mode proxy;}dhcp{authoritative no;bootp yes;conflict-probe 50ms;quarantine 1d;"
	    "client-rate 7;link-rate 8;leases-per-port 9;pool-share 33%;}"
	    "server{control-gid 4294967294;}lease-time 365d;boot-lease-time 10s;");

	(void)state;
	assert_int_equal(c->links[0].mode, MODE_OFF);
	assert_int_equal(c->links[0].rogue, ROGUE_WARN);
	assert_int_equal(c->links[1].mode, MODE_PROXY);
	assert_int_equal(c->links[1].rogue, ROGUE_IGNORE);
	assert_false(c->authoritative);
	assert_true(c->bootp);
	assert_int_equal(c->probe_ms, 50);
	assert_int_equal(c->quarantine, 86400);
	assert_int_equal(c->client_rate, 7);
	assert_int_equal(c->link_rate, 8);
	assert_int_equal(c->leases_per_port, 9);
	assert_int_equal(c->pool_share, 33);
	assert_int_equal(c->control_gid, 4294967294u);
	assert_int_equal(c->scope.lease_time, 365 * 86400);
	assert_int_equal(c->scope.boot_lease_time, 10);
	conf_free(c);
	c = parse("dhcp { conflict-probe off; } interface a;");
	assert_false(c->probe);
	conf_free(c);
	c = parse("dhcp { conflict-probe 5s; } interface a;");
	assert_int_equal(c->probe_ms, 5000);
	conf_free(c);
}

/* However they are ordered in the file: by code, each with flags and length. */
static void
options_are_encoded(void **state)
{
	struct conf *c =
	    parse("interface a; always option 224 bytes 01:02;\n"
		  "option ntp-servers 10.0.0.1, 10.0.0.2;option 43 text \"a, b\";"
		  "option interface-mtu 1400; always option tftp-server-address "
		  "10.9.8.7;\n"
		  "option 121 routes 10.1.0.0/16 10.0.0.9 , 0.0.0.0/0 10.0.0.1;");

	(void)state;
	OPTIONS(&c->scope.options,
	    "\x1a\x00\x02\x05\x78"
	    "\x2a\x00\x08\x0a\x00\x00\x01\x0a\x00\x00\x02"
	    "\x2b\x00\x04"
	    "a, b"
	    "\x79\x00\x0c\x10\x0a\x01\x0a\x00\x00\x09\x00\x0a\x00\x00\x01"
	    "\x96\x01\x04\x0a\x09\x08\x07"
	    "\xe0\x01\x02\x01\x02");
	conf_free(c);
}

static void
levels_keep_apart(void **state)
{
	struct conf *c = parse(
	    "interface a; option 224 u8 1; class \"c\" { option 224 u8 2; match mac 02; "
	    "lease-time 20s; image \"c\"; } shared-network \"s\" { option 224 u8 3; "
	    "lease-time 30s; subnet 10.0.0.0/24 { option 224 u8 4; lease-time 40s; "
	    "pool 10.0.0.5 - 10.0.0.6 { option 224 u8 5; lease-time 50s; boot deny; "
	    "boot-lease-time 51s; } pool 10.0.0.7 - 10.0.0.7; image \"n\"; } "
	    "boot-lease-time 31s; boot deny; subnet 10.0.1.0/24 {} } option 225 u8 9; "
	    "subnet 10.0.2.0/24 {} lease-time 10s;");
	const struct conf_subnet *s = c->subnets;

	(void)state;
	OPTIONS(&c->scope.options, "\xe0\x00\x01\x01\xe1\x00\x01\x09");
	OPTIONS(&c->classes[0].scope.options, "\xe0\x00\x01\x02");
	OPTIONS(&c->shared[0].scope.options, "\xe0\x00\x01\x03");
	OPTIONS(&s[0].scope.options, "\xe0\x00\x01\x04");
	OPTIONS(&s[0].pools[0].scope.options, "\xe0\x00\x01\x05");
	OPTIONS(&s[0].pools[1].scope.options, "");
	OPTIONS(&s[1].scope.options, "");
	assert_int_equal(c->scope.lease_time, 10);
	assert_int_equal(c->classes[0].scope.lease_time, 20);
	assert_int_equal(c->classes[0].scope.boot, BOOT_IMAGE);
	assert_string_equal(c->classes[0].scope.image, "c");
	assert_int_equal(c->shared[0].scope.lease_time, 30);
	assert_int_equal(c->shared[0].scope.boot_lease_time, 31);
	assert_int_equal(c->shared[0].scope.boot, BOOT_DENY);
	assert_null(c->shared[0].scope.image);
	assert_int_equal(s[0].scope.lease_time, 40);
	assert_string_equal(s[0].scope.image, "n");
	assert_int_equal(s[0].pools[0].scope.lease_time, 50);
	assert_int_equal(s[0].pools[0].scope.boot_lease_time, 51);
	assert_int_equal(s[0].pools[0].scope.boot, BOOT_DENY);
	assert_int_equal(s[0].pools[1].scope.lease_time, 0);
	assert_int_equal(s[0].lease_time, 40);
	assert_int_equal(s[1].lease_time, 30);
	assert_int_equal(s[2].lease_time, 10);
	conf_free(c);
}

/* 'router', 'dns' and 'domain' are options 3, 6 and 15, and the other way round. */
static void
short_forms_are_options(void **state)
{
	struct conf *c = parse("interface a; subnet 10.0.0.0/24 { router 10.0.0.1; dns "
			       "9.9.9.9, 10.0.0.3; domain \"a.b\"; }"
			       "subnet 10.0.1.0/24 { option routers 10.0.1.1, 10.9.9.9; "
			       "option domain-name-servers 9.9.9.9, 10.0.1.2; }");
	const struct conf_subnet *s = c->subnets;

	(void)state;
	OPTIONS(&s[0].scope.options, "\x03\x01\x04\x0a\x00\x00\x01"
				     "\x06\x01\x08\x09\x09\x09\x09\x0a\x00\x00\x03"
				     "\x0f\x01\x03"
				     "a.b");
	OPTIONS(&s[1].scope.options, "\x03\x00\x08\x0a\x00\x01\x01\x0a\x09\x09\x09"
				     "\x06\x00\x08\x09\x09\x09\x09\x0a\x00\x01\x02");
	assert_int_equal(s[1].nrouters, 1);
	assert_int_equal(addr_to_v4(&s[1].routers[0]), 0x0a000101);
	assert_int_equal(s[1].ndns, 1);
	assert_int_equal(addr_to_v4(&s[1].dns[0]), 0x0a000102);
	conf_free(c);
}

static void
check_test(const struct conf_test *t, enum conf_test_kind kind, const char *bytes)
{
	assert_int_equal(t->kind, kind);
	assert_int_equal(t->len, strlen(bytes));
	assert_memory_equal(t->b, bytes, t->len);
}

static void
tests_of_classes(void **state)
{
	struct conf *c = parse(
	    "class \"c\" { match interface b, \"mac\", mode; match relay 10.1.0.0/16, "
	    "10.1.2.3; match remote-id 00:ff; match circuit-id 61, \"text b\"; match mac "
	    "52:54:00:12:34:56, 52-54, aA; match architecture x64, none; match user-class "
	    "\"iPXE\"; match vendor-class \"PXEClient\"; match mac be:ef; }"
	    "interface mac; interface mode; interface b;");
	const struct conf_test *t = c->classes[0].tests;

	(void)state;
	assert_int_equal(c->classes[0].ntests, 16);
	check_test(&t[0], TEST_VENDOR, "PXEClient");
	check_test(&t[1], TEST_USER, "iPXE");
	assert_int_equal(t[2].kind, TEST_ARCH);
	assert_int_equal(t[2].number, ARCH_X64);
	assert_int_equal(t[3].number, ARCH_NONE);
	assert_int_equal(t[4].len, 6);
	assert_memory_equal(t[4].b, "\x52\x54\x00\x12\x34\x56", 6);
	check_test(&t[5], TEST_MAC, "\x52\x54");
	check_test(&t[6], TEST_MAC, "\xaa");
	check_test(&t[7], TEST_MAC, "\xbe\xef");
	check_test(&t[8], TEST_CIRCUIT, "a");
	check_test(&t[9], TEST_CIRCUIT, "text b");
	assert_int_equal(t[10].len, 2);
	assert_memory_equal(t[10].b, "\x00\xff", 2);
	assert_int_equal(t[11].kind, TEST_RELAY);
	assert_int_equal(t[11].number, 0x0a010000);
	assert_int_equal(t[11].prefix, 16);
	assert_int_equal(t[12].number, 0x0a010203);
	assert_int_equal(t[12].prefix, 32);
	assert_int_equal(t[13].kind, TEST_LINK);
	assert_int_equal(t[13].number, 2);
	assert_int_equal(t[14].number, 0);
	assert_int_equal(t[15].number, 1);
	conf_free(c);
}

/* Numbers are those of the file's order, whoever is named first. */
static void
classes_before_they_are_declared(void **state)
{
	struct conf *c = parse(
	    "interface a; subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.0.6 { allow class "
	    "\"z\"; "
	    "deny class \"y\"; allow unknown; } pool 10.0.0.9 - 10.0.0.9 { allow class "
	    "\"x\"; allow class \"y\"; allow known; } }"
	    "class \"x\" { match mac 02; } class \"y\" { match mac 02; }"
	    "class \"z\" { match mac 02; }");
	const struct conf_pool *p = c->subnets[0].pools;

	(void)state;
	assert_int_equal(c->nclasses, 3);
	assert_string_equal(c->classes[2].name, "z");
	assert_true(p[0].allow == 4 && p[0].deny == 2 && p[0].known == POOL_UNKNOWN);
	assert_true(p[1].allow == 3 && p[1].deny == 0 && p[1].known == POOL_KNOWN);
	conf_free(c);
}

static void
sixty_four_classes(void **state)
{
	char text[8192] = "interface a; subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.0.6 { "
			  "allow class \"c63\"; deny class \"c0\"; } }\n";
	struct conf_text t = {.conf = text};
	size_t n = strlen(text);
	struct conf_error e;
	struct conf *c;

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "class \"c%u\" { match mac 02; }\n", i);
	c = parse(text);
	assert_true(c->subnets[0].pools[0].allow == UINT64_C(1) << 63);
	assert_true(c->subnets[0].pools[0].deny == 1);
	conf_free(c);
	snprintf(text + n, sizeof text - n, "class \"c64\" { match mac 02; }\n");
	t.conf_len = strlen(text);
	assert_int_equal(conf_parse(&t, &c, &e), ERR_FULL);
	assert_int_equal(e.line, 66);
	assert_string_equal(e.text, "found \"c64\", expected at most 64 classes");
}

static void
exclusions_are_sorted(void **state)
{
	struct conf *c = parse(
	    "interface a { address 10.0.0.40; } subnet 10.0.0.0/24 { exclude 10.0.0.30 - "
	    "10.0.0.40; exclude 10.0.0.5; router 10.0.0.30; exclude 10.0.0.10 - 10.0.0.10; "
	    "pool 10.0.0.2 - 10.0.0.100; } subnet 10.0.1.0/24 { exclude 10.0.1.1; }");
	const struct conf_range *r = c->subnets[0].excluded;

	(void)state;
	assert_int_equal(c->subnets[0].nexcluded, 3);
	assert_true(r[0].first == 0x0a000005 && r[0].last == 0x0a000005);
	assert_true(r[1].first == 0x0a00000a && r[1].last == 0x0a00000a);
	assert_true(r[2].first == 0x0a00001e && r[2].last == 0x0a000028);
	assert_int_equal(c->subnets[1].nexcluded, 1);
	conf_free(c);
}

static void
shared_networks_survive_the_sorting(void **state)
{
	struct conf *c =
	    parse("interface a; shared-network \"one\" { subnet 10.9.0.0/24 { mode proxy; "
		  "} subnet "
		  "10.0.0.0/24 { mode proxy; } } subnet 10.5.0.0/24 { mode full; }"
		  "shared-network \"two\" { subnet 10.1.0.0/24 {} }");

	(void)state;
	assert_int_equal(c->nshared, 2);
	assert_string_equal(c->shared[1].name, "two");
	assert_int_equal(c->subnets[0].shared, 0);
	assert_int_equal(c->subnets[1].shared, 1);
	assert_int_equal(c->subnets[2].shared, CONF_NO_SHARED);
	assert_int_equal(c->subnets[2].mode, MODE_FULL);
	assert_int_equal(c->subnets[3].shared, 0);
	assert_int_equal(c->subnets[3].mode, MODE_PROXY);
	conf_free(c);
}

/* One more byte than all options of a level may take. */
static void
options_fill_a_level(void **state)
{
	char text[4096] = "interface a;\n";
	struct conf_text t = {.conf = text};
	size_t n = strlen(text);
	struct conf_error e;
	struct conf *c;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "option %u text \"%0*u\";\n", 224 + i, 253, i);
	c = parse(text);
	assert_int_equal(c->scope.options.len, 768);
	conf_free(c);
	snprintf(text + n, sizeof text - n, "option 227 empty;");
	t.conf_len = strlen(text);
	assert_int_equal(conf_parse(&t, &c, &e), ERR_LONG);
	assert_int_equal(e.line, 5);
	assert_string_equal(e.text,
	    "found option '227', expected options that take at most 768 bytes in all, each "
	    "counted with three bytes more");
}

static int
write_value(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "match mac 02:%02x;\n", i & 255);
}

static int
write_pool(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "pool 10.0.%u.1 - 10.0.%u.2;\n", i, i);
}

static int
write_exclude(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "exclude 10.%u.%u.1;\n", i >> 8, i & 255);
}

static int
write_shared(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "shared-network \"s%u\" { subnet 10.%u.%u.0/24 {} }\n", i,
	    i >> 8, i & 255);
}

static int
write_subnet(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "subnet 10.%u.%u.0/24 {}\n", i >> 8, i & 255);
}

static int
write_link_name(char *to, size_t cap, unsigned i)
{
	return snprintf(to, cap, "match interface e%u;\n", i);
}

/* As many as there may be, and one more; begin has no line end. */
static const struct limit {
	unsigned n;
	int (*each)(char *to, size_t cap, unsigned i);
	const char *begin, *end, *message;
} limits[] = {
    {64, write_value, "class \"c\" { ", "}",
	"found '02:40', expected at most 64 values to match in a class"},
    {16, write_pool, "subnet 10.0.0.0/8 { ", "}",
	"found '10.0.16.1', expected at most 16 pools in a subnet"},
    {256, write_exclude, "subnet 10.0.0.0/8 { ", "}",
	"found '10.1.0.1', expected at most 256 times 'exclude' in a subnet"},
    {1024, write_shared, "", "", "found \"s1024\", expected at most 1024 shared networks"},
    {16384, write_subnet, "", "", "found '10.64.0.0/24', expected at most 16384 subnets"},
    {16, write_link_name, "class \"c\" { ", "}",
	"found 'e16', expected at most 16 interfaces"},
};

static void
one_more_than_there_may_be(void **state)
{
	static char text[1 << 20];

	(void)state;
	for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
		const struct limit *l = &limits[k];
		size_t len = (size_t)snprintf(text, sizeof text,
		    "interface e0;interface e1;interface e2;interface e3;interface e4;"
		    "interface e5;interface e6;interface e7;interface e8;interface e9;"
		    "interface e10;interface e11;interface e12;interface e13;"
		    "interface e14;interface e15; %s",
		    l->begin);
		struct conf_text t = {.conf = text};
		struct conf_error e;
		struct conf *c;

		for (unsigned i = 0; i < l->n; i++)
			len += (size_t)l->each(text + len, sizeof text - len, i);
		t.conf_len =
		    len + (size_t)snprintf(text + len, sizeof text - len, "%s", l->end);
		if (conf_parse(&t, &c, &e) != 0)
			fail_msg("limit %zu: %u:%u: %s", k, e.line, e.column, e.text);
		conf_free(c);
		len += (size_t)l->each(text + len, sizeof text - len, l->n);
		t.conf_len =
		    len + (size_t)snprintf(text + len, sizeof text - len, "%s", l->end);
		assert_int_equal(conf_parse(&t, &c, &e), ERR_FULL);
		assert_int_equal(e.line, l->n + 1);
		assert_string_equal(e.text, l->message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(every_setting_arrives),
	    cmocka_unit_test(options_are_encoded),
	    cmocka_unit_test(levels_keep_apart),
	    cmocka_unit_test(short_forms_are_options),
	    cmocka_unit_test(tests_of_classes),
	    cmocka_unit_test(classes_before_they_are_declared),
	    cmocka_unit_test(sixty_four_classes),
	    cmocka_unit_test(exclusions_are_sorted),
	    cmocka_unit_test(shared_networks_survive_the_sorting),
	    cmocka_unit_test(options_fill_a_level),
	    cmocka_unit_test(one_more_than_there_may_be),
	};

	return cmocka_run_group_tests_name("conf_levels", tests, NULL, NULL);
}
