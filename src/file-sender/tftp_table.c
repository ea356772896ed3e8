/*
 * Who is being served, in file-sender. Peers choose their ports and, within their link,
 * addresses, so the hash is keyed; what they can fill is bounded, and the silent make
 * place for others.
 */
#include "src/file-sender/tftp_table.h"

#include <stdlib.h>
#include <string.h>

#include "src/file-sender/caps.h"

#define BUCKETS 16384u
#define LOOKED_AT 256  /* for a victim */
#define UNPROVEN_MS 20 /* a peer that is there answers sooner as a rule */
#define SILENT_MS 1000

int
tftp_table_init(struct tftp_table *t, uint64_t seed)
{
	*t = (struct tftp_table){.seed = seed, .nfree = TFTP_TRANSFERS};
	t->all = calloc(TFTP_TRANSFERS, sizeof *t->all);
	t->buckets = calloc(BUCKETS, sizeof *t->buckets);
	if (t->all == NULL || t->buckets == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < BUCKETS; i++)
		t->buckets[i] = TFTP_NONE;
	for (uint32_t i = 0; i < TFTP_TRANSFERS; i++) {
		t->all[i].x.phase = TFTP_OVER;
		t->all[i].next = i + 1 < TFTP_TRANSFERS ? i + 1 : TFTP_NONE;
	}
	return 0;
}

static uint32_t *
bucket_of(struct tftp_table *t, const struct tftp_path *path)
{
	uint64_t h = caps_hash(&path->peer, t->seed + path->port * UINT64_C(0x100000001b3));

	return &t->buckets[h & (BUCKETS - 1)];
}

struct transfer *
tftp_table_find(struct tftp_table *t, const struct tftp_path *path)
{
	for (uint32_t i = *bucket_of(t, path); i != TFTP_NONE; i = t->all[i].next) {
		const struct tftp_path *p = &t->all[i].path;

		if (p->port == path->port && p->scope == path->scope &&
		    addr_equal(&p->peer, &path->peer))
			return &t->all[i];
	}
	return NULL;
}

uint32_t
tftp_table_index(const struct tftp_table *t, const struct transfer *tr)
{
	return (uint32_t)(tr - t->all);
}

struct transfer *
tftp_table_add(struct tftp_table *t, const struct tftp_path *path)
{
	uint32_t *bucket = bucket_of(t, path);
	uint32_t i = t->free;
	struct transfer *tr = &t->all[i];
	/* Whoever had the place before may still stand in the queue with it. */
	bool queued = tr->queued;

	t->free = tr->next;
	t->nfree--;
	memset(tr, 0, sizeof *tr);
	tr->queued = queued;
	tr->serial = ++t->serial;
	tr->path = *path;
	tr->next = *bucket;
	*bucket = i;
	return tr;
}

void
tftp_table_remove(struct tftp_table *t, struct transfer *tr)
{
	uint32_t i = tftp_table_index(t, tr);
	uint32_t *link = bucket_of(t, &tr->path);

	while (*link != i)
		link = &t->all[*link].next;
	*link = tr->next;
	tr->x.phase = TFTP_OVER;
	tr->serial = 0;
	tr->next = t->free;
	t->free = i;
	t->nfree++;
}

struct transfer *
tftp_table_victim(struct tftp_table *t, uint64_t now)
{
	struct transfer *victim = NULL;

	for (unsigned k = 0; k < LOOKED_AT; k++) {
		struct transfer *tr = &t->all[t->hand];
		bool unproven = tr->x.phase == TFTP_OPENING;
		uint64_t least = unproven ? UNPROVEN_MS : SILENT_MS;

		t->hand = (t->hand + 1) % TFTP_TRANSFERS;
		if (tr->object == NULL || now - tr->x.progress < least)
			continue;
		if (unproven)
			return tr;
		if (victim == NULL || tr->x.progress < victim->x.progress)
			victim = tr;
	}
	return victim;
}
