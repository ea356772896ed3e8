/*
 * Broker: the verifier's side of the table of images. It may vouch for anything, but it
 * cannot make the broker grow, read beyond sealed memory, or mix two images up: each
 * message is checked against what came before it.
 */
#include "src/broker/intake.h"

#include <string.h>

#include "policy/paths.h"
#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/fetch.h"
#include "src/broker/image_table.h"
#include "src/broker/render.h"

static uint32_t highest;  /* image number of this verifier */
static uint64_t heard_ms; /* its last word on images; 0: none since the last one went */
static bool any_stale;

void
intake_init(void)
{
	highest = 0;
	heard_ms = 0;
	any_stale = false;
}

static void
retire(struct image *image)
{
	render_forget(image->id);
	image_end(image);
}

static void
hear(void)
{
	heard_ms = broker.now_ms == 0 ? 1 : broker.now_ms;
}

void
on_memfd_tell(struct chan *from, const struct msg *m, int *fd)
{
	int err = memfd_hold(m->u.memfd_tell.memfd, m->u.memfd_tell.size, *fd);

	*fd = -1;
	if (err != 0)
		chan_peer_fault(from,
		    err == ERR_DENIED ? "memory that is not sealed, or of another size"
		    : err == ERR_FULL ? "too many pieces of memory"
				      : "a number for memory that is in use");
}

void
on_drop_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)fd;
	if (memfd_drop(m->u.drop_tell.memfd, true) != 0)
		chan_peer_fault(from, "drops memory that it has not named");
}

void
on_object_tell(struct chan *from, const struct msg *m, int *fd)
{
	int err = memfd_expect(m->u.object_tell.memfd, m->u.object_tell.size);

	(void)fd;
	if (err != 0)
		chan_peer_fault(from, err == ERR_FULL
					  ? "too many pieces of memory"
					  : "a number for memory that is in use");
}

void
on_evict_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)fd;
	if (memfd_evict(m->u.evict_tell.memfd) != 0)
		chan_peer_fault(from, "wants memory back that it has not given");
}

void
on_closed_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)fd;
	if (memfd_closed(m->u.closed_tell.memfd, from->index) != 0)
		chan_peer_fault(from, "closes memory that it was not told to drop");
}

void
on_image_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_image_tell *t = &m->u.image_tell;
	size_t at;

	(void)fd;
	hear();
	if (paths_check_name(t->name, strlen(t->name), &at) != NULL)
		chan_peer_fault(from, "an image with a name that is none");
	else if (image_told(t->image) != NULL)
		chan_peer_fault(from, "a number for an image that is in use");
	else if (image_begin(t) == NULL)
		chan_peer_fault(from, "too many images");
	else if (t->image > highest)
		highest = t->image;
}

/* The image that the message adds to; NULL, and a fault, when it is not being told. */
static struct image *
pending(struct chan *from, uint32_t theirs)
{
	struct image *image = image_told(theirs);

	hear();
	if (image != NULL && image->state == IMAGE_PENDING)
		return image;
	chan_peer_fault(from, "adds to an image that it has not begun");
	return NULL;
}

/* NULL when the piece of memory exists and is whole, else what is wrong. */
static const char *
check_file(const struct msg_file_tell *t, struct object *object)
{
	struct memfd *mem = memfd_held(t->memfd);
	size_t at;

	if (paths_check_path(t->path, strlen(t->path), &at) != NULL)
		return "a file with a path that is none";
	if (mem == NULL)
		return "a file in memory that it has not named";
	if (t->offset > mem->size || t->length > mem->size - t->offset)
		return "a file that is beyond its memory";
	object->mem = mem;
	object->offset = t->offset;
	object->length = t->length;
	memcpy(object->hash, t->hash, sizeof object->hash);
	return NULL;
}

void
on_file_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_file_tell *t = &m->u.file_tell;
	struct image *image = pending(from, t->image);
	struct object object;
	const char *why;
	int err;

	(void)fd;
	if (image == NULL)
		return;
	why = check_file(t, &object);
	if (why != NULL) {
		chan_peer_fault(from, why);
		return;
	}
	err = image->refused ? 0 : image_add_file(image, t->path, &object);
	if (err == ERR_FULL)
		image->refused = true;
	else if (err != 0)
		chan_peer_fault(from, err == ERR_DUPLICATE
					  ? "the same path twice in an image"
					  : "too many files in an image");
}

void
on_boot_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_boot_tell *t = &m->u.boot_tell;
	struct image *image = pending(from, t->image);
	struct image_boot *boot;

	(void)fd;
	if (image == NULL)
		return;
	if (t->arch == ARCH_NONE || (image->has_boot & 1u << t->arch) != 0) {
		chan_peer_fault(from, "a boot entry twice, or for no kind of machine");
		return;
	}
	boot = &image->boots[t->arch];
	memcpy(boot->loader, t->loader, sizeof boot->loader);
	boot->templates = t->templates;
	image->has_boot |= (uint16_t)(1u << t->arch);
}

static bool
loaders_exist(const struct image *image)
{
	for (unsigned arch = 0; arch < ARCH_MAX; arch++) {
		const struct image_boot *boot = image_boot(image, (enum arch)arch);

		if (boot != NULL && boot->loader[0] != '\0' &&
		    image_file(image, boot->loader) == NULL)
			return false;
	}
	return true;
}

static void
activate(struct image *image)
{
	struct image *older = image_serving(image->name);

	if (older != NULL)
		retire(older);
	image->state = IMAGE_ACTIVE;
	log_event(LOG_NOTICE, "image-active", "image=%s version=%llu files=%u", image->name,
	    (unsigned long long)image->version, image->nfiles);
}

void
on_active_tell(struct chan *from, const struct msg *m, int *fd)
{
	struct image *image = pending(from, m->u.active_tell.image);

	(void)fd;
	if (image == NULL)
		return;
	if (image->refused) {
		log_event(LOG_ERROR, "image-refused",
		    "image=%s version=%llu why=\"no memory left for its names\" limit=%u",
		    image->name, (unsigned long long)image->version, IMAGE_BYTES_MAX);
		image_end(image);
	} else if (!loaders_exist(image)) {
		chan_peer_fault(from, "a loader that is not a file of the image");
	} else {
		activate(image);
	}
}

/* A number that has been an image of this verifier may be gone here already: its name
 * was taken over by a newer one. */
void
on_retire_tell(struct chan *from, const struct msg *m, int *fd)
{
	struct image *image = image_told(m->u.retire_tell.image);

	(void)fd;
	hear();
	if (image != NULL) {
		log_event(LOG_NOTICE, "image-retired", "image=%s version=%llu", image->name,
		    (unsigned long long)image->version);
		retire(image);
	} else if (m->u.retire_tell.image > highest) {
		chan_peer_fault(from, "retires an image that it has not told");
	}
}

void
on_looked_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)from;
	(void)fd;
	hear();
	image_set_complete(true);
	log_event(LOG_INFO, "images-looked", "images=%u", m->u.looked_tell.images);
}

/* Everything that is bound to the verifier's numbers ends; what serves goes on. */
static void
forget_numbers(void)
{
	struct image *image;

	for (unsigned i = 0; (image = image_at(i)) != NULL; i++) {
		if (image->state == IMAGE_PENDING)
			retire(image);
		if (image->state == IMAGE_ACTIVE)
			image->stale = any_stale = true;
	}
	render_unask();
	fetch_unask();
	memfd_drop_all();
	highest = 0;
}

void
on_verifier_reset_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)from;
	(void)m;
	(void)fd;
	forget_numbers();
	hear();
}

void
intake_gone(void)
{
	image_set_complete(false);
	forget_numbers();
	heard_ms = 0;
}

void
intake_tick(uint64_t now_ms)
{
	struct image *image;

	if (!any_stale || heard_ms == 0 || now_ms - heard_ms < INTAKE_QUIET_MS)
		return;
	any_stale = false;
	for (unsigned i = 0; (image = image_at(i)) != NULL; i++) {
		if (image->state != IMAGE_ACTIVE || !image->stale)
			continue;
		log_event(LOG_WARNING, "image-retired",
		    "image=%s version=%llu why=\"not vouched for by the new verifier\"",
		    image->name, (unsigned long long)image->version);
		retire(image);
	}
}
