/*
 * What root knows of the configuration: a few numbers and paths, told by conf-check, an
 * unprivileged process that parses the text and ends. Root never parses it.
 */
#ifndef SALLYPORT_PRIVSEP_SPEC_H
#define SALLYPORT_PRIVSEP_SPEC_H

#include <stdint.h>
#include <sys/types.h>

#include "privsep/msg.h"
#include "privsep/start.h"

struct spec {
	unsigned nlinks;
	struct link links[LINKS_MAX]; /* name, and address where configured */
	struct msg_spec_tell s;
};

/* The file's text as a sealed memfd (the caller's). ERR_SYS with errno, or ERR_LONG. */
int spec_seal_text(const char *path, int *memfd) MUST_CHECK;
/* Runs conf-check of libexec on the text. Its error, if any, is on stderr. 0, ERR_FORMAT
 * when the configuration is wrong, ERR_SYS when it could not be checked. */
int spec_read(int memfd, const char *path, const char *libexec, uid_t uid, gid_t gid,
    struct spec *spec) MUST_CHECK;

#endif
