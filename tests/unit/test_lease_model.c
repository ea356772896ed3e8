/*
 * The lease table against a plain model: the same rules, written as loops over an array
 * that knows of every address who has it until when. Random requests of machines known and
 * unknown, of several classes, from several ingresses, in subnets of which two share a
 * network; after every step the table and the model must say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/pool.h"
#include "src/broker/lease_table.h"
#include "tests/unit/unit.h"

#define NET(n) (UINT32_C(0x0a000000) + ((uint32_t)(n) << 16))
#define MACHINES 140
#define INGRESSES 7
#define ENTRIES_MAX 200

static struct conf_subnet subnets[3];
static struct conf_host hosts[4];
static struct conf_class classes[2];
static struct conf_shared shared[1];
static const struct conf_range excluded[] = {{NET(0) + 10, NET(0) + 12}};
static struct conf conf;

struct entry {
	uint32_t address;
	unsigned subnet;
	const struct conf_pool *pool; /* NULL: none, or closed */
	int host;                     /* whose reservation, -1: nobody's */
	enum lease_state state;
	uint64_t until;
	unsigned machine; /* 0: nobody */
	bool known, contested;
	uint64_t ingress;
	unsigned turn;     /* when it was held */
	unsigned declined; /* when, 0: it was not */
};
static struct entry entries[ENTRIES_MAX];
static unsigned nentries, turn;
static uint64_t now;

static const uint64_t ingresses[INGRESSES] = {0, 11, 13, 15, 17, 20, 22};

/* ------------------------------------------------------------------ the stage */

static void
set_pool(unsigned subnet, uint32_t first, uint32_t last, enum conf_known known,
    uint64_t allow, uint64_t deny)
{
	struct conf_subnet *s = &subnets[subnet];

	s->pools[s->npools++] = (struct conf_pool){.first = s->network + first,
	    .last = s->network + last,
	    .known = known,
	    .allow = allow,
	    .deny = deny};
}

static void
configure(uint32_t per_port, uint8_t share)
{
	static const uint32_t reserved[4] = {0, NET(0) + 5, NET(1) + 200, NET(2) + 3};

	memset(subnets, 0, sizeof subnets);
	memset(hosts, 0, sizeof hosts);
	memset(&conf, 0, sizeof conf);
	for (unsigned i = 0; i < 3; i++) {
		subnets[i].network = NET(i);
		subnets[i].prefix = 16;
		subnets[i].shared = i < 2 ? 0 : CONF_NO_SHARED;
	}
	set_pool(0, 1, 50, POOL_ANYBODY, 0, 0);
	set_pool(0, 100, 104, POOL_KNOWN, 0, 0);
	set_pool(0, 130, 140, POOL_ANYBODY, 1, 0);
	set_pool(0, 150, 152, POOL_UNKNOWN, 0, 0);
	set_pool(1, 1, 30, POOL_ANYBODY, 0, 2);
	set_pool(2, 1, 12, POOL_ANYBODY, 0, 0);
	subnets[0].excluded = excluded;
	subnets[0].nexcluded = 1;
	for (unsigned i = 0; i < 4; i++) {
		if (reserved[i] != 0)
			hosts[i].address = addr_v4(reserved[i]);
	}
	conf.subnets = subnets;
	conf.nsubnets = 3;
	conf.hosts = hosts;
	conf.nhosts = 4;
	conf.classes = classes;
	conf.nclasses = 2;
	conf.shared = shared;
	conf.nshared = 1;
	conf.leases_per_port = per_port;
	conf.pool_share = share;
}

static const struct conf_pool *
pool_at(const struct conf_subnet *s, uint32_t address)
{
	for (unsigned k = 0; k < s->npools; k++)
		if (address >= s->pools[k].first && address <= s->pools[k].last)
			return &s->pools[k];
	return NULL;
}

static int
reserving(uint32_t address)
{
	for (int i = 0; i < 4; i++)
		if (addr_to_v4(&hosts[i].address) == address)
			return i;
	return -1;
}

static void
list_entries(void)
{
	nentries = 0;
	memset(entries, 0, sizeof entries);
	for (unsigned s = 0; s < 3; s++)
		for (uint32_t a = NET(s); a < NET(s) + 256; a++) {
			int host = reserving(a);
			const struct conf_pool *pool = pool_at(&subnets[s], a);
			bool open = pool != NULL && host < 0 &&
				    (a < excluded[0].first || a > excluded[0].last);

			if (pool != NULL || host >= 0)
				entries[nentries++] = (struct entry){.address = a,
				    .subnet = s,
				    .pool = open ? pool : NULL,
				    .host = host};
		}
	assert_true(nentries < ENTRIES_MAX);
}

static struct lease *
lease_of_entry(const struct entry *e)
{
	struct addr a = addr_v4(e->address);

	return lease_at(&a);
}

static struct entry *
entry_of_lease(const struct lease *l)
{
	struct addr a = lease_addr(l);

	for (unsigned i = 0; i < nentries; i++)
		if (entries[i].address == addr_to_v4(&a))
			return &entries[i];
	fail();
	return NULL;
}

/* ----------------------------------------------------------------- a machine */

struct machine {
	unsigned n;
	struct lease_id id;
	struct match match;
	struct addr wish;
	unsigned subnet;
	struct lease_want want;
};

/* Some identities are long ones. */
static struct lease_id
id_of(unsigned n)
{
	struct lease_id id = {.kind = n % 3 == 0 ? ID_CLIENT : ID_HARDWARE,
	    .len = (uint8_t)(n % 3 == 0 ? 17 + n % 40 : 7)};

	memset(id.b, 0x5a, id.len);
	memcpy(id.b, &n, sizeof n);
	return id;
}

static void
make_machine(struct machine *m, unsigned n, unsigned subnet, uint64_t ingress)
{
	memset(m, 0, sizeof *m);
	m->n = n;
	m->id = id_of(n);
	m->match.host = n <= 4 ? &hosts[n - 1] : n <= 30 ? &hosts[0] : NULL;
	m->match.classes = n / 4 % 4;
	m->subnet = subnet;
	m->want = (struct lease_want){&subnets[subnet], &m->id, &m->match, NULL, ingress};
}

/* ------------------------------------------------------------------ the model */

static bool
same_network(unsigned a, unsigned b)
{
	return (a < 2) == (b < 2);
}

static bool
ended(const struct entry *e)
{
	return e->until <= now;
}

static bool
uses(const struct entry *e, enum lease_state state)
{
	return e->state == state && !ended(e);
}

static bool
counted(const struct entry *e)
{
	return e->pool != NULL && (uses(e, LEASE_HELD) || uses(e, LEASE_BOUND));
}

static bool
permitted(const struct entry *e, const struct machine *m)
{
	if (e->host >= 0)
		return m->match.host == &hosts[e->host];
	return e->pool != NULL && pool_admits(e->pool, &m->match);
}

static struct entry *
own_entry(const struct machine *m)
{
	for (unsigned i = 0; i < nentries; i++)
		if (entries[i].machine == m->n &&
		    same_network(entries[i].subnet, m->subnet))
			return &entries[i];
	return NULL;
}

static unsigned
count_port(uint64_t ingress)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nentries; i++)
		n += counted(&entries[i]) && entries[i].ingress == ingress;
	return ingress == 0 ? 0 : n;
}

static unsigned
count_unknown(unsigned subnet)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nentries; i++)
		n += counted(&entries[i]) && entries[i].subnet == subnet &&
		     !entries[i].known;
	return n;
}

static unsigned
limit_unknown(unsigned subnet)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nentries; i++)
		n += entries[i].pool != NULL && entries[i].subnet == subnet;
	if (conf.pool_share == 0 || conf.pool_share >= 100)
		return UINT32_MAX;
	n = n * conf.pool_share / 100;
	return n > 0 ? n : 1;
}

static unsigned
limit_port(uint64_t ingress)
{
	return ingress % 2 == 1 && conf.leases_per_port != 0 ? conf.leases_per_port
							     : UINT32_MAX;
}

/* Of the holds that match, the oldest; of several the one in the first pool. */
static struct entry *
oldest_hold(int subnet, int known, uint64_t ingress, const struct machine *m)
{
	struct entry *best = NULL;

	for (unsigned i = 0; i < nentries; i++) {
		struct entry *e = &entries[i];

		if (e->pool == NULL || !uses(e, LEASE_HELD) ||
		    (subnet >= 0 && e->subnet != (unsigned)subnet) ||
		    (known >= 0 && e->known != (known == 1)) ||
		    (ingress != 0 && e->ingress != ingress) ||
		    (m != NULL && !permitted(e, m)))
			continue;
		if (best == NULL ||
		    (subnet >= 0 ? e->until < best->until ||
				       (e->pool == best->pool && e->turn < best->turn)
				 : e->turn < best->turn))
			best = e;
	}
	return best;
}

static bool
port_has_room(const struct machine *m)
{
	uint64_t in = m->want.ingress;

	return in == 0 || count_port(in) < limit_port(in) ||
	       oldest_hold(-1, -1, in, NULL) != NULL;
}

static bool
share_has_room(const struct machine *m, unsigned subnet)
{
	return m->match.host != NULL || count_unknown(subnet) < limit_unknown(subnet) ||
	       oldest_hold((int)subnet, 0, 0, NULL) != NULL;
}

static bool
has_room(const struct machine *m, const struct entry *e)
{
	return e->pool == NULL || (port_has_room(m) && share_has_room(m, e->subnet));
}

static uint64_t
longest_free(const struct machine *m, unsigned subnet)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < nentries; i++)
		if (entries[i].pool != NULL && entries[i].subnet == subnet &&
		    permitted(&entries[i], m) && ended(&entries[i]) &&
		    entries[i].until < best)
			best = entries[i].until;
	return best;
}

/* ------------------------------------------------------- what must be chosen */

static struct entry *
hold_in_network(const struct machine *m, int known)
{
	struct entry *e = oldest_hold((int)m->subnet, known, 0, m);

	for (unsigned s = 0; s < 3 && e == NULL; s++)
		if (s != m->subnet && same_network(s, m->subnet))
			e = oldest_hold((int)s, known, 0, m);
	return e;
}

static void
check_any(const struct machine *m, const struct entry *got)
{
	struct entry *e;

	if (!port_has_room(m)) {
		assert_null(got);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		unsigned s = i == 0 ? m->subnet : i - 1;
		uint64_t until = longest_free(m, s);

		if (!same_network(s, m->subnet) || !share_has_room(m, s) ||
		    until == UINT64_MAX)
			continue;
		assert_non_null(got);
		assert_int_equal(got->subnet, s);
		assert_int_equal(got->until, until);
		assert_true(permitted(got, m));
		return;
	}
	e = hold_in_network(m, 0);
	if (e == NULL && m->match.host != NULL)
		e = hold_in_network(m, 1);
	assert_ptr_equal(got, e);
}

static void
check_choice(const struct machine *m, const struct entry *got)
{
	struct entry *own = own_entry(m), *e;

	for (unsigned i = 0; i < nentries; i++) {
		e = &entries[i];
		if (e->host >= 0 && m->match.host == &hosts[e->host] &&
		    same_network(e->subnet, m->subnet) &&
		    (ended(e) || e->machine == m->n)) {
			assert_ptr_equal(got, e);
			return;
		}
	}
	if (own != NULL && permitted(own, m) && (!ended(own) || has_room(m, own))) {
		assert_ptr_equal(got, own);
		return;
	}
	for (unsigned i = 0; i < nentries && m->want.wish != NULL; i++) {
		e = &entries[i];
		if (e->address == addr_to_v4(m->want.wish) && ended(e) && permitted(e, m) &&
		    same_network(e->subnet, m->subnet) && has_room(m, e)) {
			assert_ptr_equal(got, e);
			return;
		}
	}
	check_any(m, got);
}

static bool
may_take(const struct machine *m, const struct entry *e)
{
	const struct entry *own = own_entry(m);

	if (!permitted(e, m))
		return false;
	if (own == e && !ended(e))
		return true;
	if (own != NULL && own != e && uses(own, LEASE_BOUND))
		return false;
	if (uses(e, LEASE_HELD))
		return e->contested;
	return ended(e) && has_room(m, e);
}

/* ------------------------------------------------------------ what must happen */

static void
set_free(struct entry *e)
{
	e->state = LEASE_FREE;
	e->until = now;
	e->declined = 0;
}

static void
drop(struct entry *e)
{
	set_free(e);
	e->contested = true;
}

static void
give(struct entry *e, const struct machine *m, enum lease_state state, uint64_t until)
{
	struct entry *own = own_entry(m);
	uint64_t in = m->want.ingress;

	if (own == e && counted(e) && e->ingress % 2 == 1 && in % 2 == 0)
		in = e->ingress;
	if (own != NULL && own != e) {
		own->machine = 0;
		if (uses(own, LEASE_HELD))
			set_free(own);
		else if (own->state == LEASE_BOUND)
			own->state = LEASE_QUARANTINED;
	}
	*e = (struct entry){e->address, e->subnet, e->pool, e->host, state, until, m->n,
	    m->match.host != NULL, e->contested, in, ++turn, 0};
	if (e->pool == NULL)
		return;
	for (;;) {
		struct entry *o = in == 0 ? NULL : oldest_hold(-1, -1, in, NULL);
		unsigned held = 0;

		for (unsigned i = 0; i < nentries; i++)
			held += entries[i].pool != NULL && uses(&entries[i], LEASE_HELD) &&
				entries[i].ingress == in;
		if (o == NULL || o == e ||
		    (count_port(in) <= limit_port(in) &&
			held <= (in % 2 == 1 ? LEASE_PORT_HOLDS : LEASE_LINK_HOLDS)))
			break;
		drop(o);
	}
	while (!e->known && count_unknown(e->subnet) > limit_unknown(e->subnet)) {
		struct entry *o = oldest_hold((int)e->subnet, 0, 0, NULL);

		if (o == NULL || o == e)
			break;
		drop(o);
	}
}

static void
decline(struct entry *e)
{
	unsigned open = 0, n = 0;
	struct entry *oldest = NULL;

	e->machine = 0;
	e->contested = false;
	e->state = LEASE_QUARANTINED;
	e->until = now + 200;
	e->declined = ++turn;
	for (unsigned i = 0; i < nentries && e->pool != NULL; i++) {
		struct entry *o = &entries[i];

		if (o->pool != e->pool)
			continue;
		open++;
		if (!uses(o, LEASE_QUARANTINED) || o->declined == 0)
			continue;
		n++;
		if (oldest == NULL || o->declined < oldest->declined)
			oldest = o;
	}
	open /= LEASE_DECLINED_PART;
	if (oldest != NULL && n > (open > 0 ? open : 1))
		set_free(oldest);
}

/* --------------------------------------------------------------------- checks */

static void
check_entry(const struct entry *e)
{
	const struct lease *l = lease_of_entry(e);
	struct lease_id id = lease_holder(l), want = id_of(e->machine);

	assert_int_equal(lease_is_free(l, now), ended(e));
	if (!ended(e)) {
		assert_int_equal(l->state, e->state);
		assert_int_equal(l->until, e->until);
	}
	if (e->machine == 0)
		assert_int_equal(id.kind, ID_NONE);
	else
		assert_true(lease_id_equal(&id, &want) && lease_is_of(l, &want));
}

static void
check_counts(void)
{
	for (uint32_t p = 0; p < lease_pools(); p++) {
		struct lease_stats s, want = {0, 0, 0, 0, 0};
		const struct conf_subnet *subnet;
		const struct conf_pool *pool;

		lease_pool_stats(p, now, &s, &pool, &subnet);
		for (unsigned i = 0; i < nentries; i++) {
			const struct entry *e = &entries[i];

			if (e->pool != pool)
				continue;
			want.open++;
			want.free += ended(e);
			want.held += uses(e, LEASE_HELD);
			want.bound += uses(e, LEASE_BOUND);
			want.quarantined += uses(e, LEASE_QUARANTINED);
		}
		assert_memory_equal(&s, &want, sizeof s);
	}
	for (unsigned i = 0; i < INGRESSES; i++)
		assert_int_equal(
		    lease_ingress_count(ingresses[i]), count_port(ingresses[i]));
}

static void
check_all(void)
{
	for (unsigned i = 0; i < nentries; i++)
		check_entry(&entries[i]);
	check_counts();
}

/* ---------------------------------------------------------------------- steps */

static void
discover(struct machine *m)
{
	struct lease *l;
	struct entry *e;

	if (rand() % 4 == 0) {
		m->wish = addr_v4(entries[(unsigned)rand() % nentries].address);
		m->want.wish = &m->wish;
	}
	l = lease_choose(&m->want, now);
	e = l == NULL ? NULL : entry_of_lease(l);
	check_choice(m, e);
	if (e == NULL)
		return;
	lease_hold(l, &m->want, now);
	if (e->machine == m->n && uses(e, LEASE_BOUND)) {
		if (e->until < now + LEASE_HOLD_S)
			give(e, m, LEASE_BOUND, now + LEASE_HOLD_S);
		return;
	}
	if (e->machine != m->n && uses(e, LEASE_HELD))
		e->contested = true;
	else if (e->until + LEASE_HOLD_S <= now)
		e->contested = false;
	give(e, m, LEASE_HELD, now + LEASE_HOLD_S);
}

/* For the address that it has, else for any. */
static void
request(struct machine *m)
{
	struct entry *e = own_entry(m);
	struct lease *l;
	bool may;

	if (e == NULL || rand() % 4 == 0)
		e = &entries[(unsigned)rand() % nentries];
	if (!same_network(e->subnet, m->subnet))
		return;
	l = lease_of_entry(e);
	may = may_take(m, e);
	assert_int_equal(lease_may_take(l, &m->want, now), may);
	if (!may)
		return;
	e->contested = false;
	give(e, m, LEASE_BOUND, now + 1 + (unsigned)rand() % 300);
	lease_bind(l, &m->want, e->until);
}

static void
give_back(const struct machine *m)
{
	struct entry *e = own_entry(m);
	struct lease *l;

	if (e == NULL)
		return;
	l = lease_of_entry(e);
	switch (rand() % 4) {
	case 0:
		lease_quarantine(l, now + 200);
		decline(e);
		break;
	case 1:
		lease_unhold(l, now);
		if (uses(e, LEASE_HELD))
			set_free(e);
		break;
	default:
		lease_release(l, now);
		set_free(e);
		e->contested = false;
		break;
	}
}

/* The next process, from what the store would tell it; what was only held is free. */
static void
restart(void)
{
	uint32_t n = lease_count();
	struct lease_past *pasts = calloc(n, sizeof *pasts);

	assert_non_null(pasts);
	for (uint32_t i = 0; i < n; i++) {
		const struct lease *l = lease_nth(i);
		bool held = l->state == LEASE_HELD;

		pasts[i] = (struct lease_past){held ? LEASE_FREE : l->state,
		    lease_holder(l), held ? now : l->until, l->written, lease_ingress_of(l),
		    (l->flags & LEASE_KNOWN) != 0};
	}
	assert_int_equal(lease_init(&conf, NULL, 0), 0);
	lease_restore_begin();
	for (uint32_t i = 0; i < n; i++)
		if (pasts[i].until != 0)
			lease_restore(lease_nth(i), &pasts[i]);
	lease_restore_end(now);
	free(pasts);
	for (unsigned i = 0; i < nentries; i++) {
		if (uses(&entries[i], LEASE_HELD))
			set_free(&entries[i]);
		entries[i].declined = 0;
		entries[i].contested = false;
	}
}

static void
run(unsigned seed, uint32_t per_port, uint8_t share, unsigned steps, unsigned patience)
{
	struct machine m;

	srand(seed);
	configure(per_port, share);
	list_entries();
	now = lease_clock(0);
	assert_int_equal(lease_init(&conf, NULL, 0), 0);
	for (unsigned step = 0; step < steps; step++) {
		int what = rand() % 100;

		now += (unsigned)rand() % patience;
		/* Both networks are brought to this time, as a status request would. */
		check_counts();
		make_machine(&m, 1 + (unsigned)rand() % MACHINES, (unsigned)rand() % 3,
		    ingresses[(unsigned)rand() % INGRESSES]);
		if (what < 55)
			discover(&m);
		else if (what < 85)
			request(&m);
		else if (what < 99 || rand() % 20 != 0)
			give_back(&m);
		else
			restart();
		check_all();
	}
}

static void
test_without_quotas(void **state)
{
	(void)state;
	run(1, 0, 100, 30000, 8);
	run(2, 0, 0, 30000, 2);
}

static void
test_per_port(void **state)
{
	(void)state;
	run(3, 4, 100, 30000, 8);
	run(4, 1, 100, 20000, 3);
}

static void
test_share(void **state)
{
	(void)state;
	run(5, 0, 30, 30000, 8);
	run(6, 0, 60, 20000, 3);
}

static void
test_all_quotas(void **state)
{
	(void)state;
	for (unsigned seed = 7; seed < 20; seed++)
		run(seed, seed % 7, (uint8_t)(seed * 9 % 100), 8000, 1 + seed % 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_quotas),
	    cmocka_unit_test(test_per_port),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_all_quotas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
