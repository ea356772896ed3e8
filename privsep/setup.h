/*
 * What one version of the configuration amounts to for the supervisor: the few facts, the
 * sealed texts, and the sockets of its links. Made at start, and anew by a reload, which
 * takes over every socket that stays what it was.
 */
#ifndef SALLYPORT_PRIVSEP_SETUP_H
#define SALLYPORT_PRIVSEP_SETUP_H

#include <stdbool.h>

#include "privsep/spec.h"

#define POOL_MAX 1024 /* sockets for TFTP transfers */

/* The sockets of each link, in the order in which they are made: ears first. */
enum link_socket {
	SOCK_RX67,
	SOCK_RX4011,
	SOCK_RX69,
	SOCK_RX69_V6, /* all with that ending: none on links without IPv6 */
	SOCK_RING,
	SOCK_TX67,
	SOCK_TX4011,
	SOCK_TX69, /* this and the next: only for transfers from a single port */
	SOCK_TX69_V6,
	SOCK_FRAME,
	SOCK_LISTEN,
	SOCK_LISTEN_V6,
	SOCK_LISTEN_TLS, /* none without HTTPS */
	SOCK_LISTEN_TLS_V6,
	SOCK_MAX
};

struct setup {
	struct spec spec;                               /* links as they were found */
	int conf, hosts;                                /* sealed memfds */
	int keys[KEYS_MAX], certs[KEYS_MAX], client_ca; /* files of HTTPS, -1: none */
	int sockets[SOCK_MAX][LINKS_MAX];               /* -1: none */
	unsigned npool, npool6; /* the second is 0 when no link has IPv6, else the same */
	int pool[POOL_MAX], pool6[POOL_MAX];
};

/* What could not be had, and why. */
struct setup_error {
	const char *what, *why;
};

/* No descriptor in it. */
void setup_init(struct setup *s);
/* Looks at the links of s->spec and makes the sockets; takes over from old (NULL at the
 * start) what is the same there. 0; or ERR_SYS, *error filled, and nothing made. */
int setup_open(
    struct setup *s, const struct setup *old, struct setup_error *error) MUST_CHECK;
/* Closes what s has and keep (NULL: nobody) does not. */
void setup_close(struct setup *s, const struct setup *keep);

#endif
