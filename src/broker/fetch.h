/*
 * Memory that is not there and asked for: the verifier is asked once, whoever waits for it
 * holds a ticket. And what the verifier is told of use, so that it knows what to give up.
 */
#ifndef SALLYPORT_BROKER_FETCH_H
#define SALLYPORT_BROKER_FETCH_H

#include "privsep/chan.h"
#include "src/broker/memfd.h"

#define FETCH_RETRY_MS 1000u /* after it could not be had */
#define FETCH_USED_MS 500u   /* how often the verifier is told of use */

void fetch_init(void);
/* Somebody wants this memory, which is not there. */
void fetch_want(struct memfd *m);
/* This memory was granted. */
void fetch_used(struct memfd *m);
/* Asks, and tells of use, as far as the channel has room. Once a turn. */
void fetch_turn(uint64_t now_ms);
/* The verifier is gone or new: nothing is asked. */
void fetch_unask(void);
void on_fetch_ans(struct chan *from, const struct msg *m, int *fd);

/* What the verifier said last of its memory. */
const struct msg_memory_tell *fetch_memory(void);
void on_memory_tell(struct chan *from, const struct msg *m, int *fd);

#endif
