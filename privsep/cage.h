/*
 * The cage of a process: namespaces, empty root, no capabilities, own uid, Landlock,
 * limits, system-call filter. All of it or no start. What each role may do is in
 * policy/cage/<role>.c, one table a role; the filter that build makes of it is linked
 * into that role's executable only.
 */
#ifndef SALLYPORT_PRIVSEP_CAGE_H
#define SALLYPORT_PRIVSEP_CAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/start.h"

struct sock_filter;

/* Limits; 0 means none is allowed. */
struct cage_limits {
	uint64_t files;         /* RLIMIT_NOFILE: highest descriptor number + 1 */
	uint64_t address_space; /* RLIMIT_AS in bytes; UINT64_MAX: not limited */
	uint64_t file_size;     /* RLIMIT_FSIZE in bytes; UINT64_MAX: not limited */
};

struct cage_policy {
	const struct sock_filter *filter; /* generated, loaded as it is */
	unsigned short filter_len;
	struct cage_limits limits;
	bool reads_store; /* Landlock: READ_FILE and READ_DIR beneath FD_STORE */
};

/* Generated with policy/cage/<role>: the one that is linked in. */
extern const struct cage_policy cage_policy;

/* Called inside cage_enter; either may be NULL. own_files runs with the final uid, in the
 * empty root and without any capability, in a folder of the process's own that it can
 * reach nothing else from: what an earlier, perhaps owned, process has left there is read
 * with no more rights than that one had. threads runs after Landlock, before limits and
 * filter, and starts all threads there will ever be. */
struct cage_hooks {
	const char *own_folder; /* absolute; needed by own_files */
	void (*own_files)(void *arg);
	void (*threads)(void *arg);
	void *arg;
};

/* Puts up every wall for this process or exits with EXIT_WALL, naming the one that
 * failed. landlock_min comes from the option "landlock". Logs the level reached. */
void cage_enter(const struct start *st, const struct cage_hooks *hooks);

#endif
