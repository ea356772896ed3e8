/*
 * Addresses, hardware addresses and architectures as text and back. Linked by
 * every process; pure.
 */
#include "src/base/ident.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct addr
addr_v4(uint32_t host_order)
{
	struct addr a = {.family = ADDR_V4};

	a.b[0] = (uint8_t)(host_order >> 24);
	a.b[1] = (uint8_t)(host_order >> 16);
	a.b[2] = (uint8_t)(host_order >> 8);
	a.b[3] = (uint8_t)host_order;
	return a;
}

uint32_t
addr_to_v4(const struct addr *a)
{
	if (a->family != ADDR_V4)
		return 0;
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 |
	       a->b[3];
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n-- > 0)
		any |= *p++;
	return any == 0;
}

bool
addr_is_unset(const struct addr *a)
{
	return a->family == ADDR_NONE || all_zero(a->b, sizeof a->b);
}

bool
addr_is_canonical(const struct addr *a)
{
	switch (a->family) {
	case ADDR_NONE: return all_zero(a->b, sizeof a->b);
	case ADDR_V4: return all_zero(a->b + 4, sizeof a->b - 4);
	case ADDR_V6: return true;
	default: return false;
	}
}

/* By hand, for each packet needs some: a tenth of what printf takes. */
static char *
put_decimal(char *p, unsigned n)
{
	if (n >= 100)
		*p++ = (char)('0' + n / 100);
	if (n >= 10)
		*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

const char *
addr_format(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	char *p = text;

	if (a->family == ADDR_V4) {
		for (unsigned i = 0; i < 4; i++) {
			p = put_decimal(p, a->b[i]);
			*p++ = i < 3 ? '.' : '\0';
		}
	} else if (a->family != ADDR_V6 ||
		   inet_ntop(AF_INET6, a->b, text, ADDR_TEXT_MAX) == NULL) {
		text[0] = '-';
		text[1] = '\0';
	}
	return text;
}

int
addr_parse(const char *text, struct addr *a)
{
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, text, a->b) == 1) {
		a->family = ADDR_V4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, a->b) == 1) {
		a->family = ADDR_V6;
		return 0;
	}
	memset(a, 0, sizeof *a);
	return ERR_FORMAT;
}

const char *
mac_format(const struct mac *m, char text[MAC_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof m->b; i++) {
		text[3 * i] = hex[m->b[i] >> 4];
		text[3 * i + 1] = hex[m->b[i] & 15];
		text[3 * i + 2] = i + 1 < sizeof m->b ? ':' : '\0';
	}
	return text;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
mac_parse(const char *text, struct mac *m)
{
	if (strlen(text) != MAC_TEXT_MAX - 1)
		return ERR_FORMAT;
	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = hex_digit(text[1]);

		if (high < 0 || low < 0)
			return ERR_FORMAT;
		if (i < 5 && text[2] != ':' && text[2] != '-')
			return ERR_FORMAT;
		m->b[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

bool
mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool
mac_is_unusable(const struct mac *m)
{
	return (m->b[0] & 1) != 0 || all_zero(m->b, sizeof m->b);
}

static const char *const arch_names[ARCH_MAX] = {
#define X(name, text) text,
    ARCH_LIST(X)
#undef X
};

const char *
arch_name(enum arch arch)
{
	return (unsigned)arch < ARCH_MAX ? arch_names[arch] : "none";
}

enum arch
arch_parse(const char *name)
{
	for (unsigned i = ARCH_NONE + 1; i < ARCH_MAX; i++)
		if (strcmp(arch_names[i], name) == 0)
			return (enum arch)i;
	return ARCH_MAX;
}

enum arch
arch_from_code(uint16_t code, bool *http)
{
	static const struct {
		uint16_t code;
		uint8_t arch;
		bool http;
	} codes[] = {
	    {0x00, ARCH_BIOS, false},
	    {0x06, ARCH_X86, false},
	    {0x07, ARCH_X64, false},
	    {0x08, ARCH_X64, false}, /* some x86 vendors, by the RFC 4578 erratum */
	    {0x09, ARCH_X64, false},
	    {0x0a, ARCH_ARM32, false},
	    {0x0b, ARCH_ARM64, false},
	    {0x0f, ARCH_X86, true},
	    {0x10, ARCH_X64, true},
	    {0x11, ARCH_X64, true},
	    {0x12, ARCH_ARM32, true},
	    {0x13, ARCH_ARM64, true},
	    {0x14, ARCH_BIOS, true},
	    {0x15, ARCH_ARM32, false},
	    {0x16, ARCH_ARM64, false},
	    {0x17, ARCH_ARM32, true},
	    {0x18, ARCH_ARM64, true},
	    {0x1b, ARCH_RISCV64, false},
	    {0x1c, ARCH_RISCV64, true},
	    {0x27, ARCH_LOONGARCH64, false},
	    {0x28, ARCH_LOONGARCH64, true},
	};

	*http = false;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i].code == code) {
			*http = codes[i].http;
			return (enum arch)codes[i].arch;
		}
	}
	return ARCH_NONE;
}
