/*
 * The broker's main loop: every channel in turn, with bounded batches, so that a storm on
 * one never delays another; and an ear is read only while its mouth has room, so that
 * nothing grows.
 */
#ifndef SALLYPORT_BROKER_LOOP_H
#define SALLYPORT_BROKER_LOOP_H

void loop_init(void);
/* Waits for the next thing to do and does it. */
void loop_turn(void);

#endif
