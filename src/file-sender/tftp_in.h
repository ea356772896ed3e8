/*
 * What the transfer sockets hear: datagrams of at most a few hundred bytes, many at a
 * time, with the addresses that they came from and to. All memory is taken at start.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_IN_H
#define SALLYPORT_FILE_SENDER_TFTP_IN_H

#include <stdbool.h>

#include "src/base/err.h"
#include "src/file-sender/tftp_out.h"
#include "src/wire/tftp.h"

#define TFTP_IN_BATCH 64

struct tftp_in;

/* Allocates; NULL when that fails. */
struct tftp_in *tftp_in_new(void);
/* Takes what socket number `sock` of the pool has, TFTP_IN_BATCH at most. Returns how
 * many. */
unsigned tftp_in_read(struct tftp_in *in, uint16_t sock);
/* Number i of them, if it is something that a client may say. path->peer is its sender,
 * path->local the address of ours. */
bool tftp_in_get(
    struct tftp_in *in, unsigned i, struct tftp_path *path, struct tftp_reply *reply);

#endif
