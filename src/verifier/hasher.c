/*
 * Hashing threads of the verifier. They see file contents that nobody has vouched for yet
 * and do nothing with them but copy and hash; the hash that counts is that of the sealed
 * copy, so whoever changes a file at the wrong moment changes nothing.
 */
#include "src/verifier/hasher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "privsep/start.h"
#include "src/verifier/sha256.h"
#include "src/verifier/store.h"

#define THREADS_MAX 4
#define CHUNK (256u << 10)
#define STACK_SIZE (256u << 10)
#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct worker {
	pthread_t thread;
	struct sha256 *sha;
	uint8_t *chunk; /* CHUNK bytes */
};

static struct worker workers[THREADS_MAX];
static unsigned nworkers;
static struct sha256 *main_sha;

/* Protected by lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static struct hash_job *batch;
static unsigned batch_len, batch_next, batch_done, ready;

static const char *
copy_file(struct worker *w, int from, int to, const struct hash_file *f)
{
	for (uint64_t done = 0; done < f->file->size;) {
		uint64_t left = f->file->size - done;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		switch (store_pread(from, w->chunk, n, done)) {
		case 0: break;
		case ERR_SHORT: return "became shorter while it was read";
		default: return "could not be read";
		}
		for (size_t put = 0; put < n;) {
			ssize_t k = pwrite(
			    to, w->chunk + put, n - put, (off_t)(f->offset + done + put));

			if (k <= 0)
				return "could not be copied: no memory";
			put += (size_t)k;
		}
		done += n;
	}
	return NULL;
}

static const char *
take_file(
    struct worker *w, const struct hash_job *job, int memfd, const struct hash_file *f)
{
	uint64_t size;
	const char *why;
	int fd = store_open_file(job->dir, f->file->path, &size, NULL, &why);

	if (fd < 0)
		return why;
	why = size != f->file->size ? "its size is not the manifest's"
				    : copy_file(w, fd, memfd, f);
	close(fd);
	return why;
}

static const char *
check_file(struct worker *w, int memfd, const struct hash_file *f)
{
	uint8_t hash[SHA256_LEN];

	if (!sha256_begin(w->sha))
		return "SHA-256 does not work";
	for (uint64_t done = 0; done < f->file->size;) {
		uint64_t left = f->file->size - done;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (store_pread(memfd, w->chunk, n, f->offset + done) != 0)
			return "its copy could not be read";
		if (!sha256_add(w->sha, w->chunk, n))
			return "SHA-256 does not work";
		done += n;
	}
	if (!sha256_end(w->sha, hash))
		return "SHA-256 does not work";
	if (memcmp(hash, f->file->hash, sizeof hash) != 0)
		return "its SHA-256 is not the manifest's";
	return NULL;
}

/* The reason why not, or NULL. */
static const char *
fill_and_check(struct worker *w, struct hash_job *job)
{
	const char *why;

	if (ftruncate(job->fd, (off_t)job->size) != 0)
		return "no memory for the copies";
	for (unsigned i = 0; i < job->nfiles; i++) {
		job->culprit = job->files[i].file;
		why = take_file(w, job, job->fd, &job->files[i]);
		if (why != NULL)
			return why;
	}
	job->culprit = NULL;
	if (fcntl(job->fd, F_ADD_SEALS, ALL_SEALS) != 0)
		return "the copies could not be sealed";
	for (unsigned i = 0; i < job->nfiles; i++) {
		job->culprit = job->files[i].file;
		why = check_file(w, job->fd, &job->files[i]);
		if (why != NULL)
			return why;
	}
	job->culprit = NULL;
	return NULL;
}

static void
run_job(struct worker *w, struct hash_job *job)
{
	job->culprit = NULL;
	job->why = NULL;
	job->fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->fd < 0) {
		job->why = errno == EMFILE ? "too many open files" : "no memory";
		return;
	}
	job->why = fill_and_check(w, job);
	if (job->why == NULL)
		return;
	close(job->fd);
	job->fd = -1;
}

static void
wake_main(void)
{
	uint64_t one = 1;

	if (write(FD_WAKE, &one, sizeof one) != (ssize_t)sizeof one)
		bug("the main thread cannot be woken");
}

static void *
run_worker(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&lock);
	ready++;
	pthread_cond_signal(&idle);
	for (;;) {
		struct hash_job *job;

		while (batch_next == batch_len)
			pthread_cond_wait(&work, &lock);
		job = &batch[batch_next++];
		pthread_mutex_unlock(&lock);
		run_job(w, job);
		pthread_mutex_lock(&lock);
		if (++batch_done == batch_len)
			wake_main();
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
	nworkers = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
	main_sha = sha256_new();
	if (main_sha == NULL)
		start_fail("SHA-256");
	for (unsigned i = 0; i < nworkers; i++) {
		workers[i].sha = sha256_new();
		workers[i].chunk = malloc(CHUNK);
		if (workers[i].sha == NULL || workers[i].chunk == NULL)
			start_fail("memory of the hashing threads");
	}
}

void
hasher_start(void *unused)
{
	pthread_attr_t attr;

	(void)unused;
	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_SIZE) != 0)
		start_fail("hashing threads");
	for (unsigned i = 0; i < nworkers; i++) {
		errno = pthread_create(&workers[i].thread, &attr, run_worker, &workers[i]);
		if (errno != 0)
			start_fail("hashing threads");
	}
	pthread_attr_destroy(&attr);
	/* A thread that is still starting makes calls that the filter refuses. */
	pthread_mutex_lock(&lock);
	while (ready < nworkers)
		pthread_cond_wait(&idle, &lock);
	pthread_mutex_unlock(&lock);
}

void
hasher_submit(struct hash_job *jobs, unsigned n)
{
	pthread_mutex_lock(&lock);
	if (batch_done != batch_len)
		bug("a batch before the last one is done");
	batch = jobs;
	batch_next = batch_done = 0;
	batch_len = n;
	if (n == 0)
		wake_main();
	pthread_cond_broadcast(&work);
	pthread_mutex_unlock(&lock);
}

bool
hasher_done(void)
{
	uint64_t count;
	bool done;

	if (read(FD_WAKE, &count, sizeof count) < 0)
		return false;
	pthread_mutex_lock(&lock);
	done = batch_done == batch_len;
	pthread_mutex_unlock(&lock);
	return done;
}

void
hasher_sum(const void *bytes, size_t len, uint8_t hash[32])
{
	if (!sha256_begin(main_sha) || !sha256_add(main_sha, bytes, len) ||
	    !sha256_end(main_sha, hash))
		bug("SHA-256 does not work");
}
