/*
 * Boot sessions: found by machine and by address, ended by time, displaced in the right
 * order when the table is full; and the same against a plain model for many random steps.
 */
#include "src/broker/session.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct mac
mac_of(uint32_t n)
{
	return (struct mac){
	    {0x52, 0x54, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static struct addr
addr_of(uint32_t n)
{
	return addr_v4(UINT32_C(0x0a000000) + n);
}

static struct session *
open_one(uint32_t n, uint64_t now_ms)
{
	struct mac mac = mac_of(n);

	return session_open(&mac, now_ms);
}

static struct session *
find_one(uint32_t n, uint64_t now_ms)
{
	struct mac mac = mac_of(n);

	return session_of_mac(&mac, now_ms);
}

static struct session *
find_addr(uint32_t n, uint64_t now_ms)
{
	struct addr a = addr_of(n);

	return session_of_addr(&a, now_ms);
}

static void
add_addr(struct session *s, uint32_t n)
{
	struct addr a = addr_of(n);

	session_add_addr(s, &a);
}

static void
test_open_and_find(void **state)
{
	struct session *s, *t;

	(void)state;
	session_init(8, 3600);
	s = open_one(1, 1000);
	assert_true(s->id != 0);
	assert_ptr_equal(open_one(1, 1500), s);
	assert_ptr_equal(find_one(1, 1500), s);
	assert_null(find_one(2, 1500));
	t = open_one(2, 1000);
	assert_true(t->id != s->id);
	assert_int_equal(session_count(), 2);
}

static void
test_addresses(void **state)
{
	struct session *s, *t;
	struct addr a;

	(void)state;
	session_init(8, 3600);
	s = open_one(1, 1000);
	t = open_one(2, 1000);
	for (uint32_t i = 0; i < SESSION_ADDRS; i++)
		add_addr(s, i);
	for (uint32_t i = 0; i < SESSION_ADDRS; i++)
		assert_ptr_equal(find_addr(i, 1000), s);
	/* Newest first; one more pushes the oldest out. */
	a = addr_of(SESSION_ADDRS - 1);
	assert_true(addr_equal(&s->addrs[0], &a));
	add_addr(s, 99);
	assert_null(find_addr(0, 1000));
	assert_ptr_equal(find_addr(1, 1000), s);
	/* The same again moves to the front and pushes nothing out. */
	add_addr(s, 1);
	for (uint32_t i = 1; i < SESSION_ADDRS; i++)
		assert_ptr_equal(find_addr(i, 1000), s);
	/* Given to another machine. */
	add_addr(t, 99);
	assert_ptr_equal(find_addr(99, 1000), t);
	a = addr_of(99);
	session_drop_addr(&a);
	assert_null(find_addr(99, 1000));
	session_drop_addr(&a);
	assert_int_equal(t->addrs[0].family, ADDR_NONE);
}

static void
test_life(void **state)
{
	struct session *s;
	uint32_t id;

	(void)state;
	session_init(8, 3600);
	s = open_one(1, 1000);
	add_addr(s, 1);
	assert_non_null(find_addr(1, 61000));
	assert_null(find_addr(1, 61001));
	assert_null(find_one(1, 61001));
	/* A new one, of which the old address is no part. */
	id = s->id;
	s = open_one(1, 61001);
	assert_true(s->id != id);
	assert_null(find_addr(1, 61001));
	session_confirm(s);
	assert_non_null(find_one(1, 61001 + 3600000));
	assert_null(find_one(1, 61001 + 3600001));
	session_touch(s, 61001 + 3600000);
	assert_non_null(find_one(1, 61001 + 7200000));
	/* The clock of another process's message may be behind. */
	assert_non_null(find_one(1, 5));
}

static void
test_restart(void **state)
{
	struct session *s;
	uint32_t id;

	(void)state;
	session_init(8, 3600);
	s = open_one(1, 0);
	add_addr(s, 1);
	session_confirm(s);
	s->ipxe = true;
	id = s->id;
	session_restart(s);
	assert_true(s->id != id && s->id != 0);
	assert_false(s->ipxe);
	assert_true(s->confirmed);
	assert_ptr_equal(find_addr(1, 3600000), s);
}

/* A flood of OFFERs goes through the table without touching who holds a lease. */
static void
test_full(void **state)
{
	(void)state;
	session_init(8, 3600);
	for (uint32_t i = 0; i < 4; i++) {
		struct session *s = open_one(i, i);

		add_addr(s, i);
		session_confirm(s);
	}
	for (uint32_t i = 100; i < 10100; i++)
		add_addr(open_one(i, 1000), i);
	assert_int_equal(session_count(), 8);
	for (uint32_t i = 0; i < 4; i++)
		assert_non_null(find_addr(i, 1000));
	for (uint32_t i = 10096; i < 10100; i++)
		assert_non_null(find_addr(i, 1000));
	assert_null(find_addr(10095, 1000));
	/* Only confirmed ones: the idle one goes. */
	session_init(2, 3600);
	session_confirm(open_one(1, 1));
	session_confirm(open_one(2, 2));
	session_touch(find_one(1, 3), 3);
	session_confirm(open_one(3, 4));
	assert_non_null(find_one(1, 4));
	assert_null(find_one(2, 4));
}

/* The model: an array of machines, each with the addresses it was given. */
#define MACHINES 40
#define ADDRS 60

static void
check_model(const int *owner, uint64_t now)
{
	for (uint32_t a = 0; a < ADDRS; a++) {
		struct session *s = find_addr(a, now);
		struct mac mac;

		if (s == NULL)
			continue;
		assert_true(owner[a] >= 0);
		mac = mac_of((uint32_t)owner[a]);
		assert_true(mac_equal(&s->mac, &mac));
	}
	for (uint32_t m = 0; m < MACHINES; m++) {
		struct session *s = find_one(m, now);

		for (unsigned k = 0; s != NULL && k < SESSION_ADDRS; k++)
			if (s->addrs[k].family != ADDR_NONE)
				assert_ptr_equal(session_of_addr(&s->addrs[k], now), s);
	}
}

static void
test_model(void **state)
{
	int owner[ADDRS];
	uint64_t now = 0;

	(void)state;
	srand(4711);
	memset(owner, 0xff, sizeof owner);
	session_init(16, 100);
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t m = (uint32_t)rand() % MACHINES, n = (uint32_t)rand() % ADDRS;
		struct session *s = open_one(m, now);
		struct addr a = addr_of(n);

		switch (rand() % 5) {
		case 0: session_confirm(s); break;
		case 1: session_touch(s, now); break;
		case 2:
			session_drop_addr(&a);
			owner[n] = -1;
			break;
		default:
			session_add_addr(s, &a);
			owner[n] = (int)m;
			break;
		}
		now += (uint64_t)(rand() % 4000);
		assert_true(session_count() <= 16);
		if (step % 10 == 0)
			check_model(owner, now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open_and_find),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
