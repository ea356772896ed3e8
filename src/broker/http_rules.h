/*
 * What an HTTP request with conditions and a range gets from an object that exists
 * (RFC 9110, sections 13 and 14). Pure.
 */
#ifndef SALLYPORT_BROKER_HTTP_RULES_H
#define SALLYPORT_BROKER_HTTP_RULES_H

#include <stdint.h>

#include "privsep/msg.h"

#define HTTP_TAG_SIZE 16

/* Bits of `conditions` in GET_TELL. */
enum {
	HTTP_IF_MATCH = 1,
	HTTP_IF_NONE_MATCH = 2,
	HTTP_IF_RANGE_TAG = 4,
	HTTP_IF_MODIFIED_SINCE = 8,
	HTTP_IF_UNMODIFIED_SINCE = 16,
	HTTP_IF_MATCH_ANY = 32,
	HTTP_IF_NONE_MATCH_ANY = 64,
	HTTP_IF_RANGE_DATE = 128,
};

/* Values of `range` and `method` in GET_TELL. */
enum { HTTP_RANGE_NONE, HTTP_RANGE_CLOSED, HTTP_RANGE_OPEN, HTTP_RANGE_SUFFIX };
enum { HTTP_GET, HTTP_HEAD };

struct http_object {
	uint8_t etag[HTTP_TAG_SIZE];
	uint64_t modified; /* seconds since 1970 */
	uint64_t length;   /* bytes */
};

struct http_decision {
	uint16_t status;        /* 200, 206, 304, 412 or 416 */
	uint64_t first, length; /* bytes to send for 200 and 206 */
};

void http_decide(const struct msg_get_tell *m, const struct http_object *object,
    struct http_decision *d);

#endif
