/*
 * The configuration: text in, one tree or one precise error out. Pure: no file, no
 * clock, no global is touched. Parsed by conf-check (which tells root the few things it
 * needs) and by the broker.
 *
 * Syntax in docs/man/sallyport.conf.5. The tree is read-only once parsed; all strings
 * and arrays belong to it and live until conf_free().
 */
#ifndef SALLYPORT_POLICY_CONF_H
#define SALLYPORT_POLICY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define CONF_TEXT_MAX (16u << 20) /* bytes of configuration text */
#define CONF_HOSTS_MAX 131072     /* host blocks */
#define CONF_SUBNETS_MAX 16384
#define CONF_POOLS_MAX 16 /* in a subnet */
#define CONF_ADDRS_MAX 8  /* routers, name servers */
#define CONF_IMAGE_MAX 63 /* length of an image name */
#define CONF_HOST_MAX 63
#define CONF_PARAMS_MAX 1024 /* bytes of "name=value\n" lines of one host */

/* What a machine is offered to boot. */
enum boot_choice {
	BOOT_UNSET, /* not said here: the next outer level decides */
	BOOT_DENY,  /* a lease without boot options: the disk boots */
	BOOT_IMAGE  /* the image named */
};

struct conf_link {
	char name[16];
	struct addr address; /* ADDR_NONE: the interface's first */
};

struct conf_pool {
	uint32_t first, last; /* IPv4, host order, inclusive, inside the subnet */
};

struct conf_subnet {
	uint32_t network; /* host order */
	uint8_t prefix;
	unsigned npools;
	struct conf_pool pools[CONF_POOLS_MAX];
	unsigned nrouters, ndns;
	struct addr routers[CONF_ADDRS_MAX], dns[CONF_ADDRS_MAX];
	char domain[254];    /* "" when not set */
	uint32_t lease_time; /* seconds */
};

struct conf_host {
	char name[CONF_HOST_MAX + 1];
	struct mac mac;
	struct addr address; /* reserved; ADDR_NONE: from a pool */
	enum boot_choice boot;
	char image[CONF_IMAGE_MAX + 1]; /* when boot is BOOT_IMAGE */
	uint16_t params_len;
	char params[CONF_PARAMS_MAX]; /* "name=value\n" lines */
};

struct conf {
	char state[201]; /* absolute paths */
	char images[201];
	char keyring[201];
	unsigned nlinks;
	struct conf_link links[LINKS_MAX];
	unsigned nsubnets;
	struct conf_subnet *subnets; /* sorted by network, none overlap */
	unsigned nhosts;
	struct conf_host *hosts; /* sorted by MAC, all different */
	unsigned nreserved;
	uint32_t *reserved; /* indices of hosts with an address, sorted by address */

	enum boot_choice default_boot; /* known machines without a choice */
	char default_image[CONF_IMAGE_MAX + 1];
	bool unknown_allow;            /* machines without a host block */
	enum boot_choice unknown_boot; /* what they get; UNSET: as default */
	char unknown_image[CONF_IMAGE_MAX + 1];
	bool ipxe_http;     /* iPXE loads by HTTP when it can */
	bool expired_serve; /* images past their expiry: true = serve */

	unsigned workers;               /* 0: one per core */
	uint16_t tftp_first, tftp_last; /* transfer ports */
	uint16_t http_port;
	uint16_t head_timeout, idle_timeout; /* seconds */
	uint32_t min_rate;                   /* bytes a second */
	uint16_t rate_window;                /* seconds */
	uint32_t conns_per_address;
	uint8_t landlock_min;  /* ABI below which the start is refused */
	uint8_t log_level;     /* enum log_level */
	uint64_t memory;       /* bytes of sealed image memory */
	uint32_t uid_base;     /* 0: named users */
	uint32_t sessions_max; /* boot sessions held at once */
	uint32_t session_time; /* seconds after its last request */
};

struct conf_error {
	unsigned line, column; /* from 1 */
	char text[200];        /* what was found and what was expected */
};

/* 0 and *conf; or ERR_FORMAT / ERR_RANGE / ERR_DUPLICATE / ERR_LONG / ERR_FULL (too many,
 * or no memory) with *error filled and *conf NULL; nothing is leaked. */
int conf_parse(
    const char *text, size_t len, struct conf **conf, struct conf_error *error) MUST_CHECK;
void conf_free(struct conf *conf);

/* The subnet that holds the address, NULL if none. */
const struct conf_subnet *conf_subnet_of(const struct conf *conf, const struct addr *a);
/* The host block of a MAC, NULL if none. */
const struct conf_host *conf_host_of(const struct conf *conf, const struct mac *mac);
/* The host block that reserves this address, NULL if none. */
const struct conf_host *conf_host_reserving(const struct conf *conf, const struct addr *a);

#endif
