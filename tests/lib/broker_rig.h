/*
 * The file half of the broker on its real channels, with the far ends in our hands: what
 * its neighbours may say is said here, and what they would get is read here. Time stands
 * still unless broker.now_ms is moved. Two workers, one link 10.77.0.1.
 */
#ifndef SALLYPORT_TESTS_BROKER_RIG_H
#define SALLYPORT_TESTS_BROKER_RIG_H

#include <stddef.h>

#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/broker/broker.h"
#include "src/broker/image.h"
#include "src/broker/session.h"

#define RIG_WORKERS 2
#define RIG_TLS 2
#define RIG_CLIENT "10.77.0.100"
#define RIG_MAC "52:54:00:12:34:56"

/* The far ends. */
struct rig {
	struct chan verifier, tftp_parser;
	struct chan file_sender[RIG_WORKERS], http_parser[RIG_WORKERS];
	struct chan tls[RIG_TLS];
	/* rig_take() says of each object that is dropped that it is closed. */
	bool closes;
};

extern struct rig rig;

/* Everything as after a start: empty tables and channels. May be called again. */
void rig_init(void);
/* One turn of the loop: reads what was sent, does what is due, sends. */
void rig_turn(void);
/* A neighbour has ended, and its successor is there. */
void rig_gone(enum role role, unsigned index);
/* Sends from a far end, flushed. */
void rig_send(struct chan *far, const struct msg *m);
/* The next message at a far end, its descriptor closed; false when there is none. */
bool rig_take(struct chan *far, struct msg *m);
/* The same, but messages that name, drop or free memory, or
 * tell of its use, and resets do not count. */
bool rig_take_answer(struct chan *far, struct msg *m);
/* Was a fault of this neighbour reported since the last call? */
bool rig_fault(enum role role, unsigned index);
/* The same for a peer that we have forgotten. */
bool rig_cleared(enum role role, unsigned index);
/* What the supervisor says. */
void rig_notice(enum notice notice, enum role role, unsigned index);

/* Messages of the verifier. */
void rig_memfd(uint32_t number, size_t size);
/* A memfd of that size, not sealed when !sealed, announced as `size_said`. */
void rig_memfd_odd(uint32_t number, size_t size, uint64_t size_said, bool sealed);
void rig_image(uint32_t number, const char *name, uint64_t version);
void rig_file(
    uint32_t image, const char *path, uint32_t memfd, uint64_t offset, uint64_t length);
void rig_boot(uint32_t image, enum arch arch, const char *loader, uint8_t templates);
void rig_number(enum msg_nr nr, uint32_t number); /* ACTIVE, RETIRE, DROP */
void rig_reset(struct chan *far);
/* A whole image of three files in memory `number`: efi/shimx64.efi (100 bytes at 0),
 * efi/grubx64.efi (200 at 100), linux (700 at 300); loader the first. */
void rig_debian(uint32_t number, uint64_t version, uint8_t templates);

/* A request of RIG_CLIENT's port 2000, and sending one. */
struct msg_rrq_tell rig_rrq(const char *name);
void rig_send_rrq(const struct msg_rrq_tell *t);
/* Announces and ends a connection, and a GET on it. */
void rig_connect(unsigned worker, uint64_t conn, const char *peer);
void rig_end(unsigned worker, uint64_t conn);
/* The same for one of HTTPS that tls process `tls` has; and that process names its client
 * by a certificate of which every byte of the hash is `hash`. */
void rig_connect_tls(unsigned worker, uint64_t conn, const char *peer, unsigned tls);
void rig_client(unsigned tls, unsigned worker, uint64_t conn, uint8_t hash);
struct msg rig_get(uint64_t conn, const char *path);

/* A session of RIG_MAC at RIG_CLIENT for the image. */
struct session *rig_session(const char *image);
struct addr rig_addr(const char *text);
struct mac rig_mac(const char *text);

#endif
