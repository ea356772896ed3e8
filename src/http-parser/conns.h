/*
 * The connections whose request bytes http-parser holds: a state machine, bytes in,
 * messages for the broker out. No I/O and no clock; it allocates only in conns_init.
 *
 * A connection has an entry from its first byte, and a buffer only while bytes of it wait:
 * an idle one has none. Both are of a fixed number. When the buffers are
 * all taken, the oldest loses its own: its connection is answered with 408, at once or,
 * where a request is on its way, when the next one would be read.
 */
#ifndef SALLYPORT_HTTP_PARSER_CONNS_H
#define SALLYPORT_HTTP_PARSER_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/msg.h"
#include "src/wire/http.h"

/* More connections than a process can have descriptors. */
#define CONNS_MAX 65536
#define CONNS_BUFFERS 1536
/* The most messages that one call puts out. */
#define CONNS_OUT_MAX 2

struct conns;

/* Takes a GET_TELL or BAD_TELL for the broker. */
typedef void conns_out(void *arg, const struct msg *m);

/* NULL when there is no memory for it. entries <= CONNS_MAX, buffers <= entries. */
struct conns *conns_init(unsigned entries, unsigned buffers, conns_out *out, void *arg);
void conns_free(struct conns *c);

/* BYTES_TELL. 0, or what the file-sender's breach is: ERR_LONG (more bytes that nothing has
 * used up than HTTP_HEAD_MAX), ERR_FULL (more connections than there can be), ERR_RANGE (no
 * bytes). The state is sound after each. */
int conns_bytes(
    struct conns *c, uint64_t conn, bool next, const uint8_t *bytes, size_t len) MUST_CHECK;
/* NEXT_TELL. It may also name a connection whose request our predecessor read: then there
 * is nothing to go on with. */
void conns_next(struct conns *c, uint64_t conn);
/* END_TELL. */
void conns_end(struct conns *c, uint64_t conn);
/* Forgets all. */
void conns_reset(struct conns *c);

/* For tests and the log. */
struct conns_count {
	unsigned entries; /* in use */
	unsigned buffers; /* in use */
	uint64_t evicted; /* buffers taken away, ever */
};
struct conns_count conns_count(const struct conns *c);

#endif
