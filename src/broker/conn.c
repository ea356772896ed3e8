/*
 * Broker: tables of HTTP connections. Numbers and addresses are file-sender's word.
 */
#include "src/broker/conn.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/roles.h"
#include "privsep/start.h"
#include "src/base/hash.h"

#define BUCKETS 16384u
#define NONE UINT32_MAX

struct conns {
	uint64_t highest;
	unsigned count;
	uint32_t free;
	uint32_t buckets[BUCKETS];
	struct conn all[CONN_MAX];
};

/* What tls processes said of connections that were not announced yet: two channels have no
 * common order. The oldest of the same process gives way, so that an owned one pushes out
 * nobody else's. */
#define EARLY_EACH 256u

struct early {
	bool used;
	uint8_t worker;
	uint64_t id;
	uint8_t certificate[32];
};

static struct early early[TLS_MAX][EARLY_EACH];
static unsigned early_next[TLS_MAX], early_count[TLS_MAX];
static struct conns *workers[WORKER_MAX];
static struct hash_key key;

void
conn_init(unsigned n)
{
	hash_key_random(&key);
	for (unsigned i = 0; i < n; i++) {
		if (workers[i] == NULL)
			workers[i] = malloc(sizeof *workers[i]);
		if (workers[i] == NULL)
			start_fail("memory for connections");
		conn_forget(i);
	}
}

void
conn_forget(unsigned worker)
{
	struct conns *t = workers[worker];

	t->highest = 0;
	t->count = 0;
	t->free = 0;
	for (uint32_t i = 0; i < BUCKETS; i++)
		t->buckets[i] = NONE;
	for (uint32_t i = 0; i < CONN_MAX; i++)
		t->all[i].next = i + 1 < CONN_MAX ? i + 1 : NONE;
}

static uint32_t *
bucket_of(struct conns *t, uint64_t id)
{
	return &t->buckets[hash_bytes(&key, &id, sizeof id) % BUCKETS];
}

static struct conn *
find(unsigned worker, uint64_t id)
{
	struct conns *t = workers[worker];

	for (uint32_t i = *bucket_of(t, id); i != NONE; i = t->all[i].next)
		if (t->all[i].id == id)
			return &t->all[i];
	return NULL;
}

static void
show(struct conn *c, const uint8_t certificate[32])
{
	c->shown = true;
	memcpy(c->certificate, certificate, sizeof c->certificate);
}

/* Only what its own tls process has said counts. */
static void
recall(struct conn *c, unsigned worker)
{
	unsigned tls = c->tls - 1u;

	for (unsigned i = 0; i < EARLY_EACH && early_count[tls] > 0; i++) {
		struct early *e = &early[tls][i];

		if (!e->used || e->worker != worker || e->id != c->id)
			continue;
		if (!c->shown)
			show(c, e->certificate);
		e->used = false;
		early_count[tls]--;
	}
}

int
conn_add(unsigned worker, uint64_t id, const struct addr *peer, uint8_t tls)
{
	struct conns *t = workers[worker];
	uint32_t *bucket = bucket_of(t, id);
	uint32_t i = t->free;

	if (find(worker, id) != NULL)
		return ERR_DUPLICATE;
	if (id > t->highest)
		t->highest = id;
	if (i == NONE)
		return ERR_FULL;
	t->free = t->all[i].next;
	t->all[i] = (struct conn){.id = id, .peer = *peer, .next = *bucket, .tls = tls};
	*bucket = i;
	t->count++;
	if (tls != 0)
		recall(&t->all[i], worker);
	return 0;
}

int
conn_show(unsigned worker, uint64_t id, unsigned tls, const uint8_t certificate[32])
{
	struct conn *c = find(worker, id);
	struct early *e = &early[tls][early_next[tls]];

	if (c != NULL) {
		if (c->tls != tls + 1 || c->shown)
			return ERR_DENIED;
		show(c, certificate);
		return 0;
	}
	early_next[tls] = (early_next[tls] + 1) % EARLY_EACH;
	early_count[tls] += !e->used;
	*e = (struct early){true, (uint8_t)worker, id, {0}};
	memcpy(e->certificate, certificate, sizeof e->certificate);
	return ERR_ABSENT;
}

const struct conn *
conn_find(unsigned worker, uint64_t id)
{
	return find(worker, id);
}

bool
conn_was(unsigned worker, uint64_t id)
{
	return id <= workers[worker]->highest;
}

bool
conn_full(unsigned worker)
{
	return workers[worker]->free == NONE;
}

int
conn_end(unsigned worker, uint64_t id)
{
	struct conns *t = workers[worker];
	uint32_t *link = bucket_of(t, id);
	uint32_t i;

	while (*link != NONE && t->all[*link].id != id)
		link = &t->all[*link].next;
	i = *link;
	if (i == NONE)
		return ERR_ABSENT;
	*link = t->all[i].next;
	t->all[i].next = t->free;
	t->free = i;
	t->count--;
	return 0;
}

unsigned
conn_count(unsigned worker)
{
	return workers[worker]->count;
}
