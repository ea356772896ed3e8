/*
 * DHCPv4 options as an operator writes and reads them: a table of the standard ones
 * (RFC 2132 and later, IANA's names), each with a type, and the way from text to bytes and
 * back. Pure; no allocation.
 *
 * Options that the server makes itself (1, 50 to 59, 61, 66, 67, 82, 93, 97, 175, ...)
 * cannot be configured: their type is OPTION_OURS. A few of those have a setting of their
 * own.
 */
#ifndef SALLYPORT_POLICY_OPTION_H
#define SALLYPORT_POLICY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define OPTION_VALUE_MAX 255
#define OPTION_TEXT_MAX 1600 /* of one value as text, and NUL */

enum option_type {
	OPTION_OURS, /* not configurable */
	OPTION_FLAG, /* one byte, "yes" or "no" */
	OPTION_U8,
	OPTION_U16,
	OPTION_U32,
	OPTION_S32,
	OPTION_SECONDS, /* u32; "90", "30m", "1h" */
	OPTION_U8S,     /* one or more, separated by commas */
	OPTION_U16S,
	OPTION_ADDRESS, /* one IPv4 address */
	OPTION_ADDRESSES,
	OPTION_PAIRS,  /* pairs of addresses: "192.0.2.0 192.0.2.1" */
	OPTION_TEXT,   /* printable, not NUL-terminated */
	OPTION_NAME,   /* a domain name as text */
	OPTION_NAMES,  /* domain names in RFC 1035 form, uncompressed (RFC 3397) */
	OPTION_ROUTES, /* RFC 3442: "192.0.2.0/24 198.51.100.1" */
	OPTION_BYTES,  /* "01:02:ff" */
	OPTION_EMPTY   /* no value */
};

struct option_def {
	uint8_t code;
	enum option_type type;
	enum option_type shown; /* as type, but never OPTION_OURS: for option_format */
	const char *name;       /* "domain-name-servers" */
};

/* NULL when there is none of that name or number. */
const struct option_def *option_by_name(const char *name, size_t len);
const struct option_def *option_by_code(unsigned code);
/* "u16", "addresses" ... as the configuration names types. False when not known. */
bool option_type_parse(const char *name, size_t len, enum option_type *type);
const char *option_type_name(enum option_type type);

/* One piece of a value, as it stands between two commas, appended to value (cap bytes, of
 * which *used are filled). 0; ERR_FORMAT / ERR_RANGE with *expected saying what would have
 * been right ("an IPv4 address"); ERR_DUPLICATE for a second piece of a type that has one;
 * ERR_LONG beyond cap. */
int option_append(enum option_type type, const char *text, size_t len, uint8_t *value,
    size_t cap, size_t *used, const char **expected) MUST_CHECK;
/* Whether a whole value is one that the option can have: its type's shape, and the limits
 * that RFC 2132 sets for a few (an MTU of at least 68). 0; ERR_RANGE with *expected. */
int option_check(const struct option_def *def, const uint8_t *value, size_t len,
    const char **expected) MUST_CHECK;
/* The value as text that option_append takes, pieces separated by ", ". Bytes that do not
 * fit the type are shown as OPTION_BYTES does, so any input gives a text; bytes beyond
 * OPTION_VALUE_MAX are not shown. Returns text. */
const char *option_format(
    enum option_type type, const uint8_t *value, size_t len, char text[OPTION_TEXT_MAX]);

#endif
