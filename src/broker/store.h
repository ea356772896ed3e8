/*
 * The lease store: batches with completion. Records are put into the batch at hand;
 * store_commit() hands it to the commit thread, which writes it in one durable
 * transaction while the next batch collects; store_completed() says how it went.
 * Everything is answered from memory tables: the store is read only at start.
 *
 * Inside is LMDB. One thread alone touches it: the starting one until
 * store_start_thread(), the commit thread from then on.
 */
#ifndef SALLYPORT_BROKER_STORE_H
#define SALLYPORT_BROKER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/broker/record.h"

#define STORE_BATCH_MAX 1024               /* records a transaction */
#define STORE_MAP_SIZE (UINT64_C(4) << 30) /* bytes, sparse; never grows */

/* One stored record. err 0: valid. Else r->addr alone is valid and the rest is damaged
 * (err says how): that address may be somebody's. */
typedef void store_load(void *arg, const struct record *r, int err);

/* Opens or makes the store in an existing directory of our own, mode 0700, and hands all
 * its records to load. A damaged record does not stop this; a damaged store does. 0 and
 * *bad: records whose key says nothing; or ERR_SYS, and store_failure() says why. */
int store_open(const char *path, store_load *load, void *arg, uint32_t *bad) MUST_CHECK;
/* 0 or ERR_SYS. Once, after store_open; the thread runs when this returns. */
int store_start_thread(void) MUST_CHECK;

/* Adds to the batch at hand. 0, or ERR_FULL: try again after a completion. A record that
 * cannot be encoded is a bug(). A later record of the same address wins. */
int store_put(const struct record *r) MUST_CHECK;
/* Records in the batch at hand. */
unsigned store_pending(void);
/* Hands the batch to the thread. False when there is nothing to write or the thread is
 * at work: try again after a completion. */
bool store_commit(uint64_t cookie);
/* A commit has been given that store_completed() has not reported yet. */
bool store_busy(void);
/* Readable when a commit has ended; ask store_completed() then. */
int store_fd(void);
/* True once for each commit, in order. *ok: every record of it is on disk. */
bool store_completed(uint64_t *cookie, bool *ok);
/* Why the last commit or opening failed. */
const char *store_failure(void);
/* LMDB has given up after it could not write its root page: only a new start helps. */
bool store_dead(void);
/* Ends the thread, if it runs, after the commit at hand, and closes. For tests. */
void store_close(void);

#endif
