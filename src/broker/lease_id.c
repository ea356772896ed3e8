/*
 * Lease entries by whose they are. Broker, main thread, memory only. Identities come from
 * anybody on the link: the hash is keyed, and what is stored is bounded by the number of
 * addresses. One identity has one entry in a network.
 */
#include <stdlib.h>
#include <string.h>

#include "src/broker/lease_table.h"

static struct lease_table *const t = &lease_table;

int
id_init(void)
{
	for (t->id_buckets = 16; t->id_buckets < t->map.slots; t->id_buckets *= 2)
		;
	t->by_id = malloc(t->id_buckets * sizeof *t->by_id);
	/* Only the pages that are used are ever there. */
	t->long_ids = calloc((size_t)t->map.slots + 1, sizeof *t->long_ids);
	if (t->by_id == NULL || t->long_ids == NULL)
		return ERR_SYS;
	memset(t->by_id, 0xff, t->id_buckets * sizeof *t->by_id);
	return 0;
}

void
id_discard(void)
{
	free(t->by_id);
	free(t->long_ids);
}

/* ----------------------------------------------------------------- the bytes */

static const uint8_t *
bytes_of(const struct lease *l)
{
	uint32_t at;

	if (l->id_len <= sizeof l->id)
		return l->id;
	memcpy(&at, l->id, sizeof at);
	return t->long_ids[at].b;
}

static void
store(struct lease *l, const struct lease_id *id)
{
	uint32_t at;

	l->id_kind = id->kind;
	l->id_len = id->len;
	if (id->len <= sizeof l->id) {
		memcpy(l->id, id->b, id->len);
		return;
	}
	at = t->long_unused;
	if (at != 0)
		t->long_unused = t->long_ids[at].next;
	else
		at = ++t->long_used;
	memcpy(t->long_ids[at].b, id->b, id->len);
	memcpy(l->id, &at, sizeof at);
}

static void
erase(struct lease *l)
{
	uint32_t at;

	if (l->id_len > sizeof l->id) {
		memcpy(&at, l->id, sizeof at);
		t->long_ids[at].next = t->long_unused;
		t->long_unused = at;
	}
	l->id_kind = ID_NONE;
	l->id_len = 0;
	memset(l->id, 0, sizeof l->id);
}

struct lease_id
lease_holder(const struct lease *l)
{
	struct lease_id id;

	memset(&id, 0, sizeof id);
	id.kind = l->id_kind;
	id.len = l->id_len;
	memcpy(id.b, bytes_of(l), id.len);
	return id;
}

bool
lease_is_of(const struct lease *l, const struct lease_id *id)
{
	return id->kind != ID_NONE && l->id_kind == id->kind && l->id_len == id->len &&
	       memcmp(bytes_of(l), id->b, id->len) == 0;
}

/* ----------------------------------------------------------------- the index */

static uint32_t
network_of(uint32_t slot)
{
	return t->map.network[pool_range_of(&t->map, slot)->subnet];
}

static uint32_t *
bucket_of(uint32_t network, uint8_t kind, const uint8_t *b, size_t len)
{
	uint8_t bytes[5 + RECORD_ID_MAX];

	memcpy(bytes, &network, 4);
	bytes[4] = kind;
	memcpy(bytes + 5, b, len);
	return &t->by_id[hash_bytes(&t->key, bytes, 5 + len) & (t->id_buckets - 1)];
}

struct id_spot
id_seek(uint32_t network, const struct lease_id *id)
{
	struct id_spot spot = {bucket_of(network, id->kind, id->b, id->len), NULL};

	for (uint32_t at = *spot.bucket; at != LEASE_NONE; at = t->leases[at].chain) {
		struct lease *l = &t->leases[at];

		if (lease_is_of(l, id) && network_of(at) == network) {
			spot.found = l;
			break;
		}
	}
	return spot;
}

void
id_clear(struct lease *l)
{
	uint32_t *at;

	if ((l->flags & LEASE_INDEXED) == 0)
		return;
	at = bucket_of(network_of(slot_of(l)), l->id_kind, bytes_of(l), l->id_len);
	while (*at != slot_of(l))
		at = &t->leases[*at].chain;
	*at = l->chain;
	l->flags &= (uint8_t)~LEASE_INDEXED;
	erase(l);
}

void
id_put(struct lease *l, const struct lease_id *id, const struct id_spot *spot)
{
	const struct lease_id mine = *id; /* it may be an entry's that is cleared */

	if (spot->found == l)
		return;
	if (spot->found != NULL)
		id_clear(spot->found);
	id_clear(l);
	store(l, &mine);
	l->chain = *spot->bucket;
	*spot->bucket = slot_of(l);
	l->flags |= LEASE_INDEXED;
}
