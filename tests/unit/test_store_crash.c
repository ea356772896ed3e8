/*
 * The lease store and the loss of power. What the store writes while it is made, while it
 * commits and while it is opened again is taped (tests/lib/tape.c); then the power goes
 * after each step of the tape. Of what was not yet promised to be on disk anything may be
 * there: every subset of the writes when they are few, random ones else, torn at every
 * sector. Each such disk is opened: it must hold all that was reported as complete, and
 * of the batch that was being written all or nothing.
 *
 *	test_store_crash [batches [subsets [seed]]]
 *
 * The same with LMDB told not to sync must fail, or the test would see nothing.
 */
#include "src/broker/store.h"

#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tape.h"
#include "tests/unit/unit.h"

#define ADDRS 4096 /* addresses that get leases */
#define SECTOR 512u
#define ALL_SUBSETS 8 /* of that many */
#define FILES 8
#define PENDING_MAX 4096

/* ------------------------------------------------------------- what is written */

static unsigned batches = 12, subsets = 256;
static uint64_t seed = 1;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* The record of an address as batch b writes it. */
static struct record
record_of(uint32_t n, uint32_t b)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.addr = addr_v4(UINT32_C(0x0a000000) + n);
	r.state = (n + b) % 5 == 0 ? RECORD_RELEASED : RECORD_BOUND;
	r.expires = 2000000000 + n;
	r.written = b;
	r.link = (uint8_t)(n % 4);
	r.id.kind = n % 3 == 0 ? ID_CLIENT : ID_HARDWARE;
	r.id.len = n % 3 == 0 ? (uint8_t)(1 + (n + b) % RECORD_ID_MAX) : 7;
	memset(r.id.b, (int)(n & 0xff), r.id.len);
	memset(r.mac.b, (int)(n >> 4 & 0xff), sizeof r.mac.b);
	r.session = n * 2654435761u + b;
	r.arch = ARCH_X64;
	r.server = addr_v4(0x0a4d0001);
	snprintf(r.image, sizeof r.image, "image-%u", (n + b) % 100000);
	return r;
}

/* versions[b][n]: the batch that wrote n last, when b batches are complete; 0: none. */
static uint32_t (*versions)[ADDRS];

/* Batches of many sizes, over new addresses and old ones. */
static unsigned
fill_batch(uint32_t b)
{
	static const unsigned sizes[] = {1, 2, 7, 40, 1, 300, 3, 120};
	unsigned n = sizes[b % (sizeof sizes / sizeof sizes[0])];

	memcpy(versions[b], versions[b - 1], sizeof versions[b]);
	for (unsigned i = 0; i < n; i++) {
		uint32_t addr =
		    (uint32_t)(draw() % (draw() % 4 == 0 ? ADDRS : 64 + 40 * b));
		struct record r;

		addr %= ADDRS;
		r = record_of(addr, b);
		versions[b][addr] = b;
		assert_int_equal(store_put(&r), 0);
	}
	return n;
}

static char dir[96];

static void
make_dir(void)
{
	/* Memory, where there is some: what counts is the order, not the disk. */
	snprintf(dir, sizeof dir, "%s/store-crash.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
}

static void
empty_dir(void)
{
	static const char *const names[] = {"data.mdb", "new.mdb", "lock.mdb"};
	char path[160];

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
}

struct got {
	uint32_t version[ADDRS];
	unsigned bad;
};

static void
see(void *arg, const struct record *r, int err)
{
	struct got *g = arg;
	uint32_t n = addr_to_v4(&r->addr) - UINT32_C(0x0a000000);
	struct record want;

	if (err != 0 || n >= ADDRS || r->written == 0 || r->written > batches) {
		g->bad++;
		return;
	}
	want = record_of(n, (uint32_t)r->written);
	if (memcmp(&want, r, sizeof want) != 0)
		g->bad++;
	g->version[n] = (uint32_t)r->written;
}

static void
await_completion(void)
{
	uint64_t cookie;
	bool ok;

	for (;;) {
		struct pollfd p = {store_fd(), POLLIN, 0};

		assert_int_equal(poll(&p, 1, 20000), 1);
		if (store_completed(&cookie, &ok))
			break;
	}
	assert_true(ok);
	tape_mark(cookie);
}

static void
commit_batches(uint32_t first, uint32_t last)
{
	for (uint32_t b = first; b <= last; b++) {
		fill_batch(b);
		assert_true(store_commit(b));
		await_completion();
	}
}

/* A new store, half of the batches, and the rest after it was opened again. */
static void
write_tape(void)
{
	static struct got g;
	uint32_t bad;

	empty_dir();
	tape_start(dir);
	assert_int_equal(store_open(dir, see, &g, &bad), 0);
	assert_int_equal(store_start_thread(), 0);
	commit_batches(1, batches / 2);
	store_close();
	assert_int_equal(store_open(dir, see, &g, &bad), 0);
	assert_int_equal(store_start_thread(), 0);
	commit_batches(batches / 2 + 1, batches);
	store_close();
	tape_stop();
}

/* ----------------------------------------------------------------- the disk */

struct file {
	uint8_t *data;
	size_t len, room;
};

/* What is on disk for certain, or in one of the possible cases. */
struct disk {
	struct file files[FILES];
	unsigned nnames;
	char names[FILES][TAPE_NAME_MAX];
	unsigned named[FILES];
};

static void
set_length(struct file *f, size_t len)
{
	if (len > f->room) {
		f->room = 2 * len;
		f->data = realloc(f->data, f->room);
		assert_non_null(f->data);
	}
	if (len > f->len)
		memset(f->data + f->len, 0, len - f->len);
	f->len = len;
}

static unsigned
find_name(const struct disk *d, const char *name)
{
	unsigned i = 0;

	while (i < d->nnames && strcmp(d->names[i], name) != 0)
		i++;
	return i;
}

static void
set_name(struct disk *d, const char *name, unsigned file)
{
	unsigned i = find_name(d, name);

	assert_true(i < FILES);
	if (i == d->nnames)
		d->nnames++;
	snprintf(d->names[i], sizeof d->names[i], "%s", name);
	d->named[i] = file;
}

static void
drop_name(struct disk *d, const char *name)
{
	unsigned i = find_name(d, name);

	if (i == d->nnames)
		return;
	d->nnames--;
	memcpy(d->names[i], d->names[d->nnames], sizeof d->names[i]);
	d->named[i] = d->named[d->nnames];
}

/* A rename of what has no name on disk yet: its creation went with it. */
static void
apply_rename(struct disk *d, const struct tape_event *e)
{
	unsigned i = find_name(d, e->name);

	if (i == d->nnames)
		return;
	set_name(d, e->to, d->named[i]);
	drop_name(d, e->name);
}

static void
apply(struct disk *d, const struct tape_event *e, size_t from, size_t len)
{
	struct file *f = &d->files[e->file];

	assert_true(e->file < FILES);
	switch (e->kind) {
	case TAPE_WRITE:
		if (e->off + from + len > f->len)
			set_length(f, e->off + from + len);
		memcpy(f->data + e->off + from, e->data + from, len);
		break;
	case TAPE_TRUNCATE: set_length(f, e->off); break;
	case TAPE_CREATE: set_name(d, e->name, e->file); break;
	case TAPE_RENAME: apply_rename(d, e); break;
	case TAPE_UNLINK: drop_name(d, e->name); break;
	default: break;
	}
}

static void
copy_disk(struct disk *to, const struct disk *from)
{
	to->nnames = from->nnames;
	memcpy(to->names, from->names, sizeof to->names);
	memcpy(to->named, from->named, sizeof to->named);
	for (unsigned i = 0; i < FILES; i++) {
		to->files[i].len = 0;
		set_length(&to->files[i], from->files[i].len);
		if (from->files[i].len > 0)
			memcpy(to->files[i].data, from->files[i].data, from->files[i].len);
	}
}

static void
free_disk(struct disk *d)
{
	for (unsigned i = 0; i < FILES; i++)
		free(d->files[i].data);
	memset(d, 0, sizeof *d);
}

static void
put_on_disk(const struct disk *d)
{
	char path[160];

	empty_dir();
	for (unsigned i = 0; i < d->nnames; i++) {
		const struct file *f = &d->files[d->named[i]];
		int fd;

		snprintf(path, sizeof path, "%s/%s", dir, d->names[i]);
		fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(f->len == 0 ? 0 : write(fd, f->data, f->len), f->len);
		close(fd);
	}
}

/* --------------------------------------------------------------- the judgement */

/* What is not certain to be on disk when the power goes: pieces of writes, names. */
struct piece {
	const struct tape_event *e;
	size_t from, len;
};

static struct disk certain, possible;
static const struct tape_event *pending[PENDING_MAX];
static unsigned npending;
static unsigned replays, commits_after;

/* Says why not. done: batches that were reported complete. */
static const char *
judge(uint32_t done)
{
	static struct got g, again;
	uint32_t bad, b = done;

	memset(&g, 0, sizeof g);
	if (store_open(dir, see, &g, &bad) != 0)
		return store_failure();
	if (g.bad + bad > 0)
		return "damaged records";
	if (memcmp(g.version, versions[b], sizeof g.version) != 0 &&
	    (++b > batches || memcmp(g.version, versions[b], sizeof g.version) != 0))
		return "records are lost, or half of a batch is there";
	if (replays % 16 == 0) {
		/* What was found can be written on. */
		struct record r = record_of(77, 1);
		uint64_t cookie;
		bool ok;

		commits_after++;
		if (store_start_thread() != 0 || store_put(&r) != 0 || !store_commit(1))
			return "no commit afterwards";
		do {
			struct pollfd p = {store_fd(), POLLIN, 0};

			poll(&p, 1, 20000);
		} while (!store_completed(&cookie, &ok));
		if (!ok)
			return store_failure();
		store_close();
		memset(&again, 0, sizeof again);
		if (store_open(dir, see, &again, &bad) != 0)
			return store_failure();
		g.version[77] = 1;
		if (again.bad + bad > 0 ||
		    memcmp(g.version, again.version, sizeof g.version) != 0)
			return "a commit afterwards loses records";
	}
	store_close();
	return NULL;
}

static const char *
replay(const struct piece *pieces, unsigned n, const bool *chosen, uint32_t done)
{
	copy_disk(&possible, &certain);
	for (unsigned i = 0; i < n; i++)
		if (chosen[i])
			apply(&possible, pieces[i].e, pieces[i].from, pieces[i].len);
	put_on_disk(&possible);
	replays++;
	return judge(done);
}

/* All subsets of few pieces, random ones of many: halves mostly, but also all but some
 * and nearly none. */
static const char *
replay_subsets(const struct piece *pieces, unsigned n, uint32_t done)
{
	static bool chosen[PENDING_MAX * 16];
	unsigned all = n <= ALL_SUBSETS ? 1u << n : subsets;
	const char *why = NULL;

	for (unsigned s = 0; s < all && why == NULL; s++) {
		unsigned odds = s % 4 == 0 ? 1 : s % 4 == 1 ? 15 : 8;

		for (unsigned i = 0; i < n; i++)
			chosen[i] =
			    n <= ALL_SUBSETS ? (s >> i & 1) != 0 : draw() >> 60 < odds;
		why = replay(pieces, n, chosen, done);
	}
	return why;
}

static unsigned
cut_whole(struct piece *pieces)
{
	for (unsigned i = 0; i < npending; i++)
		pieces[i] = (struct piece){pending[i], 0, pending[i]->len};
	return npending;
}

/* At the sectors of the disk, which it writes whole or not at all. */
static unsigned
cut_at_sectors(struct piece *pieces, unsigned most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < npending; i++) {
		const struct tape_event *e = pending[i];
		size_t at = 0;

		do {
			size_t some = SECTOR - (e->off + at) % SECTOR;

			some = e->len - at < some ? e->len - at : some;
			assert_true(n < most);
			pieces[n++] = (struct piece){e, at, some};
			at += some;
		} while (at < e->len);
	}
	return n;
}

static const char *
power_goes(uint32_t done)
{
	static struct piece pieces[PENDING_MAX * 16];
	const char *why = replay_subsets(pieces, cut_whole(pieces), done);
	unsigned n = cut_at_sectors(pieces, PENDING_MAX * 16);

	return why != NULL || n == npending ? why : replay_subsets(pieces, n, done);
}

/* In a child, for a broken store may take its reader down. Counts come back by a pipe. */
static bool
survives(size_t at, uint32_t done, bool loud)
{
	unsigned counts[2] = {0, 0};
	int way[2], status;
	pid_t pid;

	assert_int_equal(pipe(way), 0);
	pid = fork();
	if (pid == 0) {
		const char *why;

		/* A damaged store may well end its reader: that is a loss seen, not a
		 * test that failed. */
		(void)signal(SIGBUS, SIG_DFL);
		(void)signal(SIGSEGV, SIG_DFL);
		replays = commits_after = 0;
		seed += (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
		why = power_goes(done);
		if (why != NULL && loud)
			print_error("after step %zu, %u complete: %s\n", at, done, why);
		counts[0] = replays;
		counts[1] = commits_after;
		if (write(way[1], counts, sizeof counts) != sizeof counts)
			_exit(2);
		_exit(why != NULL);
	}
	close(way[1]);
	while (read(way[0], counts, sizeof counts) == sizeof counts)
		;
	close(way[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	replays += counts[0];
	commits_after += counts[1];
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
is_name(const struct tape_event *e)
{
	return e->kind == TAPE_CREATE || e->kind == TAPE_RENAME || e->kind == TAPE_UNLINK;
}

static bool
is_synced(const struct tape_event *e, const struct tape_event *sync)
{
	if (sync->kind == TAPE_SYNC_NAMES)
		return is_name(e);
	if (is_name(e) || e->file != sync->file)
		return false;
	return sync->len == 0 || (e->kind == TAPE_WRITE && e->off >= sync->off &&
				     e->off + e->len <= sync->off + sync->len);
}

static void
settle(const struct tape_event *sync)
{
	unsigned left = 0;

	for (unsigned i = 0; i < npending; i++)
		if (is_synced(pending[i], sync))
			apply(&certain, pending[i], 0, pending[i]->len);
		else
			pending[left++] = pending[i];
	npending = left;
}

/* Goes through the tape; returns after how many steps a loss of power loses data. */
static unsigned
play_tape(bool loud)
{
	unsigned losses = 0;
	uint32_t done = 0;

	free_disk(&certain);
	npending = replays = commits_after = 0;
	for (size_t i = 0; i < tape_length() && losses < 20; i++) {
		const struct tape_event *e = tape_event(i);

		if (e->kind == TAPE_MARK)
			done = (uint32_t)e->mark;
		else if (e->kind == TAPE_SYNC || e->kind == TAPE_SYNC_NAMES)
			settle(e);
		else
			pending[npending++] = e;
		assert_true(npending < PENDING_MAX);
		losses += !survives(i, done, loud);
	}
	print_message("# %zu steps, %u disks, %u written on, %u losses\n", tape_length(),
	    replays, commits_after, losses);
	return losses;
}

/* ------------------------------------------------------------------- the tests */

static unsigned more_flags;

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int
__wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	return __real_mdb_env_open(env, path, flags | more_flags, mode);
}

static unsigned
losses_with(unsigned flags, bool loud)
{
	unsigned losses;

	versions = calloc(batches + 1, sizeof *versions);
	assert_non_null(versions);
	make_dir();
	more_flags = flags;
	tape_ignore_syncs(true);
	write_tape();
	losses = play_tape(loud);
	more_flags = 0;
	tape_free();
	free_disk(&certain);
	free_disk(&possible);
	free(versions);
	empty_dir();
	rmdir(dir);
	return losses;
}

static void
test_power_loss(void **state)
{
	(void)state;
	assert_int_equal(losses_with(0, true), 0);
}

/* Without any sync, and without that of the root page. */
static void
test_would_be_seen(void **state)
{
	(void)state;
	assert_true(losses_with(MDB_NOSYNC, false) > 0);
	assert_true(losses_with(MDB_NOMETASYNC, false) > 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_power_loss),
	    cmocka_unit_test(test_would_be_seen),
	};

	if (argc > 1)
		batches = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		subsets = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		seed = strtoull(argv[3], NULL, 10);
	if (batches < 2 || subsets < 1 || seed == 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
