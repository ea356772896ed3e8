/*
 * What process keys is asked for: signatures, and with RSA key exchange decryptions. Each
 * question is that of one handshake, which waits as a paused job while everybody else is
 * served; it is answered, or fails after SIGNER_WAIT_MS, whatever keys does.
 */
#ifndef SALLYPORT_TLS_SIGNER_H
#define SALLYPORT_TLS_SIGNER_H

#include <stdbool.h>

#include "privsep/chan.h"
#include "src/tls/conn.h"
#include "src/tls/provider.h"

#define SIGNER_ASKS 256u
#define SIGNER_WAIT_MS 2000u

/* ready: called for a connection whose handshake can go on. */
void signer_init(struct chan *keys, void (*ready)(struct conn *c));
/* The functions of the provider. To be called in a job only, between these two. */
extern const struct provider_calls signer_calls;
void signer_enter(struct conn *c, uint64_t now);
void signer_leave(void);

/* Can one more handshake take a step? */
bool signer_room(void);
/* The connection ends: whatever it waits for fails at once, without a call of ready. */
void signer_cancel(struct conn *c);
/* Answers. One that nobody waits for is late, and no matter. */
void on_sign_ans(const struct msg_sign_ans *m);
void on_decrypt_ans(const struct msg_decrypt_ans *m);
/* Its successor is asked again. */
void signer_keys_gone(void);
/* What is too late fails. */
void signer_tick(uint64_t now);
uint64_t signer_next(void);

#endif
