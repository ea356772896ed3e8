/*
 * What the files of the control socket share: one connected client, and the question that
 * it waits for the answer of.
 */
#ifndef SALLYPORT_BROKER_CONTROL_CLIENT_H
#define SALLYPORT_BROKER_CONTROL_CLIENT_H

#include "privsep/control.h"
#include "src/broker/broker.h"
#include "src/broker/trace.h"

#define CHANGES_AHEAD 64 /* of one client, asked for and not yet answered */

/* What a step of an answer has come to. */
enum step {
	STEP_SEND, /* *m is to be sent, and there is more */
	STEP_SCAN, /* nothing to send yet; go on */
	STEP_LAST  /* *m is the end */
};

/* A lease that was changed for a client; answered when the batch is on disk. */
struct due_change {
	bool import;
	uint32_t line;
	uint8_t result; /* enum change */
	uint64_t batch; /* 0: nothing to wait for */
};

struct explained {
	struct trace trace;
	unsigned next;
	bool replies;
	char effect[16];
	char reason[64];
	struct addr lease;
	struct msg_reply_tell reply;
};

struct client {
	bool used;
	bool root;
	uint32_t uid;      /* for the log */
	uint64_t moved_ms; /* when it last asked or took something */
	/* The next piece of the answer; NULL: none is due. */
	enum step (*step)(struct client *c, struct msg *m);
	unsigned part, place; /* how far the answer is; uint32_t places */
	struct msg_status_ask status;
	struct msg_leases_ask leases;
	struct msg_sessions_ask sessions;
	struct explained explained;
	unsigned nchanges, first; /* ring */
	struct due_change changes[CHANGES_AHEAD];
	unsigned pending_len; /* a message that the socket did not take; 0: none */
	uint8_t pending[MSG_SIZE_MAX];
};

/* m becomes the end of an answer. */
enum step control_end(struct msg *m, enum control_result result);

/* control_status.c, control_leases.c, control_changes.c, control_explain.c: the question
 * m, checked by msgs.def alone; sets c->step, or adds to c->changes. */
void on_status_ask(struct client *c, const struct msg_status_ask *m);
void on_leases_ask(struct client *c, const struct msg_leases_ask *m);
void on_sessions_ask(struct client *c, const struct msg_sessions_ask *m);
void on_lease_release_ask(struct client *c, const struct msg_lease_release_ask *m);
void on_lease_import_ask(struct client *c, const struct msg_lease_import_ask *m);
void on_explain_ask(struct client *c, const struct msg_explain_ask *m);

/* control_changes.c: what the store has said since; then the oldest change's answer, if it
 * is there. */
void control_settle(struct client *c);
bool control_changed(struct client *c, struct msg *m);
/* May one more change be asked for now? */
bool control_may_change(const struct client *c);

#endif
