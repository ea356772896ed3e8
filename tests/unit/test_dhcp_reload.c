/*
 * The broker dies and the next one starts, with the same configuration or another: boots
 * under way go on while their machines may still boot that, and each lease is prolonged or
 * refused.
 */
#include "tests/unit/dhcp_case.h"

#define HEAD                                                          \
	"images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n" \
	"interface eth0; interface eth1;\n"
#define TAIL                                                                             \
	"boot { default image \"debian\"; unknown allow; sessions 64; session-time 1h; " \
	"}\n"                                                                            \
	"dhcp { client-rate 0; }\n"
#define POOL "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109; lease-time 1h; }\n"
#define RELAYED "subnet 10.88.0.0/24 { pool 10.88.0.10 - 10.88.0.20; lease-time 1h; }\n"
#define LAB "class \"lab\" { match vendor-class \"lab\"; image \"bare\"; }\n"

static int
set_up_plain(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	rig_start(HEAD POOL RELAYED TAIL);
	return 0;
}

static struct msg_dhcp_tell
firmware(const char *mac)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, mac);

	rig_firmware(&m, 0, CLASS_PXE);
	return m;
}

static void
say_vendor(struct msg_dhcp_tell *m, const char *name)
{
	m->vendor.len = (uint16_t)strlen(name);
	memcpy(m->vendor.b, name, m->vendor.len);
}

/* The image of the address' session; NULL: there is no session. */
static const char *
booting(const struct addr *a)
{
	const struct session *s = session_of_addr(a, broker.now_ms);

	return s == NULL ? NULL : s->image;
}

static const char *
host_at(const struct addr *a)
{
	const struct session *s = session_of_addr(a, broker.now_ms);

	return s == NULL || s->key == NULL ? "" : broker.conf->hosts[s->key->host].name;
}

/* ------------------------------------------------------------- boots under way */

/* Each way to be known, and what the request says then. */
static void
test_known_by_anything(void **state)
{
	static const char hosts[] = HEAD POOL RELAYED
	    "host \"by-mac\" { mac 52:54:00:77:00:01; image \"bare\"; }\n"
	    "host \"by-id\" { client-id \"one\"; image \"bare\"; }\n"
	    "host \"by-uuid\" { uuid \"44444444-4444-4444-4444-444444444444\"; image "
	    "\"bare\"; "
	    "}\n"
	    "host \"by-port\" { circuit-id \"p7\"; image \"bare\"; }\n" TAIL;
	static const char *const names[] = {"by-mac", "by-id", "by-uuid", "by-port", ""};
	struct addr at[5];

	(void)state;
	rig_reload(hosts);
	for (unsigned i = 0; i < 5; i++) {
		struct msg_dhcp_tell m = firmware(i == 0 ? A : B);

		m.hw.b[0] = (uint8_t)(0x50 + 4 * i);
		if (i == 0)
			m = firmware(A);
		m.uuid.len = i == 2 ? 17 : 0;
		if (i == 1) {
			m.client_id.len = 3;
			memcpy(m.client_id.b, "one", 3);
		}
		if (i == 3) {
			m.giaddr = m.src = rig_addr("10.88.0.1");
			m.circuit.len = 2;
			memcpy(m.circuit.b, "p7", 2);
		}
		at[i] = lease_for(&m);
		assert_string_equal(host_at(&at[i]), names[i]);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 5; i++) {
			assert_non_null(booting(&at[i]));
			assert_string_equal(booting(&at[i]), i < 4 ? "bare" : "debian");
			assert_string_equal(host_at(&at[i]), names[i]);
		}
		if (round < 2)
			rig_restart();
	}
	/* Their blocks are gone. */
	rig_reload(HEAD POOL RELAYED TAIL);
	for (unsigned i = 0; i < 5; i++) {
		if (i < 4)
			assert_null(booting(&at[i]));
		else
			assert_string_equal(booting(&at[i]), "debian");
	}
}

/* Another name, another place in the file and one key more are no other machine; another
 * key, or another choice, is. */
static void
test_host_changed(void **state)
{
	static const struct {
		const char *block;
		bool lives;
	} changes[] = {
	    {"host \"other\" { mac 52:54:00:77:00:09; boot deny; }\n"
	     "host \"renamed\" { client-id \"two\"; client-id \"one\"; image \"bare\"; }\n",
		true},
	    {"host \"node\" { client-id \"two\"; image \"bare\"; }\n", false},
	    {"host \"node\" { client-id \"one\"; image \"debian\"; }\n", false},
	    {"host \"node\" { client-id \"one\"; boot deny; }\n", false},
	    /* The hardware address goes before the client identifier. */
	    {"host \"node\" { client-id \"one\"; image \"bare\"; }\n"
	     "host \"mine\" { mac 52:54:00:77:00:01; boot deny; }\n",
		false},
	};
	struct msg_dhcp_tell m = firmware(A);
	struct addr mine;
	char all[2048];

	(void)state;
	m.client_id.len = 3;
	memcpy(m.client_id.b, "one", 3);
	for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		rig_reload(HEAD POOL
		    "host \"node\" { client-id \"one\"; image \"bare\"; }\n" TAIL);
		mine = lease_for(&m);
		assert_string_equal(booting(&mine), "bare");
		snprintf(all, sizeof all, HEAD POOL "%s" TAIL, changes[i].block);
		rig_reload(all);
		assert_int_equal(booting(&mine) != NULL, changes[i].lives);
	}
}

static void
test_class_changed(void **state)
{
	static const struct {
		const char *classes;
		bool lives;
	} changes[] = {
	    {LAB, true},
	    {"class \"first\" { match vendor-class \"x\"; boot deny; }\n" LAB, true},
	    {"class \"lab\" { match vendor-class \"lab2\"; image \"bare\"; }\n", false},
	    {"class \"lab\" { match vendor-class \"lab\"; image \"debian\"; }\n", false},
	    {"class \"lab\" { match vendor-class \"lab\"; boot deny; }\n", false},
	    /* That it is in this one is still to be seen. */
	    {"class \"bios\" { match architecture bios; boot deny; }\n" LAB, false},
	    {"class \"mine\" { match mac 52:54:00; boot deny; }\n" LAB, false},
	    {"class \"x64\" { match architecture x64; boot deny; }\n" LAB, true},
	    {"", false},
	};
	struct msg_dhcp_tell m = firmware(A);
	struct addr mine;
	char all[2048];

	(void)state;
	say_vendor(&m, "lab");
	for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		rig_reload(HEAD LAB POOL TAIL);
		mine = lease_for(&m);
		assert_string_equal(booting(&mine), "bare");
		snprintf(all, sizeof all, HEAD "%s" POOL TAIL, changes[i].classes);
		rig_reload(all);
		assert_int_equal(booting(&mine) != NULL, changes[i].lives);
	}
}

/* A class that said nothing of booting before counts when it does. */
static void
test_class_begins_to_choose(void **state)
{
	struct msg_dhcp_tell m = firmware(A);
	struct addr mine;

	(void)state;
	rig_reload(HEAD
	    "class \"lab\" { match vendor-class \"lab\"; lease-time 2h; }\n" POOL TAIL);
	say_vendor(&m, "lab");
	mine = lease_for(&m);
	assert_string_equal(booting(&mine), "debian");
	rig_reload(HEAD LAB POOL TAIL);
	assert_null(booting(&mine));
}

/* The session is of the firmware; what the system that it booted says of itself when it
 * prolongs the lease is not what the image was chosen by. */
static void
test_prolonged_by_the_system(void **state)
{
	struct msg_dhcp_tell m = firmware(A);
	struct addr mine;

	(void)state;
	rig_reload(HEAD LAB POOL TAIL);
	say_vendor(&m, "lab");
	mine = lease_for(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	rig_restart();
	assert_non_null(booting(&mine));
	assert_string_equal(booting(&mine), "bare");
}

/* Forty minutes of a boot with a session time of twenty, in which the machine asks for
 * files or does not; then the broker dies. */
static struct addr
boot_for_long(const char *mac, bool asks_for_files)
{
	struct msg_dhcp_tell m = firmware(mac);
	struct addr mine;

	broker.wall_s -= 2400;
	mine = lease_for(&m);
	for (unsigned i = 0; i < 240; i++) {
		rig_pass(10);
		if (asks_for_files)
			session_touch(session_of_addr(&mine, broker.now_ms), broker.now_ms);
		dhcp_keep_sessions();
		/* No reply: only the store is told. */
		assert_false(rig_commit(&r));
	}
	rig_restart();
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	return mine;
}

static void
test_long_boot(void **state)
{
	struct addr mine;

	(void)state;
	rig_reload(HEAD POOL "boot { default image \"debian\"; unknown allow; sessions 64; "
			     "session-time 20m; }\n"
			     "dhcp { client-rate 0; }\n");
	mine = boot_for_long(A, false);
	assert_null(booting(&mine));
	mine = boot_for_long(B, true);
	assert_non_null(booting(&mine));
	assert_string_equal(booting(&mine), "debian");
}

/* Subnets of one cable may boot different things; what counts is where the machine was
 * taken to be, whichever of them its address is of. And what a pool says. */
static void
test_subnet_and_pool(void **state)
{
	static const char shared[] = HEAD
	    "shared-network \"two\" {\n"
	    " subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.100; image \"bare\"; }\n"
	    " subnet 10.79.0.0/24 { pool 10.79.0.10 - 10.79.0.11; image \"debian\"; }\n"
	    "}\n" TAIL;
	static const char pools[] =
	    HEAD "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109 { %s } }\n" TAIL;
	struct msg_dhcp_tell a = firmware(A), b = firmware(B);
	struct addr first, second;
	char all[2048];

	(void)state;
	rig_reload(shared);
	first = lease_for(&a);
	second = lease_for(&b);
	assert_addr(second, "10.79.0.10");
	assert_string_equal(booting(&second), "bare");
	rig_restart();
	assert_string_equal(booting(&first), "bare");
	assert_non_null(booting(&second));
	assert_string_equal(booting(&second), "bare");
	snprintf(all, sizeof all, pools, "image \"bare\";");
	rig_reload(all);
	first = lease_for(&a);
	assert_string_equal(booting(&first), "bare");
	rig_restart();
	assert_non_null(booting(&first));
	snprintf(all, sizeof all, pools, "boot deny;");
	rig_reload(all);
	assert_null(booting(&first));
}

/* ---------------------------------------------------------------------- leases */

static void
test_pool_moved(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine = lease_for(&m);

	(void)state;
	/* What is still given is prolonged, although another rule is about it now. */
	rig_reload(
	    HEAD "subnet 10.77.0.0/24 { pool 10.77.0.90 - 10.77.0.100 { allow unknown; }\n"
		 "  lease-time 2h; }\n" TAIL);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.lease, 7200);
	rig_reload(HEAD "subnet 10.77.0.0/24 { pool 10.77.0.200 - 10.77.0.209; }\n" TAIL);
	assert_null(lease_at(&mine));
	/* By broadcast the machine may mean another server. */
	m = rig_request(DHCP_REQUEST, A);
	m.ciaddr = m.src = mine;
	assert_silent(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_NAK);
	m = rig_request(DHCP_DISCOVER, A);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.200");
	/* The subnet is another one. */
	rig_reload(HEAD "subnet 10.77.0.0/25 { pool 10.77.0.100 - 10.77.0.109; }\n" TAIL);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_silent(&m);
	m = rig_request(DHCP_REQUEST, A);
	m.requested = mine;
	assert_type(&m, DHCP_NAK);
}

/* The pool is not for such machines any more. */
static void
test_pool_closed(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine = lease_for(&m);

	(void)state;
	rig_reload(
	    HEAD "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109 { allow known; }\n"
		 "  pool 10.77.0.110 - 10.77.0.119; lease-time 1h; }\n" TAIL);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_NAK);
	m = rig_request(DHCP_DISCOVER, A);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.110");
}

static void
test_reservation_moved(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, FIXED);
	struct addr mine;

	(void)state;
	rig_reload(HEAD POOL
	    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.60; }\n" TAIL);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.60");
	rig_reload(HEAD POOL
	    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.61; }\n" TAIL);
	m = unicast(DHCP_REQUEST, FIXED, &mine);
	assert_type(&m, DHCP_NAK);
	m = rig_request(DHCP_DISCOVER, FIXED);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.61");
	/* It has none any more. */
	rig_reload(HEAD POOL "host \"fixed\" { mac 52:54:00:77:00:60; }\n" TAIL);
	m = unicast(DHCP_REQUEST, FIXED, &mine);
	assert_type(&m, DHCP_NAK);
	m = rig_request(DHCP_DISCOVER, FIXED);
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.100");
}

/* A leased address is reserved for another machine: its holder is refused, but nobody
 * else has it before the lease has ended. */
static void
test_reserved_for_another(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;
	struct msg_dhcp_tell fixed = rig_request(DHCP_DISCOVER, FIXED);
	struct addr mine = lease_for(&a), now, reserved;

	(void)state;
	assert_addr(mine, "10.77.0.100");
	rig_reload(HEAD POOL
	    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.100; }\n" TAIL);
	reserved = lease_for(&fixed);
	assert_addr(reserved, "10.77.0.101");
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_NAK);
	now = lease_for(&a);
	assert_addr(now, "10.77.0.102");
	m = unicast(DHCP_REQUEST, FIXED, &reserved);
	assert_type(&m, DHCP_ACK);
	rig_pass(3601);
	m = unicast(DHCP_REQUEST, FIXED, &reserved);
	assert_type(&m, DHCP_NAK);
	reserved = lease_for(&fixed);
	assert_addr(reserved, "10.77.0.100");
}

/* An ended lease is no way past the quotas. */
static void
test_quota_at_return(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), other;
	struct addr mine;

	(void)state;
	rig_reload(HEAD RELAYED "boot { default image \"debian\"; unknown allow; }\n"
				"dhcp { client-rate 0; leases-per-port 1; }\n");
	m.giaddr = m.src = rig_addr("10.88.0.1");
	m.circuit.len = 1;
	mine = lease_for(&m);
	rig_pass(3601);
	other = m;
	other.hw.b[5] = 9;
	(void)lease_for(&other);
	m.type = DHCP_REQUEST;
	m.requested = mine;
	assert_type(&m, DHCP_NAK);
	m.requested = rig_addr("0.0.0.0");
	m.ciaddr = mine;
	assert_type(&m, DHCP_NAK);
	/* There is room again. */
	rig_pass(3601);
	assert_type(&m, DHCP_ACK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_plain, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_known_by_anything),
	    TEST(test_host_changed),
	    TEST(test_class_changed),
	    TEST(test_class_begins_to_choose),
	    TEST(test_prolonged_by_the_system),
	    TEST(test_long_boot),
	    TEST(test_subnet_and_pool),
	    TEST(test_pool_moved),
	    TEST(test_pool_closed),
	    TEST(test_reservation_moved),
	    TEST(test_reserved_for_another),
	    TEST(test_quota_at_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
