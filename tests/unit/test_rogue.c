/*
 * Other DHCP servers: the question at the start, silence, alerts, what is known of them,
 * and what must not count.
 */
#include "src/broker/heard.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"
#include "tests/unit/dhcp_case.h"

#define ROGUE "10.77.0.9"
#define ROGUE_HW "02:00:00:00:00:09"

static struct msg_probe_tell q;

static void
start_with(const char *interfaces, uint32_t generation)
{
	char text[1024];

	snprintf(text, sizeof text,
	    "%s\nsubnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109; }\n"
	    "subnet 10.78.0.0/24 { pool 10.78.0.10 - 10.78.0.20; }\n"
	    "subnet 10.88.0.0/24 { pool 10.88.0.10 - 10.88.0.20; }\n"
	    "boot { unknown allow; }\n",
	    interfaces);
	rig_start(text);
	broker.start.generation = generation;
	rogue_init();
}

static void
wait_ms(unsigned ms)
{
	broker.now_ms += ms;
	broker.wall_s += ms / 1000;
	rogue_turn();
	probe_turn();
}

static struct msg_heard_tell
server(uint8_t link, uint8_t type, uint32_t xid)
{
	struct msg_heard_tell m = {.link = link,
	    .kind = LINK_SERVER,
	    .type = type,
	    .number = xid,
	    .address = rig_addr(ROGUE),
	    .server = rig_addr(ROGUE),
	    .offered = rig_addr("10.77.0.150")};

	assert_int_equal(mac_parse(ROGUE_HW, &m.mac), 0);
	return m;
}

static void
hear(const struct msg_heard_tell *m)
{
	on_heard_tell(&broker.link_parser, m);
	assert_false(broker.link_parser.breached);
}

static uint32_t
asked(uint8_t link)
{
	assert_true(rig_take_probe(&q));
	assert_int_equal(q.kind, LINK_SERVER);
	assert_int_equal(q.link, link);
	return q.number;
}

static bool
answers_now(void)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	return rig_ask(&m, &r);
}

/* Silent for a second, asked twice, then open; who came meanwhile is answered then. */
static void
test_alone(void **state)
{
	uint32_t xid;

	(void)state;
	start_with("interface eth0; interface eth1 { rogue-servers ignore; }", 1);
	xid = asked(0);
	assert_false(rig_take_probe(&q));
	assert_int_equal(rogue_state(0), ROGUE_HELD);
	assert_int_equal(rogue_state(1), ROGUE_OPEN);
	assert_int_equal(rogue_timeout(), 400);
	assert_false(answers_now());
	assert_false(answers_now());
	wait_ms(400);
	assert_int_equal(asked(0), xid);
	wait_ms(ROGUE_HOLD_MS - 401);
	assert_false(rig_take(&r));
	wait_ms(1);
	assert_true(rig_take(&r));
	assert_int_equal(r.type, DHCP_OFFER);
	/* The repeated one had taken the place of the first. */
	assert_false(rig_take(&r));
	assert_true(answers_now());
	wait_ms(ROGUE_ANSWER_MS);
	assert_int_equal(rogue_timeout(), -1);
	assert_false(rig_take_probe(&q));
	rig_stop();
}

static void
test_refused(void **state)
{
	struct msg_heard_tell m;

	(void)state;
	start_with("interface eth0; interface eth1;", 1);
	m = server(0, DHCP_OFFER, asked(0));
	(void)asked(1);
	assert_false(answers_now());
	hear(&m);
	wait_ms(ROGUE_HOLD_MS + 100);
	(void)asked(0);
	(void)asked(1);
	assert_int_equal(rogue_state(0), ROGUE_REFUSED);
	assert_int_equal(rogue_state(1), ROGUE_OPEN);
	/* Neither what waited nor what comes now is answered, but through a relay. */
	assert_false(rig_take(&r));
	assert_false(answers_now());
	{
		struct msg_dhcp_tell far = rig_request(DHCP_DISCOVER, B);

		far.giaddr = rig_addr("10.88.0.1");
		assert_type(&far, DHCP_OFFER);
	}
	/* Asked again, and it is still there; then it is not. */
	wait_ms(ROGUE_ANSWER_MS);
	assert_false(rig_take_probe(&q));
	wait_ms(ROGUE_AGAIN_MS);
	m.number = asked(0);
	hear(&m);
	wait_ms(ROGUE_ANSWER_MS + 1);
	(void)rig_take_probe(&q);
	assert_false(answers_now());
	wait_ms(ROGUE_AGAIN_MS);
	while (rig_take_probe(&q))
		;
	wait_ms(ROGUE_ANSWER_MS + 1);
	assert_int_equal(rogue_state(0), ROGUE_OPEN);
	assert_true(answers_now());
	rig_stop();
}

/* It pings before it offers: the link had been opened, and falls silent. What it says to
 * others does not do that. */
static void
test_late_answer(void **state)
{
	struct msg_heard_tell m;
	uint32_t xid;

	(void)state;
	start_with("interface eth0; interface eth1;", 1);
	xid = asked(0);
	(void)asked(1);
	wait_ms(ROGUE_HOLD_MS);
	while (rig_take_probe(&q))
		;
	m = server(0, DHCP_OFFER, xid + 1);
	hear(&m);
	assert_true(answers_now());
	m.number = xid;
	hear(&m);
	assert_false(answers_now());
	rig_stop();
}

/* Later no server can silence us, whatever number it guesses. */
static void
test_comes_later(void **state)
{
	struct msg_heard_tell m;
	uint32_t xid;

	(void)state;
	start_with("interface eth0; interface eth1;", 1);
	xid = asked(0);
	wait_ms(ROGUE_HOLD_MS);
	wait_ms(ROGUE_ANSWER_MS);
	while (rig_take_probe(&q))
		;
	m = server(0, DHCP_OFFER, xid);
	hear(&m);
	assert_true(answers_now());
	assert_int_equal(rogue_state(0), ROGUE_OPEN);
	assert_non_null(rogue_server_at(0));
	assert_null(rogue_server_at(1));
	assert_addr(rogue_server_at(0)->address, ROGUE);
	assert_true(mac_equal(&rogue_server_at(0)->mac, &m.mac));
	assert_true(rogue_server_at(0)->gives);
	assert_int_equal(rogue_server_at(0)->heard, 1);
	rig_stop();
}

/* A broker that comes after another one holds nobody, but is silenced all the same. */
static void
test_restart(void **state)
{
	struct msg_heard_tell m;

	(void)state;
	start_with("interface eth0; interface eth1;", 2);
	m = server(0, DHCP_OFFER, asked(0));
	(void)asked(1);
	assert_true(answers_now());
	hear(&m);
	assert_false(answers_now());
	rig_stop();
}

static void
test_warn_and_proxy(void **state)
{
	struct msg_heard_tell m;

	(void)state;
	start_with(
	    "interface eth0 { rogue-servers warn; } interface eth1 { mode proxy; }", 1);
	m = server(0, DHCP_OFFER, asked(0));
	assert_false(rig_take_probe(&q));
	hear(&m);
	assert_true(answers_now());
	assert_int_equal(rogue_state(0), ROGUE_OPEN);
	assert_false(rogue_server_at(0)->expected);
	/* The server beside which we are a proxy, and another one. */
	m.link = 1;
	hear(&m);
	assert_true(rogue_server_at(1)->expected);
	m.server = rig_addr("10.78.0.8");
	hear(&m);
	assert_false(rogue_server_at(2)->expected);
	rig_stop();
}

/* Ourselves, nobody, relays' business of others: none is a server beside us. */
static void
test_no_server(void **state)
{
	struct msg_heard_tell m, good;

	(void)state;
	start_with("interface eth0; interface eth1;", 1);
	good = server(0, DHCP_OFFER, asked(0));
	(void)asked(1);
	m = good;
	m.server = broker.start.links[1].address;
	hear(&m);
	m = good;
	m.mac = broker.start.links[1].mac;
	hear(&m);
	m = good;
	m.server = rig_addr("224.0.0.1");
	m.address = rig_addr("127.0.0.1");
	hear(&m);
	m = good;
	m.relay = rig_addr("10.99.0.1");
	hear(&m);
	assert_null(rogue_server_at(0));
	/* A NAK, and a ProxyDHCP server's OFFER, are no reason to be silent. */
	m = good;
	m.type = DHCP_NAK;
	hear(&m);
	m = good;
	m.server = rig_addr("10.77.0.8");
	m.offered.family = ADDR_NONE;
	memset(m.offered.b, 0, sizeof m.offered.b);
	hear(&m);
	assert_int_equal(rogue_state(0), ROGUE_HELD);
	assert_false(rogue_server_at(1)->gives);
	m = good;
	m.relay = rig_addr("10.88.0.1");
	hear(&m);
	assert_int_equal(rogue_state(0), ROGUE_REFUSED);
	rig_stop();
}

/* A client that takes another's OFFER names it; the hardware address comes later. */
static void
test_named_by_clients(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_REQUEST, A);
	struct msg_heard_tell t;
	struct mac none = {{0}};

	(void)state;
	start_with("interface eth0; interface eth1;", 2);
	m.requested = rig_addr("10.77.0.150");
	m.server_id = rig_addr(ROGUE);
	m.giaddr = rig_addr("10.88.0.1");
	(void)rig_ask(&m, &r);
	m.giaddr = rig_addr("0.0.0.0");
	m.dst = rig_addr("10.77.0.1");
	(void)rig_ask(&m, &r);
	assert_null(rogue_server_at(0));
	m.dst = rig_addr("255.255.255.255");
	(void)rig_ask(&m, &r);
	(void)rig_ask(&m, &r);
	assert_addr(rogue_server_at(0)->address, ROGUE);
	assert_true(mac_equal(&rogue_server_at(0)->mac, &none));
	assert_int_equal(rogue_server_at(0)->requested, 2);
	assert_int_equal(rogue_server_at(0)->heard, 0);
	t = server(0, DHCP_ACK, 1);
	hear(&t);
	assert_null(rogue_server_at(1));
	assert_true(mac_equal(&rogue_server_at(0)->mac, &t.mac));
	m.server_id = rig_addr("10.77.0.1");
	(void)rig_ask(&m, &r);
	assert_null(rogue_server_at(1));
	rig_stop();
}

/* Any number of invented servers: the table is bounded, and one that was heard itself is
 * not pushed out by what clients say. */
static void
test_bounded(void **state)
{
	struct msg_heard_tell t;
	struct msg_dhcp_tell m = rig_request(DHCP_REQUEST, A);
	unsigned n = 0;
	bool there = false;

	(void)state;
	start_with("interface eth0; interface eth1;", 2);
	t = server(0, DHCP_ACK, 1);
	hear(&t);
	m.requested = rig_addr("10.77.0.150");
	for (uint32_t i = 0; i < 1000; i++) {
		m.server_id = addr_v4(0x0a0a0000 + i);
		(void)rig_ask(&m, &r);
		rig_pass(1);
	}
	for (; rogue_server_at(n) != NULL; n++)
		there |= rogue_server_at(n)->heard > 0;
	assert_int_equal(n, ROGUE_SERVERS_MAX);
	assert_true(there);
	rig_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_alone),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_late_answer),
	    cmocka_unit_test(test_comes_later),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_warn_and_proxy),
	    cmocka_unit_test(test_no_server),
	    cmocka_unit_test(test_named_by_clients),
	    cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
