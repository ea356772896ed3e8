/*
 * Broker: images and the names in them. Filled from what the verifier says; asked with
 * names that come from the network, by way of the ears. Nothing here touches a file
 * system: a name is found in a table, or it does not exist.
 */
#include "src/broker/image_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/hash.h"
#include "src/broker/broker.h"

#define SLOTS_MIN 64u

struct image_file {
	uint64_t hash; /* of the path in lower case: those that differ in case alone meet */
	struct object object;
	char path[];
};

static struct image images[IMAGE_MAX];
static uint64_t last_id;
static uint64_t bytes;
static struct hash_key key;
static bool complete;

void
image_init(void)
{
	hash_key_random(&key);
	complete = false;
	for (unsigned i = 0; i < IMAGE_MAX; i++)
		if (images[i].state != IMAGE_UNUSED)
			image_end(&images[i]);
}

struct image *
image_begin(const struct msg_image_tell *m)
{
	struct image *image = NULL;

	for (unsigned i = 0; i < IMAGE_MAX && image == NULL; i++)
		if (images[i].state == IMAGE_UNUSED)
			image = &images[i];
	if (image == NULL)
		return NULL;
	memset(image, 0, sizeof *image);
	image->id = ++last_id;
	image->state = IMAGE_PENDING;
	image->theirs = m->image;
	memcpy(image->name, m->name, sizeof image->name);
	image->version = m->version;
	image->created = m->created;
	image->expires = m->expires;
	return image;
}

struct image *
image_told(uint32_t theirs)
{
	for (unsigned i = 0; i < IMAGE_MAX; i++)
		if (images[i].state != IMAGE_UNUSED && !images[i].stale &&
		    images[i].theirs == theirs)
			return &images[i];
	return NULL;
}

static uint64_t
hash_of(const char *path)
{
	char low[256];
	size_t len = 0;

	for (; len < sizeof low && path[len] != '\0'; len++) {
		char c = path[len];

		low[len] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	return hash_bytes(&key, low, len);
}

/* The slot that holds the path, or the empty one where it would go. */
static struct image_file **
slot_of(const struct image *image, const char *path, uint64_t hash)
{
	uint32_t mask = image->slots - 1;
	uint32_t i = (uint32_t)hash & mask;

	while (image->files[i] != NULL &&
	       (image->files[i]->hash != hash || strcmp(image->files[i]->path, path) != 0))
		i = (i + 1) & mask;
	return &image->files[i];
}

/* Doubles the table when half of it is in use. */
static int
make_room(struct image *image)
{
	struct image_file **old = image->files;
	uint32_t n = image->slots;
	uint32_t slots = n == 0 ? SLOTS_MIN : n * 2;

	if (n > 0 && image->nfiles < n / 2)
		return 0;
	if (bytes + slots * sizeof *old > IMAGE_BYTES_MAX)
		return ERR_FULL;
	image->files = calloc(slots, sizeof *old);
	if (image->files == NULL) {
		image->files = old;
		return ERR_FULL;
	}
	image->slots = slots;
	for (uint32_t i = 0; i < n; i++)
		if (old[i] != NULL)
			*slot_of(image, old[i]->path, old[i]->hash) = old[i];
	free(old);
	bytes += (slots - n) * sizeof *old;
	return 0;
}

int
image_add_file(struct image *image, const char *path, const struct object *object)
{
	size_t len = strlen(path);
	size_t size = sizeof(struct image_file) + len + 1;
	uint64_t hash = hash_of(path);
	struct image_file **slot, *file;

	if (image->nfiles == IMAGE_FILES_MAX)
		return ERR_RANGE;
	if (make_room(image) != 0)
		return ERR_FULL;
	slot = slot_of(image, path, hash);
	if (*slot != NULL)
		return ERR_DUPLICATE;
	file = bytes + size > IMAGE_BYTES_MAX ? NULL : malloc(size);
	if (file == NULL)
		return ERR_FULL;
	file->hash = hash;
	file->object = *object;
	memcpy(file->path, path, len + 1);
	memfd_ref(object->mem);
	*slot = file;
	image->nfiles++;
	bytes += size;
	return 0;
}

const struct object *
image_file(const struct image *image, const char *path)
{
	const struct image_file *file;

	if (image->nfiles == 0)
		return NULL;
	file = *slot_of(image, path, hash_of(path));
	return file == NULL ? NULL : &file->object;
}

const struct object *
image_file_any_case(const struct image *image, const char *path)
{
	uint32_t mask = image->slots - 1;
	uint64_t hash = hash_of(path);
	const struct object *found = NULL;

	if (image->nfiles == 0)
		return NULL;
	for (uint32_t i = (uint32_t)hash & mask; image->files[i] != NULL;
	     i = (i + 1) & mask) {
		const struct image_file *file = image->files[i];

		if (file->hash != hash || strcasecmp(file->path, path) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &file->object;
	}
	return found;
}

void
image_end(struct image *image)
{
	for (uint32_t i = 0; i < image->slots; i++) {
		struct image_file *file = image->files[i];

		if (file == NULL)
			continue;
		bytes -= sizeof *file + strlen(file->path) + 1;
		memfd_unref(file->object.mem);
		free(file);
	}
	bytes -= image->slots * sizeof *image->files;
	free(image->files);
	memset(image, 0, sizeof *image);
}

struct image *
image_serving(const char *name)
{
	for (unsigned i = 0; i < IMAGE_MAX; i++)
		if (images[i].state == IMAGE_ACTIVE && strcmp(images[i].name, name) == 0)
			return &images[i];
	return NULL;
}

const struct image *
image_find(const char *name, uint64_t wall_s)
{
	const struct image *image = image_serving(name);

	if (image != NULL && wall_s >= image->expires && !broker.conf->expired_serve)
		return NULL;
	return image;
}

const struct image_boot *
image_boot(const struct image *image, enum arch arch)
{
	if ((unsigned)arch >= ARCH_MAX || (image->has_boot & 1u << arch) == 0)
		return NULL;
	return &image->boots[arch];
}

const char *
image_name(const struct image *image)
{
	return image->name;
}

bool
image_complete(void)
{
	return complete;
}

void
image_set_complete(bool is)
{
	complete = is;
}

struct image *
image_at(unsigned n)
{
	return n < IMAGE_MAX ? &images[n] : NULL;
}

uint64_t
image_bytes(void)
{
	return bytes;
}
