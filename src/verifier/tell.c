/*
 * The verifier's side of its channel to the broker. Only this process vouches for images,
 * so the order matters: memory before the files in it, files before the image is active,
 * the new image before the old one goes.
 */
#include "src/verifier/tell.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "src/verifier/sealed.h"

#define DEPTH 256 /* messages */

static struct chan chan;
static uint32_t own_generation;
static bool reset_told, freed, more;
static bool looked, looked_told;

static struct {
	bool pending;
	int fd; /* -1: none, or already sent */
	uint32_t memfd;
	struct msg msg;
} answer = {.fd = -1};

void
tell_init(uint32_t generation)
{
	own_generation = generation;
	chan_init(&chan, FD_BROKER, ROLE_VERIFIER, ROLE_BROKER, 0, DEPTH);
}

struct chan *
tell_chan(void)
{
	return &chan;
}

static bool
tell_memfd(uint32_t memfd, uint64_t size, int fd)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};

	m.u.memfd_tell.memfd = memfd;
	m.u.memfd_tell.size = size;
	return chan_send_fd(&chan, &m, fd) == 0;
}

/* The steps of telling an image: each returns false when the channel is full. */
static bool
tell_objects(struct image *image)
{
	for (; image->told_next < image->nobjects; image->told_next++) {
		struct sealed *s = sealed_at(image->objects[image->told_next]);

		if (s->told)
			continue;
		if (!tell_memfd(s->id, s->size, s->fd))
			return false;
		s->told = true;
	}
	return true;
}

static bool
tell_image(const struct image *image)
{
	struct msg m = {.nr = MSG_IMAGE_TELL};

	m.u.image_tell.image = image->id;
	snprintf(m.u.image_tell.name, sizeof m.u.image_tell.name, "%s", image->m.name);
	m.u.image_tell.version = image->m.version;
	m.u.image_tell.created = image->m.created;
	m.u.image_tell.expires = image->m.expires;
	return chan_send(&chan, &m) == 0;
}

static bool
tell_files(struct image *image)
{
	struct msg m = {.nr = MSG_FILE_TELL};

	for (; image->told_next < image->m.nfiles; image->told_next++) {
		const struct manifest_file *f = &image->m.files[image->told_next];
		const struct place *place = &image->places[image->told_next];

		m.u.file_tell.image = image->id;
		snprintf(m.u.file_tell.path, sizeof m.u.file_tell.path, "%s", f->path);
		m.u.file_tell.memfd = sealed_at(place->object)->id;
		m.u.file_tell.offset = place->offset;
		m.u.file_tell.length = f->size;
		memcpy(m.u.file_tell.hash, f->hash, sizeof f->hash);
		if (chan_send(&chan, &m) != 0)
			return false;
	}
	return true;
}

static bool
tell_boots(struct image *image)
{
	for (; image->told_next < image->m.nboots; image->told_next++) {
		const struct manifest_boot *b = &image->m.boots[image->told_next];
		struct msg m = {.nr = MSG_BOOT_TELL};

		m.u.boot_tell.image = image->id;
		m.u.boot_tell.arch = (uint8_t)b->arch;
		if (b->loader != MANIFEST_NO_FILE)
			snprintf(m.u.boot_tell.loader, sizeof m.u.boot_tell.loader, "%s",
			    image->m.files[b->loader].path);
		m.u.boot_tell.templates = image->templates[image->told_next];
		if (chan_send(&chan, &m) != 0)
			return false;
	}
	return true;
}

static bool
tell_active(const struct image *image)
{
	struct msg m = {.nr = MSG_ACTIVE_TELL};

	m.u.active_tell.image = image->id;
	return chan_send(&chan, &m) == 0;
}

static bool
tell_step(struct image *image)
{
	switch (image->told) {
	case TOLD_NOTHING: return tell_objects(image);
	case TOLD_OBJECTS: return tell_image(image);
	case TOLD_IMAGE: return tell_files(image);
	case TOLD_FILES: return tell_boots(image);
	default: return tell_active(image);
	}
}

/* The broker takes the new one for the old one from here on. */
static void
retire_older(const struct image *image)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *old = image_at(i);

		if (old != NULL && old != image &&
		    strcmp(old->m.name, image->m.name) == 0 &&
		    old->m.version < image->m.version)
			old->retired = true;
	}
}

static bool
tell_serving(struct image *image)
{
	while (image->told != TOLD_ALL) {
		if (!tell_step(image))
			return false;
		image->told++;
		image->told_next = 0;
		if (image->told == TOLD_ALL)
			retire_older(image);
	}
	return true;
}

void
tell_retire(struct image *image)
{
	image->retired = true;
}

static bool
tell_retired(struct image *image)
{
	struct msg m = {.nr = MSG_RETIRE_TELL};

	m.u.retire_tell.image = image->id;
	if (image->told >= TOLD_IMAGE && chan_send(&chan, &m) != 0)
		return false;
	image_free(image);
	freed = true;
	return true;
}

static bool
tell_images(void)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *image = image_at(i);

		if (image != NULL && !image->retired && !tell_serving(image))
			return false;
	}
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *image = image_at(i);

		if (image != NULL && image->retired && !tell_retired(image))
			return false;
	}
	return true;
}

static bool
tell_drops(void)
{
	struct msg m = {.nr = MSG_DROP_TELL};

	for (unsigned i = 0; i < SEALED_MAX; i++) {
		const struct sealed *s = sealed_at(i);

		if (s == NULL || s->refs > 0)
			continue;
		m.u.drop_tell.memfd = s->id;
		if (chan_send(&chan, &m) != 0)
			return false;
		sealed_dropped(i);
		freed = true;
	}
	return true;
}

void
tell_looked(void)
{
	looked = true;
}

static bool
tell_looked_done(void)
{
	struct msg m = {.nr = MSG_LOOKED_TELL};

	if (!looked || looked_told)
		return true;
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		m.u.looked_tell.images += image_at(i) != NULL;
	looked_told = chan_send(&chan, &m) == 0;
	return looked_told;
}

static bool
tell_reset_done(void)
{
	struct msg m = {.nr = MSG_RESET_TELL};

	m.u.reset_tell.generation = own_generation;
	reset_told = reset_told || chan_send(&chan, &m) == 0;
	return reset_told;
}

static bool
send_answer(void)
{
	if (!answer.pending)
		return true;
	if (answer.fd >= 0) {
		if (!tell_memfd(answer.memfd, answer.msg.u.render_ans.length, answer.fd))
			return false;
		close(answer.fd);
		answer.fd = -1;
	}
	answer.pending = chan_send(&chan, &answer.msg) != 0;
	return !answer.pending;
}

void
tell_answer(uint32_t ask, int fd, uint64_t length, const uint8_t hash[32])
{
	struct msg_render_ans *m = &answer.msg.u.render_ans;

	if (answer.pending)
		bug("an answer before the last one is sent");
	memset(&answer.msg, 0, sizeof answer.msg);
	answer.msg.nr = MSG_RENDER_ANS;
	answer.pending = true;
	answer.fd = fd;
	m->ask = ask;
	if (fd < 0)
		return;
	answer.memfd = sealed_number();
	m->ok = 1;
	m->memfd = answer.memfd;
	m->length = length;
	memcpy(m->hash, hash, sizeof m->hash);
}

bool
tell_answer_pending(void)
{
	return answer.pending;
}

void
tell_pump(void)
{
	more = !tell_reset_done() || !send_answer() || !tell_images() || !tell_drops() ||
	       !tell_looked_done();
	chan_flush(&chan);
}

bool
tell_blocked(void)
{
	return more || chan_blocked(&chan);
}

bool
tell_freed(void)
{
	bool was = freed;

	freed = false;
	return was;
}

void
tell_reset(void)
{
	chan_reset(&chan);
	reset_told = looked_told = false;
	if (answer.fd >= 0)
		close(answer.fd);
	answer.fd = -1;
	answer.pending = false;
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *image = image_at(i);

		if (image == NULL)
			continue;
		image->told = TOLD_NOTHING;
		image->told_next = 0;
		/* Nobody knows of the older ones any more: they need not be told at all. */
		if (image_serving(image->m.name) != image)
			image->retired = true;
	}
	sealed_forget_told();
}
