/*
 * What the configuration says, as it shows in answers: options, lease times, BOOTP, who
 * may say no, and the smaller extensions of the protocol.
 */
#include "src/broker/decide.h"
#include "src/broker/image.h"
#include "tests/unit/dhcp_case.h"

static const char text[] =
    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
    "interface eth0; interface eth1;\n"
    "option ntp-servers 10.0.0.123;\n"
    "class \"voice\" { match vendor-class \"phone\"; option 150 address 10.0.0.150;\n"
    "  lease-time 2h; }\n"
    "class \"lab\" { match vendor-class \"lab\"; image \"bare\"; }\n"
    "subnet 10.77.0.0/24 {\n"
    "  router 10.77.0.1; dns 10.77.0.2; domain \"lab.example\"; lease-time 1h;\n"
    "  boot-lease-time 5m; option v6-only-preferred 30m;\n"
    "  option classless-static-route 192.0.2.0/24 10.77.0.9;\n"
    "  pool 10.77.0.100 - 10.77.0.103 { deny class \"lab\"; }\n"
    "  pool 10.77.0.110 - 10.77.0.112 { allow class \"lab\"; option ntp-servers "
    "10.0.0.111; }\n"
    "}\n"
    "shared-network \"two\" {\n"
    "  subnet 10.78.0.0/24 { pool 10.78.0.10 - 10.78.0.10; router 10.78.0.1; }\n"
    "  subnet 10.79.0.0/24 { pool 10.79.0.10 - 10.79.0.10; router 10.79.0.1; }\n"
    "}\n"
    "subnet 10.88.0.0/24 { pool 10.88.0.10 - 10.88.0.20; }\n"
    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.60; }\n"
    "boot { default image \"debian\"; unknown allow; sessions 64; session-time 1h; }\n";

static int
set_up_rules(void **state)
{
	static char all[8192];

	(void)state;
	memset(&r, 0, sizeof r);
	snprintf(all, sizeof all, "%s dhcp { client-rate 0; }\n", text);
	rig_start(all);
	return 0;
}

static void
restart_with(const char *settings)
{
	static char all[8192];

	rig_stop();
	snprintf(all, sizeof all, "%s dhcp { client-rate 0; %s }\n", text, settings);
	rig_start(all);
}

static void
want(struct msg_dhcp_tell *m, const uint8_t *codes)
{
	m->wanted.len = 32;
	memset(m->wanted.b, 0, 32);
	for (; *codes != 0; codes++)
		m->wanted.b[*codes / 8] |= (uint8_t)(1u << *codes % 8);
}

static void
vendor(struct msg_dhcp_tell *m, const char *name)
{
	m->class60 = 3;
	m->vendor.len = (uint16_t)strlen(name);
	memcpy(m->vendor.b, name, m->vendor.len);
}

static void
test_options(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	size_t len;

	(void)state;
	/* Who lists nothing gets all, but what only those may get who ask. */
	assert_type(&m, DHCP_OFFER);
	assert_memory_equal(option(42, &len), "\x0a\x00\x00\x7b", 4);
	assert_int_equal(option_len(121), 8);
	assert_int_equal(option_len(108), 0);
	want(&m, (const uint8_t[]){3, 6, 108, 0});
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(option_len(3), 4);
	assert_int_equal(option_len(42), 0);
	assert_int_equal(option_len(121), 0);
	assert_memory_equal(option(108, &len), "\x00\x00\x07\x08", 4);
	/* A class and a pool. */
	vendor(&m, "phone model 7");
	want(&m, (const uint8_t[]){42, 150, 0});
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(option_len(150), 4);
	assert_memory_equal(option(42, &len), "\x0a\x00\x00\x7b", 4);
	assert_int_equal(r.lease, 7200);
	m = rig_request(DHCP_DISCOVER, B);
	vendor(&m, "lab");
	want(&m, (const uint8_t[]){42, 0});
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.110");
	assert_memory_equal(option(42, &len), "\x0a\x00\x00\x6f", 4);
	/* INFORM: what the address's own pool says, and no lease. */
	m.type = DHCP_INFORM;
	m.ciaddr = m.src = rig_addr("10.77.0.110");
	assert_type(&m, DHCP_ACK);
	assert_memory_equal(option(42, &len), "\x0a\x00\x00\x6f", 4);
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 24);
	/* A NAK has none. */
	m = rig_request(DHCP_REQUEST, B);
	m.requested = rig_addr("10.99.0.1");
	assert_type(&m, DHCP_NAK);
	assert_int_equal(r.options.len, 0);
}

static void
test_lease_times(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	assert_int_equal(r.lease, 300);
	assert_int_equal(r.t1, 150);
	rig_pass(301);
	assert_true(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
	m = rig_request(DHCP_DISCOVER, B);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.lease, 3600);
}

/* The second subnet of the link speaks for the address that it gives. */
static void
test_shared_network(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;
	size_t len;

	(void)state;
	m.link = 1;
	mine = lease_for(&m);
	assert_memory_equal(option(3, &len), "\x0a\x4e\x00\x01", 4);
	m = rig_request(DHCP_DISCOVER, B);
	m.link = 1;
	assert_type(&m, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.79.0.10");
	assert_memory_equal(option(3, &len), "\x0a\x4f\x00\x01", 4);
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	/* INIT-REBOOT with an address of either. */
	m = rig_request(DHCP_REQUEST, A);
	m.link = 1;
	m.requested = mine;
	assert_type(&m, DHCP_ACK);
	m.requested = rig_addr("10.77.0.100");
	assert_type(&m, DHCP_NAK);
}

static void
test_bootp(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_BOOTP, FIXED);

	(void)state;
	assert_silent(&m);
	restart_with("bootp yes;");
	/* Not before it is on disk. */
	assert_false(rig_ask_only(&m, &r));
	assert_true(rig_commit(&r));
	assert_int_equal(r.type, DHCP_BOOTP);
	assert_addr(r.yiaddr, "10.77.0.60");
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.t1, 0);
	assert_int_equal(r.prefix, 24);
	assert_int_equal(lease_at(&r.yiaddr)->state, LEASE_BOUND);
	/* It is written down like any other lease. */
	rig_restart();
	assert_int_equal(lease_at(&r.yiaddr)->state, LEASE_BOUND);
	/* Again, and long after: the address is its own. */
	assert_type(&m, DHCP_BOOTP);
	rig_pass(1000000);
	assert_type(&m, DHCP_BOOTP);
	/* Nothing from a pool: it would never come back. */
	m = rig_request(DHCP_BOOTP, A);
	assert_silent(&m);
	/* Relayed. */
	m = rig_request(DHCP_BOOTP, FIXED);
	m.giaddr = m.src = rig_addr("10.77.0.9");
	assert_type(&m, DHCP_BOOTP);
	assert_addr(r.to, "10.77.0.9");
}

static void
test_rapid_commit(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.asks = ASKS_RAPID;
	/* Not before it is on disk. */
	assert_false(rig_ask_only(&m, &r));
	assert_true(rig_commit(&r));
	assert_int_equal(r.type, DHCP_ACK);
	assert_int_equal(r.rapid, 1);
	assert_int_equal(r.lease, 3600);
	assert_int_equal(lease_at(&r.yiaddr)->state, LEASE_BOUND);
	rig_restart();
	assert_int_equal(lease_at(&r.yiaddr)->state, LEASE_BOUND);
	/* Where another server may be meant, an OFFER as ever. */
	restart_with("authoritative no;");
	m = rig_request(DHCP_DISCOVER, B);
	m.asks = ASKS_RAPID;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.rapid, 0);
}

static void
test_authoritative(void **state)
{
	struct msg_dhcp_tell a = rig_request(DHCP_DISCOVER, A), m;

	(void)state;
	restart_with("authoritative no;");
	/* A machine that we know nothing of may be another server's. */
	m = rig_request(DHCP_REQUEST, B);
	m.requested = rig_addr("10.99.0.7");
	assert_silent(&m);
	(void)lease_for(&a);
	m.requested = r.yiaddr;
	assert_silent(&m);
	/* One that we know is told. */
	m = rig_request(DHCP_REQUEST, A);
	m.requested = rig_addr("10.99.0.7");
	assert_type(&m, DHCP_NAK);
	m = rig_request(DHCP_REQUEST, FIXED);
	m.requested = rig_addr("10.99.0.7");
	assert_type(&m, DHCP_NAK);
}

/* RFC 2563: the pool is used up. */
static void
test_auto_configure(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.link = 1;
	(void)lease_for(&m);
	m = rig_request(DHCP_DISCOVER, B);
	m.link = 1;
	(void)lease_for(&m);
	m = rig_request(DHCP_DISCOVER, "52:54:00:77:00:03");
	m.link = 1;
	assert_silent(&m);
	m.asks = ASKS_AUTO_CONFIGURE;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.auto_configure, 1);
	assert_addr(r.yiaddr, "-");
	assert_int_equal(r.way, 1);
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 0);
	/* With an address there is nothing to say about it. */
	m.hw.b[5] = 1;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.auto_configure, 0);
	assert_addr(r.yiaddr, "10.78.0.10");
}

/* RFC 8357: a relay that asks from a port of its own. What the ear says and what the option
 * says must agree, for the mouth looks at the option. */
static void
test_source_port(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	m.giaddr = m.src = rig_addr("10.88.0.1");
	m.sport = 40067;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.to_port, 67);
	m.asks = ASKS_SOURCE_PORT;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.to_port, 67);
	m.relay.len = 6;
	memcpy(m.relay.b, "\x01\x02zz\x13\x00", 6);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.to_port, 40067);
	assert_memory_equal(r.relay.b, m.relay.b, 6);
	m.sport = 0;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.to_port, 67);
}

/* A name of a client (RFC 4361) is repeated in every answer (RFC 6842). */
static void
test_client_id(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), n;

	(void)state;
	m.client_id.len = 15;
	memcpy(m.client_id.b, "\xff\0\0\0\1\0\1\x2a\0\0\0RT\0w", 15);
	assert_type(&m, DHCP_OFFER);
	assert_memory_equal(r.client_id.b, m.client_id.b, 15);
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.client_id.len, 15);
	/* The same hardware under another name is another client. */
	n = rig_request(DHCP_DISCOVER, A);
	n.client_id = m.client_id;
	n.client_id.b[4] = 2;
	assert_type(&n, DHCP_OFFER);
	assert_false(addr_equal(&r.yiaddr, &m.requested));
	m.requested = rig_addr("10.99.0.1");
	m.server_id = rig_addr("0.0.0.0");
	assert_type(&m, DHCP_NAK);
	assert_int_equal(r.client_id.len, 15);
}

static struct msg_dhcp_tell
named(uint8_t type, uint8_t name)
{
	struct msg_dhcp_tell m = rig_request(type, A);

	m.client_id.len = 4;
	memcpy(m.client_id.b, "\x00os", 3);
	m.client_id.b[3] = name;
	return m;
}

/* The system goes on with its loader's address while the boot session lives; what else has
 * that hardware address does not. */
static void
test_inherited_address(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), q;
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	/* Offered alone it is not the loader's yet. */
	assert_type(&m, DHCP_OFFER);
	q = named(DHCP_DISCOVER, 1);
	assert_type(&q, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.101");
	mine = lease_for(&m);
	assert_addr(mine, "10.77.0.100");
	q = named(DHCP_DISCOVER, 2);
	lease_for(&q);
	assert_addr(r.yiaddr, "10.77.0.100");
	assert_int_equal(r.lease, 3600);
	assert_string_equal(r.bootfile, "");
	/* Renewed under its own name, also when the session is over. */
	rig_pass(3000);
	q = named(DHCP_REQUEST, 2);
	q.ciaddr = q.src = mine;
	assert_type(&q, DHCP_ACK);
	rig_pass(1800);
	assert_type(&q, DHCP_ACK);
	/* The next start of the machine has the same address again. */
	rig_pass(10);
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&r.yiaddr, &mine));
}

static void
test_inherited_by_one(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), q;

	(void)state;
	rig_firmware(&m, 7, 1);
	(void)lease_for(&m);
	q = named(DHCP_DISCOVER, 1);
	(void)lease_for(&q);
	assert_addr(r.yiaddr, "10.77.0.100");
	q = named(DHCP_DISCOVER, 2);
	(void)lease_for(&q);
	assert_addr(r.yiaddr, "10.77.0.101");
	/* The first one has it still. */
	q = named(DHCP_DISCOVER, 1);
	assert_type(&q, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.100");
	/* One that has a lease of its own keeps that. */
	q = named(DHCP_DISCOVER, 2);
	assert_type(&q, DHCP_OFFER);
	assert_addr(r.yiaddr, "10.77.0.101");
}

static struct msg_dhcp_tell
by_port(uint8_t type, const char *port)
{
	struct msg_dhcp_tell m = rig_request(type, A);

	m.giaddr = m.src = rig_addr("10.88.0.1");
	m.circuit.len = (uint16_t)strlen(port);
	memcpy(m.circuit.b, port, m.circuit.len);
	m.relay.len = (uint16_t)(m.circuit.len + 2);
	m.relay.b[0] = 1;
	m.relay.b[1] = (uint8_t)m.circuit.len;
	memcpy(m.relay.b + 2, port, m.circuit.len);
	return m;
}

/* In another's name, from another port of the relay, or past it from elsewhere. */
static void
test_given_back_elsewhere(void **state)
{
	struct msg_dhcp_tell m = by_port(DHCP_DISCOVER, "port1"), q;
	struct addr mine = lease_for(&m);

	(void)state;
	q = by_port(DHCP_DECLINE, "port2");
	q.requested = mine;
	assert_silent(&q);
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	q = rig_request(DHCP_DECLINE, A);
	q.requested = mine;
	assert_silent(&q);
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	q = rig_request(DHCP_RELEASE, A);
	q.ciaddr = mine;
	q.dst = rig_addr("10.77.0.1");
	assert_silent(&q);
	assert_int_equal(lease_at(&mine)->state, LEASE_BOUND);
	q = by_port(DHCP_DECLINE, "port1");
	q.requested = mine;
	assert_silent(&q);
	assert_int_equal(lease_at(&mine)->state, LEASE_QUARANTINED);
	rig_pass(599);
	assert_false(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
	rig_pass(2);
	assert_true(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
	/* A RELEASE comes past the relay, by routers. */
	mine = lease_for(&m);
	q = rig_request(DHCP_RELEASE, A);
	q.ciaddr = q.src = mine;
	q.dst = rig_addr("10.77.0.1");
	assert_silent(&q);
	assert_int_equal(lease_at(&mine)->state, LEASE_FREE);
}

static void
test_quarantine_setting(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A), q;
	struct addr mine;

	(void)state;
	restart_with("quarantine 1m;");
	mine = lease_for(&m);
	q = rig_request(DHCP_DECLINE, A);
	q.requested = mine;
	assert_silent(&q);
	rig_pass(59);
	assert_false(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
	rig_pass(2);
	assert_true(lease_is_free(lease_at(&mine), lease_clock(broker.now_ms)));
}

/* A session that a class decided about lives through a restart of the broker, though the
 * store does not know the class. */
static void
test_class_session_restored(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	vendor(&m, "lab");
	m.class60 = 1;
	m.has_arch = 1;
	m.arch = 0;
	mine = lease_for(&m);
	assert_string_equal(r.bootfile, "bare/boot/bios.efi");
	rig_restart();
	assert_non_null(session_of_addr(&mine, broker.now_ms));
	assert_string_equal(session_of_addr(&mine, broker.now_ms)->image, "bare");
}

static bool
traced(const struct trace *t, const char *words)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strstr(t->lines[i], words) != NULL)
			return true;
	print_error("no line has \"%s\"\n", words);
	return false;
}

/* What `sallyport explain` shows. */
static void
test_explained(void **state)
{
	static struct decision d;
	static struct trace t;
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct ask a;

	(void)state;
	rig_firmware(&m, 7, 1);
	vendor(&m, "lab");
	m.class60 = 1;
	t.n = 0;
	assert_null(dhcp_ask(&a, &m, &t));
	dhcp_decide(&a, &d, &t);
	assert_true(traced(&t, "subnet: 10.77.0.0/24 by address of the link"));
	assert_true(traced(&t, "host block: none"));
	assert_true(traced(&t, "class: lab"));
	assert_true(traced(&t, "boot choice: bare"));
	assert_true(traced(&t, "identity: hardware address"));
	assert_true(traced(&t, "address: 10.77.0.110"));
	assert_true(traced(&t, "free for longest"));
	assert_true(traced(&t, "pool: 10.77.0.110 - 10.77.0.112"));
	assert_true(traced(&t, "lease time: 300"));
	assert_true(traced(&t, "options:"));
	assert_true(traced(&t, "boot: nothing (no-entry)"));
	assert_true(traced(&t, "decision: offer (discover)"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_rules, tear_down)

/* Whoever reads an explanation learns that it is not all of it. */
static void
test_long_explanation(void **state)
{
	static struct trace t;

	(void)state;
	memset(&t, 0, sizeof t);
	for (unsigned i = 0; i < TRACE_LINES_MAX; i++)
		trace_note(&t, "step %u", i);
	assert_string_equal(t.lines[TRACE_LINES_MAX - 1], "step 63");
	trace_note(&t, "one more");
	assert_int_equal(t.n, TRACE_LINES_MAX);
	assert_string_equal(
	    t.lines[TRACE_LINES_MAX - 1], "and more steps than can be shown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_long_explanation),
	    TEST(test_options),
	    TEST(test_lease_times),
	    TEST(test_shared_network),
	    TEST(test_bootp),
	    TEST(test_rapid_commit),
	    TEST(test_authoritative),
	    TEST(test_auto_configure),
	    TEST(test_source_port),
	    TEST(test_client_id),
	    TEST(test_inherited_address),
	    TEST(test_inherited_by_one),
	    TEST(test_given_back_elsewhere),
	    TEST(test_quarantine_setting),
	    TEST(test_class_session_restored),
	    TEST(test_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
