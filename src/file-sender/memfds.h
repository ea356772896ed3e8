/*
 * The sealed objects that the broker named to us, mapped: nobody can shorten them, so that
 * reading the map never faults. A number may be dropped while transfers
 * run: each holds the object until it ends.
 */
#ifndef SALLYPORT_FILE_SENDER_MEMFDS_H
#define SALLYPORT_FILE_SENDER_MEMFDS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

#define MEMFDS_NAMED_MAX 4096 /* numbers known at a time */

struct memfd {
	int fd;
	uint32_t id;
	uint64_t size;      /* bytes */
	const uint8_t *map; /* them, for reading; NULL when there are none */
	uint32_t refs;      /* transfers, and one for the number while it is valid */
	bool named;
	bool dropped;  /* the broker is to learn when it is closed */
	uint32_t next; /* in its bucket, in the free list or in that of the closed ones */
};

struct memfds {
	struct memfd *all; /* twice MEMFDS_NAMED_MAX: old ones end while new ones come */
	uint32_t *buckets;
	uint32_t free, closed;
	uint32_t named;
};

/* Allocates. 0 or ERR_SYS. */
int memfds_init(struct memfds *t) MUST_CHECK;
/* Takes over fd, in every case. 0, or: ERR_DENIED (not a memfd of exactly this size under
 * all four seals), ERR_DUPLICATE (the number is in use), ERR_FULL (also of addresses). */
int memfds_add(struct memfds *t, uint32_t id, uint64_t size, int fd) MUST_CHECK;
/* The object with `length` bytes at `offset`, which the caller must give back; NULL when
 * the number is unknown or the object ends earlier. */
struct memfd *memfds_take(struct memfds *t, uint32_t id, uint64_t offset, uint64_t length);
void memfds_give(struct memfds *t, struct memfd *m);
/* The number is void. ERR_ABSENT when it was not known. */
int memfds_drop(struct memfds *t, uint32_t id) MUST_CHECK;
/* All numbers are void, and nobody wants to learn of closed ones. */
void memfds_forget(struct memfds *t);
/* One that was dropped and is closed by now; and taking it off. False when there is
 * none. */
bool memfds_closed(const struct memfds *t, uint32_t *id);
void memfds_said(struct memfds *t);

#endif
