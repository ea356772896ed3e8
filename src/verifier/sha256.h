/*
 * SHA-256 by OpenSSL (which is fast where libsodium's is not), behind functions that
 * allocate nothing and open nothing after sha256_new(). OpenSSL's headers stay in
 * sha256.c: some of their names are also ours.
 */
#ifndef SALLYPORT_VERIFIER_SHA256_H
#define SALLYPORT_VERIFIER_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

/* One computation at a time; one thread at a time. */
struct sha256;

/* Sets OpenSSL up, without its configuration file and without exit handlers. Called
 * before the cage, and before any thread. NULL when that is not possible. */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *s);
bool sha256_begin(struct sha256 *s);
bool sha256_add(struct sha256 *s, const void *bytes, size_t len);
bool sha256_end(struct sha256 *s, uint8_t hash[SHA256_LEN]);

#endif
