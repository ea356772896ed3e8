/*
 * Hashing threads of the verifier: their start, the queue between them and the main thread.
 * What they do with a job is in fill.c.
 */
#include "src/verifier/hasher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "privsep/start.h"
#include "src/verifier/queue.h"
#include "src/verifier/sha256.h"

#define PAIRS_MIN 2 /* so that a small job can pass a large one */
#define PAIRS_MAX 4
#define STACK_SIZE (256u << 10)
/* Whoever serves, and the main thread that renders scripts, goes before them. */
#define NICE 10

static struct fill *fills[PAIRS_MAX];
static unsigned npairs;
static struct sha256 *main_sha;

/* Protected by lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static struct queue queue;
static struct hash_job *done, **done_last = &done;
static unsigned ready;

static void
wake_main(void)
{
	uint64_t one = 1;

	if (write(FD_WAKE, &one, sizeof one) != (ssize_t)sizeof one)
		bug("the main thread cannot be woken");
}

/* Of a thread, not of the process: the kernel means the one that asks. */
static void
begin_thread(void)
{
	if (setpriority(PRIO_PROCESS, 0, NICE) != 0)
		start_fail("priority of the hashing threads");
	pthread_mutex_lock(&lock);
	ready++;
	pthread_cond_signal(&idle);
	pthread_mutex_unlock(&lock);
}

static void *
run_copier(void *arg)
{
	fill_copy(arg, begin_thread);
}

static void
finish(struct hash_job *job)
{
	queue_ran(&queue, job);
	job->next = NULL;
	*done_last = job;
	done_last = &job->next;
	/* One more large one may run now. */
	pthread_cond_broadcast(&work);
	wake_main();
}

static void *
run_hasher(void *arg)
{
	struct fill *f = arg;

	begin_thread();
	pthread_mutex_lock(&lock);
	for (;;) {
		struct hash_job *job;

		while ((job = queue_get(&queue)) == NULL)
			pthread_cond_wait(&work, &lock);
		pthread_mutex_unlock(&lock);
		fill_run(f, job);
		pthread_mutex_lock(&lock);
		finish(job);
	}
	return NULL;
}

void
hasher_init(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0 || (fd != FD_WAKE && dup3(fd, FD_WAKE, O_CLOEXEC) < 0))
		start_fail("descriptor of the hashing threads");
	if (fd != FD_WAKE)
		close(fd);
	npairs = cores < PAIRS_MIN   ? PAIRS_MIN
		 : cores > PAIRS_MAX ? PAIRS_MAX
				     : (unsigned)cores;
	main_sha = sha256_new();
	if (main_sha == NULL)
		start_fail("SHA-256");
	queue_init(&queue, npairs);
	for (unsigned i = 0; i < npairs; i++) {
		fills[i] = fill_new();
		if (fills[i] == NULL)
			start_fail("memory of the hashing threads");
	}
}

static void
begin_pair(struct fill *f, const pthread_attr_t *attr)
{
	pthread_t thread;

	errno = pthread_create(&thread, attr, run_copier, f);
	if (errno == 0)
		errno = pthread_create(&thread, attr, run_hasher, f);
	if (errno != 0)
		start_fail("hashing threads");
}

void
hasher_start(void *unused)
{
	pthread_attr_t attr;

	(void)unused;
	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_SIZE) != 0)
		start_fail("hashing threads");
	for (unsigned i = 0; i < npairs; i++)
		begin_pair(fills[i], &attr);
	pthread_attr_destroy(&attr);
	/* A thread that is still starting makes calls that the filter refuses. */
	pthread_mutex_lock(&lock);
	while (ready < 2 * npairs)
		pthread_cond_wait(&idle, &lock);
	pthread_mutex_unlock(&lock);
}

void
hasher_submit(struct hash_job *job)
{
	pthread_mutex_lock(&lock);
	queue_put(&queue, job);
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

void
hasher_clear(void)
{
	uint64_t count;

	/* EAGAIN: nobody has woken us. */
	if (read(FD_WAKE, &count, sizeof count) < 0 && errno != EAGAIN)
		bug("the mark of the hashing threads cannot be read");
}

struct hash_job *
hasher_take(void)
{
	struct hash_job *job;

	pthread_mutex_lock(&lock);
	job = done;
	if (job != NULL) {
		done = job->next;
		if (done == NULL)
			done_last = &done;
	}
	pthread_mutex_unlock(&lock);
	return job;
}

void
hasher_sum(const void *bytes, size_t len, uint8_t hash[32])
{
	if (!sha256_begin(main_sha) || !sha256_add(main_sha, bytes, len) ||
	    !sha256_end(main_sha, hash))
		bug("SHA-256 does not work");
}
