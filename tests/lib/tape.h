/*
 * For tests of what outlasts a loss of power: the calls of this process (and of the
 * libraries it is linked with) that change files below one folder, on a tape, in order,
 * with the points at which the kernel has promised that they are on disk.
 */
#ifndef SALLYPORT_TESTS_TAPE_H
#define SALLYPORT_TESTS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAPE_NAME_MAX 32

enum tape_kind {
	TAPE_WRITE,      /* data at off of file; not on disk yet */
	TAPE_TRUNCATE,   /* file has off bytes now; not on disk yet */
	TAPE_SYNC,       /* len bytes at off of file are on disk; len 0: all of it */
	TAPE_CREATE,     /* name is file now; not on disk yet */
	TAPE_RENAME,     /* name has become to; not on disk yet */
	TAPE_UNLINK,     /* name is gone; not on disk yet */
	TAPE_SYNC_NAMES, /* all names are on disk */
	TAPE_MARK        /* tape_mark() was called */
};

struct tape_event {
	enum tape_kind kind;
	unsigned file; /* counts the files from 0, as they were first seen */
	uint64_t off;
	size_t len;
	uint8_t *data;
	uint64_t mark;
	char name[TAPE_NAME_MAX], to[TAPE_NAME_MAX];
};

/* Begins an empty tape of what happens to regular files in dir (not below). */
void tape_start(const char *dir);
void tape_stop(void);
/* Notes that something that others rely on has been said now. Any thread. */
void tape_mark(uint64_t mark);
size_t tape_length(void);
const struct tape_event *tape_event(size_t i);
void tape_free(void);
/* While true, syncs of this process cost nothing and do nothing. */
void tape_ignore_syncs(bool on);

#endif
