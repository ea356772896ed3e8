/*
 * The control socket: where `sallyport` asks the broker.
 */
#ifndef SALLYPORT_PRIVSEP_LISTENER_H
#define SALLYPORT_PRIVSEP_LISTENER_H

#include <sys/types.h>

/* Makes the folder of path if it is not there (root's, mode 0755), takes away what an
 * earlier server has left, and listens: SOCK_SEQPACKET, mode 0660, root and gid. NULL and
 * *listener (non-blocking, close-on-exec, the caller's), or what is wrong. umask must be
 * 077. */
const char *listener_open(const char *path, gid_t gid, int *listener);

#endif
