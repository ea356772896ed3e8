/*
 * See tlsrig.h.
 */
#include "tests/lib/tlsrig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/tls/certs.h"
#include "src/tls/context.h"
#include "src/tls/intake.h"
#include "src/tls/session.h"
#include "src/tls/signer.h"
#include "src/tls/stacks.h"
#include "src/tls/tickets.h"
#include "tests/lib/certs.h"

#define STEPS 64 /* of handshakes in a turn */

struct tlsrig tlsrig;
static OSSL_LIB_CTX *lib;
static bool usual; /* the certificates are those of the start */

static void
need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "tlsrig: %s\n", what);
	abort();
}

static int
told(const struct conn *c, X509 *shown)
{
	(void)c;
	(void)shown;
	tlsrig.told++;
	return 0;
}

static void
ready(struct conn *c)
{
	if (c != NULL)
		conn_queue(c);
}

static void
set_up_once(void)
{
	struct conn_times times = {.shake_ms = 10000, .drain_ms = 5000, .end_ms = 2000};
	int pair[2], fd;

	need(stacks_prepare() == 0, "allocator");
	lib = provider_start(&signer_calls);
	need(lib != NULL && stacks_make(SIGNER_ASKS) == 0, "OpenSSL");
	/* The numbers of real channels are not for the test's own sockets. */
	while (fcntl(FD_FREE - 1, F_GETFD) == -1)
		need(open("/dev/null", O_RDWR) >= 0, "/dev/null");
	fd = epoll_create1(0);
	need(fd >= 0 && dup2(fd, FD_WAIT) == FD_WAIT, "epoll");
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	chan_init(&tlsrig.near, pair[0], ROLE_TLS, ROLE_KEYS, 0, 512);
	chan_init(&tlsrig.far, pair[1], ROLE_KEYS, ROLE_TLS, 0, 512);
	need(conn_init(&times) == 0 && session_init(told) == 0, "tables");
	tlsrig.key[TLSRIG_EC] = EVP_EC_gen("P-256");
	tlsrig.key[TLSRIG_RSA] = EVP_RSA_gen(2048);
	tlsrig.people_key = EVP_EC_gen("P-256");
	tlsrig.people = certs_make(tlsrig.people_key, "+people", 2, NULL, NULL);
	for (unsigned k = 0; k < TLSRIG_KEYS; k++)
		tlsrig.cert[k] = certs_make(tlsrig.key[k], "server", 2, NULL, NULL);
}

void
tlsrig_init(void)
{
	if (lib == NULL)
		set_up_once();
	for (unsigned w = 0; w < WORKER_MAX; w++)
		intake_gone(w);
	chan_reset(&tlsrig.near);
	chan_reset(&tlsrig.far);
	signer_init(&tlsrig.near, ready);
	tlsrig.now = 1000000;
	tlsrig.keys_answer = true;
	tlsrig.keys_refuse = false;
	tlsrig.asked = tlsrig.told = 0;
	need(tickets_init(lib, tlsrig.now) == 0, "ticket keys");
	if (!usual)
		tlsrig_certs(0);
}

static void
tell_cert(uint32_t ask, uint8_t kind, X509 *x)
{
	struct msg_cert_tell m = {.ask = ask, .kind = kind};
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der);

	need(len > 0 && (size_t)len <= sizeof m.part.b, "certificate");
	memcpy(m.part.b, der, (size_t)len);
	m.part.len = (uint16_t)len;
	on_cert_tell(&tlsrig.near, &m);
	OPENSSL_free(der);
}

void
tlsrig_certs(unsigned verify)
{
	struct msg_certs_ans end = {.keys = TLSRIG_KEYS, .verify_client = (uint8_t)verify};
	const struct certs *all;
	struct msg m;
	SSL_CTX *ctx;

	certs_ask(&tlsrig.near);
	chan_flush(&tlsrig.near);
	do
		need(chan_recv(&tlsrig.far, &m, NULL) == 1, "a question");
	while (m.nr != MSG_CERTS_ASK);
	for (unsigned k = 0; k < TLSRIG_KEYS; k++)
		tell_cert(m.u.certs_ask.ask, (uint8_t)k, tlsrig.cert[k]);
	tell_cert(m.u.certs_ask.ask, CERTS_CLIENT_CA, tlsrig.people);
	end.ask = m.u.certs_ask.ask;
	all = on_certs_ans(&tlsrig.near, &end);
	ctx = all == NULL ? NULL : context_make(lib, all);
	need(ctx != NULL, "context");
	session_context(ctx);
	usual = verify == 0;
}

void
tlsrig_connect(unsigned worker, uint64_t nr, int *client, int *plain)
{
	struct msg_tls_conn_tell first = {.conn = nr, .port = 4000};
	struct msg_tls_pair_tell second = {.conn = nr};
	int tcp[2], pair[2];

	first.peer = first.local = addr_v4(0x0a4d0064);
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, tcp) == 0, "pair");
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	on_tls_conn_tell(worker, &first, tcp[0]);
	on_tls_pair_tell(worker, &second, pair[0], tlsrig.now);
	*client = tcp[1];
	*plain = pair[1];
}

bool
tlsrig_question(struct msg *m)
{
	chan_flush(&tlsrig.near);
	while (chan_recv(&tlsrig.far, m, NULL) == 1)
		if (m->nr == MSG_SIGN_ASK) {
			tlsrig.asked++;
			return true;
		}
	return false;
}

void
tlsrig_answer(const struct msg *m)
{
	const struct msg_sign_ask *ask = &m->u.sign_ask;
	struct msg out = {.nr = MSG_SIGN_ANS};
	struct msg_sign_ans *ans = &out.u.sign_ans;
	enum sign_scheme scheme = (enum sign_scheme)ask->scheme;
	const char *hash = tls_sign_hash_len(scheme) == 48 ? "SHA384" : "SHA256";
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	size_t len = sizeof ans->signature.b;

	ans->ask = ask->ask;
	ans->ok = !tlsrig.keys_refuse;
	need(EVP_DigestSignInit_ex(
		 md, &ctx, hash, NULL, NULL, tlsrig.key[ask->key], NULL) == 1,
	    "signing");
	if (tls_sign_is_pss(scheme)) {
		need(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0, "PSS");
		need(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0,
		    "salt");
	}
	need(EVP_DigestSign(md, ans->signature.b, &len, ask->text.b, ask->text.len) == 1,
	    "signature");
	ans->signature.len = (uint16_t)len;
	EVP_MD_CTX_free(md);
	need(chan_send(&tlsrig.far, &out) == 0, "room");
	chan_flush(&tlsrig.far);
}

static void
read_answers(void)
{
	struct msg m;

	while (chan_recv(&tlsrig.near, &m, NULL) == 1)
		if (m.nr == MSG_SIGN_ANS)
			on_sign_ans(&m.u.sign_ans);
}

void
tlsrig_turn(void)
{
	struct epoll_event events[64];
	enum conn_clock clock;
	struct conn *c;
	struct msg m;
	int n = epoll_wait(FD_WAIT, events, 64, 0);

	for (int i = 0; i < n; i++) {
		c = conn_event(events[i].data.u64, events[i].events);
		if (c != NULL)
			conn_queue(c);
	}
	while (tlsrig.keys_answer && tlsrig_question(&m))
		tlsrig_answer(&m);
	read_answers();
	for (unsigned i = conn_waiting(LINE_BYTES); i > 0; i--)
		if ((c = conn_take(LINE_BYTES)) != NULL)
			session_serve(c, tlsrig.now);
	for (unsigned i = 0; i < STEPS; i++) {
		c = conn_take(LINE_ANSWERED);
		if (c == NULL && signer_room())
			c = conn_take(LINE_SHAKING);
		if (c == NULL)
			break;
		session_shake(c, tlsrig.now);
	}
	while ((c = conn_due(tlsrig.now, &clock)) != NULL)
		session_late(c, clock);
	signer_tick(tlsrig.now);
	tickets_tick(tlsrig.now);
}
