/*
 * Requests with fields that no honest client sends. Whatever the broker answers, the mouth
 * has to take it: a reply that dhcp-sender refuses ends the broker, so one datagram of a
 * stranger, or one message of an owned ear, would be enough. The rig aborts on such a
 * reply; here it is also seen that there is none, or a harmless one.
 */
#include "tests/unit/dhcp_case.h"

/* No frame can be made for hardware that is not Ethernet, however long its address is. */
static void
test_other_hardware(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	for (unsigned htype = 0; htype < 256; htype++) {
		m.htype = (uint8_t)htype;
		rig_firmware(&m, 7, 1);
		assert_type(&m, DHCP_OFFER);
		assert_int_equal(r.way, htype == 1 ? 0 : 1);
		assert_int_equal(r.htype, htype);
	}
	m.htype = 6;
	(void)lease_for(&m);
}

static void
test_relay_that_is_none(void **state)
{
	static const char *const relays[] = {"10.77.0.1", "10.78.0.1", "10.77.0.255",
	    "10.78.0.255", "10.88.0.255", "10.88.0.0", "127.0.0.1", "224.0.0.1",
	    "255.255.255.255"};
	static const uint8_t types[] = {DHCP_DISCOVER, DHCP_REQUEST, DHCP_INFORM};

	(void)state;
	for (unsigned i = 0; i < sizeof relays / sizeof relays[0]; i++)
		for (unsigned k = 0; k < sizeof types; k++) {
			struct msg_dhcp_tell m = rig_request(types[k], A);

			m.giaddr = rig_addr(relays[i]);
			if (types[k] == DHCP_REQUEST)
				m.requested = rig_addr("10.77.0.105");
			if (types[k] == DHCP_INFORM)
				m.ciaddr = rig_addr("10.77.0.50");
			assert_silent(&m);
		}
}

static void
test_client_that_is_none(void **state)
{
	static const char *const clients[] = {
	    "10.77.0.1", "10.77.0.255", "10.77.0.0", "10.88.0.255"};

	(void)state;
	for (unsigned i = 0; i < sizeof clients / sizeof clients[0]; i++) {
		struct addr a = rig_addr(clients[i]);
		struct msg_dhcp_tell m = unicast(DHCP_INFORM, A, &a);

		assert_silent(&m);
		m = unicast(DHCP_REQUEST, A, &a);
		(void)rig_ask(&m, &r);
	}
}

static void
test_machine_id_of_any_length(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	for (unsigned len = 0; len <= sizeof m.uuid.b; len++) {
		m.uuid.len = (uint16_t)len;
		if (len == 0 || len == sizeof m.uuid.b)
			assert_type(&m, DHCP_OFFER);
		else
			assert_silent(&m);
	}
}

/* A subnet that is wider in the configuration than on the link: the link's broadcast
 * address stands in the middle of the pool. */
static void
test_broadcast_inside_the_pool(void **state)
{
	char mac[MAC_TEXT_MAX];

	(void)state;
	rig_stop();
	rig_start("images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
		  "interface eth0;\n"
		  "subnet 10.77.0.0/24 { pool 10.77.0.126 - 10.77.0.129; lease-time 1h; }\n"
		  "host \"h\" { mac 52:54:00:77:00:60; address 10.77.0.127; }\n"
		  "boot { default image \"debian\"; unknown allow; }\n");
	broker.start.links[0].prefix = 25;
	rig_restart();
	for (unsigned i = 0; i < 4; i++) {
		struct msg_dhcp_tell m;

		snprintf(mac, sizeof mac, "52:54:00:77:01:%02x", i);
		m = rig_request(DHCP_DISCOVER, mac);
		if (i < 3)
			(void)lease_for(&m);
		else
			assert_silent(&m);
		m = rig_request(DHCP_REQUEST, mac);
		m.requested = rig_addr("10.77.0.127");
		m.server_id = rig_addr("10.77.0.1");
		assert_type(&m, DHCP_NAK);
	}
	/* Also when it is reserved: the machine gets another one. */
	rig_stop();
	rig_start("images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
		  "interface eth0;\n"
		  "subnet 10.77.0.0/24 { pool 10.77.0.126 - 10.77.0.129; lease-time 1h; }\n"
		  "host \"h\" { mac 52:54:00:77:00:60; address 10.77.0.1; }\n"
		  "boot { default image \"debian\"; unknown allow; }\n");
	{
		struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, FIXED);

		assert_type(&m, DHCP_OFFER);
		assert_addr(r.yiaddr, "10.77.0.126");
		m = rig_request(DHCP_REQUEST, FIXED);
		m.requested = rig_addr("10.77.0.1");
		m.server_id = rig_addr("10.77.0.1");
		assert_type(&m, DHCP_NAK);
	}
}

/* Whoever says that it is somewhere else is answered on the link, and nobody there hears
 * of it. */
static void
test_client_elsewhere(void **state)
{
	static const uint8_t types[] = {DHCP_DISCOVER, DHCP_REQUEST};
	static const char *const clients[] = {"198.51.100.7", "10.88.0.50", "10.78.0.50"};
	struct msg_dhcp_tell m;
	struct addr mine;

	(void)state;
	m = rig_request(DHCP_DISCOVER, A);
	mine = lease_for(&m);
	for (unsigned i = 0; i < sizeof clients / sizeof clients[0]; i++)
		for (unsigned k = 0; k < sizeof types; k++) {
			m = rig_request(types[k], A);
			m.ciaddr = m.src = rig_addr(clients[i]);
			if (types[k] == DHCP_REQUEST) {
				m.requested = mine;
				m.server_id = rig_addr("10.77.0.1");
			}
			assert_true(rig_ask(&m, &r));
			assert_int_not_equal(r.way, 2);
		}
	/* On the link it may be true. */
	m = rig_request(DHCP_DISCOVER, A);
	m.ciaddr = rig_addr("10.77.0.50");
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.way, 2);
	assert_addr(r.to, "10.77.0.50");
}

/* RFC 2131, table 3. */
static void
test_fixed_fields(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.secs = 7;
	m.ciaddr = rig_addr("10.77.0.50");
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.secs, 0);
	assert_addr(r.ciaddr, "-");
	m.ciaddr.family = ADDR_NONE;
	memset(m.ciaddr.b, 0, sizeof m.ciaddr.b);
	(void)lease_for(&m);
	assert_int_equal(r.secs, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_other_hardware, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_relay_that_is_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_client_that_is_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_client_elsewhere, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_machine_id_of_any_length, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_broadcast_inside_the_pool, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_fixed_fields, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
