/*
 * Access to image files. Part of the verifier (a read-only, private clone of the store, in
 * its cage) and of sallyport-image (the operator's own rights). Whoever fills the store
 * is not trusted: names, kinds and contents may change at any moment.
 */
#include "src/verifier/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEVER_OUTSIDE \
	(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

static int
open_beneath(int dir, const char *path, unsigned flags, const char **why)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | flags,
	    .resolve = NEVER_OUTSIDE,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);

	if (fd >= 0)
		return (int)fd;
	switch (errno) {
	case ENOENT: *why = "does not exist"; return ERR_ABSENT;
	case ELOOP: *why = "is a symbolic link, or lies behind one"; return ERR_DENIED;
	case EXDEV: *why = "lies outside the image, or on another file system"; break;
	case ENXIO: *why = "is a socket, FIFO or device, not a regular file"; break;
	case ENOTDIR: *why = "is not a directory, or lies beneath a file"; break;
	case EACCES:
	case EPERM: *why = "may not be read"; break;
	case EMFILE:
	case ENFILE: *why = "could not be opened: too many open files"; return ERR_SYS;
	default: *why = "could not be opened"; return ERR_SYS;
	}
	return ERR_DENIED;
}

int
store_open_file(
    int dir, const char *path, uint64_t *size, struct store_stamp *stamp, const char **why)
{
	struct stat st;
	int fd = open_beneath(dir, path, 0, why);

	if (fd < 0)
		return fd;
	/* Not fstat(), which in some C libraries asks by an empty path: no cage allows
	 * that. */
	if (syscall(SYS_fstat, fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		*why = "is not a regular file";
		close(fd);
		return ERR_DENIED;
	}
	if (size != NULL)
		*size = (uint64_t)st.st_size;
	if (stamp != NULL) {
		stamp->device = st.st_dev;
		stamp->inode = st.st_ino;
		stamp->size = (uint64_t)st.st_size;
		stamp->changed_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000u +
				    (uint64_t)st.st_ctim.tv_nsec;
	}
	return fd;
}

int
store_open_dir(int dir, const char *path, const char **why)
{
	return open_beneath(dir, path, O_DIRECTORY, why);
}

int
store_pread(int fd, void *bytes, size_t n, uint64_t offset)
{
	uint8_t *p = bytes;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)offset);

		if (got == 0)
			return ERR_SHORT;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_SYS;
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

int64_t
store_read(int dir, const char *path, void *bytes, size_t cap, struct store_stamp *stamp,
    const char **why)
{
	uint64_t size;
	int err, fd = store_open_file(dir, path, &size, stamp, why);

	if (fd < 0)
		return fd;
	if (size > cap) {
		*why = "is too large";
		close(fd);
		return ERR_LONG;
	}
	err = store_pread(fd, bytes, (size_t)size, 0);
	close(fd);
	if (err != 0) {
		*why = err == ERR_SHORT ? "became shorter while it was read"
					: "could not be read";
		return err;
	}
	return (int64_t)size;
}

int
store_list(int dir, bool (*visit)(void *arg, const char *name), void *arg)
{
	_Alignas(struct dirent64) char bytes[4096];
	long n;

	if (lseek(dir, 0, SEEK_SET) < 0)
		return ERR_SYS;
	while ((n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(bytes + at);

			at += e->d_reclen;
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			if (!visit(arg, e->d_name))
				return 0;
		}
	}
	return n < 0 ? ERR_SYS : 0;
}
