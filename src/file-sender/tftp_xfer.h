/*
 * One TFTP read transfer as a pure state machine (RFC 1350, 2347, 2348, 2349, 7440):
 * no socket, no clock, no memory of its own. The caller tells it what came in and what
 * time it is, and does what it says.
 *
 * Blocks are counted from 1 in 64 bits; what stands on the wire for one is
 * tftp_xfer_number(). Times are milliseconds of one clock.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_XFER_H
#define SALLYPORT_FILE_SENDER_TFTP_XFER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

#define TFTP_XFER_OPENINGS 3        /* sends before the peer has proved that it is there */
#define TFTP_XFER_INTERVAL_MS 1000  /* first repetition while no round trip is known */
#define TFTP_XFER_INTERVAL_MIN 50   /* the peer may be busy for that long */
#define TFTP_XFER_INTERVAL_MAX 4000 /* back-off ends here */
#define TFTP_XFER_QUICK_MIN 5       /* repetition that an acknowledgement asks for */
#define TFTP_XFER_QUICK_TIMES 3     /* of them in one place of the file */
#define TFTP_XFER_WAITED_MS 500     /* a peer that repeats itself then has lost patience */
#define TFTP_XFER_GIVE_UP_MS 30000  /* without progress */
#define TFTP_XFER_TEST_MS 10000     /* without taking even the first block */
#define TFTP_XFER_UNSENT_MS 5       /* next try after the kernel had no room */
#define TFTP_XFER_PORTION 131072    /* bytes of blocks that leave at once, or one block */

/* What was granted. Without any option: oack false, blksize 512, window 1. */
struct tftp_terms {
	uint64_t length;  /* bytes of the object */
	bool oack;        /* options were granted */
	bool rollover;    /* after block 65535 comes number 1, not 0; window < 65535 then */
	bool endless;     /* length says nothing: see tftp_xfer_ends() */
	uint16_t blksize; /* 8 to 65464 (RFC 2348) */
	uint16_t window;  /* 1 to 65535 (RFC 7440) */
	uint8_t timeout_s; /* no interval is longer (RFC 2349); 0: not granted */
};

enum tftp_do {
	TFTP_DO_NOTHING,
	TFTP_DO_OACK,  /* send the OACK */
	TFTP_DO_DATA,  /* send blocks first .. first + count - 1 */
	TFTP_DO_DONE,  /* the peer has everything */
	TFTP_DO_PROBE, /* the peer wanted the OACK only and said so */
	TFTP_DO_FAIL,  /* over; `why` is constant text */
};

struct tftp_act {
	enum tftp_do what;
	uint64_t first;
	uint32_t count;
	const char *why;
};

enum tftp_phase { TFTP_OPENING, TFTP_RUNNING, TFTP_OVER };

struct tftp_xfer {
	struct tftp_terms terms;
	enum tftp_phase phase;
	uint64_t blocks;      /* all there are; the last is shorter than blksize */
	uint64_t acked;       /* blocks 1..acked are with the peer */
	uint64_t sent;        /* of this window, up to here */
	uint64_t goal;        /* the end of this window */
	uint64_t high;        /* no block after it has left */
	uint64_t sent_at;     /* when the last of them did */
	uint64_t deadline;    /* call tftp_xfer_tick() then */
	uint64_t progress;    /* when acked last moved */
	uint32_t interval_ms; /* until the next repetition */
	uint32_t srtt;        /* smoothed round trip (RFC 6298) in 1/8 ms, and */
	uint32_t rttvar;      /* its variation in 1/4 ms */
	bool measured;        /* the two are valid */
	bool repeated;        /* some of this window has left twice: tells no round trip */
	bool quick;           /* the deadline is that of an acknowledgement's request */
	bool unsent;          /* the last send did not leave; repeating it is free */
	uint8_t openings;     /* sends of the first datagram */
	uint8_t quicks;       /* repetitions asked for since acked moved */
};

/* Begins: *act is the OACK or the first block. ERR_RANGE when the terms break the
 * limits above; nothing may be sent then. */
int tftp_xfer_start(struct tftp_xfer *x, const struct tftp_terms *terms, uint64_t now,
    struct tftp_act *act) MUST_CHECK;
/* An ACK with this block number came in. One that moves the window sends the next. One
 * that repeats the last sends nothing (RFC 1123, 4.2.3.1), but of windows of several blocks
 * (RFC 7440, section 4) it brings the deadline forward, to when an acknowledgement of this
 * window would have come. After a long time it also ends the back-off. All others do
 * nothing. */
void tftp_xfer_ack(
    struct tftp_xfer *x, uint16_t number, uint64_t now, struct tftp_act *act);
/* An ERROR came in: the end. */
void tftp_xfer_error(struct tftp_xfer *x, uint16_t code, struct tftp_act *act);
/* The deadline may be over: repeats what is not acknowledged, or gives up. */
void tftp_xfer_tick(struct tftp_xfer *x, uint64_t now, struct tftp_act *act);
/* There is more of the window than the last act had in it. */
bool tftp_xfer_has_more(const struct tftp_xfer *x);
/* The next portion of it, when the others have had theirs. */
void tftp_xfer_more(struct tftp_xfer *x, uint64_t now, struct tftp_act *act);
/* The kernel did not take the last send from block `first` on (0: the OACK): it is
 * repeated soon and does not count. */
void tftp_xfer_unsent(struct tftp_xfer *x, uint64_t first, uint64_t now);
/* Of an endless one: this block, of the last act, is the end of the file, and shorter
 * than blksize. */
void tftp_xfer_ends(struct tftp_xfer *x, uint64_t block);
/* Bytes in a block of one that is not endless: blksize, less (perhaps 0) in the last. */
uint32_t tftp_xfer_block_len(const struct tftp_xfer *x, uint64_t block);
/* The number of this block on the wire. */
uint16_t tftp_xfer_number(const struct tftp_xfer *x, uint64_t block);

#endif
