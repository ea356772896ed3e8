/*
 * Datagrams on their way out: collected for one socket of the pool, sent many at a time.
 * All memory is taken at start.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_OUT_H
#define SALLYPORT_FILE_SENDER_TFTP_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"
#include "src/file-sender/tftp_xfer.h"

#define TFTP_OUT_NOBODY UINT32_MAX

/* From where to where. IPv4 only, which the caller has checked. */
struct tftp_path {
	struct addr peer;
	struct addr local; /* source address of what we send */
	uint16_t port;     /* the peer's */
	uint16_t sock;     /* index in the pool, or TFTP_SOCK_SINGLE + link */
};

#define TFTP_SOCK_SINGLE 0x8000

/* Called for each owner whose datagram the kernel had no room for. */
typedef void tftp_out_unsent(void *arg, uint32_t owner);

struct tftp_batch;

struct tftp_out {
	struct tftp_batch *batch;
	int first_fd; /* descriptor of socket 0; the others follow */
	tftp_out_unsent *unsent;
	void *arg;
	uint64_t sent, refused; /* datagrams; refused: by the kernel, for good */
};

/* Allocates. 0 or ERR_SYS. */
int tftp_out_init(
    struct tftp_out *o, int first_fd, tftp_out_unsent *unsent, void *arg) MUST_CHECK;
/* One datagram of at most TFTP_OUT_PACKET_MAX bytes, copied. */
#define TFTP_OUT_PACKET_MAX 128
void tftp_out_packet(struct tftp_out *o, const struct tftp_path *path, const void *bytes,
    size_t len, uint32_t owner);
/* Blocks first..first+count-1 of a transfer, whose object begins at `offset` of fd. 0, or
 * ERR_SYS when the object cannot be read. */
int tftp_out_blocks(struct tftp_out *o, const struct tftp_path *path,
    const struct tftp_xfer *x, int fd, uint64_t offset, uint64_t first, uint32_t count,
    uint32_t owner) MUST_CHECK;
void tftp_out_flush(struct tftp_out *o);

#endif
