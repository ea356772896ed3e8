/*
 * Many HTTP/1.1 clients in one process, with TLS or without. Each connection has an address
 * of its own, which must be local here, and asks for one file at a time.
 */
#ifndef SALLYPORT_BENCH_HTTP_CLIENT_H
#define SALLYPORT_BENCH_HTTP_CLIENT_H

#include <openssl/ssl.h>

#include "tests/bench/load.h"

struct httpc_setup {
	struct in_addr server;
	uint16_t port;
	const struct load_addrs
	    *addrs; /* connection i speaks from the i-th, again from 0 */
	unsigned conns;
	const char *path;
	const struct load_file *file;
	bool renew;   /* a new connection for each request */
	SSL_CTX *tls; /* NULL: without */
	uint64_t timeout_us;
	int epoll;
	uint32_t tag; /* upper half of the connections' data.u64; the lower one: which */
	/* Called when a request has ended; it may begin the next one. */
	void (*ended)(unsigned conn, bool good);
};

struct httpc_counts {
	uint64_t bytes;      /* of bodies */
	uint64_t opened;     /* connections */
	uint64_t handshakes; /* of TLS, finished */
	uint64_t wrong;      /* answers that are not what they should be */
	uint64_t closed;     /* ended by the server or by an error of the socket */
	uint64_t timeouts;
};

extern struct httpc_counts httpc_counts;

void httpc_init(const struct httpc_setup *setup);
/* versions: "1.2", "1.3" or NULL for both; sigalgs: what OpenSSL calls them, or NULL. */
SSL_CTX *httpc_tls(const char *version, char *sigalgs);
/* Asks; over the connection that there is, or over a new one. */
void httpc_begin(unsigned conn, uint64_t now);
void httpc_close(unsigned conn);
void httpc_event(unsigned conn);
/* Now and then: gives up what takes too long. */
void httpc_tick(uint64_t now);

#endif
