/*
 * Process tls under whatever file-senders and keys may say, with real tables and OpenSSL:
 * rows of halves that match or do not, answers to questions that were asked or were not,
 * certificates in pieces, clients that speak, fall silent or go, neighbours that end, and
 * time that passes. At the end nothing is left: no connection, no descriptor, no open
 * question.
 *
 * Input: a row of steps. One byte chooses the step and one of eight connections; what a
 * step needs besides follows. Missing bytes are zero.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/tls/bio.h"
#include "src/tls/certs.h"
#include "src/tls/intake.h"
#include "src/tls/signer.h"
#include "tests/lib/tlsrig.h"

#define STEPS_MAX 200
#define PEERS 8

#define REQUIRE(holds)                                                      \
	do {                                                                \
		if (!(holds)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #holds); \
			abort();                                            \
		}                                                           \
	} while (0)

static struct peer {
	SSL *ssl;
	int client, plain; /* -1: closed */
} peers[PEERS];
static SSL_CTX *client_ctx;

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
end_peer(struct peer *p)
{
	SSL_free(p->ssl);
	p->ssl = NULL;
	close_one(&p->client);
	close_one(&p->plain);
}

static void
begin_peer(struct peer *p, unsigned worker, uint64_t nr, bool speaks)
{
	end_peer(p);
	tlsrig_connect(worker, nr, &p->client, &p->plain);
	if (!speaks)
		return;
	p->ssl = SSL_new(client_ctx);
	REQUIRE(p->ssl != NULL);
	SSL_set_fd(p->ssl, p->client);
	SSL_set_connect_state(p->ssl);
}

/* The lowest number that is free: a measure of those that are not. */
static int
lowest(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* One half alone, perhaps with a descriptor that is no connection. */
static void
half(struct in *in, uint8_t n)
{
	struct msg_tls_conn_tell first = {.conn = n & 3};
	struct msg_tls_pair_tell second = {.conn = n & 3};
	unsigned worker = in_u8(in) % WORKER_MAX;
	int ends[2];

	if (n & 0x40) {
		ends[0] = open("/dev/null", O_RDWR);
	} else {
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
		close(ends[1]);
	}
	if (n & 0x80)
		on_tls_conn_tell(worker, &first, ends[0]);
	else
		on_tls_pair_tell(worker, &second, ends[0], tlsrig.now);
}

static void
lie(struct in *in, uint8_t n)
{
	struct msg_sign_ans sign = {.ask = in_u8(in), .ok = n >> 7};
	struct msg_decrypt_ans decrypt = {.ask = sign.ask, .ok = sign.ok};

	sign.signature.len = in_u16(in) % (sizeof sign.signature.b + 1);
	if (n & 0x10)
		on_decrypt_ans(&decrypt);
	else
		on_sign_ans(&sign);
}

static void
certificates(struct in *in, uint8_t n)
{
	struct msg_cert_tell piece = {.kind = n % CERTS_KINDS};
	struct msg_certs_ans end = {.keys = (uint8_t)(n >> 4 & 1)};

	piece.ask = end.ask = in_u8(in);
	piece.part.len = in_u16(in) % 64;
	for (unsigned i = 0; i < piece.part.len; i++)
		piece.part.b[i] = in_u8(in);
	if (n & 0x40)
		(void)on_certs_ans(&tlsrig.near, &end);
	else
		on_cert_tell(&tlsrig.near, &piece);
	tlsrig.near.breached = false;
}

static void
speak(struct in *in, struct peer *p, uint8_t n)
{
	uint8_t bytes[64];
	unsigned len = in_u8(in) % sizeof bytes;

	for (unsigned i = 0; i < len; i++)
		bytes[i] = in_u8(in);
	if (n & 0x80 && p->plain >= 0)
		(void)send(p->plain, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	else if (p->client >= 0)
		(void)send(p->client, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What OpenSSL's own client does next. */
static void
client(struct peer *p, uint8_t n)
{
	static char bytes[65536];

	if (p->ssl == NULL || p->client < 0)
		return;
	if (!SSL_is_init_finished(p->ssl))
		(void)SSL_do_handshake(p->ssl);
	else if (n & 0x80)
		(void)SSL_write(p->ssl, bytes, 1 + (n >> 4 & 7) * 500);
	else
		(void)SSL_read(p->ssl, bytes, sizeof bytes);
	ERR_clear_error();
}

static void
leave(struct peer *p, uint8_t n)
{
	switch (n >> 4) {
	case 0: close_one(&p->client); break;
	case 1: close_one(&p->plain); break;
	case 2: (void)(p->plain >= 0 && shutdown(p->plain, SHUT_WR)); break;
	case 3: (void)(p->client >= 0 && shutdown(p->client, SHUT_WR)); break;
	case 4: intake_gone(n & 1); break;
	default: end_peer(p); break;
	}
}

static void
flood(struct peer *p)
{
	static char bytes[65536];

	if (p->plain >= 0)
		(void)send(p->plain, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
step(struct in *in, uint8_t n)
{
	struct peer *p = &peers[n >> 4 & 7];
	uint8_t more = in_u8(in);

	switch (n & 15) {
	case 0:
	case 1: begin_peer(p, more & 1, more, n & 1); break;
	case 2: half(in, more); break;
	case 3: lie(in, more); break;
	case 4: certificates(in, more); break;
	case 5: speak(in, p, more); break;
	case 6:
	case 7: client(p, more); break;
	case 8: leave(p, more); break;
	case 9: flood(p); break;
	case 10: tlsrig.now += (uint64_t)1 << (more & 15); break;
	case 11:
		chan_reset(&tlsrig.near);
		signer_keys_gone();
		break;
	case 12: tlsrig.keys_answer = more & 1; break;
	case 13: tlsrig.keys_refuse = more & 1; break;
	case 14: tlsrig_certs(more % 3); break;
	default: break;
	}
	tlsrig_turn();
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static int before;
	struct in in;

	if (client_ctx == NULL) {
		tlsrig_init();
		client_ctx = SSL_CTX_new(TLS_client_method());
		signal(SIGPIPE, SIG_IGN);
		for (unsigned i = 0; i < PEERS; i++)
			peers[i].client = peers[i].plain = -1;
		before = lowest();
	}
	tlsrig_init();
	in_init(&in, data, len);
	for (unsigned i = 0; in_left(&in) > 0 && i < STEPS_MAX; i++)
		step(&in, in_u8(&in));
	for (unsigned i = 0; i < PEERS; i++)
		end_peer(&peers[i]);
	for (unsigned w = 0; w < WORKER_MAX; w++)
		intake_gone(w);
	REQUIRE(conn_count() == 0 && bio_resting() == 0);
	REQUIRE(signer_next() == UINT64_MAX && lowest() == before);
	return 0;
}
