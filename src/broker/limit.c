/*
 * Rate limits of DHCP requests. Broker, main thread. Hardware addresses are made up by the
 * million at no cost: what is kept of them has one size, whatever comes, and the place of
 * a client cannot be foretold without the key. A flood of made-up ones thins out over all
 * places and takes of each a little; the limit of the link stops it.
 */
#include "src/broker/limit.h"

#include <string.h>

#include "src/base/hash.h"

#define CLIENTS 65536u /* places; powers of two */
#define LINKS 4096u
#define TOKEN 1000u /* what one request costs */

struct bucket {
	uint64_t filled_ms; /* 0: never touched, and full */
	uint64_t tokens;
};

static struct bucket clients[CLIENTS];
static struct bucket links[LINKS];
static struct hash_key key;

void
limit_init(void)
{
	memset(clients, 0, sizeof clients);
	memset(links, 0, sizeof links);
	hash_key_random(&key);
}

/* n requests in a period, and as many at once. */
static bool
take(struct bucket *b, uint32_t n, uint32_t period_ms)
{
	uint64_t most = (uint64_t)n * TOKEN;
	uint64_t past = broker.now_ms - b->filled_ms;

	if (b->filled_ms == 0 || past >= period_ms)
		b->tokens = most;
	else
		b->tokens += past * most / period_ms;
	if (b->tokens > most)
		b->tokens = most;
	b->filled_ms = broker.now_ms;
	if (b->tokens < TOKEN)
		return false;
	b->tokens -= TOKEN;
	return true;
}

bool
limit_client(const struct msg_dhcp_tell *m)
{
	uint8_t bytes[2 + 4 + sizeof m->hw.b];
	uint64_t h;

	if (broker.conf->client_rate == 0)
		return true;
	bytes[0] = m->link;
	bytes[1] = m->htype;
	memcpy(bytes + 2, m->giaddr.b, 4);
	memcpy(bytes + 6, m->hw.b, m->hw.len);
	h = hash_bytes(&key, bytes, 6 + (size_t)m->hw.len);
	return take(&clients[h % CLIENTS], broker.conf->client_rate, 10000);
}

bool
limit_stranger(const struct ask *a)
{
	uint64_t h;

	if (broker.conf->link_rate == 0)
		return true;
	h = hash_bytes(&key, &a->ingress, sizeof a->ingress);
	return take(&links[h % LINKS], broker.conf->link_rate, 1000);
}
