/*
 * A channel: one end of a SOCK_SEQPACKET pair to another process, non-blocking.
 *
 * Receiving checks length, ranges, and that this peer may send this message to us; a
 * message that fails is a breach: the channel is closed to reading, the supervisor is
 * told (FAULT), and the peer will be killed. Nothing of a breach reaches a handler.
 * Sending queues and sends many at once; a full queue is the caller's to handle.
 *
 * A datagram is a message, or a bundle: the number CHAN_BUNDLE, then messages one after the
 * other, each with its length (u16, little-endian) before it, to the datagram's last byte.
 * Each message of a bundle meets the same rules as one alone; only a message alone may
 * carry a descriptor. Bundles are there because a datagram costs the kernel more than all
 * that we do with a message.
 */
#ifndef SALLYPORT_PRIVSEP_CHAN_H
#define SALLYPORT_PRIVSEP_CHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/msg.h"

#define CHAN_BATCH 16          /* datagrams a system call */
#define CHAN_BUNDLE_MAX 32     /* messages a datagram */
#define CHAN_DATAGRAM_MAX 8192 /* bytes */
#define CHAN_QUEUE 64          /* messages that wait for a flush at most */
#define CHAN_BUNDLE 0x01       /* no message has this number */

struct chan_in;  /* receive batch, allocated by chan_init */
struct chan_out; /* send queue, allocated by chan_init */

struct chan {
	int fd;
	enum role self, peer;
	unsigned index;    /* the peer's, for roles that exist more than once */
	bool takes_fds;    /* receives with room for exactly one descriptor */
	bool breached;     /* not read any more until chan_reset() */
	bool bundles;      /* set by a sender of many messages: puts them into bundles */
	bool polled;       /* set by a reader that polls again after a 0 of chan_recv() */
	uint64_t received; /* messages */
	uint64_t sent;
	uint64_t dropped; /* by chan_drop_full() */
	struct chan_in *in;
	struct chan_out *out;
};

/* depth: messages the send queue holds. Allocates; call before the cage. takes_fds
 * follows from msgs.def: whether the peer may send us a descriptor. */
void chan_init(
    struct chan *c, int fd, enum role self, enum role peer, unsigned index, unsigned depth);

/* The next message. 1: *m is valid, and *fd is a descriptor that the caller now owns, or
 * -1. 0: nothing there, or nothing more of what was there a moment ago (poll again).
 * ERR_DENIED: a breach, already reported. ERR_EOF: the other end is closed. fd may be NULL
 * where the channel takes none. */
int chan_recv(struct chan *c, struct msg *m, int *fd) MUST_CHECK;

/* Queues m and sends when a batch is full. 0, or ERR_FULL. A message that cannot be
 * encoded is a bug(). */
int chan_send(struct chan *c, const struct msg *m) MUST_CHECK;
/* The same with a descriptor, which stays the caller's. Sent at once, after what is
 * queued; ERR_FULL when that is not possible now. */
int chan_send_fd(struct chan *c, const struct msg *m, int fd) MUST_CHECK;
/* chan_send for messages that may be lost: a full queue is counted in c->dropped. */
void chan_send_or_drop(struct chan *c, const struct msg *m);
/* Sends what is queued as far as the kernel takes it. */
void chan_flush(struct chan *c);
/* Is there room for n more messages? */
bool chan_room(const struct chan *c, unsigned n);
/* Something is queued that the kernel has not taken: wait for POLLOUT. */
bool chan_blocked(const struct chan *c);

/* The peer broke a rule that only a handler can see. Logs, reports, stops reading. */
void chan_peer_fault(struct chan *c, const char *why);
/* The peer is gone: throws away all that is queued in both directions on our side and
 * allows reading again. */
void chan_reset(struct chan *c);

#endif
