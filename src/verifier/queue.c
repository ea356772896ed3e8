/*
 * The order of the hashing threads' jobs. Part of the verifier; its callers hold the lock.
 */
#include "src/verifier/queue.h"

#include <string.h>

#define FOR_THE_REST 4u /* of so many turns one */

static bool
is_large(const struct hash_job *job)
{
	return job->size >= QUEUE_LARGE;
}

void
queue_init(struct queue *q, unsigned threads)
{
	memset(q, 0, sizeof *q);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 2; k++)
			q->lists[i][k].last = &q->lists[i][k].first;
	q->large_most = threads > 1 ? threads - 1 : 1;
}

void
queue_put(struct queue *q, struct hash_job *job)
{
	struct hash_job ***last = &q->lists[job->urgent][is_large(job)].last;

	job->next = NULL;
	**last = job;
	*last = &job->next;
}

static struct hash_job *
pull(struct queue *q, bool urgent, bool large)
{
	struct hash_job *job = q->lists[urgent][large].first;

	if (job == NULL || (large && q->large_running == q->large_most))
		return NULL;
	q->lists[urgent][large].first = job->next;
	if (job->next == NULL)
		q->lists[urgent][large].last = &q->lists[urgent][large].first;
	q->large_running += large;
	return job;
}

static struct hash_job *
pull_of(struct queue *q, bool urgent)
{
	bool large = q->large_running == 0;
	struct hash_job *job = pull(q, urgent, large);

	return job != NULL ? job : pull(q, urgent, !large);
}

struct hash_job *
queue_get(struct queue *q)
{
	bool urgent = ++q->turn % FOR_THE_REST != 0;
	struct hash_job *job = pull_of(q, urgent);

	return job != NULL ? job : pull_of(q, !urgent);
}

void
queue_ran(struct queue *q, const struct hash_job *job)
{
	q->large_running -= is_large(job);
}
