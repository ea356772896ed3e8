/*
 * Text as netascii has it (RFC 764, as RFC 1350 uses it): a line feed becomes CR LF, a CR
 * becomes CR NUL. Written piece by piece, so that no more than a block of it is anywhere.
 * Pure.
 */
#ifndef SALLYPORT_FILE_SENDER_NETASCII_H
#define SALLYPORT_FILE_SENDER_NETASCII_H

#include <stddef.h>
#include <stdint.h>

/* How far one has come. All zero: at the beginning. */
struct netascii {
	uint64_t at;  /* bytes of the source that are written, but for perhaps */
	uint8_t half; /* the second half of the last: 0 none, 1 LF, 2 NUL */
};

/* Writes the next bytes of src[0..len-1]. Fewer than cap only at its end. Returns how
 * many. */
size_t netascii_fill(
    struct netascii *n, const uint8_t *src, uint64_t len, uint8_t *out, size_t cap);
/* Goes on by that many bytes, as if they had been written. */
void netascii_skip(struct netascii *n, const uint8_t *src, uint64_t len, uint64_t bytes);

#endif
