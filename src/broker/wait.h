/*
 * Requests that cannot be answered yet: their text is being rendered, the memory of their
 * file is being fetched, or the channel that takes the answer is full. Each is tried again
 * from the start when that may have changed, so that a session or an image that ends
 * meanwhile counts. One pool of fixed size for TFTP and one for each worker's HTTP: who
 * fills his own harms nobody else.
 */
#ifndef SALLYPORT_BROKER_WAIT_H
#define SALLYPORT_BROKER_WAIT_H

#include "privsep/msg.h"
#include "src/broker/render.h"

#define WAIT_POOL 2048       /* requests waiting in each */
#define WAIT_FETCH_MS 30000u /* for memory; then an orderly "not now" */

void wait_init(void);
/* May http-parser `worker` be read: is there room, and does nothing wait for a channel? */
bool wait_room(unsigned worker);
/* Keeps the request. A client that repeats itself waits once. ERR_FULL. */
int wait_add_rrq(
    const struct msg_rrq_tell *m, const struct render_ticket *ticket) MUST_CHECK;
/* Keeps the request. ERR_DUPLICATE: this connection waits already. ERR_FULL. */
int wait_add_get(unsigned worker, const struct msg_get_tell *m,
    const struct render_ticket *ticket) MUST_CHECK;
/* Tries again what may be answered now. Once a turn. */
void wait_turn(uint64_t now_ms);
/* It did not come to the end of them. */
bool wait_more(void);
/* The worker's connections are gone. */
void wait_forget(unsigned worker);
unsigned wait_count(void);

#endif
