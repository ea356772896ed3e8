/*
 * Images as the verifier vouches for them: names, files, boot entries, and the sealed
 * memory that holds them. The broker knows no path of any file system: a request's name
 * is looked up whole in these tables.
 */
#ifndef SALLYPORT_BROKER_IMAGE_H
#define SALLYPORT_BROKER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/ident.h"
#include "policy/conf.h"
#include "privsep/msg.h"

struct image_boot {
	char loader[201];  /* path in the image; "" when there is none */
	uint8_t templates; /* bit n: enum template_kind n */
};

struct image;

/* The serving image of that name; NULL when none is active, or it has expired and
 * expired ones are not served. */
const struct image *image_find(const char *name, uint64_t wall_s);
/* What it boots on that kind of machine; NULL when the manifest has no entry. */
const struct image_boot *image_boot(const struct image *image, enum arch arch);
const char *image_name(const struct image *image);
/* Has the verifier told every image that the store holds? What is missing then was
 * refused, or does not exist. */
bool image_complete(void);
void image_set_complete(bool is);

#endif
