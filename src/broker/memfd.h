/*
 * Memory that the verifier vouches for. It names each piece with a number of its own, which
 * is valid until it drops it or a new verifier begins. A piece may be cold: its memory is
 * not there yet, or was wanted back; fetch.h asks for it. The broker owns a descriptor of
 * the memory and gives it another number for the file-senders, which is never used again.
 * Images and rendered texts hold references; a piece without any is closed, and the
 * file-senders that know its number are told so. What the verifier wants back it gets when
 * all of them have closed it.
 */
#ifndef SALLYPORT_BROKER_MEMFD_H
#define SALLYPORT_BROKER_MEMFD_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"

/* At once, with those whose end is not told yet: twice what a verifier can name, for a
 * new one tells everything anew while the old ones serve, and rendered texts. */
#define MEMFD_MAX 36864
/* Numbers that one file-sender knows at a time. */
#define MEMFD_TOLD_MAX 4000

struct memfd {
	uint32_t number; /* ours, of the memory that is or was there */
	int fd;          /* -1: none */
	uint64_t size;   /* bytes */
	uint32_t refs;
	uint16_t told; /* bit w: file-sender w knows the number */
	bool in_use;   /* this entry */
	bool held;     /* the verifier's number is valid, and counts as a reference */
	bool report;   /* the verifier is to learn when nobody holds the memory any more */
	bool wanted;   /* somebody waits for it */
	bool asked;    /* the verifier was asked for it and has not answered */
	bool freed, dropping, using, wanting; /* stands in the row of that name */
	uint8_t owed[WORKER_MAX]; /* closings that each file-sender has not reported yet */
	uint32_t owed_sum;
	uint32_t theirs;    /* the verifier's number */
	uint64_t retry_ms;  /* not asked for again before that */
	uint64_t serial;    /* counts what becomes of it */
	uint32_t next;      /* in the bucket of held ones, or in the free list */
	uint32_t next_ours; /* in the bucket of our numbers */
};

/* A piece of sealed memory, with what it was found to hash to. */
struct object {
	struct memfd *mem;
	uint64_t offset, length; /* bytes */
	uint8_t hash[32];
};

void memfd_init(void);
/* Memory for a number: a new one, or one that is cold. Takes over fd in every case. 0, or:
 * ERR_DENIED (not sealed memory of that size), ERR_DUPLICATE (the verifier's number has
 * memory), ERR_FULL. */
int memfd_hold(uint32_t theirs, uint64_t size, int fd) MUST_CHECK;
/* A new number, cold. 0, ERR_DUPLICATE or ERR_FULL. */
int memfd_expect(uint32_t theirs, uint64_t size) MUST_CHECK;
/* What the verifier calls by this number; NULL when nothing. */
struct memfd *memfd_held(uint32_t theirs);
/* The verifier's number is void; with report it learns when the memory is free. ERR_ABSENT
 * when it was not known. */
int memfd_drop(uint32_t theirs, bool report) MUST_CHECK;
/* The memory of the number is wanted back. ERR_ABSENT when there is none. */
int memfd_evict(uint32_t theirs) MUST_CHECK;
/* All of the verifier's numbers are void. */
void memfd_drop_all(void);
void memfd_ref(struct memfd *m);
void memfd_unref(struct memfd *m);
/* Is it cold, with nobody who still holds the old memory? */
bool memfd_is_cold(const struct memfd *m);
/* Makes sure that this file-sender knows the number of the memory, which is there. 0, or
 * ERR_FULL: not possible now. */
int memfd_tell(struct memfd *m, unsigned worker) MUST_CHECK;
/* That file-sender has closed what it was told to drop. ERR_ABSENT: it was told no such
 * thing. */
int memfd_closed(uint32_t number, unsigned worker) MUST_CHECK;
/* Tells file-senders of closed ones, and the verifier of free ones, as far as their
 * channels have room. Once a turn. */
void memfd_sweep(void);
/* That file-sender is gone and holds nothing any more. */
void memfd_forget(unsigned worker);
/* In use, for tests and limits. */
unsigned memfd_count(void);
/* Entry n, in use or not; NULL from the first on that was never used. */
struct memfd *memfd_at(uint32_t n);
uint32_t memfd_index(const struct memfd *m);

#endif
