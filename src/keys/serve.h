/*
 * What the tls processes ask, and what they get.
 */
#ifndef SALLYPORT_KEYS_SERVE_H
#define SALLYPORT_KEYS_SERVE_H

#include <poll.h>

#include "privsep/chan.h"
#include "src/keys/load.h"

/* Signatures and decryptions that one tls process gets: so many at once, then so many a
 * second; beyond, its asks are refused. More than any of them has handshakes for. */
#define SERVE_RATE 8000u

struct serve_config {
	const struct secrets *secrets;
	unsigned signers; /* tls processes */
	uint8_t verify_client;
	bool decrypts;
};

/* Opens the channels. Before the cage. */
void serve_init(const struct serve_config *config);
/* Does what can be done now: answers what is done, reads each channel in turn, a message at
 * a time. True when there is more to do at once. */
bool serve_step(void);
/* Fills in what to wait for, one entry for each tls process. */
void serve_poll(struct pollfd *p);
/* That tls process is gone: what it asked is void. */
void serve_reset(unsigned signer);

#endif
