/*
 * Request heads of HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112), GET and HEAD only. Pure,
 * and stricter than the RFCs where they leave a choice: what two servers could read in
 * two ways is refused.
 */
#ifndef SALLYPORT_WIRE_HTTP_H
#define SALLYPORT_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/wire/path.h"

#define HTTP_HEAD_MAX 8192   /* bytes, with the empty line */
#define HTTP_TARGET_MAX 2048 /* bytes */
#define HTTP_FIELDS_MAX 64
#define HTTP_TAG_SIZE 16 /* an entity tag of ours is these bytes as lower-case hex */
#define HTTP_TAGS_MAX 4

enum http_method { HTTP_GET, HTTP_HEAD };
enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_CLOSED, HTTP_RANGE_OPEN, HTTP_RANGE_SUFFIX };

/* Bits of `conditions`; those of GET_TELL. For "*" only the ANY bit is set. */
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

/* The tags of a list that have our form, the first four of them. */
struct http_tags {
	uint8_t n;
	uint8_t tag[HTTP_TAGS_MAX][HTTP_TAG_SIZE];
};

struct http_head {
	enum http_method method;
	bool keep; /* the client lets the connection stay */
	char path[PATH_FOLDED_MAX + 1];
	enum http_range range;
	uint64_t first, last; /* SUFFIX: the last `last` bytes. Saturated at 2^64 - 1 */
	uint8_t conditions;
	struct http_tags match, none_match;
	uint8_t range_tag[HTTP_TAG_SIZE];
	uint64_t modified_since, unmodified_since, range_since; /* seconds since 1970 */
};

/* Looks for the end of the first head in bytes. *from is 0 at first and is kept between
 * calls with more bytes of the same head, so that each byte is looked at once. Returns
 * the head's length with its empty line; 0 when it has not ended yet; ERR_FORMAT when it
 * has a line that does not end in CRLF, a control character, or an empty first line;
 * ERR_LONG when it does not end within HTTP_HEAD_MAX. What is found does not depend on
 * how the bytes were cut. */
int http_head_length(const uint8_t *bytes, size_t len, size_t *from) MUST_CHECK;
/* The status that answers an error of http_head_length: 400, 414 or 431. */
int http_head_refusal(const uint8_t *bytes, size_t len, int err) MUST_CHECK;
/* Does the request ask for the head of an answer only? Good for any bytes. */
bool http_wants_head(const uint8_t *bytes, size_t len);

/* Reads one head, exactly len bytes with its empty line. 0, or the status (4xx, 5xx) that
 * answers it, and the connection has to close; *h is then not touched.
 *
 * Several ranges, and ranges that make no sense, are as if there were none (RFC 9110,
 * 14.2); so is a range with HEAD, or with an If-Range that cannot match. Dates count in
 * the one current form (IMF-fixdate). If-Modified-Since does not count beside
 * If-None-Match, nor If-Unmodified-Since beside If-Match (RFC 9110, 13.1.3, 13.1.4). */
int http_decode_head(const uint8_t *bytes, size_t len, struct http_head *h) MUST_CHECK;

#endif
