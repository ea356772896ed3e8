/*
 * Copying and hashing in the verifier's threads. They see file contents that nobody has
 * vouched for yet and do nothing with them but copy and hash.
 *
 * Why the hash of a memfd that is not sealed yet counts: it is made of the memfd's own
 * bytes, each read after it was written. They cannot change afterwards, for the only
 * descriptor is this process's own, no mapping of it exists, and its one writer, the pair's
 * copying thread, writes each byte once, in their order, and has come to its end before the
 * seals are set. Whoever changes the file meanwhile changes what is copied, not the copy.
 * Nobody else is told of the memory before the hash is right and all four seals are on it.
 */
#include "src/verifier/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/verifier/sha256.h"
#include "src/verifier/store.h"

#define CHUNK (256u << 10)
#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct fill {
	struct sha256 *sha;
	uint8_t *copied, *hashed; /* CHUNK bytes each, one for each thread */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t moved;
	const struct hash_job *job; /* being copied; NULL: the copying thread has none */
	int memfd;
	uint64_t written; /* bytes from the beginning of the memfd */
	bool stop;        /* nobody wants the rest */
	const struct manifest_file *culprit;
	const char *why; /* the copy has failed */
};

static const char not_needed[] = "not needed";
/* What the files have no part in. */
static const char no_memory[] = "no memory for the copies";
static const char no_descriptor[] = "could not be opened: too many open files";
static const char no_sha256[] = "SHA-256 does not work";
static const char no_seals[] = "the copies could not be sealed";

struct fill *
fill_new(void)
{
	struct fill *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->sha = sha256_new();
	f->copied = malloc(CHUNK);
	f->hashed = malloc(CHUNK);
	if (f->sha == NULL || f->copied == NULL || f->hashed == NULL ||
	    pthread_mutex_init(&f->lock, NULL) != 0 ||
	    pthread_cond_init(&f->moved, NULL) != 0) {
		sha256_free(f->sha);
		free(f->copied);
		free(f->hashed);
		free(f);
		return NULL;
	}
	return f;
}

static size_t
chunk_of(uint64_t left)
{
	return left < CHUNK ? (size_t)left : CHUNK;
}

static const char *
read_chunk(int fd, uint8_t *bytes, size_t n, uint64_t offset)
{
	switch (store_pread(fd, bytes, n, offset)) {
	case 0: return NULL;
	case ERR_SHORT: return "became shorter while it was read";
	default: return "could not be read";
	}
}

static int
open_file(const struct hash_job *job, const struct manifest_file *file, const char **why)
{
	uint64_t size;
	int fd = store_open_file(job->dir, file->path, &size, NULL, why);

	if (fd == ERR_SYS)
		*why = no_descriptor;
	if (fd >= 0 && size != file->size) {
		*why = "its size is not the manifest's";
		close(fd);
		fd = -1;
	}
	return fd;
}

/* ------------------------------------------------------- the copying thread */

/* False when nobody wants more. */
static bool
publish(struct fill *f, uint64_t written)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	f->written = written;
	stop = f->stop;
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
	return !stop;
}

static const char *
write_chunk(int memfd, const uint8_t *bytes, size_t n, uint64_t offset)
{
	for (size_t put = 0; put < n;) {
		ssize_t k = pwrite(memfd, bytes + put, n - put, (off_t)(offset + put));

		if (k <= 0)
			return no_memory;
		put += (size_t)k;
	}
	return NULL;
}

static const char *
copy_file(struct fill *f, int from, const struct hash_file *file)
{
	const char *why;

	for (uint64_t done = 0; done < file->file->size;) {
		size_t n = chunk_of(file->file->size - done);

		why = read_chunk(from, f->copied, n, done);
		if (why == NULL)
			why = write_chunk(f->memfd, f->copied, n, file->offset + done);
		if (why != NULL)
			return why;
		done += n;
		if (!publish(f, file->offset + done))
			return not_needed;
	}
	return NULL;
}

static void
copy_job(struct fill *f, const struct hash_job *job)
{
	const struct manifest_file *file = NULL;
	const char *why = NULL;

	for (unsigned i = 0; i < job->nfiles && why == NULL; i++) {
		int from;

		file = job->files[i].file;
		from = open_file(job, file, &why);
		if (from < 0)
			break;
		why = copy_file(f, from, &job->files[i]);
		close(from);
	}
	pthread_mutex_lock(&f->lock);
	f->culprit = file;
	f->why = why;
	f->job = NULL;
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

void
fill_copy(struct fill *f, void (*ready)(void))
{
	ready();
	for (;;) {
		const struct hash_job *job;

		pthread_mutex_lock(&f->lock);
		while (f->job == NULL)
			pthread_cond_wait(&f->moved, &f->lock);
		job = f->job;
		pthread_mutex_unlock(&f->lock);
		copy_job(f, job);
	}
}

/* ------------------------------------------------------- the hashing thread */

/* Waits until so much is written. False when it never will be. */
static bool
wait_written(struct fill *f, uint64_t end)
{
	bool is;

	pthread_mutex_lock(&f->lock);
	while (f->written < end && f->job != NULL)
		pthread_cond_wait(&f->moved, &f->lock);
	is = f->written >= end;
	pthread_mutex_unlock(&f->lock);
	return is;
}

/* Hashes a file: its copy in the memfd as it is written or, with follow false, itself. */
static const char *
check_file(
    struct fill *f, int fd, const struct manifest_file *file, uint64_t offset, bool follow)
{
	uint8_t hash[SHA256_LEN];
	const char *why;

	if (!sha256_begin(f->sha))
		return no_sha256;
	for (uint64_t done = 0; done < file->size;) {
		size_t n = chunk_of(file->size - done);

		if (follow && !wait_written(f, offset + done + n))
			return "could not be copied";
		why = read_chunk(fd, f->hashed, n, offset + done);
		if (why != NULL)
			return why;
		if (!sha256_add(f->sha, f->hashed, n))
			return no_sha256;
		done += n;
	}
	if (!sha256_end(f->sha, hash))
		return no_sha256;
	return memcmp(hash, file->hash, sizeof hash) == 0
		   ? NULL
		   : "its SHA-256 is not the manifest's";
}

static void
begin_copy(struct fill *f, const struct hash_job *job)
{
	pthread_mutex_lock(&f->lock);
	f->memfd = job->fd;
	f->written = 0;
	f->stop = false;
	f->why = NULL;
	f->job = job;
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

/* Waits for the copying thread; its failure is what explains ours. */
static void
end_copy(struct fill *f, struct hash_job *job)
{
	pthread_mutex_lock(&f->lock);
	f->stop = job->why != NULL;
	while (f->job != NULL)
		pthread_cond_wait(&f->moved, &f->lock);
	if (f->why != NULL && f->why != not_needed) {
		job->why = f->why;
		job->culprit = f->culprit;
	}
	pthread_mutex_unlock(&f->lock);
}

static void
fill_memory(struct fill *f, struct hash_job *job)
{
	if (ftruncate(job->fd, (off_t)job->size) != 0) {
		job->why = no_memory;
		return;
	}
	begin_copy(f, job);
	for (unsigned i = 0; i < job->nfiles && job->why == NULL; i++) {
		job->culprit = job->files[i].file;
		job->why =
		    check_file(f, job->fd, job->files[i].file, job->files[i].offset, true);
	}
	end_copy(f, job);
	if (job->why == NULL && fcntl(job->fd, F_ADD_SEALS, ALL_SEALS) != 0) {
		job->culprit = NULL;
		job->why = no_seals;
	}
}

static void
check_only(struct fill *f, struct hash_job *job)
{
	for (unsigned i = 0; i < job->nfiles && job->why == NULL; i++) {
		const struct manifest_file *file = job->files[i].file;
		int fd = open_file(job, file, &job->why);

		job->culprit = file;
		if (fd < 0)
			return;
		job->why = check_file(f, fd, file, 0, false);
		close(fd);
	}
}

static void
run(struct fill *f, struct hash_job *job)
{
	job->culprit = NULL;
	job->why = NULL;
	job->fd = -1;
	if (!job->keep) {
		check_only(f, job);
		return;
	}
	job->fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->fd < 0)
		job->why = errno == EMFILE ? no_descriptor : no_memory;
	else
		fill_memory(f, job);
	if (job->why == NULL || job->fd < 0)
		return;
	close(job->fd);
	job->fd = -1;
}

void
fill_run(struct fill *f, struct hash_job *job)
{
	run(f, job);
	job->good = job->why == NULL;
	job->ours = job->why == no_memory || job->why == no_descriptor ||
		    job->why == no_sha256 || job->why == no_seals;
}
