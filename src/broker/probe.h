/*
 * Is an address in use? Asked before it is offered to a machine that did not have it: by
 * ARP on our links, by ICMP echo behind relays. The request waits here meanwhile, in a
 * bounded table, and runs again when the answer is there or its time is over; nobody else
 * waits for it. An address that somebody else answers for rests (conf->quarantine), and
 * the request gets another. When the table or the rate is exhausted, addresses are offered
 * unasked. Counters: probe-asked, probe-in-use, probe-skipped.
 */
#ifndef SALLYPORT_BROKER_PROBE_H
#define SALLYPORT_BROKER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/broker/decide.h"

#define PROBE_MAX 512        /* requests that wait */
#define PROBE_KNOWN_MS 60000 /* how long an address that was asked for counts as free */
#define PROBE_TRIES 8        /* addresses that one request is tried with */

void probe_init(void);
/* Between decision and effect: true when the request waits, and has been copied; then
 * nothing of the decision is to be done now. */
bool probe_first(struct ask *a, struct decision *d);
/* Keeps the request until that time, then runs it; false when there is no room. */
bool probe_hold(const struct msg_dhcp_tell *m, uint64_t until_ms);
/* An answer; m has been checked. */
void probe_heard(const struct msg_heard_tell *m);
/* Milliseconds until probe_turn() has something to do; negative: nothing. */
int probe_timeout(void);
/* Runs what has waited long enough, as far as there is room for the answers. */
void probe_turn(void);
/* A number that a stranger cannot guess. */
uint32_t probe_random(void);

#endif
