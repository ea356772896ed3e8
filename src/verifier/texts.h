/*
 * The templates of an image: small texts that are read and checked when the image comes,
 * and kept, whatever becomes of the memory of its files.
 */
#ifndef SALLYPORT_VERIFIER_TEXTS_H
#define SALLYPORT_VERIFIER_TEXTS_H

#include "src/verifier/image.h"

/* Reads and checks the image's templates and command lines; sets which kinds can be
 * rendered for which machines. NULL, or what is wrong, valid until the next call, with
 * *file. The image's manifest is there. */
const char *texts_read(struct image *image, int dir, const char **file);

#endif
