/*
 * Sessions of process tls. The client may be anybody, file-sender may be owned; between
 * them is OpenSSL. A connection that cannot go on in one direction is not read in the
 * other way round either: what is held for it is bounded, and counted for all.
 */
#include "src/tls/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/log.h"
#include "src/tls/bio.h"
#include "src/tls/signer.h"

#define TURN_BYTES (256u << 10) /* for a client before the others' turn */
#define ASK_BYTES 4096          /* of a client at once */
#define ASK_TURN 8
#define SKIP_TURN 16
#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define HELLO_MAX 16384u /* bytes of a first record that is waited for */
/* What clients have not taken, of all: from here on each is given less at once. */
#define RESTING_MUCH (32u << 20)
#define RESTING_FULL (64u << 20)

static SSL_CTX *context;
static int (*tell)(const struct conn *c, X509 *shown);
static uint8_t plain[BIO_PLAIN_MAX];

int
session_init(int (*told)(const struct conn *c, X509 *shown))
{
	tell = told;
	return bio_init();
}

void
session_context(SSL_CTX *ctx)
{
	SSL_CTX_free(context);
	context = ctx;
	for (struct conn *c = conn_next(NULL); c != NULL; c = conn_next(c))
		if (c->state == CONN_SHAKING && c->ssl == NULL)
			conn_queue(c);
}

/* ------------------------------------------------------------------------ the end */

static void
report(const struct conn *c, const char *why)
{
	char peer[ADDR_TEXT_MAX];

	log_limited(LOG_INFO, "tls-ended", "peer=%s reason=\"%s\"",
	    addr_format(&c->peer, peer), why);
}

/* A job that waits for keys is told that it gets nothing, and ends. */
static void
end_job(struct conn *c)
{
	while (c->ask != 0) {
		signer_cancel(c);
		signer_enter(c, 0);
		(void)SSL_do_handshake(c->ssl);
		signer_leave();
	}
}

void
session_drop(struct conn *c, const char *why)
{
	if (why != NULL)
		report(c, why);
	if (c->ssl != NULL) {
		end_job(c);
		/* What can be said at once is said. */
		if (bio_push(c) != 0)
			c->tcp_out = false;
		SSL_free(c->ssl);
		c->ssl = NULL;
		ERR_clear_error();
	}
	bio_forget(c);
	conn_free(c);
}

/* All that was to be said is on its way. Closing with unread bytes would reset the
 * connection, and the client might lose the end of it. */
static void
linger(struct conn *c, uint64_t now)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	conn_become(c, CONN_ENDED);
	(void)shutdown(c->tcp, SHUT_WR);
	conn_clock(c, CLOCK_END, now);
	conn_queue(c);
}

/* OpenSSL's reason, a fixed text; an alert of the client is among them. */
static const char *
reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text == NULL ? "the connection broke" : text;
}

/* The alert that says why is out, or will never be. */
static void
fail(struct conn *c, uint64_t now)
{
	report(c, reason());
	ERR_clear_error();
	conn_close_pair(c);
	if (c->cipher.bytes != NULL || c->tcp_eof)
		session_drop(c, NULL);
	else
		linger(c, now);
}

void
session_late(struct conn *c, enum conn_clock clock)
{
	session_drop(c, clock == CLOCK_SHAKE   ? "handshake took too long"
			: clock == CLOCK_DRAIN ? "client takes nothing"
					       : NULL);
}

/* ----------------------------------------------------------------------- handshake */

/* A session takes tens of kilobytes, so it begins when the client's first record is here as
 * a whole (RFC 8446, 5.1): until then the kernel holds it. One that is too long, or no
 * handshake, is OpenSSL's to refuse. */
static bool
has_hello(struct conn *c)
{
	ssize_t n = recv(c->tcp, plain, HELLO_MAX, MSG_DONTWAIT | MSG_PEEK);
	size_t len;

	if (n < 0)
		return errno != EAGAIN;
	if (n > 0 && n < RECORD_HEAD)
		return false;
	len = RECORD_HEAD + ((size_t)plain[3] << 8 | plain[4]);
	return n == 0 || plain[0] != RECORD_HANDSHAKE || len > HELLO_MAX ||
	       (size_t)n >= len;
}

static bool
begin(struct conn *c)
{
	BIO *bio;

	c->ssl = SSL_new(context);
	bio = c->ssl == NULL ? NULL : bio_make(c);
	if (bio == NULL) {
		session_drop(c, "no memory");
		return false;
	}
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_accept_state(c->ssl);
	SSL_set_mode(c->ssl, SSL_MODE_ASYNC);
	return true;
}

X509 *
session_shown(const struct conn *c)
{
	if (c->ssl == NULL || SSL_get_verify_result(c->ssl) != X509_V_OK)
		return NULL;
	return SSL_get0_peer_certificate(c->ssl);
}

static void
open_up(struct conn *c, uint64_t now)
{
	X509 *shown = session_shown(c);
	char peer[ADDR_TEXT_MAX];

	SSL_clear_mode(c->ssl, SSL_MODE_ASYNC);
	if (shown != NULL && tell(c, shown) != 0) {
		session_drop(c, "nobody can be told who it is");
		return;
	}
	log_event(LOG_DEBUG, "tls-open", "peer=%s version=%s cipher=%s resumed=%d",
	    addr_format(&c->peer, peer), SSL_get_version(c->ssl),
	    SSL_get_cipher_name(c->ssl), SSL_session_reused(c->ssl));
	conn_become(c, CONN_OPEN);
	conn_clock(c, CLOCK_NONE, now);
	conn_queue(c);
}

void
session_shake(struct conn *c, uint64_t now)
{
	int done, error;

	if (c->pair_gone) {
		session_drop(c, NULL);
		return;
	}
	/* What was said before comes first; what waits for it is woken by its event. */
	if (context == NULL || (c->cipher.bytes != NULL && !c->tcp_out))
		return;
	if (c->ssl == NULL && (!has_hello(c) || !begin(c)))
		return;
	signer_enter(c, now);
	done = SSL_do_handshake(c->ssl);
	error = SSL_get_error(c->ssl, done);
	signer_leave();
	if (bio_push(c) != 0)
		session_drop(c, NULL);
	else if (done == 1)
		open_up(c, now);
	else if (error == SSL_ERROR_WANT_ASYNC_JOB)
		conn_queue(c);
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_ASYNC)
		fail(c, now);
}

/* ------------------------------------------------------------------ to the client */

static size_t
piece(void)
{
	size_t resting = bio_resting();

	return resting < RESTING_MUCH   ? BIO_PLAIN_MAX
	       : resting < RESTING_FULL ? BIO_PLAIN_MAX / 4
					: BIO_PLAIN_MAX / 16;
}

enum moved {
	MOVED_ALL,  /* nothing more to do until an event */
	MOVED_SOME, /* there may be more */
	MOVED_DEAD, /* the connection is to be dropped */
};

static enum moved
to_client_once(struct conn *c, size_t *moved)
{
	ssize_t n = recv(c->pair, plain, piece(), MSG_DONTWAIT);

	if (n < 0 && errno == EINTR)
		return MOVED_SOME;
	if (n < 0 && errno == EAGAIN) {
		c->pair_in = false;
		return MOVED_ALL;
	}
	if (n <= 0) {
		c->pair_eof = true;
		return n == 0 || errno == ECONNRESET ? MOVED_ALL : MOVED_DEAD;
	}
	*moved += (size_t)n;
	if (SSL_write(c->ssl, plain, (int)n) != (int)n || bio_push(c) != 0)
		return MOVED_DEAD;
	return MOVED_SOME;
}

static enum moved
to_client(struct conn *c)
{
	enum moved m = MOVED_SOME;
	size_t moved = 0;

	if (c->cipher.bytes != NULL && bio_push(c) != 0)
		return MOVED_DEAD;
	while (m == MOVED_SOME && moved < TURN_BYTES) {
		if (c->cipher.bytes != NULL || !c->pair_in || c->pair_eof)
			return MOVED_ALL;
		m = to_client_once(c, &moved);
	}
	return m;
}

/* ---------------------------------------------------------------- to file-sender */

/* What the pair takes of them; the rest is kept. */
static enum moved
give(struct conn *c, const uint8_t *bytes, size_t len)
{
	ssize_t n =
	    c->pair_out ? send(c->pair, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	size_t left;

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return MOVED_DEAD;
	left = len - (n > 0 ? (size_t)n : 0);
	if (left == 0)
		return MOVED_SOME;
	c->pair_out = false;
	c->plain.bytes = malloc(left);
	if (c->plain.bytes == NULL)
		return MOVED_DEAD;
	memcpy(c->plain.bytes, bytes + (len - left), left);
	c->plain.at = 0;
	c->plain.len = (uint32_t)left;
	return MOVED_ALL;
}

static enum moved
give_rest(struct conn *c)
{
	struct rest r = c->plain;
	enum moved m;

	if (r.bytes == NULL)
		return MOVED_SOME;
	if (!c->pair_out)
		return MOVED_ALL;
	c->plain = (struct rest){0};
	m = give(c, r.bytes, r.len);
	free(r.bytes);
	return m;
}

/* The client says no more. */
static enum moved
from_client_end(struct conn *c)
{
	if (!c->told_eof)
		(void)shutdown(c->pair, SHUT_WR);
	c->told_eof = true;
	return MOVED_ALL;
}

static enum moved
from_client_once(struct conn *c)
{
	uint8_t bytes[ASK_BYTES];
	int n, error;

	ERR_clear_error();
	n = SSL_read(c->ssl, bytes, sizeof bytes);
	error = SSL_get_error(c->ssl, n);
	/* A key update is answered. */
	if (bio_push(c) != 0)
		return MOVED_DEAD;
	if (n > 0)
		return give(c, bytes, (size_t)n);
	if (error == SSL_ERROR_ZERO_RETURN)
		return from_client_end(c);
	return error == SSL_ERROR_WANT_READ ? MOVED_ALL : MOVED_DEAD;
}

static enum moved
from_client(struct conn *c)
{
	enum moved m = give_rest(c);

	for (unsigned i = 0; m == MOVED_SOME && i < ASK_TURN; i++) {
		if (c->told_eof || c->cipher.bytes != NULL ||
		    (!c->tcp_in && SSL_pending(c->ssl) == 0))
			return MOVED_ALL;
		m = from_client_once(c);
	}
	return m;
}

/* ---------------------------------------------------------------------------- turns */

/* file-sender has said all; so has the client been told all that there is. */
static void
finish(struct conn *c, uint64_t now)
{
	(void)SSL_shutdown(c->ssl);
	conn_close_pair(c);
	if (bio_push(c) != 0 || c->cipher.bytes != NULL || c->tcp_eof)
		session_drop(c, NULL);
	else
		linger(c, now);
}

static void
serve_open(struct conn *c, uint64_t now)
{
	enum moved down, up;
	uint32_t resting = c->cipher.len - c->cipher.at;

	down = to_client(c);
	up = down == MOVED_DEAD ? MOVED_DEAD : from_client(c);
	if (down == MOVED_DEAD || up == MOVED_DEAD) {
		session_drop(c, NULL);
		return;
	}
	if (c->pair_eof && c->cipher.bytes == NULL) {
		finish(c, now);
		return;
	}
	/* With nobody at the other end it is the clock that ends it. */
	if (c->pair_gone &&
	    (c->clock == CLOCK_NONE || resting != c->cipher.len - c->cipher.at))
		conn_clock(c, CLOCK_DRAIN, now);
	if (down == MOVED_SOME || up == MOVED_SOME)
		conn_queue(c);
}

/* Reads what nobody wants, until the client closes. */
static void
serve_ended(struct conn *c)
{
	for (unsigned i = 0; i < SKIP_TURN && c->tcp_in; i++) {
		ssize_t n = recv(c->tcp, plain, sizeof plain, MSG_DONTWAIT);

		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0 || errno != EAGAIN) {
			session_drop(c, NULL);
			return;
		}
		c->tcp_in = false;
	}
	if (c->tcp_in)
		conn_queue(c);
}

void
session_serve(struct conn *c, uint64_t now)
{
	if (c->state == CONN_OPEN)
		serve_open(c, now);
	else
		serve_ended(c);
}
