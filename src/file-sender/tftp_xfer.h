/*
 * One TFTP read transfer as a pure state machine (RFC 1350, 2347, 2348, 2349, 7440):
 * no socket, no clock, no memory of its own. The caller tells it what came in and what
 * time it is, and does what it says.
 *
 * Blocks are counted from 1 in 64 bits; only the low 16 bits of a block number are on
 * the wire, so that the number after 65535 is 0. Times are milliseconds of one clock.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_XFER_H
#define SALLYPORT_FILE_SENDER_TFTP_XFER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

#define TFTP_XFER_OPENINGS 3        /* sends before the peer has proved that it is there */
#define TFTP_XFER_INTERVAL_MS 1000  /* first retransmission */
#define TFTP_XFER_INTERVAL_MAX 4000 /* back-off ends here */
#define TFTP_XFER_GIVE_UP_MS 30000  /* without progress */
#define TFTP_XFER_UNSENT_MS 20      /* next try after the kernel had no room */

/* What was granted. Without any option: oack false, blksize 512, window 1. */
struct tftp_terms {
	uint64_t length;   /* bytes of the object */
	bool oack;         /* options were granted */
	uint16_t blksize;  /* 8 to 65464 (RFC 2348) */
	uint16_t window;   /* 1 to 65535 (RFC 7440) */
	uint8_t timeout_s; /* first interval (RFC 2349); 0: not granted */
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
	uint64_t sent;        /* highest block sent */
	uint64_t deadline;    /* call tftp_xfer_tick() then */
	uint64_t progress;    /* when acked last moved */
	uint32_t interval_ms; /* until the next retransmission */
	uint8_t openings;     /* sends of the first datagram */
	bool unsent;          /* the last send did not leave; repeating it is free */
};

/* Begins: *act is the OACK or the first block. ERR_RANGE when the terms break the
 * limits above; nothing may be sent then. */
int tftp_xfer_start(struct tftp_xfer *x, const struct tftp_terms *terms, uint64_t now,
    struct tftp_act *act) MUST_CHECK;
/* An ACK with this block number came in. Duplicates and numbers that are not in the
 * window do nothing (RFC 1123, 4.2.3.1). */
void tftp_xfer_ack(struct tftp_xfer *x, uint16_t block, uint64_t now, struct tftp_act *act);
/* An ERROR came in: the end. */
void tftp_xfer_error(struct tftp_xfer *x, uint16_t code, struct tftp_act *act);
/* The deadline may be over: repeats what is not acknowledged, or gives up. */
void tftp_xfer_tick(struct tftp_xfer *x, uint64_t now, struct tftp_act *act);
/* The kernel did not take the last send: it is repeated soon and does not count. */
void tftp_xfer_unsent(struct tftp_xfer *x, uint64_t now);
/* Bytes in a block of this transfer: blksize, less (perhaps 0) in the last one. */
uint32_t tftp_xfer_block_len(const struct tftp_xfer *x, uint64_t block);

#endif
