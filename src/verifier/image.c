/*
 * The table of verified images. Part of the verifier's main thread.
 */
#include "src/verifier/image.h"

#include <stdlib.h>
#include <string.h>

#include "src/verifier/sealed.h"

static struct image *table[IMAGES_MAX];
static uint32_t last_id;

int
image_add(struct image *image)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		if (table[i] != NULL)
			continue;
		if (++last_id == 0)
			bug("out of numbers for images");
		image->id = last_id;
		table[i] = image;
		return 0;
	}
	return ERR_FULL;
}

struct image *
image_at(unsigned n)
{
	return n < IMAGES_MAX ? table[n] : NULL;
}

struct image *
image_serving(const char *name)
{
	struct image *best = NULL;

	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *image = table[i];

		if (image == NULL || image->retired || strcmp(image->m.name, name) != 0)
			continue;
		if (best == NULL || image->m.version > best->m.version)
			best = image;
	}
	return best;
}

struct image *
image_by_id(uint32_t id)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		if (table[i] != NULL && table[i]->id == id && !table[i]->retired)
			return table[i];
	return NULL;
}

static bool
holds(const struct image *image, unsigned place)
{
	for (unsigned i = 0; i < image->nobjects; i++)
		if (image->objects[i] == place)
			return true;
	return false;
}

struct image *
image_owner(unsigned place)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		if (table[i] != NULL && !table[i]->retired && holds(table[i], place))
			return table[i];
	return NULL;
}

void
image_free(struct image *image)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		if (table[i] == image)
			table[i] = NULL;
	for (unsigned i = 0; i < image->nobjects; i++)
		sealed_unref(image->objects[i]);
	for (unsigned i = 0; i < TEMPLATE_MAX; i++)
		free(image->texts[i]);
	free(image->m.files);
	free(image->places);
	free(image->objects);
	free(image);
}

bool
image_any(void)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		if (table[i] != NULL && !table[i]->retired)
			return true;
	return false;
}
