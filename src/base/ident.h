/*
 * Who is who: addresses, hardware addresses, and client architectures, with
 * their text forms. Leaf utilities on libc only.
 */
#ifndef SALLYPORT_BASE_IDENT_H
#define SALLYPORT_BASE_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* An address of any family. IPv4 uses b[0..3] in network order, the rest zero. */
enum { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
	uint8_t family; /* ADDR_NONE, ADDR_V4 or ADDR_V6 */
	uint8_t b[16];
};

struct mac {
	uint8_t b[6];
};

#define ADDR_TEXT_MAX 46 /* with NUL */
#define MAC_TEXT_MAX 18  /* with NUL */

struct addr addr_v4(uint32_t host_order);
/* The IPv4 address in host order; 0 when a is not IPv4. */
uint32_t addr_to_v4(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* ADDR_NONE, or an all-zero address. */
bool addr_is_unset(const struct addr *a);
/* Family is known and every byte that the family does not use is zero. */
bool addr_is_canonical(const struct addr *a);
/* Writes the text form ("-" for ADDR_NONE) and returns text. */
const char *addr_format(const struct addr *a, char text[ADDR_TEXT_MAX]);
/* Parses a dotted quad or an IPv6 literal. 0 or ERR_FORMAT. */
int addr_parse(const char *text, struct addr *a) MUST_CHECK;

const char *mac_format(const struct mac *m, char text[MAC_TEXT_MAX]);
/* aa:bb:cc:dd:ee:ff, also with dashes, either case. 0 or ERR_FORMAT. */
int mac_parse(const char *text, struct mac *m) MUST_CHECK;
bool mac_equal(const struct mac *a, const struct mac *b);
/* A group address (multicast or broadcast) or all zeros: never a client's own. */
bool mac_is_unusable(const struct mac *m);

/* What kind of machine boots: the names that manifests use. */
#define ARCH_LIST(X)               \
	X(ARCH_NONE, "none")       \
	X(ARCH_BIOS, "bios")       \
	X(ARCH_X86, "x86")         \
	X(ARCH_X64, "x64")         \
	X(ARCH_ARM32, "arm32")     \
	X(ARCH_ARM64, "arm64")     \
	X(ARCH_RISCV64, "riscv64") \
	X(ARCH_LOONGARCH64, "loongarch64")

enum arch {
#define X(name, text) name,
	ARCH_LIST(X)
#undef X
	    ARCH_MAX
};

const char *arch_name(enum arch arch);
/* ARCH_MAX when the name is not known. */
enum arch arch_parse(const char *name);
/* From DHCPv4 option 93 / DHCPv6 option 61 (RFC 4578, RFC 5970; codes 7, 8 and 9 all
 * mean x64). *http says whether the code asks for HTTP boot. ARCH_NONE if unknown. */
enum arch arch_from_code(uint16_t code, bool *http);

/* The boot scripts that an image can have templates of; also bit numbers in messages. */
enum template_kind { TEMPLATE_IPXE, TEMPLATE_GRUB, TEMPLATE_PXELINUX, TEMPLATE_MAX };

#endif
