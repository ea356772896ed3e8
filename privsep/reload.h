/*
 * SIGHUP: the configuration is read and checked again while the server works. When it is
 * wrong, or its sockets cannot be had, or a process cannot start with it, the old one
 * stays. Else those processes are renewed whose arguments or descriptors it changes.
 */
#ifndef SALLYPORT_PRIVSEP_RELOAD_H
#define SALLYPORT_PRIVSEP_RELOAD_H

#include "privsep/supervisor.h"

/* Somebody asks for one; it begins when the one under way, if any, has ended. */
void reload_want(void);
/* Readable when there is something to do for reload_step(); -1: never. */
int reload_fd(const struct supervisor *sv);
/* Goes on with what is under way. Once a turn. */
void reload_step(struct supervisor *sv);
/* A child cannot put up its walls, or read its files, with what a reload has given it. */
void reload_undo(struct supervisor *sv, const struct child *c);

#endif
