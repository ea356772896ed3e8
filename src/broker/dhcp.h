/*
 * What the files of the broker's DHCP half share: one request on its way to an answer.
 */
#ifndef SALLYPORT_BROKER_DHCP_H
#define SALLYPORT_BROKER_DHCP_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/match.h"
#include "policy/scope.h"
#include "src/broker/broker.h"
#include "src/broker/lease.h"
#include "src/broker/session.h"
#include "src/broker/trace.h"

enum {
	DHCP_BOOTP = 0, /* no message type: a client that knows BOOTP only */
	DHCP_DISCOVER = 1,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK,
	DHCP_RELEASE,
	DHCP_INFORM
};

/* What DHCP_TELL and REPLY_TELL mean by `class60`, and by the bits of `asks`. */
enum { CLASS_PXE = 1, CLASS_HTTP = 2 };
enum { ASKS_RAPID = 1, ASKS_AUTO_CONFIGURE = 2, ASKS_SOURCE_PORT = 4 };

/* What is odd about a client; see dhcp_quirk.c. */
enum quirk {
	QUIRK_NONE,
	QUIRK_PI,    /* Raspberry Pi's boot ROM or EEPROM */
	QUIRK_UBOOT, /* U-Boot */
	QUIRK_SHELL, /* HPE firmware that looks for a script of its UEFI shell */
	QUIRK_BSDP   /* Apple's own boot protocol */
};

struct ask {
	const struct msg_dhcp_tell *m;
	const struct mac *mac; /* NULL: the hardware address is not six bytes long */
	struct mac mac_storage;
	enum quirk quirk;
	bool boots;          /* firmware or iPXE, not an operating system */
	enum arch arch;      /* ARCH_NONE: not said, or not known */
	bool http;           /* HTTP boot firmware */
	enum conf_mode mode; /* what we are to this request; never MODE_UNSET */
	/* Where the machine is; once an address is chosen, the subnet of that. NULL in
	 * proxy mode where none is configured. */
	const struct conf_subnet *subnet;
	struct match match;
	struct scopes scopes;     /* what applies to it; filled by dhcp_settle() */
	uint64_t ingress;         /* lease_ingress() */
	struct lease_id id;       /* whom the lease is for */
	struct lease_id hardware; /* the hardware address as an identity; may be none */
	struct lease_id client;   /* of a system that goes on with its loader's lease */
	struct addr server;       /* our address on the link */
	struct session *session;  /* the machine's boot session; NULL: none alive */
	uint64_t now;             /* lease seconds */
	bool renews;         /* its running lease goes on: not worth a line of the log */
	bool quiet;          /* when it gets no answer, that is nothing to speak of */
	struct trace *trace; /* NULL: nobody wants to know why */
};

/* dhcp.c: one request, checked: decides, asks whether the address is in use or does what
 * was decided. again: it was limited when it came, and has waited for that. */
void dhcp_run(const struct msg_dhcp_tell *m, bool again);

/* dhcp_ask.c: everything about a request that needs no decision. NULL when *a is filled,
 * else why the request gets no answer (a word for the log). Changes nothing. trace may be
 * NULL. */
const char *dhcp_ask(struct ask *a, const struct msg_dhcp_tell *m, struct trace *trace);
/* What this machine wants an address by; borrows from *a. wish may be NULL. */
struct lease_want dhcp_want(const struct ask *a, const struct addr *wish);
/* The lease at this address if it is the machine's under any of its identities; a->id is
 * then the one that it is under. */
struct lease *dhcp_own_lease(struct ask *a, const struct addr *address);
/* Its address is in this pool (NULL: none) of a->subnet: fills a->scopes, and what a pool
 * says about booting counts. */
void dhcp_settle(struct ask *a, const struct conf_pool *pool);
/* Is `id` (option 54) us? */
bool dhcp_is_us(const struct ask *a, const struct addr *id);
/* Unset, or one machine's address that is not ours: what may be answered. */
bool dhcp_may_be_client(const struct addr *a);
/* Is it of the request's subnet, or of the link that the request came in on? */
bool dhcp_is_on_link(const struct ask *a, const struct addr *address);
bool dhcp_is_relayed(const struct ask *a);

/* dhcp_quirk.c */
enum quirk dhcp_quirk(const struct msg_dhcp_tell *m, const struct mac *mac);

/* dhcp_reply.c. */
/* Fills *r for a reply of that type. yiaddr NULL: none, and no lease; else the parameters
 * of a->subnet, and a lease unless it is for a BOOTP client. */
void dhcp_reply(
    struct msg_reply_tell *r, const struct ask *a, uint8_t type, const struct addr *yiaddr);
/* Adds what a->subnet and a->scopes say to a reply without a lease. */
void dhcp_reply_network(struct msg_reply_tell *r, const struct ask *a);

/* dhcp_boot.c: what the machine is told to boot. */
/* Its image may come any moment: no answer now. */
bool dhcp_boot_must_wait(const struct ask *a);
/* Adds the boot fields to a reply, or leaves it as it is when the machine is to boot
 * nothing. Returns why there are none although it has an image, else NULL. */
const char *dhcp_boot(struct msg_reply_tell *r, const struct ask *a);

/* dhcp_store.c: from here to the store and back. */
/* Is there room for one more lease in the batch at hand? */
bool dhcp_store_room(void);
/* Writes the lease as it stands; reply (may be NULL) goes out when that is on disk. */
void dhcp_store_lease(
    const struct ask *a, const struct lease *l, const struct msg_reply_tell *reply);
/* Queues a reply that needs no store. */
void dhcp_send(const struct msg_reply_tell *reply);
/* The number of the batch at hand, from 1. */
uint64_t dhcp_batch(void);
/* What has become of a batch, asked for in the turn that it completed in or the next: 1 it
 * is on disk, 0 not yet, ERR_SYS it could not be written. */
int dhcp_batch_state(uint64_t batch) MUST_CHECK;
/* Did the last commit succeed? */
bool dhcp_store_well(void);
/* Milliseconds since dhcp_open_store(). */
uint64_t dhcp_age_ms(void);

#endif
