/*
 * Which objects of the verifier have memory: the budget, and who leaves for whom. The
 * objects here are entries of the table alone; what is loaded in truth is in
 * test_verifier.c.
 */
#include <sys/mman.h>

#include "src/verifier/cache.h"
#include "src/verifier/sealed.h"
#include "tests/unit/unit.h"

#define BUDGET 1000u
#define NOW 100000u

static unsigned places[8];

/* A ready object, which the broker has, as old as its number is low. */
static void
ready(unsigned i, uint64_t size, uint64_t now)
{
	int place = sealed_new(size);

	assert_true(place >= 0);
	places[i] = (unsigned)place;
	sealed_begin(places[i], now);
	sealed_ready(places[i], memfd_create("test", MFD_CLOEXEC), now);
	sealed_at(places[i])->told = sealed_at(places[i])->given = true;
}

static uint32_t
cold(unsigned i, uint64_t size)
{
	int place = sealed_new(size);

	assert_true(place >= 0);
	places[i] = (unsigned)place;
	sealed_at(places[i])->told = true;
	return sealed_at(places[i])->id;
}

static enum sealed_state
state_of(unsigned i)
{
	return sealed_at(places[i])->state;
}

/* As when the broker has been told and has given it back. */
static void
free_it(unsigned i)
{
	sealed_at(places[i])->asked = true;
	cache_freed(sealed_at(places[i])->id);
}

static int
fresh(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		struct sealed *s = sealed_at(i);

		if (s == NULL)
			continue;
		if (s->state == SEALED_LOADING)
			sealed_fail(i);
		s->told = s->given = false;
		if (s->state == SEALED_LEAVING) {
			sealed_freed(i);
			s->told = false;
		}
		sealed_unref(i);
	}
	while (sealed_listed() != SEALED_NONE)
		sealed_unlist();
	for (enum sealed_state s = 0; s < SEALED_STATES; s++) {
		assert_int_equal(sealed_bytes(s), 0);
		assert_int_equal(sealed_count(s), 0);
	}
	cache_init(BUDGET);
	return 0;
}

static void
the_oldest_leaves(void **state)
{
	uint32_t id;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		ready(i, 250, 1000 + i);
	cache_used(sealed_at(places[0])->id);
	id = cold(4, 300);
	cache_want(id, NOW);
	cache_turn(NOW);
	/* 0 was used last; two have to go for 300 bytes. */
	assert_int_equal(state_of(0), SEALED_READY);
	assert_int_equal(state_of(1), SEALED_LEAVING);
	assert_int_equal(state_of(2), SEALED_LEAVING);
	assert_int_equal(state_of(3), SEALED_READY);
	assert_int_equal(cache_room(), 0);
	assert_int_equal(cache_counts()->evictions, 2);
	/* Asking again, or more turns, change nothing. */
	cache_want(id, NOW);
	for (unsigned i = 0; i < 5; i++)
		cache_turn(NOW + i);
	assert_int_equal(cache_counts()->evictions, 2);
	free_it(1);
	assert_int_equal(cache_room(), 250);
	cache_turn(NOW);
	assert_int_equal(state_of(4), SEALED_COLD);
	assert_true(sealed_at(places[4])->wanted);
	/* Room at last; nobody has the file any more. */
	free_it(2);
	cache_turn(NOW);
	assert_false(sealed_at(places[4])->wanted);
	assert_int_equal(sealed_at(places[4])->answer, ANSWER_NO);
}

static void
who_came_just_now_stays(void **state)
{
	(void)state;
	ready(0, 900, NOW);
	cache_want(cold(1, 500), NOW);
	cache_turn(NOW + CACHE_STAY_MS - 1);
	assert_int_equal(state_of(0), SEALED_READY);
	cache_turn(NOW + CACHE_STAY_MS);
	assert_int_equal(state_of(0), SEALED_LEAVING);
}

/* What was never given to the broker needs nobody's leave. */
static void
not_given_is_free_at_once(void **state)
{
	(void)state;
	ready(0, 900, 0);
	sealed_at(places[0])->given = false;
	cache_want(cold(1, 500), NOW);
	cache_turn(NOW);
	assert_int_equal(state_of(0), SEALED_COLD);
	assert_int_equal(cache_room(), BUDGET);
}

/* A small one does not wait for the room that a large one waits for. */
static void
small_ones_pass(void **state)
{
	(void)state;
	ready(0, 900, 0);
	cache_want(cold(1, 1000), NOW);
	cache_want(cold(2, 90), NOW);
	cache_want(cold(3, BUDGET / 16), NOW);
	cache_turn(NOW);
	assert_true(sealed_at(places[1])->wanted);
	assert_true(sealed_at(places[2])->wanted);
	assert_false(sealed_at(places[3])->wanted);
}

static void
held_for_long_counts_no_more(void **state)
{
	(void)state;
	ready(0, 600, 0);
	ready(1, 400, 1);
	cache_want(cold(2, 1000), NOW);
	cache_turn(NOW);
	assert_int_equal(sealed_bytes(SEALED_LEAVING), 1000);
	cache_tick(NOW + CACHE_OVERDUE_MS);
	assert_int_equal(cache_room(), 0);
	cache_tick(NOW + CACHE_OVERDUE_MS + 1);
	assert_int_equal(cache_room(), BUDGET);
	/* But not more than the budget once again. */
	ready(3, 700, 0);
	assert_int_equal(cache_room(), 300);
	cache_want(cold(4, 900), 2 * NOW);
	sealed_leave(places[3], NOW);
	cache_tick(3 * NOW);
	assert_int_equal(sealed_overdue(), 1700);
	assert_int_equal(cache_room(), 300);
	free_it(1);
	assert_int_equal(sealed_overdue(), 1300);
	assert_int_equal(cache_room(), 700);
	free_it(0);
	free_it(3);
	assert_int_equal(sealed_overdue(), 0);
	assert_int_equal(cache_room(), BUDGET);
}

/* Sizes as a manifest may name them do not run over any sum. */
static void
sums_hold(void **state)
{
	(void)state;
	cache_init(UINT64_C(1) << 60);
	assert_false(cache_fits(UINT64_MAX));
	assert_false(cache_fits((UINT64_C(1) << 60) + 1));
	assert_true(cache_fits(UINT64_C(1) << 60));
	ready(0, UINT64_C(1) << 60, 0);
	assert_int_equal(cache_room(), 0);
	assert_true(cache_fits(0));
	cache_want(cold(1, UINT64_C(1) << 60), NOW);
	cache_turn(NOW);
	cache_tick(NOW + CACHE_OVERDUE_MS + 1);
	assert_int_equal(cache_room(), UINT64_C(1) << 60);
}

/* A broker that lies makes us work in vain, and no more. */
static void
a_lying_broker(void **state)
{
	(void)state;
	ready(0, 500, NOW);
	for (uint32_t id = 0; id < 20; id++) {
		cache_freed(id); /* nothing is leaving */
		cache_used(id + 1000000);
		cache_want(id + 1000000, NOW);
	}
	assert_int_equal(state_of(0), SEALED_READY);
	for (unsigned i = 0; i < 100; i++)
		cache_want(sealed_at(places[0])->id, NOW);
	assert_int_equal(sealed_at(places[0])->answer, ANSWER_YES);
	assert_int_equal(sealed_listed(), places[0]);
	sealed_unlist();
	assert_int_equal(sealed_listed(), SEALED_NONE);
	/* Freed before it was asked to. */
	sealed_at(places[0])->answer = ANSWER_NONE;
	cache_want(cold(1, 900), NOW);
	cache_turn(NOW + CACHE_STAY_MS);
	assert_int_equal(state_of(0), SEALED_LEAVING);
	cache_freed(sealed_at(places[0])->id);
	assert_int_equal(state_of(0), SEALED_LEAVING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_oldest_leaves, fresh),
	    cmocka_unit_test_setup(who_came_just_now_stays, fresh),
	    cmocka_unit_test_setup(not_given_is_free_at_once, fresh),
	    cmocka_unit_test_setup(small_ones_pass, fresh),
	    cmocka_unit_test_setup(held_for_long_counts_no_more, fresh),
	    cmocka_unit_test_setup(sums_hold, fresh),
	    cmocka_unit_test_setup(a_lying_broker, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
