/*
 * Conflict probes: who waits, for how long, what an answer does, and that nobody else is
 * held up. The broker's real tables; time is the test's.
 */
#include "src/broker/counters.h"
#include "src/broker/heard.h"
#include "src/broker/probe.h"
#include "tests/unit/dhcp_case.h"

static struct msg_probe_tell q;

static int
set_up_probe(void **state)
{
	set_up(state);
	counters_reset();
	rig_probe(true);
	return 0;
}

static void
pass_ms(unsigned ms)
{
	broker.now_ms += ms;
}

static struct msg_heard_tell
arp(const char *address, const char *mac)
{
	struct msg_heard_tell m = {.kind = LINK_ARP, .address = rig_addr(address)};

	assert_int_equal(mac_parse(mac, &m.mac), 0);
	return m;
}

static void
hear(const struct msg_heard_tell *m)
{
	on_heard_tell(&broker.link_parser, m);
	assert_false(broker.link_parser.breached);
}

/* After its DISCOVER a machine waits, and one question went out; its target. */
static struct addr
asks_for(const struct msg_dhcp_tell *m)
{
	assert_silent(m);
	assert_true(rig_take_probe(&q));
	assert_false(rig_take_probe(&q));
	return q.target;
}

static void
assert_asks(const struct msg_dhcp_tell *m, const char *address)
{
	struct addr target = asks_for(m);

	assert_addr(target, address);
}

static void
assert_offer(const char *address)
{
	memset(&r, 0, sizeof r);
	assert_true(rig_take(&r));
	assert_int_equal(r.type, DHCP_OFFER);
	assert_addr(r.yiaddr, address);
}

static void
test_nobody_answers(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr target = asks_for(&m);

	(void)state;
	assert_addr(target, "10.77.0.100");
	assert_int_equal(q.kind, LINK_ARP);
	assert_int_equal(q.link, 0);
	assert_int_equal(probe_timeout(), broker.conf->probe_ms);
	pass_ms(broker.conf->probe_ms - 1u);
	probe_turn();
	assert_false(rig_take(&r));
	assert_int_equal(probe_timeout(), 1);
	pass_ms(1);
	assert_int_equal(probe_timeout(), 0);
	probe_turn();
	assert_offer("10.77.0.100");
	assert_int_equal(probe_timeout(), -1);
	/* It is known as free now: no question when it asks again, nor for its ACK. */
	assert_type(&m, DHCP_OFFER);
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	assert_false(rig_take_probe(&q));
}

/* What it has it keeps without a question; what has ended is asked for again. */
static void
test_own_lease(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_probe(false);
	(void)lease_for(&m);
	rig_probe(true);
	assert_type(&m, DHCP_OFFER);
	assert_false(rig_take_probe(&q));
	rig_pass(3600 + 1);
	assert_asks(&m, "10.77.0.100");
}

static void
test_conflict(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_heard_tell answer = arp("10.77.0.100", "02:00:00:00:00:09");
	struct addr first = rig_addr("10.77.0.100");

	(void)state;
	assert_asks(&m, "10.77.0.100");
	hear(&answer);
	/* It rests, and the same request is asked another question, without a timer. */
	assert_int_equal(lease_at(&first)->state, LEASE_QUARANTINED);
	assert_false(rig_take(&r));
	assert_true(rig_take_probe(&q));
	assert_addr(q.target, "10.77.0.101");
	pass_ms(broker.conf->probe_ms);
	probe_turn();
	assert_offer("10.77.0.101");
	assert_int_equal(counter_of("probe-in-use"), 1);
	/* Then it can be had again. */
	rig_pass(broker.conf->quarantine + 1);
	assert_true(lease_is_free(lease_at(&first), lease_clock(broker.now_ms)));
}

/* The machine itself, still under the address that it had. */
static void
test_its_own_answer(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_heard_tell answer = arp("10.77.0.100", A);

	(void)state;
	(void)asks_for(&m);
	hear(&answer);
	assert_offer("10.77.0.100");
	assert_int_equal(counter_of("probe-in-use"), 0);
}

/* Wrong link, wrong address, wrong kind, or too late: nothing happens. */
static void
test_other_answers(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_heard_tell answer = arp("10.77.0.100", "02:00:00:00:00:09");
	struct addr first = rig_addr("10.77.0.100");

	(void)state;
	hear(&answer);
	(void)asks_for(&m);
	answer.link = 1;
	hear(&answer);
	answer.link = 0;
	answer.address = rig_addr("10.77.0.101");
	hear(&answer);
	answer.address = first;
	answer.kind = LINK_ECHO;
	hear(&answer);
	assert_false(rig_take(&r));
	pass_ms(broker.conf->probe_ms);
	probe_turn();
	assert_offer("10.77.0.100");
	answer.kind = LINK_ARP;
	hear(&answer);
	assert_int_equal(lease_at(&first)->state, LEASE_HELD);
	assert_int_equal(counter_of("probe-in-use"), 0);
}

/* A reservation stays with its machine, whoever answers. */
static void
test_reserved(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, FIXED);
	struct msg_heard_tell answer = arp("10.77.0.60", "02:00:00:00:00:09");

	(void)state;
	assert_asks(&m, "10.77.0.60");
	hear(&answer);
	assert_offer("10.77.0.60");
	assert_int_equal(counter_of("probe-in-use"), 1);
}

/* The newest request is the one that is answered, once. */
static void
test_repetition(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	(void)asks_for(&m);
	pass_ms(50);
	m.xid = 0x99;
	assert_silent(&m);
	assert_false(rig_take_probe(&q));
	pass_ms(broker.conf->probe_ms - 50u);
	probe_turn();
	assert_offer("10.77.0.100");
	assert_int_equal(r.xid, 0x99);
	assert_false(rig_take(&r));
}

static void
test_nobody_else_waits(void **state)
{
	struct msg_dhcp_tell has = rig_request(DHCP_DISCOVER, B);
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_probe(false);
	(void)lease_for(&has);
	rig_probe(true);
	assert_asks(&m, "10.77.0.101");
	assert_type(&has, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.100");
	/* And two that wait do so at the same time, for different addresses. */
	m = rig_request(DHCP_DISCOVER, "52:54:00:77:00:03");
	assert_asks(&m, "10.77.0.102");
	pass_ms(broker.conf->probe_ms);
	/* In this rig dhcp-sender's queue has room for one turn's answer. */
	probe_turn();
	assert_true(rig_take(&r));
	probe_turn();
	assert_true(rig_take(&r));
	assert_false(rig_take(&r));
}

static void
test_behind_a_relay(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_heard_tell answer = {.kind = LINK_ECHO};
	struct addr first = rig_addr("10.88.0.10");

	(void)state;
	m.giaddr = rig_addr("10.88.0.1");
	assert_asks(&m, "10.88.0.10");
	assert_int_equal(q.kind, LINK_ECHO);
	answer.address = first;
	answer.number = q.number + 1;
	hear(&answer);
	assert_int_equal(counter_of("probe-in-use"), 0);
	answer.number = q.number;
	hear(&answer);
	assert_int_equal(lease_at(&first)->state, LEASE_QUARANTINED);
	assert_true(rig_take_probe(&q));
	assert_addr(q.target, "10.88.0.11");
	/* A relay on our own link asks for addresses of that link. */
	m = rig_request(DHCP_DISCOVER, B);
	m.link = 0;
	m.giaddr = rig_addr("10.78.0.9");
	assert_asks(&m, "10.78.0.10");
	assert_int_equal(q.kind, LINK_ARP);
	assert_int_equal(q.link, 1);
}

/* Somebody answers for everything: the request is given up after some addresses, the rest
 * of the pool stays, and the next request goes on. */
static void
test_everything_in_use(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_heard_tell answer = arp("10.77.0.100", "02:00:00:00:00:09");
	unsigned n = 1;

	(void)state;
	answer.address = asks_for(&m);
	for (;;) {
		hear(&answer);
		if (!rig_take_probe(&q))
			break;
		answer.address = q.target;
		n++;
	}
	assert_int_equal(n, PROBE_TRIES);
	assert_false(rig_take(&r));
	assert_int_equal(probe_timeout(), -1);
	answer.address = asks_for(&m);
	assert_addr(answer.address, "10.77.0.109");
}

/* More machines at once than may wait, or than may be asked for: the others get their
 * OFFER unasked. */
static void
test_bounds(void **state)
{
	static const char wide[] =
	    "interface eth0; interface eth1;\n"
	    "subnet 10.77.0.0/16 { pool 10.77.4.0 - 10.77.40.0; lease-time 1h; }\n"
	    "boot { unknown allow; }\ndhcp { client-rate 0; link-rate 0; }\n";
	unsigned waiting = 0, offers = 0;

	(void)state;
	rig_stop();
	rig_start(wide);
	rig_probe(true);
	for (unsigned i = 0; i < 2000; i++) {
		struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

		m.hw.b[3] = (uint8_t)(i >> 8);
		m.hw.b[4] = (uint8_t)i;
		if (rig_ask(&m, &r))
			offers++;
		else
			waiting++;
		while (rig_take_probe(&q))
			;
	}
	assert_int_equal(waiting, PROBE_MAX);
	assert_int_equal(offers, 2000 - PROBE_MAX);
	assert_int_equal(counter_of("probe-skipped"), 2000 - PROBE_MAX);
	pass_ms(broker.conf->probe_ms);
	/* A bounded number in a turn. */
	while (probe_timeout() == 0) {
		unsigned n = 0;

		probe_turn();
		while (rig_take(&r))
			n++;
		assert_in_range(n, 1, 64);
		waiting -= n;
	}
	assert_int_equal(waiting, 0);
}

/* Words that link-parser could not have heard are a breach. */
static void
test_breaches(void **state)
{
	const struct msg_heard_tell good = arp("10.77.0.100", "02:00:00:00:00:09");
	struct msg_heard_tell bad[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].link = 2;
	bad[1].address.family = ADDR_NONE;
	bad[2].address.family = ADDR_V6;
	bad[3].mac.b[0] = 1;
	bad[4].kind = bad[5].kind = bad[6].kind = bad[7].kind = LINK_SERVER;
	bad[4].type = DHCP_DISCOVER;
	bad[5].type = 0;
	bad[6].type = bad[7].type = DHCP_OFFER;
	bad[6].server.family = ADDR_V6;
	bad[7].relay.family = ADDR_V6;
	for (unsigned i = 0; i < 8; i++) {
		on_heard_tell(&broker.link_parser, &bad[i]);
		assert_true(broker.link_parser.breached);
		chan_reset(&broker.link_parser);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_probe, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_nobody_answers),
	    TEST(test_own_lease),
	    TEST(test_conflict),
	    TEST(test_its_own_answer),
	    TEST(test_other_answers),
	    TEST(test_reserved),
	    TEST(test_repetition),
	    TEST(test_nobody_else_waits),
	    TEST(test_behind_a_relay),
	    TEST(test_everything_in_use),
	    TEST(test_bounds),
	    TEST(test_breaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
