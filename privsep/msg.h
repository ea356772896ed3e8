/*
 * Messages between processes, all generated from msgs.def: structs, encoding,
 * decoding with exact length and range checks, names, and who may send what to whom.
 *
 * On the wire: u16 number, then the fields; little-endian; no padding.
 */
#ifndef SALLYPORT_PRIVSEP_MSG_H
#define SALLYPORT_PRIVSEP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

/* No message is longer; every receive buffer has this size. */
#define MSG_SIZE_MAX 2304

/* The content types that file-sender can write. */
enum content {
	CONTENT_BINARY, /* application/octet-stream */
	CONTENT_TEXT,   /* text/plain */
	CONTENT_EFI,    /* application/efi */
	CONTENT_ISO,    /* application/vnd.efi-iso */
	CONTENT_IMG,    /* application/vnd.efi-img */
	CONTENT_MAX
};

/* Kinds of PROBE_TELL and HEARD_TELL. */
enum {
	LINK_ARP,   /* who uses an address on the link */
	LINK_ECHO,  /* who uses one behind a router */
	LINK_SERVER /* other DHCP servers */
};

enum msg_nr {
#define MSG(nr, NAME, name, from, to, flags, ...) MSG_##NAME = nr,
#include "privsep/msgs.def"
#undef MSG
};

enum { CARRIES_FD = 1 };

#define U8(f, max) uint8_t f;
#define U16(f, max) uint16_t f;
#define U32(f) uint32_t f;
#define U64(f) uint64_t f;
#define ADDR(f) struct addr f;
#define MAC(f) struct mac f;
#define FIX(f, n) uint8_t f[n];
#define BYTES(f, max)           \
	struct {                \
		uint16_t len;   \
		uint8_t b[max]; \
	} f;
#define STR(f, max) char f[(max) + 1];
#define MSG(nr, NAME, name, from, to, flags, ...) \
	struct msg_##name {                       \
		__VA_ARGS__                       \
	};
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

struct msg {
	enum msg_nr nr;
	union {
#define MSG(nr, NAME, name, from, to, flags, ...) struct msg_##name name;
#include "privsep/msgs.def"
#undef MSG
	} u;
};

/* Writes m to bytes and returns its length, or ERR_RANGE when a field breaks its
 * maximum (a mistake of ours: the sender's), ERR_LONG when cap is too small. */
int msg_encode(const struct msg *m, uint8_t *bytes, size_t cap) MUST_CHECK;
/* Reads exactly one message. 0, or ERR_FORMAT (number not known), ERR_SHORT, ERR_LONG,
 * ERR_RANGE; m is then undefined and must not be used. */
int msg_decode(const uint8_t *bytes, size_t len, struct msg *m) MUST_CHECK;
/* "DHCP_TELL"; "?" for a number that does not exist. */
const char *msg_name(unsigned nr);
/* May `from` send message nr to `to`? */
bool msg_permitted(unsigned nr, enum role from, enum role to);
bool msg_carries_fd(unsigned nr);
/* Every number, in file order, for tests: 0 ends. */
unsigned msg_number(unsigned i);

#endif
