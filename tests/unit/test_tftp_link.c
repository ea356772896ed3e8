/*
 * TFTP transfers over links that lose, repeat, delay and reorder: simulated, so that an
 * hour takes a moment and every run is the same. The clients are the two kinds there are:
 * one says once that something is missing, the other for every block that it did not
 * expect, as EDK2 does.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "src/file-sender/tftp_xfer.h"

#define FLIGHT_MAX 65536
#define BLKSIZE 1000
#define CLIENT_TIMEOUT 1000
#define STRANDED UINT64_MAX

/* Each way; of a hundred packets. */
struct link {
	unsigned loss, twice, late;
	uint64_t delay, lateness; /* ms */
};

struct packet {
	uint64_t at;
	bool to_client;
	uint64_t block; /* of data; of an ACK too, as the number stands for it */
};

struct client {
	uint16_t window;
	bool stormy;
	uint64_t has; /* blocks, in order */
	uint64_t bytes;
	uint16_t in_window;
	bool complained;
	bool done;
	uint64_t deadline;
};

struct world {
	struct tftp_xfer x;
	struct client c;
	struct link data, acks;
	struct packet flight[FLIGHT_MAX];
	unsigned n;
	uint64_t now;
	uint64_t random;
	uint64_t sends;   /* blocks that left */
	uint64_t repeats; /* of them, because of the clock */
	uint64_t longest; /* time without progress, once the round trip is known */
	enum tftp_do end;
};

static struct world w;

static unsigned
percent(void)
{
	w.random = w.random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)((w.random >> 33) % 100);
}

/* ------------------------------------------------------------------------- packets */

static void
launch(const struct link *l, bool to_client, uint64_t block)
{
	unsigned copies = 1 + (percent() < l->twice);

	if (percent() < l->loss)
		return;
	for (unsigned i = 0; i < copies; i++) {
		assert_in_range(w.n, 0, FLIGHT_MAX - 1);
		w.flight[w.n++] = (struct packet){
		    w.now + l->delay + (percent() < l->late ? l->lateness : 0), to_client,
		    block};
	}
}

/* The earliest, and of those the first that left. */
static unsigned
next_packet(void)
{
	unsigned first = 0;

	for (unsigned i = 1; i < w.n; i++)
		if (w.flight[i].at < w.flight[first].at)
			first = i;
	return first;
}

static void
perform(const struct tftp_act *act, bool by_clock)
{
	if (act->what >= TFTP_DO_DONE)
		w.end = act->what;
	if (act->what == TFTP_DO_OACK)
		launch(&w.data, true, 0);
	if (act->what != TFTP_DO_DATA)
		return;
	for (uint64_t b = act->first; b < act->first + act->count; b++)
		launch(&w.data, true, b);
	w.sends += act->count;
	if (by_clock)
		w.repeats += act->count;
}

/* ---------------------------------------------------------------------- the client */

static void
acknowledge(void)
{
	launch(&w.acks, false, w.c.has);
	w.c.in_window = 0;
	w.c.deadline = w.now + CLIENT_TIMEOUT;
}

static void
client_takes(uint64_t block)
{
	struct client *c = &w.c;

	if (block == c->has + 1) {
		c->has = block;
		c->bytes += tftp_xfer_block_len(&w.x, block);
		c->complained = false;
		c->in_window++;
		c->deadline = w.now + CLIENT_TIMEOUT;
		c->done = block == w.x.blocks;
		if (c->in_window == c->window || c->done)
			acknowledge();
	} else if (block == 0 || block == c->has || c->stormy || !c->complained) {
		c->complained = block != 0;
		acknowledge();
	}
}

/* ------------------------------------------------------------------------- the run */

static uint64_t
next_event(void)
{
	uint64_t at = w.x.deadline;

	if (w.n > 0 && w.flight[next_packet()].at < at)
		at = w.flight[next_packet()].at;
	if (!w.c.done && w.c.deadline < at)
		at = w.c.deadline;
	return at;
}

static void
arrive(void)
{
	unsigned i = next_packet();
	struct packet p = w.flight[i];
	struct tftp_act act;
	uint64_t acked = w.x.acked, progress = w.x.progress;
	bool measured = w.x.measured;

	memmove(&w.flight[i], &w.flight[i + 1], (w.n - i - 1) * sizeof p);
	w.n--;
	if (p.to_client) {
		client_takes(p.block);
		return;
	}
	tftp_xfer_ack(&w.x, tftp_xfer_number(&w.x, p.block), w.now, &act);
	if (measured && w.x.acked > acked && w.now - progress > w.longest)
		w.longest = w.now - progress;
	perform(&act, false);
}

static void
step(void)
{
	struct tftp_act act;

	w.now = next_event();
	if (w.n > 0 && w.flight[next_packet()].at <= w.now) {
		arrive();
	} else if (!w.c.done && w.c.deadline <= w.now) {
		w.c.complained = false;
		acknowledge();
	} else {
		tftp_xfer_tick(&w.x, w.now, &act);
		perform(&act, true);
	}
	while (tftp_xfer_has_more(&w.x)) {
		tftp_xfer_more(&w.x, w.now, &act);
		perform(&act, false);
	}
}

static void
run(const struct link *data, const struct link *acks, uint16_t window, bool stormy,
    uint64_t length, uint64_t seed)
{
	struct tftp_terms terms = {
	    .length = length, .oack = true, .blksize = BLKSIZE, .window = window};
	struct tftp_act act;

	memset(&w, 0, sizeof w);
	w.c = (struct client){.window = window, .stormy = stormy, .deadline = STRANDED};
	w.data = *data;
	w.acks = *acks;
	w.random = seed;
	w.now = 1000;
	assert_int_equal(tftp_xfer_start(&w.x, &terms, w.now, &act), 0);
	perform(&act, false);
	for (unsigned steps = 0; w.x.phase != TFTP_OVER; steps++) {
		assert_in_range(steps, 0, 10000000);
		step();
	}
}

/* The file has arrived. (That the server knows needs the last acknowledgement too.) */
static void
assert_whole(uint64_t length)
{
	if (!w.c.done)
		fail_msg("%llu of %llu blocks, window %u", (unsigned long long)w.c.has,
		    (unsigned long long)w.x.blocks, w.c.window);
	assert_int_equal(w.c.bytes, length);
}

static const struct link clean = {.delay = 1};
static const uint16_t windows[] = {1, 4, 16, 64};
#define WINDOWS (sizeof windows / sizeof windows[0])

static void
nothing_is_sent_twice_without_a_cause(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WINDOWS; i++) {
		run(&clean, &clean, windows[i], true, 500001, 1);
		assert_whole(500001);
		assert_int_equal(w.end, TFTP_DO_DONE);
		assert_int_equal(w.sends, w.x.blocks);
	}
}

/* Acknowledgements that are repeated, late, and out of order: no Sorcerer's Apprentice. */
static void
acks_in_disorder_cost_little(void **state)
{
	static const struct link disorders[] = {
	    {.twice = 30, .delay = 1},
	    {.twice = 100, .delay = 5},
	    {.late = 30, .delay = 2, .lateness = 10},
	    {.twice = 30, .late = 30, .delay = 2, .lateness = 10},
	    {.twice = 30, .late = 30, .delay = 10, .lateness = 40},
	};

	(void)state;
	for (size_t d = 0; d < sizeof disorders / sizeof disorders[0]; d++)
		for (unsigned i = 0; i < 2 * WINDOWS; i++) {
			run(&clean, &disorders[d], windows[i / 2], i & 1, 4000000, d + i);
			assert_whole(4000000);
			if (w.sends - w.repeats > w.x.blocks * 11 / 10)
				fail_msg("disorder %zu, window %u: %llu blocks for %llu", d,
				    windows[i / 2],
				    (unsigned long long)(w.sends - w.repeats),
				    (unsigned long long)w.x.blocks);
			/* And the clock is not hasty either. */
			assert_in_range(w.repeats, 0, w.x.blocks / 2);
		}
}

/* Three of ten packets are lost, each way, others are repeated or overtaken. */
static void
files_arrive_over_a_bad_link(void **state)
{
	static const struct link bad = {
	    .loss = 30, .twice = 5, .late = 10, .delay = 2, .lateness = 3};

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		for (unsigned i = 0; i < 2 * WINDOWS; i++) {
			uint16_t window = windows[i / 2];

			/* Who gets no answer at all asks anew. */
			for (uint64_t again = 0; again == 0 || w.c.has == 0; again += 1000)
				run(&bad, &bad, window, i & 1, 300001, seed + again);
			assert_whole(300001);
			/* At most one window for each block that moved, but for the
			 * clock's. */
			assert_in_range(
			    w.sends - w.repeats, w.x.blocks / 2, w.x.blocks * window);
		}
}

/* One of fifty: what a link may be like. No loss costs a second. */
static void
losses_cost_no_second(void **state)
{
	static const struct link fair = {.loss = 2, .delay = 1};

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		for (unsigned i = 0; i < 2 * WINDOWS; i++) {
			run(&fair, &fair, windows[i / 2], i & 1, 1000001, seed);
			assert_whole(1000001);
			assert_in_range(w.longest, 0, 999);
			if (windows[i / 2] <= 16)
				assert_in_range(w.sends, w.x.blocks, w.x.blocks * 14 / 10);
		}
}

/* The first block of each second window is lost: the only sign is a repeated
 * acknowledgement. */
static void
loss_of_a_first_block_is_answered_in_a_round_trip(void **state)
{
	(void)state;
	for (unsigned stormy = 0; stormy < 2; stormy++) {
		uint64_t last = 0, drops = 0;

		struct tftp_terms terms = {
		    .length = 160000, .oack = true, .blksize = BLKSIZE, .window = 16};
		struct tftp_act act;

		memset(&w, 0, sizeof w);
		w.c = (struct client){.window = 16, .stormy = stormy, .deadline = STRANDED};
		w.data = w.acks = clean;
		assert_int_equal(tftp_xfer_start(&w.x, &terms, 0, &act), 0);
		perform(&act, false);
		while (w.x.phase != TFTP_OVER) {
			step();
			for (unsigned k = 0; k < w.n; k++)
				if (w.flight[k].to_client && w.flight[k].block % 32 == 17 &&
				    w.flight[k].block > last) {
					last = w.flight[k].block;
					drops++;
					w.flight[k] = w.flight[--w.n];
				}
		}
		assert_whole(160000);
		assert_int_equal(drops, 5);
		assert_in_range(w.longest, 0, 20);
		assert_in_range(w.sends, 161 + 5 * 16, 161 + 2 * 5 * 16);
	}
}

/* The clock ticks in a client that is slow: what it gets is not doubled for ever. */
static void
slow_client_is_not_flooded(void **state)
{
	static const struct link slow = {.delay = 90};

	(void)state;
	for (unsigned i = 0; i < WINDOWS; i++) {
		run(&slow, &slow, windows[i], true, 300001, 3);
		assert_whole(300001);
		assert_in_range(w.sends, w.x.blocks, w.x.blocks + 3 * windows[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_sent_twice_without_a_cause),
	    cmocka_unit_test(acks_in_disorder_cost_little),
	    cmocka_unit_test(files_arrive_over_a_bad_link),
	    cmocka_unit_test(losses_cost_no_second),
	    cmocka_unit_test(loss_of_a_first_block_is_answered_in_a_round_trip),
	    cmocka_unit_test(slow_client_is_not_flooded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
