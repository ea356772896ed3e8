/*
 * The line ends of netascii, in file-sender. The source is a signed object, and what it
 * says is of no consequence here but for two byte values.
 */
#include "src/file-sender/netascii.h"

enum { HALF_NONE, HALF_LF, HALF_NUL };

/* The next byte; the caller knows that there is one. */
static uint8_t
next(struct netascii *n, const uint8_t *src)
{
	uint8_t c;

	if (n->half != HALF_NONE) {
		c = n->half == HALF_LF ? '\n' : '\0';
		n->half = HALF_NONE;
		return c;
	}
	c = src[n->at++];
	if (c == '\n')
		n->half = HALF_LF;
	else if (c == '\r')
		n->half = HALF_NUL;
	return c == '\n' ? '\r' : c;
}

size_t
netascii_fill(
    struct netascii *n, const uint8_t *src, uint64_t len, uint8_t *out, size_t cap)
{
	size_t used = 0;

	while (used < cap && (n->at < len || n->half != HALF_NONE))
		out[used++] = next(n, src);
	return used;
}

void
netascii_skip(struct netascii *n, const uint8_t *src, uint64_t len, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes && (n->at < len || n->half != HALF_NONE); i++)
		(void)next(n, src);
}
