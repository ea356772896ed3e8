/*
 * A supervisor without its loop: real roster, real sockets, real executables, in a network
 * namespace of the test with the interfaces wall0 (10.99.0.1/24, served) and wall1 (its
 * other end).
 */
#ifndef SALLYPORT_TESTS_RIG_H
#define SALLYPORT_TESTS_RIG_H

#include <stdbool.h>

#include "privsep/supervisor.h"

/* Makes namespace, state beneath work, channels and sockets. Exits on failure. */
struct supervisor *rig_init(const char *bin, const char *work);
/* The child of that role (worker 0), conf-check included; NULL when there is none. */
struct child *rig_child(const char *role);
/* Starts its process and waits until it is in its cage and sleeps in its loop. */
bool rig_start(struct child *c);
/* Closes what belonged to its process, which must be dead and reaped. */
void rig_clean(struct child *c);

#endif
