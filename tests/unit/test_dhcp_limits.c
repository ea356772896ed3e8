/*
 * Abuse: floods of made-up machines, of one machine, and of one relay port. Who has a
 * reservation or a lease is served, the tables keep their size, and it is counted.
 */
#include <malloc.h>

#include "src/broker/counters.h"
#include "tests/unit/dhcp_case.h"

#define FLOOD 1000000u

static const char text[] =
    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
    "interface eth0; interface eth1;\n"
    "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109; lease-time 1h; }\n"
    "subnet 10.88.0.0/16 { pool 10.88.1.1 - 10.88.4.254; }\n"
    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.60; }\n"
    "boot { default image \"debian\"; unknown allow; sessions 64; session-time 1h; }\n"
    "dhcp { client-rate 20; link-rate 10; }\n";

static int
set_up_limits(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	counters_reset();
	rig_start(text);
	return 0;
}

static struct msg_dhcp_tell
stranger(uint32_t n)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, "02:aa:00:00:00:00");

	m.xid = n;
	m.hw.b[2] = (uint8_t)(n >> 24);
	m.hw.b[3] = (uint8_t)(n >> 16);
	m.hw.b[4] = (uint8_t)(n >> 8);
	m.hw.b[5] = (uint8_t)n;
	return m;
}

static unsigned
offers(struct msg_dhcp_tell *m, unsigned n)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!rig_ask_only(m, &r))
			continue;
		got++;
		while (rig_take(&r))
			;
	}
	return got;
}

/* The rate is that of the configuration, as a burst and over time. */
static void
test_one_client(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, FIXED);
	struct msg_dhcp_tell other = rig_request(DHCP_DISCOVER, A);
	unsigned got = 0;

	(void)state;
	assert_int_equal(offers(&m, 100), 20);
	assert_int_equal(counter_of("client-rate"), 80);
	assert_int_equal(offers(&other, 1), 1);
	/* The same hardware address elsewhere is another client. */
	m.giaddr = m.src = rig_addr("10.77.0.9");
	assert_int_equal(offers(&m, 1), 1);
	m.giaddr = m.src = rig_addr("0.0.0.0");
	for (unsigned i = 0; i < 60; i++) {
		rig_pass(1);
		got += offers(&m, 10);
	}
	assert_in_range(got, 118, 122);
	rig_pass(3600);
	assert_int_equal(offers(&m, 100), 20);
}

/* Strangers share what their link has; those of a relay port what that has. */
static void
test_one_link(void **state)
{
	struct msg_dhcp_tell known = rig_request(DHCP_DISCOVER, A);
	struct msg_dhcp_tell fixed = rig_request(DHCP_DISCOVER, FIXED), m;
	struct addr mine = lease_for(&known);
	unsigned got = 0;

	(void)state;
	rig_pass(10);
	for (uint32_t n = 0; n < 100; n++) {
		m = stranger(n);
		m.giaddr = m.src = rig_addr("10.88.0.1");
		m.circuit.len = 1;
		got += offers(&m, 1);
	}
	assert_int_equal(got, 10);
	/* Another port of the same relay. */
	m = stranger(200);
	m.giaddr = m.src = rig_addr("10.88.0.1");
	m.circuit.len = 2;
	assert_int_equal(offers(&m, 1), 1);
	/* Our own link. */
	for (uint32_t n = 300; n < 400; n++) {
		m = stranger(n);
		(void)offers(&m, 1);
	}
	assert_int_equal(counter_of("link-rate"), 90 + 90);
	assert_int_equal(offers(&known, 1), 1);
	assert_true(addr_equal(&r.yiaddr, &mine));
	assert_int_equal(offers(&fixed, 1), 1);
	m = taking(&fixed);
	assert_type(&m, DHCP_ACK);
}

/* A machine that got its OFFER may take it, whatever happens around it. */
static void
test_taking_in_a_flood(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;

	(void)state;
	assert_type(&a, DHCP_OFFER);
	a = taking(&a);
	for (uint32_t n = 0; n < 1000; n++) {
		m = stranger(n);
		(void)offers(&m, 1);
	}
	assert_type(&a, DHCP_ACK);
}

/* 0 under the sanitizers, which have a heap of their own. */
static size_t
heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks;
}

/* A million machines that do not exist, over 1000 seconds, half of them firmware, some
 * behind a relay with a pool for many: the leases that run and the reservations are served
 * all the while, and nothing grows. */
static void
test_a_million(void **state)
{
	struct msg_dhcp_tell lessee = rig_request(DHCP_DISCOVER, A), m;
	struct msg_dhcp_tell fixed = rig_request(DHCP_DISCOVER, FIXED);
	struct addr mine = lease_for(&lessee);
	size_t before = SIZE_MAX / 2;
	unsigned ncounters;

	(void)state;
	for (uint32_t n = 0; n < FLOOD; n++) {
		m = stranger(n * 2654435761u);
		if (n % 2 == 0)
			rig_firmware(&m, 7, 1);
		if (n % 3 == 0)
			m.giaddr = m.src = rig_addr("10.88.0.1");
		(void)rig_ask_only(&m, &r);
		while (rig_take(&r))
			;
		if (n % 1000 != 0)
			continue;
		rig_pass(1);
		if (n == FLOOD / 4000 * 1000)
			before = heap_in_use();
		if (n % 10000 != 0)
			continue;
		m = rig_request(DHCP_REQUEST, A);
		m.ciaddr = m.src = mine;
		m.dst = rig_addr("10.77.0.1");
		assert_type(&m, DHCP_ACK);
		assert_type(&fixed, DHCP_OFFER);
		assert_addr(r.yiaddr, "10.77.0.60");
	}
	assert_in_range(heap_in_use(), 0, before + 65536);
	assert_true(session_count() <= 64);
	assert_true(counter_of("pool-empty") + counter_of("link-rate") > FLOOD * 9 / 10);
	/* The pool behind the relay is not used up. */
	m = stranger(FLOOD);
	m.giaddr = m.src = rig_addr("10.88.0.1");
	rig_pass(2);
	assert_type(&m, DHCP_OFFER);
	(void)counters_all(&ncounters);
	assert_true(ncounters <= COUNTERS_MAX);
}

/* Counters: names that come again, in two places of memory, and more than there is room. */
static void
test_counters(void **state)
{
	static char names[COUNTERS_MAX + 10][8];
	char again[] = "n3";
	const struct counter *all;
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < COUNTERS_MAX + 10; i++) {
		snprintf(names[i], sizeof names[i], "n%u", i);
		counter_add(names[i]);
		counter_add(names[i]);
	}
	counter_add(again);
	all = counters_all(&n);
	assert_int_equal(n, COUNTERS_MAX);
	assert_int_equal(counter_of("n3"), 3);
	assert_string_equal(all[0].name, "n0");
	assert_string_equal(all[n - 1].name, "other");
	assert_int_equal(all[n - 1].n, 22);
	assert_int_equal(counter_of("never"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_limits, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_client),
	    TEST(test_one_link),
	    TEST(test_taking_in_a_flood),
	    TEST(test_a_million),
	    TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
