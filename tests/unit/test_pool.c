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

/* Ranges that lie in a pool, over its end, over a reservation, and outside of all. */
static void
test_excluded(void **state)
{
	static const struct conf_range ranges[] = {{V4(10, 1, 0, 3), V4(10, 1, 0, 5)},
	    {V4(10, 1, 0, 8), V4(10, 1, 0, 251)}, {V4(10, 1, 1, 2), V4(10, 1, 1, 2)},
	    {V4(10, 1, 200, 0), V4(10, 1, 255, 255)}};
	static const uint8_t open_first[] = {6, 7}, open_second[] = {252, 253, 254};

	(void)state;
	subnets[0].excluded = ranges;
	subnets[0].nexcluded = 4;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	for (uint32_t a = 0; a < 256; a++) {
		assert_int_equal(is_open(V4(10, 1, 0, a)),
		    memchr(open_first, (int)a, sizeof open_first) != NULL ||
			memchr(open_second, (int)a, sizeof open_second) != NULL);
		assert_int_equal(is_open(V4(10, 1, 1, a)), a >= 1 && a <= 5 && a != 2);
	}
	/* A reservation stays one. */
	assert_int_equal(pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 0, 5))), 0);
	assert_int_equal(map.pools[0].open, 3 + 4);
	assert_int_equal(map.pools[1].open, 2);
	assert_int_equal(map.pools[2].open, 1);
}

static void
test_slot_tells_its_pool(void **state)
{
	static const struct {
		uint32_t address, pool, subnet;
	} rows[] = {{V4(10, 1, 0, 250), 0, 0}, {V4(10, 1, 1, 5), 0, 0},
	    {V4(10, 1, 0, 0), 1, 0}, {V4(10, 1, 0, 5), 1, 0},
	    {V4(10, 1, 9, 9), POOL_NONE, 0}, {V4(10, 2, 0, 7), 2, 1}};

	(void)state;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.npools, 3);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pool_range *r =
		    pool_range_of(&map, pool_slot(&map, rows[i].address));

		assert_int_equal(r->pool, rows[i].pool);
		assert_int_equal(r->subnet, rows[i].subnet);
	}
	assert_ptr_equal(map.pools[1].rules, &subnets[0].pools[1]);
	assert_int_equal(map.pools[1].slots, 10);
	assert_int_equal(pool_slot(&map, V4(10, 1, 0, 250)), map.pools[0].slot);
}

/* Reservations outside of the pools that lie side by side are one range. */
static void
test_reservations_side_by_side(void **state)
{
	(void)state;
	hosts[0].address = addr_v4(V4(10, 1, 9, 10));
	hosts[3].address = addr_v4(V4(10, 1, 9, 8));
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.nranges, 4);
	for (uint32_t a = 8; a <= 10; a++) {
		uint32_t slot = pool_slot(&map, V4(10, 1, 9, a)), subnet;

		assert_int_equal(pool_address(&map, slot, &subnet), V4(10, 1, 9, a));
		assert_false(pool_is_open(&map, slot));
		assert_int_equal(pool_reserved_for(&map, slot), a == 8   ? 3
								: a == 9 ? 1
									 : 0);
	}
	/* One of ours is nobody's, though somebody has reserved it. */
	pool_free(&map);
	assert_int_equal(pool_build(&map, &conf, &hosts[1].address, 1), 0);
	assert_int_equal(
	    pool_reserved_for(&map, pool_slot(&map, V4(10, 1, 9, 9))), UINT32_MAX);
	assert_false(is_open(V4(10, 1, 9, 9)));
}

static void
test_networks(void **state)
{
	static struct conf_shared shared[3];
	struct conf_subnet many[6];
	static const uint32_t of[6] = {2, CONF_NO_SHARED, 0, 2, CONF_NO_SHARED, 2};
	static const uint32_t members[6] = {2, 0, 3, 5, 1, 4},
			      first[6] = {0, 1, 1, 4, 5, 6};

	(void)state;
	memset(many, 0, sizeof many);
	for (unsigned i = 0; i < 6; i++) {
		many[i].network = V4(10, i, 0, 0);
		many[i].prefix = 16;
		many[i].shared = of[i];
	}
	conf.subnets = many;
	conf.nsubnets = 6;
	conf.nhosts = 0;
	conf.shared = shared;
	conf.nshared = 3;
	assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
	assert_int_equal(map.nnetworks, 5);
	assert_memory_equal(map.members, members, sizeof members);
	assert_memory_equal(map.first_member, first, sizeof first);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 6; k++)
			assert_int_equal(map.network[i] == map.network[k],
			    i == k || (of[i] == of[k] && of[i] != CONF_NO_SHARED));
	conf.nshared = 0;
}

/* Random pools, reservations and exclusions against a look at every address. */
static void
test_random(void **state)
{
	(void)state;
	srand(1862);
	for (unsigned round = 0; round < 300; round++) {
		struct conf_range ranges[3];
		struct conf_subnet s;

		memset(&s, 0, sizeof s);
		s.network = V4(10, 1, 0, 0);
		s.prefix = 20;
		s.shared = CONF_NO_SHARED;
		for (uint32_t a = s.network; s.npools < 5;) {
			uint32_t from = a + (uint32_t)rand() % 300;
			uint32_t to = from + (uint32_t)rand() % 400;

			s.pools[s.npools++] = (struct conf_pool){.first = from, .last = to};
			a = to + 1;
		}
		for (unsigned i = 0; i < 3; i++) {
			ranges[i].first = s.network + i * 1300 + (uint32_t)rand() % 1000;
			ranges[i].last = ranges[i].first + (uint32_t)rand() % 300;
		}
		s.excluded = ranges;
		s.nexcluded = 3;
		for (unsigned i = 0; i < 4; i++)
			hosts[i].address =
			    addr_v4(s.network + 1 + i * 1000 + (uint32_t)rand() % 1000);
		conf.subnets = &s;
		conf.nsubnets = 1;
		assert_int_equal(pool_build(&map, &conf, NULL, 0), 0);
		for (uint32_t a = s.network; a < s.network + 4096; a++) {
			uint32_t slot = pool_slot(&map, a), subnet, pool = POOL_NONE,
				 host = UINT32_MAX;
			bool open = (a & 0xff) != 0 && (a & 0xff) != 0xff;

			for (uint32_t i = 0; i < 5; i++)
				if (a >= s.pools[i].first && a <= s.pools[i].last)
					pool = i;
			for (uint32_t i = 0; i < 4; i++)
				if (addr_to_v4(&hosts[i].address) == a)
					host = i;
			for (unsigned i = 0; i < 3; i++)
				open = open && (a < ranges[i].first || a > ranges[i].last);
			assert_int_equal(
			    slot != POOL_NO_SLOT, pool != POOL_NONE || host != UINT32_MAX);
			if (slot == POOL_NO_SLOT)
				continue;
			assert_int_equal(pool_address(&map, slot, &subnet), a);
			assert_int_equal(pool_range_of(&map, slot)->pool, pool);
			assert_int_equal(pool_reserved_for(&map, slot), host);
			assert_int_equal(pool_is_open(&map, slot),
			    open && pool != POOL_NONE && host == UINT32_MAX);
		}
		pool_free(&map);
	}
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
	    TEST(test_excluded),
	    TEST(test_slot_tells_its_pool),
	    TEST(test_reservations_side_by_side),
	    TEST(test_networks),
	    TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
