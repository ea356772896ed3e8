/*
 * An image's folder as an operator's command sees it: manifest, signature, files.
 */
#ifndef SALLYPORT_TOOLS_IMAGE_FOLDER_H
#define SALLYPORT_TOOLS_IMAGE_FOLDER_H

#include <stdint.h>

#include "policy/keyring.h"
#include "policy/manifest.h"

struct image_folder {
	const char *name; /* of the folder, for messages; the caller's */
	int dir;
	char *text, *signature;
	size_t len, signature_len;
	struct manifest_file *files;
	struct manifest m;
};

/* Reads manifest and signature and checks the signature by the keyring, then what the
 * manifest says of itself: its form, its key's images. Ends the program when one of
 * these is wrong, for then nothing else means anything. */
void folder_open(struct image_folder *f, const char *name, const struct keyring *k);
void folder_close(struct image_folder *f);
/* Complains when the image has expired at that time. Returns the number of complaints. */
unsigned folder_check_time(const struct image_folder *f, uint64_t now);
/* Complains about every file that is missing, different, unlisted, or not a regular file.
 * Returns the number of complaints. */
unsigned folder_check_files(const struct image_folder *f);
/* Complains about one file; copies it to `to` unless that is -1. */
unsigned folder_check_file(const struct image_folder *f, const struct manifest_file *file,
    int to, const char *to_name);

#endif
