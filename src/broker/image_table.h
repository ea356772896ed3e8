/*
 * The broker's table of images, as its own files use it: intake.c fills it from the
 * verifier's messages, serve.c looks names up in it. What dhcp needs is in image.h.
 */
#ifndef SALLYPORT_BROKER_IMAGE_TABLE_H
#define SALLYPORT_BROKER_IMAGE_TABLE_H

#include "privsep/msg.h"
#include "src/base/err.h"
#include "src/broker/image.h"
#include "src/broker/memfd.h"

#define IMAGE_MAX 256                /* serving and being told */
#define IMAGE_FILES_MAX 10000        /* files of one */
#define IMAGE_BYTES_MAX (256u << 20) /* memory of all tables of names */

struct image_file;

enum image_state { IMAGE_UNUSED, IMAGE_PENDING, IMAGE_ACTIVE };

struct image {
	uint64_t id; /* ours, never used again */
	enum image_state state;
	bool refused;    /* pending, but does not fit: ends with its ACTIVE_TELL */
	bool stale;      /* the verifier that vouched for it is gone */
	uint32_t theirs; /* the verifier's number; not valid when stale */
	char name[CONF_IMAGE_MAX + 1];
	uint64_t version, created, expires;
	uint16_t has_boot; /* bit n: boots[n] is set */
	struct image_boot boots[ARCH_MAX];
	struct image_file **files; /* hash table, at most half full */
	uint32_t slots, nfiles;
};

/* Makes the table empty. Called before the cage. */
void image_init(void);
/* A new pending image. NULL when the table is full. */
struct image *image_begin(const struct msg_image_tell *m);
/* The pending or serving image with the verifier's number; NULL when there is none. */
struct image *image_told(uint32_t theirs);
/* Takes a reference to the object's memory. 0, or: ERR_DUPLICATE, ERR_RANGE (more files
 * than an image may have), ERR_FULL (no memory left for names). */
int image_add_file(
    struct image *image, const char *path, const struct object *object) MUST_CHECK;
/* The file of exactly that path; NULL when it is not listed. */
const struct object *image_file(const struct image *image, const char *path);
/* The file of that path in whatever case; NULL when none is listed, or several are. */
const struct object *image_file_any_case(const struct image *image, const char *path);
/* The serving image of that name, whether expired or not; NULL when none. */
struct image *image_serving(const char *name);
/* Ends the image, whatever its state. */
void image_end(struct image *image);
/* The n-th slot, in use or not; NULL when n is too large. */
struct image *image_at(unsigned n);
/* Bytes that the tables of names take. */
uint64_t image_bytes(void);

#endif
