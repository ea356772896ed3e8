/*
 * The roster: which processes there are, what their executables are called, and
 * which descriptor number means what in each. Numbers live here and nowhere else:
 * the cages pin them.
 */
#ifndef SALLYPORT_PRIVSEP_ROLES_H
#define SALLYPORT_PRIVSEP_ROLES_H

#include <stdint.h>

/*   constant     name (also folder and executable)  one per worker */
#define ROLE_LIST(X)                     \
	X(SUPERVISOR, "sallyportd", 0)   \
	X(LOGGER, "logger", 0)           \
	X(BROKER, "broker", 0)           \
	X(VERIFIER, "verifier", 0)       \
	X(DHCP_PARSER, "dhcp-parser", 0) \
	X(DHCP_SENDER, "dhcp-sender", 0) \
	X(TFTP_PARSER, "tftp-parser", 0) \
	X(HTTP_PARSER, "http-parser", 1) \
	X(FILE_SENDER, "file-sender", 1) \
	X(CONF_CHECK, "conf-check", 0)   \
	X(CONTROL, "control", 0)         \
	X(LINK_PARSER, "link-parser", 0) \
	X(TLS, "tls", 1)                 \
	X(KEYS, "keys", 0)

/* CONTROL is no process of ours: it is whoever speaks over the control socket. */
enum role {
#define X(name, text, many) ROLE_##name,
	ROLE_LIST(X)
#undef X
	    ROLE_MAX
};

#define CLIENT_MAX 4  /* connected to the control socket at once */
#define LINKS_MAX 16  /* configured interfaces */
#define WORKER_MAX 16 /* pairs of file-sender and http-parser */
#define TLS_MAX 8     /* tls processes */
#define KEYS_MAX 2    /* private keys, each with its certificates */

/* In every child: 0-2 are /dev/null. */
enum {
	FD_SUPER = 3, /* four-byte notices to and from the supervisor */
	FD_LOG = 4,   /* lines to the logger (absent in the logger) */

	/* The first number that a cage lets a process close. Everything below is either
	 * in use or holds /dev/null, so that nothing received or accepted can take the
	 * number of a channel. */
	FD_FREE = 128,

	/* dhcp-parser, tftp-parser, link-parser, dhcp-sender, verifier, file-sender,
	 * http-parser */
	FD_BROKER = 5,

	/* dhcp-parser: + link; tftp-parser: + link (RX67 block only) */
	FD_RX67 = 32,
	FD_RX4011 = 48,
	FD_RX69 = 32,
	FD_RX69_V6 = 48,

	/* link-parser: ICMP echo replies; its epoll set is FD_WAIT; packet rings, + link,
	 * closed before its cage */
	FD_ECHO_EAR = 6,
	FD_RING = 32,

	/* dhcp-sender: ICMP; + link */
	FD_ECHO_MOUTH = 6,
	FD_TX67 = 16,
	FD_TX4011 = 32,
	FD_FRAME = 48,

	/* http-parser: its file-sender; file-sender: its http-parser */
	FD_PAIR = 6,

	/* file-sender: its own epoll set; + link: listening sockets of HTTP over IPv4, over
	 * IPv6, and the same for HTTPS, and those on UDP port 69, which send and hear
	 * nothing; the pool of TFTP sockets, those of IPv6 after those of IPv4 */
	FD_WAIT = 7,
	FD_LISTEN = 16,
	FD_SINGLE = 32,
	FD_SINGLE6 = 48,
	FD_LISTEN6 = 64,
	FD_LISTEN_TLS = 80,
	FD_LISTEN6_TLS = 96,
	FD_POOL = FD_FREE,

	/* broker */
	FD_DHCP_PARSER = 5,
	FD_TFTP_PARSER = 6,
	FD_DHCP_SENDER = 7,
	FD_VERIFIER = 8,
	FD_CONF = 9,     /* sealed configuration text */
	FD_CONTROL = 10, /* the control socket, listening */
	FD_LINK_PARSER = 11,
	FD_CLIENT = 12,      /* block of 4: who is connected to it, else /dev/null */
	FD_FILE_SENDER = 16, /* + worker */
	FD_HTTP_PARSER = 32, /* + worker */
	FD_TLS_CLIENTS = 48, /* + tls: who has shown a certificate */
	FD_HOSTS = 56,       /* sealed text of hosts.csv, empty without one */
	FD_LEASES = FD_FREE, /* block of 8: what the lease store opens, before all else */

	/* file-sender: + tls: connections for HTTPS */
	FD_TLS = 48,

	/* tls: keys; its epoll set is FD_WAIT; + worker: connections of its file-sender */
	FD_KEYS = 6,
	FD_TLS_SENDER = 16,

	/* keys: private keys, their certificates, who signs clients' certificates (PEM,
	 * /dev/null where there is none, and for all of them from its cage on); its own: a
	 * signing thread wakes the main one; + tls: what to sign */
	FD_KEY = 6,
	FD_CERT = 8,
	FD_CLIENT_CA = 10,
	FD_SIGNED = 11,
	FD_SIGN = 16,

	/* verifier */
	FD_STORE = 6,   /* directory: a private read-only clone of the image store */
	FD_KEYRING = 7, /* keyring text */
	FD_FLOOR = 8,   /* lowest versions and time still accepted */
	FD_WAKE = 9,    /* its own: a hashing thread wakes the main one */

	/* conf-check */
	FD_TEXT = 5,       /* sealed configuration text */
	FD_TELL = 6,       /* messages for the supervisor */
	FD_ERROR = 7,      /* the operator's stderr */
	FD_PRINT = 8,      /* with print=1: where the effective configuration goes */
	FD_TEXT_HOSTS = 9, /* sealed text of hosts.csv, empty without one */

	/* logger */
	FD_OUT = 5,
	FD_LINES = 6, /* + slot: one channel from each other process */
};

#define LOG_SLOT_MAX (8 + 2 * WORKER_MAX + TLS_MAX)

const char *role_name(enum role role);
/* ROLE_MAX when the name is not known. */
enum role role_parse(const char *name);
/* The logger's slot for a process: supervisor, broker, ... then the workers. */
unsigned role_log_slot(enum role role, unsigned index);
/* The inverse. 0, or ERR_RANGE when no process has that slot. */
int role_of_log_slot(unsigned slot, enum role *role, unsigned *index);

#endif
