/*
 * TFTP packets (RFC 1350) with the options of RFC 2347, 2348, 2349 and 7440, and with
 * "rollover", which no RFC has: the block number that follows 65535, 0 or 1. Pure: bytes
 * in, struct or error out. Requests are read by tftp-parser; acknowledgements and errors
 * are read, and all that the server says is written, by file-sender.
 */
#ifndef SALLYPORT_WIRE_TFTP_H
#define SALLYPORT_WIRE_TFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define TFTP_REQUEST_MAX 512 /* bytes of a request (RFC 2347) */
#define TFTP_HEADER 4        /* bytes before the data of a block */
#define TFTP_REPLY_MAX 516   /* the longest ACK or ERROR that is read */
#define TFTP_OACK_MAX 96     /* bytes; holds every OACK that can be encoded */
#define TFTP_ERROR_MAX 10    /* bytes of the longest ERROR that is written */

#define TFTP_BLKSIZE_MIN 8
#define TFTP_BLKSIZE_MAX 65464
#define TFTP_BLKSIZE_DEFAULT 512

enum tftp_error {
	TFTP_ERR_OTHER = 0,
	TFTP_ERR_NOT_FOUND = 1,
	TFTP_ERR_ACCESS = 2,
	TFTP_ERR_FULL = 3,
	TFTP_ERR_ILLEGAL = 4,
	TFTP_ERR_TID = 5,
	TFTP_ERR_EXISTS = 6,
	TFTP_ERR_USER = 7,
	TFTP_ERR_OPTION = 8,
};

enum tftp_mode { TFTP_OCTET, TFTP_NETASCII, TFTP_MAIL, TFTP_OTHER_MODE };

/* Bits of `options`; those of RRQ_TELL and TFTP_GRANT_TELL. */
enum {
	TFTP_BLKSIZE = 1,
	TFTP_TSIZE = 2,
	TFTP_TIMEOUT = 4,
	TFTP_WINDOWSIZE = 8,
	TFTP_ROLLOVER = 16,
};
#define TFTP_OPTIONS_ALL 31

struct tftp_request {
	bool write; /* WRQ */
	enum tftp_mode mode;
	const uint8_t *name; /* borrowed from the packet; raw, 1 or more bytes, no NUL */
	size_t name_len;
	uint8_t options;
	uint16_t blksize;    /* 512 when not asked for */
	uint8_t timeout;     /* seconds, 0 when not asked for */
	uint16_t windowsize; /* 1 when not asked for */
	uint8_t rollover;    /* 0 when not asked for */
};

/* Reads an RRQ or WRQ. An option counts only with a plain decimal number in its range;
 * otherwise it is ignored, as RFC 2347 lets a server do. So are options that we do not
 * know, and all but the first of several with the same name. Zero bytes after the last
 * option are padding. 0, or: ERR_LONG (over 512 bytes), ERR_SHORT (a string without its
 * end), ERR_UNSUPPORTED (not a request), ERR_FORMAT (empty name). On error *r is not
 * touched. */
int tftp_decode_request(const void *bytes, size_t len, struct tftp_request *r) MUST_CHECK;

struct tftp_reply {
	bool error;      /* ERROR, else ACK */
	uint16_t number; /* error code or block */
};

/* Reads what a client may send in a transfer: an ACK of exactly four bytes, or an ERROR
 * (its text is skipped, and need not be there). 0, or: ERR_SHORT, ERR_LONG,
 * ERR_UNSUPPORTED (any other packet). On error *r is not touched. */
int tftp_decode_reply(const void *bytes, size_t len, struct tftp_reply *r) MUST_CHECK;

/* The bit of each option to acknowledge, and its value. */
struct tftp_oack {
	uint8_t options;
	uint16_t blksize;
	uint8_t timeout;
	uint16_t windowsize;
	uint64_t tsize; /* bytes */
	uint8_t rollover;
};

/* All return the packet's length, or ERR_LONG when cap is too small, ERR_RANGE when a
 * value is not one the protocol has. */
int tftp_encode_oack(const struct tftp_oack *o, uint8_t *bytes, size_t cap) MUST_CHECK;
/* The four bytes before a block's data. */
int tftp_encode_data(uint16_t block, uint8_t *bytes, size_t cap) MUST_CHECK;
/* Texts are fixed and so short that no answer is longer than the request that it
 * refuses: nothing of ours is worth reflecting at somebody. */
int tftp_encode_error(enum tftp_error code, uint8_t *bytes, size_t cap) MUST_CHECK;

#endif
