/*
 * Memory for objects, by use. Part of the verifier's main thread. What the broker asks for
 * and says of use only chooses among verified objects: one that lies makes us load and
 * evict in vain.
 */
#include "src/verifier/cache.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "src/verifier/catalog.h"
#include "src/verifier/hasher.h"
#include "src/verifier/sealed.h"
#include "src/verifier/store.h"

/* One that needs no more than this part of the budget may pass those that wait for room. */
#define SMALL_PART 16u
#define WARM_LOADS 4u

/* An object on its way into memory. */
struct refill {
	struct hash_job job;
	struct image *image; /* whose files it is loaded from */
	uint16_t place;
	struct hash_file files[];
};

static uint64_t budget;
static struct cache_counts counts;
static unsigned loads;
static bool warming;                /* there may be more that fits and was never loaded */
static uint16_t wanted[SEALED_MAX]; /* in the order in which they were asked for */
static unsigned nwanted;

void
cache_init(uint64_t bytes)
{
	budget = bytes;
	counts = (struct cache_counts){0};
	loads = nwanted = 0;
}

uint64_t
cache_budget(void)
{
	return budget;
}

const struct cache_counts *
cache_counts(void)
{
	return &counts;
}

/* No sum here can run over: what is loaded was smaller than the room that was left, and
 * the budget is at most 1024 GiB. */
uint64_t
cache_room(void)
{
	uint64_t old = sealed_overdue();
	uint64_t used = sealed_bytes(SEALED_LOADING) + sealed_bytes(SEALED_READY) +
			sealed_bytes(SEALED_LEAVING) - old;

	if (old > budget)
		used += old - budget;
	return used < budget ? budget - used : 0;
}

static unsigned
open_count(void)
{
	return sealed_count(SEALED_LOADING) + sealed_count(SEALED_READY) +
	       sealed_count(SEALED_LEAVING);
}

bool
cache_fits(uint64_t size)
{
	return size <= cache_room() && open_count() < SEALED_OPEN_MAX;
}

static void
answer(unsigned place, enum sealed_answer how)
{
	struct sealed *s = sealed_at(place);

	if (!s->wanted)
		return;
	s->wanted = false;
	s->answer = how;
	sealed_list(place);
}

void
cache_want(uint32_t id, uint64_t now_ms)
{
	int place = sealed_find(id);
	struct sealed *s = place < 0 ? NULL : sealed_at((unsigned)place);

	(void)now_ms;
	if (s == NULL || s->refs == 0 || s->wanted || !s->told)
		return;
	s->wanted = true;
	if (s->state == SEALED_READY)
		answer((unsigned)place, ANSWER_YES);
	else if (nwanted == SEALED_MAX)
		answer((unsigned)place, ANSWER_NO);
	else
		wanted[nwanted++] = (uint16_t)place;
}

void
cache_freed(uint32_t id)
{
	int place = sealed_find(id);
	struct sealed *s = place < 0 ? NULL : sealed_at((unsigned)place);

	if (s != NULL && s->state == SEALED_LEAVING && s->asked)
		sealed_freed((unsigned)place);
}

void
cache_used(uint32_t id)
{
	int place = sealed_find(id);

	if (place >= 0 && sealed_at((unsigned)place)->state == SEALED_READY)
		sealed_used((unsigned)place);
}

/* ------------------------------------------------------------------- loading */

static void
free_refill(struct refill *r)
{
	if (r->job.dir >= 0)
		close(r->job.dir);
	free(r);
}

/* The files of this object in the image. NULL: no memory for the list. */
static struct refill *
plan(struct image *image, unsigned place)
{
	unsigned n = 0;
	struct refill *r;

	for (unsigned i = 0; i < image->m.nfiles; i++)
		n += image->places[i].object == place;
	r = calloc(1, sizeof *r + n * sizeof r->files[0]);
	if (r == NULL)
		return NULL;
	for (unsigned i = 0; i < image->m.nfiles; i++) {
		if (image->places[i].object != place)
			continue;
		r->files[r->job.nfiles].file = &image->m.files[i];
		r->files[r->job.nfiles++].offset = image->places[i].offset;
	}
	r->image = image;
	r->place = (uint16_t)place;
	r->job.files = r->files;
	r->job.owner = r;
	r->job.keep = true;
	r->job.size = sealed_at(place)->size;
	return r;
}

/* A folder that cannot be opened is found out by the thread, as a missing file. */
static int
open_folder(const struct image *image)
{
	char folder[CATALOG_FOLDER_MAX];
	const char *why;

	return store_open_dir(
	    FD_STORE, catalog_folder_of(image->m.name, image->m.version, folder), &why);
}

/* False when there is no memory, or nobody whose file it is. */
static bool
load(unsigned place, bool urgent, uint64_t now_ms)
{
	struct image *image = image_owner(place);
	struct refill *r = image == NULL ? NULL : plan(image, place);

	if (r == NULL)
		return false;
	r->job.urgent = urgent;
	r->job.dir = open_folder(image);
	sealed_begin(place, now_ms);
	image->busy++;
	loads++;
	counts.fetches += urgent;
	hasher_submit(&r->job);
	return true;
}

struct image *
cache_ran(struct hash_job *job, uint64_t now_ms)
{
	struct refill *r = job->owner;
	struct image *image = r->image;
	struct sealed *s = sealed_at(r->place);

	loads--;
	image->busy--;
	if (job->good) {
		sealed_ready(r->place, job->fd, now_ms);
		answer(r->place, ANSWER_YES);
		if (s->told)
			sealed_list(r->place);
		return NULL;
	}
	sealed_fail(r->place);
	s->had = true; /* it is not tried again unless it is asked for */
	counts.failures++;
	if (job->ours) {
		answer(r->place, ANSWER_NO);
		return NULL;
	}
	/* Another image may have the same file, in order; then it is loaded from that. */
	return image;
}

void
cache_end(struct hash_job *job)
{
	free_refill(job->owner);
}

/* ------------------------------------------------------------------ evicting */

static void
evict(unsigned place, uint64_t now_ms)
{
	struct sealed *s = sealed_at(place);

	counts.evictions++;
	sealed_leave(place, now_ms);
	/* The broker has never had it: nobody is to be asked. */
	if (!s->given)
		sealed_freed(place);
	else
		sealed_list(place);
}

/* Makes so many bytes, and a descriptor, free or leaving. */
static void
make_room(uint64_t size, uint64_t now_ms)
{
	uint16_t place = sealed_oldest();

	while (place != SEALED_NONE) {
		struct sealed *s = sealed_at(place);
		uint16_t next = s->newer;
		uint64_t coming = sealed_bytes(SEALED_LEAVING) - sealed_overdue();

		if (cache_room() + coming >= size &&
		    open_count() - sealed_count(SEALED_LEAVING) < SEALED_OPEN_MAX)
			return;
		if (now_ms - s->since_ms >= CACHE_STAY_MS && s->answer == ANSWER_NONE)
			evict(place, now_ms);
		place = next;
	}
}

/* ---------------------------------------------------------------------- turns */

/* 1: it is no longer waited for here; 0: it waits on. */
static bool
turn_one(unsigned place, bool *blocked, uint64_t now_ms)
{
	struct sealed *s = sealed_at(place);

	if (s == NULL || !s->wanted)
		return true;
	if (s->state == SEALED_READY)
		answer(place, ANSWER_YES);
	if (s->state != SEALED_COLD)
		return s->state == SEALED_READY;
	if (loads >= CACHE_LOADS_MAX)
		return false;
	if (cache_fits(s->size) && (!*blocked || s->size <= budget / SMALL_PART)) {
		if (!load(place, true, now_ms))
			answer(place, ANSWER_NO);
		return !s->wanted;
	}
	if (!*blocked)
		make_room(s->size, now_ms);
	*blocked = true;
	return false;
}

/* Those that found no room when their image came, while nobody waits for anything else. */
static void
warm(uint64_t now_ms)
{
	warming = false;
	for (unsigned i = 0; i < SEALED_MAX && loads < WARM_LOADS; i++) {
		const struct sealed *s = sealed_at(i);

		if (s == NULL || s->state != SEALED_COLD || !s->told || s->refs == 0 ||
		    s->had || !cache_fits(s->size))
			continue;
		warming = true;
		if (!load(i, false, now_ms))
			return;
	}
}

void
cache_turn(uint64_t now_ms)
{
	unsigned kept = 0;
	bool blocked = false;

	for (unsigned i = 0; i < nwanted; i++)
		if (!turn_one(wanted[i], &blocked, now_ms))
			wanted[kept++] = wanted[i];
	nwanted = kept;
	if (warming && nwanted == 0 && loads == 0)
		warm(now_ms);
}

void
cache_tick(uint64_t now_ms)
{
	if (now_ms >= CACHE_OVERDUE_MS)
		sealed_mark_overdue(now_ms - CACHE_OVERDUE_MS);
	warming = true;
}
