/*
 * The floor: for each image the highest version that was ever served, with the hash of
 * its manifest, and the latest time that was ever seen. Nothing below it is served again,
 * so that an old signed image cannot be brought back.
 *
 * On disk: two slots of FLOOR_SLOT bytes, written in turn, each with a sequence number
 * and a checksum; the valid one with the higher number counts, so a write that is cut
 * off loses nothing. Pure but for libsodium's BLAKE2b; who reads and writes the file is
 * src/verifier/floorfile.h.
 */
#ifndef SALLYPORT_POLICY_FLOOR_H
#define SALLYPORT_POLICY_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#include "policy/paths.h"
#include "src/base/err.h"

#define FLOOR_IMAGES_MAX 256u
#define FLOOR_SLOT 32768u
#define FLOOR_SIZE ((size_t)2 * FLOOR_SLOT)

struct floor_image {
	char name[PATHS_NAME_MAX + 1];
	uint64_t version;
	uint8_t manifest[32]; /* SHA-256 of the manifest */
};

struct floor {
	uint64_t sequence; /* of the slot it was read from; 0: none yet */
	uint64_t time;     /* seconds since 1970 */
	unsigned n;
	struct floor_image images[FLOOR_IMAGES_MAX];
};

/* Writes f as one slot. The place of slot number f->sequence in the file is
 * floor_offset(f). */
void floor_encode(const struct floor *f, uint8_t slot[FLOOR_SLOT]);
size_t floor_offset(const struct floor *f);
/* Reads one slot. 0 or ERR_FORMAT. */
int floor_decode(const uint8_t slot[FLOOR_SLOT], struct floor *f) MUST_CHECK;
/* Reads a file's bytes: 0, or ERR_ABSENT when neither slot is valid (also when len is
 * not FLOOR_SIZE). */
int floor_load(const uint8_t *bytes, size_t len, struct floor *f) MUST_CHECK;

/* May this version be served? 0, ERR_DENIED (lower than *lowest), ERR_DUPLICATE (that
 * version was served with another manifest), ERR_FULL (no room for one more name). */
int floor_check(const struct floor *f, const char *name, uint64_t version,
    const uint8_t manifest[32], uint64_t *lowest) MUST_CHECK;
/* Records it. 1 when f changed and must be written, 0 when it holds that already, or an
 * error of floor_check(). */
int floor_raise(struct floor *f, const char *name, uint64_t version,
    const uint8_t manifest[32]) MUST_CHECK;

#endif
