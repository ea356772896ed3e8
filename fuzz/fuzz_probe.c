/*
 * Requests that wait for conflict probes, and answers of an owned link-parser, in any
 * order, with real tables. Input: steps of one byte (bit 0: map the addresses to few
 * values; high half: milliseconds to pass, a power of two), two bytes (length,
 * little-endian) and that many bytes of a DHCP_TELL or HEARD_TELL. Promises: what
 * link-parser says never touches a lease that is bound; every question and reply is one
 * that the mouth takes (the rig looks); nothing waits for ever; the tables are bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/broker/heard.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"
#include "tests/lib/dhcprig.h"

#define STEPS_MAX 64
#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static void
shape(struct addr *a)
{
	if (a->family == ADDR_V4)
		*a = addr_v4(UINT32_C(0x0a4d0060) + (addr_to_v4(a) & 15));
}

static void
take_all(void)
{
	struct msg_reply_tell r;
	struct msg_probe_tell q;

	(void)rig_commit(&r);
	while (rig_take(&r))
		;
	while (rig_take_probe(&q))
		;
}

static void
pass(unsigned ms)
{
	broker.now_ms += ms;
	rogue_turn();
	probe_turn();
	take_all();
}

static unsigned
bound(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < lease_count(); i++)
		n += lease_nth(i)->state == LEASE_BOUND;
	return n;
}

static void
hear(struct msg_heard_tell *m, uint8_t what)
{
	unsigned before = bound();

	if ((what & 1) != 0) {
		shape(&m->address);
		m->kind %= 2;
	}
	on_heard_tell(&broker.link_parser, m);
	/* A request that ran on may have been granted; none can have been lost. */
	REQUIRE(bound() >= before);
	chan_reset(&broker.link_parser);
}

static void
request(struct msg_dhcp_tell *m, uint8_t what)
{
	if ((what & 1) != 0) {
		m->link &= 1;
		m->type = (uint8_t)(m->type % 4);
		m->service = 0;
		shape(&m->requested);
	}
	on_dhcp_tell(&broker.dhcp_parser, m);
	chan_reset(&broker.dhcp_parser);
}

static void
step(uint8_t what, const uint8_t *bytes, size_t len)
{
	static struct msg m;

	if (msg_decode(bytes, len, &m) != 0)
		return;
	if (m.nr == MSG_HEARD_TELL)
		hear(&m.u.heard_tell, what);
	else if (m.nr == MSG_DHCP_TELL)
		request(&m.u.dhcp_tell, what);
	take_all();
	pass(1u << (what >> 4));
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static bool started;
	unsigned n = 0;
	struct in in;

	if (!started)
		rig_start(rig_text);
	started = true;
	rig_probe(true);
	probe_init();
	rig_forget();
	broker.start.generation = len > 0 ? data[0] & 1u : 0;
	rogue_init();
	take_all();
	in_init(&in, data, len);
	for (unsigned i = 0; i < STEPS_MAX && in_left(&in) >= 3; i++) {
		uint8_t what = in_u8(&in);
		size_t size = in_u16_le(&in);
		const uint8_t *bytes;

		if (size > in_left(&in))
			size = in_left(&in);
		bytes = in_take(&in, size);
		if (bytes != NULL)
			step(what, bytes, size);
	}
	while (rogue_server_at(n) != NULL)
		n++;
	REQUIRE(n <= ROGUE_SERVERS_MAX);
	/* Each that waits runs once in a turn here, and may wait for another address. */
	for (unsigned i = 0; probe_timeout() >= 0; i++) {
		REQUIRE(i < STEPS_MAX * (PROBE_TRIES + 1));
		pass(1000);
	}
	return 0;
}
