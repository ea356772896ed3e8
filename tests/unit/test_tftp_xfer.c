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

enum in { ACK, ERR, TICK, MORE, UNSENT, ENDS };

/* At time `at` this comes in, and `what` must go out, blocks first..first+count-1. number:
 * of an ACK or ERROR, or of the first block not sent, or of the last there is. */
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
		case MORE: tftp_xfer_more(x, s->at, &act); break;
		case UNSENT: tftp_xfer_unsent(x, s->number, s->at); break;
		case ENDS: tftp_xfer_ends(x, s->number); break;
		}
		check_act(&act, s, i);
	}
}

#define RUN(x, steps) run((x), (steps), sizeof(steps) / sizeof(steps)[0])

static struct tftp_xfer
begin(uint64_t length, bool oack, uint16_t blksize, uint16_t window, uint8_t timeout_s)
{
	struct tftp_terms terms = {.length = length,
	    .oack = oack,
	    .blksize = blksize,
	    .window = window,
	    .timeout_s = timeout_s};
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

/* RFC 1123, 4.2.3.1: a repeated acknowledgement of a single block never causes a send. */
static void
duplicate_acks_send_nothing(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {2, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {3, ACK, 1, TFTP_DO_DATA, 2, 1},
	    {4, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {40, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {50, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {51, ACK, 3, TFTP_DO_NOTHING, 0, 0},
	    {52, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {52, ACK, 2, TFTP_DO_DATA, 3, 1},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
}

/* Of a window it is the only sign that its first block was lost. It is answered when an
 * acknowledgement of this window could have come, once in that time, three times in one
 * place. */
static void
duplicate_acks_ask_for_a_window(void **state)
{
	static const struct step steps[] = {
	    /* A round trip of 20 ms, give or take 10. */
	    {20, ACK, 0, TFTP_DO_DATA, 1, 4},
	    {21, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {22, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {69, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {70, TICK, 0, TFTP_DO_DATA, 1, 4},
	    /* A storm: one a round trip. */
	    {71, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {72, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {118, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {120, TICK, 0, TFTP_DO_DATA, 1, 4},
	    {169, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {173, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {174, TICK, 0, TFTP_DO_DATA, 1, 4},
	    /* Enough of it: the usual interval, 60 ms, decides. */
	    {175, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {225, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {233, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {234, TICK, 0, TFTP_DO_DATA, 1, 4},
	    {240, ACK, 4, TFTP_DO_DATA, 5, 4},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 4, 0);

	(void)state;
	RUN(&x, steps);
}

/* One that was repeated on its way is followed by the real one, and costs nothing. */
static void
progress_withdraws_what_a_duplicate_asked_for(void **state)
{
	static const struct step steps[] = {
	    {20, ACK, 0, TFTP_DO_DATA, 1, 4},
	    {21, ACK, 0, TFTP_DO_NOTHING, 0, 0},
	    {45, ACK, 4, TFTP_DO_DATA, 5, 4},
	    {70, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {76, ACK, 8, TFTP_DO_DATA, 9, 2},
	};
	struct tftp_xfer x = begin(9500, true, 1000, 4, 0);

	(void)state;
	RUN(&x, steps);
}

static void
lost_data_is_repeated_with_back_off(void **state)
{
	static const struct step steps[] = {
	    {10, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {59, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {60, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {159, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {160, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {360, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {760, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {1560, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {3160, TICK, 0, TFTP_DO_DATA, 1, 1},
	    /* Not after 6400: four seconds are the longest. */
	    {6360, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {9999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    /* Progress, but of which of the sends? The interval stays until that is clear.
	     */
	    {10000, ACK, 1, TFTP_DO_DATA, 2, 1},
	    {13999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {13999, ACK, 2, TFTP_DO_DATA, 3, 1},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
	/* 4 s: measured, and believed for the time being. */
	assert_in_range(x.interval_ms, 2000, 4000);
	tftp_xfer_ack(&x, 3, 14000, &(struct tftp_act){TFTP_DO_NOTHING, 0, 0, NULL});
	for (uint16_t i = 4; i < 10; i++)
		tftp_xfer_ack(
		    &x, i, 14000, &(struct tftp_act){TFTP_DO_NOTHING, 0, 0, NULL});
	assert_in_range(x.interval_ms, 50, 2500);
}

/* The whole of a window that was never answered is there again within a tenth of a second
 * where the round trip is short. */
static void
lost_window_is_repeated_soon(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 64},
	    {50, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {51, TICK, 0, TFTP_DO_DATA, 1, 64},
	    {52, ACK, 64, TFTP_DO_DATA, 65, 64},
	    {152, TICK, 0, TFTP_DO_DATA, 65, 64},
	    {153, ACK, 128, TFTP_DO_DATA, 129, 64},
	    {154, ACK, 192, TFTP_DO_DATA, 193, 64},
	    {204, TICK, 0, TFTP_DO_DATA, 193, 64},
	};
	struct tftp_xfer x = begin(1000000, true, 1000, 64, 0);

	(void)state;
	RUN(&x, steps);
}

/* RFC 6298: a slow peer is given its time. */
static void
interval_follows_the_round_trip(void **state)
{
	struct tftp_xfer x = begin(1000000, true, 1000, 1, 0);
	struct tftp_act act;
	uint64_t now = 0;

	(void)state;
	tftp_xfer_ack(&x, 0, now, &act);
	assert_int_equal(x.interval_ms, 50);
	for (uint16_t n = 1; n < 40; n++) {
		/* Before it is known what to expect something may be sent twice. */
		while (x.deadline <= now + 200) {
			assert_true(n < 6);
			tftp_xfer_tick(&x, x.deadline, &act);
		}
		now += 200;
		tftp_xfer_ack(&x, n, now, &act);
		assert_int_equal(act.what, TFTP_DO_DATA);
	}
	assert_in_range(x.interval_ms, 200, 300);
	/* And a fast one is not made to wait for what once was. */
	for (uint16_t n = 40; n < 80; n++)
		tftp_xfer_ack(&x, n, ++now, &act);
	assert_in_range(x.interval_ms, 50, 60);
}

static void
gives_up_after_thirty_seconds(void **state)
{
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);
	struct tftp_act act;
	unsigned sends = 0;

	(void)state;
	tftp_xfer_ack(&x, 0, 100, &act);
	tftp_xfer_ack(&x, 1, 200, &act);
	while (x.phase != TFTP_OVER) {
		uint64_t at = x.deadline;

		assert_in_range(at, 0, 40000);
		tftp_xfer_tick(&x, at, &act);
		if (act.what == TFTP_DO_DATA)
			sends++;
		else
			assert_in_range(at, 30200, 34200);
	}
	assert_int_equal(act.what, TFTP_DO_FAIL);
	assert_string_equal(act.why, "timeout");
	assert_in_range(sends, 8, 13);
}

/* Some ask for a file to see whether it is there. */
static void
existence_test_ends_sooner(void **state)
{
	struct tftp_xfer x = begin(10000, true, 1000, 4, 0);
	struct tftp_act act;

	(void)state;
	tftp_xfer_ack(&x, 0, 100, &act);
	while (x.phase != TFTP_OVER) {
		assert_in_range(x.deadline, 0, 14100);
		tftp_xfer_tick(&x, x.deadline, &act);
	}
	assert_string_equal(act.why, "timeout");
}

static void
granted_timeout_bounds_the_interval(void **state)
{
	static const struct step steps[] = {
	    {999, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {1000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    /* Not known how long it took. */
	    {1001, ACK, 0, TFTP_DO_DATA, 1, 1},
	    {3001, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {5000, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {5001, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {7001, TICK, 0, TFTP_DO_DATA, 1, 1},
	};
	static const struct step one[] = {
	    {1000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {2000, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {3000, TICK, 0, TFTP_DO_FAIL, 0, 0},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 2);

	(void)state;
	RUN(&x, steps);
	x = begin(10000, true, 1000, 1, 1);
	RUN(&x, one);
	/* Who asks for a minute is given three of them. */
	x = begin(10000, true, 1000, 1, 60);
	tftp_xfer_ack(&x, 0, 0, &(struct tftp_act){TFTP_DO_NOTHING, 0, 0, NULL});
	while (x.phase != TFTP_OVER) {
		uint64_t at = x.deadline;
		struct tftp_act act;

		tftp_xfer_tick(&x, at, &act);
		if (act.what == TFTP_DO_FAIL)
			assert_in_range(at, 180000, 184000);
	}
}

/* RFC 7440, section 4: go on from the first block that is missing. */
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
	    {5, ACK, 5, TFTP_DO_NOTHING, 0, 0},
	    /* The last window is shorter: blocks 9, 10. */
	    {6, ACK, 8, TFTP_DO_DATA, 9, 2},
	    {56, TICK, 0, TFTP_DO_DATA, 9, 2},
	    /* Either 10 was lost, or 9 came twice. */
	    {57, ACK, 9, TFTP_DO_NOTHING, 0, 0},
	    {61, TICK, 0, TFTP_DO_NOTHING, 0, 0},
	    {62, TICK, 0, TFTP_DO_DATA, 10, 1},
	    {63, ACK, 10, TFTP_DO_DONE, 0, 0},
	};
	struct tftp_xfer x = begin(9500, true, 1000, 4, 0);

	(void)state;
	assert_int_equal(x.blocks, 10);
	RUN(&x, steps);
}

/* What was sent before the step back may still be acknowledged. */
static void
late_ack_of_more_is_taken(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 8},
	    {2, ACK, 1, TFTP_DO_DATA, 2, 8},
	    /* 9 is on its way. */
	    {3, ACK, 8, TFTP_DO_DATA, 10, 7},
	    {4, ACK, 17, TFTP_DO_NOTHING, 0, 0},
	    {5, ACK, 16, TFTP_DO_DATA, 17, 8},
	    {6, ACK, 20, TFTP_DO_DATA, 21, 8},
	    {7, ACK, 28, TFTP_DO_DATA, 29, 8},
	};
	struct tftp_xfer x = begin(100000, true, 1000, 8, 0);

	(void)state;
	RUN(&x, steps);
}

/* 131072 / 1000 blocks at a time. */
static void
large_windows_leave_in_portions(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 131},
	    {1, MORE, 0, TFTP_DO_DATA, 132, 131},
	    /* Not sent yet: nobody can have it. */
	    {1, ACK, 263, TFTP_DO_NOTHING, 0, 0},
	    /* Lost meanwhile: back, and not on. */
	    {2, ACK, 100, TFTP_DO_DATA, 101, 131},
	    {2, MORE, 0, TFTP_DO_DATA, 232, 131},
	    {2, MORE, 0, TFTP_DO_DATA, 363, 38},
	    {2, MORE, 0, TFTP_DO_NOTHING, 0, 0},
	    {3, ACK, 400, TFTP_DO_DATA, 401, 131},
	    /* The kernel has no room for blocks from 450 on. */
	    {3, UNSENT, 450, TFTP_DO_NOTHING, 0, 0},
	    {3, MORE, 0, TFTP_DO_NOTHING, 0, 0},
	    {3, ACK, 450, TFTP_DO_NOTHING, 0, 0},
	    {8, TICK, 0, TFTP_DO_DATA, 450, 131},
	    {8, MORE, 0, TFTP_DO_DATA, 581, 120},
	};
	struct tftp_xfer x = begin(10000000, true, 1000, 300, 0);

	(void)state;
	RUN(&x, steps);
	/* A block that is longer than a portion is one. */
	x = begin(10000000, true, 65464, 3, 0);
	run(&x, &(struct step){1, ACK, 0, TFTP_DO_DATA, 1, 2}, 1);
}

/* A text, of which only the writer finds the end. */
static void
endless_until_its_end(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 8},
	    {2, ACK, 8, TFTP_DO_DATA, 9, 8},
	    {2, ENDS, 11, TFTP_DO_NOTHING, 0, 0},
	    {3, ACK, 12, TFTP_DO_NOTHING, 0, 0},
	    {4, ACK, 10, TFTP_DO_DATA, 11, 1},
	    {5, ACK, 11, TFTP_DO_DONE, 0, 0},
	};
	struct tftp_terms terms = {
	    .length = 5, .oack = true, .endless = true, .blksize = 512, .window = 8};
	struct tftp_xfer x;
	struct tftp_act act;

	(void)state;
	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), 0);
	RUN(&x, steps);
	/* Without options it begins with its first block, which is perhaps the last. */
	terms.oack = false;
	terms.window = 1;
	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), 0);
	assert_int_equal(act.what, TFTP_DO_DATA);
	tftp_xfer_ends(&x, 1);
	run(&x, &(struct step){1, ACK, 1, TFTP_DO_DONE, 0, 0}, 1);
}

static void
largest_window_is_unambiguous(void **state)
{
	static const struct step steps[] = {
	    {1, ACK, 0, TFTP_DO_DATA, 1, 16384},
	    {1, MORE, 0, TFTP_DO_DATA, 16385, 16384},
	    {1, MORE, 0, TFTP_DO_DATA, 32769, 16384},
	    {1, MORE, 0, TFTP_DO_DATA, 49153, 16383},
	    {2, ACK, 65535, TFTP_DO_DATA, 65536, 16384},
	    {3, ACK, 65535, TFTP_DO_NOTHING, 0, 0},
	    {3, MORE, 0, TFTP_DO_DATA, 81920, 16384},
	    {3, MORE, 0, TFTP_DO_DATA, 98304, 16384},
	    {3, MORE, 0, TFTP_DO_DATA, 114688, 16383},
	    /* 131070 is 65534 on the wire. */
	    {4, ACK, 65534, TFTP_DO_DATA, 131071, 16384},
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

/* Some clients count on from 65535 to 1. */
static void
block_numbers_roll_over_to_one(void **state)
{
	struct tftp_terms terms = {.length = UINT64_C(8) * 200000,
	    .oack = true,
	    .rollover = true,
	    .blksize = 8,
	    .window = 3};
	struct tftp_act act, twice;
	struct tftp_xfer x;
	uint64_t client = 0; /* blocks that it has */
	uint16_t number = 0; /* of the last of them */

	(void)state;
	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), 0);
	tftp_xfer_ack(&x, 0, 1, &act);
	while (act.what == TFTP_DO_DATA) {
		for (uint32_t i = 0; i < act.count; i++) {
			number = number == 65535 ? 1 : (uint16_t)(number + 1);
			assert_int_equal(act.first + i, ++client);
			assert_int_equal(tftp_xfer_number(&x, act.first + i), number);
		}
		if (client > 65535)
			tftp_xfer_ack(&x, 0, 1, &twice);
		tftp_xfer_ack(&x, number, 1, &act);
	}
	assert_int_equal(act.what, TFTP_DO_DONE);
	assert_int_equal(client, 200001);
	/* The largest window would make two blocks of one number. */
	terms.window = 65535;
	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), ERR_RANGE);
	terms.window = 65534;
	assert_int_equal(tftp_xfer_start(&x, &terms, 0, &act), 0);
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
	    {5, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {5, UNSENT, 0, TFTP_DO_NOTHING, 0, 0},
	    {10, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {1010, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {3010, TICK, 0, TFTP_DO_OACK, 0, 0},
	    {7010, TICK, 0, TFTP_DO_FAIL, 0, 0},
	};
	static const struct step plain[] = {
	    {0, UNSENT, 1, TFTP_DO_NOTHING, 0, 0},
	    {1, ACK, 1, TFTP_DO_NOTHING, 0, 0},
	    {5, TICK, 0, TFTP_DO_DATA, 1, 1},
	    {6, ACK, 1, TFTP_DO_DATA, 2, 1},
	};
	struct tftp_xfer x = begin(10000, true, 1000, 1, 0);

	(void)state;
	RUN(&x, steps);
	x = begin(10000, false, 512, 1, 0);
	RUN(&x, plain);
}

static void
bad_terms_are_refused(void **state)
{
	static const struct tftp_terms bad[] = {
	    {.oack = true, .blksize = 7, .window = 1},
	    {.oack = true, .blksize = 0, .window = 1},
	    {.oack = true, .blksize = 65465, .window = 1},
	    {.oack = true, .blksize = 512, .window = 0},
	    {.oack = false, .blksize = 1468, .window = 1},
	    {.oack = false, .blksize = 512, .window = 2},
	    {.oack = false, .blksize = 512, .window = 1, .timeout_s = 1},
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
	    cmocka_unit_test(duplicate_acks_ask_for_a_window),
	    cmocka_unit_test(progress_withdraws_what_a_duplicate_asked_for),
	    cmocka_unit_test(lost_data_is_repeated_with_back_off),
	    cmocka_unit_test(lost_window_is_repeated_soon),
	    cmocka_unit_test(interval_follows_the_round_trip),
	    cmocka_unit_test(gives_up_after_thirty_seconds),
	    cmocka_unit_test(existence_test_ends_sooner),
	    cmocka_unit_test(granted_timeout_bounds_the_interval),
	    cmocka_unit_test(window_moves_with_partial_acks),
	    cmocka_unit_test(late_ack_of_more_is_taken),
	    cmocka_unit_test(large_windows_leave_in_portions),
	    cmocka_unit_test(endless_until_its_end),
	    cmocka_unit_test(largest_window_is_unambiguous),
	    cmocka_unit_test(block_numbers_roll_over),
	    cmocka_unit_test(block_numbers_roll_over_to_one),
	    cmocka_unit_test(size_probe_is_no_failure),
	    cmocka_unit_test(unsent_is_free),
	    cmocka_unit_test(bad_terms_are_refused),
	    cmocka_unit_test(lost_last_ack_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
