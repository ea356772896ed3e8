/*
 * Telling the broker: sealed memory, images, answers. The broker reads at its own speed;
 * what does not fit the channel now is sent later from where we stopped.
 */
#ifndef SALLYPORT_VERIFIER_TELL_H
#define SALLYPORT_VERIFIER_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/chan.h"
#include "src/verifier/image.h"

/* Before the cage. generation: of this process. */
void tell_init(uint32_t generation);
struct chan *tell_chan(void);
/* The image is no longer to be served: the broker is told, then it is freed. */
void tell_retire(struct image *image);
/* Nothing that the store held at first is still being looked at: the broker learns it
 * after the images. */
void tell_looked(void);
/* Now and then: the broker learns how the memory is used, if that has changed. */
void tell_memory(void);
/* Sends what there is to say, as far as it goes. */
void tell_pump(void);
/* Something is left to say: wait until the channel can be written. */
bool tell_blocked(void);
/* The broker is gone; the next one is told everything from the beginning. */
void tell_reset(void);

/* An answer to a RENDER_ASK. fd: the sealed text, taken over; -1: there is none. Only
 * while tell_answer_pending() is false. */
void tell_answer(uint32_t ask, int fd, uint64_t length, const uint8_t hash[32]);
bool tell_answer_pending(void);
/* Did the latest tell_pump() free memory or places? Clears the mark. */
bool tell_freed(void);

#endif
