/*
 * What the parts of the broker share: the configuration, the links, the channels. One
 * process, one main thread (leases, sessions, images, all decisions) and one commit thread
 * (the store). No network, no image directory, no template text.
 */
#ifndef SALLYPORT_BROKER_BROKER_H
#define SALLYPORT_BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"
#include "privsep/chan.h"
#include "privsep/start.h"

struct broker {
	struct start start; /* links, workers */
	const struct conf *conf;
	struct chan dhcp_parser, tftp_parser, link_parser, dhcp_sender, verifier;
	struct chan file_sender[WORKER_MAX], http_parser[WORKER_MAX];
	struct chan tls[TLS_MAX];
	unsigned ntls;            /* tls processes */
	uint64_t now_ms, wall_s;  /* read once a turn of the loop */
	uint64_t server_since_ms; /* clock_mono_ms of the supervisor's start */
};

/* The one instance; set up by broker_main before anything else runs. */
extern struct broker broker;

/* dhcp.c: one request. The reply is queued to dhcp_sender at once (OFFER, NAK), or after
 * the store has made the lease durable (ACK), by dhcp_completed(). */
void on_dhcp_tell(struct chan *from, const struct msg_dhcp_tell *m);
/* Opens the lease store in that folder and loads it; own_files hook: no rights but those
 * that its writer had. Exits by start_fail. */
void dhcp_open_store(const char *folder);
/* Starts the commit thread; threads hook. */
void dhcp_start_store(void);
/* Readable when commits have completed. */
int dhcp_store_fd(void);
/* Sends the ACKs whose leases are on disk. */
void dhcp_completed(void);
/* At an end in order, with *next 0 at first: queues the OFFERs that stand. True when the
 * batch is full: again after a completion. */
bool dhcp_keep_offers(uint32_t *next);
/* Some lease is not on disk yet. */
bool dhcp_unfinished(void);
/* Hands what this turn has queued to the commit thread; once a turn, after all channels. */
void dhcp_commit(void);
/* Now and then: what the store says of how long boot sessions live. Once a turn. */
void dhcp_keep_sessions(void);
/* dhcp_sender is gone: nothing to forget but what is queued. dhcp_parser likewise. */

#endif
