/*
 * The connections of process tls: a table of fixed size, who is to be served next, and
 * deadlines. A connection is two descriptors, the client's and one end of the pair over
 * which file-sender gets and sends the plaintext, and the TLS session between them.
 *
 * Both descriptors are watched edge-triggered: what may be read or written stands in the
 * flags below and is cleared when the kernel says EAGAIN, so that after its first day in
 * the epoll set a connection costs no call to change it.
 */
#ifndef SALLYPORT_TLS_CONN_H
#define SALLYPORT_TLS_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define CONN_MAX 16384u

/* OpenSSL's; only session.c looks inside. */
struct ssl_st;

enum conn_state {
	CONN_FREE,
	CONN_SHAKING, /* waits for certificates, or shakes hands */
	CONN_OPEN,
	CONN_ENDED, /* nothing more to say; waits for the client to close */
};

/* Who is to be served next, each in its line. */
enum conn_line {
	LINE_BYTES,    /* open or ended */
	LINE_SHAKING,  /* a step of a handshake, which may become a question to keys */
	LINE_ANSWERED, /* the same, when its question is known to keys already */
	LINE_COUNT
};

/* What the clock ends. Each has the same length for all. */
enum conn_clock {
	CLOCK_NONE,
	CLOCK_SHAKE, /* the handshake is not done */
	CLOCK_DRAIN, /* file-sender is gone, and the client takes nothing of what is left */
	CLOCK_END,   /* the client does not close */
	CLOCK_MAX
};

/* Bytes that the other side has not taken yet. */
struct rest {
	uint8_t *bytes; /* NULL: none */
	uint32_t at, len;
};

struct conn_link {
	uint32_t prev, next;
};

struct conn {
	enum conn_state state;
	enum conn_clock clock;
	uint8_t worker;                          /* file-sender that it came from */
	bool tcp_in, tcp_out, pair_in, pair_out; /* worth a try */
	bool tcp_eof, pair_eof, pair_gone;
	bool told_eof; /* file-sender knows that the client sends no more */
	bool queued;
	uint8_t line;  /* enum conn_line, when queued */
	int tcp, pair; /* pair -1: closed */
	uint32_t ask;  /* in keys' hands; 0: none */
	uint32_t serial;
	uint64_t nr;
	uint64_t until; /* ms, with a clock */
	struct addr peer;
	uint16_t port;
	struct ssl_st *ssl; /* NULL: not begun */
	struct rest cipher; /* for the client */
	struct rest plain;  /* for file-sender */
	struct conn_link run, timed;
};

struct conn_times {
	uint32_t shake_ms, drain_ms, end_ms;
};

/* Allocates; 0 or ERR_SYS. */
int conn_init(const struct conn_times *times) MUST_CHECK;
/* Takes over both descriptors, and watches them. NULL: there is no room, or they are none
 * that can be watched; they are closed then. */
struct conn *conn_add(
    unsigned worker, uint64_t nr, int tcp, int pair, uint64_t now) MUST_CHECK;
/* Closes what is open. The session has been freed. */
void conn_free(struct conn *c);
void conn_become(struct conn *c, enum conn_state state);
/* No more plaintext goes either way. */
void conn_close_pair(struct conn *c);
uint32_t conn_index(const struct conn *c);
struct conn *conn_at(uint32_t index);
/* All that are not free, in turn; NULL after the last. before: NULL for the first. */
struct conn *conn_next(const struct conn *before);
unsigned conn_count(void);

/* The one of an event, with its flags changed; NULL when it is gone by now. */
struct conn *conn_event(uint64_t data, uint32_t events);
/* Is this event one of a connection? Else its data is a number below CONN_EVENT. */
#define CONN_EVENT (UINT64_C(1) << 63)

/* Puts it in line, once. */
void conn_queue(struct conn *c);
/* Takes the first out of line; NULL: nobody waits. And how many do. */
struct conn *conn_take(enum conn_line line);
unsigned conn_waiting(enum conn_line line);

void conn_clock(struct conn *c, enum conn_clock clock, uint64_t now);
/* One whose time has come, and which clock it was; it has none any more. NULL: none. */
struct conn *conn_due(uint64_t now, enum conn_clock *clock);
/* Nothing is due before. */
uint64_t conn_next_due(void);

#endif
