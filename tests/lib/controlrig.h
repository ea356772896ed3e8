/*
 * The control socket of a broker without its process, and clients of it in the test's
 * hands. Together with dhcprig.
 */
#ifndef SALLYPORT_TESTS_CONTROLRIG_H
#define SALLYPORT_TESTS_CONTROLRIG_H

#include <stdbool.h>

#include "privsep/msg.h"

/* Takes the descriptor numbers that the broker has for clients; first of all. */
void control_rig_reserve(void);
/* Listens, with nobody connected. Again for an empty start. */
void control_rig_start(void);
/* Connects; the broker accepts in its next turn. As another user: what a member of the
 * socket's group gets (only root can do that). */
int control_rig_connect(bool as_root);
/* One turn of the loop, as far as this concerns it: the store's word, clients, commit. */
void control_rig_turn(void);
/* What the broker would wait for, milliseconds of at most 5000. */
int control_rig_timeout(void);
void control_rig_send(int fd, const struct msg *m);
/* The next answer, turning the loop until there is one: 1, or 0 when the connection is
 * closed, -1 when nothing comes. */
int control_rig_receive(int fd, struct msg *m);
/* All numbers for clients are /dev/null again but those of n clients. */
bool control_rig_clients(unsigned n);

#endif
