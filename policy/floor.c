/*
 * The rollback floor's table and its form on disk. Linked by the verifier, which alone
 * writes it, and by the image tool, which makes the first one.
 */
#include "policy/floor.h"

#include <sodium.h>
#include <string.h>

#include "src/base/buf.h"

#define SUM_LEN 32u

static const uint8_t magic[16] = "sallyport-floor1";

static void
checksum(const uint8_t slot[FLOOR_SLOT], uint8_t sum[SUM_LEN])
{
	(void)crypto_generichash(sum, SUM_LEN, slot, FLOOR_SLOT - SUM_LEN, NULL, 0);
}

void
floor_encode(const struct floor *f, uint8_t slot[FLOOR_SLOT])
{
	struct out out;

	out_init(&out, slot, FLOOR_SLOT - SUM_LEN);
	out_copy(&out, magic, sizeof magic);
	out_u64_le(&out, f->sequence);
	out_u64_le(&out, f->time);
	out_u32_le(&out, f->n);
	for (unsigned i = 0; i < f->n; i++) {
		const struct floor_image *image = &f->images[i];

		out_copy(&out, image->name, sizeof image->name);
		out_u64_le(&out, image->version);
		out_copy(&out, image->manifest, sizeof image->manifest);
	}
	out_fill(&out, 0, out_room(&out));
	if (!out_ok(&out))
		bug("a floor larger than its slot");
	checksum(slot, slot + FLOOR_SLOT - SUM_LEN);
}

size_t
floor_offset(const struct floor *f)
{
	return f->sequence % 2 == 0 ? 0 : FLOOR_SLOT;
}

static int
decode_image(struct in *in, struct floor_image *image)
{
	size_t at, len;

	in_copy(in, image->name, sizeof image->name);
	image->version = in_u64_le(in);
	in_copy(in, image->manifest, sizeof image->manifest);
	len = strnlen(image->name, sizeof image->name);
	if (len == sizeof image->name || paths_check_name(image->name, len, &at) != NULL)
		return ERR_FORMAT;
	return in_ok(in) ? 0 : ERR_FORMAT;
}

int
floor_decode(const uint8_t slot[FLOOR_SLOT], struct floor *f)
{
	uint8_t sum[SUM_LEN], head[sizeof magic];
	struct in in;

	memset(f, 0, sizeof *f);
	checksum(slot, sum);
	if (memcmp(sum, slot + FLOOR_SLOT - SUM_LEN, sizeof sum) != 0)
		return ERR_FORMAT;
	in_init(&in, slot, FLOOR_SLOT - SUM_LEN);
	in_copy(&in, head, sizeof head);
	f->sequence = in_u64_le(&in);
	f->time = in_u64_le(&in);
	f->n = in_u32_le(&in);
	if (memcmp(head, magic, sizeof head) != 0 || f->n > FLOOR_IMAGES_MAX)
		return ERR_FORMAT;
	for (unsigned i = 0; i < f->n; i++)
		if (decode_image(&in, &f->images[i]) != 0)
			return ERR_FORMAT;
	return 0;
}

int
floor_load(const uint8_t *bytes, size_t len, struct floor *f)
{
	bool valid[2];
	uint64_t sequence[2];

	memset(f, 0, sizeof *f);
	if (len != FLOOR_SIZE)
		return ERR_ABSENT;
	for (unsigned i = 0; i < 2; i++) {
		valid[i] = floor_decode(bytes + (size_t)i * FLOOR_SLOT, f) == 0;
		sequence[i] = f->sequence;
	}
	if (valid[0] && (!valid[1] || sequence[0] > sequence[1]))
		return floor_decode(bytes, f);
	if (valid[1])
		return floor_decode(bytes + FLOOR_SLOT, f);
	memset(f, 0, sizeof *f);
	return ERR_ABSENT;
}

static int
find(const struct floor *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->images[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
floor_check(const struct floor *f, const char *name, uint64_t version,
    const uint8_t manifest[32], uint64_t *lowest)
{
	int i = find(f, name);
	const struct floor_image *image;

	*lowest = 0;
	if (i < 0)
		return f->n < FLOOR_IMAGES_MAX ? 0 : ERR_FULL;
	image = &f->images[i];
	*lowest = image->version;
	if (version < image->version)
		return ERR_DENIED;
	if (version == image->version &&
	    memcmp(image->manifest, manifest, sizeof image->manifest) != 0)
		return ERR_DUPLICATE;
	return 0;
}

int
floor_raise(struct floor *f, const char *name, uint64_t version, const uint8_t manifest[32])
{
	uint64_t lowest;
	struct floor_image *image;
	int i, err = floor_check(f, name, version, manifest, &lowest);

	if (err != 0)
		return err;
	i = find(f, name);
	if (i >= 0 && f->images[i].version == version)
		return 0;
	image = &f->images[i >= 0 ? (unsigned)i : f->n++];
	memset(image, 0, sizeof *image);
	memcpy(image->name, name, strlen(name));
	image->version = version;
	memcpy(image->manifest, manifest, sizeof image->manifest);
	return 1;
}
