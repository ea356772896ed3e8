/*
 * The threads that copy files into sealed memory and hash the copies, so that the main
 * thread never waits for a disk. Their number is fixed; they start inside the cage, at low
 * priority, and never end. Several jobs run at once; queue.h says which is next.
 */
#ifndef SALLYPORT_VERIFIER_HASHER_H
#define SALLYPORT_VERIFIER_HASHER_H

#include <stddef.h>
#include <stdint.h>

#include "src/verifier/fill.h"

/* Before the cage: memory, and the descriptor FD_WAKE. Exits by start_fail(). */
void hasher_init(void);
/* The cage's hook for threads. Returns when all of them wait for work. */
void hasher_start(void *unused);
/* Hands over a job, which must stay where it is until hasher_take() has returned it. */
void hasher_submit(struct hash_job *job);
/* FD_WAKE is readable: clears it. hasher_take() is then asked until it returns NULL. */
void hasher_clear(void);
/* A job that is done, no longer ours; NULL when there is none. */
struct hash_job *hasher_take(void);

/* SHA-256 in the main thread, by a computation of its own. */
void hasher_sum(const void *bytes, size_t len, uint8_t hash[32]);

#endif
