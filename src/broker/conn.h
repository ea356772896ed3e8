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
};

/* Allocates. Called before the cage; exits by start_fail. */
void conn_init(unsigned workers);
/* 0, ERR_DUPLICATE, or ERR_FULL (it is then as if it had ended). */
int conn_add(unsigned worker, uint64_t id, const struct addr *peer) MUST_CHECK;
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
