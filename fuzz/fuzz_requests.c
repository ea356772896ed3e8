/*
 * Sequences of HTTP requests on one connection, as an honest file-sender relays them: never
 * more ahead of the answers than one head's worth. Input: a byte that chooses how the
 * stream is cut and how late answers come, then the stream. Promise: what is asked for does
 * not depend on either, whatever the stream is, and at the end nothing is held but what has
 * not become a request.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/http-parser/conns.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define CONN 5
#define PIECE_MAX 2048 /* of a BYTES_TELL */
#define STREAM_MAX 65536

/* One way to relay the stream. */
struct run {
	struct conns *conns;
	uint32_t cut; /* a random number, or 0: as much as may be */
	bool late;    /* answers come when nothing more can be relayed */
	bool due;     /* the next bytes say that the answer is out */
	bool waiting; /* a request has not been answered */
	bool over;    /* there was the last one */
	size_t used;  /* of the request that is out */
	size_t ahead; /* bytes that no answer has used up */
	unsigned asked;
	uint64_t sum; /* of all that was asked */
};

static void
on_out(void *arg, const struct msg *m)
{
	struct run *r = arg;
	uint8_t bytes[MSG_SIZE_MAX];
	int len = msg_encode(m, bytes, sizeof bytes);

	REQUIRE(len > 0 && !r->waiting && !r->over);
	for (int i = 0; i < len; i++)
		r->sum = (r->sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	r->asked++;
	r->waiting = true;
	r->over = m->nr == MSG_BAD_TELL || m->u.get_tell.keep == 0;
	r->used = m->nr == MSG_BAD_TELL ? 0 : m->u.get_tell.used;
}

static void
answer(struct run *r)
{
	while (r->waiting && !r->over) {
		r->waiting = false;
		REQUIRE(r->used > 0 && r->used <= r->ahead);
		r->ahead -= r->used;
		r->due = r->ahead == 0;
		if (!r->due)
			conns_next(r->conns, CONN);
	}
}

static size_t
next_piece(struct run *r, size_t left)
{
	size_t n = PIECE_MAX;

	if (r->cut != 0) {
		r->cut = r->cut * 1664525u + 1013904223u;
		n = 1 + (r->cut >> 16) % ((r->cut >> 8 & 3) == 0 ? PIECE_MAX : 40);
		r->cut |= 1;
	}
	if (n > HTTP_HEAD_MAX - r->ahead)
		n = HTTP_HEAD_MAX - r->ahead;
	return n < left ? n : left;
}

static void
run(struct run *r, const uint8_t *stream, size_t len)
{
	size_t at = 0;

	r->conns = conns_init(2, 1, on_out, r);
	REQUIRE(r->conns != NULL);
	while (at < len && !r->over) {
		size_t n = next_piece(r, len - at);

		if (n > 0) {
			r->ahead += n;
			REQUIRE(conns_bytes(r->conns, CONN, r->due, stream + at, n) == 0);
			r->due = false;
			at += n;
		}
		if (!r->late || r->ahead == HTTP_HEAD_MAX)
			answer(r);
	}
	answer(r);
	/* One head's worth without a head does not happen. */
	REQUIRE(r->over || r->ahead < HTTP_HEAD_MAX);
	REQUIRE(conns_count(r->conns).evicted == 0);
	conns_end(r->conns, CONN);
	REQUIRE(conns_count(r->conns).entries == 0 && conns_count(r->conns).buffers == 0);
	conns_free(r->conns);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct run whole = {.cut = 0}, cut = {.cut = 1};

	if (len < 1 || len > STREAM_MAX)
		return 0;
	cut.cut = 2u * data[0] + 1u;
	cut.late = data[0] & 1;
	whole.late = data[0] >> 1 & 1;
	run(&whole, data + 1, len - 1);
	run(&cut, data + 1, len - 1);
	REQUIRE(whole.asked == cut.asked && whole.sum == cut.sum && whole.over == cut.over);
	return 0;
}
