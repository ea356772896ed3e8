/*
 * Which job is next. Large ones never take all threads, so that a small one does not wait
 * behind them; one large one runs whenever one waits, so that small ones do not keep it
 * waiting either. What a client waits for goes before the rest, which still gets each
 * fourth turn. Jobs alike are taken in their order. Pure.
 */
#ifndef SALLYPORT_VERIFIER_QUEUE_H
#define SALLYPORT_VERIFIER_QUEUE_H

#include "src/verifier/fill.h"

#define QUEUE_LARGE (UINT64_C(32) << 20) /* bytes, from which on a job is large */

struct queue {
	struct {
		struct hash_job *first, **last;
	} lists[2][2]; /* [urgent][large] */
	unsigned large_running, large_most;
	unsigned turn;
};

/* threads: that take jobs; one at least is kept from large ones unless it is alone. */
void queue_init(struct queue *q, unsigned threads);
void queue_put(struct queue *q, struct hash_job *job);
/* The job to run now, NULL when there is none, or none that may run. */
struct hash_job *queue_get(struct queue *q);
/* A job of queue_get() is done. */
void queue_ran(struct queue *q, const struct hash_job *job);

#endif
