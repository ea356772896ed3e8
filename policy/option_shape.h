/*
 * Internal to policy/option*.c: what text to bytes and bytes to text share.
 */
#ifndef SALLYPORT_POLICY_OPTION_SHAPE_H
#define SALLYPORT_POLICY_OPTION_SHAPE_H

#include "policy/option.h"

#define OPTION_TYPES (OPTION_EMPTY + 1u)
#define OPTION_DOMAIN_MAX 253 /* characters of a domain name, without a last dot */

struct option_shape {
	const char *name;
	bool many;            /* may have several pieces */
	const char *expected; /* what a piece looks like */
};

extern const struct option_shape option_shapes[OPTION_TYPES];

/* The bits of an address behind the prefix. */
uint32_t option_host_bits(unsigned prefix);
/* One byte or more, all of them printable ASCII. */
bool option_is_printable(const void *bytes, size_t len);
/* One label of a domain name: what RFC 1123 allows, and the underscore. */
bool option_is_label(const char *s, size_t len);
/* Labels with dots between them, none at the end. */
bool option_is_name(const char *name, size_t len);

#endif
