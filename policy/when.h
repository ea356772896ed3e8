/*
 * Times in manifests: RFC 3339, in the one form 2026-11-22T10:00:00Z (UTC, whole
 * seconds, upper case, no leap second). Pure.
 */
#ifndef SALLYPORT_POLICY_WHEN_H
#define SALLYPORT_POLICY_WHEN_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define WHEN_TEXT_LEN 20 /* without NUL */

/* Seconds since 1970. 0, ERR_FORMAT (not of that form, *at is the first wrong byte) or
 * ERR_RANGE (no such day or hour, or before 1970; *at is the field). */
int when_parse(const char *text, size_t len, uint64_t *seconds, size_t *at) MUST_CHECK;
/* Writes the form above; years after 9999 become 9999-12-31T23:59:59Z. Returns text. */
const char *when_format(uint64_t seconds, char text[WHEN_TEXT_LEN + 1]);

#endif
