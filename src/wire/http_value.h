/*
 * Values of single header fields, without white space around them. Part of the HTTP
 * codec (src/wire/http.h); pure.
 */
#ifndef SALLYPORT_WIRE_HTTP_VALUE_H
#define SALLYPORT_WIRE_HTTP_VALUE_H

#include "src/base/buf.h"
#include "src/wire/http.h"

/* v without spaces and tabs at both ends. */
struct in http_value_trim(struct in v);
/* Is v exactly this word, in any case? */
bool http_value_is(struct in v, const char *word);
/* Parts v at its first comma: returns what is before it, trimmed; v becomes the rest. */
struct in http_value_next(struct in *v);

/* A date as in "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), from 1970 on, as seconds
 * since then. Does not look at locale or time zone. */
bool http_value_date(struct in v, uint64_t *seconds) MUST_CHECK;
/* Exactly one byte range (RFC 9110, 14.1.2), else HTTP_RANGE_NONE. */
enum http_range http_value_range(struct in v, uint64_t *first, uint64_t *last) MUST_CHECK;
/* One strong entity tag of our form. */
bool http_value_tag(struct in v, uint8_t tag[HTTP_TAG_SIZE]) MUST_CHECK;
/* Adds the tags of a list to t, with the weak ones when weak is set (RFC 9110, 8.8.3.2).
 * What is not a tag ends the list: it can match nothing. */
void http_value_tags(struct in v, bool weak, struct http_tags *t);
/* 0 (any number of zeros), 1 for a larger number, or ERR_FORMAT: Content-Length. */
int http_value_length(struct in v) MUST_CHECK;

#endif
