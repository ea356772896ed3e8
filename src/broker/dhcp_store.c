/*
 * Between the lease table and the store: what is written, what is read back at start,
 * and the ACKs that wait for a commit. Broker, main thread. The store's records may have
 * been damaged, or written under another configuration: each is checked against this
 * one, and an address whose record cannot be read rests for one lease time, for it may
 * be somebody's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/broker/dhcp.h"
#include "src/broker/lease_start.h"
#include "src/broker/limit.h"
#include "src/broker/store.h"

/* Replies that wait for the commit of their batch: one for the batch at hand, one for
 * that being written. Never more than there are records. */
static struct {
	unsigned n;
	uint64_t number; /* of the batch */
	struct msg_reply_tell replies[STORE_BATCH_MAX];
	bool renews[STORE_BATCH_MAX];
} waiting[2];
static unsigned at_hand;
static uint64_t written; /* the number of the last batch that completed */
static bool went_well[4] = {true, true, true, true}; /* by number modulo 4 */
static uint64_t opened_ms;

/* Where the walk over the sessions stands. */
static struct {
	uint64_t at_ms;
	uint32_t next;
} kept;

/* Lines of the log about leases, of one second: what exceeds them is summed up. */
#define LINES_PER_S 50
static struct {
	uint64_t second;
	unsigned lines, granted, unsaid;
} said;

struct loaded {
	uint32_t leases, sessions, damaged, outside;
};

uint64_t
dhcp_age_ms(void)
{
	return broker.now_ms - opened_ms;
}

/* ---------------------------------------------------------------------- start */

/* Would the machine be told to boot that today, if it is in this subnet? *match is what it
 * is taken for. */
static bool
boots_in(const struct record *r, const struct conf_subnet *subnet, struct match *match)
{
	const struct conf_pool *pool = lease_pool(lease_at(&r->addr));
	struct match_input who = {.mac = &r->mac, .arch = r->arch, .link = r->link};
	struct scopes scopes;

	*match = match_recall(broker.conf, &who, &r->past, subnet);
	if (match->kind == MATCH_IGNORE)
		return false;
	if (pool != NULL && pool->scope.boot != BOOT_UNSET) {
		scopes_of(
		    &scopes, broker.conf, match, lease_subnet(lease_at(&r->addr)), pool);
		match_settle(match, &scopes);
	}
	return strcmp(match->image != NULL ? match->image : "", r->image) == 0;
}

/* Which subnet of a shared network the machine was taken to be in is not known. */
static bool
may_still_boot(const struct record *r, struct match *match)
{
	const struct conf_subnet *own = lease_subnet(lease_at(&r->addr));

	if (boots_in(r, own, match))
		return true;
	for (unsigned i = 0; i < broker.conf->nsubnets; i++) {
		const struct conf_subnet *other = &broker.conf->subnets[i];

		if (other != own && lease_same_network(own, other) &&
		    boots_in(r, other, match))
			return true;
	}
	return false;
}

/* The session goes on if it had not ended by time and the machine may still boot that. */
static void
restore_session(const struct record *r, struct loaded *count)
{
	uint64_t age_s = broker.wall_s > r->written ? broker.wall_s - r->written : 0;
	struct session *s;
	struct match match;
	uint64_t touched;

	if (r->session == 0 || mac_is_unusable(&r->mac) || r->link >= broker.start.nlinks ||
	    age_s > broker.conf->session_time || !may_still_boot(r, &match))
		return;
	touched = broker.now_ms > age_s * 1000 ? broker.now_ms - age_s * 1000 : 0;
	s = session_open(&r->mac, broker.now_ms);
	/* Of several leases of the machine, the one written last says how it boots. */
	if (!s->confirmed || touched > s->touched_ms) {
		s->id = r->session;
		s->arch = r->arch;
		s->http = r->http;
		s->ipxe = r->ipxe;
		s->key = match.key;
		s->classes = match.classes;
		s->server = r->server;
		s->link = r->link;
		snprintf(s->image, sizeof s->image, "%s", r->image);
		session_confirm(s);
		session_touch(s, touched);
		s->stored_ms = touched;
	}
	session_add_addr(s, &r->addr);
	count->sessions++;
}

/* Lease seconds at which a stored lease ends. Never longer than it was given for, which may
 * be more than a new one would be: the clock may have been wrong when it was written. */
static uint64_t
until_of(const struct record *r, uint64_t now, uint64_t longest)
{
	uint64_t past;

	if (r->expires > broker.wall_s) {
		uint64_t left = r->expires - broker.wall_s;

		return now + (left < longest ? left : longest);
	}
	past = broker.wall_s - r->expires;
	return past < now ? now - past : 1;
}

static void
load_record(void *arg, const struct record *r, int err)
{
	static const enum lease_state states[] = {
	    LEASE_FREE, LEASE_BOUND, LEASE_QUARANTINED};
	struct loaded *count = arg;
	uint64_t now = lease_clock(broker.now_ms);
	struct lease *l = lease_at(&r->addr);
	struct lease_past past;
	uint64_t longest;
	char ip[ADDR_TEXT_MAX];

	if (err != 0) {
		count->damaged++;
		log_limited(LOG_ERROR, "store-record-damaged", "ip=%s reason=\"%s\"",
		    addr_format(&r->addr, ip), err_text(err));
		if (l != NULL)
			lease_restore(l, &(struct lease_past){.state = LEASE_QUARANTINED,
					     .until = now + lease_subnet(l)->lease_time});
		return;
	}
	if (l == NULL) {
		count->outside++;
		return;
	}
	l->link = r->link;
	l->mac = r->mac;
	longest = r->expires > r->written ? r->expires - r->written : 0;
	past = (struct lease_past){states[r->state], r->id, until_of(r, now, longest),
	    r->written, r->ingress, r->known};
	lease_restore(l, &past);
	count->leases++;
	if (r->state == RECORD_BOUND && r->expires > broker.wall_s)
		restore_session(r, count);
}

/* What the mouth would not give to anybody: our addresses, and the broadcast addresses of
 * our links, which a subnet that is wider in the configuration may have in a pool. */
static unsigned
list_own(struct addr own[2 * LINKS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		const struct link *l = &broker.start.links[i];

		own[n++] = l->address;
		if (l->prefix < 31)
			own[n++] =
			    addr_v4(addr_to_v4(&l->address) | UINT32_MAX >> l->prefix);
	}
	return n;
}

void
dhcp_open_store(const char *folder)
{
	struct addr own[2 * LINKS_MAX];
	struct loaded count = {0, 0, 0, 0};
	uint32_t bad;

	broker.now_ms = opened_ms = clock_mono_ms();
	broker.wall_s = clock_wall_s();
	at_hand = 0;
	waiting[0].n = waiting[1].n = 0;
	waiting[0].number = 1;
	written = 0;
	memset(&kept, 0, sizeof kept);
	limit_init();
	if (lease_init(broker.conf, own, list_own(own)) != 0)
		start_fail("lease table");
	lease_restore_begin();
	if (store_open(folder, load_record, &count, &bad) != 0) {
		log_event(LOG_ERROR, "store-failed", "path=%s/broker reason=\"%s\"",
		    broker.conf->state, store_failure());
		start_fail("lease store");
	}
	lease_restore_end(lease_clock(broker.now_ms));
	/* The filter lets writes through to these numbers only. */
	if (store_fd() >= FD_LEASES + 8)
		start_fail("lease store: descriptor numbers");
	log_event(LOG_NOTICE, "store-open",
	    "addresses=%u leases=%u sessions=%u damaged=%u outside=%u", lease_count(),
	    count.leases, count.sessions, count.damaged + bad, count.outside);
}

void
dhcp_start_store(void)
{
	if (store_start_thread() != 0)
		start_fail("commit thread");
}

int
dhcp_store_fd(void)
{
	return store_fd();
}

/* -------------------------------------------------------------------- writing */

bool
dhcp_store_room(void)
{
	return store_pending() < STORE_BATCH_MAX;
}

static enum record_state
record_state_of(const struct lease *l)
{
	if (l->state == LEASE_BOUND)
		return RECORD_BOUND;
	return l->state == LEASE_QUARANTINED ? RECORD_DECLINED : RECORD_RELEASED;
}

void
dhcp_store_lease(
    const struct ask *a, const struct lease *l, const struct msg_reply_tell *reply)
{
	struct session *s = a->session;
	struct record r;

	memset(&r, 0, sizeof r);
	r.addr = lease_addr(l);
	r.state = record_state_of(l);
	r.expires = broker.wall_s + (l->until > a->now ? l->until - a->now : 0);
	r.written = broker.wall_s;
	r.link = l->link;
	r.id = lease_holder(l);
	r.ingress = lease_ingress_of(l);
	r.known = a->match.host != NULL;
	r.mac = l->mac;
	if (s != NULL && l->state == LEASE_BOUND) {
		r.session = s->id;
		r.arch = s->arch;
		r.http = s->http;
		r.ipxe = s->ipxe;
		r.server = s->server;
		snprintf(r.image, sizeof r.image, "%s", s->image);
		r.past = match_remember(broker.conf, s->key, s->classes);
		s->stored_ms = broker.now_ms;
	}
	if (store_put(&r) != 0)
		bug("no room in the batch");
	if (reply != NULL) {
		waiting[at_hand].renews[waiting[at_hand].n] = a->renews;
		waiting[at_hand].replies[waiting[at_hand].n++] = *reply;
	}
}

static void
keep_session(struct session *s)
{
	struct ask a;

	memset(&a, 0, sizeof a);
	a.session = s;
	a.now = lease_clock(broker.now_ms);
	if (s->key != NULL)
		a.match.host = &broker.conf->hosts[s->key->host];
	for (unsigned i = 0; i < SESSION_ADDRS; i++) {
		const struct lease *l = lease_at(&s->addrs[i]);

		if (l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, a.now) &&
		    store_pending() < STORE_BATCH_MAX / 2)
			dhcp_store_lease(&a, l, NULL);
	}
}

/* A boot that goes on for long asks for files, but not for its address: when a quarter of
 * the session's time has gone its leases are written again, so that a successor knows that
 * it lives. */
void
dhcp_keep_sessions(void)
{
	uint64_t quarter = (uint64_t)broker.conf->session_time * 250;

	if (broker.now_ms - kept.at_ms < 1000)
		return;
	kept.at_ms = broker.now_ms;
	for (uint32_t n = broker.conf->sessions_max / 32 + 1; n > 0; n--) {
		const struct session *s;

		if (!session_in_slot(kept.next, broker.now_ms, &s)) {
			kept.next = 0;
			return;
		}
		kept.next++;
		if (s != NULL && s->stored_ms != 0 &&
		    s->touched_ms > s->stored_ms + quarter)
			keep_session(session_of_mac(&s->mac, broker.now_ms));
	}
}

/* An OFFER is not stored, and a successor that did not know of it would offer the address
 * to the next who asks. What stands at an end in order is stored as a lease of those few
 * seconds. */
bool
dhcp_keep_offers(uint32_t *next)
{
	uint64_t now = lease_clock(broker.now_ms);

	for (; *next < lease_count(); (*next)++) {
		const struct lease *l = lease_nth(*next);
		struct record r;

		if (l->state != LEASE_HELD || lease_is_free(l, now))
			continue;
		memset(&r, 0, sizeof r);
		r.addr = lease_addr(l);
		r.state = RECORD_BOUND;
		r.expires = broker.wall_s + (l->until - now);
		r.written = broker.wall_s;
		r.link = l->link;
		r.id = lease_holder(l);
		r.mac = l->mac;
		if (store_put(&r) != 0)
			return true;
	}
	return false;
}

void
dhcp_send(const struct msg_reply_tell *reply)
{
	static struct msg m;

	m.nr = MSG_REPLY_TELL;
	m.u.reply_tell = *reply;
	chan_send_or_drop(&broker.dhcp_sender, &m);
}

bool
dhcp_unfinished(void)
{
	return store_pending() > 0 || store_busy();
}

/* One line a second stands for those that were not written. */
static void
sum_up_lines(void)
{
	uint64_t second = broker.now_ms / 1000;

	if (said.second == second)
		return;
	if (said.unsaid > 0)
		log_event(LOG_INFO, "leases", "granted=%u not-shown=%u", said.granted,
		    said.unsaid);
	memset(&said, 0, sizeof said);
	said.second = second;
}

/* Thousands a second are possible; a machine's new lease is worth a line, as long as there
 * are few, and that a lease goes on is of interest to nobody. */
static void
log_lease(const struct msg_reply_tell *r, const struct mac *mac, bool renews)
{
	char text[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	sum_up_lines();
	said.granted++;
	if (!renews && said.lines == LINES_PER_S) {
		said.unsaid++;
		return;
	}
	said.lines += !renews;
	log_event(renews ? LOG_DEBUG : LOG_INFO, "lease",
	    "session=%08x mac=%s ip=%s time=%u", r->session, mac_format(mac, text),
	    addr_format(&r->yiaddr, ip), r->lease);
}

void
dhcp_commit(void)
{
	sum_up_lines();
	if (!store_commit(at_hand))
		return;
	at_hand = 1 - at_hand;
	waiting[at_hand].n = 0;
	waiting[at_hand].number = waiting[1 - at_hand].number + 1;
}

uint64_t
dhcp_batch(void)
{
	return waiting[at_hand].number;
}

int
dhcp_batch_state(uint64_t batch)
{
	if (batch > written)
		return 0;
	return went_well[batch % 4] ? 1 : ERR_SYS;
}

bool
dhcp_store_well(void)
{
	return went_well[written % 4];
}

static void
acknowledge(const struct msg_reply_tell *r, bool renews)
{
	struct mac mac = {{0}};
	struct session *s;

	if (r->hw.len == sizeof mac.b)
		memcpy(mac.b, r->hw.b, sizeof mac.b);
	s = session_of_mac(&mac, broker.now_ms);
	if (s != NULL && r->session == s->id)
		session_confirm(s);
	log_lease(r, &mac, renews);
	dhcp_send(r);
}

/* After a failed commit nobody is told anything, and every client asks again. The table
 * keeps the addresses for them: they may be on disk after all. */
void
dhcp_completed(void)
{
	uint64_t batch;
	bool ok;

	while (store_completed(&batch, &ok)) {
		for (unsigned i = 0; ok && i < waiting[batch].n; i++)
			acknowledge(&waiting[batch].replies[i], waiting[batch].renews[i]);
		if (!ok)
			log_event(LOG_ERROR, "store-failed", "reason=\"%s\" unanswered=%u",
			    store_failure(), waiting[batch].n);
		waiting[batch].n = 0;
		written = waiting[batch].number;
		went_well[written % 4] = ok;
		if (!ok && store_dead())
			exit(1);
	}
}
