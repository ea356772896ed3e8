/*
 * Answers the tls processes, in process keys. Any of them may be owned: each is served in
 * its turn, has few asks under way at a time and not more than so many a second, and gets
 * signatures over texts of handshakes alone. What no honest one asks ends it.
 */
#include "src/keys/serve.h"

#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/keys/pool.h"

#define QUEUE_DEPTH 64
#define PASSES 16 /* through all channels before a look at everything else */
#define PART_MAX sizeof(((struct msg_cert_tell *)0)->part.b)

struct signer {
	struct chan chan;
	unsigned under_way; /* jobs, an earlier process's too */
	uint32_t life;
	bool unread;     /* messages may wait in the channel's own buffer */
	bool certs;      /* asked for, when there is room */
	uint32_t ask;    /* that asked for them */
	uint64_t tokens; /* in 1/1000 of a signature */
	uint64_t last_ms;
};

static const struct serve_config *config;
static struct signer signers[TLS_MAX];
static unsigned turn;

void
serve_init(const struct serve_config *c)
{
	config = c;
	for (unsigned i = 0; i < c->signers; i++) {
		struct signer *s = &signers[i];

		memset(s, 0, sizeof *s);
		chan_init(&s->chan, FD_SIGN + (int)i, ROLE_KEYS, ROLE_TLS, i, QUEUE_DEPTH);
		s->tokens = SERVE_RATE * UINT64_C(1000);
		s->last_ms = clock_mono_ms();
	}
}

/* There is room: nothing is read from one that leaves its answers unread. */
static void
answer(struct signer *s, const struct msg *m)
{
	if (chan_send(&s->chan, m) != 0)
		bug("no room for an answer");
}

/* ------------------------------------------------------------------ signatures */

static void
answer_sign(struct signer *s, uint32_t ask, const struct job *job)
{
	struct msg m = {.nr = MSG_SIGN_ANS};
	struct msg_sign_ans *a = &m.u.sign_ans;

	a->ask = ask;
	a->ok = job != NULL && job->err == 0;
	if (a->ok) {
		a->signature.len = (uint16_t)job->made_len;
		memcpy(a->signature.b, job->made, job->made_len);
	}
	answer(s, &m);
}

static void
answer_decrypt(struct signer *s, uint32_t ask, const struct job *job)
{
	struct msg m = {.nr = MSG_DECRYPT_ANS};
	struct msg_decrypt_ans *a = &m.u.decrypt_ans;

	a->ask = ask;
	a->ok = job != NULL && job->err == 0;
	if (a->ok)
		memcpy(a->secret, job->made, sizeof a->secret);
	answer(s, &m);
	OPENSSL_cleanse(&m, sizeof m);
}

/* A bucket that holds a second's worth. */
static bool
take_token(struct signer *s)
{
	const uint64_t full = SERVE_RATE * UINT64_C(1000);
	uint64_t now = clock_mono_ms();

	s->tokens += (now - s->last_ms) * SERVE_RATE;
	s->last_ms = now;
	if (s->tokens > full)
		s->tokens = full;
	if (s->tokens < 1000) {
		log_limited(LOG_WARNING, "signatures-limited", "of=tls index=%u rate=%u",
		    s->chan.index, SERVE_RATE);
		return false;
	}
	s->tokens -= 1000;
	return true;
}

static struct job *
begin(struct signer *s, uint32_t ask, const void *text, size_t len)
{
	struct job *job = pool_take();

	job->signer = s->chan.index;
	job->life = s->life;
	job->ask = ask;
	job->len = len;
	memcpy(job->text, text, len);
	s->under_way++;
	return job;
}

static void
on_sign_ask(struct signer *s, const struct msg_sign_ask *m)
{
	struct job *job;
	int err = sign_check(config->secrets, m->key, m->scheme, m->text.b, m->text.len);

	if (err == ERR_FORMAT) {
		chan_peer_fault(&s->chan, "asks for a signature over what is no handshake");
		return;
	}
	if (err != 0 || !take_token(s)) {
		answer_sign(s, m->ask, NULL);
		return;
	}
	job = begin(s, m->ask, m->text.b, m->text.len);
	job->decrypts = false;
	job->key = m->key;
	job->scheme = (enum sign_scheme)m->scheme;
	pool_submit(job);
}

static void
on_decrypt_ask(struct signer *s, const struct msg_decrypt_ask *m)
{
	struct job *job;

	if (!config->decrypts || m->key >= config->secrets->n ||
	    !config->secrets->keys[m->key].is_rsa || !take_token(s)) {
		answer_decrypt(s, m->ask, NULL);
		return;
	}
	job = begin(s, m->ask, m->text.b, m->text.len);
	job->decrypts = true;
	job->key = m->key;
	job->version = m->version;
	pool_submit(job);
}

/* The asker may have died since, and its successor counts its own asks. */
static void
answer_done(void)
{
	struct job *job;

	while ((job = pool_done()) != NULL) {
		struct signer *s = &signers[job->signer];

		s->under_way--;
		if (s->life == job->life && job->decrypts)
			answer_decrypt(s, job->ask, job);
		else if (s->life == job->life)
			answer_sign(s, job->ask, job);
		pool_free(job);
	}
}

/* ------------------------------------------------------------------ certificates */

static unsigned
parts_of(const struct chain *c)
{
	return (unsigned)((c->len + PART_MAX - 1) / PART_MAX);
}

static void
tell_chain(struct signer *s, uint8_t kind, const struct chain *c)
{
	struct msg m = {.nr = MSG_CERT_TELL};
	struct msg_cert_tell *t = &m.u.cert_tell;

	t->ask = s->ask;
	t->kind = kind;
	for (size_t at = 0; at < c->len; at += t->part.len) {
		size_t left = c->len - at;

		t->part.len = (uint16_t)(left < PART_MAX ? left : PART_MAX);
		memcpy(t->part.b, c->der + at, t->part.len);
		answer(s, &m);
	}
}

static unsigned
parts_of_all(void)
{
	unsigned n = parts_of(&config->secrets->clients);

	for (unsigned i = 0; i < config->secrets->n; i++)
		n += parts_of(&config->secrets->keys[i].chain);
	return n;
}

static void
tell_certificates(struct signer *s)
{
	struct msg m = {.nr = MSG_CERTS_ANS};
	struct msg_certs_ans *a = &m.u.certs_ans;

	for (unsigned i = 0; i < config->secrets->n; i++)
		tell_chain(s, (uint8_t)i, &config->secrets->keys[i].chain);
	tell_chain(s, KEYS_MAX, &config->secrets->clients);
	a->ask = s->ask;
	a->keys = (uint8_t)config->secrets->n;
	a->verify_client = config->verify_client;
	a->rsa_exchange = config->decrypts;
	answer(s, &m);
	s->certs = false;
}

/* ------------------------------------------------------------------ the loop's part */

/* Every message that is read may need an answer, certificates many. */
static bool
may_read(const struct signer *s)
{
	return !s->certs && !s->chan.breached && s->under_way < POOL_EACH &&
	       chan_room(&s->chan, s->under_way + 1);
}

static bool
read_one(struct signer *s)
{
	struct msg m;

	if (!may_read(s))
		return false;
	s->unread = chan_recv(&s->chan, &m, NULL) == 1;
	if (!s->unread)
		return false;
	switch (m.nr) {
	case MSG_SIGN_ASK: on_sign_ask(s, &m.u.sign_ask); break;
	case MSG_DECRYPT_ASK: on_decrypt_ask(s, &m.u.decrypt_ask); break;
	case MSG_CERTS_ASK:
		s->certs = true;
		s->ask = m.u.certs_ask.ask;
		break;
	default: break;
	}
	return true;
}

bool
serve_step(void)
{
	bool more = true;

	for (unsigned pass = 0; more && pass < PASSES; pass++) {
		more = false;
		for (unsigned i = 0; i < config->signers; i++)
			more |= read_one(&signers[(turn + i) % config->signers]);
		answer_done();
	}
	turn++;
	for (unsigned i = 0; i < config->signers; i++) {
		struct signer *s = &signers[i];

		if (s->certs && chan_room(&s->chan, parts_of_all() + s->under_way + 1)) {
			tell_certificates(s);
			more |= s->unread;
		}
		chan_flush(&s->chan);
	}
	return more;
}

void
serve_poll(struct pollfd *p)
{
	for (unsigned i = 0; i < config->signers; i++) {
		const struct signer *s = &signers[i];
		short events = (short)((may_read(s) ? POLLIN : 0) |
				       (chan_blocked(&s->chan) ? POLLOUT : 0));

		p[i] = (struct pollfd){events == 0 ? -1 : s->chan.fd, events, 0};
	}
}

void
serve_reset(unsigned signer)
{
	struct signer *s = &signers[signer];

	if (signer >= config->signers)
		return;
	chan_reset(&s->chan);
	s->life++;
	s->certs = s->unread = false;
}
