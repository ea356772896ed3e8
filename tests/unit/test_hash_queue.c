/*
 * The order in which the verifier's threads take jobs.
 */
#include <string.h>

#include "src/verifier/queue.h"
#include "tests/unit/unit.h"

static struct hash_job
job_of(uint64_t size, bool urgent)
{
	struct hash_job job = {.size = size, .urgent = urgent};

	return job;
}

static void
alike_in_their_order(void **state)
{
	struct hash_job jobs[5];
	struct queue q;

	(void)state;
	queue_init(&q, 2);
	assert_null(queue_get(&q));
	for (unsigned i = 0; i < 5; i++) {
		jobs[i] = job_of(i, false);
		queue_put(&q, &jobs[i]);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(queue_get(&q), &jobs[i]);
	assert_null(queue_get(&q));
	queue_put(&q, &jobs[0]);
	assert_ptr_equal(queue_get(&q), &jobs[0]);
}

static void
a_small_one_passes_large_ones(void **state)
{
	struct hash_job large[4], small = job_of(QUEUE_LARGE - 1, false);
	struct queue q;

	(void)state;
	queue_init(&q, 3);
	for (unsigned i = 0; i < 4; i++) {
		large[i] = job_of(QUEUE_LARGE, false);
		queue_put(&q, &large[i]);
	}
	assert_ptr_equal(queue_get(&q), &large[0]);
	assert_ptr_equal(queue_get(&q), &large[1]);
	assert_null(queue_get(&q));
	queue_put(&q, &small);
	assert_ptr_equal(queue_get(&q), &small);
	queue_ran(&q, &small);
	assert_null(queue_get(&q));
	queue_ran(&q, &large[0]);
	assert_ptr_equal(queue_get(&q), &large[2]);
	assert_null(queue_get(&q));
}

static void
a_large_one_is_not_starved(void **state)
{
	struct hash_job small[3], large = job_of(UINT64_MAX, false);
	struct queue q;

	(void)state;
	queue_init(&q, 2);
	for (unsigned i = 0; i < 3; i++) {
		small[i] = job_of(0, false);
		queue_put(&q, &small[i]);
	}
	queue_put(&q, &large);
	assert_ptr_equal(queue_get(&q), &large);
	assert_ptr_equal(queue_get(&q), &small[0]);
	assert_ptr_equal(queue_get(&q), &small[1]);
}

static void
one_thread_takes_all(void **state)
{
	struct hash_job large = job_of(QUEUE_LARGE, true);
	struct queue q;

	(void)state;
	queue_init(&q, 1);
	queue_put(&q, &large);
	assert_ptr_equal(queue_get(&q), &large);
	assert_null(queue_get(&q));
	queue_ran(&q, &large);
	queue_put(&q, &large);
	assert_ptr_equal(queue_get(&q), &large);
}

static void
who_waits_goes_first(void **state)
{
	struct hash_job rest[20], urgent[20];
	unsigned of_the_rest = 0, first_twelve = 0;
	struct queue q;

	(void)state;
	queue_init(&q, 2);
	for (unsigned i = 0; i < 20; i++) {
		rest[i] = job_of(1, false);
		urgent[i] = job_of(1, true);
		queue_put(&q, &rest[i]);
		queue_put(&q, &urgent[i]);
	}
	for (unsigned i = 0; i < 40; i++) {
		const struct hash_job *job = queue_get(&q);

		assert_non_null(job);
		of_the_rest += !job->urgent;
		if (i < 12)
			first_twelve = of_the_rest;
	}
	assert_int_equal(first_twelve, 3);
	assert_int_equal(of_the_rest, 20);
	assert_null(queue_get(&q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(alike_in_their_order),
	    cmocka_unit_test(a_small_one_passes_large_ones),
	    cmocka_unit_test(a_large_one_is_not_starved),
	    cmocka_unit_test(one_thread_takes_all),
	    cmocka_unit_test(who_waits_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
