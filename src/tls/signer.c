/*
 * Questions of process tls to process keys. keys is trusted with the keys, and with an
 * answer's bytes only as far as they fit; libssl sends them as they are, and the client
 * verifies them. While a question is open the stack of its job is left alone, so that it
 * and its answer can lie there.
 */
#include "src/tls/signer.h"

#include <string.h>

#include "src/base/log.h"
#include "src/tls/libssl.h"

enum answer { OPEN, GOOD, BAD };

/* Lies on the stack of the job that asks. */
struct question {
	struct msg msg;
	enum answer answer;
	uint8_t *out;
	size_t room, len;
};

static struct {
	struct chan *keys;
	void (*ready)(struct conn *c);
	struct conn *now_for;
	uint64_t now;
	uint32_t counter;
	unsigned open;
	struct ask {
		uint32_t nr; /* 0: free */
		uint32_t conn;
		uint64_t until;
		bool sent;
		struct question *q;
	} asks[SIGNER_ASKS];
} signer;

void
signer_init(struct chan *keys, void (*ready)(struct conn *c))
{
	memset(&signer, 0, sizeof signer);
	signer.keys = keys;
	signer.ready = ready;
}

void
signer_enter(struct conn *c, uint64_t now)
{
	signer.now_for = c;
	signer.now = now;
}

void
signer_leave(void)
{
	signer.now_for = NULL;
}

bool
signer_room(void)
{
	return signer.open < SIGNER_ASKS;
}

static struct ask *
find(uint32_t nr)
{
	struct ask *a = &signer.asks[nr % SIGNER_ASKS];

	return nr != 0 && a->nr == nr ? a : NULL;
}

static void
send(struct ask *a)
{
	a->sent = chan_send(signer.keys, &a->q->msg) == 0;
}

/* A number whose place is free, and which was not used for a long time. */
static struct ask *
take_place(void)
{
	for (unsigned i = 0; i < SIGNER_ASKS; i++) {
		struct ask *a;

		if (++signer.counter == 0)
			signer.counter = SIGNER_ASKS;
		a = &signer.asks[signer.counter % SIGNER_ASKS];
		if (a->nr != 0)
			continue;
		a->nr = signer.counter;
		return a;
	}
	return NULL;
}

/* Pauses until the question is answered. nr: where its number goes in the message. */
static int
put(struct question *q, uint32_t *nr)
{
	struct conn *c = signer.now_for;
	struct ask *a = c == NULL || ASYNC_get_current_job() == NULL ? NULL : take_place();

	if (a == NULL)
		return ERR_FULL;
	*nr = a->nr;
	a->q = q;
	a->conn = conn_index(c);
	a->until = signer.now + SIGNER_WAIT_MS;
	c->ask = a->nr;
	signer.open++;
	send(a);
	while (q->answer == OPEN)
		if (ASYNC_pause_job() != 1)
			q->answer = BAD;
	c->ask = 0;
	*a = (struct ask){0};
	signer.open--;
	return q->answer == GOOD ? 0 : ERR_DENIED;
}

static int
sign(void *arg, unsigned key, enum sign_scheme scheme, const uint8_t *text, size_t len,
    uint8_t *sig, size_t *siglen)
{
	struct question q = {.out = sig, .room = *siglen};
	struct msg_sign_ask *ask = &q.msg.u.sign_ask;
	int err;

	(void)arg;
	if (len > sizeof ask->text.b || key >= KEYS_MAX)
		return ERR_LONG;
	q.msg.nr = MSG_SIGN_ASK;
	ask->key = (uint8_t)key;
	ask->scheme = (uint8_t)scheme;
	ask->text.len = (uint16_t)len;
	memcpy(ask->text.b, text, len);
	err = put(&q, &ask->ask);
	*siglen = q.len;
	return err;
}

static int
decrypt(void *arg, unsigned key, uint16_t version, const uint8_t *text, size_t len,
    uint8_t secret[PROVIDER_SECRET_LEN])
{
	struct question q = {.out = secret, .room = PROVIDER_SECRET_LEN};
	struct msg_decrypt_ask *ask = &q.msg.u.decrypt_ask;

	(void)arg;
	if (len > sizeof ask->text.b || key >= KEYS_MAX)
		return ERR_LONG;
	q.msg.nr = MSG_DECRYPT_ASK;
	ask->key = (uint8_t)key;
	ask->version = version;
	ask->text.len = (uint16_t)len;
	memcpy(ask->text.b, text, len);
	return put(&q, &ask->ask);
}

const struct provider_calls signer_calls = {.sign = sign, .decrypt = decrypt};

static void
settle(struct ask *a, enum answer answer, const uint8_t *bytes, size_t len)
{
	struct question *q = a->q;

	if (q->answer != OPEN)
		return;
	if (answer == GOOD && len <= q->room) {
		memcpy(q->out, bytes, len);
		q->len = len;
		q->answer = GOOD;
	} else {
		q->answer = BAD;
	}
	signer.ready(conn_at(a->conn));
}

void
on_sign_ans(const struct msg_sign_ans *m)
{
	struct ask *a = find(m->ask);

	if (a != NULL && a->q->msg.nr == MSG_SIGN_ASK)
		settle(a, m->ok ? GOOD : BAD, m->signature.b, m->signature.len);
}

void
on_decrypt_ans(const struct msg_decrypt_ans *m)
{
	struct ask *a = find(m->ask);

	if (a != NULL && a->q->msg.nr == MSG_DECRYPT_ASK)
		settle(a, m->ok ? GOOD : BAD, m->secret, sizeof m->secret);
}

void
signer_cancel(struct conn *c)
{
	struct ask *a = find(c->ask);

	if (a != NULL && a->q->answer == OPEN)
		a->q->answer = BAD;
}

void
signer_keys_gone(void)
{
	for (unsigned i = 0; i < SIGNER_ASKS; i++)
		signer.asks[i].sent = false;
}

void
signer_tick(uint64_t now)
{
	for (unsigned i = 0; i < SIGNER_ASKS && signer.open > 0; i++) {
		struct ask *a = &signer.asks[i];

		if (a->nr == 0 || a->q->answer != OPEN)
			continue;
		if (now >= a->until) {
			log_limited(LOG_WARNING, "signature-late", "ms=%u", SIGNER_WAIT_MS);
			settle(a, BAD, NULL, 0);
		} else if (!a->sent) {
			send(a);
		}
	}
}

uint64_t
signer_next(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < SIGNER_ASKS && signer.open > 0; i++) {
		const struct ask *a = &signer.asks[i];

		if (a->nr != 0 && a->q->answer == OPEN && a->until < next)
			next = a->until;
	}
	return next;
}
