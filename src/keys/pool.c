/*
 * Signing threads of keys: with RSA a signature takes milliseconds, and the other cores
 * have nothing else to do for a handshake that waits for it. They see texts that the main
 * thread has found to be those of handshakes.
 */
#include "src/keys/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "privsep/start.h"

#define STACK_SIZE (128u << 10)

struct queue {
	struct job *first, **last;
};

static const struct secrets *secrets;
static struct job jobs[POOL_JOBS];
static struct job *unused_jobs; /* the main thread's */
static struct queue quick;      /* done at once; the main thread's */
static pthread_t threads[POOL_THREADS_MAX];
static uint8_t *stacks; /* here before the memory is locked */
static unsigned nthreads;

/* Protected by lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static struct queue waiting, done;
static unsigned ready, working;
static bool stopped;

static void
put(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct job *
take(struct queue *q)
{
	struct job *job = q->first;

	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->last = &q->first;
	return job;
}

static void
run(struct job *job)
{
	if (job->decrypts) {
		job->made_len = SIGN_SECRET_LEN;
		job->err = sign_decrypt(
		    secrets, job->key, job->version, job->text, job->len, job->made);
	} else {
		job->err = sign_make(secrets, job->key, job->scheme, job->text, job->len,
		    job->made, &job->made_len);
	}
}

/* One signature with each key now, so that whatever OpenSSL puts off is done here. */
static void
warm_up(void)
{
	static const uint8_t text[1];
	uint8_t sig[TLS_SIGNATURE_MAX];
	size_t len;

	for (unsigned i = 0; i < secrets->n; i++)
		for (unsigned s = 0; s < SIGN_SCHEMES; s++)
			if (secrets->keys[i].is_rsa ==
				tls_sign_is_rsa((enum sign_scheme)s) &&
			    sign_make(secrets, i, (enum sign_scheme)s, text, sizeof text,
				sig, &len) != 0)
				start_fail("a private key does not sign");
}

static void
wake_main(void)
{
	uint64_t one = 1;

	if (write(FD_SIGNED, &one, sizeof one) != (ssize_t)sizeof one)
		bug("the main thread cannot be woken");
}

static void *
run_thread(void *unused)
{
	(void)unused;
	warm_up();
	pthread_mutex_lock(&lock);
	ready++;
	pthread_cond_signal(&idle);
	for (;;) {
		struct job *job;

		while (stopped || waiting.first == NULL)
			pthread_cond_wait(&work, &lock);
		job = take(&waiting);
		working++;
		pthread_mutex_unlock(&lock);
		run(job);
		pthread_mutex_lock(&lock);
		working--;
		if (stopped)
			pthread_cond_signal(&idle);
		put(&done, job);
		if (done.first == job)
			wake_main();
	}
	return NULL;
}

void
pool_init(const struct secrets *s, unsigned count)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0 || (fd != FD_SIGNED && dup3(fd, FD_SIGNED, O_CLOEXEC) < 0))
		start_fail("descriptor of the signing threads");
	if (fd != FD_SIGNED)
		close(fd);
	secrets = s;
	nthreads = count > POOL_THREADS_MAX ? POOL_THREADS_MAX : count;
	quick.last = &quick.first;
	waiting.last = &waiting.first;
	done.last = &done.first;
	unused_jobs = NULL;
	for (unsigned i = 0; i < POOL_JOBS; i++)
		pool_free(&jobs[i]);
	if (nthreads > 0) {
		stacks = aligned_alloc(4096, (size_t)nthreads * STACK_SIZE);
		if (stacks == NULL)
			start_fail("memory of the signing threads");
		memset(stacks, 0, (size_t)nthreads * STACK_SIZE);
	}
	warm_up();
}

void
pool_start(void *unused)
{
	pthread_attr_t attr;

	(void)unused;
	if (pthread_attr_init(&attr) != 0)
		start_fail("signing threads");
	for (unsigned i = 0; i < nthreads; i++) {
		errno = pthread_attr_setstack(
		    &attr, stacks + (size_t)i * STACK_SIZE, STACK_SIZE);
		if (errno == 0)
			errno = pthread_create(&threads[i], &attr, run_thread, NULL);
		if (errno != 0)
			start_fail("signing threads");
	}
	pthread_attr_destroy(&attr);
	/* A thread that is still starting makes calls that the filter refuses. */
	pthread_mutex_lock(&lock);
	while (ready < nthreads)
		pthread_cond_wait(&idle, &lock);
	pthread_mutex_unlock(&lock);
}

struct job *
pool_take(void)
{
	struct job *job = unused_jobs;

	if (job == NULL)
		bug("more jobs than there may be");
	unused_jobs = job->next;
	return job;
}

void
pool_free(struct job *job)
{
	OPENSSL_cleanse(job->made, sizeof job->made);
	job->next = unused_jobs;
	unused_jobs = job;
}

void
pool_submit(struct job *job)
{
	if (nthreads == 0 || (!job->decrypts && secrets->keys[job->key].is_quick)) {
		run(job);
		put(&quick, job);
		return;
	}
	pthread_mutex_lock(&lock);
	put(&waiting, job);
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

struct job *
pool_done(void)
{
	struct job *job = take(&quick);

	if (job != NULL || nthreads == 0)
		return job;
	pthread_mutex_lock(&lock);
	job = take(&done);
	pthread_mutex_unlock(&lock);
	return job;
}

void
pool_clear(void)
{
	uint64_t count;

	/* Nothing there is no fault: another call may have cleared it. */
	if (read(FD_SIGNED, &count, sizeof count) < 0 && errno != EAGAIN)
		bug("the descriptor of the signing threads");
}

void
pool_stop(void)
{
	pthread_mutex_lock(&lock);
	stopped = true;
	while (working > 0)
		pthread_cond_wait(&idle, &lock);
	pthread_mutex_unlock(&lock);
}
