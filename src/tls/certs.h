/*
 * The certificates that process keys tells: asked for at the start and whenever keys has
 * started anew, gathered piece by piece, and handed over when they are complete.
 */
#ifndef SALLYPORT_TLS_CERTS_H
#define SALLYPORT_TLS_CERTS_H

#include <stdbool.h>

#include "privsep/chan.h"

#define CERTS_KINDS (KEYS_MAX + 1) /* of each key; of who signs clients' certificates */
#define CERTS_CLIENT_CA KEYS_MAX
#define CERTS_BYTES_MAX 65536u /* of one kind */

struct certs {
	unsigned keys;
	uint8_t verify_client; /* 0 no, 1 when it shows a certificate, 2 it must */
	bool rsa_exchange;
	struct {
		uint8_t bytes[CERTS_BYTES_MAX]; /* DER, one after the other */
		size_t len;
	} kind[CERTS_KINDS];
};

/* Asks; what has come of an earlier answer is void. */
void certs_ask(struct chan *keys);
/* Sends the question as soon as there is room for it. */
void certs_tick(void);
/* A piece. Those of an earlier question are passed over. */
void on_cert_tell(struct chan *from, const struct msg_cert_tell *m);
/* The end of the answer: NULL when it is of an earlier question, or is a fault of keys.
 * What is returned is valid until the next question. */
const struct certs *on_certs_ans(struct chan *from, const struct msg_certs_ans *m);

#endif
