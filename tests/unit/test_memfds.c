/*
 * What file-sender checks of an object that it is given, and who holds it how long; the
 * counts per address; the deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/file-sender/caps.h"
#include "src/file-sender/memfds.h"
#include "src/file-sender/timers.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int
object(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	if (seals != 0)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
release_tables(struct memfds *t)
{
	free(t->all);
	free(t->buckets);
}

static void
only_fully_sealed_objects(void **state)
{
	static const int each[] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL};
	struct memfds t;
	int fd;

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	for (unsigned i = 0; i < 4; i++) {
		fd = object(100, ALL_SEALS & ~each[i]);
		assert_int_equal(memfds_add(&t, 1, 100, fd), ERR_DENIED);
		assert_false(is_open(fd));
	}
	fd = object(100, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 1, 99, fd), ERR_DENIED);
	fd = object(100, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 1, 101, fd), ERR_DENIED);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(memfds_add(&t, 1, 0, fd), ERR_DENIED);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(memfds_add(&t, 1, 0, fd), ERR_DENIED);
	assert_int_equal(t.named, 0);
	fd = object(100, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 1, 100, fd), 0);
	assert_true(is_open(fd));
	fd = object(100, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 1, 100, fd), ERR_DUPLICATE);
	assert_false(is_open(fd));
	memfds_forget(&t);
	release_tables(&t);
}

static void
ranges_lie_inside(void **state)
{
	struct memfds t;

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	assert_int_equal(memfds_add(&t, 7, 1000, object(1000, ALL_SEALS)), 0);
	assert_null(memfds_take(&t, 8, 0, 0));
	assert_null(memfds_take(&t, 7, 0, 1001));
	assert_null(memfds_take(&t, 7, 1001, 0));
	assert_null(memfds_take(&t, 7, 1, 1000));
	assert_null(memfds_take(&t, 7, UINT64_MAX, 2));
	assert_null(memfds_take(&t, 7, 2, UINT64_MAX));
	assert_non_null(memfds_take(&t, 7, 1000, 0));
	assert_non_null(memfds_take(&t, 7, 0, 1000));
	assert_non_null(memfds_take(&t, 7, 999, 1));
	release_tables(&t);
}

/* An object of any size can be mapped, as long as it is one; nothing can be without bytes.
 */
static void
objects_are_mapped(void **state)
{
	static const char bytes[] = "signed bytes";
	struct memfds t;
	struct memfd *m;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_int_equal(memfds_add(&t, 1, sizeof bytes, fd), 0);
	assert_int_equal(memfds_add(&t, 2, 0, object(0, ALL_SEALS)), 0);
	/* More than there are addresses: refused, and closed. */
	fd = object((off_t)1 << 62, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 3, UINT64_C(1) << 62, fd), ERR_FULL);
	assert_false(is_open(fd));
	m = memfds_take(&t, 1, 0, sizeof bytes);
	assert_memory_equal(m->map, bytes, sizeof bytes);
	memfds_give(&t, m);
	m = memfds_take(&t, 2, 0, 0);
	assert_null(m->map);
	memfds_give(&t, m);
	memfds_forget(&t);
	release_tables(&t);
}

static void
transfers_outlive_the_number(void **state)
{
	struct memfds t;
	struct memfd *a, *b;
	int fd = object(10, ALL_SEALS), fd2;

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	assert_int_equal(memfds_add(&t, 5, 10, fd), 0);
	a = memfds_take(&t, 5, 0, 10);
	b = memfds_take(&t, 5, 0, 10);
	assert_int_equal(memfds_drop(&t, 5), 0);
	assert_int_equal(memfds_drop(&t, 5), ERR_ABSENT);
	assert_null(memfds_take(&t, 5, 0, 10));
	assert_true(is_open(fd));
	assert_ptr_equal(a, b);
	assert_int_equal(a->map[0] | a->map[9], 0);
	/* The number may be used again while the old object is still being sent. */
	fd2 = object(20, ALL_SEALS);
	assert_int_equal(memfds_add(&t, 5, 20, fd2), 0);
	memfds_give(&t, a);
	assert_true(is_open(fd));
	memfds_give(&t, b);
	assert_false(is_open(fd));
	memfds_forget(&t);
	assert_false(is_open(fd2));
	release_tables(&t);
}

/* The broker learns of the end of what it dropped, in the order of the ends; after a new
 * one has begun, of nothing that the old one dropped. */
static void
closings_are_told(void **state)
{
	struct memfds t;
	struct memfd *a, *b;
	uint32_t id;

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	assert_int_equal(memfds_add(&t, 1, 10, object(10, ALL_SEALS)), 0);
	assert_int_equal(memfds_add(&t, 2, 10, object(10, ALL_SEALS)), 0);
	a = memfds_take(&t, 1, 0, 10);
	b = memfds_take(&t, 1, 0, 10);
	assert_int_equal(memfds_drop(&t, 1), 0);
	memfds_give(&t, a);
	assert_false(memfds_closed(&t, &id));
	/* The same number for other memory: each is told of once. */
	assert_int_equal(memfds_add(&t, 1, 20, object(20, ALL_SEALS)), 0);
	assert_int_equal(memfds_drop(&t, 1), 0);
	assert_true(memfds_closed(&t, &id));
	assert_int_equal(id, 1);
	memfds_said(&t);
	assert_false(memfds_closed(&t, &id));
	memfds_give(&t, b);
	assert_true(memfds_closed(&t, &id));
	assert_int_equal(id, 1);
	/* Not said yet, or dropped and held, when the broker goes. */
	a = memfds_take(&t, 2, 0, 10);
	assert_int_equal(memfds_drop(&t, 2), 0);
	memfds_forget(&t);
	assert_false(memfds_closed(&t, &id));
	memfds_give(&t, a);
	assert_false(memfds_closed(&t, &id));
	release_tables(&t);
}

static void
table_is_bounded(void **state)
{
	struct memfds t;
	int fd = object(1, ALL_SEALS);
	uint32_t id;

	(void)state;
	assert_int_equal(memfds_init(&t), 0);
	/* Few descriptors are needed if all but the numbers are dropped... */
	for (uint32_t i = 0; i < 3 * MEMFDS_NAMED_MAX; i++) {
		assert_int_equal(memfds_add(&t, i, 1, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
		assert_int_equal(memfds_drop(&t, i), 0);
		assert_true(memfds_closed(&t, &id));
		assert_int_equal(id, i);
		memfds_said(&t);
		assert_false(memfds_closed(&t, &id));
	}
	/* ...and the limit holds for those that are kept. */
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(memfds_add(&t, i, 1, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
	t.named += MEMFDS_NAMED_MAX - 200;
	assert_int_equal(memfds_add(&t, 999, 1, fcntl(fd, F_DUPFD_CLOEXEC, 0)), ERR_FULL);
	t.named -= MEMFDS_NAMED_MAX - 200;
	memfds_forget(&t);
	assert_int_equal(t.named, 0);
	close(fd);
	release_tables(&t);
}

static void
caps_count_per_address(void **state)
{
	struct caps c;
	struct addr a = addr_v4(0x0a000001), b = addr_v4(0x0a000002);
	struct addr v6 = {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8}};
	struct addr same64 = v6;

	(void)state;
	assert_int_equal(caps_init(&c, 100, 42), 0);
	assert_true(caps_take(&c, &a, 2));
	assert_true(caps_take(&c, &a, 2));
	assert_false(caps_take(&c, &a, 2));
	assert_true(caps_take(&c, &b, 2));
	caps_give(&c, &a);
	assert_true(caps_take(&c, &a, 2));
	assert_false(caps_take(&c, &b, 0));
	/* A client with a /64 has 2^64 addresses, and one budget. */
	same64.b[15] = 9;
	assert_true(caps_take(&c, &v6, 1));
	assert_false(caps_take(&c, &same64, 1));
	caps_give(&c, &same64);
	assert_true(caps_take(&c, &v6, 1));
	free(c.slots);
}

/* Random takes and gives against a plain array of counts. */
static void
caps_agree_with_a_model(void **state)
{
	enum { ADDRS = 300, MAX = 256 };
	unsigned model[ADDRS] = {0}, total = 0;
	struct caps c;

	(void)state;
	srandom(1);
	assert_int_equal(caps_init(&c, MAX, 7), 0);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned k = (unsigned)random() % ADDRS;
		struct addr a = addr_v4(0xc0a80000u + k);

		if (random() % 2 == 0 && total < MAX) {
			bool took = caps_take(&c, &a, 3);

			assert_int_equal(took, model[k] < 3);
			model[k] += took;
			total += took;
		} else if (model[k] > 0) {
			caps_give(&c, &a);
			model[k]--;
			total--;
		}
	}
	for (unsigned k = 0; k < ADDRS; k++)
		while (model[k]-- > 0) {
			struct addr a = addr_v4(0xc0a80000u + k);

			caps_give(&c, &a);
		}
	for (uint32_t i = 0; i <= c.mask; i++)
		assert_int_equal(c.slots[i].count, 0);
	free(c.slots);
}

static void
release_timers(struct timers *t)
{
	free(t->when);
	free(t->key);
	free(t->where);
	free(t->heap);
}

/* Random deadlines against a plain array. */
static void
timers_agree_with_a_model(void **state)
{
	enum { ITEMS = 100 };
	uint64_t model[ITEMS], now = 0;
	struct timers t;

	(void)state;
	srandom(2);
	assert_int_equal(timers_init(&t, ITEMS), 0);
	assert_int_equal(timers_next(&t), UINT64_MAX);
	for (unsigned i = 0; i < ITEMS; i++)
		model[i] = UINT64_MAX;
	for (unsigned round = 0; round < 50000; round++) {
		uint32_t k = (uint32_t)random() % ITEMS, got;
		uint64_t earliest = UINT64_MAX;

		if (random() % 8 == 0) {
			timers_clear(&t, k);
			model[k] = UINT64_MAX;
		} else {
			model[k] = now + 1 + (uint64_t)random() % 50;
			timers_set(&t, k, model[k]);
		}
		now += (uint64_t)random() % 3;
		while ((got = timers_take_due(&t, now)) != TIMERS_OUT) {
			assert_true(model[got] <= now);
			model[got] = UINT64_MAX;
		}
		for (unsigned i = 0; i < ITEMS; i++) {
			assert_true(model[i] > now);
			earliest = model[i] < earliest ? model[i] : earliest;
		}
		assert_true(timers_next(&t) <= earliest);
	}
	release_timers(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_fully_sealed_objects),
	    cmocka_unit_test(ranges_lie_inside),
	    cmocka_unit_test(objects_are_mapped),
	    cmocka_unit_test(transfers_outlive_the_number),
	    cmocka_unit_test(closings_are_told),
	    cmocka_unit_test(table_is_bounded),
	    cmocka_unit_test(caps_count_per_address),
	    cmocka_unit_test(caps_agree_with_a_model),
	    cmocka_unit_test(timers_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
