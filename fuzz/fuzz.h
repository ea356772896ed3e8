/*
 * A fuzz target: one function that takes bytes, is deterministic, and always returns 0.
 * It calls abort() (or a sanitizer does) when a promise is broken.
 */
#ifndef SALLYPORT_FUZZ_H
#define SALLYPORT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int fuzz_one(const uint8_t *data, size_t len);

#endif
