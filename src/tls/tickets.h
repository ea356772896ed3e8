/*
 * Session tickets (RFC 5077; RFC 8446, 4.6.1): the keys that seal them, which no other
 * process has and which change every hour. What was sealed with the key before is still
 * opened, and answered with a new ticket.
 */
#ifndef SALLYPORT_TLS_TICKETS_H
#define SALLYPORT_TLS_TICKETS_H

#include <stdint.h>

#include "src/base/err.h"
#include "src/tls/libssl.h"

#define TICKETS_LIFE_S 3600 /* of a key before the next, and of a session */

/* Makes the first key. 0 or ERR_SYS. Before the cage. */
int tickets_init(OSSL_LIB_CTX *lib, uint64_t now_ms) MUST_CHECK;
/* All tickets so far are void: what a client was is verified again. */
void tickets_forget(uint64_t now_ms);
/* Changes the key when it is time. */
void tickets_tick(uint64_t now_ms);
void tickets_use(SSL_CTX *ctx);

#endif
