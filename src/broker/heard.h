/*
 * What link-parser tells of the links.
 */
#ifndef SALLYPORT_BROKER_HEARD_H
#define SALLYPORT_BROKER_HEARD_H

#include "privsep/chan.h"

/* Checks what it says, and takes it to the probes or to the table of other servers. */
void on_heard_tell(struct chan *from, const struct msg_heard_tell *m);

#endif
