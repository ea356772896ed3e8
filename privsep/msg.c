/*
 * Codec of every message, generated from msgs.def. Runs in every process, on bytes
 * from other processes that may be owned: each length and range is checked here, each
 * meaning again by the handler.
 */
#include "privsep/msg.h"

#include <string.h>

#include "src/base/buf.h"

/* Writing: `out` goes bad when cap is too small; a broken maximum is kept in *err. */
static void
put_bytes(struct out *out, const void *b, size_t len, size_t max, int *err)
{
	if (len > max) {
		*err = ERR_RANGE;
		return;
	}
	out_u16_le(out, (uint16_t)len);
	out_copy(out, b, len);
}

static void
put_max(uint64_t v, uint64_t max, int *err)
{
	if (v > max)
		*err = ERR_RANGE;
}

static void
put_addr(struct out *out, const struct addr *a, int *err)
{
	if (!addr_is_canonical(a))
		*err = ERR_RANGE;
	out_u8(out, a->family);
	out_copy(out, a->b, sizeof a->b);
}

#define U8(f, max)               \
	put_max(m->f, max, err); \
	out_u8(out, m->f);
#define U16(f, max)              \
	put_max(m->f, max, err); \
	out_u16_le(out, m->f);
#define U32(f) out_u32_le(out, m->f);
#define U64(f) out_u64_le(out, m->f);
#define ADDR(f) put_addr(out, &m->f, err);
#define MAC(f) out_copy(out, m->f.b, sizeof m->f.b);
#define FIX(f, n) out_copy(out, m->f, n);
#define BYTES(f, max) put_bytes(out, m->f.b, m->f.len, max, err);
#define STR(f, max) put_bytes(out, m->f, strnlen(m->f, (max) + 1), max, err);
#define MSG(nr, NAME, name, from, to, flags, ...)                                        \
	static void encode_##name(const struct msg_##name *m, struct out *out, int *err) \
	{                                                                                \
		(void)err;                                                               \
		__VA_ARGS__                                                              \
	}
#include "privsep/msgs.def"
#undef MSG
#undef U8
#undef U16
#undef U32
#undef U64
#undef ADDR
#undef MAC
#undef FIX
#undef BYTES
#undef STR

int
msg_encode(const struct msg *m, uint8_t *bytes, size_t cap)
{
	struct out out;
	int err = 0;

	out_init(&out, bytes, cap);
	out_u16_le(&out, (uint16_t)m->nr);
	switch (m->nr) {
#define MSG(nr, NAME, name, from, to, flags, ...)      \
	case MSG_##NAME:                               \
		encode_##name(&m->u.name, &out, &err); \
		break;
#include "privsep/msgs.def"
#undef MSG
	default: return ERR_RANGE;
	}
	if (err != 0)
		return err;
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}

/* Reading: `in` goes bad on short input; a broken range is kept in *err. */
static uint64_t
get_max(uint64_t v, uint64_t max, int *err)
{
	if (v > max)
		*err = ERR_RANGE;
	return v;
}

static uint16_t
get_bytes(struct in *in, uint8_t *b, size_t max, int *err)
{
	uint16_t len = in_u16_le(in);

	if (len > max) {
		*err = ERR_RANGE;
		len = 0;
	}
	in_copy(in, b, len);
	memset(b + len, 0, max - len);
	return len;
}

static void
get_str(struct in *in, char *s, size_t max, int *err)
{
	uint16_t len = get_bytes(in, (uint8_t *)s, max, err);

	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			*err = ERR_RANGE;
	s[len] = '\0';
}

static void
get_addr(struct in *in, struct addr *a, int *err)
{
	a->family = in_u8(in);
	in_copy(in, a->b, sizeof a->b);
	if (!addr_is_canonical(a))
		*err = ERR_RANGE;
}

#define U8(f, max) m->f = (uint8_t)get_max(in_u8(in), max, err);
#define U16(f, max) m->f = (uint16_t)get_max(in_u16_le(in), max, err);
#define U32(f) m->f = in_u32_le(in);
#define U64(f) m->f = in_u64_le(in);
#define ADDR(f) get_addr(in, &m->f, err);
#define MAC(f) in_copy(in, m->f.b, sizeof m->f.b);
#define FIX(f, n) in_copy(in, m->f, n);
#define BYTES(f, max) m->f.len = get_bytes(in, m->f.b, max, err);
#define STR(f, max) get_str(in, m->f, max, err);
#define MSG(nr, NAME, name, from, to, flags, ...)                                \
	static void decode_##name(struct in *in, struct msg_##name *m, int *err) \
	{                                                                        \
		(void)err;                                                       \
		__VA_ARGS__                                                      \
	}
#include "privsep/msgs.def"
#undef MSG
#undef U8
#undef U16
#undef U32
#undef U64
#undef ADDR
#undef MAC
#undef FIX
#undef BYTES
#undef STR

int
msg_decode(const uint8_t *bytes, size_t len, struct msg *m)
{
	struct in in;
	int err = 0;

	in_init(&in, bytes, len);
	m->nr = (enum msg_nr)in_u16_le(&in);
	switch (m->nr) {
#define MSG(nr, NAME, name, from, to, flags, ...)     \
	case MSG_##NAME:                              \
		decode_##name(&in, &m->u.name, &err); \
		break;
#include "privsep/msgs.def"
#undef MSG
	default: return ERR_FORMAT;
	}
	if (!in_ok(&in))
		return ERR_SHORT;
	if (!in_done(&in))
		return ERR_LONG;
	return err;
}

struct entry {
	uint16_t nr;
	uint16_t flags;
	uint32_t from;
	uint32_t to;
	const char *name;
};

static const struct entry entries[] = {
#define MSG(nr, NAME, name, from, to, flags, ...) {nr, flags, from, to, #NAME},
#include "privsep/msgs.def"
#undef MSG
};

#define ENTRIES (sizeof entries / sizeof entries[0])

static const struct entry *
find(unsigned nr)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (entries[i].nr == nr)
			return &entries[i];
	return NULL;
}

const char *
msg_name(unsigned nr)
{
	const struct entry *e = find(nr);

	return e == NULL ? "?" : e->name;
}

bool
msg_permitted(unsigned nr, enum role from, enum role to)
{
	const struct entry *e = find(nr);

	return e != NULL && (e->from & 1u << from) != 0 && (e->to & 1u << to) != 0;
}

bool
msg_carries_fd(unsigned nr)
{
	const struct entry *e = find(nr);

	return e != NULL && (e->flags & CARRIES_FD) != 0;
}

unsigned
msg_number(unsigned i)
{
	return i < ENTRIES ? entries[i].nr : 0;
}
