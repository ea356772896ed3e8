/*
 * Ticket keys in process tls: random, in its memory alone. A ticket is the network's: it
 * is opened only when its seal is right, which OpenSSL checks before it decrypts.
 */
#include "src/tls/tickets.h"

#include <string.h>

#include "src/base/log.h"
#include "src/tls/libssl.h"

#define NAME_LEN 16
#define IV_LEN 16
#define LIFE_MS (TICKETS_LIFE_S * UINT64_C(1000))

struct ticket_key {
	uint8_t name[NAME_LEN]; /* by which a ticket says that it is of this key */
	uint8_t seal[32];       /* HMAC with SHA-256 */
	uint8_t cipher[32];     /* AES-256, CBC */
	uint64_t until;         /* ms; then it seals no more */
	bool valid;
};

static struct {
	OSSL_LIB_CTX *lib;
	EVP_CIPHER *aes;
	struct ticket_key current, previous;
} tickets;

static int
make(struct ticket_key *k, uint64_t now_ms)
{
	*k = (struct ticket_key){.until = now_ms + LIFE_MS};
	k->valid = RAND_bytes_ex(tickets.lib, k->name, sizeof k->name, 0) == 1 &&
		   RAND_priv_bytes_ex(tickets.lib, k->seal, sizeof k->seal, 0) == 1 &&
		   RAND_priv_bytes_ex(tickets.lib, k->cipher, sizeof k->cipher, 0) == 1;
	return k->valid ? 0 : ERR_SYS;
}

int
tickets_init(OSSL_LIB_CTX *lib, uint64_t now_ms)
{
	tickets.lib = lib;
	if (tickets.aes == NULL)
		tickets.aes = EVP_CIPHER_fetch(lib, "AES-256-CBC", NULL);
	return tickets.aes == NULL ? ERR_SYS : make(&tickets.current, now_ms);
}

/* Without random numbers there are no tickets until the next hour. */
void
tickets_forget(uint64_t now_ms)
{
	OPENSSL_cleanse(&tickets.previous, sizeof tickets.previous);
	if (make(&tickets.current, now_ms) != 0)
		log_limited(LOG_WARNING, "ticket-key", "why=\"no random numbers\"");
}

void
tickets_tick(uint64_t now_ms)
{
	struct ticket_key next;

	if (now_ms < tickets.current.until)
		return;
	if (make(&next, now_ms) != 0) {
		log_limited(LOG_WARNING, "ticket-key", "why=\"no random numbers\"");
		return;
	}
	tickets.previous = tickets.current;
	/* After a long sleep it is older than what is promised. */
	tickets.previous.valid = now_ms < tickets.current.until + LIFE_MS;
	tickets.current = next;
	OPENSSL_cleanse(&next, sizeof next);
}

static int
start(const struct ticket_key *k, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int sealing)
{
	char hash[] = "SHA256";
	struct ticket_key copy = *k;
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(
		OSSL_MAC_PARAM_KEY, copy.seal, sizeof copy.seal),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
	    OSSL_PARAM_construct_end(),
	};
	int ok = EVP_MAC_CTX_set_params(mac, params) == 1 &&
		 EVP_CipherInit_ex2(cipher, tickets.aes, k->cipher, iv, sealing, NULL) == 1;

	OPENSSL_cleanse(&copy, sizeof copy);
	return ok;
}

/* 1: go on. 2: go on, and send a new ticket. 0: not of ours. -1: failed. */
static int
ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int sealing)
{
	const struct ticket_key *k = &tickets.current;

	(void)ssl;
	if (sealing) {
		if (!k->valid || RAND_bytes_ex(tickets.lib, iv, IV_LEN, 0) != 1)
			return -1;
		memcpy(name, k->name, sizeof k->name);
		return start(k, iv, cipher, mac, 1) ? 1 : -1;
	}
	if (memcmp(name, k->name, sizeof k->name) != 0)
		k = &tickets.previous;
	if (!k->valid || memcmp(name, k->name, sizeof k->name) != 0)
		return 0;
	if (!start(k, iv, cipher, mac, 0))
		return -1;
	return k == &tickets.current ? 1 : 2;
}

void
tickets_use(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket);
	SSL_CTX_set_timeout(ctx, TICKETS_LIFE_S);
}
