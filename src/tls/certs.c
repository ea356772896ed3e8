/*
 * Gathers certificates in process tls. They come from keys, who read them from the
 * operator's files; what they say is OpenSSL's to parse.
 */
#include "src/tls/certs.h"

#include <string.h>

static struct {
	struct chan *keys;
	uint32_t ask;
	bool owed;
	bool complete;
	struct certs certs;
} state;

void
certs_tick(void)
{
	struct msg m = {.nr = MSG_CERTS_ASK};

	m.u.certs_ask.ask = state.ask;
	if (state.owed)
		state.owed = chan_send(state.keys, &m) != 0;
}

void
certs_ask(struct chan *keys)
{
	state.keys = keys;
	state.ask++;
	state.owed = true;
	state.complete = false;
	for (unsigned k = 0; k < CERTS_KINDS; k++)
		state.certs.kind[k].len = 0;
	certs_tick();
}

void
on_cert_tell(struct chan *from, const struct msg_cert_tell *m)
{
	size_t *len = &state.certs.kind[m->kind].len;

	if (m->ask != state.ask)
		return;
	if (state.complete || m->part.len > CERTS_BYTES_MAX - *len) {
		chan_peer_fault(from, "more certificates than there can be");
		return;
	}
	memcpy(state.certs.kind[m->kind].bytes + *len, m->part.b, m->part.len);
	*len += m->part.len;
}

const struct certs *
on_certs_ans(struct chan *from, const struct msg_certs_ans *m)
{
	struct certs *c = &state.certs;

	if (m->ask != state.ask)
		return NULL;
	if (state.complete ||
	    (m->verify_client != 0 && c->kind[CERTS_CLIENT_CA].len == 0)) {
		chan_peer_fault(from, "an end of certificates that is none");
		return NULL;
	}
	state.complete = true;
	c->keys = m->keys;
	c->verify_client = m->verify_client;
	c->rsa_exchange = m->rsa_exchange != 0;
	return c;
}
