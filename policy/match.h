/*
 * Who is who, and who boots what. Pure: the configuration and what a request says in, the
 * host block, the classes and the decision out.
 */
#ifndef SALLYPORT_POLICY_MATCH_H
#define SALLYPORT_POLICY_MATCH_H

#include "policy/conf.h"

struct scopes;

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
	const char *image;               /* of MATCH_IMAGE, belongs to conf; else NULL */
	const struct conf_host *host;    /* NULL: unknown */
	uint64_t classes;                /* bit n: conf->classes[n] */
	const struct conf_host_key *key; /* what the host was found by; NULL without one */
};

/* What a machine was taken for, in few bytes that mean the same after a restart, and under
 * another configuration as well. */
#define MATCH_PAST_CLASSES 8
struct match_past {
	uint64_t key; /* conf_key_print(); 0: it had no host block, or by its MAC */
	uint32_t classes[MATCH_PAST_CLASSES]; /* their names and tests; 0: no more */
};

/* subnet: where the machine is, for what that level says; NULL: not known. The host is
 * found by hardware address, then client identifier, UUID, relay port. */
struct match match_machine(const struct conf *conf, const struct match_input *in,
    const struct conf_subnet *subnet);
/* Its address is in a pool, and these are all the scopes, the pool's among them: what a
 * pool says about booting comes after the host block's and the classes' own choice. */
void match_settle(struct match *m, const struct scopes *scopes);
/* key NULL: no host block. Of many classes those that say what to boot go first. */
struct match_past match_remember(
    const struct conf *conf, const struct conf_host_key *key, uint64_t classes);
/* The same machine now: in says what is still known of it, past what it was taken for. A
 * class counts when it has not changed since, or holds by what is known. */
struct match match_recall(const struct conf *conf, const struct match_input *in,
    const struct match_past *past, const struct conf_subnet *subnet);

#endif
