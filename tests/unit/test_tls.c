/*
 * Process tls under OpenSSL's own client: bytes both ways, ends, a keys process that is
 * slow, silent, gone or wrong, slow clients, new certificates, tickets.
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/tls/bio.h"
#include "src/tls/intake.h"
#include "src/tls/signer.h"
#include "tests/lib/certs.h"
#include "tests/lib/tlsrig.h"

#define TURNS 400

/* A client, and what file-sender has of it. */
struct peer {
	SSL *ssl;
	int fd, plain;
};

static uint64_t numbers;
static SSL_CTX *client_ctx;
static char bytes[1u << 20];

static int
set_up(void **state)
{
	(void)state;
	tlsrig_init();
	SSL_CTX_free(client_ctx);
	client_ctx = SSL_CTX_new(TLS_client_method());
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return 0;
}

static struct peer
begin(void)
{
	struct peer p;

	tlsrig_connect(0, ++numbers, &p.fd, &p.plain);
	p.ssl = SSL_new(client_ctx);
	assert_non_null(p.ssl);
	SSL_set_fd(p.ssl, p.fd);
	SSL_set_connect_state(p.ssl);
	return p;
}

/* 1: done. 0: not yet, or failed. */
static int
shake(struct peer *p)
{
	for (unsigned i = 0; i < TURNS; i++) {
		int n = SSL_do_handshake(p->ssl);

		if (n == 1)
			break;
		if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ)
			return 0;
		tlsrig_turn();
	}
	for (unsigned i = 0; i < 4; i++)
		tlsrig_turn();
	return SSL_is_init_finished(p->ssl);
}

static void
end(struct peer *p)
{
	SSL_free(p->ssl);
	if (p->fd >= 0)
		close(p->fd);
	if (p->plain >= 0)
		close(p->plain);
	for (unsigned i = 0; i < 8; i++)
		tlsrig_turn();
	tlsrig.now += 10000;
	for (unsigned i = 0; i < 8; i++)
		tlsrig_turn();
}

/* The client's text arrives on the pair. */
static void
asks(struct peer *p, const char *text)
{
	char got[256];
	size_t n = 0;

	assert_int_equal(SSL_write(p->ssl, text, (int)strlen(text)), (int)strlen(text));
	for (unsigned i = 0; i < TURNS && n < strlen(text); i++) {
		ssize_t more = recv(p->plain, got + n, sizeof got - n, MSG_DONTWAIT);

		if (more > 0)
			n += (size_t)more;
		tlsrig_turn();
	}
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

/* Writes to the pair as much of `bytes` as it takes. */
static void
push(struct peer *p, size_t *at, size_t len)
{
	ssize_t n =
	    *at < len ? send(p->plain, bytes + *at, len - *at, MSG_DONTWAIT | MSG_NOSIGNAL)
		      : 0;

	if (n > 0)
		*at += (size_t)n;
}

static void
gets(struct peer *p, size_t len)
{
	static char got[sizeof bytes];
	size_t sent = 0, n = 0;

	for (unsigned i = 0; i < 20 * TURNS && n < len; i++) {
		int more;

		push(p, &sent, len);
		tlsrig_turn();
		more = SSL_read(p->ssl, got + n, (int)(len - n));
		if (more > 0)
			n += (size_t)more;
	}
	assert_int_equal(n, len);
	assert_memory_equal(got, bytes, len);
}

static void
both_ways(void **state)
{
	static struct {
		int version;
		char sigalgs[24];
		int id;
	} all[] = {{TLS1_3_VERSION, "ECDSA+SHA256", EVP_PKEY_EC},
	    {TLS1_3_VERSION, "rsa_pss_rsae_sha256", EVP_PKEY_RSA},
	    {TLS1_2_VERSION, "ECDSA+SHA256", EVP_PKEY_EC},
	    {TLS1_2_VERSION, "RSA+SHA256", EVP_PKEY_RSA}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct peer p;
		EVP_PKEY *key;

		SSL_CTX_set_min_proto_version(client_ctx, all[i].version);
		SSL_CTX_set_max_proto_version(client_ctx, all[i].version);
		assert_int_equal(SSL_CTX_set1_sigalgs_list(client_ctx, all[i].sigalgs), 1);
		p = begin();
		assert_int_equal(shake(&p), 1);
		key = X509_get0_pubkey(SSL_get0_peer_certificate(p.ssl));
		assert_int_equal(EVP_PKEY_get_base_id(key), all[i].id);
		asks(&p, "GET / HTTP/1.1\r\n\r\n");
		gets(&p, 1);
		gets(&p, sizeof bytes);
		asks(&p, "again");
		end(&p);
		assert_int_equal(conn_count(), 0);
	}
	assert_int_equal(tlsrig.asked, 4);
}

static void
old_firmware(void **state)
{
	struct peer p;
	EVP_PKEY *temporary = NULL;

	(void)state;
	SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
	assert_int_equal(
	    SSL_CTX_set_cipher_list(client_ctx, "DHE-RSA-AES256-GCM-SHA384:AES128-SHA"), 1);
	p = begin();
	assert_int_equal(shake(&p), 1);
	assert_string_equal(SSL_get_cipher_name(p.ssl), "DHE-RSA-AES256-GCM-SHA384");
	assert_int_equal(SSL_get_peer_tmp_key(p.ssl, &temporary), 1);
	assert_int_equal(EVP_PKEY_get_bits(temporary), 3072);
	EVP_PKEY_free(temporary);
	gets(&p, 100000);
	end(&p);
	/* Without a key exchange of its own: not unless configured. */
	assert_int_equal(SSL_CTX_set_cipher_list(client_ctx, "AES128-GCM-SHA256"), 1);
	p = begin();
	assert_int_equal(shake(&p), 0);
	end(&p);
	assert_int_equal(conn_count(), 0);
}

/* Who says all it has to say ends in order; so does who asks no more. */
static void
ends(void **state)
{
	struct peer p = begin();
	char got[8];

	(void)state;
	assert_int_equal(shake(&p), 1);
	gets(&p, 70000);
	assert_int_equal(send(p.plain, "last", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(shutdown(p.plain, SHUT_WR), 0);
	for (unsigned i = 0; i < 8; i++)
		tlsrig_turn();
	assert_int_equal(SSL_read(p.ssl, got, sizeof got), 4);
	assert_int_equal(SSL_read(p.ssl, got, sizeof got), 0);
	assert_int_equal(SSL_get_error(p.ssl, 0), SSL_ERROR_ZERO_RETURN);
	assert_int_equal(recv(p.fd, got, sizeof got, 0), 0);
	/* file-sender sees the end too; the client may take its time, but not too much. */
	assert_int_equal(recv(p.plain, got, sizeof got, MSG_DONTWAIT), 0);
	assert_int_equal(conn_count(), 1);
	tlsrig.now += 2000;
	tlsrig_turn();
	assert_int_equal(conn_count(), 0);
	end(&p);
	p = begin();
	assert_int_equal(shake(&p), 1);
	asks(&p, "GET");
	SSL_shutdown(p.ssl);
	for (unsigned i = 0; i < 8; i++)
		tlsrig_turn();
	assert_int_equal(recv(p.plain, got, sizeof got, MSG_DONTWAIT), 0);
	gets(&p, 50000);
	close(p.plain);
	p.plain = -1;
	end(&p);
	assert_int_equal(conn_count(), 0);
}

/* keys is silent: one handshake waits, everybody else is served. */
static void
keys_is_silent(void **state)
{
	struct peer open = begin(), waits;
	uint64_t began;

	(void)state;
	assert_int_equal(shake(&open), 1);
	tlsrig.keys_answer = false;
	waits = begin();
	assert_int_equal(shake(&waits), 0);
	assert_int_equal(conn_count(), 2);
	gets(&open, 300000);
	began = tlsrig.now;
	assert_true(signer_next() <= began + SIGNER_WAIT_MS);
	tlsrig.now = began + SIGNER_WAIT_MS - 1;
	tlsrig_turn();
	assert_int_equal(shake(&waits), 0);
	assert_int_equal(conn_count(), 2);
	tlsrig.now++;
	for (unsigned i = 0; i < 4; i++)
		tlsrig_turn();
	assert_int_equal(shake(&waits), 0);
	assert_int_equal(SSL_get_shutdown(waits.ssl) == 0 && SSL_want_read(waits.ssl), 0);
	gets(&open, 300000);
	/* Its answer comes too late, and hurts nobody. */
	tlsrig.keys_answer = true;
	tlsrig_turn();
	end(&waits);
	gets(&open, 1000);
	end(&open);
	assert_int_equal(conn_count(), 0);
}

static void
keys_starts_anew(void **state)
{
	struct peer p;
	struct msg first, again;

	(void)state;
	tlsrig.keys_answer = false;
	p = begin();
	assert_int_equal(shake(&p), 0);
	assert_true(tlsrig_question(&first));
	assert_false(tlsrig_question(&again));
	chan_reset(&tlsrig.near);
	signer_keys_gone();
	tlsrig.now += 500;
	tlsrig_turn();
	assert_true(tlsrig_question(&again));
	assert_memory_equal(&first.u.sign_ask, &again.u.sign_ask, sizeof first.u.sign_ask);
	/* The old one's answer, if it is still there, is as good; a second one is late. */
	tlsrig_answer(&again);
	tlsrig_answer(&first);
	assert_int_equal(shake(&p), 1);
	gets(&p, 1000);
	end(&p);
}

static void
keys_is_wrong(void **state)
{
	struct msg_sign_ans ans = {.ok = 1};
	struct peer p;
	struct msg m;

	(void)state;
	tlsrig.keys_refuse = true;
	p = begin();
	assert_int_equal(shake(&p), 0);
	end(&p);
	tlsrig.keys_refuse = tlsrig.keys_answer = false;
	/* Answers to what was never asked. */
	for (uint32_t i = 0; i < 3000; i++) {
		ans.ask = i;
		on_sign_ans(&ans);
	}
	/* Longer than a signature of that key. */
	p = begin();
	assert_int_equal(shake(&p), 0);
	assert_true(tlsrig_question(&m));
	ans.ask = m.u.sign_ask.ask;
	ans.signature.len = sizeof ans.signature.b;
	on_sign_ans(&ans);
	assert_int_equal(shake(&p), 0);
	end(&p);
	/* Of the right length, and wrong: the client finds out. */
	p = begin();
	assert_int_equal(shake(&p), 0);
	assert_true(tlsrig_question(&m));
	ans.ask = m.u.sign_ask.ask;
	ans.signature.len = 70;
	on_sign_ans(&ans);
	assert_int_equal(shake(&p), 0);
	end(&p);
	assert_int_equal(conn_count(), 0);
}

/* The client, or its file-sender, goes while its question is open. */
static void
nobody_waits_any_more(void **state)
{
	struct peer p[8];
	struct msg m[8];

	(void)state;
	tlsrig.keys_answer = false;
	for (unsigned i = 0; i < 8; i++) {
		p[i] = begin();
		assert_int_equal(shake(&p[i]), 0);
		assert_true(tlsrig_question(&m[i]));
	}
	for (unsigned i = 0; i < 4; i++)
		end(&p[i]);
	intake_gone(0);
	assert_int_equal(conn_count(), 0);
	for (unsigned i = 0; i < 8; i++)
		tlsrig_answer(&m[i]);
	tlsrig_turn();
	tlsrig.keys_answer = true;
	for (unsigned i = 4; i < 8; i++)
		end(&p[i]);
	p[0] = begin();
	assert_int_equal(shake(&p[0]), 1);
	end(&p[0]);
}

/* More handshakes than questions can be open: the others wait, and nobody is forgotten. */
static void
many_at_once(void **state)
{
	enum { MANY = SIGNER_ASKS + 40 };
	static struct peer p[MANY];
	unsigned done = 0;

	(void)state;
	tlsrig.keys_answer = false;
	for (unsigned i = 0; i < MANY; i++) {
		p[i] = begin();
		(void)SSL_do_handshake(p[i].ssl);
	}
	for (unsigned i = 0; i < 20; i++)
		tlsrig_turn();
	assert_false(signer_room());
	tlsrig.keys_answer = true;
	for (unsigned i = 0; i < MANY; i++)
		done += (unsigned)shake(&p[i]);
	assert_int_equal(done, MANY);
	assert_true(signer_room());
	for (unsigned i = 0; i < MANY; i++)
		end(&p[i]);
	assert_int_equal(conn_count(), 0);
}

/* A client that takes nothing costs one piece, and gets all when it wakes up. */
static void
slow_client(void **state)
{
	struct peer p = begin();
	static char got[sizeof bytes];
	size_t sent = 0, before, n = 0;

	(void)state;
	assert_int_equal(shake(&p), 1);
	for (unsigned i = 0; i < 50; i++) {
		push(&p, &sent, sizeof bytes);
		tlsrig_turn();
	}
	before = sent;
	assert_true(sent < sizeof bytes);
	assert_true(bio_resting() > 0 && bio_resting() <= BIO_PLAIN_MAX + 4096);
	for (unsigned i = 0; i < 50; i++) {
		push(&p, &sent, sizeof bytes);
		tlsrig_turn();
	}
	assert_int_equal(sent, before);
	while (n < sizeof bytes) {
		int more = SSL_read(p.ssl, got + n, (int)(sizeof bytes - n));

		n += more > 0 ? (size_t)more : 0;
		push(&p, &sent, sizeof bytes);
		tlsrig_turn();
	}
	assert_memory_equal(got, bytes, sizeof bytes);
	assert_int_equal(bio_resting(), 0);
	end(&p);
}

/* file-sender goes with bytes on their way: the client gets them if it takes them. */
static void
left_over(void **state)
{
	struct peer p = begin(), q = begin();
	static char got[sizeof bytes];
	size_t sent = 0, n = 0;

	(void)state;
	assert_int_equal(shake(&p), 1);
	assert_int_equal(shake(&q), 1);
	for (unsigned i = 0; i < 50; i++) {
		push(&p, &sent, sizeof bytes);
		tlsrig_turn();
	}
	close(p.plain);
	p.plain = -1;
	for (unsigned i = 0; i < 20 * TURNS && n < sent; i++) {
		int more = SSL_read(p.ssl, got + n, (int)(sizeof got - n));

		n += more > 0 ? (size_t)more : 0;
		tlsrig_turn();
	}
	assert_int_equal(n, sent);
	assert_memory_equal(got, bytes, n);
	end(&p);
	sent = 0;
	for (unsigned i = 0; i < 50; i++) {
		push(&q, &sent, sizeof bytes);
		tlsrig_turn();
	}
	close(q.plain);
	q.plain = -1;
	tlsrig_turn();
	tlsrig_turn();
	assert_int_equal(conn_count(), 1);
	tlsrig.now += 5000;
	tlsrig_turn();
	assert_int_equal(conn_count(), 0);
	end(&q);
}

static void
silence_ends(void **state)
{
	struct peer p = begin(), q = begin();

	(void)state;
	/* Half a ClientHello takes no session. */
	assert_int_equal(send(q.fd, "\x16\x03\x01\x02", 4, 0), 4);
	tlsrig_turn();
	assert_int_equal(conn_count(), 2);
	assert_null(conn_next(NULL)->ssl);
	tlsrig.now += 10000;
	tlsrig_turn();
	assert_int_equal(conn_count(), 0);
	assert_int_equal(shake(&p), 0);
	end(&p);
	end(&q);
	/* Plain HTTP. */
	p = begin();
	assert_int_equal(send(p.fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	for (unsigned i = 0; i < 4; i++)
		tlsrig_turn();
	assert_int_equal(recv(p.plain, bytes, 1, MSG_DONTWAIT), 0);
	end(&p);
	assert_int_equal(conn_count(), 0);
}

static bool
is_closed(int fd)
{
	char c;
	bool closed = recv(fd, &c, 1, MSG_DONTWAIT) == 0;

	close(fd);
	return closed;
}

static void
halves(void **state)
{
	struct msg_tls_conn_tell first = {.conn = 1};
	struct msg_tls_pair_tell second = {.conn = 2};
	int a[2], b[2], c[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	socketpair(AF_UNIX, SOCK_STREAM, 0, b);
	socketpair(AF_UNIX, SOCK_STREAM, 0, c);
	on_tls_conn_tell(3, &first, a[0]);
	on_tls_pair_tell(3, &second, b[0], tlsrig.now);
	assert_true(is_closed(a[1]) && is_closed(b[1]));
	on_tls_conn_tell(3, &first, c[0]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	/* Of another worker. */
	second.conn = 1;
	on_tls_pair_tell(4, &second, a[0], tlsrig.now);
	assert_true(is_closed(a[1]));
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	on_tls_conn_tell(3, &first, a[0]);
	assert_true(is_closed(c[1]));
	intake_gone(3);
	assert_true(is_closed(a[1]));
	assert_int_equal(conn_count(), 0);
}

static void
new_certificates(void **state)
{
	struct peer p = begin(), q;
	X509 *old = tlsrig.cert[TLSRIG_EC];

	(void)state;
	assert_int_equal(shake(&p), 1);
	tlsrig.cert[TLSRIG_EC] = certs_make(tlsrig.key[TLSRIG_EC], "new", 2, NULL, NULL);
	tlsrig_certs(0);
	q = begin();
	assert_int_equal(shake(&q), 1);
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(p.ssl), old), 0);
	assert_int_equal(
	    X509_cmp(SSL_get0_peer_certificate(q.ssl), tlsrig.cert[TLSRIG_EC]), 0);
	gets(&p, 100000);
	gets(&q, 100000);
	end(&p);
	end(&q);
	X509_free(old);
}

/* Connects with what the last one left; 1 when that was taken. */
static int
resumes(SSL_SESSION **session)
{
	struct peer p = begin();
	int reused;

	if (*session != NULL)
		SSL_set_session(p.ssl, *session);
	assert_int_equal(shake(&p), 1);
	gets(&p, 10);
	reused = SSL_session_reused(p.ssl);
	if (*session == NULL)
		*session = SSL_get1_session(p.ssl);
	SSL_shutdown(p.ssl);
	end(&p);
	return reused;
}

static void
tickets(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		SSL_SESSION *session = NULL;

		tlsrig_init();
		SSL_CTX_set_min_proto_version(client_ctx, versions[i]);
		SSL_CTX_set_max_proto_version(client_ctx, versions[i]);
		assert_int_equal(resumes(&session), 0);
		assert_int_equal(resumes(&session), 1);
		assert_int_equal(tlsrig.asked, 1);
		tlsrig.now += 3600 * 1000;
		tlsrig_turn();
		assert_int_equal(resumes(&session), 1);
		/* Sealed with a key that is forgotten. */
		tlsrig.now += 3600 * 1000;
		tlsrig_turn();
		assert_int_equal(resumes(&session), 0);
		SSL_SESSION_free(session);
	}
}

static void
clients_certificates(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *good = certs_make(key, "-client", 2, tlsrig.people, tlsrig.people_key);
	X509 *bad = certs_make(key, "-client", 2, NULL, NULL);
	struct peer p;

	(void)state;
	tlsrig_certs(2);
	SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
	p = begin();
	assert_int_equal(shake(&p), 0);
	end(&p);
	SSL_CTX_use_certificate(client_ctx, bad);
	SSL_CTX_use_PrivateKey(client_ctx, key);
	p = begin();
	assert_int_equal(shake(&p), 0);
	end(&p);
	assert_int_equal(tlsrig.told, 0);
	SSL_CTX_use_certificate(client_ctx, good);
	p = begin();
	assert_int_equal(shake(&p), 1);
	assert_int_equal(tlsrig.told, 1);
	gets(&p, 10);
	end(&p);
	assert_int_equal(conn_count(), 0);
	X509_free(good);
	X509_free(bad);
	EVP_PKEY_free(key);
}

/* A second handshake on a connection would be one more signature. */
static void
renegotiation(void **state)
{
	struct peer p;
	char c;

	(void)state;
	SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
	p = begin();
	assert_int_equal(shake(&p), 1);
	assert_int_equal(tlsrig.asked, 1);
	SSL_renegotiate(p.ssl);
	(void)SSL_do_handshake(p.ssl);
	for (unsigned i = 0; i < 8; i++) {
		tlsrig_turn();
		(void)SSL_read(p.ssl, &c, 1);
	}
	assert_int_equal(tlsrig.asked, 1);
	end(&p);
	assert_int_equal(conn_count(), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
	    TEST(both_ways),
	    TEST(old_firmware),
	    TEST(ends),
	    TEST(keys_is_silent),
	    TEST(keys_starts_anew),
	    TEST(keys_is_wrong),
	    TEST(nobody_waits_any_more),
	    TEST(many_at_once),
	    TEST(slow_client),
	    TEST(left_over),
	    TEST(silence_ends),
	    TEST(halves),
	    TEST(new_certificates),
	    TEST(tickets),
	    TEST(clients_certificates),
	    TEST(renegotiation),
	};

	/* libssl's own client writes to ends that are closed. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
