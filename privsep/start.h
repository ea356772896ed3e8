/*
 * What every child does before it works, in this order: start_init (arguments, log),
 * its own loading, cage_enter (privsep/cage.h), start_ready, loop. And the link to the
 * supervisor, descriptor 3.
 */
#ifndef SALLYPORT_PRIVSEP_START_H
#define SALLYPORT_PRIVSEP_START_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "privsep/roles.h"
#include "src/base/err.h"
#include "src/base/ident.h"

/* A configured interface as the supervisor found it. */
struct link {
	char name[16];
	uint32_t ifindex;
	uint32_t mtu; /* bytes */
	struct mac mac;
	struct addr address;  /* ours on this link */
	uint8_t prefix;       /* length of its subnet mask */
	struct addr address6; /* ours over IPv6; ADDR_NONE: none is served there */
	bool find6;           /* the supervisor is to find it */
};

struct start {
	enum role role;
	unsigned index;      /* which of several (file-sender, http-parser), else 0 */
	uint32_t generation; /* counts the starts of this role, from 1 */
	uid_t uid;
	gid_t gid;
	unsigned workers;
	unsigned nlinks;
	struct link links[LINKS_MAX];
	unsigned noptions; /* "name=value" arguments, borrowed from argv */
	char **options;
};

#define EXIT_WALL 78 /* a wall could not be put up, or the arguments are wrong */

/* Parses argv (made by the supervisor, see start_arguments), sets up the log over FD_LOG.
 * Exits with EXIT_WALL on anything unexpected. */
void start_init(struct start *st, enum role role, int argc, char **argv);
/* The value of option `name`, NULL when absent. */
const char *start_option(const struct start *st, const char *name);
/* A number in min..max; exits with EXIT_WALL when absent or out of range. */
uint64_t start_number(const struct start *st, const char *name, uint64_t min, uint64_t max);
/* Reports `what` with errno's text and exits with EXIT_WALL. Only before start_ready. */
void start_fail(const char *what) NORETURN;
/* Tells the supervisor that the loop begins. */
void start_ready(void);

/* Writes the argument vector for a child: strings into text, pointers into argv (ending
 * in NULL). 0 or ERR_LONG. options: "name=value", n of them. */
int start_arguments(const struct start *st, const char *const *options, unsigned n,
    char *text, size_t cap, char **argv, unsigned argc_max) MUST_CHECK;

/* Notices over descriptor 3: kind, role, index, 0. */
enum notice { NOTICE_READY = 1, NOTICE_FAULT, NOTICE_CLEARED, NOTICE_GONE };

/* Reads one notice from the supervisor, of either kind that it sends: NOTICE_GONE, and to a
 * file-sender NOTICE_READY when its http-parser, new or there before it, is at work. False
 * when there is none. Exits the process when the supervisor's end is closed. */
bool super_next(enum notice *kind, enum role *role, unsigned *index);
/* Reads one notice from the supervisor. Returns true and the peer when one is gone; the
 * caller must forget that peer (chan_reset and its own state), then call
 * super_cleared(). Exits the process when the supervisor's end is closed. */
bool super_poll(enum role *role, unsigned *index);
/* What is to be done before that exit. It takes a second at most. */
void super_before_end(void (*last)(void));
void super_cleared(enum role role, unsigned index);
/* Reports a breach by a peer. */
void super_fault(enum role role, unsigned index);

#endif
