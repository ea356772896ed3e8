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

#define CONF_TEXT_MAX (16u << 20) /* bytes of configuration text, and of hosts.csv */
#define CONF_HOSTS_MAX 131072     /* host blocks */
#define CONF_SUBNETS_MAX 16384
#define CONF_POOLS_MAX 16 /* in a subnet */
#define CONF_ADDRS_MAX 8  /* routers, name servers */
#define CONF_IMAGE_MAX 63 /* length of an image name */
#define CONF_HOST_MAX 63
#define CONF_PARAMS_MAX 1024 /* bytes of "name=value\n" lines of one host */
#define CONF_CLASSES_MAX 64
#define CONF_SHARED_MAX 1024
#define CONF_OPTIONS_MAX 768  /* bytes of the encoded options of one scope */
#define CONF_KEY_MAX 260      /* bytes of one key of a host */
#define CONF_HOST_KEYS_MAX 16 /* keys of one host */
#define CONF_KEYS_MAX 524288  /* keys of all hosts */

/* What a machine is offered to boot. */
enum boot_choice {
	BOOT_UNSET, /* not said here: the next outer level decides */
	BOOT_DENY,  /* a lease without boot options: the disk boots */
	BOOT_IMAGE  /* the image named */
};

/* Option values of one scope as they go out: code, flags, length, value; codes ascending,
 * each once. Flags: bit 0, sent even to a client whose parameter request list (option 55)
 * does not name it. */
struct conf_options {
	const uint8_t *b; /* belongs to the tree; NULL when len is 0 */
	uint16_t len;     /* at most CONF_OPTIONS_MAX */
};
enum { CONF_OPTION_ALWAYS = 1 };

/*
 * What any level may say. Of several that apply to a machine the most specific that says
 * something wins, setting by setting and option by option: host, then classes in the order
 * of the file, pool, subnet, shared network, and what stands outside of all.
 */
struct conf_scope {
	struct conf_options options;
	uint32_t lease_time;      /* seconds; 0: not said here */
	uint32_t boot_lease_time; /* the same, for firmware and boot loaders */
	enum boot_choice boot;
	const char *image; /* when boot is BOOT_IMAGE, else NULL */
};

/* What we are on a link. */
enum conf_mode {
	MODE_UNSET, /* of a subnet: as the interface that the request came in on */
	MODE_FULL,  /* addresses and boot options */
	MODE_PROXY, /* boot options beside another server's leases */
	MODE_OFF    /* no DHCP at all; files are served */
};

/* What to do where another DHCP server answers. */
enum conf_rogue {
	ROGUE_REFUSE, /* full mode stays silent on that link, with an alert */
	ROGUE_WARN,
	ROGUE_IGNORE
};

struct conf_link {
	char name[16];
	struct addr address; /* ADDR_NONE: the interface's first */
	enum conf_mode mode; /* never MODE_UNSET */
	enum conf_rogue rogue;
};

/* Tests of a class: of each kind that it names one must hold. */
enum conf_test_kind {
	TEST_VENDOR,  /* option 60 begins with the bytes */
	TEST_USER,    /* one of the user classes is the bytes */
	TEST_ARCH,    /* number: enum arch */
	TEST_MAC,     /* the hardware address begins with the bytes */
	TEST_CIRCUIT, /* option 82.1 is the bytes */
	TEST_REMOTE,  /* option 82.2 is the bytes */
	TEST_RELAY,   /* giaddr in number/prefix */
	TEST_LINK,    /* number: index of the interface that it came in on */
	TEST_KINDS
};

struct conf_test {
	enum conf_test_kind kind;
	uint8_t len, prefix;
	uint32_t number;
	const uint8_t *b;
};

struct conf_class {
	const char *name;
	unsigned ntests;
	const struct conf_test *tests; /* sorted by kind; at least one */
	struct conf_scope scope;
};

/* Who may have addresses of a pool. */
enum conf_known { POOL_ANYBODY, POOL_KNOWN, POOL_UNKNOWN };

struct conf_pool {
	uint32_t first, last; /* IPv4, host order, inclusive, inside the subnet */
	uint64_t allow;       /* bit n: class n; 0: all */
	uint64_t deny;
	enum conf_known known;
	struct conf_scope scope;
};

struct conf_range {
	uint32_t first, last; /* IPv4, host order, inclusive */
};

/* Subnets that share one link: a machine there may get an address of any of them. */
struct conf_shared {
	const char *name;
	struct conf_scope scope;
};
#define CONF_NO_SHARED UINT32_MAX

struct conf_subnet {
	uint32_t network; /* host order */
	uint8_t prefix;
	unsigned npools;
	struct conf_pool pools[CONF_POOLS_MAX];
	unsigned nrouters, ndns;
	struct addr routers[CONF_ADDRS_MAX], dns[CONF_ADDRS_MAX];
	char domain[254];    /* "" when not set */
	uint32_t lease_time; /* seconds */
	struct conf_scope scope;
	enum conf_mode mode;
	uint32_t shared; /* index in conf->shared, CONF_NO_SHARED: in none */
	unsigned nexcluded;
	const struct conf_range *excluded; /* never leased from a pool; ascending */
};

/* By what a host block is found, and what the bytes are: the hardware address; option 61
 * whole; the 16 bytes of the UUID as option 97 has them; the relay port, see
 * conf_port_key(). */
enum conf_key { KEY_MAC, KEY_CLIENT_ID, KEY_UUID, KEY_PORT, KEY_KINDS };

struct conf_host_key {
	const uint8_t *b;
	uint32_t host; /* index in conf->hosts */
	uint32_t hash;
	uint16_t len;
	uint8_t kind; /* enum conf_key */
};

struct conf_host {
	const char *name;
	const char *params; /* "name=value\n" lines; not NULL */
	uint16_t params_len;
	uint16_t nkeys;      /* at least one */
	uint32_t first_key;  /* in conf->keys, where a host's keys stand together */
	struct addr address; /* reserved; ADDR_NONE: from a pool */
	struct conf_scope scope;
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
/* The host block of a MAC, NULL if none. */
const struct conf_host *conf_host_of(const struct conf *conf, const struct mac *mac);
/* The host block with that key, NULL if none. */
const struct conf_host *conf_host_find(
    const struct conf *conf, enum conf_key kind, const void *bytes, size_t len);
/* The first key of that kind, NULL if the host has none. */
const struct conf_host_key *conf_host_key(
    const struct conf *conf, const struct conf_host *h, enum conf_key kind);
/* As the configuration takes it and firmware shows it: the first three fields of option 97
 * have their bytes the other way round. Returns text. */
#define CONF_UUID_TEXT_MAX 37
const char *conf_uuid_format(const uint8_t uuid[16], char text[CONF_UUID_TEXT_MAX]);
/* The key of a relay port: circuit (82.1) and remote (82.2), each with its length before
 * it; one of the two may be empty. Returns the length, ERR_RANGE when a part is longer
 * than 128 bytes or both are empty. */
int conf_port_key(uint8_t key[CONF_KEY_MAX], const void *circuit, size_t circuit_len,
    const void *remote, size_t remote_len) MUST_CHECK;
/* The host block that reserves this address, NULL if none. */
const struct conf_host *conf_host_reserving(const struct conf *conf, const struct addr *a);

#endif
