/*
 * Conflict probes: what a request waits for while it is asked whether its address is in
 * use. Broker, main thread. The requests are copies of what dhcp-parser said and run again
 * as if they had just come; the answers are those of link-parser, and any machine on the
 * link can make one: an address that rests costs the pool, never a running lease.
 */
#include "src/broker/probe.h"

#include <string.h>

#include "src/base/hash.h"
#include "src/base/log.h"
#include "src/broker/counters.h"
#include "src/broker/rogue.h"

#define KNOWN_SLOTS 4096 /* a power of two */
#define RATE 800         /* questions a second, and at once: below what the mouth allows */
#define RUN_BATCH 64     /* requests that run in a turn of the loop */
#define SEND_ROOM 64     /* messages that dhcp-sender has to have room for */
#define RETRY_MS 5       /* when it has none */

struct waiting {
	bool asked; /* else it waits for a time alone */
	bool reserved;
	uint8_t kind, link, tries;
	uint32_t number;
	struct addr address;
	uint64_t due_ms;
};

/* Dense: those in use are 0 .. n - 1, in no order. */
static struct {
	unsigned n;
	struct waiting waiting[PROBE_MAX];
	struct msg_dhcp_tell requests[PROBE_MAX];
} table;

/* Addresses that were asked for lately; a collision costs a question. */
static struct {
	uint32_t v4;
	uint64_t at_ms;
} known[KNOWN_SLOTS];

static struct hash_key key;
static uint64_t drawn;
static unsigned tries; /* of the request that runs again at present */

static struct {
	uint64_t filled_ms;
	uint64_t level; /* thousandths of a question */
} bucket;

void
probe_init(void)
{
	hash_key_random(&key);
	memset(known, 0, sizeof known);
	memset(&bucket, 0, sizeof bucket);
	table.n = 0;
	tries = 0;
}

uint32_t
probe_random(void)
{
	drawn++;
	return (uint32_t)hash_bytes(&key, &drawn, sizeof drawn);
}

/* ------------------------------------------------------- addresses asked for lately */

static unsigned
known_slot(const struct addr *a)
{
	return addr_to_v4(a) * UINT32_C(2654435761) >> 20;
}

static void
note_known(const struct addr *a)
{
	known[known_slot(a)].v4 = addr_to_v4(a);
	known[known_slot(a)].at_ms = broker.now_ms;
}

static bool
is_known(const struct addr *a)
{
	unsigned i = known_slot(a);

	return known[i].v4 == addr_to_v4(a) &&
	       broker.now_ms - known[i].at_ms < PROBE_KNOWN_MS;
}

/* ------------------------------------------------------------------- the table */

static bool
same_machine(const struct msg_dhcp_tell *a, const struct msg_dhcp_tell *b)
{
	return a->link == b->link && a->htype == b->htype && a->hw.len == b->hw.len &&
	       memcmp(a->hw.b, b->hw.b, a->hw.len) == 0 &&
	       addr_equal(&a->giaddr, &b->giaddr);
}

static struct waiting *
add(const struct msg_dhcp_tell *m, uint64_t due_ms)
{
	struct waiting *w;

	if (table.n == PROBE_MAX)
		return NULL;
	w = &table.waiting[table.n];
	memset(w, 0, sizeof *w);
	w->due_ms = due_ms;
	table.requests[table.n++] = *m;
	return w;
}

/* Takes it out and runs it; another entry has its place then. */
static void
run(unsigned i, unsigned next_try)
{
	static struct msg_dhcp_tell m;
	bool again = table.waiting[i].asked;
	uint64_t until;

	m = table.requests[i];
	table.n--;
	table.waiting[i] = table.waiting[table.n];
	table.requests[i] = table.requests[table.n];
	if (rogue_silent(&m, &until))
		return;
	tries = next_try;
	dhcp_run(&m, again);
	tries = 0;
}

/* --------------------------------------------------------------------- asking */

static bool
may_ask(void)
{
	uint64_t passed = broker.now_ms - bucket.filled_ms, most = RATE * UINT64_C(1000);

	bucket.level = passed > 60000 ? most : bucket.level + passed * RATE;
	bucket.level = bucket.level > most ? most : bucket.level;
	bucket.filled_ms = broker.now_ms;
	if (table.n == PROBE_MAX || bucket.level < 1000)
		return false;
	bucket.level -= 1000;
	return true;
}

/* On the link that the address is on, whatever way the request came; else through the
 * routers. */
static void
choose_way(struct waiting *w, const struct ask *a)
{
	w->kind = LINK_ARP;
	w->link = a->m->link;
	if (addr_is_unset(&a->m->giaddr))
		return;
	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		const struct link *l = &broker.start.links[i];
		uint32_t mask = l->prefix == 0 ? 0 : UINT32_MAX << (32 - l->prefix);

		if (((addr_to_v4(&l->address) ^ addr_to_v4(&w->address)) & mask) == 0) {
			w->link = (uint8_t)i;
			return;
		}
	}
	w->kind = LINK_ECHO;
	w->number = probe_random();
}

static void
ask(const struct waiting *w)
{
	static struct msg m = {.nr = MSG_PROBE_TELL};

	m.u.probe_tell = (struct msg_probe_tell){
	    .link = w->link, .kind = w->kind, .target = w->address, .number = w->number};
	chan_send_or_drop(&broker.dhcp_sender, &m);
	counter_add("probe-asked");
}

/* An address that the machine does not have yet. */
static bool
is_new(const struct ask *a, const struct decision *d)
{
	bool gives = d->effect == EFFECT_OFFER ||
		     (d->effect == EFFECT_GRANT && a->m->type != DHCP_REQUEST);

	if (!gives || d->lease == NULL)
		return false;
	return d->lease->state == LEASE_FREE || lease_is_free(d->lease, a->now) ||
	       !lease_is_of(d->lease, &a->id);
}

static struct waiting *
find(const struct addr *address)
{
	for (unsigned i = 0; i < table.n; i++)
		if (table.waiting[i].asked &&
		    addr_equal(&table.waiting[i].address, address))
			return &table.waiting[i];
	return NULL;
}

/* The newest request of a machine is the one to answer: its number has changed. */
static bool
is_repetition(const struct ask *a, const struct addr *address)
{
	const struct waiting *w = find(address);

	if (w == NULL || !same_machine(&table.requests[w - table.waiting], a->m))
		return false;
	table.requests[w - table.waiting] = *a->m;
	return true;
}

bool
probe_first(struct ask *a, struct decision *d)
{
	const struct lease_want want = dhcp_want(a, NULL);
	struct waiting *w;
	struct addr address;

	if (!broker.conf->probe || d->lease == NULL)
		return false;
	address = lease_addr(d->lease);
	if (table.n > 0 && is_repetition(a, &address))
		return true;
	if (!is_new(a, d) || is_known(&address))
		return false;
	if (tries == PROBE_TRIES) {
		dhcp_refused(a, "addresses-in-use", false);
		return true;
	}
	if (!may_ask()) {
		counter_add("probe-skipped");
		log_limited(LOG_NOTICE, "probe-skipped", "waiting=%u so-far=%llu", table.n,
		    (unsigned long long)counter_of("probe-skipped"));
		return false;
	}
	w = add(a->m, broker.now_ms + broker.conf->probe_ms);
	if (w == NULL)
		return false;
	w->asked = true;
	w->address = address;
	w->tries = (uint8_t)tries;
	w->reserved = d->lease == lease_reserved(a->subnet, a->match.host);
	choose_way(w, a);
	lease_hold(d->lease, &want, a->now);
	ask(w);
	return true;
}

bool
probe_hold(const struct msg_dhcp_tell *m, uint64_t until_ms)
{
	for (unsigned i = 0; i < table.n; i++) {
		struct msg_dhcp_tell *r = &table.requests[i];

		if (!table.waiting[i].asked && r->type == m->type && same_machine(r, m)) {
			*r = *m;
			return true;
		}
	}
	return add(m, until_ms) != NULL;
}

/* -------------------------------------------------------------------- answers */

/* It rests if it is still only held: whoever has it by now has taken it. */
static void
rest(const struct addr *address)
{
	struct lease *l = lease_at(address);

	if (l != NULL && l->state == LEASE_HELD)
		lease_quarantine(l, lease_clock(broker.now_ms) + broker.conf->quarantine);
}

/* The machine itself may still use what it had once. */
static bool
is_its_own(const struct msg_heard_tell *m, const struct msg_dhcp_tell *request)
{
	return m->kind == LINK_ARP && request->hw.len == sizeof m->mac.b &&
	       memcmp(request->hw.b, m->mac.b, sizeof m->mac.b) == 0;
}

static void
answered(unsigned i, const struct msg_heard_tell *m)
{
	const struct waiting *w = &table.waiting[i];
	struct addr address = w->address;
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (is_its_own(m, &table.requests[i])) {
		note_known(&address);
		run(i, 0);
		return;
	}
	counter_add("probe-in-use");
	log_limited(LOG_WARNING, "address-in-use", "ip=%s mac=%s link=%s reserved=%u",
	    addr_format(&address, ip), m->kind == LINK_ARP ? mac_format(&m->mac, mac) : "-",
	    broker.start.links[w->link].name, w->reserved);
	/* A reservation stays with its machine: else a neighbour could take it away. */
	if (w->reserved)
		note_known(&address);
	else
		rest(&address);
	run(i, w->tries + 1u);
}

void
probe_heard(const struct msg_heard_tell *m)
{
	for (unsigned i = 0; i < table.n; i++) {
		const struct waiting *w = &table.waiting[i];

		if (!w->asked || w->kind != m->kind ||
		    !addr_equal(&w->address, &m->address))
			continue;
		if (m->kind == LINK_ARP ? w->link != m->link : w->number != m->number)
			continue;
		answered(i, m);
		return;
	}
}

/* ----------------------------------------------------------------------- time */

static bool
has_room(void)
{
	return chan_room(&broker.dhcp_sender, SEND_ROOM) && dhcp_store_room();
}

int
probe_timeout(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < table.n; i++)
		if (table.waiting[i].due_ms < next)
			next = table.waiting[i].due_ms;
	if (table.n == 0)
		return -1;
	if (next > broker.now_ms)
		return (int)(next - broker.now_ms);
	return has_room() ? 0 : RETRY_MS;
}

void
probe_turn(void)
{
	unsigned ran = 0;

	for (unsigned i = 0; i < table.n && ran < RUN_BATCH && has_room();) {
		const struct waiting *w = &table.waiting[i];

		if (broker.now_ms < w->due_ms) {
			i++;
			continue;
		}
		if (w->asked)
			note_known(&w->address);
		run(i, w->tries);
		ran++;
	}
}
