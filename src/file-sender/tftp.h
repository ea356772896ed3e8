/*
 * All TFTP transfers of this process, the pool of sockets, and what the broker orders.
 * Times are milliseconds of clock_mono_ms().
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_H
#define SALLYPORT_FILE_SENDER_TFTP_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/msg.h"
#include "src/file-sender/caps.h"
#include "src/file-sender/memfds.h"
#include "src/file-sender/tftp_in.h"
#include "src/file-sender/tftp_out.h"
#include "src/file-sender/tftp_table.h"
#include "src/file-sender/timers.h"

struct tftp_setup {
	unsigned pool;              /* sockets of IPv4, from FD_POOL on */
	unsigned pool6;             /* of IPv6, after those */
	unsigned links;             /* of the server */
	uint32_t per_address;       /* transfers of one peer at once */
	uint32_t scopes[LINKS_MAX]; /* the interface of each */
	bool single;                /* they have sockets on port 69, from FD_SINGLE on */
	const struct addr *locals;  /* our own addresses; borrowed for good */
	unsigned nlocals;
	struct memfds *memfds; /* likewise */
	uint64_t seed;         /* a secret number */
};

/* Places of transfers whose window is not out yet, in turn. */
struct tftp_queue {
	uint32_t *items;
	uint32_t head, n;
};

struct tftp {
	struct tftp_setup setup;
	struct tftp_out out;
	struct tftp_in *in;
	struct tftp_table table;
	struct tftp_queue queue;
	struct timers timers;
	struct caps caps;
	unsigned turn;        /* counts the sockets that were chosen */
	uint64_t stranger_ms; /* of the last ERROR to somebody unknown */
	uint64_t now;         /* of the call that is being served */
};

/* Allocates. 0 or ERR_SYS. */
int tftp_init(struct tftp *t, const struct tftp_setup *setup) MUST_CHECK;
/* Begins a transfer. 0, also when this peer is refused; ERR_RANGE when the grant breaks
 * the limits of the protocol, which is the broker's fault. */
int tftp_grant(
    struct tftp *t, const struct msg_tftp_grant_tell *g, uint64_t now) MUST_CHECK;
/* Answers with an error; results as above. */
int tftp_deny(struct tftp *t, const struct msg_tftp_deny_tell *d) MUST_CHECK;
/* What tftp-parser heard in a transfer from port 69; results as above. */
int tftp_told(struct tftp *t, const struct msg_tftp_relay_tell *m, uint64_t now) MUST_CHECK;
/* Socket number `sock` of the pool, or of that of IPv6 after it, has something. */
void tftp_readable(struct tftp *t, unsigned sock, uint64_t now);
/* Serves what is due, and those in the queue. */
void tftp_tick(struct tftp *t, uint64_t now);
/* Nothing is due before. */
uint64_t tftp_next(const struct tftp *t);
/* Sends what is collected: once at the end of a turn. */
void tftp_flush(struct tftp *t);

#endif
