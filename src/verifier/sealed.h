/*
 * Sealed memory: what is served. An object is one memfd that holds one large file or
 * several small ones, was hashed after it was sealed, and never changes again. Objects
 * are counted: images that hold the same large file share it.
 */
#ifndef SALLYPORT_VERIFIER_SEALED_H
#define SALLYPORT_VERIFIER_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define SEALED_MAX 4096u

struct sealed {
	uint32_t id; /* what messages call it; 0: this entry is free */
	int fd;      /* -1 while it is being filled */
	uint64_t size;
	unsigned refs;
	bool told;  /* the broker has it */
	bool whole; /* one file, whose SHA-256 is hash */
	uint8_t hash[32];
};

/* A new number for a memfd; never the same twice in the life of the process. */
uint32_t sealed_number(void);
/* A new object of that size, owned by the caller. Its place in the table or ERR_FULL. */
int sealed_new(uint64_t size) MUST_CHECK;
/* The object that is exactly this file, with one owner more; or ERR_ABSENT. */
int sealed_share(const uint8_t hash[32], uint64_t size) MUST_CHECK;
/* One owner less. Without owners it is closed at once, or, if the broker has it, once
 * sealed_dropped() says that the broker was told. */
void sealed_unref(unsigned place);
void sealed_dropped(unsigned place);
/* NULL when that place is free. */
struct sealed *sealed_at(unsigned place);
/* Bytes in all objects. */
uint64_t sealed_bytes(void);
/* The broker is gone: it has none of them. */
void sealed_forget_told(void);

#endif
