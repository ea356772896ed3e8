/*
 * What the broker answers to sequences of requests: client states, relays, boot recipes,
 * restarts, and clients that lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/dhcprig.h"
#include "tests/unit/unit.h"

#define A "52:54:00:77:00:01"
#define B "52:54:00:77:00:02"
#define FIXED "52:54:00:77:00:60"
#define DENIED "52:54:00:77:00:62"
#define BARE "52:54:00:77:00:63"

static struct msg_reply_tell r;

static int
set_up(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	rig_start(rig_text);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_stop();
	return 0;
}

#define assert_addr(a, text)                        \
	do {                                        \
		char text_[ADDR_TEXT_MAX];          \
		addr_format(&(a), text_);           \
		assert_string_equal(text_, (text)); \
	} while (0)

static void
assert_silent(const struct msg_dhcp_tell *m)
{
	assert_false(rig_ask(m, &r));
}

static void
assert_type(const struct msg_dhcp_tell *m, uint8_t type)
{
	memset(&r, 0, sizeof r);
	assert_true(rig_ask(m, &r));
	assert_int_equal(r.type, type);
}

/* The REQUEST that takes the OFFER in r. */
static struct msg_dhcp_tell
taking(const struct msg_dhcp_tell *discover)
{
	struct msg_dhcp_tell m = *discover;

	m.type = DHCP_REQUEST;
	m.requested = r.yiaddr;
	m.server_id = r.server_id;
	return m;
}

/* A whole exchange; the ACK is in r. */
static struct addr
lease_for(const struct msg_dhcp_tell *discover)
{
	struct msg_dhcp_tell m;

	assert_type(discover, DHCP_OFFER);
	m = taking(discover);
	assert_type(&m, DHCP_ACK);
	return r.yiaddr;
}

/* What a configured client sends to us alone. */
static struct msg_dhcp_tell
unicast(uint8_t type, const char *mac, const struct addr *from)
{
	struct msg_dhcp_tell m = rig_request(type, mac);

	m.src = m.ciaddr = *from;
	m.dst = rig_addr("10.77.0.1");
	return m;
}

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
	assert_int_equal(r.routers.len, 4);
	assert_int_equal(r.dns.len, 8);
	assert_string_equal(r.domain, "lab.example");
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
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	m.giaddr = rig_addr("10.88.0.1");
	m.src = m.giaddr;
	mine = lease_for(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	assert_true(addr_equal(&r.to, &mine));
	assert_int_equal(r.routers.b[1], 88);
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
	rig_pass(LEASE_QUARANTINE_S + 1);
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
	assert_int_equal(offers, 8);
	assert_int_equal(session_count(), 8);
	m = rig_request(DHCP_DISCOVER, FIXED);
	m.requested = lease_for(&m);
	assert_addr(m.requested, "10.77.0.60");
	m = unicast(DHCP_REQUEST, A, &mine);
	assert_type(&m, DHCP_ACK);
	m = rig_request(DHCP_DISCOVER, B);
	assert_silent(&m);
	rig_pass(LEASE_HOLD_S + 1);
	assert_type(&m, DHCP_OFFER);
}

/* ------------------------------------------------------------------- booting */

static void
test_bios_pxe(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_reply_tell offer;
	const struct session *s;

	(void)state;
	rig_firmware(&m, 0, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 1);
	assert_int_equal(r.ipxe, 0);
	assert_string_equal(r.bootfile, "debian/boot/bios.efi");
	assert_addr(r.siaddr, "10.77.0.1");
	assert_string_equal(r.sname, "10.77.0.1");
	assert_int_equal(r.uuid.len, 17);
	assert_true(r.session != 0);
	/* Some firmware boots on the OFFER alone. */
	s = session_of_addr(&r.yiaddr, broker.now_ms);
	assert_non_null(s);
	assert_int_equal(s->id, r.session);
	assert_false(s->confirmed);
	assert_string_equal(s->image, "debian");
	assert_int_equal(s->arch, ARCH_BIOS);
	offer = r;
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	/* The ACK says what the OFFER said. */
	assert_int_equal(r.session, offer.session);
	assert_string_equal(r.bootfile, offer.bootfile);
	assert_int_equal(r.class60, offer.class60);
	assert_int_equal(r.discovery, offer.discovery);
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->confirmed);
	rig_pass(120);
	assert_non_null(session_of_addr(&r.yiaddr, broker.now_ms));
}

static void
test_uefi_recipes(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 7, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 1);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	rig_firmware(&m, 16, 2);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 2);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "http://10.77.0.1/debian/boot/x64.efi");
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->http);
	/* U-Boot: no class of its own, no server name. */
	m.class60 = 0;
	m.arch = 0x16;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.sname, "");
	assert_string_equal(r.bootfile, "debian/boot/arm64.efi");
	/* An architecture that the image has nothing for. */
	m = rig_request(DHCP_DISCOVER, B);
	rig_firmware(&m, 0x0a, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 0);
	assert_string_equal(r.bootfile, "");
	assert_addr(r.siaddr, "-");
}

static void
test_ipxe(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 7, 1);
	m.ipxe = 1;
	m.ipxe_features = 1u << 3;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.ipxe, 1);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "http://10.77.0.1/debian/boot.ipxe");
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->ipxe);
	/* Built without HTTP. */
	m.ipxe_features = 0;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "tftp://10.77.0.1/debian/boot.ipxe");
	/* An image without script. */
	m = rig_request(DHCP_DISCOVER, BARE);
	rig_firmware(&m, 0, 1);
	m.ipxe = 1;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "bare/boot/bios.efi");
}

static void
test_http_port(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	char text[4096];

	(void)state;
	rig_stop();
	snprintf(text, sizeof text, "%s http { port 8080; }", rig_text);
	rig_start(text);
	rig_firmware(&m, 16, 2);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "http://10.77.0.1:8080/debian/boot/x64.efi");
}

static void
test_denied(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, DENIED);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "");
	assert_string_equal(r.sname, "");
	assert_addr(r.siaddr, "-");
	assert_string_equal(session_of_addr(&mine, broker.now_ms)->image, "");
}

static void
test_unknown_ignored(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	char text[4096], *word;

	(void)state;
	rig_stop();
	snprintf(text, sizeof text, "%s", rig_text);
	word = strstr(text, "unknown allow;");
	assert_non_null(word);
	memcpy(word, "unknown ignore;", 15);
	rig_start(text);
	assert_silent(&m);
	m = rig_request(DHCP_DISCOVER, FIXED);
	assert_type(&m, DHCP_OFFER);
}

/* Shortly after the start an image may still be on its way: then the client's repetition
 * brings it, and later a lease without boot fields sends it to its disk. */
static void
test_image_missing(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_dhcp_tell plain = rig_request(DHCP_DISCOVER, B);

	(void)state;
	rig_firmware(&m, 7, 1);
	rig_images(false);
	assert_silent(&m);
	assert_type(&plain, DHCP_OFFER);
	rig_images(true);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	rig_images(false);
	m = taking(&m);
	assert_silent(&m);
	rig_pass(31);
	assert_type(&m, DHCP_ACK);
	assert_string_equal(r.bootfile, "");
}

/* ROM, iPXE and system call themselves differently; the first two share a lease, and
 * all addresses belong to the session. */
static void
test_one_machine_many_names(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr rom, ipxe, system;
	struct session *s;

	(void)state;
	rig_firmware(&m, 0, 1);
	m.client_id.len = 17;
	memset(m.client_id.b, 0, 17);
	rom = lease_for(&m);
	m.client_id.len = 7;
	memcpy(m.client_id.b, "\x01\x52\x54\x00\x77\x00\x01", 7);
	m.ipxe = 1;
	ipxe = lease_for(&m);
	assert_true(addr_equal(&rom, &ipxe));
	m = rig_request(DHCP_DISCOVER, A);
	m.client_id.len = 20;
	memset(m.client_id.b, 0xff, 20);
	system = lease_for(&m);
	assert_false(addr_equal(&rom, &system));
	s = session_of_addr(&system, broker.now_ms);
	assert_non_null(s);
	assert_ptr_equal(s, session_of_addr(&rom, broker.now_ms));
	/* The hardware address as client identifier is the same identity. */
	m.client_id.len = 7;
	memcpy(m.client_id.b, "\x01\x52\x54\x00\x77\x00\x01", 7);
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&rom, &r.yiaddr));
}

/* An address that goes to a machine that does not boot takes no session with it. */
static void
test_address_changes_hands(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr his;

	(void)state;
	rig_firmware(&m, 0, 1);
	his = lease_for(&m);
	m = unicast(DHCP_RELEASE, A, &his);
	assert_silent(&m);
	assert_null(session_of_addr(&his, broker.now_ms));
	m = rig_request(DHCP_DISCOVER, A);
	rig_firmware(&m, 0, 1);
	his = lease_for(&m);
	rig_pass(3601);
	session_touch(session_of_mac(&(struct mac){{0x52, 0x54, 0, 0x77, 0, 1}},
			  broker.now_ms - 10000),
	    broker.now_ms);
	assert_non_null(session_of_addr(&his, broker.now_ms));
	m = rig_request(DHCP_DISCOVER, B);
	m.requested = his;
	m.requested = lease_for(&m);
	assert_true(addr_equal(&m.requested, &his));
	assert_null(session_of_addr(&his, broker.now_ms));
}

static void
test_request_without_class(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_reply_tell offer;

	(void)state;
	rig_firmware(&m, 7, 1);
	assert_type(&m, DHCP_OFFER);
	offer = r;
	m = taking(&m);
	m.class60 = 0;
	m.has_arch = 0;
	m.arch = 0;
	assert_type(&m, DHCP_ACK);
	assert_string_equal(r.bootfile, offer.bootfile);
	assert_int_equal(r.session, offer.session);
}

static void
test_boot_service(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	m.sport = 4011;
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.service, 1);
	assert_int_equal(r.way, 2);
	assert_true(addr_equal(&r.to, &mine));
	assert_int_equal(r.to_port, 4011);
	assert_addr(r.yiaddr, "-");
	assert_true(addr_equal(&r.ciaddr, &mine));
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 0);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	assert_addr(r.siaddr, "10.77.0.1");
	/* Another machine, another address, no class: nothing. */
	m = unicast(DHCP_REQUEST, B, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	assert_silent(&m);
	mine = rig_addr("10.77.0.77");
	m = unicast(DHCP_REQUEST, A, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	assert_silent(&m);
	m = unicast(DHCP_DISCOVER, A, &mine);
	m.service = 1;
	assert_silent(&m);
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
	    TEST(test_bios_pxe),
	    TEST(test_uefi_recipes),
	    TEST(test_ipxe),
	    TEST(test_http_port),
	    TEST(test_denied),
	    TEST(test_unknown_ignored),
	    TEST(test_image_missing),
	    TEST(test_one_machine_many_names),
	    TEST(test_address_changes_hands),
	    TEST(test_request_without_class),
	    TEST(test_boot_service),
	    TEST(test_restart_keeps_leases_and_sessions),
	    TEST(test_restart_between_offer_and_request),
	    TEST(test_clock_set_back),
	    TEST(test_many_in_one_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
