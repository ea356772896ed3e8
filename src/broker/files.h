/*
 * The file half of the broker: everything about images and requests for files, behind a
 * few calls of the loop. It knows nothing of leases.
 */
#ifndef SALLYPORT_BROKER_FILES_H
#define SALLYPORT_BROKER_FILES_H

#include <stdbool.h>

#include "privsep/chan.h"

/* Tables. Called before the cage, after the channels of `broker` are set up. */
void files_init(void);
/* Tells the neighbours that have state of ours that we are new. Before the loop. */
void files_start(void);
/* Hands the message to its handler; false when this half has none for it. *fd: a
 * descriptor that came with it or -1; set to -1 when the handler has taken it over. */
bool files_dispatch(struct chan *from, const struct msg *m, int *fd);
/* May one more message be read from http-parser `worker`? Then whatever answers it fits
 * into the channel to its file-sender. */
bool files_may_read(unsigned worker);
/* What is due. Once a turn, after all channels were read. */
void files_turn(void);
/* Milliseconds until files_turn() has to be called although nothing came in. */
int files_timeout(void);
/* That neighbour is gone; its channel has been reset. */
void files_gone(enum role role, unsigned index);

#endif
