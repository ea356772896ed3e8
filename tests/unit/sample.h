/*
 * A filled-in message of every kind, made from msgs.def itself: each field at its
 * maximum ("full") or at its least.
 */
#ifndef SALLYPORT_TESTS_SAMPLE_H
#define SALLYPORT_TESTS_SAMPLE_H

#include <stdbool.h>
#include <string.h>

#include "privsep/msg.h"

#define U8(f, max) m->f = full ? (uint8_t)(max) : 0;
#define U16(f, max) m->f = full ? (uint16_t)(max) : 0;
#define U32(f) m->f = full ? UINT32_MAX : 0;
#define U64(f) m->f = full ? UINT64_MAX : 0;
#define ADDR(f)                                      \
	memset(&m->f, full ? 0xfe : 0, sizeof m->f); \
	m->f.family = full ? ADDR_V6 : ADDR_NONE;
#define MAC(f) memset(&m->f, full ? 0xfe : 0, sizeof m->f);
#define FIX(f, n) memset(m->f, full ? 0xfe : 0, n);
#define BYTES(f, max)                  \
	memset(&m->f, 0, sizeof m->f); \
	m->f.len = full ? (max) : 0;   \
	memset(m->f.b, full ? 0xfe : 0, max);
#define STR(f, max)                   \
	memset(m->f, 0, sizeof m->f); \
	memset(m->f, full ? 'z' : 0, max);
#define MSG(nr, NAME, name, from, to, flags, ...)                         \
	static inline void sample_##name(struct msg_##name *m, bool full) \
	{                                                                 \
		__VA_ARGS__                                               \
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

static inline void
sample_message(unsigned nr, struct msg *m, bool full)
{
	memset(m, 0, sizeof *m);
	m->nr = (enum msg_nr)nr;
	switch (m->nr) {
#define MSG(nr_, NAME, name, from, to, flags, ...) \
	case MSG_##NAME:                           \
		sample_##name(&m->u.name, full);   \
		break;
#include "privsep/msgs.def"
#undef MSG
	}
}

#endif
