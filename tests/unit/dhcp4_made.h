/*
 * DHCPv4 requests for tests: captured ones from the corpus, and made ones.
 */
#ifndef SALLYPORT_TEST_DHCP4_MADE_H
#define SALLYPORT_TEST_DHCP4_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/dhcp4.h"

#define OPTIONS(text) (text), sizeof(text) - 1
#define CORPUS "fuzz/corpus/dhcp4/"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct packet {
	size_t len;
	uint8_t b[1600];
};

static inline void
load(const char *name, struct packet *p)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, CORPUS "%s.bin", name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: run this at the root of the source tree", path);
	p->len = fread(p->b, 1, sizeof p->b, f);
	fclose(f);
}

/* Decodes from an allocation of the exact size, so that a sanitizer sees each overrun. */
static inline int
decode(const uint8_t *b, size_t len, struct dhcp4_request *q)
{
	uint8_t *exact = malloc(len + 1);
	int err;

	assert_non_null(exact);
	memcpy(exact + 1, b, len);
	err = dhcp4_decode(exact + 1, len, q);
	free(exact);
	return err;
}

static inline void
start(struct packet *p)
{
	static const uint8_t head[] = {1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 3, 0x80, 0};
	static const uint8_t mac[] = {0x52, 0x54, 0, 0x77, 0, 1};

	memset(p, 0, sizeof *p);
	memcpy(p->b, head, sizeof head);
	memcpy(p->b + 28, mac, sizeof mac);
	memcpy(p->b + 236, "\x63\x82\x53\x63", 4);
	p->len = 240;
}

static inline void
append(struct packet *p, const void *b, size_t n)
{
	memcpy(p->b + p->len, b, n);
	p->len += n;
}

static inline void
option(struct packet *p, uint8_t code, const void *b, size_t n)
{
	uint8_t head[2] = {code, (uint8_t)n};

	append(p, head, 2);
	append(p, b, n);
}

static inline int
decode_options(const void *options, size_t n, struct dhcp4_request *q)
{
	struct packet p;

	start(&p);
	append(&p, options, n);
	return decode(p.b, p.len, q);
}

#endif
