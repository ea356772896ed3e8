/*
 * Lease files of other servers, and our own export, as leases to take over. Pure: a text
 * in, one call for each entry in the order of the file, or the first thing that is wrong
 * with its line and column. A later entry of an address replaces an earlier one (the files
 * of ISC dhcpd and Kea are journals): that is the caller's to do.
 */
#ifndef SALLYPORT_SALLYPORT_LEASEFILE_H
#define SALLYPORT_SALLYPORT_LEASEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/lines.h"
#include "src/base/ident.h"

#define LEASEFILE_ID_MAX 64
#define LEASEFILE_NEVER UINT64_MAX

enum file_state {
	FILE_BOUND,
	FILE_ENDED, /* given back, expired, never more than offered */
	FILE_RESTS  /* declined: nobody's */
};

/* Whom it is for, as the broker knows machines (struct lease_id). */
enum { FILE_NOBODY, FILE_HARDWARE, FILE_CLIENT, FILE_UUID };

struct file_lease {
	struct addr addr;
	enum file_state state;
	uint64_t until; /* seconds since 1970; LEASEFILE_NEVER */
	struct mac mac; /* zero: not said, or not six bytes long */
	uint8_t kind;
	uint8_t id_len;
	uint8_t id[LEASEFILE_ID_MAX];
	unsigned line; /* that the entry begins in */
};

typedef void leasefile_take(void *arg, const struct file_lease *l);

/* Each: 0, or ERR_FORMAT with *error filled; entries before it have been taken. */
typedef int leasefile_parse(const char *text, size_t len, leasefile_take *take, void *arg,
    struct text_error *error);

/* "expiry mac address name client-id" lines; IPv6 entries are passed over. */
leasefile_parse leasefile_dnsmasq;
/* dhcpd.leases(5); statements other than leases are passed over. */
leasefile_parse leasefile_isc;
/* kea-leases4.csv of the memfile backend. */
leasefile_parse leasefile_kea;
/* What `sallyport lease export --format csv` writes. */
leasefile_parse leasefile_csv;

/* NULL when there is no such format. */
leasefile_parse *leasefile_format(const char *name);

#endif
