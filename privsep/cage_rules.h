/*
 * How a role's table in policy/cage/<role>.c says what it may ask of the kernel. Only
 * the build-time exporter includes this; what a process loads is generated from it.
 *
 * Each rule allows one system call. Up to six conditions on its arguments must all hold.
 * A call may have several rules (any one suffices), but then each must have conditions,
 * and no two may be equal: the exporter refuses what libseccomp would silently widen.
 */
#ifndef SALLYPORT_PRIVSEP_CAGE_RULES_H
#define SALLYPORT_PRIVSEP_CAGE_RULES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "privsep/cage.h"
#include "privsep/roles.h"

/* One condition: (argument & mask) == value, on all 64 bits of the argument. */
struct cage_test {
	uint8_t used;
	uint8_t arg;
	uint64_t mask;
	uint64_t value;
};

struct cage_rule {
	const char *why; /* one line for the reviewer */
	int nr;
	struct cage_test tests[6];
};

/* An int argument equals v; the kernel ignores the upper half, so do we: it must be zero
 * here, which is stricter. */
#define IS(n, v)                                  \
	{                                         \
		1, (n), UINT64_MAX, (uint64_t)(v) \
	}
/* Like IS for -1 and other negative ints, which arrive with either upper half. */
#define IS32(n, v)                                 \
	{                                          \
		1, (n), 0xffffffffu, (uint32_t)(v) \
	}
/* No bit outside `bits` is set. */
#define ONLY(n, bits)                        \
	{                                    \
		1, (n), ~(uint64_t)(bits), 0 \
	}
/* A number in an aligned block of `size` (a power of two) from `first`. */
#define BLOCK(n, first, size)                          \
	{                                              \
		1, (n), ~(uint64_t)((size)-1), (first) \
	}
/* Bit `bit` is set, and none above bit 15. */
#define BIT(n, bit)                                                                    \
	{                                                                              \
		1, (n), ~UINT64_C(0xffff) | UINT64_C(1) << (bit), UINT64_C(1) << (bit) \
	}

/* Descriptors that are nobody's channel: FD_FREE (128) to 65535. One rule a bit, for a
 * ">=" of libseccomp compares 64 bits and is passed by 0x100000003; and one condition a
 * rule, for libseccomp takes only one on each argument. */
#define FREE_FD_RULES(nr, why)                                                         \
	{why, nr, {BIT(0, 7)}}, {why, nr, {BIT(0, 8)}}, {why, nr, {BIT(0, 9)}},        \
	    {why, nr, {BIT(0, 10)}}, {why, nr, {BIT(0, 11)}}, {why, nr, {BIT(0, 12)}}, \
	    {why, nr, {BIT(0, 13)}}, {why, nr, {BIT(0, 14)}},                          \
	{                                                                              \
		why, nr,                                                               \
		{                                                                      \
			BIT(0, 15)                                                     \
		}                                                                      \
	}

/* The same with further conditions, equal in each. */
#define FREE_FD_AND(nr, why, ...)                                                       \
	{why, nr, {BIT(0, 7), __VA_ARGS__}}, {why, nr, {BIT(0, 8), __VA_ARGS__}},       \
	    {why, nr, {BIT(0, 9), __VA_ARGS__}}, {why, nr, {BIT(0, 10), __VA_ARGS__}},  \
	    {why, nr, {BIT(0, 11), __VA_ARGS__}}, {why, nr, {BIT(0, 12), __VA_ARGS__}}, \
	    {why, nr, {BIT(0, 13), __VA_ARGS__}}, {why, nr, {BIT(0, 14), __VA_ARGS__}}, \
	{                                                                               \
		why, nr,                                                                \
		{                                                                       \
			BIT(0, 15), __VA_ARGS__                                         \
		}                                                                       \
	}

_Static_assert(FD_FREE == 1 << 7, "the lowest bit of the free numbers");

/* What policy/cage/<role>.c defines. */
extern const struct cage_rule cage_rules[];
extern const size_t cage_rules_count;
extern const struct cage_limits cage_role_limits;
extern const bool cage_reads_store;

#endif
