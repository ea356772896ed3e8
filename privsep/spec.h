/*
 * What root knows of the configuration: a few numbers and paths, told by conf-check, an
 * unprivileged process that parses the text and ends. Root never parses it.
 */
#ifndef SALLYPORT_PRIVSEP_SPEC_H
#define SALLYPORT_PRIVSEP_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "privsep/msg.h"
#include "privsep/start.h"

struct spec {
	unsigned nlinks;
	struct link links[LINKS_MAX]; /* name, and address where configured */
	struct msg_spec_tell s;
};

/* The file's text as a sealed memfd (the caller's); an empty one when the file is absent
 * and may_lack. ERR_SYS with errno, or ERR_LONG. */
int spec_seal_text(const char *path, bool may_lack, int *memfd) MUST_CHECK;

/* One run of conf-check. */
struct spec_check {
	/* What it is given. The names are for its messages. */
	int conf, hosts;
	const char *conf_path, *hosts_path, *libexec;
	uid_t uid;
	gid_t gid;
	int error; /* where it writes its one line */
	int print; /* where it writes the effective configuration, -1: nowhere */

	/* Its run. */
	pid_t pid;
	int pidfd, tell;
	uint64_t until_ms;
	bool complete, broken;
	struct spec spec; /* valid when spec_step has returned 1 */
};

/* Starts it. 0 or ERR_SYS with errno. */
int spec_start(struct spec_check *c) MUST_CHECK;
/* Hears what there is, without waiting. 0: not at its end, ask again when c->tell or
 * c->pidfd is readable, or c->until_ms (clock_mono_ms) has come. 1: c->spec is there.
 * ERR_FORMAT: the configuration is wrong, and the line is written; or ERR_SYS, ERR_RANGE.
 * Whenever it is not 0 nothing of the run is left. */
int spec_step(struct spec_check *c) MUST_CHECK;
/* spec_start and spec_step to the end. 0 or as above. */
int spec_read(struct spec_check *c) MUST_CHECK;

#endif
