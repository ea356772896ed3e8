/*
 * All that lies beneath a directory, for sallyport-image. Symbolic links are not
 * followed but listed as what they are.
 */
#ifndef SALLYPORT_TOOLS_TREE_H
#define SALLYPORT_TOOLS_TREE_H

#include <stddef.h>

struct tree_entry {
	char *path; /* relative to the directory */
	/* NULL for a regular file, else what it is: "a symbolic link", ... */
	const char *odd;
};

struct tree {
	size_t n;
	struct tree_entry *entries; /* ascending by path; without directories */
};

/* Ends the program when the directory, whose name is for messages, cannot be read. Leaves
 * out "manifest" and "manifest.minisig" at its top. */
void tree_scan(int dir, const char *dirname, struct tree *t);
void tree_free(struct tree *t);

#endif
