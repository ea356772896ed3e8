/*
 * Who boots what. Pure: the configuration and a hardware address in, the decision out.
 */
#ifndef SALLYPORT_POLICY_MATCH_H
#define SALLYPORT_POLICY_MATCH_H

#include "policy/conf.h"

enum match_kind {
	MATCH_IGNORE, /* not answered at all: unknown, and unknown ones are not allowed */
	MATCH_DENY,   /* a lease without boot options */
	MATCH_IMAGE   /* a lease, and the image named */
};

struct match {
	enum match_kind kind;
	const char *image;            /* of MATCH_IMAGE, belongs to conf; else NULL */
	const struct conf_host *host; /* NULL: unknown */
};

/* mac NULL: a machine whose hardware address is not six bytes long; it is unknown. */
struct match match_machine(const struct conf *conf, const struct mac *mac);

#endif
