/*
 * Test support, any process. Stands in front of the C library's calls: each does what it
 * always does, by the system call itself, and what it did to a file is noted. A descriptor
 * that was opened with O_DSYNC writes and syncs in one call; it is noted as the two steps
 * that it is, for the power can go between them.
 */
#undef _FORTIFY_SOURCE /* its inline wrappers have the names that are defined here */

#include "tests/lib/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 64

static struct {
	pthread_mutex_t lock;
	bool runs, no_sync;
	char dir[PATH_MAX];
	dev_t device;
	ino_t dir_ino, files[FILES_MAX];
	unsigned nfiles;
	size_t n, room;
	struct tape_event *events;
} tape = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ------------------------------------------------------------------ the tape */

void
tape_start(const char *dir)
{
	struct stat st;

	tape_free();
	if (stat(dir, &st) != 0)
		abort();
	snprintf(tape.dir, sizeof tape.dir, "%s/", dir);
	tape.device = st.st_dev;
	tape.dir_ino = st.st_ino;
	tape.runs = true;
}

void
tape_stop(void)
{
	tape.runs = false;
}

void
tape_free(void)
{
	for (size_t i = 0; i < tape.n; i++)
		free(tape.events[i].data);
	free(tape.events);
	tape.events = NULL;
	tape.n = tape.room = tape.nfiles = 0;
}

size_t
tape_length(void)
{
	return tape.n;
}

const struct tape_event *
tape_event(size_t i)
{
	return &tape.events[i];
}

void
tape_ignore_syncs(bool on)
{
	tape.no_sync = on;
}

/* With the lock held. */
static struct tape_event *
add(enum tape_kind kind)
{
	if (tape.n == tape.room) {
		tape.room = tape.room == 0 ? 256 : 2 * tape.room;
		tape.events = realloc(tape.events, tape.room * sizeof *tape.events);
		if (tape.events == NULL)
			abort();
	}
	memset(&tape.events[tape.n], 0, sizeof tape.events[0]);
	tape.events[tape.n].kind = kind;
	return &tape.events[tape.n++];
}

void
tape_mark(uint64_t mark)
{
	pthread_mutex_lock(&tape.lock);
	if (tape.runs)
		add(TAPE_MARK)->mark = mark;
	pthread_mutex_unlock(&tape.lock);
}

/* The number of a file, which is new to us if it was not there before. */
static unsigned
number_of(ino_t ino)
{
	unsigned i = 0;

	while (i < tape.nfiles && tape.files[i] != ino)
		i++;
	if (i == FILES_MAX)
		abort();
	if (i == tape.nfiles)
		tape.files[tape.nfiles++] = ino;
	return i;
}

/* Is it a file of the folder? Files elsewhere have another device, or no number yet. */
static bool
is_ours(int fd, unsigned *file)
{
	struct stat st;

	if (!tape.runs || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_dev != tape.device)
		return false;
	for (*file = 0; *file < tape.nfiles; (*file)++)
		if (tape.files[*file] == st.st_ino)
			return true;
	return false;
}

static void
note_write(int fd, const struct iovec *v, int n, off_t off, ssize_t done)
{
	unsigned file;
	struct tape_event *e;
	size_t at = 0;

	if (done <= 0 || !is_ours(fd, &file))
		return;
	pthread_mutex_lock(&tape.lock);
	e = add(TAPE_WRITE);
	e->file = file;
	e->off = (uint64_t)off;
	e->len = (size_t)done;
	e->data = malloc(e->len);
	for (int i = 0; i < n && at < e->len; i++) {
		size_t some = e->len - at < v[i].iov_len ? e->len - at : v[i].iov_len;

		memcpy(e->data + at, v[i].iov_base, some);
		at += some;
	}
	if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) {
		e = add(TAPE_SYNC);
		e->file = file;
		e->off = (uint64_t)off;
		e->len = (size_t)done;
	}
	pthread_mutex_unlock(&tape.lock);
}

static void
note_sync(int fd, int result)
{
	struct stat st;
	unsigned file;

	if (!tape.runs || result != 0 || fstat(fd, &st) != 0)
		return;
	pthread_mutex_lock(&tape.lock);
	if (S_ISDIR(st.st_mode) && st.st_ino == tape.dir_ino && st.st_dev == tape.device)
		add(TAPE_SYNC_NAMES);
	else if (is_ours(fd, &file))
		add(TAPE_SYNC)->file = file;
	pthread_mutex_unlock(&tape.lock);
}

/* The part of a path below the folder; NULL when it is elsewhere. */
static const char *
name_in(const char *path)
{
	size_t n = strlen(tape.dir);

	return tape.runs && strncmp(path, tape.dir, n) == 0 ? path + n : NULL;
}

static void
note_name(enum tape_kind kind, const char *name, const char *to, int fd)
{
	struct tape_event *e;
	struct stat st;

	if (name == NULL)
		return;
	pthread_mutex_lock(&tape.lock);
	e = add(kind);
	snprintf(e->name, sizeof e->name, "%s", name);
	snprintf(e->to, sizeof e->to, "%s", to);
	if (kind == TAPE_CREATE && fstat(fd, &st) == 0)
		e->file = number_of(st.st_ino);
	pthread_mutex_unlock(&tape.lock);
}

/* ------------------------------------------------------- what stands in front */

int
open(const char *path, int flags, ...)
{
	struct stat st;
	bool is_new =
	    name_in(path) != NULL && (flags & O_CREAT) != 0 && stat(path, &st) != 0;
	mode_t mode = 0;
	va_list ap;
	int fd;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0 && is_new)
		note_name(TAPE_CREATE, name_in(path), "", fd);
	return fd;
}

int
rename(const char *from, const char *to)
{
	int r = (int)syscall(SYS_rename, from, to);

	if (r == 0 && name_in(to) != NULL)
		note_name(TAPE_RENAME, name_in(from), name_in(to), -1);
	return r;
}

int
unlink(const char *path)
{
	int r = (int)syscall(SYS_unlink, path);

	if (r == 0)
		note_name(TAPE_UNLINK, name_in(path), "", -1);
	return r;
}

ssize_t
pwrite(int fd, const void *b, size_t len, off_t off)
{
	struct iovec v = {(void *)(uintptr_t)b, len};
	ssize_t n = syscall(SYS_pwrite64, fd, b, len, off);

	note_write(fd, &v, 1, off, n);
	return n;
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t off)
{
	ssize_t done = syscall(SYS_pwritev, fd, v, n, off, 0);

	note_write(fd, v, n, off, done);
	return done;
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	off_t off = lseek(fd, 0, SEEK_CUR);
	ssize_t done = syscall(SYS_writev, fd, v, n);

	note_write(fd, v, n, off, done);
	return done;
}

ssize_t
write(int fd, const void *b, size_t len)
{
	struct iovec v = {(void *)(uintptr_t)b, len};
	off_t off = tape.runs ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t n = syscall(SYS_write, fd, b, len);

	note_write(fd, &v, 1, off, n);
	return n;
}

int
ftruncate(int fd, off_t len)
{
	int r = (int)syscall(SYS_ftruncate, fd, len);
	unsigned file;

	if (r == 0 && is_ours(fd, &file)) {
		struct tape_event *e;

		pthread_mutex_lock(&tape.lock);
		e = add(TAPE_TRUNCATE);
		e->file = file;
		e->off = (uint64_t)len;
		pthread_mutex_unlock(&tape.lock);
	}
	return r;
}

int
fdatasync(int fd)
{
	int r = tape.no_sync ? 0 : (int)syscall(SYS_fdatasync, fd);

	note_sync(fd, r);
	return r;
}

int
fsync(int fd)
{
	int r = tape.no_sync ? 0 : (int)syscall(SYS_fsync, fd);

	note_sync(fd, r);
	return r;
}

/* A store that writes through its map would write past the tape. */
int
msync(void *at, size_t len, int flags)
{
	(void)at;
	(void)len;
	(void)flags;
	if (tape.runs)
		abort();
	return 0;
}
