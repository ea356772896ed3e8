/*
 * The configuration: links, classes of machines, subnets and their pools. Part of
 * policy/conf.h.
 */
#ifndef SALLYPORT_POLICY_CONF_NET_H
#define SALLYPORT_POLICY_CONF_NET_H

#include "policy/conf_level.h"
#include "src/base/ident.h"

#define CONF_SUBNETS_MAX 16384
#define CONF_POOLS_MAX 16 /* in a subnet */
#define CONF_ADDRS_MAX 8  /* routers, name servers */
#define CONF_CLASSES_MAX 64
#define CONF_SHARED_MAX 1024
#define CONF_OPEN_MAX 64
#define CONF_IMAGE_MAX 63 /* length of an image name */

/* An image whose files are for everybody in a network, session or not. */
struct conf_open {
	char image[CONF_IMAGE_MAX + 1];
	struct addr network; /* all bits behind the prefix 0 */
	uint8_t prefix;
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
	struct addr address;  /* ADDR_NONE: the interface's first */
	struct addr address6; /* ADDR_NONE: no IPv6 is served there, unless find6 */
	bool find6;           /* the interface's first that is not of its link alone */
	enum conf_mode mode;  /* never MODE_UNSET */
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

#endif
