/*
 * The threads that copy files into sealed memory and hash the copies, so that the main
 * thread never waits for a disk. Their number is fixed; they start inside the cage and
 * never end. One batch of jobs at a time.
 */
#ifndef SALLYPORT_VERIFIER_HASHER_H
#define SALLYPORT_VERIFIER_HASHER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/manifest.h"

/* A file, and where in the memory it goes. */
struct hash_file {
	const struct manifest_file *file;
	uint64_t offset;
};

/* One memfd to fill. All pointers must stay valid until the batch is done. */
struct hash_job {
	int dir;       /* the image's folder */
	uint64_t size; /* bytes of all files */
	const struct hash_file *files;
	unsigned nfiles;
	/* The result: */
	int fd; /* sealed, or -1 */
	const struct manifest_file
	    *culprit;    /* when -1: the file, NULL for none in particular */
	const char *why; /* constant text */
};

/* Before the cage: memory, and the descriptor FD_WAKE. Exits by start_fail(). */
void hasher_init(void);
/* The cage's hook for threads. Returns when all of them wait for work. */
void hasher_start(void *unused);
/* Hands over a batch; the previous one must be done. */
void hasher_submit(struct hash_job *jobs, unsigned n);
/* FD_WAKE is readable: clears it. True when the batch is done. */
bool hasher_done(void);

/* SHA-256 in the main thread, by a computation of its own. */
void hasher_sum(const void *bytes, size_t len, uint8_t hash[32]);

#endif
