/*
 * Who is who, and who boots what. Pure: the configuration and what a request says in, the
 * host block, the classes and the decision out.
 */
#ifndef SALLYPORT_POLICY_MATCH_H
#define SALLYPORT_POLICY_MATCH_H

#include "policy/conf.h"

/* Bytes of the client, borrowed. */
struct match_bytes {
	const uint8_t *b;
	size_t len;
};

/* What a request says of its sender. All of it can be made up. */
struct match_input {
	const struct mac *mac;        /* NULL: the hardware address is not six bytes long */
	struct match_bytes client_id; /* option 61; len 0: absent, here and below */
	struct match_bytes uuid;      /* option 97: 17 bytes, the first is the type */
	struct match_bytes vendor;    /* option 60 */
	struct match_bytes user;      /* option 77, { length, bytes } each */
	struct match_bytes circuit, remote; /* options 82.1 and 82.2 */
	struct addr relay;                  /* giaddr */
	enum arch arch;                     /* ARCH_NONE: not said */
	unsigned link;                      /* index in conf->links */
};

enum match_kind {
	MATCH_IGNORE, /* not answered at all: unknown, and unknown ones are not allowed */
	MATCH_DENY,   /* a lease without boot options */
	MATCH_IMAGE   /* a lease, and the image named */
};

struct match {
	enum match_kind kind;
	const char *image;            /* of MATCH_IMAGE, belongs to conf; else NULL */
	const struct conf_host *host; /* NULL: unknown */
	uint64_t classes;             /* bit n: conf->classes[n] */
};

/* subnet: where the machine is, for what that level says; NULL: not known. The host is
 * found by hardware address, then client identifier, UUID, relay port. */
struct match match_machine(const struct conf *conf, const struct match_input *in,
    const struct conf_subnet *subnet);

#endif
