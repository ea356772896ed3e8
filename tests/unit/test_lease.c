/*
 * The lease table: who is given which address, in which order addresses are used again,
 * what happens to a full pool, and the promise that counts, against a plain model: an
 * address is never two machines' at once.
 */
#include "src/broker/lease_start.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/unit.h"

#define NET UINT32_C(0x0a000000)

static struct conf_subnet subnets[2];
static struct conf_host hosts[2];
static struct conf conf;

static void
configure(uint32_t pool)
{
	memset(subnets, 0, sizeof subnets);
	memset(hosts, 0, sizeof hosts);
	memset(&conf, 0, sizeof conf);
	subnets[0].network = NET;
	subnets[0].prefix = 8;
	subnets[0].npools = 1;
	subnets[0].pools[0] = (struct conf_pool){.first = NET + 1, .last = NET + pool};
	subnets[1].network = UINT32_C(0x0b000000);
	subnets[1].prefix = 8;
	subnets[1].npools = 1;
	subnets[1].pools[0] = (struct conf_pool){
	    .first = subnets[1].network + 1, .last = subnets[1].network + 4};
	hosts[0].address = addr_v4(NET + 3);
	hosts[1].address = addr_v4(NET + 0x00ff0001);
	conf.subnets = subnets;
	conf.nsubnets = 2;
	conf.hosts = hosts;
	conf.nhosts = 2;
	assert_int_equal(lease_init(&conf, NULL, 0), 0);
}

static struct lease_id
id_of(uint32_t n)
{
	struct lease_id id;

	memset(&id, 0, sizeof id);
	id.kind = ID_HARDWARE;
	id.len = 7;
	memcpy(id.b, &n, 4);
	return id;
}

static struct lease *
choose_as(unsigned subnet, const struct lease_id *id, const struct conf_host *host,
    const struct addr *wish, uint64_t now)
{
	const struct match match = {.host = host};
	const struct lease_want w = {&subnets[subnet], id, &match, wish, 1};

	return lease_choose(&w, now);
}

static void
hold(struct lease *l, const struct lease_id *id, uint64_t now)
{
	const struct match match = {.host = NULL};
	const struct lease_want w = {lease_subnet(l), id, &match, NULL, 1};

	lease_hold(l, &w, now);
}

static void
bind(struct lease *l, const struct lease_id *id, uint64_t until)
{
	const struct match match = {.host = NULL};
	const struct lease_want w = {lease_subnet(l), id, &match, NULL, 1};

	lease_bind(l, &w, until);
}

static bool
permitted(const struct lease *l, const struct conf_host *host)
{
	const struct match match = {.host = host};

	return lease_permitted(l, &match);
}

static void
restore(struct lease *l, enum lease_state state, const struct lease_id *id, uint64_t until,
    uint64_t written)
{
	lease_restore_begin();
	lease_restore(l, &(struct lease_past){state, *id, until, written, 1, false});
	lease_restore_end(lease_clock(0));
}

static struct lease *
choose(uint32_t n, uint64_t now)
{
	struct lease_id id = id_of(n);

	return choose_as(0, &id, NULL, NULL, now);
}

/* Leases some address to machine n; its number in the network, 0 for none. */
static uint32_t
give(uint32_t n, uint64_t now, uint64_t length)
{
	struct lease_id id = id_of(n);
	struct lease *l = choose(n, now);
	struct addr a;

	if (l == NULL)
		return 0;
	bind(l, &id, now + length);
	a = lease_addr(l);
	return addr_to_v4(&a) - NET;
}

static struct lease *
at(uint32_t n)
{
	struct addr a = addr_v4(NET + n);

	return lease_at(&a);
}

static void
test_order(void **state)
{
	uint64_t now = lease_clock(0);

	(void)state;
	configure(6);
	/* Ascending, without the reserved one. */
	assert_int_equal(give(1, now, 100), 1);
	assert_int_equal(give(2, now, 300), 2);
	assert_int_equal(give(3, now, 200), 4);
	/* One that is known gets its own again, also when it has ended. */
	assert_int_equal(give(1, now + 50, 50), 1);
	assert_int_equal(give(1, now + 150, 10), 1);
	/* Never used ones before ended ones. */
	assert_int_equal(give(4, now + 170, 1000), 5);
	assert_int_equal(give(5, now + 170, 1000), 6);
	/* Then what has been free for longest. */
	assert_int_equal(give(6, now + 400, 1000), 1);
	assert_int_equal(give(7, now + 400, 1000), 4);
	assert_int_equal(give(8, now + 400, 1000), 2);
	assert_int_equal(give(9, now + 400, 1000), 0);
	/* Machine 1 has lost its address to machine 6. */
	assert_null(lease_of(&subnets[0], &(struct lease_id){ID_HARDWARE, 7, {1}}));
	assert_int_equal(give(1, now + 400, 1000), 0);
}

static void
test_hold(void **state)
{
	uint64_t now = lease_clock(5000);
	struct lease_id one = id_of(1), two = id_of(2);
	struct lease *l;

	(void)state;
	configure(1);
	l = choose(1, now);
	hold(l, &one, now);
	/* There is nothing else to give. */
	assert_ptr_equal(choose(2, now + LEASE_HOLD_S - 1), l);
	assert_ptr_equal(choose(1, now + 1), l);
	assert_ptr_equal(choose(2, now + LEASE_HOLD_S), l);
	hold(l, &one, now);
	lease_unhold(l, now);
	assert_ptr_equal(choose(2, now), l);
	/* An OFFER neither shortens nor ends a lease that runs. */
	bind(l, &two, now + 1000);
	hold(l, &two, now);
	assert_int_equal(l->state, LEASE_BOUND);
	assert_int_equal(l->until, now + 1000);
	lease_unhold(l, now);
	assert_int_equal(l->state, LEASE_BOUND);
	/* Near its end it holds for the time that the client has to answer. */
	hold(l, &two, now + 990);
	assert_int_equal(l->until, now + 990 + LEASE_HOLD_S);
}

static void
test_reserved(void **state)
{
	uint64_t now = lease_clock(0);
	struct lease_id one = id_of(1), two = id_of(2);
	struct addr wish = addr_v4(NET + 3);
	struct lease *l;

	(void)state;
	configure(6);
	assert_false(permitted(at(3), NULL));
	assert_false(permitted(at(3), &hosts[1]));
	assert_true(permitted(at(3), &hosts[0]));
	assert_ptr_equal(choose_as(0, &one, &hosts[0], NULL, now), at(3));
	assert_ptr_not_equal(choose_as(0, &two, NULL, &wish, now), at(3));
	/* The one that lies in no pool. */
	l = choose_as(0, &two, &hosts[1], NULL, now);
	assert_ptr_equal(l, at(0x00ff0001));
	/* In another subnet a reservation says nothing. */
	l = choose_as(1, &one, &hosts[0], NULL, now);
	assert_ptr_equal(lease_subnet(l), &subnets[1]);
	/* Held by somebody from before it was reserved: another one until that ends. */
	restore(at(3), LEASE_BOUND, &two, now + 10, 0);
	assert_ptr_not_equal(choose_as(0, &one, &hosts[0], NULL, now), at(3));
	assert_ptr_equal(choose_as(0, &one, &hosts[0], NULL, now + 10), at(3));
}

static void
test_wish(void **state)
{
	uint64_t now = lease_clock(0);
	struct addr wish = addr_v4(NET + 5), other = addr_v4(UINT32_C(0x0b000002)),
		    none = addr_v4(UINT32_C(0x0c000002));
	struct lease_id one = id_of(1), two = id_of(2);

	(void)state;
	configure(6);
	assert_ptr_equal(choose_as(0, &one, NULL, &wish, now), at(5));
	bind(at(5), &one, now + 10);
	assert_ptr_equal(choose_as(0, &two, NULL, &wish, now), at(1));
	assert_ptr_equal(choose_as(0, &two, NULL, &wish, now + 10), at(5));
	assert_ptr_equal(choose_as(0, &two, NULL, &other, now), at(1));
	assert_ptr_equal(choose_as(0, &two, NULL, &none, now), at(1));
}

static void
test_quarantine_and_release(void **state)
{
	uint64_t now = lease_clock(0);
	struct lease_id one = id_of(1);

	(void)state;
	configure(2);
	assert_int_equal(give(1, now, 1000), 1);
	lease_quarantine(at(1), now + 600);
	assert_null(lease_of(&subnets[0], &one));
	assert_int_equal(give(1, now, 1000), 2);
	assert_int_equal(give(2, now + 599, 1000), 0);
	assert_int_equal(give(2, now + 600, 1000), 1);
	lease_release(at(2), now + 600);
	assert_ptr_equal(lease_of(&subnets[0], &one), at(2));
	assert_int_equal(give(3, now + 600, 1000), 2);
	assert_null(lease_of(&subnets[0], &one));
}

static void
test_restore(void **state)
{
	uint64_t now = lease_clock(0);
	struct lease_id one = id_of(1);

	(void)state;
	configure(6);
	/* Two of one machine: the one written later is its own, the other is nobody's. */
	restore(at(1), LEASE_BOUND, &one, now + 500, 20);
	restore(at(2), LEASE_BOUND, &one, now + 900, 10);
	assert_ptr_equal(lease_of(&subnets[0], &one), at(1));
	assert_int_equal(at(2)->state, LEASE_QUARANTINED);
	assert_false(lease_is_free(at(2), now + 899));
	restore(at(4), LEASE_BOUND, &one, now + 500, 30);
	assert_ptr_equal(lease_of(&subnets[0], &one), at(4));
	assert_int_equal(at(1)->state, LEASE_QUARANTINED);
	assert_int_equal(give(2, now, 10), 5);
	assert_int_equal(give(3, now, 10), 6);
	assert_int_equal(give(4, now, 10), 0);
}

/* Random steps against an array that knows who has what until when. */
#define POOL 50
#define MACHINES 80

static void
test_model(void **state)
{
	struct {
		uint32_t machine;
		uint64_t until;
	} model[POOL + 1];
	uint64_t now = lease_clock(0);

	(void)state;
	configure(POOL);
	memset(model, 0, sizeof model);
	srand(815);
	for (unsigned step = 0; step < 200000; step++) {
		uint32_t m = 1 + (uint32_t)rand() % MACHINES;
		uint64_t length = 1 + (uint64_t)(rand() % 300);
		struct lease_id id = id_of(m);
		struct lease *l = lease_of(&subnets[0], &id);
		uint32_t n;

		now += (uint64_t)(rand() % 5);
		if (rand() % 8 == 0 && l != NULL && l->state == LEASE_BOUND) {
			struct addr a = lease_addr(l);

			lease_release(l, now);
			model[addr_to_v4(&a) - NET].until = now;
			continue;
		}
		if (rand() % 8 == 0) {
			l = choose(m, now);
			if (l != NULL)
				hold(l, &id, now);
			continue;
		}
		n = give(m, now, length);
		if (n == 0) {
			for (uint32_t i = 1; i <= POOL; i++)
				assert_true(i == 3 || !lease_is_free(at(i), now));
			continue;
		}
		assert_true(n <= POOL && n != 3);
		assert_true(model[n].machine == m || model[n].until <= now);
		model[n].machine = m;
		model[n].until = now + length;
	}
}

/* Giving from a pool of a quarter of a million, nearly full: no walk. */
static void
test_speed(void **state)
{
	uint64_t now = lease_clock(0), start;
	uint32_t pool = 250000, given = 0;

	(void)state;
	configure(pool);
	for (uint32_t i = 0; i < pool; i++)
		given += give(i + 1000, now, 1000 + i % 977) != 0;
	assert_true(given > pool - pool / 100);
	start = clock_mono_ms();
	for (uint32_t i = 0; i < 200000; i++)
		(void)give(1000000 + i, now + 1000 + i / 200, 1000);
	assert_true(clock_mono_ms() - start < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_reserved),
	    cmocka_unit_test(test_wish),
	    cmocka_unit_test(test_quarantine_and_release),
	    cmocka_unit_test(test_restore),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
