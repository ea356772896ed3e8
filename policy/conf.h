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

#include "policy/conf_host.h"
#include "policy/conf_level.h"
#include "policy/conf_net.h"
#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define CONF_TEXT_MAX (16u << 20) /* bytes of configuration text, and of hosts.csv */

/* A private key of HTTPS and the certificates that speak for it: files, PEM. */
struct conf_cert {
	char certificate[201], key[201];
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
	struct conf_host *hosts; /* in the order of the files */
	unsigned nkeys;
	struct conf_host_key *keys; /* in the order of the hosts, all different */
	uint32_t key_mask;          /* number of slots minus one */
	uint32_t *key_slots;        /* hash table: index in keys plus one; 0: free */
	unsigned nreserved;
	uint32_t *reserved; /* indices of hosts with an address, sorted by address */

	enum boot_choice default_boot; /* known machines without a choice */
	char default_image[CONF_IMAGE_MAX + 1];
	bool unknown_allow;            /* machines without a host block */
	enum boot_choice unknown_boot; /* what they get; UNSET: as default */
	char unknown_image[CONF_IMAGE_MAX + 1];
	unsigned nopen;
	struct conf_open open[CONF_OPEN_MAX];
	bool ipxe_http;     /* iPXE loads by HTTP when it can */
	bool expired_serve; /* images past their expiry: true = serve */

	unsigned workers;                   /* 0: one per core */
	uint16_t tftp_first, tftp_last;     /* transfer ports */
	bool tftp_single;                   /* transfers come from port 69 */
	bool tftp_any_case;                 /* names count in either case */
	uint8_t tftp_rollover;              /* block number after 65535 */
	uint16_t tftp_window, tftp_blksize; /* granted at most */
	uint32_t transfers_per_address;
	uint16_t http_port;
	uint16_t head_timeout, idle_timeout; /* seconds */
	uint32_t min_rate;                   /* bytes a second */
	uint16_t rate_window;                /* seconds */
	uint32_t conns_per_address;

	uint16_t https_port;  /* 0: no HTTPS */
	uint16_t tls_workers; /* 0: one per worker */
	unsigned ncerts;
	struct conf_cert certs[KEYS_MAX];
	char client_ca[201];   /* "": none */
	uint8_t verify_client; /* certificates of clients: 0 no, 1 optional, 2 required */
	bool rsa_exchange;     /* TLS 1.2 without forward secrecy */
	bool ipxe_https;       /* iPXE loads by HTTPS when it can */
	bool boot_https;       /* UEFI HTTP Boot is told https:// */
	uint8_t landlock_min;  /* ABI below which the start is refused */
	uint8_t log_level;     /* enum log_level */
	uint64_t memory;       /* bytes of sealed image memory */
	uint32_t uid_base;     /* 0: named users */
	uint32_t sessions_max; /* boot sessions held at once */
	uint32_t session_time; /* seconds after its last request */

	struct conf_scope scope; /* what stands outside of every block */
	unsigned nclasses;
	struct conf_class *classes; /* in the order of the file */
	unsigned nshared;
	struct conf_shared *shared;

	bool authoritative;       /* NAK what is wrong for the link (RFC 2131, 4.3.2) */
	bool bootp;               /* answer clients that know BOOTP only */
	bool probe;               /* ask whether an address is in use before offering it */
	uint16_t probe_ms;        /* how long an answer is waited for */
	uint32_t quarantine;      /* seconds that an address in use rests */
	uint32_t client_rate;     /* requests of one client in ten seconds; 0: any */
	uint32_t link_rate;       /* DISCOVERs of a link or relay a second; 0: any */
	uint32_t leases_per_port; /* of one relay port at once; 0: any */
	uint8_t pool_share;       /* percent of a subnet's pools for unknown machines */
	uint32_t control_gid;     /* its members may read; 0: only root */

	struct conf_chunk *chunks; /* what all the pointers above point into */
};

/* What the operator wrote; borrowed for the call. */
struct conf_text {
	const char *conf;
	size_t conf_len;   /* at most CONF_TEXT_MAX, here and below */
	const char *hosts; /* hosts.csv */
	size_t hosts_len;  /* 0: there is none, or nothing in it */
};

enum conf_file { CONF_FILE_CONF, CONF_FILE_HOSTS };

struct conf_error {
	enum conf_file file;
	unsigned line, column; /* from 1 */
	char text[320];        /* what was found and what was expected */
};

/* 0 and *conf; or ERR_FORMAT / ERR_RANGE / ERR_DUPLICATE / ERR_LONG / ERR_ABSENT (a name
 * that is not declared) / ERR_DENIED (not to be set) / ERR_FULL (too many, or no memory)
 * with *error filled and *conf NULL; nothing is leaked. */
int conf_parse(
    const struct conf_text *text, struct conf **conf, struct conf_error *error) MUST_CHECK;
void conf_free(struct conf *conf);

/* The subnet that holds the address, NULL if none. */
const struct conf_subnet *conf_subnet_of(const struct conf *conf, const struct addr *a);

/* The next rule from *n on (0 at first) that opens an image to the address, NULL when
 * there is none; *n is where to go on. */
const struct conf_open *conf_next_open(
    const struct conf *conf, const struct addr *a, unsigned *n);

#endif
