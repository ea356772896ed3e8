/*
 * Which address is behind an HTTP connection: announced by file-sender, which has the
 * socket, never by the process that reads the requests. One table of fixed size for each
 * worker.
 */
#ifndef SALLYPORT_BROKER_CONN_H
#define SALLYPORT_BROKER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/ident.h"

#define CONN_MAX 20480 /* of one worker at once */

struct conn {
	uint64_t id;
	struct addr peer;
	uint32_t next;
	uint8_t tls; /* 0: plain; else one more than the index of its tls process */
	bool shown;  /* the client has shown a certificate */
	uint8_t certificate[32]; /* its SHA-256 */
};

/* Allocates. Called before the cage; exits by start_fail. */
void conn_init(unsigned workers);
/* tls: as in struct conn. 0, ERR_DUPLICATE, or ERR_FULL (it is then as if it had ended). */
int conn_add(unsigned worker, uint64_t id, const struct addr *peer, uint8_t tls) MUST_CHECK;
/* A tls process says who the client is. 0; or ERR_DENIED: that connection is not with it,
 * or has said already who it is; or ERR_ABSENT: it is not there, and if conn_add() comes
 * soon it will have heard this. */
int conn_show(
    unsigned worker, uint64_t id, unsigned tls, const uint8_t certificate[32]) MUST_CHECK;
/* NULL when it is not announced, or has ended. */
const struct conn *conn_find(unsigned worker, uint64_t id);
/* A number that has been announced, as far as that is known: not higher than all. */
bool conn_was(unsigned worker, uint64_t id);
bool conn_full(unsigned worker);
/* 0 or ERR_ABSENT. */
int conn_end(unsigned worker, uint64_t id) MUST_CHECK;
/* All of the worker's are gone, and its numbers begin anew. */
void conn_forget(unsigned worker);
unsigned conn_count(unsigned worker);

#endif
