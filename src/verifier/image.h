/*
 * Images that have been verified: manifest and sealed memory. The broker is told of them
 * (tell.h) and scripts are rendered from them (render.h).
 */
#ifndef SALLYPORT_VERIFIER_IMAGE_H
#define SALLYPORT_VERIFIER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/manifest.h"
#include "src/base/err.h"

#define IMAGES_MAX 200u

/* How far the broker has been told; the steps are in this order. */
enum told { TOLD_NOTHING, TOLD_OBJECTS, TOLD_IMAGE, TOLD_FILES, TOLD_BOOTS, TOLD_ALL };

/* Where a file is. */
struct place {
	uint16_t object; /* place in the table of sealed.h */
	uint64_t offset;
};

struct image {
	uint32_t id; /* what messages call it, from 1; never the same twice */
	struct manifest m;
	uint8_t manifest_hash[32];
	struct place *places; /* one for each file */
	unsigned nobjects;
	uint16_t *objects;                     /* places of those it owns a share of */
	uint8_t templates[MANIFEST_BOOTS_MAX]; /* kinds that can be rendered, as bits */
	char *texts[TEMPLATE_MAX];             /* of the templates, verified; NULL: none */
	size_t text_lens[TEMPLATE_MAX];
	unsigned busy;    /* files that are being loaded: it must stay where it is */
	bool retired;     /* no longer served */
	bool retire_told; /* and the broker knows */
	uint8_t warned;   /* expiry warnings given */
	enum told told;
	unsigned told_next; /* the next one within the step */
};

/* Takes over an image that was built by load.c. ERR_FULL when there is no room. */
int image_add(struct image *image) MUST_CHECK;
/* The n-th in the table, NULL for a free place; n < IMAGES_MAX. */
struct image *image_at(unsigned n);
/* The newest that is served under that name, or NULL. */
struct image *image_serving(const char *name);
/* One that is served, or NULL. */
struct image *image_by_id(uint32_t id);
/* One that is served and holds the object in that place of the table of sealed.h; NULL when
 * there is none. */
struct image *image_owner(unsigned place);
/* Gives back its shares and its memory; removes it from the table if it is there. */
void image_free(struct image *image);
/* Is any image served? */
bool image_any(void);

#endif
