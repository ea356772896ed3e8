/*
 * keys between owned tls processes: any asks in any order over real channels, with restarts
 * of the askers in between. Only its main file and its threads are not there. Input: steps
 * of one byte of what (low four bits: enum what; high four: which process) and what that
 * needs. Promises: each ask is answered once, to whoever asked, as long as that one is not
 * accused; and there is a signature only over a text that a reader of this file's own,
 * which shares nothing with that of keys, takes for a server's handshake.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "privsep/start.h"
#include "src/base/buf.h"
#include "src/keys/pool.h"
#include "src/keys/serve.h"
#include "tests/lib/certs.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define SIGNERS 3
#define STEPS_MAX 64

enum what {
	DO_SIGN_AS_IS, /* key, scheme, length, text */
	DO_SIGN_VERIFY,
	DO_SIGN_ECDHE,
	DO_DECRYPT,
	DO_CERTS,
	DO_STEP,
	DO_GONE,
	DO_RAW, /* length, bytes: a datagram */
	DO_MAX
};

/* What one process has asked and not yet heard of. */
struct asker {
	struct chan chan;
	bool accused;
	unsigned signs, certs, decrypts, asked;
	bool handshake[STEPS_MAX]; /* whether its ask of that number was about one */
};

static struct secrets secrets;
static struct serve_config config = {
    .secrets = &secrets, .signers = SIGNERS, .verify_client = 1, .decrypts = true};
static struct asker askers[SIGNERS];
static int super;

/* The same keys each time: one of a fixed number, by hand. */
static EVP_PKEY *
fixed_key(void)
{
	static const char pem[] =
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAGhRANCAARrF9Hy4SxCR/i85uVjpEDydwN9gS3r\n"
	    "M6D0oTlF2JjClk/jQuL+Gn+bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1\n"
	    "-----END PRIVATE KEY-----\n";
	BIO *in = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	BIO_free(in);
	REQUIRE(key != NULL);
	return key;
}

static void
set_up(void)
{
	EVP_PKEY *key = fixed_key();
	X509 *own = certs_make(key, "a", 30, NULL, NULL);
	char *key_pem = certs_key_pem(key, NULL), *pem = certs_pem(&own, 1);
	int pair[2];

	secrets.lib = load_library();
	REQUIRE(load_key(secrets.lib, key_pem, strlen(key_pem), pem, strlen(pem),
		    &secrets.keys[0]) == NULL);
	secrets.n = 1;
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	super = fcntl(pair[0], F_DUPFD, FD_FREE);
	REQUIRE(super >= 0 && dup2(pair[1], FD_SUPER) == FD_SUPER);
	for (int i = 0; i < SIGNERS; i++) {
		int fd;

		REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
		fd = fcntl(pair[0], F_DUPFD, FD_FREE);
		REQUIRE(fd >= 0 && dup2(pair[1], FD_SIGN + i) == FD_SIGN + i);
		chan_init(&askers[i].chan, fd, ROLE_TLS, ROLE_KEYS, 0, 64);
	}
	pool_init(&secrets, 0);
	serve_init(&config);
	free(key_pem);
	free(pem);
	X509_free(own);
	EVP_PKEY_free(key);
}

/* Only shapes with an EC key in mind, said in another way than src/wire/tls_sign.c. */
static bool
is_handshake(const uint8_t *t, size_t len)
{
	static const char head[] =
	    "                                                         "
	    "       TLS 1.3, server CertificateVerify";
	size_t point;

	if ((len == 130 || len == 146) && memcmp(t, head, sizeof head) == 0)
		return true;
	if (len > 700)
		return t[64] == 1; /* a group: left to the unit test */
	if (len < 100 || t[64] != 3 || t[65] != 0)
		return false;
	point = t[66] == 23 ? 65u : t[66] == 24 ? 97u : t[66] == 25 ? 133u : 32u;
	return len == 68 + point && t[67] == point &&
	       (t[66] == 29 || (t[66] >= 23 && t[66] <= 25 && t[68] == 4));
}

static void
ask(struct asker *a, const struct msg *m, unsigned *count)
{
	if (chan_room(&a->chan, 1) && chan_send(&a->chan, m) == 0)
		*count += 1;
	chan_flush(&a->chan);
}

static void
ask_sign(struct asker *a, struct in *in, enum what what)
{
	static const uint8_t ecdhe[] = {3, 0, 29, 32};
	struct msg m = {.nr = MSG_SIGN_ASK};
	struct msg_sign_ask *s = &m.u.sign_ask;
	size_t len;

	s->key = in_u8(in) % KEYS_MAX;
	s->scheme = in_u8(in) % 8;
	memset(s->text.b, ' ', sizeof s->text.b);
	if (what == DO_SIGN_VERIFY) {
		memcpy(s->text.b + 64, "TLS 1.3, server CertificateVerify", 34);
		s->text.len = (uint16_t)(130 + in_u8(in) % 18);
	} else if (what == DO_SIGN_ECDHE) {
		memcpy(s->text.b + 64, ecdhe, sizeof ecdhe);
		s->text.len = (uint16_t)(100 + in_u8(in) % 2);
	} else {
		len = in_u16(in) % (TLS_SIGN_TEXT_MAX + 1);
		len = len < in_left(in) ? len : in_left(in);
		in_copy(in, s->text.b, len);
		s->text.len = (uint16_t)len;
	}
	s->ask = a->asked++;
	a->handshake[s->ask] = is_handshake(s->text.b, s->text.len);
	ask(a, &m, &a->signs);
}

static void
ask_decrypt(struct asker *a, struct in *in)
{
	struct msg m = {.nr = MSG_DECRYPT_ASK};

	m.u.decrypt_ask.key = in_u8(in) % KEYS_MAX;
	m.u.decrypt_ask.version = in_u16(in);
	m.u.decrypt_ask.text.len = in_u8(in);
	ask(a, &m, &a->decrypts);
}

static void
send_raw(struct asker *a, struct in *in)
{
	size_t len = in_u8(in);

	len = len < in_left(in) ? len : in_left(in);
	/* Whatever it is, it may be counted wrongly: this one is not looked at any more. */
	a->accused = true;
	(void)send(a->chan.fd, in_take(in, len), len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
take_answers(struct asker *a)
{
	struct msg m;

	for (unsigned empty = 0; empty < 2;) {
		if (chan_recv(&a->chan, &m, NULL) != 1) {
			empty++;
			continue;
		}
		if (a->accused)
			continue;
		if (m.nr == MSG_SIGN_ANS) {
			REQUIRE(a->signs-- > 0 && m.u.sign_ans.ask < a->asked);
			REQUIRE(!m.u.sign_ans.ok || a->handshake[m.u.sign_ans.ask]);
			REQUIRE((m.u.sign_ans.signature.len > 0) == (m.u.sign_ans.ok == 1));
		} else if (m.nr == MSG_DECRYPT_ANS) {
			REQUIRE(a->decrypts-- > 0 && m.u.decrypt_ans.ok == 0);
		} else if (m.nr == MSG_CERTS_ANS) {
			REQUIRE(a->certs-- > 0 && m.u.certs_ans.keys == 1);
		} else {
			REQUIRE(m.nr == MSG_CERT_TELL && m.u.cert_tell.kind == 0);
		}
	}
}

/* Nobody is accused of asking for handshakes. */
static void
take_accusations(void)
{
	uint8_t b[4];

	while (recv(super, b, sizeof b, MSG_DONTWAIT) == 4) {
		REQUIRE(b[0] == NOTICE_FAULT && b[1] == ROLE_TLS && b[2] < SIGNERS);
		askers[b[2]].accused = true;
	}
}

static void
step(void)
{
	for (unsigned i = 0; i < 8; i++)
		(void)serve_step();
	take_accusations();
	for (unsigned i = 0; i < SIGNERS; i++)
		take_answers(&askers[i]);
}

static void
begin_again(unsigned who)
{
	struct asker *a = &askers[who];

	serve_reset(who);
	chan_reset(&a->chan);
	serve_reset(who); /* what was under way in the socket is void as well */
	a->accused = false;
	a->signs = a->certs = a->decrypts = a->asked = 0;
}

static void
play(struct in *in)
{
	struct msg certs = {.nr = MSG_CERTS_ASK};
	uint8_t what = in_u8(in);
	unsigned who = (what >> 4) % SIGNERS;
	struct asker *a = &askers[who];

	switch ((enum what)(what % 16 % DO_MAX)) {
	case DO_DECRYPT: ask_decrypt(a, in); break;
	case DO_CERTS: ask(a, &certs, &a->certs); break;
	case DO_STEP: step(); break;
	case DO_GONE: begin_again(who); break;
	case DO_RAW: send_raw(a, in); break;
	default: ask_sign(a, in, (enum what)(what % 16 % DO_MAX)); break;
	}
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static bool ready;
	struct in in;

	if (!ready)
		set_up();
	ready = true;
	for (unsigned i = 0; i < SIGNERS; i++)
		begin_again(i);
	in_init(&in, data, len);
	for (unsigned i = 0; i < STEPS_MAX && in_left(&in) > 0; i++)
		play(&in);
	for (unsigned i = 0; i < 20; i++)
		step();
	for (unsigned i = 0; i < SIGNERS; i++)
		if (!askers[i].accused)
			REQUIRE(
			    askers[i].signs + askers[i].certs + askers[i].decrypts == 0);
	return 0;
}
