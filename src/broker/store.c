/*
 * The lease store in LMDB. Broker, own uid; opened before the root is emptied, and read
 * only then. After start the commit thread is its one user, which is what makes
 * MDB_NOLOCK right: no reader, no second process (the supervisor reaps a dead broker
 * before it starts the next). Distrusts the records: a bad one is reported and skipped.
 *
 * No MDB_WRITEMAP: the pages stay read-only in memory, so that a stray write cannot
 * reach the store. No MDB_NOSYNC: a commit that has ended is on disk.
 */
#include "src/broker/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
	uint16_t key_len, len;
	uint8_t key[RECORD_KEY_MAX];
	uint8_t value[RECORD_SIZE_MAX];
};

struct batch {
	unsigned n;
	struct entry entries[STORE_BATCH_MAX];
};

enum job { JOB_NONE, JOB_GIVEN, JOB_DONE };

static struct {
	MDB_env *env;
	MDB_dbi dbi;
	pthread_t thread;
	int event_fd;
	unsigned at_hand; /* index of the batch that collects; main thread */
	struct batch batches[2];

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	enum job job;
	bool runs, stop;
	uint64_t cookie;
	int result; /* of the last commit: 0 or LMDB's code */
} store = {.event_fd = -1};

static int last_failure; /* as the main thread knows it */

const char *
store_failure(void)
{
	return mdb_strerror(last_failure);
}

bool
store_dead(void)
{
	return last_failure == MDB_PANIC;
}

static int
failed(int code)
{
	last_failure = code;
	return ERR_SYS;
}

static int
write_batch(const struct batch *b)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store.env, NULL, 0, &txn);

	for (unsigned i = 0; rc == 0 && i < b->n; i++) {
		const struct entry *e = &b->entries[i];
		/* LMDB takes pointers to non-const and only reads. */
		MDB_val key = {e->key_len, (void *)(uintptr_t)e->key};
		MDB_val value = {e->len, (void *)(uintptr_t)e->value};

		rc = mdb_put(txn, store.dbi, &key, &value, 0);
		if (rc != 0)
			mdb_txn_abort(txn);
	}
	return rc == 0 ? mdb_txn_commit(txn) : rc;
}

static void
notify(void)
{
	uint64_t one = 1;

	while (write(store.event_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void *
commit_loop(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&store.lock);
	store.runs = true;
	pthread_cond_signal(&store.wake);
	for (;;) {
		const struct batch *b = &store.batches[1 - store.at_hand];
		int rc;

		if (store.job != JOB_GIVEN) {
			if (store.stop)
				break;
			pthread_cond_wait(&store.wake, &store.lock);
			continue;
		}
		pthread_mutex_unlock(&store.lock);
		rc = write_batch(b);
		pthread_mutex_lock(&store.lock);
		store.result = rc;
		store.job = JOB_DONE;
		notify();
	}
	pthread_mutex_unlock(&store.lock);
	return NULL;
}

static int
load_all(MDB_txn *txn, store_load *load, void *arg, uint32_t *bad)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, store.dbi, &cursor);

	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct record r;
		int err;

		memset(&r, 0, sizeof r);
		if (record_key_decode(key.mv_data, key.mv_size, &r.addr) != 0) {
			(*bad)++;
			continue;
		}
		err = record_decode(value.mv_data, value.mv_size, &r);
		load(arg, &r, err);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* One write transaction: it may have to make the table. */
static int
open_table(store_load *load, void *arg, uint32_t *bad)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store.env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, "leases", MDB_CREATE, &store.dbi);
	if (rc == 0)
		rc = load_all(txn, load, arg, bad);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static int
open_env(const char *path, unsigned flags)
{
	int rc = mdb_env_create(&store.env);

	if (rc != 0)
		return rc;
	rc = mdb_env_set_mapsize(store.env, STORE_MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(store.env, 1);
	/* NORDAHEAD: the map is larger than the data; NOTLS: one thread begins, another
	 * goes on. */
	if (rc == 0)
		rc = mdb_env_open(
		    store.env, path, flags | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD, 0600);
	return rc;
}

static void
close_env(void)
{
	if (store.env != NULL)
		mdb_env_close(store.env);
	store.env = NULL;
}

/* A loss of power must not take the names of files back. */
static int
sync_names(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd) != 0)
		rc = errno;
	close(fd);
	return rc;
}

static void
load_nothing(void *arg, const struct record *r, int err)
{
	(void)arg;
	(void)r;
	(void)err;
}

/* LMDB writes the first pages of a new file without a sync, and after a loss of power half
 * of them is a file that it refuses. So a store is made under another name, and gets its
 * own when all of it is on disk. */
static int
make_store(const char *folder)
{
	char path[PATH_MAX], made[PATH_MAX];
	struct stat st;
	uint32_t bad = 0;
	int rc;

	if (snprintf(path, sizeof path, "%s/data.mdb", folder) >= (int)sizeof path ||
	    snprintf(made, sizeof made, "%s/new.mdb", folder) >= (int)sizeof made)
		return ENAMETOOLONG;
	if (stat(path, &st) == 0 && st.st_size > 0)
		return 0;
	if (unlink(made) != 0 && errno != ENOENT)
		return errno;
	rc = open_env(made, MDB_NOSUBDIR);
	if (rc == 0)
		rc = open_table(load_nothing, NULL, &bad);
	close_env();
	if (rc == 0 && rename(made, path) != 0)
		rc = errno;
	return rc;
}

int
store_open(const char *path, store_load *load, void *arg, uint32_t *bad)
{
	int rc;

	*bad = 0;
	store.at_hand = 0;
	store.batches[0].n = 0;
	store.job = JOB_NONE;
	store.runs = store.stop = false;
	rc = make_store(path);
	if (rc == 0)
		rc = sync_names(path);
	if (rc == 0)
		rc = open_env(path, 0);
	if (rc == 0)
		rc = open_table(load, arg, bad);
	if (rc == 0) {
		store.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = store.event_fd < 0 ? errno : 0;
	}
	if (rc != 0) {
		close_env();
		return failed(rc);
	}
	return 0;
}

/* A thread's first steps make system calls that the filter, which comes next, does not
 * allow; so does an allocator's arena of its own. */
int
store_start_thread(void)
{
	int rc = pthread_mutex_init(&store.lock, NULL);

	(void)mallopt(M_ARENA_MAX, 1);
	if (rc == 0)
		rc = pthread_cond_init(&store.wake, NULL);
	if (rc == 0)
		rc = pthread_create(&store.thread, NULL, commit_loop, NULL);
	if (rc != 0)
		return failed(rc);
	pthread_mutex_lock(&store.lock);
	while (!store.runs)
		pthread_cond_wait(&store.wake, &store.lock);
	pthread_mutex_unlock(&store.lock);
	return 0;
}

int
store_put(const struct record *r)
{
	struct batch *b = &store.batches[store.at_hand];
	struct entry *e = &b->entries[b->n < STORE_BATCH_MAX ? b->n : 0];
	int key_len, len;

	if (b->n == STORE_BATCH_MAX)
		return ERR_FULL;
	key_len = record_key_encode(&r->addr, e->key);
	len = record_encode(r, e->value, sizeof e->value);
	if (key_len < 0 || len < 0)
		bug("lease record");
	e->key_len = (uint16_t)key_len;
	e->len = (uint16_t)len;
	b->n++;
	return 0;
}

unsigned
store_pending(void)
{
	return store.batches[store.at_hand].n;
}

bool
store_commit(uint64_t cookie)
{
	bool given = false;

	if (store_pending() == 0)
		return false;
	pthread_mutex_lock(&store.lock);
	if (store.job == JOB_NONE) {
		store.at_hand = 1 - store.at_hand;
		store.batches[store.at_hand].n = 0;
		store.cookie = cookie;
		store.job = JOB_GIVEN;
		pthread_cond_signal(&store.wake);
		given = true;
	}
	pthread_mutex_unlock(&store.lock);
	return given;
}

bool
store_busy(void)
{
	bool busy;

	pthread_mutex_lock(&store.lock);
	busy = store.job != JOB_NONE;
	pthread_mutex_unlock(&store.lock);
	return busy;
}

int
store_fd(void)
{
	return store.event_fd;
}

bool
store_completed(uint64_t *cookie, bool *ok)
{
	uint64_t count;
	bool done = false;

	while (read(store.event_fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&store.lock);
	if (store.job == JOB_DONE) {
		store.job = JOB_NONE;
		*cookie = store.cookie;
		*ok = store.result == 0;
		if (store.result != 0)
			last_failure = store.result;
		done = true;
	}
	pthread_mutex_unlock(&store.lock);
	return done;
}

void
store_close(void)
{
	if (store.runs) {
		pthread_mutex_lock(&store.lock);
		store.stop = true;
		pthread_cond_signal(&store.wake);
		pthread_mutex_unlock(&store.lock);
		pthread_join(store.thread, NULL);
		store.runs = false;
	}
	close_env();
	close(store.event_fd);
	store.event_fd = -1;
}
