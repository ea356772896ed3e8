/*
 * Internal to the configuration: what scanner, grammar and tree building share. Only
 * policy/conf*.c and the generated scanner and grammar include this.
 *
 * A build function returns 0, or a negative enum err after build_fail() has filled the
 * one error that there is; the grammar stops at the first.
 */
#ifndef SALLYPORT_POLICY_CONF_BUILD_H
#define SALLYPORT_POLICY_CONF_BUILD_H

#include "policy/conf.h"
#include "policy/conf_once.h"
#include "policy/option.h"

/* Where something stands; line and column count from 1, columns in bytes. */
struct place {
	unsigned line, column;
	enum conf_file file;
};

/* A piece of the text, borrowed; a quoted text includes its quotes. */
struct slice {
	const char *at;
	uint32_t len;
};

/* Where a host says what is checked when all hosts are known. */
struct host_place {
	struct place name, address;
};

/* What one level says, while it is being read. */
struct scope_draft {
	struct place lease_at, boot_lease_at, boot_at; /* line 0: not said */
	uint32_t lease_time, boot_lease_time;
	enum boot_choice boot;
	struct slice image; /* without quotes */
	uint8_t options[CONF_OPTIONS_MAX];
	uint16_t options_len;
	struct place option_at[256]; /* by code; line 0: not said */
};
/* The file, a shared network, a subnet of it, a pool of that. */
#define BUILD_LEVELS 4

/* An option statement that is being read. */
struct option_draft {
	struct slice name, first; /* or its number; the first word of the value */
	struct place at, first_at, piece_at;
	const struct option_def *def; /* NULL: by number and type */
	uint8_t code;
	bool always;
	enum option_type type;
	uint8_t value[OPTION_VALUE_MAX];
	size_t used;
	unsigned npieces;
	char piece[OPTION_TEXT_MAX];
	size_t piece_len;
};

/* A name that is used somewhere and declared somewhere else, in either order. */
struct name_draft {
	struct slice name; /* without quotes */
	struct place at;   /* of its first use */
	uint32_t index;    /* of what is declared by that name, UINT32_MAX: nothing yet */
};

#define BUILD_TESTS_MAX 64     /* of one class */
#define BUILD_EXCLUDED_MAX 256 /* of one subnet */

/* The most "a=b\n" lines that fit in one host's parameters. */
#define BUILD_PARAMS_MAX (CONF_PARAMS_MAX / 4)
#define BUILD_PORT_PART_MAX 128 /* bytes of a circuit or remote identifier */

struct build {
	struct conf *conf;
	struct conf_error *error;
	int err; /* 0 as long as *error is not filled */

	/* Scanner: the text, the token it gave last, and what comes behind that. */
	const char *text;
	size_t len, offset;
	struct place next;
	struct slice last;

	struct place set_at[SETTING_MAX]; /* line 0: not set */
	struct place link_at[LINKS_MAX], link_address_at[LINKS_MAX];

	struct place *subnet_at; /* of conf->subnets[], same order and capacity */
	unsigned subnets_cap;
	unsigned pool_line[CONF_POOLS_MAX]; /* of the block being read */
	struct place router_at[CONF_ADDRS_MAX];
	struct conf_range excluded[BUILD_EXCLUDED_MAX]; /* of the block being read */
	unsigned excluded_line[BUILD_EXCLUDED_MAX];
	unsigned nexcluded;
	bool in_shared; /* the block of the last of conf->shared is open */
	struct place shared_at[CONF_SHARED_MAX];

	unsigned depth; /* of scopes[] */
	struct scope_draft scopes[BUILD_LEVELS];
	struct option_draft option;

	/* conf_pool.allow and .deny count in this order until all classes are known. */
	struct name_draft classes[CONF_CLASSES_MAX];
	unsigned nclasses;
	struct place class_at[CONF_CLASSES_MAX]; /* of conf->classes */
	struct conf_test tests[BUILD_TESTS_MAX]; /* of the block being read */
	unsigned ntests;
	enum conf_test_kind test_kind;
	/* Likewise conf_test.number of TEST_LINK. */
	struct name_draft links[LINKS_MAX];
	unsigned nlinks;

	struct host_place *host_at; /* of conf->hosts[], same order and capacity */
	struct place *key_at;       /* of conf->keys[], likewise */
	unsigned hosts_cap, host_at_cap, keys_cap, key_at_cap;
	char params[CONF_PARAMS_MAX]; /* of the block being read */
	uint16_t params_len;
	unsigned param_line[BUILD_PARAMS_MAX]; /* of the block being read */
	unsigned nparams;
};

/* What to sort by: the number, then the text regardless of case, then the index. */
struct build_key {
	uint64_t number;
	struct slice text;
	uint32_t index;
};

#define FOUND_MAX 72 /* with NUL */

/* Fills the error and returns err. */
int build_fail(struct build *b, int err, struct place at, const char *fmt, ...)
    PRINTF_LIKE(4, 5) MUST_CHECK;
/* A piece of text as messages show it: quoted, escaped, cut. Returns text. */
const char *build_found(struct slice s, char text[FOUND_MAX]);
/* "found S, expected EXPECTED". */
int build_unexpected(struct build *b, int err, struct place at, struct slice s,
    const char *expected) MUST_CHECK;
int build_once(struct build *b, enum setting setting, struct place at) MUST_CHECK;
void build_again(struct build *b, enum setting first, enum setting last);
/* A zeroed array of twice the size that starts with what *array holds. */
int build_grow(struct build *b, struct place at, void **array, size_t size, unsigned used,
    unsigned *cap) MUST_CHECK;
/* A copy that belongs to the tree; NULL after build_fail(). len may be 0. Starts at a
 * multiple of 8 bytes. */
void *build_keep(struct build *b, struct place at, const void *bytes, size_t len);
/* A copy with NUL behind it. */
const char *build_keep_text(struct build *b, struct place at, struct slice s);
void build_sort(struct build_key *keys, size_t n);
/* Of all equal neighbours, the one whose second comes first in the file. */
bool build_repeat(const struct build_key *keys, size_t n, uint32_t *first, uint32_t *again);
bool build_before(struct place a, struct place b);
/* A text in quotes, or hexadecimal bytes with ':' or '-' between. Returns how many bytes,
 * 1 to max. */
int build_bytes(struct build *b, struct slice s, struct place at, size_t max,
    uint8_t *bytes) MUST_CHECK;
bool build_same(struct slice x, struct slice y);
/* Letters, digits, space and . _ - : a name that stands in quotes. */
bool build_is_name(struct slice s);
/* Writes "192.0.2.0/24". Returns text. */
const char *build_network_text(uint32_t network, unsigned prefix, char text[24]);
const char *build_v4_text(uint32_t v, char text[ADDR_TEXT_MAX]);
/* "192.0.2.0/24" into its two parts, all bits behind the prefix 0. */
int build_network(struct build *b, struct slice s, struct place at, unsigned least,
    unsigned most, uint32_t *network, uint8_t *prefix) MUST_CHECK;
/* a-z or 0-9. */
bool build_is_lower(char c);
/* Without its quotes. */
struct slice build_inner(struct slice quoted);
int build_ipv4(struct build *b, struct slice s, struct place at, uint32_t *v) MUST_CHECK;
int build_image_name(struct build *b, struct slice s, struct place at) MUST_CHECK;
uint32_t build_mask(unsigned prefix);

/* policy/conf_setting.c: settings of the whole file. at: the keyword; s_at: the value. */
int build_path(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at) MUST_CHECK;
int build_amount(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at) MUST_CHECK;
int build_default(
    struct build *b, struct place at, struct slice image, struct place image_at) MUST_CHECK;
int build_unknown(
    struct build *b, struct place at, bool allow, enum boot_choice choice) MUST_CHECK;
int build_unknown_image(
    struct build *b, struct place at, struct slice image, struct place image_at) MUST_CHECK;
int build_ports(struct build *b, struct place at, struct slice first, struct place first_at,
    struct slice last, struct place last_at) MUST_CHECK;
int build_log_level(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_link(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_link_address(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
/* The checks that need the whole file, for everything but hosts and subnets. */
int build_links_finish(struct build *b) MUST_CHECK;
int build_ports_finish(struct build *b) MUST_CHECK;

/* policy/conf_subnet.c */
int build_subnet(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_pool(struct build *b, struct slice first, struct place first_at,
    struct slice last, struct place last_at) MUST_CHECK;
int build_router(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_dns(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_domain(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_subnet_end(struct build *b) MUST_CHECK;
int build_subnets_finish(struct build *b) MUST_CHECK;

/* policy/conf_host.c: a block opens, with a level of its own; what follows belongs to it;
 * it closes. at: the name; the keyword; the brace. */
int build_host(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_host_address(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_param(struct build *b, struct slice name, struct place name_at,
    struct slice value, struct place value_at) MUST_CHECK;
int build_host_end(struct build *b, struct place at) MUST_CHECK;
/* The same for whoever has seen to it that the host has a key. */
int build_host_close(struct build *b) MUST_CHECK;
int build_hosts_finish(struct build *b) MUST_CHECK;
/* Found what of the host a second time: names the place of the first as well. */
int build_host_repeated(struct build *b, struct place at, const char *what, uint32_t first,
    struct place first_at) MUST_CHECK;

/* policy/conf_key.c: keys of the host that is open; each may be said several times. */
int build_host_mac(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* s: a text in quotes or bytes, as build_bytes() takes it. */
int build_host_client_id(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* As conf_uuid_format() writes it; or 32 digits, the bytes in the order of option 97. */
int build_host_uuid(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* Either may have len 0: not said. Both as build_bytes() takes them. */
int build_host_port(struct build *b, struct slice circuit, struct place circuit_at,
    struct slice remote, struct place remote_at) MUST_CHECK;
/* What the others come to: the bytes of a key. */
int build_host_key(struct build *b, enum conf_key kind, const uint8_t *bytes, size_t len,
    struct place at) MUST_CHECK;
int build_keys_finish(struct build *b) MUST_CHECK;

/* policy/conf_csv.c: all of hosts.csv. len 0: there is none. */
int build_csv(struct build *b, const char *text, size_t len) MUST_CHECK;

/* policy/conf.y and policy/conf.l. Reads b->text; 0 when all of it was understood. */
int build_parse(struct build *b) MUST_CHECK;

#endif
