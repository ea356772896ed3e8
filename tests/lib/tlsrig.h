/*
 * The working half of process tls, without cage and main, with all who speak to it in our
 * hands: clients and file-senders are socket pairs, keys is the far end of its channel and
 * signs with keys made on the spot. Time stands still unless tlsrig.now is moved.
 */
#ifndef SALLYPORT_TESTS_TLSRIG_H
#define SALLYPORT_TESTS_TLSRIG_H

#include <stdbool.h>

#include "privsep/chan.h"
#include "src/tls/conn.h"
#include "src/tls/libssl.h"

enum tlsrig_key { TLSRIG_EC, TLSRIG_RSA, TLSRIG_KEYS };

struct tlsrig {
	uint64_t now;
	struct chan near, far; /* tls's end of the channel to keys; that of keys */
	bool keys_answer;      /* keys answers at once */
	bool keys_refuse;      /* ... that it does not */
	unsigned asked, told;  /* questions to keys; clients that showed a certificate */
	EVP_PKEY *key[TLSRIG_KEYS];
	X509 *cert[TLSRIG_KEYS];
	EVP_PKEY *people_key; /* who signs clients' certificates */
	X509 *people;
};

extern struct tlsrig tlsrig;

/* Everything as after a start, with certificates, and no connection. May be called again.
 */
void tlsrig_init(void);
/* Certificates as keys tells them. verify: as in CERTS_ANS. */
void tlsrig_certs(unsigned verify);
/* Hands over a connection. *client: its far end; *plain: that of its pair. Both are the
 * caller's. */
void tlsrig_connect(unsigned worker, uint64_t nr, int *client, int *plain);
/* One turn of the loop, and of keys. */
void tlsrig_turn(void);
/* The next question at keys' end. False when there is none. */
bool tlsrig_question(struct msg *m);
/* Answers it. */
void tlsrig_answer(const struct msg *m);

#endif
