/*
 * Keyed hashing for tables whose keys a peer chooses: SipHash-2-4. With a key that the
 * peer does not know it cannot make entries collide.
 */
#ifndef SALLYPORT_BASE_HASH_H
#define SALLYPORT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* A key from the kernel's random numbers. Called before the cage; a kernel that gives
 * none is a bug(). */
void hash_key_random(struct hash_key *key);
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);

#endif
