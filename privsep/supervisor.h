/*
 * The supervisor: starts every process with its descriptors, watches, tells neighbours
 * when one is gone, restarts, ends all in order. It keeps a copy of both ends of every
 * channel and of every socket, and never reads or writes one of them.
 */
#ifndef SALLYPORT_PRIVSEP_SUPERVISOR_H
#define SALLYPORT_PRIVSEP_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "privsep/setup.h"
#include "privsep/spawn.h"
#include "privsep/start.h"

#define CHILD_MAX (9 + 2 * WORKER_MAX + TLS_MAX)
#define CHANNEL_MAX (9 + 3 * WORKER_MAX + TLS_MAX * (2 + WORKER_MAX) + LOG_SLOT_MAX)

enum child_state {
	CHILD_DOWN,     /* not started yet */
	CHILD_STARTING, /* until READY */
	CHILD_RUNNING,
	CHILD_CLEARING, /* dead; neighbours have yet to forget it */
	CHILD_WAITING,  /* dead and forgotten; starts again at `at_ms` */
	CHILD_ENDED     /* the server is ending */
};

struct child {
	enum role role;
	unsigned index;
	enum child_state state;
	pid_t pid;
	int pidfd, super_fd; /* -1 when there is no process */
	uint32_t generation;
	uid_t uid;
	gid_t gid;
	uint64_t at_ms;       /* deadline of STARTING or CLEARING, start time of WAITING */
	uint64_t started_ms;  /* of the process that runs */
	unsigned deaths;      /* in a row, without a healthy minute between them */
	uint64_t given;       /* digest of what its process was started with */
	bool leaving;         /* asked to end, for a reload; killed at at_ms */
	bool renewed;         /* ended for a reload; until its successor is ready */
	bool owes[CHILD_MAX]; /* has not yet answered CLEARED for that child */
};

/* A channel and the number that each end has in its process. */
struct channel {
	struct child *a, *b;
	int a_fd, b_fd;
	int ends[2]; /* a's, b's: our copies */
};

struct supervisor {
	const char *libexec;
	struct setup now;        /* the configuration that is served */
	struct spec_check check; /* how it is checked; the run of a reload's check */
	bool own_uid_base;       /* given on the command line */
	int store, keyring, floor;
	unsigned workers, tls_workers; /* tls_workers 0: no HTTPS */
	unsigned nchildren, nchannels;
	struct child children[CHILD_MAX];
	struct channel channels[CHANNEL_MAX];
	int out;                  /* the log stream */
	int control;              /* the control socket, listening */
	const char *control_path; /* NULL: where the state says */
	uint64_t start_ms;        /* clock_mono_ms at start */
	int kmsg;                 /* the kernel's records, or -1 */
	int echo_ear, echo_mouth;
	uint16_t echo_ident; /* of our echo requests */
	uint64_t spread;     /* secret: which tls process serves which address */
	bool ending;
};

/* roster.c: children, channels, sockets, and what each child is given. All exit the
 * process with EXIT_WALL and a message when something cannot be had. */
void roster_init(struct supervisor *sv, uid_t uid_base);
void roster_open(struct supervisor *sv);
/* Fills the descriptors of one child (not FD_SUPER). */
void roster_give(const struct supervisor *sv, const struct child *c, struct spawn *s);
/* "name=value" options of one child, into text; returns how many. */
unsigned roster_options(
    const struct supervisor *sv, const struct child *c, char text[][256], unsigned most);
/* Is it told of the links? */
bool roster_knows_links(const struct child *c);
struct child *roster_find(struct supervisor *sv, enum role role, unsigned index);
bool roster_neighbours(
    const struct supervisor *sv, const struct child *a, const struct child *b);

/* deaths.c: why a process ended, as text for the log ("exit 1", "signal 11", "SIGSYS
 * call=socket"). code and status are waitid's. */
void death_text(
    const struct supervisor *sv, pid_t pid, int code, int status, char *text, size_t cap);
int death_open_kmsg(void);

/* supervisor.c: starts the process of one child; its state says how that went. */
void supervisor_start(struct supervisor *sv, struct child *c);
/* Ends those whose process was started with something else than what sv->now would give
 * it; their successors get that. Returns how many. */
unsigned supervisor_renew(struct supervisor *sv);
/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int supervisor_run(struct supervisor *sv);
/* Prints to stderr (and the logger when it runs) and exits with EXIT_WALL. */
void supervisor_fail(const char *what, const char *detail) NORETURN;

#endif
