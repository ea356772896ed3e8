/*
 * The transfers of this process: a table of fixed size, found by who they are for.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_TABLE_H
#define SALLYPORT_FILE_SENDER_TFTP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/file-sender/memfds.h"
#include "src/file-sender/netascii.h"
#include "src/file-sender/tftp_out.h"
#include "src/file-sender/tftp_xfer.h"

#define TFTP_TRANSFERS 10000
#define TFTP_NONE UINT32_MAX

/* Where in the source a block begins. */
struct text_place {
	uint64_t block;
	struct netascii at;
};

struct transfer {
	struct tftp_xfer x;
	struct tftp_path path;
	struct memfd *object; /* NULL: over, or not in use */
	uint64_t offset;      /* in the object */
	uint64_t started;
	uint32_t session;
	uint32_t serial; /* which of those that had this place */
	uint32_t next;   /* in its bucket or in the free list */
	uint8_t options;
	bool uncut;  /* the kernel does not cut datagrams on this path */
	bool queued; /* waits for its turn to send more */
	bool text;   /* netascii: the first block not acknowledged, and the next to write */
	struct text_place base, write;
	char name[256];
};

struct tftp_table {
	struct transfer *all;
	uint32_t *buckets;
	uint32_t free, nfree;
	uint32_t hand; /* where the search for a victim goes on */
	uint32_t serial;
	uint64_t seed;
};

/* seed: a secret, so that nobody can choose peers that collide. Allocates. 0 or ERR_SYS. */
int tftp_table_init(struct tftp_table *t, uint64_t seed) MUST_CHECK;
/* The transfer, running or just over, that this peer has; NULL when there is none. */
struct transfer *tftp_table_find(struct tftp_table *t, const struct tftp_path *path);
/* A new one; there must be a free place. */
struct transfer *tftp_table_add(struct tftp_table *t, const struct tftp_path *path);
void tftp_table_remove(struct tftp_table *t, struct transfer *tr);
uint32_t tftp_table_index(const struct tftp_table *t, const struct transfer *tr);
/* One that makes place for another: its peer has proved nothing yet, or has been silent for
 * a second. NULL when there is none among those that were looked at. */
struct transfer *tftp_table_victim(struct tftp_table *t, uint64_t now);

#endif
