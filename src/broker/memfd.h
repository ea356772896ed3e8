/*
 * Sealed memory that the broker owns a descriptor of. The verifier names each piece with a
 * number of its own, which is valid until it drops it or a new verifier begins; the broker
 * gives it another one for the file-senders, which is never used again. Images and
 * rendered texts hold references; a piece without any is closed, and the file-senders that
 * know its number are told so.
 */
#ifndef SALLYPORT_BROKER_MEMFD_H
#define SALLYPORT_BROKER_MEMFD_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

/* At once, with those whose end is not told yet: twice what a verifier can have, for a
 * new one tells everything anew while the old ones serve, and rendered texts. */
#define MEMFD_MAX 10240
/* Numbers that one file-sender knows at a time. */
#define MEMFD_TOLD_MAX 4000

struct memfd {
	uint32_t number; /* ours */
	int fd;          /* -1 when closed */
	uint64_t size;   /* bytes */
	uint32_t refs;
	uint16_t told; /* bit w: file-sender w knows the number */
	bool used;
	bool held;       /* the verifier's number is valid, and counts as a reference */
	uint32_t theirs; /* the verifier's number */
	uint32_t next;   /* in the bucket of held ones, or in the free list */
};

/* A piece of sealed memory, with what it was found to hash to. */
struct object {
	struct memfd *mem;
	uint64_t offset, length; /* bytes */
	uint8_t hash[32];
};

void memfd_init(void);
/* Takes over fd in every case. 0, or: ERR_DENIED (not sealed memory of that size),
 * ERR_DUPLICATE (the verifier's number is in use), ERR_FULL. */
int memfd_hold(uint32_t theirs, uint64_t size, int fd) MUST_CHECK;
/* What the verifier calls by this number; NULL when nothing. */
struct memfd *memfd_held(uint32_t theirs);
/* The verifier's number is void. ERR_ABSENT when it was not known. */
int memfd_drop(uint32_t theirs) MUST_CHECK;
/* All of the verifier's numbers are void. */
void memfd_drop_all(void);
void memfd_ref(struct memfd *m);
void memfd_unref(struct memfd *m);
/* Makes sure that this file-sender knows the number. 0, or ERR_FULL: not possible now. */
int memfd_tell(struct memfd *m, unsigned worker) MUST_CHECK;
/* Tells file-senders of closed ones as far as their channels have room. Once a turn. */
void memfd_sweep(void);
/* That file-sender is gone and knows nothing any more. */
void memfd_forget(unsigned worker);
/* In use, for tests and limits. */
unsigned memfd_count(void);

#endif
