/*
 * The bounded cursor. Linked by every process; all parsing of hostile bytes
 * goes through here, so each function checks before it moves.
 */
#include "src/base/buf.h"

#include <string.h>

void
in_init(struct in *in, const void *bytes, size_t len)
{
	in->p = bytes;
	in->left = len;
	in->bad = false;
}

bool
in_ok(const struct in *in)
{
	return !in->bad;
}

bool
in_done(const struct in *in)
{
	return !in->bad && in->left == 0;
}

size_t
in_left(const struct in *in)
{
	return in->bad ? 0 : in->left;
}

const uint8_t *
in_take(struct in *in, size_t n)
{
	const uint8_t *p = in->p;

	if (in->bad || n > in->left) {
		in->bad = true;
		return NULL;
	}
	in->left -= n;
	if (n > 0)
		in->p += n;
	return p;
}

void
in_skip(struct in *in, size_t n)
{
	(void)in_take(in, n);
}

void
in_copy(struct in *in, void *dst, size_t n)
{
	const uint8_t *p = in_take(in, n);

	if (n == 0)
		return;
	if (p == NULL)
		memset(dst, 0, n);
	else
		memcpy(dst, p, n);
}

struct in
in_sub(struct in *in, size_t n)
{
	struct in sub = {.p = in->p, .left = n, .bad = false};

	if (in_take(in, n) == NULL && in->bad) {
		sub.left = 0;
		sub.bad = true;
	}
	return sub;
}

uint8_t
in_u8(struct in *in)
{
	const uint8_t *p = in_take(in, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
in_u16(struct in *in)
{
	const uint8_t *p = in_take(in, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
in_u32(struct in *in)
{
	const uint8_t *p = in_take(in, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint16_t
in_u16_le(struct in *in)
{
	const uint8_t *p = in_take(in, 2);

	return p == NULL ? 0 : (uint16_t)(p[1] << 8 | p[0]);
}

uint32_t
in_u32_le(struct in *in)
{
	const uint8_t *p = in_take(in, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

uint64_t
in_u64_le(struct in *in)
{
	uint64_t low = in_u32_le(in);
	uint64_t high = in_u32_le(in);

	return high << 32 | low;
}

void
out_init(struct out *out, void *bytes, size_t cap)
{
	out->start = bytes;
	out->len = 0;
	out->cap = cap;
	out->bad = false;
}

bool
out_ok(const struct out *out)
{
	return !out->bad;
}

size_t
out_room(const struct out *out)
{
	return out->bad ? 0 : out->cap - out->len;
}

void
out_copy(struct out *out, const void *src, size_t n)
{
	if (out->bad || n > out->cap - out->len) {
		out->bad = true;
		return;
	}
	if (n > 0)
		memcpy(out->start + out->len, src, n);
	out->len += n;
}

void
out_fill(struct out *out, uint8_t v, size_t n)
{
	if (out->bad || n > out->cap - out->len) {
		out->bad = true;
		return;
	}
	if (n > 0)
		memset(out->start + out->len, v, n);
	out->len += n;
}

void
out_text(struct out *out, const char *text)
{
	out_copy(out, text, strlen(text));
}

void
out_u8(struct out *out, uint8_t v)
{
	out_copy(out, &v, 1);
}

void
out_u16(struct out *out, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	out_copy(out, b, sizeof b);
}

void
out_u32(struct out *out, uint32_t v)
{
	uint8_t b[4] = {
	    (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	out_copy(out, b, sizeof b);
}

void
out_u16_le(struct out *out, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	out_copy(out, b, sizeof b);
}

void
out_u32_le(struct out *out, uint32_t v)
{
	uint8_t b[4] = {
	    (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	out_copy(out, b, sizeof b);
}

void
out_u64_le(struct out *out, uint64_t v)
{
	out_u32_le(out, (uint32_t)v);
	out_u32_le(out, (uint32_t)(v >> 32));
}
