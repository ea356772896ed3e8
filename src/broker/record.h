/*
 * A lease as it stands in the store: one record an address. Encoding is explicit,
 * little-endian, versioned (older ones are still read), and ends in a CRC-32, for LMDB
 * keeps none: a page that the disk has damaged must not become somebody's lease.
 */
#ifndef SALLYPORT_BROKER_RECORD_H
#define SALLYPORT_BROKER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/match.h"
#include "src/base/ident.h"

#define RECORD_ID_MAX 64
#define RECORD_KEY_MAX 16
#define RECORD_SIZE_MAX 256

/* Whom a lease belongs to. kind: 1 hardware address (htype, then its bytes), 2 client
 * identifier (option 61 whole), 3 machine UUID (option 97 whole). */
enum { ID_NONE = 0, ID_HARDWARE = 1, ID_CLIENT = 2, ID_UUID = 3 };

struct lease_id {
	uint8_t kind; /* ID_NONE: nobody's */
	uint8_t len;
	uint8_t b[RECORD_ID_MAX]; /* zero after len */
};

enum record_state {
	RECORD_RELEASED = 0, /* free, but remembered for its last holder */
	RECORD_BOUND = 1,
	RECORD_DECLINED = 2 /* in use by somebody who did not ask us */
};

struct record {
	struct addr addr; /* the key */
	enum record_state state;
	uint64_t expires; /* seconds since 1970 */
	uint64_t written; /* seconds since 1970 */
	uint8_t link;
	struct lease_id id;
	uint64_t ingress; /* lease_ingress(); 0: not known */
	bool known;       /* it had a host block */
	struct mac mac;
	/* The boot session of the machine; session 0: none. */
	uint32_t session;
	enum arch arch;
	bool http, ipxe;
	struct addr server;
	char image[CONF_IMAGE_MAX + 1];
	struct match_past past; /* what the image was chosen by; all 0: not known */
};

/* 4 or 16 bytes: the address. Returns the length, or ERR_RANGE for another family. */
int record_key_encode(const struct addr *addr, uint8_t key[RECORD_KEY_MAX]) MUST_CHECK;
/* 0, or ERR_FORMAT for any other length. */
int record_key_decode(const uint8_t *key, size_t len, struct addr *addr) MUST_CHECK;
/* The length, or ERR_RANGE / ERR_LONG. Does not contain the key. */
int record_encode(const struct record *r, uint8_t *bytes, size_t cap) MUST_CHECK;
/* 0, or ERR_SHORT, ERR_LONG, ERR_FORMAT (checksum, shape), ERR_UNSUPPORTED (version),
 * ERR_RANGE. r->addr is the caller's to set. On failure *r is not touched. */
int record_decode(const uint8_t *bytes, size_t len, struct record *r) MUST_CHECK;

bool lease_id_equal(const struct lease_id *a, const struct lease_id *b);

#endif
