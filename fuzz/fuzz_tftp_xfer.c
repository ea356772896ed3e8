/*
 * Sequences of acknowledgements, errors, silences, full sockets and jumps of the clock
 * against one transfer. Bytes: flags, blksize (2), window (2), length (3), timeout, then
 * events of three bytes: kind, argument (2). Afterwards a faithful client finishes the
 * transfer, or nobody answers any more: either way it must end.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/file-sender/tftp_xfer.h"

enum flag {
	NO_OPTIONS = 1,
	FIRST_UNSENT = 2,
	FALLS_SILENT = 4,
	ROLLOVER = 8,
	ENDLESS = 16,
};

enum kind {
	ACK_ANY,    /* this number */
	ACK_NEAR,   /* one about where the transfer is */
	ACK_WINDOW, /* all that was sent */
	ACK_AGAIN,
	ERROR_ANY,
	PASS, /* so many ms */
	DUE,  /* until the deadline */
	MORE, /* its turn to go on */
	FULL, /* the kernel did not take the last send, from a block of it on */
	KINDS
};

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

struct world {
	struct tftp_xfer x;
	uint64_t now;
	uint64_t length;
	uint64_t received;   /* in order, by a client that takes every block */
	uint64_t bytes;      /* in them */
	uint64_t sends;      /* blocks that left */
	unsigned before_ack; /* datagrams before the first valid acknowledgement */
	struct tftp_act last;
};

/* The last block of an endless one is found when it is written. */
static void
find_end(struct world *w, struct tftp_act *act)
{
	uint64_t blocks = w->length / w->x.terms.blksize + 1;

	if (!w->x.terms.endless || act->first + act->count - 1 < blocks)
		return;
	promise(act->first <= blocks);
	act->count = (uint32_t)(blocks - act->first + 1);
	tftp_xfer_ends(&w->x, blocks);
}

static uint32_t
length_of(const struct world *w, uint64_t block)
{
	uint64_t before = (block - 1) * w->x.terms.blksize;
	uint64_t left = w->length - before;

	promise(before <= w->length);
	return left < w->x.terms.blksize ? (uint32_t)left : w->x.terms.blksize;
}

static void
take_data(struct world *w, struct tftp_act *act)
{
	const struct tftp_xfer *x = &w->x;
	uint32_t most = TFTP_XFER_PORTION / x->terms.blksize;

	find_end(w, act);
	promise(act->count >= 1 && act->count <= x->terms.window && act->count <= most);
	promise(act->first > x->acked && act->first <= x->acked + x->terms.window);
	promise(act->first + act->count - 1 <= x->acked + x->terms.window);
	promise(act->first + act->count - 1 <= x->blocks);
	promise(x->sent == act->first + act->count - 1);
	for (uint64_t b = act->first; b < act->first + act->count; b++) {
		if (!x->terms.endless)
			promise(length_of(w, b) == tftp_xfer_block_len(x, b));
		promise((length_of(w, b) < x->terms.blksize) == (b == x->blocks));
		if (b == w->received + 1) {
			w->received = b;
			w->bytes += length_of(w, b);
		}
	}
	w->sends += act->count;
}

/* Each portion needs a cause of its own: nothing is sent of a transfer's own accord. */
static void
count(struct world *w, const struct tftp_act *act, enum kind kind)
{
	if (act->what != TFTP_DO_DATA && act->what != TFTP_DO_OACK)
		return;
	promise(kind != FULL && kind != ERROR_ANY);
	if (w->x.phase == TFTP_OPENING)
		w->before_ack++;
	promise(w->before_ack <= TFTP_XFER_OPENINGS);
}

static void
check(struct world *w, struct tftp_act *act, enum tftp_phase before)
{
	const struct tftp_xfer *x = &w->x;

	if (act->what == TFTP_DO_OACK)
		promise(x->terms.oack && x->phase == TFTP_OPENING);
	if (act->what == TFTP_DO_DATA)
		take_data(w, act);
	if (x->phase == TFTP_OPENING && act->what == TFTP_DO_DATA)
		promise(!x->terms.oack && act->count == 1 && act->first == 1 &&
			x->terms.blksize == 512);
	if (act->what == TFTP_DO_DONE) {
		promise(x->acked == x->blocks);
		promise(w->bytes == w->length);
	}
	if (act->what == TFTP_DO_FAIL)
		promise(act->why != NULL);
	promise(
	    (x->phase == TFTP_OVER) == (act->what >= TFTP_DO_DONE) || before == TFTP_OVER);
	if (before == TFTP_OVER)
		promise(act->what == TFTP_DO_NOTHING);
	if (x->phase != TFTP_OVER)
		promise(x->acked <= x->sent && x->sent <= x->goal && x->sent <= x->high &&
			x->deadline > w->now);
	if (act->what == TFTP_DO_DATA || act->what == TFTP_DO_OACK)
		w->last = *act;
}

/* The kernel takes the first blocks of the last act, or none. */
static void
lose(struct world *w, uint16_t arg)
{
	uint64_t first = 0;

	if (w->last.what == TFTP_DO_NOTHING)
		return;
	if (w->last.what == TFTP_DO_DATA)
		first = w->last.first + arg % w->last.count;
	if (w->x.phase == TFTP_OPENING && !w->x.unsent)
		w->before_ack--;
	tftp_xfer_unsent(&w->x, first, w->now);
	w->last.what = TFTP_DO_NOTHING;
}

static void
acknowledge(struct world *w, uint64_t block, struct tftp_act *act)
{
	tftp_xfer_ack(&w->x, tftp_xfer_number(&w->x, block), w->now, act);
}

static void
event(struct world *w, enum kind kind, uint16_t arg)
{
	struct tftp_act act = {TFTP_DO_NOTHING, 0, 0, NULL};
	enum tftp_phase before = w->x.phase;
	uint64_t acked = w->x.acked;

	switch (kind) {
	case ACK_ANY: tftp_xfer_ack(&w->x, arg, w->now, &act); break;
	case ACK_NEAR: acknowledge(w, acked + arg % 9, &act); break;
	case ACK_WINDOW: acknowledge(w, w->x.sent, &act); break;
	case ACK_AGAIN: acknowledge(w, acked, &act); break;
	case ERROR_ANY: tftp_xfer_error(&w->x, arg % 10, &act); break;
	case PASS: w->now += arg; break;
	case DUE: w->now = w->x.phase == TFTP_OVER ? w->now : w->x.deadline; break;
	case MORE: tftp_xfer_more(&w->x, w->now, &act); break;
	case FULL: lose(w, arg); break;
	case KINDS: break;
	}
	/* RFC 1123, 4.2.3.1: a repeated acknowledgement sends nothing. */
	if (kind <= ACK_AGAIN && act.what == TFTP_DO_DATA && before == TFTP_RUNNING)
		promise(w->x.acked > acked);
	if (kind == PASS || kind == DUE)
		tftp_xfer_tick(&w->x, w->now, &act);
	check(w, &act, before);
	count(w, &act, kind);
}

/* Nobody answers: it must give up, in bounded time and with a bounded number of sends. */
static void
fall_silent(struct world *w)
{
	uint64_t begin = w->now, sends = w->sends;
	unsigned ticks = 0;

	for (; w->x.phase != TFTP_OVER; ticks++) {
		promise(ticks < 1024);
		event(w, DUE, 0);
		while (tftp_xfer_has_more(&w->x))
			event(w, MORE, 0);
	}
	promise(w->sends - sends <= (uint64_t)ticks * w->x.terms.window);
	promise(w->now - begin <= 3 * UINT64_C(255000) + 2 * TFTP_XFER_INTERVAL_MAX);
}

/* A client that acknowledges what it gets. */
static void
finish(struct world *w)
{
	if (w->x.phase == TFTP_OPENING && w->x.unsent)
		event(w, DUE, 0);
	if (w->x.phase == TFTP_OPENING)
		event(w, ACK_ANY, w->x.terms.oack ? 0 : 1);
	while (w->x.phase != TFTP_OVER) {
		uint64_t acked = w->x.acked;

		if (w->x.unsent)
			event(w, DUE, 0);
		while (tftp_xfer_has_more(&w->x))
			event(w, MORE, 0);
		event(w, ACK_WINDOW, 0);
		promise(w->x.acked > acked || w->x.phase == TFTP_OVER);
	}
	/* It was already about to give up when the client came back. */
	if (w->x.acked == w->x.blocks)
		promise(w->bytes == w->length);
}

static bool
read_terms(struct in *in, uint8_t flags, struct tftp_terms *terms)
{
	terms->oack = (flags & NO_OPTIONS) == 0;
	terms->rollover = (flags & ROLLOVER) != 0;
	terms->endless = (flags & ENDLESS) != 0;
	terms->blksize = in_u16(in);
	terms->window = in_u16(in);
	terms->length = (uint64_t)(in_u8(in) & 0x0f) << 16;
	terms->length |= in_u16(in);
	terms->timeout_s = in_u8(in);
	if (!terms->oack) {
		terms->blksize = 512;
		terms->window = 1;
		terms->timeout_s = 0;
	}
	return in_ok(in);
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
	if (!read_terms(&in, flags, &terms))
		return 0;
	w.length = terms.length;
	if (tftp_xfer_start(&w.x, &terms, 0, &act) != 0)
		return 0;
	check(&w, &act, TFTP_OPENING);
	count(&w, &act, DUE);
	if (flags & FIRST_UNSENT)
		lose(&w, 0);
	while (in_left(&in) >= 3) {
		uint8_t kind = in_u8(&in);

		event(&w, kind % KINDS, in_u16(&in));
	}
	if (flags & FALLS_SILENT)
		fall_silent(&w);
	else
		finish(&w);
	return 0;
}
