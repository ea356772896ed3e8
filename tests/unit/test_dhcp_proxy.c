/*
 * Boot options beside another server's leases: who is answered with what on ports 67 and
 * 4011, which addresses are believed, and silence towards everybody else.
 */
#include "src/broker/counters.h"
#include "tests/unit/dhcp_case.h"

/* eth0 beside another server, without any subnet; eth1 full; behind relays one subnet of
 * each kind. */
static const char text[] =
    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
    "interface eth0 { mode proxy; }\n"
    "interface eth1;\n"
    "subnet 10.78.0.0/24 { pool 10.78.0.10 - 10.78.0.20; router 10.78.0.1; }\n"
    "subnet 10.88.0.0/24 { mode proxy; }\n"
    "subnet 10.89.0.0/24 { mode full; pool 10.89.0.10 - 10.89.0.20; }\n"
    "host \"denied\" { mac 52:54:00:77:00:62; boot deny; }\n"
    "boot { default image \"debian\"; unknown allow; ipxe-transport http;\n"
    "  sessions 64; session-time 1h; }\n"
    "dhcp { client-rate 0; }\n";

static int
set_up_proxy(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	counters_reset();
	rig_start(text);
	return 0;
}

static struct msg_dhcp_tell
firmware(const char *mac, uint16_t arch, uint8_t class60)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, mac);

	rig_firmware(&m, arch, class60);
	return m;
}

/* What every answer of a proxy has in common. */
static void
assert_proxy_offer(void)
{
	assert_int_equal(r.type, DHCP_OFFER);
	assert_addr(r.yiaddr, "-");
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 0);
	assert_int_equal(r.options.len, 0);
	assert_addr(r.siaddr, "10.77.0.1");
	assert_addr(r.server_id, "10.77.0.1");
	assert_true(r.session != 0);
}

static void
test_offers(void **state)
{
	static const struct {
		uint16_t arch;
		uint8_t class60, ipxe;
		uint8_t want_class, want_discovery;
		const char *file;
	} rows[] = {
	    /* A BIOS is told not to search. */
	    {0, 1, 0, 1, 1, "debian/boot/bios.efi"},
	    /* UEFI is not, and asks port 4011. */
	    {7, 1, 0, 1, 0, "debian/boot/x64.efi"},
	    {11, 1, 0, 1, 0, "debian/boot/arm64.efi"},
	    {16, 2, 0, 2, 0, "http://10.77.0.1/debian/boot/x64.efi"},
	    /* iPXE knows a proxy by PXEClient. */
	    {7, 1, 1, 1, 0, "http://10.77.0.1/debian/boot.ipxe"},
	    {0, 0, 1, 1, 0, "http://10.77.0.1/debian/boot.ipxe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct msg_dhcp_tell m = firmware(A, rows[i].arch, rows[i].class60);

		m.ipxe = rows[i].ipxe;
		m.ipxe_features = 1u << 3;
		assert_type(&m, DHCP_OFFER);
		assert_proxy_offer();
		assert_int_equal(r.way, 1);
		assert_int_equal(r.class60, rows[i].want_class);
		assert_int_equal(r.discovery, rows[i].want_discovery);
		assert_int_equal(r.ipxe, 0);
		assert_string_equal(r.bootfile, rows[i].file);
	}
}

static void
test_silent_to_others(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	for (unsigned type = 0; type <= DHCP_INFORM; type++) {
		m.type = (uint8_t)type;
		m.requested = rig_addr("10.77.0.200");
		assert_silent(&m);
		m.ciaddr = m.src = rig_addr("10.77.0.200");
		assert_silent(&m);
		m.ciaddr = m.src = rig_addr("0.0.0.0");
	}
	/* A machine that is to boot from its disk, and one that nothing fits. */
	m = firmware(DENIED, 0, 1);
	assert_silent(&m);
	m = firmware(B, 10, 1);
	assert_silent(&m);
	assert_int_equal(session_count(), 0);
	assert_int_equal(counter_of("nothing-to-boot"), 2);
}

/* The REQUEST for another server's OFFER says where the machine will ask for files. */
static struct msg_dhcp_tell
choosing(const char *mac, const char *address)
{
	struct msg_dhcp_tell m = rig_request(DHCP_REQUEST, mac);

	m.requested = rig_addr(address);
	m.server_id = rig_addr("10.77.0.254");
	return m;
}

static void
test_learns_address(void **state)
{
	struct msg_dhcp_tell m = firmware(A, 7, 1), q;
	struct addr mine = rig_addr("10.77.0.200"), other = rig_addr("10.77.0.201");
	struct session *s;

	(void)state;
	assert_type(&m, DHCP_OFFER);
	assert_null(session_of_addr(&mine, broker.now_ms));
	q = choosing(A, "10.77.0.200");
	assert_silent(&q);
	s = session_of_addr(&mine, broker.now_ms);
	assert_non_null(s);
	assert_string_equal(s->image, "debian");
	assert_true(s->confirmed);
	/* The system that it boots may get another one. */
	rig_pass(120);
	q = choosing(A, "10.77.0.201");
	assert_silent(&q);
	assert_ptr_equal(session_of_addr(&other, broker.now_ms), s);
	assert_ptr_equal(session_of_addr(&mine, broker.now_ms), s);
}

static void
test_addresses_not_believed(void **state)
{
	static const char *const wrong[] = {"10.77.0.1", "10.77.0.255", "10.78.0.10",
	    "10.88.0.10", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"};
	struct msg_dhcp_tell m = firmware(A, 7, 1), q;
	struct addr his = rig_addr("10.77.0.200");
	struct session *s;

	(void)state;
	assert_type(&m, DHCP_OFFER);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct addr a = rig_addr(wrong[i]);

		q = choosing(A, wrong[i]);
		assert_silent(&q);
		assert_null(session_of_addr(&a, broker.now_ms));
	}
	q = choosing(A, "10.77.0.200");
	assert_silent(&q);
	s = session_of_addr(&his, broker.now_ms);
	assert_non_null(s);
	/* A neighbour cannot take the address of a machine that is booting. */
	m = firmware(B, 7, 1);
	assert_type(&m, DHCP_OFFER);
	q = choosing(B, "10.77.0.200");
	assert_silent(&q);
	assert_ptr_equal(session_of_addr(&his, broker.now_ms), s);
	/* One that has been quiet for a while may have lost it. */
	rig_pass(61);
	m.xid++;
	assert_type(&m, DHCP_OFFER);
	assert_silent(&q);
	assert_ptr_not_equal(session_of_addr(&his, broker.now_ms), s);
	/* Whoever does not boot is nobody to learn of. */
	q = choosing("52:54:00:77:00:0a", "10.77.0.202");
	assert_silent(&q);
	assert_int_equal(session_count(), 2);
}

static struct msg_dhcp_tell
at_4011(const char *mac, uint16_t arch, const char *address)
{
	struct msg_dhcp_tell m = firmware(mac, arch, 1);

	m.type = DHCP_REQUEST;
	m.service = 1;
	m.sport = 4011;
	m.src = m.ciaddr = rig_addr(address);
	m.dst = rig_addr("10.77.0.1");
	return m;
}

static void
test_boot_service(void **state)
{
	struct msg_dhcp_tell m = at_4011(A, 7, "10.77.0.200");
	struct addr mine = rig_addr("10.77.0.200");

	(void)state;
	/* ciaddr says the address as well as a REQUEST would. */
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.way, 2);
	assert_addr(r.to, "10.77.0.200");
	assert_int_equal(r.to_port, 4011);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	assert_addr(r.yiaddr, "-");
	assert_non_null(session_of_addr(&mine, broker.now_ms));
	/* A BIOS that comes here too. */
	m = at_4011(B, 0, "10.77.0.201");
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.discovery, 1);
	/* Somebody else's address: a datagram to him would be his trouble. */
	m = at_4011("52:54:00:77:00:0b", 7, "10.77.0.200");
	assert_silent(&m);
	m = at_4011("52:54:00:77:00:0b", 7, "192.0.2.7");
	assert_silent(&m);
	m = at_4011("52:54:00:77:00:0b", 7, "10.77.0.203");
	m.ciaddr = rig_addr("10.77.0.204");
	assert_silent(&m);
	/* No boot client. */
	m = at_4011("52:54:00:77:00:0b", 7, "10.77.0.203");
	m.class60 = m.has_arch = 0;
	assert_silent(&m);
}

static void
test_relayed(void **state)
{
	struct msg_dhcp_tell m = firmware(A, 7, 1), q;
	struct addr mine = rig_addr("10.88.0.50");

	(void)state;
	m.giaddr = m.src = rig_addr("10.88.0.1");
	m.sport = 67;
	m.relay.len = 5;
	memcpy(m.relay.b, "\x01\x03xyz", 5);
	assert_type(&m, DHCP_OFFER);
	assert_proxy_offer();
	assert_int_equal(r.way, 2);
	assert_addr(r.to, "10.88.0.1");
	assert_int_equal(r.to_port, 67);
	assert_int_equal(r.relay.len, 5);
	q = choosing(A, "10.88.0.50");
	q.giaddr = q.src = m.giaddr;
	assert_silent(&q);
	assert_non_null(session_of_addr(&mine, broker.now_ms));
	/* A subnet's own word goes before the link's. */
	m = firmware(B, 7, 1);
	m.giaddr = m.src = rig_addr("10.89.0.1");
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.89.0.10");
	/* A relay that nobody has configured. */
	m.giaddr = m.src = rig_addr("10.90.0.1");
	assert_silent(&m);
}

/* The other link of the same host is served in full. */
static void
test_full_link_beside(void **state)
{
	struct msg_dhcp_tell m = firmware(A, 7, 1);

	(void)state;
	m.link = 1;
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.78.0.10");
	assert_int_equal(r.discovery, 1);
	assert_addr(r.siaddr, "10.78.0.1");
}

static void
test_off(void **state)
{
	static const char off[] =
	    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
	    "interface eth0 { mode off; }\n"
	    "interface eth1;\n"
	    "subnet 10.77.0.0/24 { pool 10.77.0.10 - 10.77.0.20; }\n"
	    "boot { default image \"debian\"; unknown allow; }\n";
	struct msg_dhcp_tell m = firmware(A, 7, 1);

	(void)state;
	rig_stop();
	rig_start(off);
	for (unsigned type = 0; type <= DHCP_INFORM; type++) {
		m.type = (uint8_t)type;
		assert_silent(&m);
	}
	assert_int_equal(session_count(), 0);
}

/* While the verifier looks through the store, and when an image is refused. */
static void
test_image_missing(void **state)
{
	struct msg_dhcp_tell m = firmware(A, 7, 1);

	(void)state;
	rig_images(false);
	assert_silent(&m);
	assert_int_equal(counter_of("image-not-yet-loaded"), 1);
	rig_images(true);
	assert_type(&m, DHCP_OFFER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_proxy, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_offers),
	    TEST(test_silent_to_others),
	    TEST(test_learns_address),
	    TEST(test_addresses_not_believed),
	    TEST(test_boot_service),
	    TEST(test_relayed),
	    TEST(test_full_link_beside),
	    TEST(test_off),
	    TEST(test_image_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
