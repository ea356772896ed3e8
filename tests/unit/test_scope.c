/* What scopes say together: precedence, merged options, lease times. */
#include "policy/scope.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"

static struct conf conf;
static struct conf_class classes[3];
static struct conf_shared shared[2];
static struct conf_subnet subnet;
static struct conf_host host;
static struct match match;
static struct scopes s;

static int
setup(void **state)
{
	(void)state;
	memset(&conf, 0, sizeof conf);
	memset(classes, 0, sizeof classes);
	memset(shared, 0, sizeof shared);
	memset(&subnet, 0, sizeof subnet);
	memset(&host, 0, sizeof host);
	memset(&match, 0, sizeof match);
	conf.nclasses = 3;
	conf.classes = classes;
	conf.nshared = 2;
	conf.shared = shared;
	subnet.shared = 1;
	subnet.npools = 1;
	match.host = &host;
	match.classes = 5;
	return 0;
}

static void
set(struct conf_scope *scope, const char *bytes, size_t len)
{
	scope->options.b = (const uint8_t *)bytes;
	scope->options.len = (uint16_t)len;
}
#define SET(scope, bytes) set(scope, bytes, sizeof bytes - 1)

static void
order_of_levels(void **state)
{
	const struct conf_scope *want[] = {&host.scope, &classes[0].scope,
	    &classes[2].scope, &subnet.pools[0].scope, &subnet.scope, &shared[1].scope,
	    &conf.scope};

	(void)state;
	scopes_of(&s, &conf, &match, &subnet, &subnet.pools[0]);
	assert_int_equal(s.n, 7);
	for (unsigned i = 0; i < s.n; i++)
		assert_ptr_equal(s.of[i], want[i]);
}

static void
levels_that_are_not_there(void **state)
{
	(void)state;
	match.host = NULL;
	match.classes = 0;
	scopes_of(&s, &conf, &match, NULL, NULL);
	assert_int_equal(s.n, 1);
	assert_ptr_equal(s.of[0], &conf.scope);
	subnet.shared = CONF_NO_SHARED;
	scopes_of(&s, &conf, &match, &subnet, NULL);
	assert_int_equal(s.n, 2);
	assert_ptr_equal(s.of[0], &subnet.scope);
	/* Bits of classes that there are not. */
	match.classes = UINT64_MAX;
	scopes_of(&s, &conf, &match, &subnet, NULL);
	assert_int_equal(s.n, 5);
}

static void
all_classes_at_once(void **state)
{
	static struct conf_class many[CONF_CLASSES_MAX];

	(void)state;
	conf.nclasses = CONF_CLASSES_MAX;
	conf.classes = many;
	match.classes = UINT64_MAX;
	scopes_of(&s, &conf, &match, &subnet, &subnet.pools[0]);
	assert_int_equal(s.n, CONF_CLASSES_MAX + 5);
	assert_ptr_equal(s.of[CONF_CLASSES_MAX], &many[CONF_CLASSES_MAX - 1].scope);
}

static void
lease_times(void **state)
{
	(void)state;
	scopes_of(&s, &conf, &match, &subnet, &subnet.pools[0]);
	assert_int_equal(scopes_lease_time(&s, false), 3600);
	assert_int_equal(scopes_lease_time(&s, true), 3600);
	conf.scope.lease_time = 600;
	assert_int_equal(scopes_lease_time(&s, false), 600);
	subnet.scope.lease_time = 500;
	assert_int_equal(scopes_lease_time(&s, true), 500);
	conf.scope.boot_lease_time = 30;
	host.scope.lease_time = 86400;
	assert_int_equal(scopes_lease_time(&s, true), 30);
	assert_int_equal(scopes_lease_time(&s, false), 86400);
	classes[2].scope.boot_lease_time = 40;
	assert_int_equal(scopes_lease_time(&s, true), 40);
	/* Of a class that it is not in. */
	classes[1].scope.boot_lease_time = 50;
	assert_int_equal(scopes_lease_time(&s, true), 40);
}

static void
boot_choices(void **state)
{
	const char *image = "none";

	(void)state;
	scopes_of(&s, &conf, &match, &subnet, NULL);
	assert_int_equal(scopes_boot(&s, &image), BOOT_UNSET);
	assert_null(image);
	conf.scope.boot = BOOT_IMAGE;
	conf.scope.image = "far";
	assert_int_equal(scopes_boot(&s, &image), BOOT_IMAGE);
	assert_string_equal(image, "far");
	classes[2].scope.boot = BOOT_DENY;
	assert_int_equal(scopes_boot(&s, &image), BOOT_DENY);
	assert_null(image);
	classes[0].scope.boot = BOOT_IMAGE;
	classes[0].scope.image = "near";
	assert_int_equal(scopes_boot(&s, &image), BOOT_IMAGE);
	assert_string_equal(image, "near");
}

static void
want(unsigned cap, const uint8_t *wanted, const char *bytes, size_t len, unsigned left)
{
	uint8_t out[1024];
	unsigned left_out = 99;

	memset(out, 0xee, sizeof out);
	assert_int_equal(scopes_options(&s, wanted, out, cap, &left_out), len);
	assert_memory_equal(out, bytes, len);
	assert_int_equal(out[len], 0xee);
	assert_int_equal(left_out, left);
}
#define WANT(cap, wanted, bytes, left) want(cap, wanted, bytes, sizeof bytes - 1, left)

static void
options_nearest_first(void **state)
{
	(void)state;
	SET(&conf.scope, "\3\0\1g\x2a\0\1g\xff\0\1g");
	SET(&shared[1].scope, "\x0c\0\1n\x2a\0\1n");
	SET(&subnet.scope, "\2\0\2ss\x2a\0\2ss");
	SET(&subnet.pools[0].scope, "\x77\0\1p");
	SET(&classes[0].scope, "\x77\0\3ccc");
	SET(&classes[1].scope, "\x01\0\1x");
	SET(&classes[2].scope, "\x77\0\1d\x79\0\0");
	SET(&host.scope, "\x0c\0\1h");
	scopes_of(&s, &conf, &match, &subnet, &subnet.pools[0]);
	WANT(1024, NULL, "\2\2ss\3\1g\x0c\1h\x2a\2ss\x77\3ccc\x79\0\xff\1g", 0);
}

static void
options_that_were_asked_for(void **state)
{
	uint8_t wanted[32] = {0};

	(void)state;
	SET(&conf.scope, "\3\0\1g\x06\1\1a\x80\0\1g\xff\0\1g");
	SET(&host.scope, "\3\1\1h");
	scopes_of(&s, &conf, &match, NULL, NULL);
	WANT(1024, wanted, "\3\1h\6\1a", 0);
	wanted[16] = 1;
	WANT(1024, wanted, "\3\1h\6\1a\x80\1g", 0);
	wanted[31] = 0x80;
	WANT(1024, wanted, "\3\1h\6\1a\x80\1g\xff\1g", 0);
	/* The nearest one's flags count: not asked for, not sent. */
	SET(&host.scope, "\6\0\1h");
	WANT(1024, wanted, "\x80\1g\xff\1g", 0);
}

static void
options_that_do_not_fit(void **state)
{
	(void)state;
	SET(&conf.scope, "\1\0\4aaaa\2\0\1b\3\0\3ccc\4\0\0");
	scopes_of(&s, &conf, &match, NULL, NULL);
	WANT(16, NULL, "\1\4aaaa\2\1b\3\3ccc\4\0", 0);
	WANT(15, NULL, "\1\4aaaa\2\1b\3\3ccc", 1);
	WANT(5, NULL, "\2\1b\4\0", 2);
	WANT(1, NULL, "", 4);
	WANT(0, NULL, "", 4);
}

/* A tree never holds these; they end the list and nothing else. */
static void
cut_lists_end(void **state)
{
	(void)state;
	for (unsigned len = 0; len <= 6; len++) {
		set(&conf.scope, "\1\0\3abc", len);
		scopes_of(&s, &conf, &match, NULL, NULL);
		if (len == 6)
			WANT(1024, NULL, "\1\3abc", 0);
		else
			WANT(1024, NULL, "", 0);
	}
}

/* Printed, and held to ten times what it is meant to be, for the machine may be busy. */
static void
cost(void **state)
{
	static const char six[] =
	    "\2\0\4aaaa\3\0\4bbbb\6\0\10ccccdddd\x0c\0\4host\x2a\0\4eeee"
	    "\x77\0\7abcdefg";
	struct timespec a, b;
	uint8_t out[1024], wanted[32] = {0x4c, 0x10, 0, 0, 0, 4};
	unsigned left_out, rounds = 200000;
	size_t sum = 0;
	double ns;

	(void)state;
	match.classes = 0;
	match.host = NULL;
	SET(&conf.scope, six);
	SET(&subnet.scope, six);
	SET(&subnet.pools[0].scope, six);
	subnet.shared = CONF_NO_SHARED;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < rounds; i++) {
		scopes_of(&s, &conf, &match, &subnet, &subnet.pools[0]);
		sum += scopes_options(&s, wanted, out, sizeof out, &left_out);
		sum += scopes_lease_time(&s, i & 1);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	print_message("three scopes of six options: %.0f ns\n", ns / rounds);
	assert_true(sum > rounds);
	assert_true(ns / rounds < 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(order_of_levels, setup),
	    cmocka_unit_test_setup(levels_that_are_not_there, setup),
	    cmocka_unit_test_setup(all_classes_at_once, setup),
	    cmocka_unit_test_setup(lease_times, setup),
	    cmocka_unit_test_setup(boot_choices, setup),
	    cmocka_unit_test_setup(options_nearest_first, setup),
	    cmocka_unit_test_setup(options_that_were_asked_for, setup),
	    cmocka_unit_test_setup(options_that_do_not_fit, setup),
	    cmocka_unit_test_setup(cut_lists_end, setup),
	    cmocka_unit_test_setup(cost, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
