/*
 * What the verifier says about images, message by message. Out of order, inconsistent or
 * not in the allowed form is a fault of the verifier; what served before goes on serving.
 *
 * When the verifier is gone, pending images go with it and active ones stay: the broker
 * owns their memory, and their bytes were verified. They are then stale: their templates
 * cannot be rendered, and the next verifier has to make each of them active again (a new
 * image of the same name takes its place in one step). Stale ones that are left when the
 * new verifier has said nothing for INTAKE_QUIET_MS are retired: an image that was
 * withdrawn while no verifier ran ends then. The wait is long because verifying a large
 * image from a slow disk is silent; without any verifier there is no such end.
 */
#ifndef SALLYPORT_BROKER_INTAKE_H
#define SALLYPORT_BROKER_INTAKE_H

#include "privsep/chan.h"

#define INTAKE_QUIET_MS 300000u

void intake_init(void);
/* Messages of the verifier. *fd is set to -1 when it was taken over. */
void on_memfd_tell(struct chan *from, const struct msg *m, int *fd);
void on_object_tell(struct chan *from, const struct msg *m, int *fd);
void on_evict_tell(struct chan *from, const struct msg *m, int *fd);
void on_drop_tell(struct chan *from, const struct msg *m, int *fd);
void on_image_tell(struct chan *from, const struct msg *m, int *fd);
void on_file_tell(struct chan *from, const struct msg *m, int *fd);
void on_boot_tell(struct chan *from, const struct msg *m, int *fd);
void on_active_tell(struct chan *from, const struct msg *m, int *fd);
void on_retire_tell(struct chan *from, const struct msg *m, int *fd);
/* Of file-sender. */
void on_closed_tell(struct chan *from, const struct msg *m, int *fd);
/* Of the verifier. What is not told by now was refused: nobody need wait for it. */
void on_looked_tell(struct chan *from, const struct msg *m, int *fd);
/* A new verifier, or one that has lost us: all its numbers begin anew. */
void on_verifier_reset_tell(struct chan *from, const struct msg *m, int *fd);
/* The verifier is gone. */
void intake_gone(void);
/* Retires what is stale for too long. Once a turn. */
void intake_tick(uint64_t now_ms);

#endif
