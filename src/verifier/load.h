/*
 * Verifying one image at a time: signature, manifest, floor, files. What passes is served
 * from then on; what fails is named in the log and left alone, and whatever was served
 * before still is.
 */
#ifndef SALLYPORT_VERIFIER_LOAD_H
#define SALLYPORT_VERIFIER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/floor.h"
#include "policy/keyring.h"
#include "src/verifier/catalog.h"
#include "src/verifier/hasher.h"
#include "src/verifier/image.h"

/* What images are judged by. Set once, before the cage. */
struct load_rules {
	struct keyring keyring;
	struct floor floor;
	bool has_floor;
	bool serve_expired; /* past their expiry too, with a warning */
};

extern struct load_rules load_rules;

/* The time that counts: the clock's, but never before the latest we have seen. */
uint64_t load_now(void);
/* Is an image being loaded? */
bool load_busy(void);
/* Checks all but the files of this entry, and hands those to the hashing threads. The
 * entry's state says what became of it. */
void load_begin(struct entry *e);
/* The threads have done one of its jobs. */
void load_ran(const struct hash_job *job);
/* All are done: load_finish() may be called. */
bool load_ready(void);
/* Returns the image that is served from now on, or NULL. */
struct image *load_finish(void);
/* Stores the time in the floor when it has moved on by hours. */
void load_keep_time(void);

#endif
