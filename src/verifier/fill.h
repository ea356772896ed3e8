/*
 * One piece of memory: files copied into a memfd and hashed there, by a pair of threads.
 * One copies, the other hashes behind it what is written.
 */
#ifndef SALLYPORT_VERIFIER_FILL_H
#define SALLYPORT_VERIFIER_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/manifest.h"
#include "src/base/err.h"

/* A file, and where in the memory it goes. */
struct hash_file {
	const struct manifest_file *file;
	uint64_t offset;
};

/* One memfd to fill. All pointers must stay valid until the job is done. */
struct hash_job {
	int dir;                       /* the image's folder */
	uint64_t size;                 /* bytes of all files */
	const struct hash_file *files; /* one behind the other, without gaps */
	unsigned nfiles;
	bool keep;   /* false: the files are only hashed, and no memory is made */
	bool urgent; /* somebody waits for it */
	void *owner; /* for whoever takes it back */
	/* The result: */
	bool good;
	bool ours; /* when not good: for want of memory and the like, not for the files */
	int fd;    /* sealed, when good and to be kept, else -1 */
	const struct manifest_file
	    *culprit;    /* when not good: the file, NULL for none in particular */
	const char *why; /* constant text */
	struct hash_job *next;
};

struct fill;

/* Memory for one pair of threads; NULL when there is none. */
struct fill *fill_new(void);
/* The copying thread's whole life. ready() is called once it waits for work. */
void fill_copy(struct fill *f, void (*ready)(void)) NORETURN;
/* In the other thread: does the job and sets its result. */
void fill_run(struct fill *f, struct hash_job *job);

#endif
