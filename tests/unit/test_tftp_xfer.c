/*
 * The TFTP transfer rules, as sequences of what comes in and what must go out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/file-sender/tftp_xfer.h"

enum in { ACK, ERR, TICK, UNSENT };

/* At time `at` this comes in, and `what` must go out, blocks first..first+count-1. */
struct step {
	uint64_t at;
	enum in in;
	uint16_t number;
	enum tftp_do what;
	uint64_t first;
	uint32_t count;
};

static void
check_act(const struct tftp_act *act, const struct step *s, size_t i)
{
	if (act->what != s->what || (s->what == TFTP_DO_DATA && act->first != s->first) ||
	    (s->what == TFTP_DO_DATA && act->count != s->count))
		fail_msg("step %zu: got %d %llu+%u, expected %d %llu+%u", i, act->what,
		    (unsigned long long)act->first, act->count, s->what,
		    (unsigned long long)s->first, s->count);
	if (act->what == TFTP_DO_FAIL)
		assert_non_null(act->why);
}

static void
run(struct tftp_xfer *x, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct step *s = &steps[i];
		struct tftp_act act = {TFTP_DO_NOTHING, 0, 0, NULL};

		switch (s->in) {
		case ACK: tftp_xfer_ack(x, s->number, s->at, &act); break;
		case ERR: tftp_xfer_error(x, s->number, &act); break;
		case TICK: tftp_xfer_tick(x, s->at, &act); break;
		case UNSENT: tftp_xfer_unsent(x, s->at); break;
		}
		check_act(&act, s, i);
	}
}

#define RUN(x, steps) run((x), (steps), sizeof(steps) / sizeof(steps)[0])

static struct tftp_xfer
begin(uint64_t length, bool oack, uint16_t blksize, uint16_t window, uint8_t timeout_s)
{
	struct tftp_terms terms = {length, oack, blksize, window, timeout_s};
	struct tftp_xfer x;
	struct tftp_act act;

	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), 0);
	assert_int_equal(act.what, oack ? TFTP_DO_OACK : TFTP_DO_DATA);
	if (!oack) {
		assert_int_equal(act.first, 1);
		assert_int_equal(act.count, 1);
	}
	return x;
}

static void
plain_transfer(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 1, TFTP_DO_DATA, 2, 1},
	    {2, ACK, 2, TFTP_DO_DATA, 3, 1},
	    {3, ACK, 3, TFTP_DO_DONE, 0, 0},
	    {4, ACK, 3, TFTP_DO_NOTHING, 0, 0},
	    {9999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	};
	struct tftp_xfer x = begin(1025, false, 512, 1, 0);

	(void)state;
	assert_int_equal(x.blocks, 3);
	assert_int_equal(tftp_xfer_block_len(&x, 1), 512);
	assert_int_equal(tftp_xfer_block_len(&x, 2), 512);
	assert_int_equal(tftp_xfer_block_len(&x, 3), 1);
	RUN(&x, steps);
	assert_int_equal(x.phase, TFTP_OVER);
}

static void
exact_multiple_ends_with_empty_block(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 1, TFTP_DO_DATA, 2, 1},
	    {2, ACK, 2, TFTP_DO_DATA, 3, 1},
	    {3, ACK, 3, TFTP_DO_DONE, 0, 0},
	};
	struct tftp_xfer x = begin(1024, false, 512, 1, 0);

	(void)state;
	assert_int_equal(tftp_xfer_block_len(&x, 3), 0);
	RUN(&x, steps);
}

static void
empty_file_is_one_empty_block(void **state)
{
	static const struct step steps[] = {{1, ACK, 1, TFTP_DO_DONE, 0, 0}};
	struct tftp_xfer x = begin(0, false, 512, 1, 0);

	(void)state;
	assert_int_equal(x.blocks, 1);
	assert_int_equal(tftp_xfer_block_len(&x, 1), 0);
	RUN(&x, steps);
}

/* Three sends, then nothing more: what a forged address gets at most. */
static void
silent_peer_gets_three_datagrams(void **state)
{
	static const struct step steps[] = {
	    {999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {1000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {2999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {3000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {6999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {7000, TICK, 0, TFTP_DO_FAIL, 0, 0},
	    {8000, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	};
	static const struct step plain[] = {
	    {1000, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {3000, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {7000, TICK, 0, TFTP_DO_FAIL, 0, 0},
	};
	struct tftp_xfer x = begin(100000, true, 1468, 16, 0);

	(void)state;
	RUN(&x, steps);
	x = begin(100000, false, 512, 1, 0);
	RUN(&x, plain);
}

/* Wrong numbers before the first valid ACK must not open the window. */
static void
forged_ack_does_not_open(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {1, ACK, 65535, TFTP_DO_NOTHING, 0, 0},
	    {2, ACK, 0, TFTP_DO_DATA, 1, 4},
	    {3, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	};
	static const struct step plain[] = {
	    {1, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {1, ACK, 2, TFTP_DO_NOTHING, 0, 0},
	    {2, ACK, 1, TFTP_DO_DATA, 2, 1},
	};
	struct tftp_xfer x = begin(100000, true, 1468, 4, 0);

	(void)state;
	RUN(&x, steps);
	x = begin(100000, false, 512, 1, 0);
	RUN(&x, plain);
}

/* RFC 1123, 4.2.3.1: a repeated acknowledgement never causes a send. */
static void
duplicate_acks_send_nothing(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {2, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {3, ACK, 1, TFTP_DO_DATA, 2, 1},
	    {4, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {5, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {6, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {7, ACK, 3, TFTP_DO_NOTHING, 0, 0},
	    {8, ACK, 2, TFTP_DO_DATA, 3, 1},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
}

static void
lost_data_is_repeated_with_back_off(void **state)
{
	static const struct step steps[] = {
	    {10, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {1009, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {1010, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {3010, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {7010, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {11010, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {11020, ACK, 1, TFTP_DO_DATA, 2, 1},
	    /* Progress: back to one second. */
	    {12020, TICK, 0, TFTP_DO_DATA, 2, 1},
	    {14020, TICK, 0, TFTP_DO_DATA, 2, 1},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
}

static void
gives_up_after_thirty_seconds(void **state)
{
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);
	struct tftp_act act;
	unsigned sends = 0;

	(void)state;
	tftp_xfer_ack(&x, 0, 100, &act);
	while (x.phase != TFTP_OVER) {
		uint64_t at = x.deadline;

		assert_in_range(at, 0, 40000);
		tftp_xfer_tick(&x, at, &act);
		if (act.what == TFTP_DO_DATA)
			sends++;
		else
			assert_in_range(at, 30100, 34100);
	}
	assert_int_equal(act.what, TFTP_DO_FAIL);
	assert_string_equal(act.why, "timeout");
	assert_in_range(sends, 7, 9);
}

static void
granted_timeout_sets_the_interval(void **state)
{
	static const struct step steps[] = {
	    {2999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {3000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {3001, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {6000, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {6001, TICK, 0, TFTP_DO_DATA, 1, 1},
	};
	static const struct step slow[] = {
	    {59999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {60000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {119999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {120000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {180000, TICK, 0, TFTP_DO_FAIL, 0, 0},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 3);

	(void)state;
	RUN(&x, steps);
	x = begin(10000, true, 1000, 1, 60);
	RUN(&x, slow);
}

static void
window_moves_with_partial_acks(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 4},
	    /* Block 3 was lost: the client acknowledges 2, several times. */
	    {2, ACK, 2, TFTP_DO_DATA, 3, 4},
	    {3, ACK, 2, TFTP_DO_NOTHING, 0, 0},
	    {4, ACK, 2, TFTP_DO_NOTHING, 0, 0},
	    {5, ACK, 6, TFTP_DO_DATA, 7, 4},
	    /* The last window is shorter: blocks 9, 10. */
	    {6, ACK, 8, TFTP_DO_DATA, 9, 2},
	    {1006, TICK, 0, TFTP_DO_DATA, 9, 2},
	    {1007, ACK, 9, TFTP_DO_DATA, 10, 1},
	    {1008, ACK, 10, TFTP_DO_DONE, 0, 0},
	};
	struct tftp_xfer x = begin(9500, true, 1000, 4, 0);

	(void)state;
	assert_int_equal(x.blocks, 10);
	RUN(&x, steps);
}

static void
largest_window_is_unambiguous(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 65535},
	    {2, ACK, 65535, TFTP_DO_DATA, 65536, 65535},
	    {3, ACK, 65535, TFTP_DO_NOTHING, 0, 0},
	    /* 131070 is 65534 on the wire. */
	    {4, ACK, 65534, TFTP_DO_DATA, 131071, 65535},
	};
	struct tftp_xfer x = begin(UINT64_C(8) * 300000, true, 8, 65535, 0);

	(void)state;
	RUN(&x, steps);
}

/* 8-byte blocks to far behind 65535, every one acknowledged; numbers roll over to 0. */
static void
block_numbers_roll_over(void **state)
{
	const uint64_t length = UINT64_C(8) * 200000 + 3;
	struct tftp_xfer x = begin(length, true, 8, 1, 0);
	struct tftp_act act;
	uint64_t bytes = 0, now = 0;
	uint16_t number = 0;

	(void)state;
	tftp_xfer_ack(&x, 0, now, &act);
	while (act.what == TFTP_DO_DATA) {
		assert_int_equal(act.count, 1);
		number = (uint16_t)(number + 1);
		assert_int_equal((uint16_t)act.first, number);
		bytes += tftp_xfer_block_len(&x, act.first);
		/* The previous acknowledgement comes twice, also across the roll-over. */
		struct tftp_act twice;

		tftp_xfer_ack(&x, (uint16_t)(number - 1), ++now, &twice);
		assert_int_equal(twice.what, TFTP_DO_NOTHING);
		tftp_xfer_ack(&x, number, ++now, &act);
	}
	assert_int_equal(act.what, TFTP_DO_DONE);
	assert_int_equal(bytes, length);
	assert_int_equal(x.acked, 200001);
}

static void
size_probe_is_no_failure(void **state)
{
	static const struct step probe[] = {{5, ERR, 8, TFTP_DO_PROBE, 0, 0}};
	static const struct step other[] = {{5, ERR, 0, TFTP_DO_FAIL, 0, 0}};
	static const struct step late[] = {
	    {5, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {6, ERR, 8, TFTP_DO_FAIL, 0, 0},
	    {7, ERR, 8, TFTP_DO_NOTHING, 0, 0},
	    {7, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, probe);
	assert_int_equal(x.phase, TFTP_OVER);
	x = begin(10000, true, 1000, 1, 0);
	RUN(&x, other);
	x = begin(10000, true, 1000, 1, 0);
	RUN(&x, late);
	x = begin(10000, false, 512, 1, 0);
	run(&x, &(struct step){5, ERR, 8, TFTP_DO_FAIL, 0, 0}, 1);
}

/* What the kernel did not take is repeated soon and counts neither as one of the three
 * openings nor for the back-off. */
static void
unsent_is_free(void **state)
{
	static const struct step steps[] = {
	    {0, UNSENT, 0, TFTP_DO_NOTHING, 0, 0},
	    {20, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {20, UNSENT, 0, TFTP_DO_NOTHING, 0, 0},
	    {40, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {1040, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {3040, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {7040, TICK, 0, TFTP_DO_FAIL, 0, 0},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
}

static void
bad_terms_are_refused(void **state)
{
	static const struct tftp_terms bad[] = {
	    {1, true, 7, 1, 0},
	    {1, true, 0, 1, 0},
	    {1, true, 65465, 1, 0},
	    {1, true, 512, 0, 0},
	    {1, false, 1468, 1, 0},
	    {1, false, 512, 2, 0},
	    {1, false, 512, 1, 1},
	};
	struct tftp_xfer x;
	struct tftp_act act;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(tftp_xfer_start(&x, &bad[i], 0, &act), ERR_RANGE);
		assert_int_equal(act.what, TFTP_DO_NOTHING);
	}
}

static void
lost_last_ack_is_named(void **state)
{
	struct tftp_xfer x = begin(10, false, 512, 1, 0);
	struct tftp_act act;

	(void)state;
	x = begin(600, false, 512, 1, 0);
	tftp_xfer_ack(&x, 1, 0, &act);
	while (x.phase != TFTP_OVER)
		tftp_xfer_tick(&x, x.deadline, &act);
	assert_string_equal(act.why, "last-ack-missing");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_transfer),
	    cmocka_unit_test(exact_multiple_ends_with_empty_block),
	    cmocka_unit_test(empty_file_is_one_empty_block),
	    cmocka_unit_test(silent_peer_gets_three_datagrams),
	    cmocka_unit_test(forged_ack_does_not_open),
	    cmocka_unit_test(duplicate_acks_send_nothing),
	    cmocka_unit_test(lost_data_is_repeated_with_back_off),
	    cmocka_unit_test(gives_up_after_thirty_seconds),
	    cmocka_unit_test(granted_timeout_sets_the_interval),
	    cmocka_unit_test(window_moves_with_partial_acks),
	    cmocka_unit_test(largest_window_is_unambiguous),
	    cmocka_unit_test(block_numbers_roll_over),
	    cmocka_unit_test(size_probe_is_no_failure),
	    cmocka_unit_test(unsent_is_free),
	    cmocka_unit_test(bad_terms_are_refused),
	    cmocka_unit_test(lost_last_ack_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
