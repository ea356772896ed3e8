/*
 * Watching the image store, a folder that the operator fills while we run. Nothing in it
 * is trusted, also not to be finished: only names are read here.
 */
#include "src/verifier/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "src/base/log.h"

static struct entry table[CATALOG_MAX];

struct look {
	int dir;          /* the folder being listed */
	const char *name; /* of the image; NULL at the top */
	unsigned odd;     /* names that mean nothing */
	bool say_odd;
	bool full;
	bool failed;
};

struct entry *
catalog_at(unsigned n)
{
	return n < CATALOG_MAX && table[n].state != ENTRY_FREE ? &table[n] : NULL;
}

struct entry *
catalog_find(const char *name, uint64_t version)
{
	for (unsigned i = 0; i < CATALOG_MAX; i++)
		if (table[i].state != ENTRY_FREE && table[i].version == version &&
		    strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const char *
catalog_folder(const struct entry *e, char folder[CATALOG_FOLDER_MAX])
{
	return catalog_folder_of(e->name, e->version, folder);
}

const char *
catalog_folder_of(const char *name, uint64_t version, char folder[CATALOG_FOLDER_MAX])
{
	snprintf(folder, CATALOG_FOLDER_MAX, "%s/%" PRIu64, name, version);
	return folder;
}

void
catalog_retry(enum entry_state state)
{
	for (unsigned i = 0; i < CATALOG_MAX; i++)
		if (table[i].state == state)
			table[i].state = ENTRY_NEW;
}

/* A version folder's name: decimal, from 1, without leading zeros. 0 when it is none. */
static uint64_t
parse_version(const char *text)
{
	uint64_t v = 0;

	if (text[0] == '0')
		return 0;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return 0;
		v = v * 10 + digit;
	}
	return v;
}

static void
say_odd(const struct look *l, const char *name)
{
	char quoted[128];

	if (l->say_odd)
		log_limited(LOG_WARNING, "store-name",
		    "image=%s name=%s why=\"not the name of an image or version\"",
		    l->name == NULL ? "-" : l->name,
		    log_quote(name, strlen(name), quoted, sizeof quoted));
}

static void
add(struct look *l, uint64_t version)
{
	for (unsigned i = 0; i < CATALOG_MAX; i++) {
		if (table[i].state != ENTRY_FREE)
			continue;
		memset(&table[i], 0, sizeof table[i]);
		table[i].state = ENTRY_NEW;
		table[i].seen = true;
		table[i].version = version;
		snprintf(table[i].name, sizeof table[i].name, "%s", l->name);
		return;
	}
	l->full = true;
}

static bool
see_version(void *arg, const char *name)
{
	struct look *l = arg;
	uint64_t version = parse_version(name);
	struct entry *e;

	if (name[0] == '.') /* being installed */
		return true;
	if (version == 0) {
		l->odd++;
		say_odd(l, name);
		return true;
	}
	e = catalog_find(l->name, version);
	if (e != NULL)
		e->seen = true;
	else
		add(l, version);
	return true;
}

static bool
see_image(void *arg, const char *name)
{
	struct look *l = arg;
	const char *why;
	size_t at;

	if (name[0] == '.')
		return true;
	if (paths_check_name(name, strlen(name), &at) != NULL) {
		l->odd++;
		say_odd(l, name);
		return true;
	}
	l->dir = store_open_dir(FD_STORE, name, &why);
	if (l->dir < 0) {
		/* A file, a link: odd. But when we cannot look, nothing has gone. */
		l->failed |= l->dir == ERR_SYS;
		l->odd++;
		say_odd(l, name);
		return true;
	}
	l->name = name;
	if (store_list(l->dir, see_version, l) != 0)
		l->failed = true;
	l->name = NULL;
	close(l->dir);
	return true;
}

static void
stamp(const char *folder, const char *file, struct store_stamp *s)
{
	char path[CATALOG_FOLDER_MAX + 20];
	const char *why;
	int fd;

	memset(s, 0, sizeof *s);
	snprintf(path, sizeof path, "%s/%s", folder, file);
	fd = store_open_file(FD_STORE, path, NULL, s, &why);
	if (fd >= 0)
		close(fd);
}

/* A refused entry gets another chance when somebody has replaced what was refused. */
static void
notice_change(struct entry *e)
{
	char folder[CATALOG_FOLDER_MAX];
	struct store_stamp manifest, signature;

	if (e->state != ENTRY_REFUSED && e->state != ENTRY_EXPIRED &&
	    e->state != ENTRY_NO_ROOM)
		return;
	catalog_folder(e, folder);
	stamp(folder, "manifest", &manifest);
	stamp(folder, "manifest.minisig", &signature);
	if (memcmp(&manifest, &e->manifest, sizeof manifest) != 0 ||
	    memcmp(&signature, &e->signature, sizeof signature) != 0)
		e->state = ENTRY_NEW;
}

/* FD_STORE is only a place to open from; what is listed is a descriptor of its own. */
static int
look(struct look *l)
{
	const char *why;
	int err, dir = store_open_dir(FD_STORE, ".", &why);

	if (dir < 0)
		return ERR_SYS;
	err = store_list(dir, see_image, l);
	close(dir);
	return err != 0 || l->failed ? ERR_SYS : 0;
}

int
catalog_scan(void (*gone)(struct entry *e))
{
	static unsigned odd_before;
	struct look l = {.say_odd = false};

	for (unsigned i = 0; i < CATALOG_MAX; i++)
		table[i].seen = false;
	if (look(&l) != 0)
		return ERR_SYS;
	if (l.full)
		log_limited(LOG_ERROR, "store-full",
		    "why=\"more than %u versions of images; some are not looked at\"",
		    CATALOG_MAX);
	/* Odd names are told of once, not at every look: hence a second one. */
	if (l.odd != odd_before) {
		odd_before = l.odd;
		l.say_odd = true;
		if (look(&l) != 0)
			return ERR_SYS;
	}
	for (unsigned i = 0; i < CATALOG_MAX; i++) {
		struct entry *e = &table[i];

		if (e->state == ENTRY_FREE)
			continue;
		if (e->seen) {
			notice_change(e);
			continue;
		}
		/* What is being loaded is seen to its end first. */
		if (e->state == ENTRY_LOADING)
			continue;
		gone(e);
		e->state = ENTRY_FREE;
	}
	return 0;
}
