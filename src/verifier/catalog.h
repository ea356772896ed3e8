/*
 * What lies in the image store: folders <name>/<version>, seen by looking at them every
 * few seconds, and what came of each.
 */
#ifndef SALLYPORT_VERIFIER_CATALOG_H
#define SALLYPORT_VERIFIER_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/paths.h"
#include "src/base/err.h"
#include "src/verifier/store.h"

#define CATALOG_MAX 1024u

enum entry_state {
	ENTRY_FREE,
	ENTRY_NEW,     /* not looked at yet */
	ENTRY_LOADING, /* being copied and hashed */
	ENTRY_SERVED,
	ENTRY_REFUSED, /* until its manifest or signature changes */
	ENTRY_EXPIRED, /* until then, or until the clock is set back */
	ENTRY_NO_ROOM, /* until then, or until memory is given back */
};

struct entry {
	enum entry_state state;
	char name[PATHS_NAME_MAX + 1];
	uint64_t version;
	uint64_t expires; /* of ENTRY_EXPIRED */
	bool seen;        /* by the latest look */
	struct store_stamp manifest, signature;
};

/* "<name>/<version>", the entry's folder in the store. */
#define CATALOG_FOLDER_MAX (PATHS_NAME_MAX + 22)
const char *catalog_folder(const struct entry *e, char folder[CATALOG_FOLDER_MAX]);
const char *catalog_folder_of(
    const char *name, uint64_t version, char folder[CATALOG_FOLDER_MAX]);

/* Looks at the store: finds new entries, makes refused ones new whose manifest or
 * signature has changed, and calls gone() for those that are no longer there, which are
 * then free. 0; ERR_SYS when the store cannot be read (nothing is then gone). */
int catalog_scan(void (*gone)(struct entry *e)) MUST_CHECK;
/* The n-th, NULL for a free place; n < CATALOG_MAX. */
struct entry *catalog_at(unsigned n);
/* NULL when there is none. */
struct entry *catalog_find(const char *name, uint64_t version);
/* Entries of that state become new again. */
void catalog_retry(enum entry_state state);

#endif
