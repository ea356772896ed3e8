/*
 * Opening what lies in an image store or an image's folder, without ever leaving it:
 * no symbolic link, no "..", no other file system, nothing but regular files and
 * directories, and never waiting for one. Used by the verifier and by sallyport-image,
 * so that both accept the same.
 */
#ifndef SALLYPORT_VERIFIER_STORE_H
#define SALLYPORT_VERIFIER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* Identifies a file's state: changes when the file does. */
struct store_stamp {
	uint64_t device, inode, size, changed_ns;
};

/* Opens a regular file beneath dir for reading. The descriptor, which the caller closes,
 * or an error with *why set to a constant text: ERR_ABSENT when there is none of that
 * name. size and stamp may be NULL. */
int store_open_file(int dir, const char *path, uint64_t *size, struct store_stamp *stamp,
    const char **why) MUST_CHECK;
/* The same for a directory. */
int store_open_dir(int dir, const char *path, const char **why) MUST_CHECK;
/* Reads a regular file into bytes. Its length, or an error with *why; a file longer than
 * cap is ERR_LONG. */
int64_t store_read(int dir, const char *path, void *bytes, size_t cap,
    struct store_stamp *stamp, const char **why) MUST_CHECK;
/* Reads exactly n bytes at `offset`. 0, ERR_SYS, or ERR_SHORT at the end of the file. */
int store_pread(int fd, void *bytes, size_t n, uint64_t offset) MUST_CHECK;

/* Calls visit for each entry but "." and "..", until it returns false. name is only valid
 * during the call. 0 or ERR_SYS. dir is read from its beginning. */
int store_list(int dir, bool (*visit)(void *arg, const char *name), void *arg) MUST_CHECK;

#endif
