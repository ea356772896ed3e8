/*
 * Files without memory, in the broker: asked for once, everybody who waits gets an answer,
 * and what the verifier wants back it gets when nobody holds it any more.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/fetch.h"
#include "src/broker/image_table.h"
#include "src/broker/wait.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

static struct msg m;

static void
object(uint32_t number, uint64_t size)
{
	struct msg out = {.nr = MSG_OBJECT_TELL};

	out.u.object_tell.memfd = number;
	out.u.object_tell.size = size;
	rig_send(&rig.verifier, &out);
}

static void
evict(uint32_t number)
{
	struct msg out = {.nr = MSG_EVICT_TELL};

	out.u.evict_tell.memfd = number;
	rig_send(&rig.verifier, &out);
}

static void
fetched(uint32_t number, bool ok)
{
	struct msg out = {.nr = MSG_FETCH_ANS};

	out.u.fetch_ans.memfd = number;
	out.u.fetch_ans.ok = ok;
	rig_send(&rig.verifier, &out);
}

/* An image "debian" whose file linux lies in cold object 1, of 1000 bytes. */
static int
set_up(void **state)
{
	(void)state;
	rig_init();
	object(1, 1000);
	rig_image(1, "debian", 1);
	rig_file(1, "linux", 1, 0, 1000);
	rig_boot(1, ARCH_X64, "linux", 0);
	rig_number(MSG_ACTIVE_TELL, 1);
	rig_turn();
	rig_session("debian");
	while (rig_take(&rig.verifier, &m) || rig_take(&rig.file_sender[0], &m) ||
	       rig_take(&rig.file_sender[1], &m))
		;
	return 0;
}

static void
assert_verifier_fault(void)
{
	rig_turn();
	assert_true(rig_fault(ROLE_VERIFIER, 0));
	rig_init();
}

/* What the verifier is asked for next; 0: nothing. */
static uint32_t
asked(void)
{
	while (rig_take(&rig.verifier, &m))
		if (m.nr == MSG_FETCH_ASK)
			return m.u.fetch_ask.memfd;
	return 0;
}

static void
get(unsigned worker, uint64_t conn)
{
	struct msg request = rig_get(conn, "debian/linux");

	rig_connect(worker, conn, RIG_CLIENT);
	rig_turn();
	rig_send(&rig.http_parser[worker], &request);
}

static unsigned
count(enum msg_nr nr)
{
	unsigned n = 0;

	for (unsigned w = 0; w < RIG_WORKERS; w++)
		while (rig_take(&rig.file_sender[w], &m))
			n += m.nr == nr;
	return n;
}

static void
all_who_wait_are_served(void **state)
{
	struct msg_rrq_tell rrq = rig_rrq("linux");
	unsigned tftp = 0, http = 0;

	(void)state;
	rig_send_rrq(&rrq);
	rig_turn();
	assert_int_equal(asked(), 1);
	for (uint16_t i = 0; i < 40; i++) {
		rrq.port = (uint16_t)(2000 + i % 20); /* each asks twice */
		rig_send_rrq(&rrq);
		rig_turn();
	}
	for (uint64_t conn = 1; conn <= 30; conn++)
		get((unsigned)conn & 1, conn);
	for (unsigned i = 0; i < 5; i++)
		rig_turn();
	assert_int_equal(asked(), 0); /* once is enough */
	assert_int_equal(wait_count(), 50);
	assert_int_equal(count(MSG_TFTP_GRANT_TELL), 0);
	rig_memfd(1, 1000);
	fetched(1, true);
	for (unsigned i = 0; i < 20; i++) {
		rig_turn();
		for (unsigned w = 0; w < RIG_WORKERS; w++)
			while (rig_take(&rig.file_sender[w], &m)) {
				tftp += m.nr == MSG_TFTP_GRANT_TELL;
				http += m.nr == MSG_HTTP_GRANT_TELL;
			}
	}
	assert_int_equal(tftp, 20);
	assert_int_equal(http, 30);
	assert_int_equal(wait_count(), 0);
	assert_false(rig_fault(ROLE_VERIFIER, 0));
}

/* HTTP is told when to come again; a TFTP client does by itself. */
static void
nobody_waits_for_ever(void **state)
{
	struct msg_rrq_tell rrq = rig_rrq("linux");
	unsigned denied = 0;

	(void)state;
	rig_send_rrq(&rrq);
	get(0, 1);
	rig_turn();
	assert_int_equal(wait_count(), 2);
	broker.now_ms += WAIT_FETCH_MS - 1;
	rig_turn();
	assert_int_equal(wait_count(), 2);
	broker.now_ms += 1;
	rig_turn();
	assert_int_equal(wait_count(), 0);
	for (unsigned w = 0; w < RIG_WORKERS; w++)
		while (rig_take(&rig.file_sender[w], &m)) {
			assert_int_not_equal(m.nr, MSG_TFTP_DENY_TELL);
			if (m.nr != MSG_HTTP_DENY_TELL)
				continue;
			assert_int_equal(m.u.http_deny_tell.status, 503);
			denied++;
		}
	assert_int_equal(denied, 1);
}

/* "Not now": asked again a second later. Retired: not found. */
static void
not_to_be_had(void **state)
{
	(void)state;
	get(0, 1);
	rig_turn();
	assert_int_equal(asked(), 1);
	fetched(1, false);
	rig_turn();
	rig_turn();
	assert_int_equal(asked(), 0);
	broker.now_ms += FETCH_RETRY_MS;
	rig_turn();
	rig_turn();
	assert_int_equal(asked(), 1);
	rig_number(MSG_RETIRE_TELL, 1);
	fetched(1, false);
	rig_number(MSG_DROP_TELL, 1);
	rig_turn();
	rig_turn();
	assert_int_equal(wait_count(), 0);
	assert_true(rig_take_answer(&rig.file_sender[0], &m));
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(m.u.http_deny_tell.status, 404);
	assert_int_equal(memfd_count(), 0);
}

/* The next freed number at the verifier's end; 0: none. *used: as many were said used. */
static uint32_t
freed(unsigned *used)
{
	while (rig_take(&rig.verifier, &m)) {
		*used += m.nr == MSG_USED_TELL;
		if (m.nr == MSG_FREED_TELL)
			return m.u.freed_tell.memfd;
	}
	return 0;
}

static void
given_back_when_nobody_holds_it(void **state)
{
	struct msg closed = {.nr = MSG_CLOSED_TELL};
	unsigned used = 0;

	(void)state;
	rig.closes = false;
	rig_memfd(1, 1000);
	rig_turn();
	get(0, 1);
	rig_turn();
	broker.now_ms += FETCH_USED_MS;
	rig_turn();
	assert_int_equal(freed(&used), 0);
	assert_int_equal(used, 1);
	evict(1);
	rig_turn();
	rig_turn();
	/* It is taken back, and asked for again only when it is free. */
	for (m.nr = 0; m.nr != MSG_DROP_TELL;)
		assert_true(rig_take(&rig.file_sender[0], &m));
	closed.u.closed_tell.memfd = m.u.drop_tell.memfd;
	get(1, 2);
	rig_turn();
	assert_int_equal(freed(&used), 0);
	assert_int_equal(wait_count(), 1);
	rig_send(&rig.file_sender[0], &closed);
	rig_turn();
	rig_turn();
	assert_int_equal(freed(&used), 1);
	assert_int_equal(asked(), 1);
	assert_int_equal(used, 1);
	rig_memfd(1, 1000);
	fetched(1, true);
	rig_turn();
	assert_int_equal(wait_count(), 0);
	/* Saying it twice is a breach. */
	rig_send(&rig.file_sender[0], &closed);
	rig_turn();
	assert_true(rig_fault(ROLE_FILE_SENDER, 0));
}

/* A file-sender that ends holds nothing; neither does a verifier that ends want it. */
static void
ends_count_as_freed(void **state)
{
	unsigned used = 0;

	(void)state;
	rig.closes = false;
	rig_memfd(1, 1000);
	rig_turn();
	get(0, 1);
	rig_turn();
	evict(1);
	rig_turn();
	rig_turn();
	assert_int_equal(freed(&used), 0);
	rig_gone(ROLE_FILE_SENDER, 0);
	rig_turn();
	assert_int_equal(freed(&used), 1);
	rig_memfd(1, 1000);
	rig_turn();
	get(1, 2);
	rig_turn();
	evict(1);
	rig_turn();
	rig_gone(ROLE_VERIFIER, 0);
	rig_gone(ROLE_FILE_SENDER, 1);
	rig_turn();
	assert_int_equal(freed(&used), 0);
	assert_int_equal(memfd_count(), 1); /* the image is still there, cold */
}

/* A new verifier vouches for the image anew: those that wait get it from that. */
static void
a_new_verifier_serves_them(void **state)
{
	(void)state;
	get(0, 1);
	rig_turn();
	rig_gone(ROLE_VERIFIER, 0);
	rig_turn();
	assert_int_equal(wait_count(), 1);
	rig_reset(&rig.verifier);
	rig_debian(1, 1, 0);
	broker.now_ms += FETCH_RETRY_MS;
	rig_turn();
	assert_int_equal(wait_count(), 0);
	assert_int_equal(count(MSG_HTTP_GRANT_TELL), 1);
}

static void
hostile_messages(void **state)
{
	struct msg closed = {.nr = MSG_CLOSED_TELL};

	(void)state;
	object(1, 5);
	assert_verifier_fault();
	set_up(NULL);
	rig_memfd(1, 999); /* another size than was said */
	assert_verifier_fault();
	set_up(NULL);
	evict(1);
	assert_verifier_fault();
	set_up(NULL);
	evict(7);
	assert_verifier_fault();
	set_up(NULL);
	fetched(1, true);
	assert_verifier_fault();
	set_up(NULL);
	rig_memfd(1, 1000);
	rig_memfd(1, 1000);
	assert_verifier_fault();
	set_up(NULL);
	closed.u.closed_tell.memfd = 1;
	rig_send(&rig.file_sender[0], &closed);
	rig_turn();
	assert_true(rig_fault(ROLE_FILE_SENDER, 0));
}

/* As many as there may be, and one more. */
static void
the_pool_is_bounded(void **state)
{
	struct msg_rrq_tell rrq = rig_rrq("linux");

	(void)state;
	for (unsigned i = 0; i < WAIT_POOL + 100; i++) {
		rrq.port = (uint16_t)(1000 + i);
		rig_send_rrq(&rrq);
		rig_turn();
	}
	assert_int_equal(wait_count(), WAIT_POOL);
	rig_memfd(1, 1000);
	for (unsigned i = 0; i < 200 && wait_count() > 0; i++) {
		rig_turn();
		(void)count(MSG_TFTP_GRANT_TELL);
	}
	assert_int_equal(wait_count(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(all_who_wait_are_served, set_up),
	    cmocka_unit_test_setup(nobody_waits_for_ever, set_up),
	    cmocka_unit_test_setup(not_to_be_had, set_up),
	    cmocka_unit_test_setup(given_back_when_nobody_holds_it, set_up),
	    cmocka_unit_test_setup(ends_count_as_freed, set_up),
	    cmocka_unit_test_setup(a_new_verifier_serves_them, set_up),
	    cmocka_unit_test_setup(hostile_messages, set_up),
	    cmocka_unit_test_setup(the_pool_is_bounded, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
