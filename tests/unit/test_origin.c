/*
 * Sources of TFTP requests that must not be answered.
 */
#include "src/tftp-parser/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (c) << 8 | (d))

static struct link links[3];

static enum origin
check_on(unsigned link, uint32_t source, uint16_t port)
{
	struct addr a = addr_v4(source);

	return origin_check(&a, port, &links[link], links, 3);
}

static enum origin
check(uint32_t source, uint16_t port)
{
	return check_on(0, source, port);
}

static int
set_up(void **state)
{
	(void)state;
	links[0].address = addr_v4(IP(10, 77, 0, 1));
	links[0].prefix = 24;
	links[1].address = addr_v4(IP(192, 168, 5, 9));
	links[1].prefix = 30;
	assert_int_equal(addr_parse("2001:db8::9", &links[1].address6), 0);
	links[2].address = addr_v4(IP(172, 16, 0, 0));
	links[2].prefix = 31;
	return 0;
}

static void
clients_pass(void **state)
{
	(void)state;
	assert_int_equal(check(IP(10, 77, 0, 100), 1048), ORIGIN_GOOD);
	assert_int_equal(check(IP(10, 77, 0, 2), 49153), ORIGIN_GOOD);
	assert_int_equal(check(IP(10, 77, 0, 254), 2070), ORIGIN_GOOD);
	/* Behind a relay; ends of other subnets than this link's are hosts for all we know.
	 */
	assert_int_equal(check(IP(10, 88, 0, 255), 65535), ORIGIN_GOOD);
	assert_int_equal(check(IP(192, 168, 5, 11), 1024), ORIGIN_GOOD);
	assert_int_equal(check(IP(223, 255, 255, 255), 1024), ORIGIN_GOOD);
	assert_int_equal(check(IP(126, 0, 0, 1), 1024), ORIGIN_GOOD);
	assert_int_equal(check(IP(1, 0, 0, 0), 1024), ORIGIN_GOOD);
}

static void
addresses_of_nobody_do_not(void **state)
{
	static const uint32_t bad[] = {0, IP(0, 1, 2, 3), IP(127, 0, 0, 1),
	    IP(127, 255, 255, 254), IP(224, 0, 0, 0), IP(239, 255, 255, 255),
	    IP(240, 0, 0, 1), IP(255, 255, 255, 255), IP(10, 77, 0, 255), IP(10, 77, 0, 0)};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(check(bad[i], 1048), ORIGIN_BAD_ADDRESS);
	assert_int_equal(check_on(1, IP(192, 168, 5, 11), 1024), ORIGIN_BAD_ADDRESS);
	/* A /31 has no such ends (RFC 3021). */
	assert_int_equal(check_on(2, IP(172, 16, 0, 1), 1024), ORIGIN_GOOD);
}

static void
our_own_addresses_do_not(void **state)
{
	(void)state;
	assert_int_equal(check(IP(10, 77, 0, 1), 1048), ORIGIN_OURSELVES);
	assert_int_equal(check(IP(192, 168, 5, 9), 1048), ORIGIN_OURSELVES);
	assert_int_equal(check(IP(172, 16, 0, 0), 1048), ORIGIN_OURSELVES);
}

static void
ports_of_services_do_not(void **state)
{
	static const uint16_t bad[] = {0, 7, 19, 53, 67, 69, 123, 4011};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(check(IP(10, 77, 0, 100), bad[i]), ORIGIN_BAD_PORT);
	assert_int_equal(check(IP(10, 77, 0, 100), 1), ORIGIN_GOOD);
}

static void
reasons_have_names(void **state)
{
	(void)state;
	for (int i = ORIGIN_BAD_ADDRESS; i < ORIGIN_MAX; i++)
		assert_true(strlen(origin_name((enum origin)i)) > 5);
	assert_string_equal(origin_name(ORIGIN_MAX), "unknown");
}

static void
over_ipv6(void **state)
{
	static const struct {
		const char *source;
		uint16_t port;
		enum origin origin;
	} rows[] = {
	    {"2001:db8::1", 1024, ORIGIN_GOOD},
	    {"3fff:ffff::1", 65535, ORIGIN_GOOD},
	    {"fd77::120a", 1594, ORIGIN_GOOD},
	    {"fc00::", 1594, ORIGIN_GOOD},
	    {"2001:db8::1", 69, ORIGIN_BAD_PORT},
	    {"2001:db8::1", 547, ORIGIN_BAD_PORT},
	    {"2001:db8::9", 1024, ORIGIN_OURSELVES},
	    {"::", 1024, ORIGIN_BAD_ADDRESS},
	    {"::1", 1024, ORIGIN_BAD_ADDRESS},
	    {"::ffff:10.77.0.100", 1024, ORIGIN_BAD_ADDRESS},
	    {"::10.77.0.100", 1024, ORIGIN_BAD_ADDRESS},
	    {"64:ff9b::a4d:64", 1024, ORIGIN_BAD_ADDRESS},
	    {"fe80::1", 1024, ORIGIN_BAD_ADDRESS},
	    {"ff02::1", 1024, ORIGIN_BAD_ADDRESS},
	    {"4000::1", 1024, ORIGIN_BAD_ADDRESS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct addr a;

		assert_int_equal(addr_parse(rows[i].source, &a), 0);
		if (origin_check(&a, rows[i].port, &links[0], links, 3) != rows[i].origin)
			fail_msg("%s port %u", rows[i].source, rows[i].port);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients_pass),
	    cmocka_unit_test(addresses_of_nobody_do_not),
	    cmocka_unit_test(our_own_addresses_do_not),
	    cmocka_unit_test(ports_of_services_do_not),
	    cmocka_unit_test(reasons_have_names),
	    cmocka_unit_test(over_ipv6),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
