/*
 * Pools with rules, shared networks, and the bounds that keep strangers from taking what
 * is others': each promise of lease.h by itself, and a new configuration for a table that
 * is in use.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/broker/lease_start.h"
#include "tests/unit/unit.h"

#define QUARANTINE_S 600 /* unless the configuration says otherwise */

#define NET(n) (UINT32_C(0x0a000000) + ((uint32_t)(n) << 16))
#define PORT UINT64_C(1001)
#define OTHER_PORT UINT64_C(1003)
#define LINK UINT64_C(1000)

static struct conf_subnet subnets[3];
static struct conf_host hosts[3];
static struct conf_shared shared[1];
static struct conf conf;
static uint64_t now;

/* Subnets 0 and 1 share a network; a pool of n addresses in each. */
static void
configure(uint32_t n)
{
	memset(subnets, 0, sizeof subnets);
	memset(hosts, 0, sizeof hosts);
	memset(&conf, 0, sizeof conf);
	for (unsigned i = 0; i < 3; i++) {
		subnets[i].network = NET(i);
		subnets[i].prefix = 16;
		subnets[i].shared = i < 2 ? 0 : CONF_NO_SHARED;
		subnets[i].npools = 1;
		subnets[i].pools[0] = (struct conf_pool){
		    .first = subnets[i].network + 1, .last = subnets[i].network + n};
	}
	hosts[1].address = addr_v4(NET(1) + 200);
	hosts[2].address = addr_v4(NET(0) + 2);
	conf.subnets = subnets;
	conf.nsubnets = 3;
	conf.hosts = hosts;
	conf.nhosts = 3;
	conf.shared = shared;
	conf.nshared = 1;
}

static void
start(void)
{
	now = lease_clock(0);
	assert_int_equal(lease_init(&conf, NULL, 0), 0);
}

/* Whoever asks. */
struct asker {
	struct lease_id id;
	struct match match;
	struct lease_want want;
};

static struct asker *
as(uint32_t n, unsigned subnet, const struct conf_host *host, uint64_t classes,
    uint64_t ingress)
{
	static struct asker all[8];
	static unsigned next;
	struct asker *a = &all[next++ % 8];

	memset(a, 0, sizeof *a);
	a->id.kind = ID_HARDWARE;
	a->id.len = 7;
	memcpy(a->id.b, &n, sizeof n);
	a->match.host = host;
	a->match.classes = classes;
	a->want = (struct lease_want){&subnets[subnet], &a->id, &a->match, NULL, ingress};
	return a;
}

/* The host part of the address; 0: none. */
static uint32_t
number(const struct lease *l)
{
	struct addr a = l == NULL ? (struct addr){0} : lease_addr(l);

	return addr_to_v4(&a) & 0xffff;
}

static struct lease *
choose(const struct asker *a)
{
	return lease_choose(&a->want, now);
}

static struct lease *
hold(const struct asker *a)
{
	struct lease *l = choose(a);

	if (l != NULL)
		lease_hold(l, &a->want, now);
	return l;
}

static struct lease *
bind(const struct asker *a, uint64_t time)
{
	struct lease *l = hold(a);

	if (l != NULL) {
		assert_true(lease_may_take(l, &a->want, now));
		lease_bind(l, &a->want, now + time);
	}
	return l;
}

static struct lease *
at(unsigned subnet, uint32_t n)
{
	struct addr a = addr_v4(NET(subnet) + n);

	return lease_at(&a);
}

static struct lease_stats
stats_of(uint32_t pool)
{
	const struct conf_subnet *subnet;
	const struct conf_pool *rules;
	struct lease_stats s;

	lease_pool_stats(pool, now, &s, &rules, &subnet);
	assert_ptr_equal(rules, &subnets[pool].pools[0]);
	assert_ptr_equal(subnet, &subnets[pool]);
	assert_int_equal(s.open, s.free + s.held + s.bound + s.quarantined);
	return s;
}

/* --------------------------------------------------------------------- rules */

static void
test_pool_rules(void **state)
{
	static const struct {
		struct conf_pool rules;
		bool known, admitted;
		uint64_t classes;
	} rows[] = {
	    {{.known = POOL_ANYBODY}, false, true, 0},
	    {{.known = POOL_ANYBODY}, true, true, 0},
	    {{.known = POOL_KNOWN}, false, false, 0},
	    {{.known = POOL_KNOWN}, true, true, 0},
	    {{.known = POOL_UNKNOWN}, false, true, 0},
	    {{.known = POOL_UNKNOWN}, true, false, 0},
	    {{.allow = 5}, false, false, 0},
	    {{.allow = 5}, false, false, 2},
	    {{.allow = 5}, false, true, 4},
	    {{.allow = 5}, false, true, 1},
	    {{.deny = 5}, false, true, 0},
	    {{.deny = 5}, false, true, 2},
	    {{.deny = 5}, false, false, 6},
	    {{.allow = 1, .deny = 2}, false, true, 1},
	    {{.allow = 1, .deny = 2}, false, false, 3},
	    {{.allow = UINT64_C(1) << 63}, false, true, UINT64_C(1) << 63},
	    {{.allow = 1, .known = POOL_KNOWN}, true, false, 0},
	    {{.allow = 1, .known = POOL_KNOWN}, true, true, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct asker *a =
		    as(7, 2, rows[i].known ? &hosts[0] : NULL, rows[i].classes, 0);
		struct conf_pool *p = &subnets[2].pools[0];

		configure(5);
		p->allow = rows[i].rules.allow;
		p->deny = rows[i].rules.deny;
		p->known = rows[i].rules.known;
		start();
		assert_int_equal(lease_permitted(at(2, 1), &a->match), rows[i].admitted);
		assert_int_equal(choose(a) != NULL, rows[i].admitted);
		a->want.wish = &(struct addr){ADDR_V4, {10, 2, 0, 3}};
		assert_int_equal(number(choose(a)), rows[i].admitted ? 3 : 0);
		assert_int_equal(lease_may_take(at(2, 1), &a->want, now), rows[i].admitted);
	}
}

/* Of the pools that admit it the machine gets the longest free, never used ones in the
 * order of the file; the entry knows its pool. */
static void
test_several_pools(void **state)
{
	struct lease *first;

	(void)state;
	configure(2);
	subnets[2].npools = 3;
	subnets[2].pools[1] =
	    (struct conf_pool){.first = NET(2) + 11, .last = NET(2) + 12, .allow = 1};
	subnets[2].pools[2] = (struct conf_pool){.first = NET(2) + 21, .last = NET(2) + 22};
	start();
	first = bind(as(1, 2, NULL, 0, 0), 10);
	assert_int_equal(number(first), 1);
	assert_ptr_equal(lease_pool(first), &subnets[2].pools[0]);
	assert_int_equal(number(bind(as(2, 2, NULL, 0, 0), 20)), 2);
	assert_int_equal(number(bind(as(3, 2, NULL, 0, 0), 5)), 21);
	assert_ptr_equal(lease_pool(at(2, 21)), &subnets[2].pools[2]);
	now += 30;
	assert_int_equal(number(bind(as(4, 2, NULL, 0, 0), 100)), 22);
	assert_int_equal(number(bind(as(5, 2, NULL, 0, 0), 100)), 21);
	assert_int_equal(number(bind(as(6, 2, NULL, 0, 0), 100)), 1);
	assert_int_equal(number(bind(as(7, 2, NULL, 1, 0), 100)), 11);
	assert_int_equal(number(bind(as(8, 2, NULL, 0, 0), 100)), 2);
	assert_null(choose(as(9, 2, NULL, 0, 0)));
	assert_int_equal(number(choose(as(9, 2, NULL, 1, 0))), 12);
	assert_null(lease_pool(at(1, 200)));
	/* A machine whose class is another now does not keep what it may not have. */
	assert_int_equal(number(choose(as(7, 2, NULL, 1, 0))), 11);
	assert_null(choose(as(7, 2, NULL, 0, 0)));
}

/* ------------------------------------------------------------ shared networks */

static void
test_shared_network(void **state)
{
	struct asker *a;

	(void)state;
	configure(3);
	start();
	assert_true(lease_same_network(&subnets[0], &subnets[1]));
	assert_true(lease_same_network(&subnets[2], &subnets[2]));
	assert_false(lease_same_network(&subnets[0], &subnets[2]));
	assert_false(lease_same_network(NULL, &subnets[0]));
	assert_false(lease_same_network(NULL, NULL));
	/* Its own subnet first, then the other: 2 of subnet 0 is reserved. */
	assert_ptr_equal(bind(as(1, 0, NULL, 0, 0), 100), at(0, 1));
	assert_ptr_equal(bind(as(2, 1, NULL, 0, 0), 100), at(1, 1));
	assert_ptr_equal(bind(as(3, 0, NULL, 0, 0), 100), at(0, 3));
	assert_ptr_equal(bind(as(4, 0, NULL, 0, 0), 100), at(1, 2));
	/* One identity has one entry, wherever in the network it asks. */
	a = as(4, 1, NULL, 0, 0);
	assert_ptr_equal(choose(a), at(1, 2));
	assert_ptr_equal(lease_of(&subnets[0], &a->id), at(1, 2));
	assert_ptr_equal(lease_of(&subnets[1], &a->id), at(1, 2));
	assert_null(lease_of(&subnets[2], &a->id));
	assert_ptr_equal(bind(as(4, 2, NULL, 0, 0), 100), at(2, 1));
	assert_ptr_equal(lease_of(&subnets[0], &a->id), at(1, 2));
	/* A wish for any of them. */
	a = as(5, 0, NULL, 0, 0);
	a->want.wish = &(struct addr){ADDR_V4, {10, 1, 0, 3}};
	assert_ptr_equal(choose(a), at(1, 3));
	a->want.wish = &(struct addr){ADDR_V4, {10, 2, 0, 3}};
	assert_ptr_equal(choose(a), at(1, 3));
	assert_true(lease_may_take(at(1, 3), &a->want, now));
}

static void
test_reservation_in_the_other_subnet(void **state)
{
	struct asker *a;

	(void)state;
	configure(3);
	start();
	a = as(1, 0, &hosts[1], 0, 0);
	assert_ptr_equal(lease_reserved(&subnets[0], &hosts[1]), at(1, 200));
	assert_null(lease_reserved(&subnets[2], &hosts[1]));
	assert_ptr_equal(choose(a), at(1, 200));
	/* Also before what it has from a pool. */
	lease_bind(at(0, 1), &a->want, now + 1000);
	assert_ptr_equal(choose(a), at(1, 200));
	lease_hold(at(1, 200), &a->want, now);
	lease_bind(at(1, 200), &a->want, now + 1000);
	assert_int_equal(at(0, 1)->state, LEASE_QUARANTINED);
	assert_false(lease_is_free(at(0, 1), now + 999));
	assert_ptr_equal(lease_of(&subnets[0], &a->id), at(1, 200));
}

/* ---------------------------------------------------------------------- holds */

static void
test_flood(void **state)
{
	struct asker *slow;
	struct lease *held, *kept, *offered;

	(void)state;
	configure(100);
	start();
	kept = bind(as(1, 2, NULL, 0, LINK), 1000000);
	held = hold(as(2, 2, &hosts[0], 0, LINK));
	slow = as(3, 2, NULL, 0, LINK);
	offered = hold(slow);
	for (uint32_t i = 0; i < 1000000; i++) {
		now += i % 10000 == 0;
		assert_non_null(hold(as(1000 + i, 2, NULL, 0, LINK)));
	}
	assert_int_equal(stats_of(2).held, 99);
	assert_int_equal(stats_of(2).bound, 1);
	/* Who has a lease, or a reservation, is served as ever. */
	assert_ptr_equal(choose(as(1, 2, NULL, 0, LINK)), kept);
	assert_true(lease_may_take(kept, &as(1, 2, NULL, 0, LINK)->want, now));
	assert_ptr_equal(choose(as(4, 0, &hosts[1], 0, LINK)), at(1, 200));
	/* The flood has gone on for longer than a hold of a known machine lasts. */
	assert_true(lease_is_free(held, now) || !lease_is_of(held, &slow->id));
	/* What the slow one was offered has been offered to others since: it may take it.
	 */
	slow = as(3, 2, NULL, 0, LINK);
	assert_false(lease_is_of(offered, &slow->id));
	assert_true(lease_may_take(offered, &slow->want, now));
	lease_bind(offered, &slow->want, now + 100);
	assert_false(lease_may_take(offered, &as(5, 2, NULL, 0, LINK)->want, now));
	assert_false(lease_may_take(at(2, 1), &slow->want, now));
}

/* While there are others a hold is a promise. */
static void
test_hold_is_kept(void **state)
{
	struct asker *one;
	struct lease *l;

	(void)state;
	configure(4);
	start();
	one = as(1, 2, NULL, 0, LINK);
	l = hold(one);
	assert_ptr_not_equal(hold(as(2, 2, NULL, 0, LINK)), l);
	assert_ptr_not_equal(hold(as(3, 2, NULL, 0, LINK)), l);
	assert_false(lease_may_take(l, &as(4, 2, NULL, 0, LINK)->want, now));
	/* Asking again makes it the youngest. */
	now++;
	assert_ptr_equal(hold(one), l);
	assert_ptr_not_equal(hold(as(4, 2, NULL, 0, LINK)), l);
	assert_ptr_not_equal(hold(as(5, 2, NULL, 0, LINK)), l);
	/* Once bound it is nobody else's. */
	lease_bind(l, &one->want, now + 1000);
	for (uint32_t i = 10; i < 30; i++)
		assert_ptr_not_equal(hold(as(i, 2, NULL, 0, LINK)), l);
}

static void
test_known_before_unknown(void **state)
{
	struct lease *l;

	(void)state;
	configure(3);
	start();
	l = hold(as(1, 2, &hosts[0], 0, LINK));
	for (uint32_t i = 10; i < 30; i++)
		assert_ptr_not_equal(hold(as(i, 2, NULL, 0, LINK)), l);
	assert_ptr_not_equal(hold(as(2, 2, &hosts[0], 0, LINK)), l);
	assert_ptr_not_equal(hold(as(3, 2, &hosts[0], 0, LINK)), l);
	/* Known ones have all: none is left for others, but for their like. */
	assert_null(hold(as(40, 2, NULL, 0, LINK)));
	assert_ptr_equal(hold(as(4, 2, &hosts[0], 0, LINK)), l);
}

static void
test_holds_of_one_ingress(void **state)
{
	struct lease *victim;

	(void)state;
	configure(2000);
	start();
	victim = hold(as(1, 2, NULL, 0, OTHER_PORT));
	for (uint32_t i = 0; i < 5000; i++)
		assert_non_null(hold(as(100 + i, 2, NULL, 0, PORT)));
	assert_int_equal(lease_ingress_count(PORT), LEASE_PORT_HOLDS);
	assert_int_equal(lease_ingress_count(OTHER_PORT), 1);
	assert_true(lease_is_of(victim, &as(1, 2, NULL, 0, 0)->id));
	for (uint32_t i = 0; i < 5000; i++)
		assert_non_null(hold(as(10000 + i, 2, NULL, 0, LINK)));
	assert_int_equal(lease_ingress_count(LINK), LEASE_LINK_HOLDS);
	assert_int_equal(stats_of(2).held, LEASE_PORT_HOLDS + LEASE_LINK_HOLDS + 1);
	now += LEASE_HOLD_S;
	assert_int_equal(stats_of(2).held, 0);
	assert_int_equal(lease_ingress_count(LINK), 0);
}

/* --------------------------------------------------------------------- quotas */

static void
test_leases_per_port(void **state)
{
	struct lease *first;

	(void)state;
	configure(20);
	conf.leases_per_port = 3;
	start();
	first = bind(as(1, 2, NULL, 0, PORT), 100);
	assert_non_null(bind(as(2, 2, NULL, 0, PORT), 200));
	assert_non_null(hold(as(3, 2, NULL, 0, PORT)));
	/* A hold gives way to the next. */
	assert_non_null(hold(as(4, 2, NULL, 0, PORT)));
	assert_int_equal(lease_ingress_count(PORT), 3);
	assert_non_null(bind(as(4, 2, NULL, 0, PORT), 200));
	assert_null(choose(as(5, 2, NULL, 0, PORT)));
	assert_false(lease_may_take(at(2, 10), &as(5, 2, NULL, 0, PORT)->want, now));
	/* Who has one renews it, other ports and a reservation are not concerned. */
	assert_ptr_equal(bind(as(1, 2, NULL, 0, PORT), 100), first);
	assert_non_null(bind(as(6, 2, NULL, 0, OTHER_PORT), 100));
	assert_ptr_equal(choose(as(7, 1, &hosts[1], 0, PORT)), at(1, 200));
	for (uint32_t i = 20; i < 30; i++)
		assert_non_null(bind(as(i, 2, NULL, 0, LINK), 100));
	/* What ends or is given back makes room. */
	lease_release(first, now);
	assert_int_equal(lease_ingress_count(PORT), 2);
	assert_non_null(bind(as(5, 2, NULL, 0, PORT), 100));
	/* Its former holder has to stand back too. */
	assert_null(choose(as(1, 2, NULL, 0, PORT)));
	assert_false(lease_may_take(first, &as(1, 2, NULL, 0, PORT)->want, now));
	now += 100;
	assert_non_null(choose(as(1, 2, NULL, 0, PORT)));
}

/* A lease is prolonged past the relay, and then belongs to its port all the same. */
static void
test_port_of_a_renewal(void **state)
{
	struct lease *l;

	(void)state;
	configure(20);
	conf.leases_per_port = 1;
	start();
	l = bind(as(1, 2, NULL, 0, PORT), 100);
	now += 50;
	assert_ptr_equal(bind(as(1, 2, NULL, 0, LINK), 100), l);
	assert_true(lease_ingress_of(l) == PORT);
	assert_int_equal(lease_ingress_count(LINK), 0);
	assert_null(choose(as(2, 2, NULL, 0, PORT)));
	/* It has moved to another port. */
	assert_ptr_equal(bind(as(1, 2, NULL, 0, OTHER_PORT), 100), l);
	assert_true(lease_ingress_of(l) == OTHER_PORT);
	assert_non_null(bind(as(2, 2, NULL, 0, PORT), 100));
	/* Once it has ended it is where it asks from. */
	now += 100;
	assert_ptr_equal(bind(as(1, 2, NULL, 0, LINK), 100), l);
	assert_true(lease_ingress_of(l) == LINK);
}

static void
test_share_of_unknown(void **state)
{
	(void)state;
	configure(20);
	conf.pool_share = 50;
	start();
	for (uint32_t i = 0; i < 10; i++)
		assert_non_null(bind(as(10 + i, 2, NULL, 0, LINK), 100));
	assert_null(choose(as(30, 2, NULL, 0, LINK)));
	for (uint32_t i = 0; i < 10; i++)
		assert_non_null(bind(as(50 + i, 2, &hosts[0], 0, LINK), 200));
	assert_null(choose(as(70, 2, &hosts[0], 0, LINK)));
	now += 100;
	assert_int_equal(stats_of(2).bound, 10);
	/* Known ones may have more than their part, and then there is nothing to share. */
	for (uint32_t i = 0; i < 4; i++)
		assert_non_null(bind(as(80 + i, 2, &hosts[0], 0, LINK), 200));
	for (uint32_t i = 0; i < 6; i++)
		assert_non_null(bind(as(90 + i, 2, NULL, 0, LINK), 200));
	assert_null(choose(as(99, 2, NULL, 0, LINK)));
}

static void
test_share_and_holds(void **state)
{
	struct asker *a;
	struct lease *l;

	(void)state;
	configure(20);
	conf.pool_share = 50;
	start();
	l = hold(as(1, 2, NULL, 0, LINK));
	for (uint32_t i = 0; i < 1000; i++)
		assert_non_null(hold(as(10 + i, 2, NULL, 0, LINK)));
	assert_int_equal(stats_of(2).held, 10);
	a = as(1, 2, NULL, 0, LINK);
	assert_true(lease_may_take(l, &a->want, now));
	lease_bind(l, &a->want, now + 100);
	assert_int_equal(stats_of(2).held, 9);
	assert_int_equal(stats_of(2).bound, 1);
	for (uint32_t i = 0; i < 10; i++)
		assert_non_null(bind(as(2000 + i, 2, &hosts[0], 0, LINK), 100));
}

/* A client that says of each address that somebody has it. */
static void
test_lying_client(void **state)
{
	struct lease *first = NULL, *l;

	(void)state;
	configure(80);
	start();
	for (uint32_t i = 0; i < 1000; i++) {
		l = bind(as(i, 2, NULL, 0, LINK), 1000);
		assert_non_null(l);
		lease_quarantine(l, now + QUARANTINE_S);
		if (i == 0)
			first = l;
		if (i == 9)
			assert_int_equal(first->state, LEASE_QUARANTINED);
		if (i == 10)
			assert_int_equal(first->state, LEASE_FREE);
	}
	assert_int_equal(stats_of(2).quarantined, 10);
	assert_int_equal(stats_of(2).free, 70);
	now += QUARANTINE_S;
	assert_int_equal(stats_of(2).quarantined, 0);
	/* The smallest pool has one address to rest. */
	configure(1);
	start();
	l = bind(as(1, 2, NULL, 0, LINK), 100);
	lease_quarantine(l, now + 50);
	assert_null(choose(as(2, 2, NULL, 0, LINK)));
	lease_quarantine(l, now + 50);
	assert_int_equal(stats_of(2).quarantined, 1);
	now += 50;
	assert_non_null(choose(as(2, 2, NULL, 0, LINK)));
}

/* Who was only counted while it ran is counted again after a restart. */
static void
test_counts_after_restore(void **state)
{
	struct lease_past past = {.state = LEASE_BOUND, .ingress = PORT};

	(void)state;
	configure(20);
	conf.leases_per_port = 3;
	conf.pool_share = 50;
	start();
	lease_restore_begin();
	for (uint32_t i = 0; i < 10; i++) {
		past.id = as(100 + i, 2, NULL, 0, 0)->id;
		past.until = now + 10 + i;
		past.ingress = i < 3 ? PORT : LINK;
		lease_restore(at(2, 1 + i), &past);
	}
	past.state = LEASE_FREE;
	past.until = now - 5;
	past.id = as(200, 2, NULL, 0, 0)->id;
	lease_restore(at(2, 15), &past);
	past.state = LEASE_BOUND;
	past.until = now - 9;
	past.id = as(201, 2, NULL, 0, 0)->id;
	lease_restore(at(2, 16), &past);
	lease_restore_end(now);
	assert_int_equal(lease_ingress_count(PORT), 3);
	assert_int_equal(stats_of(2).bound, 10);
	assert_int_equal(stats_of(2).free, 10);
	assert_null(choose(as(1, 2, &hosts[0], 0, PORT)));
	assert_null(choose(as(1, 2, NULL, 0, OTHER_PORT)));
	now += 10;
	assert_int_equal(number(bind(as(1, 2, NULL, 0, PORT), 100)), 11);
	/* After the never used ones the longest free. */
	for (uint32_t i = 0; i < 7; i++)
		assert_true(number(bind(as(300 + i, 2, &hosts[0], 0, LINK), 100)) >= 12);
	assert_int_equal(number(bind(as(310, 2, &hosts[0], 0, LINK), 100)), 16);
	assert_int_equal(number(bind(as(311, 2, &hosts[0], 0, LINK), 100)), 15);
	assert_int_equal(number(bind(as(312, 2, &hosts[0], 0, LINK), 100)), 1);
}

/* ------------------------------------------------------------------ the names */

static void
test_ingress_names(void **state)
{
	static const struct {
		unsigned link;
		uint32_t relay;
		const char *circuit, *remote;
	} rows[] = {{0, 0, "", ""}, {1, 0, "", ""}, {0, 1, "", ""}, {0, 2, "", ""},
	    {0, 1, "ab", "c"}, {0, 1, "a", "bc"}, {0, 1, "abc", ""}, {0, 1, "", "abc"},
	    {0, 2, "abc", ""}, {0, 0, "abc", ""}, {0, 0, "", "abc"}};
	enum { N = sizeof rows / sizeof rows[0] };
	uint64_t names[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct addr relay = addr_v4(rows[i].relay);
		struct match_bytes c = {(const uint8_t *)rows[i].circuit,
				       strlen(rows[i].circuit)},
				   r = {(const uint8_t *)rows[i].remote,
				       strlen(rows[i].remote)};
		bool port = c.len + r.len > 0;

		names[i] = lease_ingress(rows[i].link, &relay, &c, &r);
		assert_int_not_equal(names[i], 0);
		assert_int_equal(names[i] & 1, port);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(names[i], names[k]);
		/* Behind a relay the link says nothing more. */
		if (port || rows[i].relay != 0)
			assert_int_equal(
			    names[i], lease_ingress(rows[i].link + 1, &relay, &c, &r));
		assert_int_equal(names[i], lease_ingress(rows[i].link, &relay, &c, &r));
	}
}

/* ------------------------------------------------------------------ identities */

static struct lease_id
long_id(uint32_t n, size_t len)
{
	struct lease_id id = {.kind = ID_CLIENT, .len = (uint8_t)len};

	memset(id.b, 0xc3, len);
	memcpy(id.b + len - sizeof n, &n, sizeof n);
	return id;
}

/* Of every length, each told from the others; and no more of them than entries. */
static void
test_long_identities(void **state)
{
	struct match match = {.host = NULL};

	(void)state;
	configure(100);
	start();
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 61; i++) {
			struct lease_id id = long_id(round, 4 + i), other, got;
			struct lease_want w = {&subnets[2], &id, &match, NULL, 0};
			struct lease *l = lease_choose(&w, now);

			assert_non_null(l);
			lease_bind(l, &w, now + 10);
			got = lease_holder(l);
			assert_memory_equal(&got, &id, sizeof id);
			assert_ptr_equal(lease_of(&subnets[2], &id), l);
			other = id;
			other.b[0] ^= 1;
			assert_false(lease_is_of(l, &other));
			assert_null(lease_of(&subnets[2], &other));
			other = id;
			other.kind = ID_UUID;
			assert_false(lease_is_of(l, &other));
			if (i % 3 == 0)
				lease_quarantine(l, now + 1);
		}
		now += 11;
	}
}

/* More names of places than there are entries, one after the other. */
static void
test_many_ingresses(void **state)
{
	(void)state;
	configure(5);
	start();
	for (uint32_t i = 0; i < 20000; i++) {
		struct lease *l = bind(as(i % 3, 2, NULL, 0, PORT + 2 * (uint64_t)i), 100);

		assert_true(lease_ingress_of(l) == PORT + 2 * (uint64_t)i);
		assert_int_equal(lease_ingress_count(PORT + 2 * (uint64_t)i), 1);
		assert_int_equal(
		    i < 3 ? 0 : lease_ingress_count(PORT + 2 * (uint64_t)(i - 3)), 0);
		if (i % 7 == 0)
			lease_release(l, now);
	}
}

/* Many leases end at once, more than one request clears away; those of the machine's own
 * subnet are found all the same. */
static void
test_many_end_at_once(void **state)
{
	(void)state;
	configure(240);
	start();
	for (uint32_t i = 0; i < 239; i++)
		assert_non_null(bind(as(i, 0, NULL, 0, LINK), 100));
	for (uint32_t i = 0; i < 239; i++)
		assert_ptr_equal(
		    lease_subnet(bind(as(1000 + i, 1, NULL, 0, LINK), 100 + i)),
		    &subnets[1]);
	now += 100;
	assert_ptr_equal(choose(as(5000, 1, NULL, 0, LINK)), at(1, 1));
	assert_int_equal(stats_of(0).free, 239);
	assert_int_equal(stats_of(1).free, 1);
}

/* ----------------------------------------------------------------------- cost */

/* Milliseconds of taking, giving back and choosing anew where `free` of the addresses are
 * free. */
static uint64_t
cost(uint32_t size, uint32_t share_free)
{
	uint32_t taken = size - size / 100 * share_free;
	uint64_t began;

	configure(1);
	subnets[2].prefix = 8;
	subnets[2].network = UINT32_C(0x0b000000);
	subnets[2].pools[0] = (struct conf_pool){
	    .first = subnets[2].network, .last = subnets[2].network + size - 1};
	start();
	for (uint32_t i = 0; i < taken; i++)
		(void)bind(as(i, 2, NULL, 0, LINK), 100000 + i % 1000);
	began = clock_mono_ms();
	for (uint32_t i = 0; i < 100000; i++)
		lease_release(bind(as(10000000 + i, 2, NULL, 0, LINK), 5000), now);
	return clock_mono_ms() - began;
}

static void
test_cost_does_not_depend_on_what_is_free(void **state)
{
	uint64_t full, empty;

	(void)state;
	full = cost(300000, 1);
	empty = cost(300000, 90);
	print_message("100000 leases: %u ms at 1 %% free, %u ms at 90 %%\n", (unsigned)full,
	    (unsigned)empty);
	assert_true(full < 4 * empty + 200);
}

static void
test_entry_is_a_cache_line(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct lease), 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pool_rules),
	    cmocka_unit_test(test_several_pools),
	    cmocka_unit_test(test_shared_network),
	    cmocka_unit_test(test_reservation_in_the_other_subnet),
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_hold_is_kept),
	    cmocka_unit_test(test_known_before_unknown),
	    cmocka_unit_test(test_holds_of_one_ingress),
	    cmocka_unit_test(test_leases_per_port),
	    cmocka_unit_test(test_port_of_a_renewal),
	    cmocka_unit_test(test_share_of_unknown),
	    cmocka_unit_test(test_share_and_holds),
	    cmocka_unit_test(test_lying_client),
	    cmocka_unit_test(test_counts_after_restore),
	    cmocka_unit_test(test_ingress_names),
	    cmocka_unit_test(test_long_identities),
	    cmocka_unit_test(test_many_ingresses),
	    cmocka_unit_test(test_many_end_at_once),
	    cmocka_unit_test(test_cost_does_not_depend_on_what_is_free),
	    cmocka_unit_test(test_entry_is_a_cache_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
