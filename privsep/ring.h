/*
 * The shape of a packet ring: the kernel writes frames into memory that the ear maps. Made
 * by the supervisor (privsep/sockets_link.c), read by link-parser.
 */
#ifndef SALLYPORT_PRIVSEP_RING_H
#define SALLYPORT_PRIVSEP_RING_H

#include <stddef.h>

#define RING_SLOT 2048  /* bytes: header of the kernel's and one Ethernet frame */
#define RING_SLOTS 256  /* frames that wait; what comes when all are full is lost */
#define RING_BLOCK 8192 /* bytes of what the kernel allocates at a time */
#define RING_BYTES ((size_t)RING_SLOT * RING_SLOTS)

#endif
