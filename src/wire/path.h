/*
 * One spelling for each name that a client may ask for. Names are looked up whole in the
 * table of signed objects and never reach a file system call; folding only makes the
 * spellings that real firmware uses meet the one in the manifest.
 */
#ifndef SALLYPORT_WIRE_PATH_H
#define SALLYPORT_WIRE_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define PATH_FOLDED_MAX 255

enum path_flags {
	PATH_PERCENT = 1, /* %41 means A; decoded once, and %25 is refused */
	PATH_QUERY = 2,   /* a URL: cut at "?", refuse "#" */
	PATH_TRAIL = 4,   /* drop bytes 0xff and controls at the end, then ";mode=octet" */
};

#define PATH_TFTP (PATH_PERCENT | PATH_TRAIL)
#define PATH_HTTP (PATH_PERCENT | PATH_QUERY)

/* Writes the canonical form of a requested name, NUL-terminated: 1..255 printable ASCII
 * bytes, components parted by single slashes (backslashes count as slashes), none at the
 * start or end, no component "." or "..". Case is kept. 0, or: ERR_ABSENT (names no file:
 * nothing is left, or it ends in a slash), ERR_LONG, ERR_FORMAT (anything else). On error
 * out is an empty string. flags: enum path_flags. */
int path_fold(const void *bytes, size_t len, unsigned flags,
    char out[PATH_FOLDED_MAX + 1]) MUST_CHECK;

#endif
