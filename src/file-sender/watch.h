/*
 * What the loop waits for: an epoll set whose entries say what they are. Plain epoll and
 * not libevent, because everything waited for is known at start or is one connection,
 * deadlines live in heaps of their own, and so neither a library nor memory that grows
 * with descriptors has to be in this process; the program can be linked statically.
 */
#ifndef SALLYPORT_FILE_SENDER_WATCH_H
#define SALLYPORT_FILE_SENDER_WATCH_H

#include <stdint.h>

#include "src/base/err.h"

enum watch_kind {
	WATCH_SUPER,
	WATCH_BROKER,
	WATCH_PAIR,
	WATCH_LISTEN,
	WATCH_POOL,
	WATCH_CONN
};

struct watch_tag {
	enum watch_kind kind;
	uint32_t index;
	uint32_t serial; /* 24 bits: which of those that had this index */
};

/* Makes the set, as descriptor FD_WAIT. 0 or ERR_SYS. Before the cage. */
int watch_init(void) MUST_CHECK;
/* events: EPOLLIN and so on. 0 or ERR_SYS. */
int watch_add(int fd, uint32_t events, struct watch_tag tag) MUST_CHECK;
void watch_remove(int fd);
/* Changes the events of a descriptor that is in the set. */
void watch_change(int fd, uint32_t events, struct watch_tag tag);

#define WATCH_EVENTS 64

struct watch_event {
	uint32_t events;
	struct watch_tag tag;
};

/* Waits until something happens or the time `until` (clock_mono_ms) has come. Returns
 * how many of `events` are filled in. */
unsigned watch_wait(struct watch_event events[WATCH_EVENTS], uint64_t now, uint64_t until);

#endif
