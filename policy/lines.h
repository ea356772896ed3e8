/*
 * A cursor over line-based text, for the strict formats of this project: ASCII, LF at
 * the end of every line, single spaces, one way to write each thing.
 *
 * The first thing that is wrong stops the cursor and is kept as line, column and text;
 * every later step then fails too, so that a parser may do several and look once.
 * Pure: borrows the text, allocates nothing.
 */
#ifndef SALLYPORT_POLICY_LINES_H
#define SALLYPORT_POLICY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* Where a text is wrong, and how. line and column count bytes from 1. */
struct text_error {
	unsigned line;
	unsigned column;
	char what[160]; /* NUL-terminated, printable */
};

struct lines {
	const char *p;     /* next byte */
	const char *end;   /* one past the last */
	const char *start; /* of the current line */
	unsigned line;     /* its number, from 1 */
	bool failed;
	struct text_error *error;
};

/* A borrowed piece of a line, not NUL-terminated. */
struct piece {
	const char *p;
	size_t len;
};

/* error is the caller's and is only written when something is wrong. */
void lines_init(struct lines *l, const char *text, size_t len, struct text_error *error);
/* All read and nothing was wrong. */
bool lines_done(const struct lines *l);
/* Does the rest of the current line begin with these bytes? Moves nothing. */
bool lines_at(const struct lines *l, const char *text);
/* Steps over exactly these bytes (which may hold an LF), else "expected ...". */
bool lines_literal(struct lines *l, const char *text);
/* Steps over an LF; `expected` names what could have stood there instead. */
bool lines_end(struct lines *l, const char *expected);
/* The bytes up to the next space or LF: 1..max of them. */
bool lines_word(struct lines *l, struct piece *word, size_t max, const char *expected);
/* The printable ASCII up to the LF: 1..max bytes, no space at either end. */
bool lines_rest(struct lines *l, struct piece *rest, size_t max, const char *expected);
/* A decimal number min..max without leading zeros, up to a space or LF. */
bool lines_number(
    struct lines *l, uint64_t *n, uint64_t min, uint64_t max, const char *expected);
/* Exactly n lower-case hex pairs. */
bool lines_hex(struct lines *l, uint8_t *bytes, size_t n, const char *expected);
/* Stops at `at`, a place in the current line. Always false. */
bool lines_fail(struct lines *l, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
