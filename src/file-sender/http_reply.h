/*
 * The header of an HTTP/1.1 answer (RFC 9110, RFC 9112), and the short text that follows
 * it where there is no object. Pure: a struct in, bytes out. Nothing that a client sent
 * is ever part of it.
 */
#ifndef SALLYPORT_FILE_SENDER_HTTP_REPLY_H
#define SALLYPORT_FILE_SENDER_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/msg.h"
#include "src/base/err.h"

#define HTTP_REPLY_MAX 640 /* bytes of the longest answer without an object */
#define HTTP_DATE_SIZE 30  /* with NUL */

struct http_reply {
	uint16_t status;
	bool head; /* the request was HEAD: no body follows */
	bool keep; /* the connection stays */
	/* 200 and 206: `length` bytes from `first` of `total`. 416: total. */
	uint64_t first, length, total;
	enum content content;
	uint8_t etag[16];
	uint64_t modified; /* seconds since 1970; 0: not said */
	uint64_t now;      /* likewise */
};

/* Writes the header, and for a status without object its text. Returns the length, or
 * ERR_RANGE (a status that is not one of ours, a range outside the object), ERR_LONG. */
int http_reply_encode(const struct http_reply *r, uint8_t *bytes, size_t cap) MUST_CHECK;
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). Times after the year 9999 are shown
 * as its last second. Returns text. */
const char *http_reply_date(uint64_t seconds, char text[HTTP_DATE_SIZE]);

#endif
