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
#include "src/base/clock.h"
#include "src/verifier/cache.h"
#include "src/verifier/sealed.h"

#define DEPTH 256 /* messages */

static struct chan chan;
static uint32_t own_generation;
static bool reset_told, freed, more;
static bool looked, looked_told;
static bool memory_due, memory_told;
static struct msg_memory_tell told_memory;

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
tell_number(enum msg_nr nr, uint32_t memfd, uint64_t size)
{
	struct msg m = {.nr = nr};

	switch (nr) {
	case MSG_OBJECT_TELL:
		m.u.object_tell.memfd = memfd;
		m.u.object_tell.size = size;
		break;
	case MSG_EVICT_TELL: m.u.evict_tell.memfd = memfd; break;
	default: m.u.drop_tell.memfd = memfd; break;
	}
	return chan_send(&chan, &m) == 0;
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
		if (s->state == SEALED_READY) {
			if (!tell_memfd(s->id, s->size, s->fd))
				return false;
			s->given = true;
		} else if (!tell_number(MSG_OBJECT_TELL, s->id, s->size)) {
			return false;
		}
		s->told = true;
		/* What it had to say meanwhile. */
		sealed_list(image->objects[image->told_next]);
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
	if (image->told >= TOLD_IMAGE && !image->retire_told && chan_send(&chan, &m) != 0)
		return false;
	image->retire_told = true;
	if (image->busy > 0)
		return true;
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
tell_fetched(struct sealed *s)
{
	struct msg m = {.nr = MSG_FETCH_ANS};

	m.u.fetch_ans.memfd = s->id;
	m.u.fetch_ans.ok = s->answer == ANSWER_YES;
	if (chan_send(&chan, &m) != 0)
		return false;
	s->answer = ANSWER_NONE;
	return true;
}

/* All that there is to say about one object. False when the channel is full. */
static bool
tell_object(unsigned place)
{
	struct sealed *s = sealed_at(place);

	if (s == NULL || !s->told)
		return true;
	if (s->state == SEALED_READY && !s->given && s->refs > 0) {
		if (!tell_memfd(s->id, s->size, s->fd))
			return false;
		s->given = true;
	}
	if (s->answer != ANSWER_NONE && !tell_fetched(s))
		return false;
	if (s->refs == 0) {
		if (!tell_number(MSG_DROP_TELL, s->id, 0))
			return false;
		sealed_dropped(place, clock_mono_ms());
		freed = true;
	} else if (s->state == SEALED_LEAVING && !s->asked) {
		s->asked = tell_number(MSG_EVICT_TELL, s->id, 0);
		return s->asked;
	}
	return true;
}

static bool
tell_objects_listed(void)
{
	uint16_t place;

	while ((place = sealed_listed()) != SEALED_NONE) {
		if (!tell_object(place))
			return false;
		sealed_unlist();
	}
	return true;
}

static bool
tell_memory_done(void)
{
	const struct cache_counts *c = cache_counts();
	struct msg m = {.nr = MSG_MEMORY_TELL};
	struct msg_memory_tell *t = &m.u.memory_tell;

	t->budget = cache_budget();
	t->bytes = sealed_bytes(SEALED_LOADING) + sealed_bytes(SEALED_READY);
	t->leaving = sealed_bytes(SEALED_LEAVING);
	t->resident = sealed_count(SEALED_LOADING) + sealed_count(SEALED_READY);
	t->objects = t->resident + sealed_count(SEALED_COLD) + sealed_count(SEALED_LEAVING);
	t->fetches = c->fetches;
	t->failures = c->failures;
	t->evictions = c->evictions;
	if (memory_told && memcmp(t, &told_memory, sizeof *t) == 0)
		return true;
	if (chan_send(&chan, &m) != 0)
		return false;
	memory_told = true;
	told_memory = *t;
	return true;
}

void
tell_memory(void)
{
	memory_due = true;
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
	more = !tell_reset_done() || !send_answer() || !tell_images() ||
	       !tell_objects_listed() || !tell_looked_done();
	if (!more && memory_due)
		memory_due = !tell_memory_done();
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
	reset_told = looked_told = memory_told = false;
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
