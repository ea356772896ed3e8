/*
 * Datagrams on their way out: collected for one socket, sent many at a time. The blocks of
 * a window are one datagram to us, which the kernel cuts (UDP_SEGMENT), as far as it takes
 * that. All memory is taken at start; data is not copied but read when it is sent.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_OUT_H
#define SALLYPORT_FILE_SENDER_TFTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

/* From where to where; both addresses are of one family. */
struct tftp_path {
	struct addr peer;
	struct addr local; /* source address of what we send */
	uint16_t port;     /* the peer's */
	uint16_t sock;     /* index in the pool, or one of those on port 69 */
	uint32_t scope;    /* interface of a link-local peer, else 0 */
};

/* Sockets on port 69, + link; their descriptors follow each other too. */
#define TFTP_SOCK_SINGLE 0x8000
#define TFTP_SOCK_SINGLE6 (TFTP_SOCK_SINGLE + FD_SINGLE6 - FD_SINGLE)

/* Whose datagram it is. */
struct tftp_owner {
	uint32_t item; /* TFTP_OUT_NOBODY: nobody wants to know what becomes of it */
	uint32_t serial;
};

#define TFTP_OUT_NOBODY UINT32_MAX

struct tftp_out_hooks {
	/* The kernel had no room for this owner's blocks from `first` on (0: another
	 * packet). */
	void (*unsent)(void *arg, struct tftp_owner owner, uint64_t first);
	/* The kernel does not cut datagrams on this owner's path. They have been sent one
	 * by one. */
	void (*uncut)(void *arg, struct tftp_owner owner);
	void *arg;
};

struct tftp_batch;

struct tftp_out {
	struct tftp_batch *batch;
	struct tftp_out_hooks hooks;
	uint64_t sent;    /* datagrams */
	uint64_t calls;   /* of the kernel */
	uint64_t refused; /* by the kernel, for good */
	uint64_t uncut;   /* trains of blocks that it did not cut */
	uint64_t icmp;    /* errors that anybody can forge; tried again */
};

/* Allocates. 0 or ERR_SYS. */
int tftp_out_init(struct tftp_out *o, const struct tftp_out_hooks *hooks) MUST_CHECK;
/* One datagram of at most TFTP_OUT_PACKET_MAX bytes, copied. */
#define TFTP_OUT_PACKET_MAX 128
void tftp_out_packet(struct tftp_out *o, const struct tftp_path *path,
    struct tftp_owner owner, const void *bytes, size_t len);
/* A row of blocks begins, counted from `first`. cut: by the kernel, else one by one. */
void tftp_out_begin(struct tftp_out *o, const struct tftp_path *path,
    struct tftp_owner owner, uint64_t first, bool cut);
/* The next block of the row, and its number on the wire. The data stays the caller's and
 * where it is until the next tftp_out_flush(). */
void tftp_out_block(struct tftp_out *o, uint16_t number, const uint8_t *data, uint32_t len);
/* Memory for the data of a block, for those who make it; len is at most 65464. Perhaps
 * sends what is there. */
uint8_t *tftp_out_room(struct tftp_out *o, uint32_t len);
void tftp_out_flush(struct tftp_out *o);

#endif
