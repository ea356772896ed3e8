/*
 * The broker's DHCP handler under sequences of DHCP_TELL messages, with real tables and a
 * real store. Input: steps of one byte (what to do), two bytes (length, little-endian)
 * and that many bytes of a message. Promises checked after each step: an acknowledged
 * address is nobody else's until its lease ends or its holder gives it back; every reply
 * can be encoded, and gives only addresses of the pools.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/broker/decide.h"
#include "tests/lib/dhcprig.h"

#define STEPS_MAX 64
#define LEASED_MAX 64

/* eth0 full with classes, pools of rules and options of all levels; eth1 beside another
 * server; behind relays one subnet of each kind and a shared network. */
static const char text[] =
    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
    "interface eth0; interface eth1 { mode proxy; }\n"
    "option ntp-servers 10.0.0.123;\n"
    "class \"firmware\" { match vendor-class \"PXEClient\"; image \"bare\"; }\n"
    "class \"port\" { match circuit-id 00; option 150 address 10.0.0.150; }\n"
    "subnet 10.77.0.0/24 { router 10.77.0.1; dns 10.77.0.2; domain \"lab.example\";\n"
    "  lease-time 1h; boot-lease-time 5m; option v6-only-preferred 30m;\n"
    "  pool 10.77.0.100 - 10.77.0.105 { deny class \"port\"; }\n"
    "  pool 10.77.0.106 - 10.77.0.109 { image \"debian\"; } }\n"
    "subnet 10.78.0.0/24 { mode proxy; }\n"
    "shared-network \"two\" {\n"
    "  subnet 10.88.0.0/25 { pool 10.88.0.10 - 10.88.0.14; router 10.88.0.1; }\n"
    "  subnet 10.89.0.0/25 { pool 10.89.0.10 - 10.89.0.14; } }\n"
    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.60; }\n"
    "host \"inside\" { mac 52:54:00:77:00:61; address 10.77.0.105; }\n"
    "host \"denied\" { mac 52:54:00:77:00:62; boot deny; }\n"
    "boot { default image \"debian\"; unknown allow; sessions 16; session-time 1h; }\n"
    "dhcp { bootp yes; client-rate 60; link-rate 40; leases-per-port 4; }\n";

enum {
	DO_SHAPE =
	    1, /* map the fields to few values, so that requests concern each other */
	DO_ANSWER = 2, /* take the address and server of the last reply */
	DO_TIME = 4,   /* let time pass, by the step's high bits */
	DO_COLLECT = 8 /* no commit after this step */
};

struct leased {
	struct addr addr;
	struct lease_id id;
	uint64_t until; /* wall seconds */
};

static struct leased leased[LEASED_MAX];
static unsigned nleased;
static struct msg_reply_tell last;
static bool v6only_asked; /* by some request of the input */
static bool collected;    /* more than one request is in the batch at hand */

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static void
shape_addr(struct addr *a)
{
	static const uint32_t nets[] = {0x0a4d0000, 0x0a4e0000, 0x0a580000, 0x0a590000};
	uint32_t v = addr_to_v4(a);

	if (a->family != ADDR_V4 || v == 0 || v == UINT32_MAX)
		return;
	*a = addr_v4(nets[(v >> 8) & 3] + (v & 0x7f));
}

static void
shape(struct msg_dhcp_tell *m)
{
	struct addr *all[] = {&m->src, &m->dst, &m->ciaddr, &m->giaddr, &m->requested,
	    &m->server_id, &m->link_select, &m->server_override};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		shape_addr(all[i]);
	m->link &= 1;
	m->type = (uint8_t)(m->type % 9);
	m->htype = 1;
	if (m->hw.len >= 6 && m->hw.len < 12) {
		m->hw.len = 6;
		memcpy(m->hw.b, "\x52\x54\x00\x77\x00", 5);
		m->hw.b[5] = (uint8_t)(0x60 + (m->hw.b[5] & 15));
	}
	if (m->client_id.len > 4)
		m->client_id.len = 4;
}

static struct leased *
known(const struct addr *a)
{
	for (unsigned i = 0; i < nleased; i++)
		if (addr_equal(&leased[i].addr, a))
			return &leased[i];
	promise(nleased < LEASED_MAX);
	leased[nleased] = (struct leased){.addr = *a};
	return &leased[nleased++];
}

/* Whole, codes ascending; and nobody loses IPv4 who did not ask for that. */
static void
check_options(const struct msg_reply_tell *r)
{
	int before = 0;

	for (size_t at = 0; at < r->options.len; at += 2u + r->options.b[at + 1]) {
		promise(at + 2u + r->options.b[at + 1] <= r->options.len);
		promise(r->options.b[at] > before);
		before = r->options.b[at];
		promise(before != 108 || v6only_asked);
	}
}

static void
check_reply(const struct msg_reply_tell *r)
{
	struct lease *l;
	struct leased *k;

	promise(r->type == DHCP_OFFER || r->type == DHCP_ACK || r->type == DHCP_NAK ||
		r->type == DHCP_BOOTP);
	promise(r->link < broker.start.nlinks);
	check_options(r);
	/* No lease: "no address is left", ProxyDHCP, INFORM, NAK, port 4011. */
	if (addr_is_unset(&r->yiaddr) || r->service == 1) {
		promise(r->lease == 0);
		promise(r->type != DHCP_OFFER || r->auto_configure || r->bootfile[0]);
		return;
	}
	l = lease_at(&r->yiaddr);
	promise(l != NULL && (r->lease > 0 || r->type == DHCP_BOOTP));
	promise(lease_subnet(l)->prefix == r->prefix);
	if (r->type != DHCP_ACK)
		return;
	/* Its holder may have given it back before the commit. */
	if (l->state != LEASE_BOUND) {
		promise(collected);
		return;
	}
	k = known(&r->yiaddr);
	promise(k->until <= broker.wall_s || lease_is_of(l, &k->id));
	k->id = lease_holder(l);
	k->until = broker.wall_s + r->lease;
}

/* The holder gave it back, or said that it is not usable. */
static void
check_given_back(const struct msg_dhcp_tell *m)
{
	const struct addr *a = m->type == DHCP_RELEASE ? &m->ciaddr : &m->requested;
	struct lease *l = lease_at(a);
	struct leased *k;

	if ((m->type != DHCP_RELEASE && m->type != DHCP_DECLINE) || l == NULL ||
	    l->state == LEASE_BOUND || m->service != 0)
		return;
	k = known(a);
	if (k->until <= broker.wall_s)
		return;
	promise(k->id.len == m->client_id.len || k->id.len == m->hw.len + 1 ||
		k->id.len == m->uuid.len);
	k->until = 0;
}

static void
commit(void)
{
	struct msg_reply_tell r;

	if (rig_commit(&r)) {
		do
			check_reply(&r);
		while (rig_take(&r));
	}
	collected = false;
}

/* What ended may be put in order, but stays whose it was and free. */
static bool
same_lease(
    const struct lease *a, const struct lease_id *a_id, const struct lease *b, uint64_t now)
{
	struct lease_id b_id = lease_holder(b);

	if (!lease_id_equal(a_id, &b_id) || lease_is_free(a, now) != lease_is_free(b, now))
		return false;
	return lease_is_free(a, now) || (a->state == b->state && a->until == b->until);
}

/* To ask what would be done does nothing. */
static void
explain(const struct msg_dhcp_tell *m)
{
	static struct decision d;
	static struct trace t;
	struct lease before, *l;
	struct lease_id holder;
	uint32_t sessions = session_count();
	struct ask a;

	t.n = 0;
	if (dhcp_ask(&a, m, &t) != NULL)
		return;
	l = lease_of(a.subnet == NULL ? broker.conf->subnets : a.subnet, &a.id);
	if (l != NULL) {
		before = *l;
		holder = lease_holder(l);
	}
	dhcp_decide(&a, &d, &t);
	promise(d.reason != NULL && d.reason[0] != '\0');
	promise(l == NULL || same_lease(&before, &holder, l, a.now));
	promise(session_count() == sessions);
}

static void
step(uint8_t what, const uint8_t *bytes, size_t len)
{
	static struct msg m;
	struct msg_reply_tell r;

	if (what & DO_TIME)
		rig_pass(UINT64_C(1) << (what >> 4));
	if (msg_decode(bytes, len, &m) != 0 || m.nr != MSG_DHCP_TELL)
		return;
	if (what & DO_SHAPE)
		shape(&m.u.dhcp_tell);
	if (what & DO_ANSWER) {
		m.u.dhcp_tell.requested = last.yiaddr;
		m.u.dhcp_tell.server_id = last.server_id;
	}
	if (m.u.dhcp_tell.link >= broker.start.nlinks)
		return;
	explain(&m.u.dhcp_tell);
	if (m.u.dhcp_tell.wanted.len > 13 && (m.u.dhcp_tell.wanted.b[13] & 1 << 4) != 0)
		v6only_asked = true;
	if (rig_ask_only(&m.u.dhcp_tell, &r)) {
		last = r;
		check_reply(&r);
	}
	check_given_back(&m.u.dhcp_tell);
	if (what & DO_COLLECT)
		collected = true;
	else
		commit();
	promise(session_count() <= broker.conf->sessions_max);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static bool started;
	struct in in;

	if (!started)
		rig_start(text);
	started = true;
	rig_forget();
	memset(&last, 0, sizeof last);
	nleased = 0;
	v6only_asked = false;
	in_init(&in, data, len);
	for (unsigned i = 0; i < STEPS_MAX && in_left(&in) >= 3; i++) {
		uint8_t what = in_u8(&in);
		size_t n = in_u16_le(&in);
		const uint8_t *bytes;

		if (n > in_left(&in))
			n = in_left(&in);
		bytes = in_take(&in, n);
		if (bytes != NULL)
			step(what, bytes, n);
	}
	commit();
	return 0;
}
