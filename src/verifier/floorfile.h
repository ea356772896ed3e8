/*
 * The floor's file, descriptor FD_FLOOR, which the supervisor opened for us.
 */
#ifndef SALLYPORT_VERIFIER_FLOORFILE_H
#define SALLYPORT_VERIFIER_FLOORFILE_H

#include "policy/floor.h"

/* Reads it. 0, or ERR_ABSENT when there is none or both slots are damaged. */
int floorfile_load(struct floor *f) MUST_CHECK;
/* Writes f to the older slot and waits for the disk. 0 or ERR_SYS; then the file still
 * holds what it held. */
int floorfile_save(struct floor *f) MUST_CHECK;

#endif
