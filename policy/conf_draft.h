/*
 * Internal to the configuration: the tree while it is being built, and where its parts
 * stand in the text. Part of policy/conf_build.h.
 */
#ifndef SALLYPORT_POLICY_CONF_DRAFT_H
#define SALLYPORT_POLICY_CONF_DRAFT_H

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
	struct place certificate_at;      /* of some host's; line 0: of none */
	unsigned open_line[CONF_OPEN_MAX];
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

#endif
