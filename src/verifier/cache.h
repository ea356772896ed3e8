/*
 * Which objects have memory. The budget holds those that are being loaded, those that are
 * ready, and those that the broker was asked to give back but has not: running transfers
 * may hold them. What leaves for longer than CACHE_OVERDUE_MS counts no more, up to as many
 * bytes as the budget once again; so all memory together is at most twice the budget.
 *
 * Who is asked for without having memory waits its turn, is loaded and verified again, and
 * the broker is told. For want of room the one not used for longest leaves.
 */
#ifndef SALLYPORT_VERIFIER_CACHE_H
#define SALLYPORT_VERIFIER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/verifier/image.h"

#define CACHE_OVERDUE_MS 10000u
#define CACHE_STAY_MS 2000u /* whoever asked for an object gets it before it may leave */
#define CACHE_LOADS_MAX 16u /* at once */

struct hash_job;

struct cache_counts {
	uint64_t fetches;   /* loaded again */
	uint64_t failures;  /* of these: for which an image was taken out, or no memory */
	uint64_t evictions; /* left for want of room */
};

/* Before anything else. */
void cache_init(uint64_t budget);
uint64_t cache_budget(void);
/* Bytes that may be loaded now. */
uint64_t cache_room(void);
/* Is there room for an object of that size, now? */
bool cache_fits(uint64_t size);
const struct cache_counts *cache_counts(void);

/* What the broker says. An unknown number is no fault: it may have been dropped. */
void cache_want(uint32_t id, uint64_t now_ms);
void cache_freed(uint32_t id);
void cache_used(uint32_t id);

/* Starts what can be started, once a turn. */
void cache_turn(uint64_t now_ms);
/* Now and then: marks what has been leaving for too long; looks for objects that have
 * never been in memory and fit by now. */
void cache_tick(uint64_t now_ms);
/* The threads have done a job whose owner is not NULL. Returns the image that failed, of
 * which nothing may be served any more, with the reason in the job until cache_end(); or
 * NULL. */
struct image *cache_ran(struct hash_job *job, uint64_t now_ms);
void cache_end(struct hash_job *job);

#endif
