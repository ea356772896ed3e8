/*
 * The verifier: vouches for images. It holds a read-only view of the image store, the
 * keyring and the floor, and hands sealed memory to the broker. It has no network. It
 * trusts the keyring and its own floor; neither the files of the store, nor the broker,
 * who asks it for boot scripts.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/verifier/cache.h"
#include "src/verifier/catalog.h"
#include "src/verifier/floorfile.h"
#include "src/verifier/hasher.h"
#include "src/verifier/image.h"
#include "src/verifier/load.h"
#include "src/verifier/render.h"
#include "src/verifier/store.h"
#include "src/verifier/tell.h"

#define SCAN_MS 2000
#define DAY_S UINT64_C(86400)
#define WARNED_EXPIRED 4 /* after the warnings of 30, 7 and 1 days */

static uint64_t next_scan_ms;
static bool scanned; /* the store has been read once */
static bool unread;  /* messages may wait in the channel's own buffer */
/* Until the broker's RESET_TELL: what comes was asked by an earlier one, or of an earlier
 * verifier, by numbers that mean something else by now. */
static bool stale = true;

static void
load_keyring(void)
{
	static char text[KEYRING_SIZE_MAX + 1];
	struct text_error error = {.line = 0};
	ssize_t n = pread(FD_KEYRING, text, sizeof text, 0);

	if (n < 0)
		start_fail("keyring");
	if (keyring_parse(text, (size_t)n, &load_rules.keyring, &error) != 0) {
		log_event(LOG_ERROR, "keyring-malformed", "line=%u column=%u why=\"%s\"",
		    error.line, error.column, error.what);
		errno = EINVAL;
		start_fail("keyring");
	}
	if (load_rules.keyring.n > 0)
		log_event(LOG_INFO, "keyring", "keys=%u", load_rules.keyring.n);
	else
		log_event(LOG_ERROR, "keyring-empty",
		    "why=\"the keyring holds no key; no image is served\"");
}

/* Without a floor nothing is served: who can delete it could bring back anything. */
static void
look_for_floor(bool first)
{
	if (load_rules.has_floor)
		return;
	load_rules.has_floor = floorfile_load(&load_rules.floor) == 0;
	if (load_rules.has_floor)
		log_event(LOG_INFO, "floor", "images=%u", load_rules.floor.n);
	else if (first)
		log_event(LOG_ERROR, "floor-missing",
		    "why=\"the file of lowest versions is missing, empty or damaged; "
		    "nothing "
		    "is served until sallyport-image trust init\"");
}

static void
retire(struct image *image, const char *why)
{
	log_event(LOG_WARNING, "image-retired", "image=%s version=%" PRIu64 " why=\"%s\"",
	    image->m.name, image->m.version, why);
	tell_retire(image);
}

static void
on_entry_gone(struct entry *e)
{
	struct image *image = image_serving(e->name);

	if (e->state == ENTRY_SERVED && image != NULL && image->m.version == e->version)
		retire(image, "it was removed from the store");
}

/* Each image is warned of once for each of the three; the nearest one only. */
static void
warn_of_expiry(struct image *image, uint64_t now)
{
	static const uint8_t days[] = {30, 7, 1};
	uint8_t reached = 0;

	for (unsigned i = 0; i < sizeof days; i++)
		if (image->m.expires - now <= days[i] * DAY_S)
			reached = (uint8_t)(i + 1);
	if (reached <= image->warned)
		return;
	image->warned = reached;
	log_event(LOG_WARNING, "image-expires",
	    "image=%s version=%" PRIu64 " hours=%" PRIu64, image->m.name, image->m.version,
	    (image->m.expires - now) / 3600);
}

/* The operator wants it served all the same, and is told what he does. */
static void
say_expired(struct image *image)
{
	if (image->warned == WARNED_EXPIRED)
		return;
	image->warned = WARNED_EXPIRED;
	log_event(LOG_WARNING, "image-expired", "image=%s version=%" PRIu64 " served=yes",
	    image->m.name, image->m.version);
}

static void
check_expiry(void)
{
	uint64_t now = load_now();

	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		struct image *image = image_at(i);
		struct entry *e;

		if (image == NULL || image->retired)
			continue;
		if (now < image->m.expires) {
			warn_of_expiry(image, now);
			continue;
		}
		if (load_rules.serve_expired) {
			say_expired(image);
			continue;
		}
		e = catalog_find(image->m.name, image->m.version);
		if (e != NULL) {
			e->state = ENTRY_EXPIRED;
			e->expires = image->m.expires;
		}
		retire(image, "it has expired");
	}
	/* A clock that ran ahead has been set right. */
	for (unsigned i = 0; i < CATALOG_MAX; i++) {
		struct entry *e = catalog_at(i);

		if (e != NULL && e->state == ENTRY_EXPIRED && now < e->expires)
			e->state = ENTRY_NEW;
	}
}

/* The newest new entry of any image that would replace what is served. */
static struct entry *
choose(void)
{
	struct entry *best = NULL;

	for (unsigned i = 0; i < CATALOG_MAX; i++) {
		struct entry *e = catalog_at(i);
		const struct image *image;

		if (e == NULL || e->state != ENTRY_NEW)
			continue;
		image = image_serving(e->name);
		if (image != NULL && image->m.version >= e->version)
			continue;
		if (best == NULL || strcmp(e->name, best->name) < 0 ||
		    (strcmp(e->name, best->name) == 0 && e->version > best->version))
			best = e;
	}
	return best;
}

static void
load_some(void)
{
	struct entry *e;

	for (;;) {
		/* One without any file of its own is done at once. */
		if (load_ready())
			(void)load_finish();
		if (!load_rules.has_floor || load_busy() || (e = choose()) == NULL)
			return;
		load_begin(e);
	}
}

/* Nothing that the store held at first is still on its way. */
static bool
has_looked(void)
{
	return scanned && !load_busy() && (!load_rules.has_floor || choose() == NULL);
}

static void
on_timer(void)
{
	look_for_floor(false);
	if (catalog_scan(on_entry_gone) == 0)
		scanned = true;
	else
		log_limited(
		    LOG_ERROR, "store-failed", "why=\"the image store could not be read\"");
	check_expiry();
	load_keep_time();
	load_some();
	cache_tick(clock_mono_ms());
	tell_memory();
	next_scan_ms = clock_mono_ms() + SCAN_MS;
}

/* Its files were right once and no longer are. What the broker still holds of it is right,
 * and goes with it: an image is whole, or not served. */
static void
take_out(struct image *image, const struct hash_job *job)
{
	struct entry *e = catalog_find(image->m.name, image->m.version);

	if (e != NULL)
		e->state = ENTRY_REFUSED;
	log_event(LOG_ERROR, "image-taken-out",
	    "image=%s version=%" PRIu64 " file=%s why=\"%s\"", image->m.name,
	    image->m.version, job->culprit == NULL ? "-" : job->culprit->path, job->why);
	tell_retire(image);
}

/* An object was asked for again. */
static void
on_loaded(struct hash_job *job)
{
	struct image *image = cache_ran(job, clock_mono_ms());

	if (image != NULL && !image->retired)
		take_out(image, job);
	else if (!job->good)
		log_limited(LOG_ERROR, "object-not-loaded", "file=%s why=\"%s\"",
		    job->culprit == NULL ? "-" : job->culprit->path, job->why);
	cache_end(job);
}

static void
on_hashed(void)
{
	struct hash_job *job;

	hasher_clear();
	while ((job = hasher_take()) != NULL) {
		if (job->owner == NULL)
			load_ran(job);
		else
			on_loaded(job);
	}
	load_some();
}

static void
on_question(const struct msg *m)
{
	switch (m->nr) {
	case MSG_RENDER_ASK: on_render_ask(&m->u.render_ask); return;
	case MSG_FETCH_ASK: cache_want(m->u.fetch_ask.memfd, clock_mono_ms()); return;
	case MSG_FREED_TELL: cache_freed(m->u.freed_tell.memfd); return;
	case MSG_USED_TELL: cache_used(m->u.used_tell.memfd); return;
	default: bug("a message was permitted that nobody handles");
	}
}

/* One question at a time: the next is read when the answer is out. */
static void
read_broker(void)
{
	struct msg m;

	unread = true;
	for (unsigned i = 0; i < CHAN_BATCH && !tell_answer_pending(); i++) {
		if (chan_recv(tell_chan(), &m, NULL) != 1) {
			unread = false;
			return;
		}
		if (m.nr == MSG_RESET_TELL)
			stale = false;
		else if (!stale)
			on_question(&m);
		tell_pump();
	}
}

static void
on_super(void)
{
	enum role role;
	unsigned index;

	if (!super_poll(&role, &index))
		return;
	if (role == ROLE_BROKER) {
		tell_reset();
		stale = true;
	}
	super_cleared(role, index);
}

static void
wait_turn(struct pollfd p[3])
{
	uint64_t now = clock_mono_ms();
	uint64_t left = next_scan_ms > now ? next_scan_ms - now : 0;
	struct timespec t = {(time_t)(left / 1000), (long)(left % 1000) * 1000000};
	bool reads = !tell_answer_pending() && !tell_chan()->breached;
	short events = (short)((reads ? POLLIN : 0) | (tell_blocked() ? POLLOUT : 0));

	p[0] = (struct pollfd){FD_SUPER, POLLIN, 0};
	p[1] = (struct pollfd){events == 0 ? -1 : FD_BROKER, events, 0};
	p[2] = (struct pollfd){FD_WAKE, POLLIN, 0};
	if (unread && reads)
		t = (struct timespec){0, 0};
	if (ppoll(p, 3, &t, NULL) < 0)
		p[0].revents = p[1].revents = p[2].revents = 0;
}

static void
loop(void)
{
	struct pollfd p[3];

	for (;;) {
		if (has_looked())
			tell_looked();
		cache_turn(clock_mono_ms());
		tell_pump();
		if (tell_freed()) {
			catalog_retry(ENTRY_NO_ROOM);
			load_some();
		}
		wait_turn(p);
		if (p[0].revents != 0)
			on_super();
		if (p[2].revents != 0)
			on_hashed();
		if (p[1].revents != 0 || unread)
			read_broker();
		if (clock_mono_ms() >= next_scan_ms)
			on_timer();
	}
}

int
main(int argc, char **argv)
{
	struct start st;
	struct cage_hooks hooks = {.threads = hasher_start};

	start_init(&st, ROLE_VERIFIER, argc, argv);
	cache_init(start_number(&st, "memory", 1, UINT64_C(1) << 60));
	load_rules.serve_expired = start_number(&st, "expired", 0, 1) == 1;
	/* One heap for all threads: others would be made by calls that the cage refuses. */
	if (mallopt(M_ARENA_MAX, 1) != 1 || sodium_init() < 0)
		start_fail("libraries");
	load_keyring();
	hasher_init();
	tell_init(st.generation);
	cage_enter(&st, &hooks);
	start_ready();
	look_for_floor(true);
	loop();
}
