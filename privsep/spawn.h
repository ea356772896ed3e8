/*
 * Starting a child: a new pid namespace, a pidfd, fixed descriptor numbers, exec. The
 * cage is the child's own work (privsep/cage.h).
 */
#ifndef SALLYPORT_PRIVSEP_SPAWN_H
#define SALLYPORT_PRIVSEP_SPAWN_H

#include <sys/types.h>

#include "src/base/err.h"

#define SPAWN_FDS_MAX 2300

/* Descriptor `from` of ours becomes number `to` in the child. */
struct spawn_fd {
	int from, to;
};

struct spawn {
	const char *path; /* the executable */
	char *const *argv;
	unsigned nfds;
	struct spawn_fd fds[SPAWN_FDS_MAX];
};

void spawn_give(struct spawn *s, int from, int to);
/* 0 with *pid and *pidfd (close-on-exec, the caller's), or ERR_SYS with errno. 0, 1 and 2
 * of the child are /dev/null, everything not given is closed, the environment is empty. */
int spawn_child(const struct spawn *s, pid_t *pid, int *pidfd) MUST_CHECK;

#endif
