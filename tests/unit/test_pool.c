/*
 * Which addresses exist to be leased: numbering, what is left out, limits.
 */
#include "policy/pool.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static struct conf_subnet subnets[2];
static struct conf_host hosts[4];
static struct conf conf;
static struct pool_map map;

static int
set_up(void **state)
{
	(void)state;
	memset(subnets, 0, sizeof subnets);
	memset(hosts, 0, sizeof hosts);
	memset(&conf, 0, sizeof conf);
	subnets[0].network = V4(10, 1, 0, 0);
	subnets[0].prefix = 16;
	subnets[0].npools = 2;
	subnets[0].pools[0] =
	    (struct conf_pool){.first = V4(10, 1, 0, 250), .last = V4(10, 1, 1, 5)};
	subnets[0].pools[1] =
	    (struct conf_pool){.first = V4(10, 1, 0, 0), .last = V4(10, 1, 0, 9)};
	subnets[0].nrouters = subnets[0].ndns = 1;
	subnets[0].routers[0] = addr_v4(V4(10, 1, 0, 1));
	subnets[0].dns[0] = addr_v4(V4(10, 1, 0, 2));
	subnets[1].network = V4(10, 2, 0, 0);
	subnets[1].prefix = 24;
	subnets[1].npools = 1;
	subnets[1].pools[0] =
	    (struct conf_pool){.first = V4(10, 2, 0, 7), .last = V4(10, 2, 0, 7)};
	hosts[0].address = addr_v4(V4(10, 1, 0, 5));   /* in a pool */
	hosts[1].address = addr_v4(V4(10, 1, 9, 9));   /* in none */
	hosts[3].address = addr_v4(V4(10, 1, 0, 250)); /* the first of one */
	conf.subnets = subnets;
	conf.nsubnets = 2;
	conf.hosts = hosts;
	conf.nhosts = 4;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pool_free(&map);
	return 0;
}

static bool
is_open(uint32_t address)
{
	uint32_t slot = pool_slot(&map, address);

	return slot != POOL_NO_SLOT && pool_is_open(&map, slot);
}

static void
test_every_slot_has_one_address(void **state)
{
	uint32_t last = 0, subnet;

	(void)state;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.slots, 12 + 10 + 1 + 1);
	for (uint32_t slot = 0; slot < map.slots; slot++) {
		uint32_t address = pool_address(&map, slot, &subnet);

		assert_true(address > last);
		assert_int_equal(pool_slot(&map, address), slot);
		assert_int_equal(subnet, address >= V4(10, 2, 0, 0));
		last = address;
	}
	assert_int_equal(pool_slot(&map, 0), POOL_NO_SLOT);
	assert_int_equal(pool_slot(&map, UINT32_MAX), POOL_NO_SLOT);
	assert_int_equal(pool_slot(&map, V4(10, 1, 0, 10)), POOL_NO_SLOT);
	assert_int_equal(pool_slot(&map, V4(10, 1, 0, 249)), POOL_NO_SLOT);
	assert_int_equal(pool_slot(&map, V4(10, 1, 1, 6)), POOL_NO_SLOT);
}

static void
test_left_out(void **state)
{
	struct addr own = addr_v4(V4(10, 1, 0, 4));

	(void)state;
	assert_int_equal(pool_build(&map, &conf, &own, 1), 0);
	assert_false(is_open(V4(10, 1, 0, 0)));   /* .0, network */
	assert_false(is_open(V4(10, 1, 0, 255))); /* .255 */
	assert_false(is_open(V4(10, 1, 1, 0)));   /* .0 */
	assert_false(is_open(V4(10, 1, 0, 1)));   /* router */
	assert_false(is_open(V4(10, 1, 0, 2)));   /* name server */
	assert_false(is_open(V4(10, 1, 0, 4)));   /* ours */
	assert_false(is_open(V4(10, 1, 0, 5)));   /* reserved */
	assert_false(is_open(V4(10, 1, 9, 9)));   /* reserved */
	assert_false(is_open(V4(10, 1, 0, 250))); /* reserved */
	assert_true(is_open(V4(10, 1, 0, 3)));
	assert_true(is_open(V4(10, 1, 0, 6)));
	assert_true(is_open(V4(10, 1, 0, 254)));
	assert_true(is_open(V4(10, 1, 1, 1)));
	assert_true(is_open(V4(10, 2, 0, 7)));
}

static void
test_reserved(void **state)
{
	(void)state;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.nreserved, 3);
	assert_int_equal(pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 0, 5))), 0);
	assert_int_equal(pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 9, 9))), 1);
	assert_int_equal(pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 0, 250))), 3);
	assert_int_equal(
	    pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 0, 6))), UINT32_MAX);
}

static void
test_nothing_configured(void **state)
{
	(void)state;
	conf.nsubnets = conf.nhosts = 0;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.slots, 0);
	assert_int_equal(pool_slot(&map, V4(10, 1, 0, 3)), POOL_NO_SLOT);
}

static void
test_too_many(void **state)
{
	(void)state;
	subnets[0].network = V4(10, 0, 0, 0);
	subnets[0].prefix = 8;
	subnets[0].pools[0] =
	    (struct conf_pool){.first = V4(10, 16, 0, 0), .last = V4(10, 79, 255, 255)};
	assert_int_equal(pool_build(&map, &conf, NULL, 0), ERR_FULL);
	assert_null(map.ranges);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_every_slot_has_one_address),
	    TEST(test_left_out),
	    TEST(test_reserved),
	    TEST(test_nothing_configured),
	    TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
