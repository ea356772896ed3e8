/*
 * The rules of one TFTP transfer. Part of file-sender, which any host that has a boot
 * session may send datagrams to: block numbers and error codes come from there and are
 * compared only with what was sent. Nothing here interprets more than these two numbers.
 *
 * Until the first valid acknowledgement the peer's address may be forged, so one small
 * datagram goes out, at most TFTP_XFER_OPENINGS times. Afterwards progress causes a send,
 * or the clock; a repeated acknowledgement only moves the clock.
 */
#include "src/file-sender/tftp_xfer.h"

#include <stddef.h>

#define BLKSIZE_MIN 8
#define BLKSIZE_MAX 65464
#define BLKSIZE_DEFAULT 512
#define ERROR_OPTION 8 /* RFC 2347 */
#define ROUND 65535u   /* block numbers, when 0 is not one of them */
#define NEVER UINT32_MAX

static const struct tftp_act nothing = {TFTP_DO_NOTHING, 0, 0, NULL};

/* ------------------------------------------------------------------------- times */

static uint32_t
longest_interval(const struct tftp_xfer *x)
{
	uint32_t asked = x->terms.timeout_s * UINT32_C(1000);

	return asked != 0 && asked < TFTP_XFER_INTERVAL_MAX ? asked
							    : TFTP_XFER_INTERVAL_MAX;
}

/* RFC 6298, section 2. */
static uint32_t
usual_interval(const struct tftp_xfer *x)
{
	uint32_t ms = x->srtt / 8 + (x->rttvar > 1 ? x->rttvar : 1);
	uint32_t most = longest_interval(x);

	if (!x->measured)
		ms = TFTP_XFER_INTERVAL_MS;
	else if (ms < TFTP_XFER_INTERVAL_MIN)
		ms = TFTP_XFER_INTERVAL_MIN;
	return ms < most ? ms : most;
}

static void
measure(struct tftp_xfer *x, uint64_t ms)
{
	uint32_t rtt = ms < TFTP_XFER_GIVE_UP_MS ? (uint32_t)ms : TFTP_XFER_GIVE_UP_MS;
	uint32_t off = rtt > x->srtt / 8 ? rtt - x->srtt / 8 : x->srtt / 8 - rtt;

	if (x->measured) {
		x->rttvar = x->rttvar - x->rttvar / 4 + off;
		x->srtt = x->srtt - x->srtt / 8 + rtt;
	} else {
		x->measured = true;
		x->srtt = rtt * 8;
		x->rttvar = rtt * 2;
	}
}

/* A client that asked for long intervals is given three of them. One that has not taken
 * a single block perhaps wanted to know only whether the file is there. */
static uint64_t
patience(const struct tftp_xfer *x)
{
	uint64_t three = UINT64_C(3000) * x->terms.timeout_s;
	uint64_t least = x->phase == TFTP_RUNNING && x->acked == 0 ? TFTP_XFER_TEST_MS
								   : TFTP_XFER_GIVE_UP_MS;

	return three > least ? three : least;
}

static void
back_off(struct tftp_xfer *x)
{
	uint32_t longest = longest_interval(x);

	x->interval_ms = x->interval_ms >= longest / 2 ? longest : x->interval_ms * 2;
}

/* ----------------------------------------------------------------- block numbers */

uint16_t
tftp_xfer_number(const struct tftp_xfer *x, uint64_t block)
{
	if (x->terms.rollover && block > 0)
		return (uint16_t)((block - 1) % ROUND + 1);
	return (uint16_t)block;
}

/* How many blocks this number is after the last acknowledged one. */
static uint32_t
distance(const struct tftp_xfer *x, uint16_t number)
{
	uint16_t base = tftp_xfer_number(x, x->acked);

	if (!x->terms.rollover || base == 0)
		return (uint16_t)(number - base);
	return number == 0 ? NEVER : (number + ROUND - base) % ROUND;
}

uint32_t
tftp_xfer_block_len(const struct tftp_xfer *x, uint64_t block)
{
	if (block < x->blocks)
		return x->terms.blksize;
	return (uint32_t)(x->terms.length - (x->blocks - 1) * x->terms.blksize);
}

void
tftp_xfer_ends(struct tftp_xfer *x, uint64_t block)
{
	x->blocks = x->goal = x->sent = block;
	if (x->high > block)
		x->high = block;
}

/* ------------------------------------------------------------------------- sends */

static void
finish(struct tftp_xfer *x, struct tftp_act *act, enum tftp_do what, const char *why)
{
	x->phase = TFTP_OVER;
	x->deadline = UINT64_MAX;
	act->what = what;
	act->why = why;
}

/* As much of the window as may leave before other clients have their turn. */
static void
send_portion(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	uint64_t left = x->goal - x->sent;
	uint32_t most = TFTP_XFER_PORTION / x->terms.blksize;

	act->what = TFTP_DO_DATA;
	act->first = x->sent + 1;
	act->count = left < most ? (uint32_t)left : most;
	x->sent += act->count;
	if (x->high < x->sent)
		x->high = x->sent;
	x->sent_at = now;
	x->deadline = now + x->interval_ms;
	x->quick = x->unsent = false;
}

/* The window after what is acknowledged. */
static void
send_window(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	uint64_t left = x->blocks - x->acked;

	x->sent = x->acked;
	x->goal = x->acked + (left < x->terms.window ? left : x->terms.window);
	send_portion(x, now, act);
}

static void
send_opening(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	x->openings++;
	x->repeated = x->openings > 1;
	x->unsent = false;
	x->sent_at = now;
	x->deadline = now + x->interval_ms;
	if (x->terms.oack)
		act->what = TFTP_DO_OACK;
	else
		send_window(x, now, act);
}

static void
send_again(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	x->repeated = true;
	send_window(x, now, act);
}

static bool
terms_valid(const struct tftp_terms *t)
{
	if (t->blksize < BLKSIZE_MIN || t->blksize > BLKSIZE_MAX || t->window == 0 ||
	    (t->rollover && t->window == ROUND))
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
	x->blocks = terms->endless ? UINT64_MAX : terms->length / terms->blksize + 1;
	x->interval_ms = usual_interval(x);
	send_opening(x, now, act);
	return 0;
}

bool
tftp_xfer_has_more(const struct tftp_xfer *x)
{
	return x->phase == TFTP_RUNNING && !x->unsent && x->sent < x->goal;
}

void
tftp_xfer_more(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	*act = nothing;
	if (tftp_xfer_has_more(x))
		send_portion(x, now, act);
}

/* ----------------------------------------------------------------- what comes in */

/* Only a window that left once, and was acknowledged as a whole, tells the round trip
 * (Karn). After repetitions the interval stays long until one does; but an acknowledgement
 * in the middle of a window says that blocks are being lost, and not that we are hasty. */
static void
learn(struct tftp_xfer *x, bool whole, uint64_t now)
{
	if (whole && !x->repeated)
		measure(x, now - x->sent_at);
	if (!whole || !x->repeated)
		x->interval_ms = usual_interval(x);
}

/* How long an acknowledgement of what was just sent takes at most, as a rule. */
static uint32_t
quick_wait(const struct tftp_xfer *x)
{
	uint32_t wait = x->srtt / 8 + x->rttvar * 3 / 4;

	if (!x->measured)
		return x->interval_ms;
	return wait > TFTP_XFER_QUICK_MIN ? wait : TFTP_XFER_QUICK_MIN;
}

static void
hurry(struct tftp_xfer *x, uint64_t until)
{
	if (until < x->deadline) {
		x->deadline = until;
		x->quick = true;
	}
}

/* The peer has counted its window from here on: what it lacks at the end is sent, and what
 * it should have by now not yet once more. */
static void
extend_window(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	uint64_t left = x->blocks - x->acked;

	x->goal = x->acked + (left < x->terms.window ? left : x->terms.window);
	x->deadline = now + x->interval_ms;
	x->quick = false;
	if (x->sent < x->goal)
		send_portion(x, now, act);
	hurry(x, now + quick_wait(x));
}

/* An acknowledgement in the middle of a window says that the next block was lost. But when
 * some of the window had been sent before, the peer may mean that it has this block already
 * (EDK2 says so of each): going back at once would let both sides talk twice for ever. */
static void
advance(struct tftp_xfer *x, uint64_t by, uint64_t now, struct tftp_act *act)
{
	bool whole = x->acked + by == x->goal && x->sent == x->goal;
	bool unsure = !whole && x->repeated && x->acked + by < x->sent;

	learn(x, whole, now);
	x->phase = TFTP_RUNNING;
	x->acked += by;
	x->progress = now;
	x->quicks = 0;
	x->repeated = x->high > x->acked;
	if (x->acked == x->blocks)
		finish(x, act, TFTP_DO_DONE, NULL);
	else if (unsure)
		extend_window(x, now, act);
	else
		send_window(x, now, act);
}

/* The peer misses the first block of the window, or the acknowledgement was repeated on
 * its way, or belongs to an earlier sending of this window. The second and the third are
 * answered by waiting as long as a round trip takes, and a moment more. */
static void
ask_again(struct tftp_xfer *x, uint64_t now)
{
	uint64_t due = x->sent_at + quick_wait(x), soon = now + TFTP_XFER_QUICK_MIN;

	if (x->phase != TFTP_RUNNING || x->sent < x->goal || x->unsent || !x->measured)
		return;
	if (now >= due + TFTP_XFER_WAITED_MS) {
		x->interval_ms = usual_interval(x);
		hurry(x, soon);
	} else if (x->terms.window > 1 && x->quicks < TFTP_XFER_QUICK_TIMES) {
		hurry(x, soon > due ? soon : due);
	}
}

void
tftp_xfer_ack(struct tftp_xfer *x, uint16_t number, uint64_t now, struct tftp_act *act)
{
	uint32_t ahead = distance(x, number);

	*act = nothing;
	if (x->phase == TFTP_OVER)
		return;
	if (x->phase == TFTP_OPENING && x->terms.oack) {
		/* RFC 2347: block 0 acknowledges the OACK. */
		if (number == 0)
			advance(x, 0, now, act);
		return;
	}
	if (ahead > x->high - x->acked)
		return;
	if (ahead == 0)
		ask_again(x, now);
	else
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

/* ------------------------------------------------------------------------- clock */

static const char *
silence(const struct tftp_xfer *x)
{
	if (x->phase == TFTP_OPENING)
		return "no-answer";
	return x->acked + 1 == x->blocks ? "last-ack-missing" : "timeout";
}

static void
tick_opening(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	if (x->unsent)
		x->openings--;
	else
		back_off(x);
	if (x->openings < TFTP_XFER_OPENINGS)
		send_opening(x, now, act);
	else
		finish(x, act, TFTP_DO_FAIL, silence(x));
}

static void
tick_running(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	if (x->unsent && x->sent < x->goal) {
		send_portion(x, now, act);
		return;
	}
	if (x->quick)
		x->quicks++;
	else
		back_off(x);
	send_again(x, now, act);
}

void
tftp_xfer_tick(struct tftp_xfer *x, uint64_t now, struct tftp_act *act)
{
	*act = nothing;
	if (x->phase == TFTP_OVER || now < x->deadline)
		return;
	if (now - x->progress >= patience(x))
		finish(x, act, TFTP_DO_FAIL, silence(x));
	else if (x->phase == TFTP_OPENING)
		tick_opening(x, now, act);
	else
		tick_running(x, now, act);
}

void
tftp_xfer_unsent(struct tftp_xfer *x, uint64_t first, uint64_t now)
{
	uint64_t left = first == 0 ? 0 : first - 1;

	if (x->phase == TFTP_OVER)
		return;
	x->unsent = true;
	x->deadline = now + TFTP_XFER_UNSENT_MS;
	if (left < x->acked)
		left = x->acked;
	if (x->sent > left)
		x->sent = left;
	if (x->high > left)
		x->high = left;
}
