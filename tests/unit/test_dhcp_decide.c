/*
 * What the broker answers to sequences of requests: client states, relays, restarts, and
 * clients that lie.
 */
#include "src/broker/decide.h"
#include "tests/unit/dhcp_case.h"

#define QUARANTINE_S 600 /* unless the configuration says otherwise */

static void
test_plain_exchange(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_reply_tell offer;

	(void)state;
	m.client_id.len = 3;
	memcpy(m.client_id.b, "\x00xy", 3);
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.100");
	assert_addr(r.server_id, "10.77.0.1");
	assert_addr(r.ciaddr, "-");
	assert_int_equal(r.way, 0);
	assert_addr(r.to, "10.77.0.100");
	assert_int_equal(r.xid, m.xid);
	assert_int_equal(r.lease, 3600);
	assert_int_equal(r.t1, 1800);
	assert_int_equal(r.t2, 3150);
	assert_int_equal(r.prefix, 24);
	assert_int_equal(option_len(3), 4);
	assert_int_equal(option_len(6), 8);
	assert_int_equal(option_len(15), strlen("lab.example"));
	assert_memory_equal(r.client_id.b, m.client_id.b, 3);
	assert_int_equal(r.class60, 0);
	assert_string_equal(r.bootfile, "");
	assert_int_equal(r.session, 0);
	offer = r;
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	assert_true(addr_equal(&r.yiaddr, &offer.yiaddr));
	assert_int_equal(r.lease, 3600);
}

/* Nothing is acknowledged before it is on disk. */
static void
test_ack_waits_for_the_store(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	assert_type(&m, DHCP_OFFER);
	m = taking(&m);
	assert_false(rig_ask_only(&m, &r));
	assert_true(rig_commit(&r));
	assert_int_equal(r.type, DHCP_ACK);
}

static void
test_ways(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.flags = 0x8000;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.way, 1);
	assert_int_equal(r.flags, 0x8000);
	/* A hardware address that no frame can be sent to. */
	m = rig_request(DHCP_DISCOVER, A);
	m.hw.len = 16;
	memset(m.hw.b, 7, 16);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.way, 1);
	assert_int_equal(r.hw.len, 16);
}

static void
test_other_server_chosen(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A),
			     b = rig_request(DHCP_DISCOVER, B);
	struct msg_dhcp_tell m;

	(void)state;
	assert_type(&a, DHCP_OFFER);
	m = taking(&a);
	m.server_id = rig_addr("10.77.0.9");
	assert_silent(&m);
	/* The address is free again, though never used ones come first. */
	b.requested = m.requested;
	assert_type(&b, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &m.requested));
}

static void
test_selecting_refused(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr his = lease_for(&a);

	(void)state;
	m = rig_request(DHCP_REQUEST, B);
	m.server_id = rig_addr("10.77.0.1");
	m.requested = his;
	assert_type(&m, DHCP_NAK);
	assert_int_equal(r.way, 1);
	assert_addr(r.yiaddr, "-");
	assert_addr(r.server_id, "10.77.0.1");
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 0);
	m.requested = rig_addr("10.78.0.10");
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("10.77.0.60");
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("10.77.0.1");
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("10.77.0.200");
	assert_type(&m, DHCP_NAK);
	/* One machine cannot take the pool address by address. */
	m = rig_request(DHCP_REQUEST, A);
	m.server_id = rig_addr("10.77.0.1");
	m.requested = rig_addr("10.77.0.107");
	assert_type(&m, DHCP_NAK);
}

static void
test_init_reboot(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine = lease_for(&a);

	(void)state;
	m = rig_request(DHCP_REQUEST, A);
	m.requested = mine;
	assert_type(&m, DHCP_ACK);
	m.requested = rig_addr("10.99.0.1");
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("10.77.0.108");
	assert_type(&m, DHCP_NAK);
	/* A machine of which there is no record: another server may know it. */
	m = rig_request(DHCP_REQUEST, B);
	m.requested = rig_addr("10.77.0.108");
	assert_silent(&m);
	m.requested = mine;
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("192.168.1.1");
	assert_type(&m, DHCP_NAK);
}

static void
test_renewing(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine = lease_for(&a);

	(void)state;
	rig_pass(1800);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.way, 2);
	assert_true(addr_equal(&r.to, &mine));
	assert_int_equal(r.to_port, 68);
	assert_true(addr_equal(&r.ciaddr, &mine));
	/* Rebinding, by broadcast. */
	m.dst = rig_addr("255.255.255.255");
	assert_type(&m, DHCP_ACK);
	/* In the name of another machine. */
	m = unicast(DHCP_REQUEST, B, &mine);
	assert_type(&m, DHCP_NAK);
	assert_int_equal(r.way, 1);
	/* Prolonged: 1800 + 3599 s after the first lease it still runs. */
	rig_pass(3599);
	m = rig_request(DHCP_DISCOVER, B);
	m.requested = mine;
	assert_type(&m, DHCP_OFFER);
	assert_false(addr_equal(&r.yiaddr, &mine));
	/* Then it ends. */
	rig_pass(2);
	m = rig_request(DHCP_DISCOVER, "52:54:00:77:00:03");
	m.requested = mine;
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &mine));
}

/* Its renewal comes by unicast through a router: the client's address tells the subnet. */
static void
test_renewing_through_a_router(void **state)
{
	size_t len;
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	m.giaddr = rig_addr("10.88.0.1");
	m.src = m.giaddr;
	mine = lease_for(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	assert_true(addr_equal(&r.to, &mine));
	assert_memory_equal(option(3, &len), "\x0a\x58\x00\x01", 4);
	/* The same by broadcast on our own link is a machine that was carried here. */
	m.dst = rig_addr("255.255.255.255");
	assert_type(&m, DHCP_NAK);
}

static void
test_release(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine = lease_for(&a);

	(void)state;
	m = unicast(DHCP_RELEASE, B, &mine);
	assert_silent(&m);
	m = unicast(DHCP_RELEASE, A, &mine);
	m.link = 1;
	m.dst = rig_addr("10.78.0.1");
	assert_silent(&m);
	m = unicast(DHCP_RELEASE, A, &mine);
	m.src = rig_addr("10.77.0.222");
	assert_silent(&m);
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	m = unicast(DHCP_RELEASE, A, &mine);
	assert_silent(&m);
	assert_int_equal(lease_at(&mine)->state, LEASE_FREE);
	/* Durably; and its old holder gets it again. */
	rig_restart();
	assert_int_equal(lease_at(&mine)->state, LEASE_FREE);
	assert_true(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
	assert_type(&a, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &mine));
}

static void
test_decline(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine = lease_for(&a);

	(void)state;
	m = rig_request(DHCP_DECLINE, B);
	m.requested = mine;
	m.server_id = rig_addr("10.77.0.1");
	assert_silent(&m);
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	m = rig_request(DHCP_DECLINE, A);
	m.requested = mine;
	m.server_id = rig_addr("10.77.0.1");
	assert_silent(&m);
	assert_int_equal(lease_at(&mine)->state, LEASE_QUARANTINED);
	rig_restart();
	assert_int_equal(lease_at(&mine)->state, LEASE_QUARANTINED);
	a.requested = mine;
	assert_type(&a, DHCP_OFFER);
	assert_false(addr_equal(&r.yiaddr, &mine));
	rig_pass(QUARANTINE_S + 1);
	m = rig_request(DHCP_DISCOVER, B);
	m.requested = mine;
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &mine));
}

static void
test_decline_of_a_reservation(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, FIXED), m;
	struct addr mine = lease_for(&a);

	(void)state;
	m = rig_request(DHCP_DECLINE, FIXED);
	m.requested = mine;
	assert_silent(&m);
	assert_type(&a, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.60");
}

static void
test_inform(void **state)
{
	struct addr his = rig_addr("10.77.0.200");
	struct msg_dhcp_tell m = unicast(DHCP_INFORM, A, &his);

	(void)state;
	assert_type(&m, DHCP_ACK);
	assert_addr(r.yiaddr, "-");
	assert_addr(r.to, "10.77.0.200");
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 24);
	/* An answer to an address that did not ask. */
	m.src = rig_addr("10.77.0.201");
	assert_silent(&m);
	m = unicast(DHCP_INFORM, A, &his);
	m.src = m.ciaddr = rig_addr("8.8.8.8");
	assert_silent(&m);
}

static void
test_relay(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.giaddr = rig_addr("10.88.0.1");
	m.src = rig_addr("10.77.0.254");
	m.relay.len = 4;
	memcpy(m.relay.b, "\x01\x02hi", 4);
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.88.0.10");
	assert_int_equal(r.way, 2);
	assert_addr(r.to, "10.88.0.1");
	assert_int_equal(r.to_port, 67);
	assert_addr(r.giaddr, "10.88.0.1");
	assert_int_equal(r.relay.len, 4);
	assert_memory_equal(r.relay.b, m.relay.b, 4);
	assert_addr(r.server_id, "10.77.0.1");
	/* Known by the relay's name for us. */
	m.server_override = rig_addr("10.88.0.1");
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.server_id, "10.88.0.1");
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	assert_addr(r.server_id, "10.88.0.1");
	m.requested = rig_addr("10.77.0.100");
	assert_type(&m, DHCP_NAK);
	assert_int_equal(r.flags, 0x8000);
	assert_int_equal(r.way, 2);
	assert_addr(r.to, "10.88.0.1");
	/* The relay says which of its links. */
	m = rig_request(DHCP_DISCOVER, B);
	m.giaddr = rig_addr("10.88.0.1");
	m.src = m.giaddr;
	m.link_select = rig_addr("10.78.0.0");
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.78.0.10");
	m.link_select = rig_addr("10.79.0.0");
	assert_silent(&m);
	/* A relay that nobody configured; link selection without a relay. */
	m = rig_request(DHCP_DISCOVER, B);
	m.giaddr = rig_addr("192.168.7.1");
	m.link_select = rig_addr("10.77.0.0");
	assert_silent(&m);
	m = rig_request(DHCP_DISCOVER, "52:54:00:77:00:03");
	m.link_select = rig_addr("10.78.0.0");
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(addr_to_v4(&r.yiaddr) >> 8, 0x0a4d00);
}

static void
test_not_clients(void **state)
{
	static const char *const macs[] = {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01",
	    "00:00:00:00:00:00", "02:00:00:00:00:01", "02:00:00:00:00:02"};
	struct msg_dhcp_tell m;

	(void)state;
	for (unsigned i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		m = rig_request(DHCP_DISCOVER, macs[i]);
		assert_silent(&m);
	}
	m = rig_request(DHCP_DISCOVER, A);
	m.src = rig_addr("255.255.255.255");
	assert_silent(&m);
	m.src = rig_addr("224.0.0.1");
	assert_silent(&m);
	m = rig_request(DHCP_DISCOVER, A);
	m.giaddr = rig_addr("239.1.1.1");
	assert_silent(&m);
	for (unsigned type = 0; type <= 18; type++) {
		m = rig_request((uint8_t)type, A);
		if (type != DHCP_DISCOVER)
			assert_silent(&m);
	}
	m = rig_request(DHCP_DISCOVER, A);
	m.hw.len = 0;
	assert_silent(&m);
}

static void
test_breach(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.link = 2;
	assert_silent(&m);
	assert_true(broker.dhcp_parser.breached);
	broker.dhcp_parser.breached = false;
}

static void
test_reservations(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, FIXED);
	struct addr mine;

	(void)state;
	m.client_id.len = 5;
	memcpy(m.client_id.b, "\x00host", 5);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.60");
	/* Whatever it calls itself. */
	m.client_id.b[1] = 'H';
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.60");
	/* Elsewhere it is a client like others. */
	m.link = 1;
	mine = lease_for(&m);
	assert_addr(mine, "10.78.0.10");
	m = rig_request(DHCP_DISCOVER, "52:54:00:77:00:61");
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.105");
}

/* A flood of new machines uses the pool up; those who have a lease or a reservation do
 * not notice, and holds end. */
static void
test_starvation(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine = lease_for(&a);
	unsigned offers = 0;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		m = rig_request(DHCP_DISCOVER, "52:54:01:00:00:00");
		m.hw.b[4] = (uint8_t)(i >> 8);
		m.hw.b[5] = (uint8_t)i;
		rig_firmware(&m, 0, 1);
		offers += rig_ask(&m, &r);
	}
	/* Offered again and again; nobody took one. */
	assert_int_equal(offers, 500);
	assert_int_equal(session_count(), 64);
	m = rig_request(DHCP_DISCOVER, FIXED);
	m.requested = lease_for(&m);
	assert_addr(m.requested, "10.77.0.60");
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	/* Who is in earnest gets one all the same, also when it is slow: what it was
	 * offered has been offered to others since. */
	m = rig_request(DHCP_DISCOVER, B);
	assert_type(&m, DHCP_OFFER);
	m = taking(&m);
	for (unsigned i = 0; i < 50; i++) {
		struct msg_dhcp_tell other =
		    rig_request(DHCP_DISCOVER, "52:54:02:00:00:00");
		struct msg_reply_tell offer;

		other.hw.b[5] = (uint8_t)i;
		assert_true(rig_ask(&other, &offer));
	}
	assert_type(&m, DHCP_ACK);
	assert_true(addr_equal(&r.yiaddr, &m.requested));
}

/* ------------------------------------------------------------------ restarts */

static void
test_restart_keeps_leases_and_sessions(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), other;
	struct addr mine;
	const struct session *s;
	uint32_t id;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	id = r.session;
	rig_restart();
	s = session_of_addr(&mine, broker.now_ms);
	assert_non_null(s);
	assert_int_equal(s->id, id);
	assert_int_equal(s->arch, ARCH_X64);
	assert_string_equal(s->image, "debian");
	assert_true(s->confirmed);
	assert_addr(s->server, "10.77.0.1");
	/* Nobody else gets the address; its holder prolongs it. */
	other = rig_request(DHCP_DISCOVER, B);
	other.requested = mine;
	assert_type(&other, DHCP_OFFER);
	assert_false(addr_equal(&r.yiaddr, &mine));
	other = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&other, DHCP_ACK);
}

/* The OFFER is forgotten by a restart, the REQUEST that follows is answered. */
static void
test_restart_between_offer_and_request(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 0, 1);
	assert_type(&m, DHCP_OFFER);
	m = taking(&m);
	rig_restart();
	assert_type(&m, DHCP_ACK);
	assert_true(addr_equal(&r.yiaddr, &m.requested));
	assert_string_equal(r.bootfile, "debian/boot/bios.efi");
}

/* The operator has set the clock back by years: nobody's lease lasts for years. */
static void
test_clock_set_back(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct addr mine;

	(void)state;
	broker.wall_s += 100000000;
	mine = lease_for(&a);
	rig_restart();
	m = rig_request(DHCP_DISCOVER, B);
	m.requested = mine;
	assert_type(&m, DHCP_OFFER);
	assert_false(addr_equal(&r.yiaddr, &mine));
	rig_pass(3601);
	m.hw.b[5] = 9;
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &mine));
}

/* A full batch refuses, and nothing that was refused is leased. */
static void
test_many_in_one_batch(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	unsigned acks = 0;

	(void)state;
	(void)lease_for(&m);
	m = rig_request(DHCP_REQUEST, A);
	m.requested = r.yiaddr;
	for (unsigned i = 0; i < 1030; i++)
		assert_false(rig_ask_only(&m, &r));
	assert_false(dhcp_store_room());
	acks += rig_commit(&r);
	while (rig_ask_only(&(struct msg_dhcp_tell){0}, &r))
		acks++;
	/* dhcp-sender takes what its queue holds; the rest is counted. */
	assert_int_equal(acks + broker.dhcp_sender.dropped, 1024);
	broker.dhcp_sender.dropped = 0;
	assert_true(dhcp_store_room());
}

/* To ask what would happen makes nothing happen: neither address, session nor reply. */
static void
test_decision_changes_nothing(void **state)
{
	static struct decision d;
	static struct trace trace;
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct ask a;

	(void)state;
	rig_firmware(&m, 7, 1);
	trace.n = 0;
	assert_null(dhcp_ask(&a, &m, &trace));
	dhcp_decide(&a, &d, &trace);
	assert_int_equal(d.effect, EFFECT_OFFER);
	assert_addr(d.reply.yiaddr, "10.77.0.100");
	assert_string_equal(d.reply.bootfile, "debian/boot/x64.efi");
	assert_true(trace.n >= 6);
	assert_false(rig_take(&r));
	assert_int_equal(session_count(), 0);
	assert_int_equal(lease_at(&d.address)->state, LEASE_FREE);
	assert_true(lease_is_free(lease_at(&d.address), a.now));
	assert_int_equal(lease_holder(lease_at(&d.address)).kind, ID_NONE);
	/* The real one then gets the same. */
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.100");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_plain_exchange),
	    TEST(test_ack_waits_for_the_store),
	    TEST(test_ways),
	    TEST(test_other_server_chosen),
	    TEST(test_selecting_refused),
	    TEST(test_init_reboot),
	    TEST(test_renewing),
	    TEST(test_renewing_through_a_router),
	    TEST(test_release),
	    TEST(test_decline),
	    TEST(test_decline_of_a_reservation),
	    TEST(test_inform),
	    TEST(test_relay),
	    TEST(test_not_clients),
	    TEST(test_breach),
	    TEST(test_reservations),
	    TEST(test_starvation),
	    TEST(test_restart_keeps_leases_and_sessions),
	    TEST(test_restart_between_offer_and_request),
	    TEST(test_clock_set_back),
	    TEST(test_many_in_one_batch),
	    TEST(test_decision_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
