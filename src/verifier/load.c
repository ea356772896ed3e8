/*
 * The verifier's judgement. Runs in the main thread; the files themselves are copied and
 * hashed by hasher.c. The signature is checked over the raw bytes before anything reads
 * them, and what is not signed by the keyring is never parsed.
 */
#include "src/verifier/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/when.h"
#include "privsep/roles.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/verifier/cache.h"
#include "src/verifier/floorfile.h"
#include "src/verifier/hasher.h"
#include "src/verifier/sealed.h"
#include "src/verifier/store.h"
#include "src/verifier/texts.h"

/* Files from this size on have a memfd of their own; smaller ones share one, up to
 * PACK_MAX bytes. */
#define LARGE (1u << 20)
#define PACK_MAX (4u << 20)
#define TIME_STEP_S 21600u

struct load_rules load_rules;

/* The image that is being verified. */
static struct {
	struct entry *entry; /* NULL: none */
	struct image *image;
	int dir; /* its folder; -1 when not open */
	struct hash_file *files;
	struct hash_job *jobs;
	unsigned *objects; /* the object that each job fills */
	unsigned nfiles, njobs, undone;
	bool too_large; /* for the whole budget: it will never fit */
} now_loading = {.dir = -1};

static char text[MANIFEST_SIZE_MAX];
static size_t text_len;
static char signature[MINISIGN_SIGNATURE_MAX];

uint64_t
load_now(void)
{
	uint64_t now = clock_wall_s();

	return now > load_rules.floor.time ? now : load_rules.floor.time;
}

bool
load_busy(void)
{
	return now_loading.entry != NULL;
}

/* Always false. */
static bool PRINTF_LIKE(2, 3) refuse(const char *file, const char *fmt, ...)
{
	const struct entry *e = now_loading.entry;
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	log_event(LOG_ERROR, "image-refused",
	    "image=%s version=%" PRIu64 " file=%s why=\"%s\"", e->name, e->version, file,
	    why);
	return false;
}

static void
forget(enum entry_state state)
{
	now_loading.entry->state = state;
	now_loading.entry = NULL;
	if (now_loading.image != NULL)
		image_free(now_loading.image);
	now_loading.image = NULL;
	if (now_loading.dir >= 0)
		close(now_loading.dir);
	now_loading.dir = -1;
	free(now_loading.files);
	free(now_loading.jobs);
	free(now_loading.objects);
	now_loading.files = NULL;
	now_loading.jobs = NULL;
	now_loading.objects = NULL;
	now_loading.njobs = now_loading.nfiles = 0;
	now_loading.too_large = false;
}

/* Reads manifest and signature into `text` and `signature` and checks the latter. */
static bool
check_signature(struct entry *e)
{
	struct minisign_signature s;
	struct text_error error;
	char id[MINISIGN_ID_TEXT];
	const char *why;
	int64_t len;

	memset(&e->manifest, 0, sizeof e->manifest);
	memset(&e->signature, 0, sizeof e->signature);
	len =
	    store_read(now_loading.dir, "manifest", text, sizeof text, &e->manifest, &why);
	if (len < 0)
		return refuse("manifest", "%s", why);
	text_len = (size_t)len;
	len = store_read(now_loading.dir, "manifest.minisig", signature, sizeof signature,
	    &e->signature, &why);
	if (len < 0)
		return refuse("manifest.minisig", "%s", why);
	if (minisign_decode(signature, (size_t)len, &s, &error) != 0)
		return refuse("manifest.minisig", "line %u, column %u: %s", error.line,
		    error.column, error.what);
	minisign_id_format(s.id, id);
	switch (keyring_verify(&load_rules.keyring, e->name, &s, text, text_len)) {
	case 0: return true;
	case ERR_ABSENT:
		refuse("manifest.minisig", "key %s is not in the keyring", id);
		return false;
	case ERR_STATE:
		refuse("manifest.minisig", "key %s may not sign this image", id);
		return false;
	default:
		refuse("manifest", "the signature by key %s does not fit", id);
		return false;
	}
}

static bool
parse_manifest(const struct entry *e, struct image *image)
{
	unsigned cap = manifest_count(text, text_len);
	struct manifest_file *files = calloc(cap, sizeof *files);
	struct text_error error;

	if (files == NULL)
		return refuse("manifest", "no memory for %u files", cap);
	image->m.files = files;
	if (manifest_parse(text, text_len, files, cap, &image->m, &error) != 0)
		return refuse("manifest", "line %u, column %u: %s", error.line,
		    error.column, error.what);
	if (strcmp(image->m.name, e->name) != 0)
		return refuse("manifest", "it names image %s", image->m.name);
	if (image->m.version != e->version)
		return refuse("manifest", "it names version %" PRIu64, image->m.version);
	hasher_sum(text, text_len, image->manifest_hash);
	return true;
}

/* ENTRY_LOADING when nothing speaks against it. */
static enum entry_state
check_floor(struct entry *e, const struct image *image)
{
	char when[WHEN_TEXT_LEN + 1];
	uint64_t lowest;

	if (load_now() >= image->m.expires && !load_rules.serve_expired) {
		refuse("manifest", "expired on %s", when_format(image->m.expires, when));
		e->expires = image->m.expires;
		return ENTRY_EXPIRED;
	}
	switch (floor_check(
	    &load_rules.floor, e->name, e->version, image->manifest_hash, &lowest)) {
	case 0: return ENTRY_LOADING;
	case ERR_DENIED:
		refuse("manifest",
		    "rolled back: version %" PRIu64
		    " has been served, lower ones are refused",
		    lowest);
		return ENTRY_REFUSED;
	case ERR_DUPLICATE:
		refuse("manifest", "this version has been served with another manifest; it "
				   "needs a new version");
		return ENTRY_REFUSED;
	default:
		refuse("manifest",
		    "the floor knows %u other images and has no room for more",
		    FLOOR_IMAGES_MAX);
		return ENTRY_REFUSED;
	}
}

/* A new object for the next job; false when there is no room for one. */
static bool
begin_job(struct image *image, uint64_t size, const char *path)
{
	struct hash_job *job = &now_loading.jobs[now_loading.njobs];
	int object;

	if (size > cache_budget()) {
		now_loading.too_large = true;
		return refuse(path,
		    "needs %" PRIu64 " bytes of memory, all images together have %" PRIu64,
		    size, cache_budget());
	}
	object = sealed_new(size);
	if (object < 0)
		return refuse("-", "more than %u large files and packs", SEALED_MAX);
	image->objects[image->nobjects++] = (uint16_t)object;
	now_loading.objects[now_loading.njobs++] = (unsigned)object;
	job->dir = now_loading.dir;
	job->size = size;
	job->files = &now_loading.files[now_loading.nfiles];
	job->fd = -1;
	/* What finds no room now is checked all the same, and loaded when it is asked for.
	 */
	job->keep = cache_fits(size);
	if (job->keep)
		sealed_begin((unsigned)object, clock_mono_ms());
	return true;
}

/* Puts file number i at `offset` of the last job's object. */
static void
place_file(struct image *image, unsigned i, uint64_t offset)
{
	struct hash_job *job = &now_loading.jobs[now_loading.njobs - 1];

	image->places[i].object = image->objects[image->nobjects - 1];
	image->places[i].offset = offset;
	now_loading.files[now_loading.nfiles].file = &image->m.files[i];
	now_loading.files[now_loading.nfiles++].offset = offset;
	job->nfiles++;
}

static bool
plan_large(struct image *image, unsigned i)
{
	const struct manifest_file *f = &image->m.files[i];
	int shared = sealed_share(f->hash, f->size);

	if (shared >= 0) {
		image->objects[image->nobjects++] = (uint16_t)shared;
		image->places[i].object = (uint16_t)shared;
		return true;
	}
	if (!begin_job(image, f->size, f->path))
		return false;
	place_file(image, i, 0);
	return true;
}

/* How many bytes of small files from number i on fit one pack. */
static uint64_t
pack_size(const struct manifest *m, unsigned i)
{
	uint64_t size = 0;

	for (; i < m->nfiles; i++) {
		if (m->files[i].size >= LARGE)
			continue;
		if (size + m->files[i].size > PACK_MAX)
			break;
		size += m->files[i].size;
	}
	return size;
}

static bool
plan_small(struct image *image)
{
	uint64_t offset = 0, size = 0;
	bool open = false;

	for (unsigned i = 0; i < image->m.nfiles; i++) {
		uint64_t n = image->m.files[i].size;

		if (n >= LARGE)
			continue;
		if (!open || offset + n > size) {
			size = pack_size(&image->m, i);
			offset = 0;
			open = true;
			if (!begin_job(image, size, image->m.files[i].path))
				return false;
		}
		place_file(image, i, offset);
		offset += n;
	}
	return true;
}

static bool
plan_jobs(struct image *image)
{
	unsigned n = image->m.nfiles;

	image->places = calloc(n, sizeof *image->places);
	image->objects = calloc(n, sizeof *image->objects);
	now_loading.files = calloc(n, sizeof *now_loading.files);
	now_loading.jobs = calloc(n, sizeof *now_loading.jobs);
	now_loading.objects = calloc(n, sizeof *now_loading.objects);
	if (image->places == NULL || image->objects == NULL || now_loading.files == NULL ||
	    now_loading.jobs == NULL || now_loading.objects == NULL)
		return refuse("-", "no memory for %u files", n);
	for (unsigned i = 0; i < n; i++)
		if (image->m.files[i].size >= LARGE && !plan_large(image, i))
			return false;
	return plan_small(image);
}

/* Nothing is loaded after all. */
static void
unplan(void)
{
	for (unsigned i = 0; i < now_loading.njobs; i++)
		if (now_loading.jobs[i].keep)
			sealed_fail(now_loading.objects[i]);
}

static enum entry_state
prepare(struct entry *e)
{
	char folder[CATALOG_FOLDER_MAX];
	const char *why, *error, *file = "-";
	struct image *image = calloc(1, sizeof *image);
	enum entry_state state;

	if (image == NULL) {
		refuse("-", "no memory");
		return ENTRY_NO_ROOM;
	}
	now_loading.image = image;
	now_loading.dir = store_open_dir(FD_STORE, catalog_folder(e, folder), &why);
	if (now_loading.dir < 0) {
		refuse("-", "%s", why);
		return ENTRY_REFUSED;
	}
	if (!check_signature(e) || !parse_manifest(e, image))
		return ENTRY_REFUSED;
	state = check_floor(e, image);
	if (state != ENTRY_LOADING)
		return state;
	error = texts_read(image, now_loading.dir, &file);
	if (error != NULL) {
		refuse(file, "%s", error);
		return ENTRY_REFUSED;
	}
	if (!plan_jobs(image)) {
		unplan();
		return now_loading.too_large ? ENTRY_REFUSED : ENTRY_NO_ROOM;
	}
	return ENTRY_LOADING;
}

void
load_begin(struct entry *e)
{
	enum entry_state state;

	now_loading.entry = e;
	e->state = ENTRY_LOADING;
	state = prepare(e);
	if (state != ENTRY_LOADING) {
		forget(state);
		return;
	}
	log_event(LOG_INFO, "image-loading", "image=%s version=%" PRIu64 " files=%u",
	    e->name, e->version, now_loading.image->m.nfiles);
	now_loading.undone = now_loading.njobs;
	for (unsigned i = 0; i < now_loading.njobs; i++)
		hasher_submit(&now_loading.jobs[i]);
}

void
load_ran(const struct hash_job *job)
{
	(void)job;
	now_loading.undone--;
}

bool
load_ready(void)
{
	return now_loading.entry != NULL && now_loading.undone == 0;
}

/* Takes the sealed memory over from the jobs; false when one has failed. */
static bool
collect_jobs(void)
{
	bool good = true;

	for (unsigned i = 0; i < now_loading.njobs; i++) {
		struct hash_job *job = &now_loading.jobs[i];
		struct sealed *s = sealed_at(now_loading.objects[i]);

		if (!job->good) {
			refuse(job->culprit == NULL ? "-" : job->culprit->path, "%s",
			    job->why);
			good = false;
			if (job->keep)
				sealed_fail(now_loading.objects[i]);
			continue;
		}
		if (job->keep)
			sealed_ready(now_loading.objects[i], job->fd, clock_mono_ms());
		s->whole = job->nfiles == 1 && job->files[0].file->size >= LARGE;
		memcpy(s->hash, job->files[0].file->hash, sizeof s->hash);
	}
	return good;
}

static bool
raise_floor(const struct image *image)
{
	struct floor next = load_rules.floor;
	int err = floor_raise(&next, image->m.name, image->m.version, image->manifest_hash);

	if (err < 0)
		return refuse("manifest", "the floor has changed meanwhile");
	next.time = load_now();
	if (floorfile_save(&next) != 0)
		return refuse("-", "the floor could not be written");
	load_rules.floor = next;
	return true;
}

void
load_keep_time(void)
{
	struct floor next = load_rules.floor;

	if (!load_rules.has_floor || !image_any() ||
	    clock_wall_s() < load_rules.floor.time + TIME_STEP_S)
		return;
	next.time = clock_wall_s();
	if (floorfile_save(&next) == 0)
		load_rules.floor = next;
	else
		log_limited(LOG_ERROR, "floor-failed", "why=\"could not be written\"");
}

struct image *
load_finish(void)
{
	struct image *image = now_loading.image;
	struct entry *e = now_loading.entry;

	if (!collect_jobs()) {
		forget(ENTRY_REFUSED);
		return NULL;
	}
	if (image_add(image) != 0) {
		refuse("-", "more than %u images", IMAGES_MAX);
		forget(ENTRY_NO_ROOM);
		return NULL;
	}
	if (!raise_floor(image)) {
		forget(ENTRY_REFUSED);
		return NULL;
	}
	now_loading.image = NULL;
	log_event(LOG_NOTICE, "image-served",
	    "image=%s version=%" PRIu64 " files=%u memory=%" PRIu64, e->name, e->version,
	    image->m.nfiles, cache_budget() - cache_room());
	forget(ENTRY_SERVED);
	return image;
}
