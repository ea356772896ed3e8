/*
 * Sequences of acknowledgements, errors, silences and full sockets against one transfer.
 * Bytes: flags, blksize (2), window (2), length (3), timeout, then events of three bytes:
 * kind, argument (2). Afterwards a faithful client finishes the transfer, or nobody
 * answers any more: either way it must end.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/file-sender/tftp_xfer.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

struct world {
	struct tftp_xfer x;
	uint64_t now;
	uint64_t received; /* in order, by a client that takes every block: all before it */
	uint64_t bytes;
	unsigned before_ack; /* datagrams before the first valid acknowledgement */
};

static void
take_data(struct world *w, const struct tftp_act *act)
{
	const struct tftp_xfer *x = &w->x;

	promise(act->count >= 1 && act->count <= x->terms.window);
	promise(act->first == x->acked + 1);
	promise(act->first + act->count - 1 <= x->blocks);
	promise(x->sent == act->first + act->count - 1);
	for (uint64_t b = act->first; b < act->first + act->count; b++) {
		uint32_t len = tftp_xfer_block_len(x, b);

		promise(len <= x->terms.blksize);
		promise((len < x->terms.blksize) == (b == x->blocks));
		if (b == w->received + 1) {
			w->received = b;
			w->bytes += len;
		}
	}
}

static void
check(struct world *w, const struct tftp_act *act, enum tftp_phase before)
{
	const struct tftp_xfer *x = &w->x;

	if (act->what == TFTP_DO_OACK)
		promise(x->terms.oack && x->phase == TFTP_OPENING);
	if (act->what == TFTP_DO_DATA)
		take_data(w, act);
	if (x->phase == TFTP_OPENING && act->what != TFTP_DO_NOTHING) {
		promise(act->what != TFTP_DO_DATA || (act->count == 1 && act->first == 1));
		promise(x->terms.blksize == 512 || act->what == TFTP_DO_OACK);
	}
	if (act->what == TFTP_DO_DONE) {
		promise(x->acked == x->blocks);
		promise(w->bytes == x->terms.length);
	}
	if (act->what == TFTP_DO_FAIL)
		promise(act->why != NULL);
	promise(
	    (x->phase == TFTP_OVER) == (act->what >= TFTP_DO_DONE) || before == TFTP_OVER);
	if (before == TFTP_OVER)
		promise(act->what == TFTP_DO_NOTHING);
	if (x->phase != TFTP_OVER)
		promise(x->deadline > w->now);
}

/* A datagram that leaves counts; one that the kernel did not take does not. */
static void
count_opening(struct world *w, const struct tftp_act *act, bool unsent)
{
	if (w->x.phase != TFTP_OPENING || act->what == TFTP_DO_NOTHING)
		return;
	if (unsent)
		tftp_xfer_unsent(&w->x, w->now);
	else
		w->before_ack++;
	promise(w->before_ack <= TFTP_XFER_OPENINGS);
}

static void
event(struct world *w, uint8_t kind, uint16_t arg)
{
	struct tftp_act act = {TFTP_DO_NOTHING, 0, 0, NULL};
	enum tftp_phase before = w->x.phase;
	uint64_t acked = w->x.acked;

	switch (kind % 6) {
	case 0: tftp_xfer_ack(&w->x, arg, w->now, &act); break;
	case 1: tftp_xfer_error(&w->x, arg % 10, &act); break;
	case 2: w->now += arg; break;
	case 3: tftp_xfer_ack(&w->x, (uint16_t)(w->x.acked + arg % 5), w->now, &act); break;
	case 4: tftp_xfer_ack(&w->x, (uint16_t)w->x.sent, w->now, &act); break;
	case 5:
		if (w->x.phase != TFTP_OVER)
			w->now = w->x.deadline;
		break;
	}
	if (kind % 6 == 2 || kind % 6 == 5)
		tftp_xfer_tick(&w->x, w->now, &act);
	else if (act.what == TFTP_DO_DATA && before == TFTP_RUNNING)
		promise(w->x.acked > acked); /* a repeated ACK sends nothing */
	check(w, &act, before);
	count_opening(w, &act, (kind & 0x80) != 0);
}

/* Nobody answers: it must give up, in bounded time and with a bounded number of sends. */
static void
fall_silent(struct world *w)
{
	uint64_t begin = w->now;

	for (unsigned ticks = 0; w->x.phase != TFTP_OVER; ticks++) {
		promise(ticks < 64);
		event(w, 5, 0);
	}
	promise(w->now - begin <= 3 * UINT64_C(255000) + 255000);
}

/* A client that acknowledges what it gets. */
static void
finish(struct world *w)
{
	uint64_t left = w->x.blocks - w->x.acked;

	if (w->x.phase == TFTP_OPENING)
		event(w, 0, w->x.terms.oack ? 0 : 1);
	for (uint64_t i = 0; i <= left && w->x.phase != TFTP_OVER; i++)
		event(w, 4, 0);
	promise(w->x.phase == TFTP_OVER);
	promise(w->x.acked == w->x.blocks && w->bytes == w->x.terms.length);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct tftp_terms terms;
	struct tftp_act act;
	struct world w;
	struct in in;
	uint8_t flags;

	in_init(&in, data, len);
	memset(&w, 0, sizeof w);
	flags = in_u8(&in);
	terms.oack = flags & 1;
	terms.blksize = in_u16(&in);
	terms.window = in_u16(&in);
	terms.length = (uint64_t)(in_u8(&in) & 0x0f) << 16;
	terms.length |= in_u16(&in);
	terms.timeout_s = in_u8(&in);
	if (!in_ok(&in))
		return 0;
	if (flags & 2) {
		terms.oack = false;
		terms.blksize = 512;
		terms.window = 1;
		terms.timeout_s = 0;
	}
	if (tftp_xfer_start(&w.x, &terms, 0, &act) != 0)
		return 0;
	check(&w, &act, TFTP_OPENING);
	count_opening(&w, &act, (flags & 4) != 0);
	while (in_left(&in) >= 3) {
		uint8_t kind = in_u8(&in);

		event(&w, kind, in_u16(&in));
	}
	if (w.x.phase == TFTP_OVER)
		return 0;
	if (flags & 8)
		fall_silent(&w);
	else
		finish(&w);
	return 0;
}
