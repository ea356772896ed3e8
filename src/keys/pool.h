/*
 * The threads that sign. Their number is fixed; they start inside the cage and never end.
 * The main thread alone takes, submits and frees jobs.
 */
#ifndef SALLYPORT_KEYS_POOL_H
#define SALLYPORT_KEYS_POOL_H

#include "src/keys/sign.h"

#define POOL_THREADS_MAX 16
#define POOL_EACH 4 /* jobs of one tls process at a time */
#define POOL_JOBS (POOL_EACH * TLS_MAX)

struct job {
	/* Who asked; the caller's. */
	unsigned signer;
	uint32_t life; /* of the asking process, so that its successor gets no answer */
	uint32_t ask;
	/* What. */
	bool decrypts;
	unsigned key;
	enum sign_scheme scheme;
	uint16_t version;
	size_t len;
	uint8_t text[TLS_SIGN_TEXT_MAX];
	/* The result. */
	int err;
	size_t made_len;
	uint8_t made[TLS_SIGNATURE_MAX]; /* signature, or secret */

	struct job *next;
};

/* Before the cage: memory, and the descriptor FD_SIGNED, which becomes readable when a job
 * is done. threads 0: pool_submit() does the job itself. Exits by start_fail(). */
void pool_init(const struct secrets *s, unsigned threads);
/* The cage's hook for threads. Returns when all of them have signed once and wait. */
void pool_start(void *unused);

/* A job to fill in. There is one as long as no tls process has more than POOL_EACH. */
struct job *pool_take(void);
/* In turn; quick ones are done at once. */
void pool_submit(struct job *job);
/* The next job that is done, which is the caller's again, or NULL. */
struct job *pool_done(void);
/* Wipes it. */
void pool_free(struct job *job);
/* FD_SIGNED is readable: clears it. To be called before pool_done(). */
void pool_clear(void);
/* Before the keys are wiped: no job that is not done yet will be begun. Returns when none
 * is at work. */
void pool_stop(void);

#endif
