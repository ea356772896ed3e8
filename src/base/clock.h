/*
 * Time, as every process needs it. Units are in the names.
 */
#ifndef SALLYPORT_BASE_CLOCK_H
#define SALLYPORT_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds and nanoseconds since an arbitrary start; never go back. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);
/* Seconds since 1970 (UTC). May jump when the operator sets the clock. */
uint64_t clock_wall_s(void);

#endif
