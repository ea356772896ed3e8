/*
 * Other DHCP servers on our links. Broker, main thread. What is known of them is what a
 * machine on the link sent, or what a client said: both can be made up, so the table is
 * bounded, the lines are limited, and only at the start does any of it keep us silent.
 */
#include "src/broker/rogue.h"

#include <string.h>

#include "src/base/log.h"
#include "src/broker/dhcp.h"
#include "src/broker/probe.h"

#define REMIND_S 300     /* an alert is repeated while the server is there */
#define ASK_TWICE_MS 400 /* one question may be lost */

struct seen {
	struct rogue_server s;
	uint64_t alert_s; /* wall time of the last line; 0: none */
};

static struct {
	unsigned n;
	struct seen servers[ROGUE_SERVERS_MAX];
} table;

static struct watch {
	enum rogue_state state;
	bool answered;     /* since the last question */
	uint32_t xid;      /* of that */
	uint64_t again_ms; /* the next question; 0, here and below: none */
	uint64_t held_ms;  /* end of ROGUE_HELD */
	uint64_t until_ms; /* answers count until then */
} watches[LINKS_MAX];

/* ------------------------------------------------------------------- the links */

/* As the subnet around our address has it, else as the interface. */
static enum conf_mode
mode_of(unsigned link)
{
	const struct conf_subnet *s =
	    conf_subnet_of(broker.conf, &broker.start.links[link].address);

	return s != NULL && s->mode != MODE_UNSET ? s->mode : broker.conf->links[link].mode;
}

static enum conf_rogue
policy_of(unsigned link)
{
	if (link >= broker.conf->nlinks || mode_of(link) != MODE_FULL)
		return ROGUE_IGNORE;
	return broker.conf->links[link].rogue;
}

static void
ask(unsigned link)
{
	static struct msg m = {.nr = MSG_PROBE_TELL};

	m.u.probe_tell = (struct msg_probe_tell){
	    .link = (uint8_t)link, .kind = LINK_SERVER, .number = watches[link].xid};
	chan_send_or_drop(&broker.dhcp_sender, &m);
}

static void
begin_asking(unsigned link)
{
	struct watch *w = &watches[link];

	w->answered = false;
	w->xid = probe_random();
	w->until_ms = broker.now_ms + ROGUE_ANSWER_MS;
	w->again_ms = broker.now_ms + ASK_TWICE_MS;
	ask(link);
}

/* Only the first start waits: a broker that comes after another goes on where that was. */
void
rogue_init(void)
{
	memset(&table, 0, sizeof table);
	memset(watches, 0, sizeof watches);
	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		if (policy_of(i) == ROGUE_IGNORE)
			continue;
		if (broker.start.generation == 1 && policy_of(i) == ROGUE_REFUSE) {
			watches[i].state = ROGUE_HELD;
			watches[i].held_ms = broker.now_ms + ROGUE_HOLD_MS;
		}
		begin_asking(i);
	}
}

static void
open_link(unsigned link)
{
	struct watch *w = &watches[link];

	if (w->state == ROGUE_REFUSED)
		log_event(LOG_NOTICE, "link-open", "link=%s reason=no-other-server",
		    broker.start.links[link].name);
	w->state = ROGUE_OPEN;
	w->again_ms = w->until_ms = 0;
}

static void
refuse_link(unsigned link, const struct rogue_server *s)
{
	struct watch *w = &watches[link];
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	w->answered = true;
	if (w->state != ROGUE_REFUSED)
		log_event(LOG_ERROR, "link-refused",
		    "link=%s server=%s mac=%s hint=\"another DHCP server answers: end it, "
		    "or set 'mode proxy' or 'rogue-servers warn' for this interface\"",
		    broker.start.links[link].name, addr_format(&s->address, ip),
		    mac_format(&s->mac, mac));
	w->state = ROGUE_REFUSED;
}

/* The time of an answer is over. */
static void
end_asking(unsigned link)
{
	struct watch *w = &watches[link];

	w->until_ms = 0;
	if (w->state != ROGUE_REFUSED)
		return;
	if (w->answered)
		w->again_ms = broker.now_ms + ROGUE_AGAIN_MS;
	else
		open_link(link);
}

static bool
is_over(uint64_t ms)
{
	return ms != 0 && broker.now_ms >= ms;
}

static void
turn_link(unsigned link)
{
	struct watch *w = &watches[link];

	/* A reload may have allowed it. */
	if (w->state != ROGUE_OPEN && policy_of(link) != ROGUE_REFUSE)
		open_link(link);
	if (w->state == ROGUE_HELD && is_over(w->held_ms))
		w->state = ROGUE_OPEN;
	if (is_over(w->until_ms))
		end_asking(link);
	if (!is_over(w->again_ms))
		return;
	w->again_ms = 0;
	if (w->until_ms != 0)
		ask(link);
	else
		begin_asking(link);
}

void
rogue_turn(void)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		turn_link(i);
}

static void
sooner(uint64_t *next, uint64_t ms)
{
	if (ms != 0 && ms < *next)
		*next = ms;
}

int
rogue_timeout(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		const struct watch *w = &watches[i];

		sooner(&next, w->again_ms);
		sooner(&next, w->until_ms);
		sooner(&next, w->state == ROGUE_HELD ? w->held_ms : 0);
	}
	if (next == UINT64_MAX)
		return -1;
	return next <= broker.now_ms ? 0 : (int)(next - broker.now_ms);
}

bool
rogue_silent(const struct msg_dhcp_tell *m, uint64_t *until_ms)
{
	const struct watch *w = &watches[m->link];

	*until_ms = 0;
	if (w->state == ROGUE_OPEN || !addr_is_unset(&m->giaddr))
		return false;
	if (w->state == ROGUE_HELD)
		*until_ms = w->held_ms;
	return true;
}

enum rogue_state
rogue_state(unsigned link)
{
	return watches[link].state;
}

/* ----------------------------------------------------------------- the servers */

const struct rogue_server *
rogue_server_at(unsigned n)
{
	return n < table.n ? &table.servers[n].s : NULL;
}

static bool
is_worth_less(const struct rogue_server *a, const struct rogue_server *b)
{
	if ((a->heard == 0) != (b->heard == 0))
		return a->heard == 0;
	return a->last_s < b->last_s;
}

/* A free place, or that of the one seen longest ago; those that were never heard
 * themselves go first, for any client can invent them. */
static struct seen *
take_place(void)
{
	struct seen *least = &table.servers[0];

	if (table.n < ROGUE_SERVERS_MAX)
		return &table.servers[table.n++];
	for (unsigned i = 1; i < table.n; i++)
		if (is_worth_less(&table.servers[i].s, &least->s))
			least = &table.servers[i];
	return least;
}

static bool
has_expected(unsigned link)
{
	for (unsigned i = 0; i < table.n; i++)
		if (table.servers[i].s.link == link && table.servers[i].s.expected)
			return true;
	return false;
}

static struct seen *
find_server(unsigned link, const struct addr *address)
{
	struct seen *e;

	for (unsigned i = 0; i < table.n; i++) {
		e = &table.servers[i];
		if (e->s.link == link && addr_equal(&e->s.address, address))
			return e;
	}
	e = take_place();
	memset(e, 0, sizeof *e);
	e->s.link = (uint8_t)link;
	e->s.address = *address;
	e->s.first_s = broker.wall_s;
	e->s.expected = mode_of(link) != MODE_FULL && !has_expected(link);
	return e;
}

static void
report(struct seen *e)
{
	const struct rogue_server *s = &e->s;
	bool remind =
	    mode_of(s->link) == MODE_FULL && broker.wall_s >= e->alert_s + REMIND_S;
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (e->alert_s != 0 && (s->expected || !remind))
		return;
	e->alert_s = broker.wall_s;
	if (s->expected || broker.conf->links[s->link].rogue == ROGUE_IGNORE)
		log_limited(LOG_INFO, "other-server", "link=%s server=%s mac=%s",
		    broker.start.links[s->link].name, addr_format(&s->address, ip),
		    mac_format(&s->mac, mac));
	else
		log_limited(LOG_WARNING, "rogue-server",
		    "link=%s server=%s mac=%s gives=%s heard=%llu requested=%llu",
		    broker.start.links[s->link].name, addr_format(&s->address, ip),
		    mac_format(&s->mac, mac), s->gives ? "addresses" : "boot-files",
		    (unsigned long long)s->heard, (unsigned long long)s->requested);
}

static bool
is_ours(const struct addr *a, const struct mac *mac)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		if (addr_equal(a, &broker.start.links[i].address) ||
		    mac_equal(mac, &broker.start.links[i].mac))
			return true;
	return false;
}

static bool
is_one_machine(const struct addr *a)
{
	return a->family == ADDR_V4 && a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
}

/* What goes to a relay is of this link only when that relay's network is one of ours. */
static bool
concerns_us(const struct msg_heard_tell *m)
{
	return addr_is_unset(&m->relay) || conf_subnet_of(broker.conf, &m->relay) != NULL;
}

/* Is it there now? While nobody is served, what it says to others counts as well; from
 * then on only what it says to us. */
static bool
answers(const struct watch *w, const struct msg_heard_tell *m)
{
	if (w->until_ms == 0 || m->type == DHCP_NAK || addr_is_unset(&m->offered))
		return false;
	return w->state != ROGUE_OPEN || m->number == w->xid;
}

void
rogue_heard(const struct msg_heard_tell *m)
{
	const struct addr *id = is_one_machine(&m->server) ? &m->server : &m->address;
	struct watch *w = &watches[m->link];
	struct seen *e;
	bool known;

	if (!is_one_machine(id) || is_ours(id, &m->mac) || !concerns_us(m))
		return;
	e = find_server(m->link, id);
	known = e->s.heard > 0 && mac_equal(&e->s.mac, &m->mac);
	e->s.mac = m->mac;
	e->s.gives = e->s.gives || m->type != DHCP_OFFER || !addr_is_unset(&m->offered);
	e->s.last_s = broker.wall_s;
	e->s.heard++;
	/* What was known from clients alone has a hardware address now. */
	if (!known && mode_of(m->link) == MODE_FULL)
		e->alert_s = 0;
	report(e);
	if (answers(w, m) && policy_of(m->link) == ROGUE_REFUSE)
		refuse_link(m->link, &e->s);
}

void
rogue_request(const struct msg_dhcp_tell *m)
{
	static const struct mac none;
	struct seen *e;

	/* Through a relay it says nothing about this link; by unicast it was for us. */
	if (m->service != 0 || m->type != DHCP_REQUEST || !addr_is_unset(&m->giaddr) ||
	    addr_to_v4(&m->dst) != UINT32_MAX || !is_one_machine(&m->server_id) ||
	    is_ours(&m->server_id, &none))
		return;
	e = find_server(m->link, &m->server_id);
	e->s.gives = true;
	e->s.last_s = broker.wall_s;
	e->s.requested++;
	report(e);
}
