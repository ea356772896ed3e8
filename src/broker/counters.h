/*
 * What happened how often since the start, by name: for `sallyport status` and the log.
 * Names are fixed words of the code, never a peer's. Broker, main thread.
 */
#ifndef SALLYPORT_BROKER_COUNTERS_H
#define SALLYPORT_BROKER_COUNTERS_H

#include <stdint.h>

#define COUNTERS_MAX 96

struct counter {
	const char *name;
	uint64_t n;
};

/* name: a string that lives as long as the process. Beyond COUNTERS_MAX different names
 * the last one counts for all others. */
void counter_add(const char *name);
/* All that have counted anything, in the order of their first time. */
const struct counter *counters_all(unsigned *n);
uint64_t counter_of(const char *name);
/* For tests. */
void counters_reset(void);

#endif
