/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short-input hash under a secret key. Any
 * process; trusts nothing about the bytes.
 */
#include "src/base/hash.h"

#include <sys/random.h>

#include "src/base/err.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
turn(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
mix(struct sip *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v1 = turn(s->v1, 13) ^ s->v0;
		s->v0 = turn(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = turn(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = turn(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = turn(s->v1, 17) ^ s->v2;
		s->v2 = turn(s->v2, 32);
	}
}

static uint64_t
word_le(const uint8_t *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

static void
absorb(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

uint64_t
hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
	struct sip s = {
	    key->k0 ^ UINT64_C(0x736f6d6570736575),
	    key->k1 ^ UINT64_C(0x646f72616e646f6d),
	    key->k0 ^ UINT64_C(0x6c7967656e657261),
	    key->k1 ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *p = bytes;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		absorb(&s, word_le(p, 8));
	absorb(&s, word_le(p, left) | (uint64_t)(len & 0xff) << 56);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void
hash_key_random(struct hash_key *key)
{
	if (getrandom(key, sizeof *key, 0) != (ssize_t)sizeof *key)
		bug("no random numbers");
}
