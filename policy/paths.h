/*
 * What an image and the files in it may be called. Pure.
 */
#ifndef SALLYPORT_POLICY_PATHS_H
#define SALLYPORT_POLICY_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#define PATHS_NAME_MAX 63  /* bytes of an image's name */
#define PATHS_PATH_MAX 200 /* bytes of a path in an image */

/* An image's name: [a-z0-9][a-z0-9._-]*, at most PATHS_NAME_MAX bytes. Returns NULL when
 * it is one, else what is wrong, with the offset of the byte in *at. */
const char *paths_check_name(const char *name, size_t len, size_t *at);
/* A path in an image: components of [A-Za-z0-9._+@=,-], none empty, "." or "..", joined
 * by single slashes, at most PATHS_PATH_MAX bytes, and not one of the two files that a
 * manifest cannot list, "manifest" and "manifest.minisig". As above. */
const char *paths_check_path(const char *path, size_t len, size_t *at);
/* Byte order after A-Z became a-z; 0 means that a careless file system or boot loader
 * may take one for the other. */
int paths_compare_folded(const char *a, const char *b);
/* May `name` be an image that the pattern means? '*' stands for any run of characters,
 * also none; everything else for itself. */
bool paths_match(const char *pattern, const char *name);

#endif
