/*
 * Many TFTP clients in one process. Each has an address of its own, which must be local
 * here; all share a few sockets, so that one system call takes or gives many datagrams
 * and the clients are not what limits. A client has one transfer at a time; the next one
 * comes from the next socket, so from another port.
 *
 * Addresses are told apart by their last 20 bits.
 */
#ifndef SALLYPORT_BENCH_TFTP_CLIENT_H
#define SALLYPORT_BENCH_TFTP_CLIENT_H

#include "tests/bench/load.h"

#define TFTPC_SOCKETS 4u

struct tftpc_setup {
	struct in_addr server;
	const struct load_addrs *addrs; /* client i has the i-th */
	const char *name;               /* what everybody asks for */
	const struct load_file *file;   /* what they must get */
	unsigned blksize, window;       /* 512 and 1: not asked for */
	unsigned timeout_us, tries;
	int epoll;
	uint32_t tag; /* upper half of the sockets' data.u64; the lower one: which */
	/* Called when a transfer has ended; it may begin the next one. */
	void (*ended)(unsigned client, bool good);
};

struct tftpc_counts {
	uint64_t bytes, blocks;
	uint64_t timeouts;        /* we had to repeat something */
	uint64_t gaps;            /* blocks that came too early */
	uint64_t duplicates;      /* blocks that had come already */
	uint64_t wrong;           /* blocks or files that are not what they should be */
	uint64_t errors;          /* ERROR packets */
	unsigned blksize, window; /* granted in the last OACK */
};

extern struct tftpc_counts tftpc_counts;

void tftpc_init(const struct tftpc_setup *setup);
/* The client's entry in the list has changed; not while it has a transfer. */
void tftpc_set_address(unsigned client);
void tftpc_begin(unsigned client, uint64_t now);
void tftpc_readable(unsigned sock);
/* Now and then: repeats what was not answered. */
void tftpc_tick(uint64_t now);
/* Sends what is queued; before every wait. */
void tftpc_flush(void);
/* Tells the server of every running transfer that it is over. */
void tftpc_abort(void);

#endif
