/*
 * Boot sessions: which machine is booting what, and under which addresses. One session a
 * machine (keyed by its hardware address); every address leased to it while the session
 * lives belongs to it. A TFTP or HTTP request is answered in the light of the session of
 * the address that it comes from; without one it gets nothing.
 *
 * The table has a fixed size, given at start; when it is full, what only an OFFER opened
 * goes first. Sessions of machines that hold a lease are
 * stored with it; those opened by an OFFER only are in memory and die after 60 s.
 */
#ifndef SALLYPORT_BROKER_SESSION_H
#define SALLYPORT_BROKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"
#include "src/base/ident.h"

#define SESSION_ADDRS 4 /* addresses of one machine at once */

struct session {
	uint32_t id; /* random, never 0, shown in every log line of this boot */
	struct mac mac;
	struct addr addrs[SESSION_ADDRS]; /* newest first */
	enum arch arch;                   /* of the first stage */
	bool http;                        /* HTTP boot firmware */
	bool ipxe;                        /* has come back as iPXE */
	bool pi;                          /* a Raspberry Pi's ROM */
	bool confirmed;                   /* a lease was acknowledged */
	uint64_t heir; /* session_heir() of the system that took over the address; or 0 */
	char image[CONF_IMAGE_MAX + 1]; /* "" : nothing to boot */
	/* What it was taken for when that was decided; both of the configuration at hand.
	 */
	const struct conf_host_key *key; /* of its host block; NULL: unknown */
	uint64_t classes;
	struct addr server; /* our address that the machine talks to */
	uint8_t link;
	uint64_t touched_ms; /* clock_mono_ms of the last request */
	uint64_t stored_ms;  /* the same as the store has it; 0: it does not */
};

/* Allocates the table. Called once, before the cage. */
void session_init(uint32_t most, uint32_t live_s);
/* NULL when there is none (or it has ended by time). */
struct session *session_of_addr(const struct addr *a, uint64_t now_ms);
struct session *session_of_mac(const struct mac *mac, uint64_t now_ms);
/* Opens the machine's session or returns the one it has. When the table is full the
 * session idle for longest goes, of the unconfirmed ones if there are any. Never NULL. */
struct session *session_open(const struct mac *mac, uint64_t now_ms);
/* The address now belongs to this session (and to no other). */
void session_add_addr(struct session *s, const struct addr *a);
void session_drop_addr(const struct addr *a);
void session_touch(struct session *s, uint64_t now_ms);
/* A lease was acknowledged: the session now lives for live_s after its last request, and
 * is the last to go when the table is full. */
void session_confirm(struct session *s);
/* A client identifier in few bytes; never 0. */
uint64_t session_heir(const void *id, size_t len);
/* The machine was switched on again: another id, first stage again. Its addresses and its
 * life stay, for anybody on the link can pretend this. */
void session_restart(struct session *s);
uint32_t session_count(void);
/* For lists: *s is the session in that slot, NULL for none. False when there are not so
 * many slots. */
bool session_in_slot(uint32_t slot, uint64_t now_ms, const struct session **s);

#endif
