/*
 * The rules of one TFTP transfer. Part of file-sender, which any host that has a boot
 * session may send datagrams to: block numbers and error codes come from there and are
 * compared only with what was sent. Nothing here interprets more than these two numbers.
 *
 * Until the first valid acknowledgement the peer's address may be forged, so one small
 * datagram goes out, at most TFTP_XFER_OPENINGS times. Afterwards only progress or the
 * clock causes a send, never a repeated acknowledgement.
 */
#include "src/file-sender/tftp_xfer.h"

#include <stddef.h>

#define BLKSIZE_MIN 8
#define BLKSIZE_MAX 65464
#define BLKSIZE_DEFAULT 512
#define ERROR_OPTION 8 /* RFC 2347 */

static const struct tftp_act nothing = {TFTP_DO_NOTHING, 0, 0, NULL};

static uint32_t
first_interval(const struct tftp_xfer *x)
{
	if (x->terms.timeout_s != 0)
		return x->terms.timeout_s * UINT32_C(1000);
	return TFTP_XFER_INTERVAL_MS;
}

/* A client that asked for long intervals is given three of them. */
static uint64_t
patience(const struct tftp_xfer *x)
{
	uint64_t three = UINT64_C(3) * first_interval(x);

	return three > TFTP_XFER_GIVE_UP_MS ? three : TFTP_XFER_GIVE_UP_MS;
}

static void
back_off(struct tftp_xfer *x)
{
	uint32_t longest = first_interval(x);

	if (longest < TFTP_XFER_INTERVAL_MAX)
		longest = TFTP_XFER_INTERVAL_MAX;
	x->interval_ms = x->interval_ms >= longest / 2 ? longest : x->interval_ms * 2;
}

static void
finish(struct tftp_xfer *x, struct tftp_act *act, enum tftp_do what, const char *why)
{
	x->phase = TFTP_OVER;
	x->deadline = UINT64_MAX;
	act->what = what;
	act->why = why;
}

/* The window after what is acknowledged. */
static void
send_window(struct tftp_xfer *x, struct tftp_act *act)
{
	uint64_t left = x->blocks - x->acked;

	act->what = TFTP_DO_DATA;
	act->first = x->acked + 1;
	act->count = left < x->terms.window ? (uint32_t)left : x->terms.window;
	x->sent = x->acked + act->count;
}

static void
send_opening(struct tftp_xfer *x, struct tftp_act *act)
{
	x->openings++;
	if (x->terms.oack)
		act->what = TFTP_DO_OACK;
	else
		send_window(x, act);
}

static bool
terms_valid(const struct tftp_terms *t)
{
	if (t->blksize < BLKSIZE_MIN || t->blksize > BLKSIZE_MAX || t->window == 0)
		return false;
	return t->oack ||
	       (t->blksize == BLKSIZE_DEFAULT && t->window == 1 && t->timeout_s == 0);
}

int
tftp_xfer_start(
    struct tftp_xfer *x, const struct tftp_terms *terms, uint64_t now, struct tftp_act *act)
{
	*act = nothing;
	if (!terms_valid(terms))
		return ERR_RANGE;
	*x = (struct tftp_xfer){.terms = *terms, .phase = TFTP_OPENING, .progress = now};
	x->blocks = terms->length / terms->blksize + 1;
	x->interval_ms = first_interval(x);
	x->deadline = now + x->interval_ms;
	send_opening(x, act);
	return 0;
}

static void
advance(struct tftp_xfer *x, uint64_t by, uint64_t now, struct tftp_act *act)
{
	x->phase = TFTP_RUNNING;
	x->acked += by;
	x->progress = now;
	x->unsent = false;
	x->interval_ms = first_interval(x);
	x->deadline = now + x->interval_ms;
	if (x->acked == x->blocks)
		finish(x, act, TFTP_DO_DONE, NULL);
	else
		send_window(x, act);
}

void
tftp_xfer_ack(struct tftp_xfer *x, uint16_t block, uint64_t now, struct tftp_act *act)
{
	uint16_t ahead = (uint16_t)(block - (uint16_t)x->acked);

	*act = nothing;
	if (x->phase == TFTP_OVER)
		return;
	if (x->phase == TFTP_OPENING && x->terms.oack) {
		/* RFC 2347: block 0 acknowledges the OACK. */
		if (block == 0)
			advance(x, 0, now, act);
		return;
	}
	if (ahead == 0 || ahead > x->sent - x->acked)
		return;
	advance(x, ahead, now, act);
}

void
tftp_xfer_error(struct tftp_xfer *x, uint16_t code, struct tftp_act *act)
{
	*act = nothing;
	if (x->phase == TFTP_OVER)
		return;
	/* Firmware asks for the size alone, and takes its leave like this. */
	if (x->phase == TFTP_OPENING && x->terms.oack && code == ERROR_OPTION)
		finish(x, act, TFTP_DO_PROBE, NULL);
	else
		finish(x, act, TFTP_DO_FAIL, "peer-error");
}

static const char *
silence(const struct tftp_xfer *x)
{
	return x->acked + 1 == x->blocks ? "last-ack-missing" : "timeout";
}

void
tftp_xfer_tick(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	*act = nothing;
	if (x->phase == TFTP_OVER || now < x->deadline)
		return;
	if (now - x->progress >= patience(x)) {
		finish(x, act, TFTP_DO_FAIL,
		    x->phase == TFTP_OPENING ? "no-answer" : silence(x));
		return;
	}
	if (!x->unsent)
		back_off(x);
	x->deadline = now + x->interval_ms;
	if (x->phase == TFTP_RUNNING) {
		send_window(x, act);
	} else if (x->unsent || x->openings < TFTP_XFER_OPENINGS) {
		x->openings = (uint8_t)(x->openings - x->unsent);
		send_opening(x, act);
	} else {
		finish(x, act, TFTP_DO_FAIL, "no-answer");
	}
	x->unsent = false;
}

void
tftp_xfer_unsent(struct tftp_xfer *x, uint64_t now)
{
	if (x->phase == TFTP_OVER)
		return;
	x->unsent = true;
	x->deadline = now + TFTP_XFER_UNSENT_MS;
}

uint32_t
tftp_xfer_block_len(const struct tftp_xfer *x, uint64_t block)
{
	if (block < x->blocks)
		return x->terms.blksize;
	return (uint32_t)(x->terms.length - (x->blocks - 1) * x->terms.blksize);
}
