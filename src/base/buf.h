/*
 * A bounded cursor: the only way this project reads bytes that came from
 * outside, and the only way it writes bytes that go there.
 *
 * A reader (struct in) and a writer (struct out) never move past their end.
 * The first access that would do so makes the cursor bad; a bad cursor reads
 * zeros, writes nothing and stays bad, so that a codec may do a run of accesses
 * and look once at in_ok() / out_ok() at the end of the run. Multi-byte numbers
 * are big-endian (network order) unless the name ends in _le.
 */
#ifndef SALLYPORT_BASE_BUF_H
#define SALLYPORT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct in {
	const uint8_t *p; /* next byte; borrowed, never freed */
	size_t left;      /* bytes from p to the end */
	bool bad;
};

struct out {
	uint8_t *start; /* borrowed */
	size_t len;     /* bytes written */
	size_t cap;
	bool bad;
};

void in_init(struct in *in, const void *bytes, size_t len);
bool in_ok(const struct in *in);
/* All consumed and never overrun. */
bool in_done(const struct in *in);
size_t in_left(const struct in *in);
uint8_t in_u8(struct in *in);
uint16_t in_u16(struct in *in);
uint32_t in_u32(struct in *in);
uint16_t in_u16_le(struct in *in);
uint32_t in_u32_le(struct in *in);
uint64_t in_u64_le(struct in *in);
/* Copies n bytes to dst; zero-fills dst when fewer are left. */
void in_copy(struct in *in, void *dst, size_t n);
void in_skip(struct in *in, size_t n);
/* Borrows the next n bytes and moves past them; NULL when fewer are left. */
const uint8_t *in_take(struct in *in, size_t n);
/* A cursor over the next n bytes, which are skipped here. Bad when fewer are left. */
struct in in_sub(struct in *in, size_t n);

void out_init(struct out *out, void *bytes, size_t cap);
bool out_ok(const struct out *out);
size_t out_room(const struct out *out);
void out_u8(struct out *out, uint8_t v);
void out_u16(struct out *out, uint16_t v);
void out_u32(struct out *out, uint32_t v);
void out_u16_le(struct out *out, uint16_t v);
void out_u32_le(struct out *out, uint32_t v);
void out_u64_le(struct out *out, uint64_t v);
void out_copy(struct out *out, const void *src, size_t n);
void out_fill(struct out *out, uint8_t v, size_t n);
/* Text without its NUL. */
void out_text(struct out *out, const char *text);

#endif
