/*
 * Lease entries by where they came from: for each ingress that has any, how many, and
 * which of them are only held. Broker, main thread, memory only. Who forges requests
 * chooses these names: the hash is keyed, and there are never more of them than entries.
 */
#include <stdlib.h>
#include <string.h>

#include "src/broker/lease_table.h"

#define BUCKETS_MAX 65536u

static struct lease_table *const t = &lease_table;

int
port_init(void)
{
	for (t->port_buckets = 16;
	     t->port_buckets < t->map.slots && t->port_buckets < BUCKETS_MAX;
	     t->port_buckets *= 2)
		;
	t->by_port = calloc(t->port_buckets, sizeof *t->by_port);
	/* Only the pages that are used are ever there. */
	t->ports = calloc((size_t)t->map.slots + 1, sizeof *t->ports);
	return t->by_port == NULL || t->ports == NULL ? ERR_SYS : 0;
}

void
port_discard(void)
{
	free(t->by_port);
	free(t->ports);
}

static uint32_t *
bucket_of(uint64_t ingress)
{
	return &t->by_port[hash_bytes(&t->key, &ingress, sizeof ingress) &
			   (t->port_buckets - 1)];
}

struct lease_port *
port_find(uint64_t ingress)
{
	uint32_t at = ingress == 0 ? 0 : *bucket_of(ingress);

	while (at != 0 && t->ports[at].name != ingress)
		at = t->ports[at].next;
	return at == 0 ? NULL : &t->ports[at];
}

static struct lease_port *
port_open(uint64_t ingress)
{
	uint32_t at = t->ports_unused, *head = bucket_of(ingress);
	struct lease_port *p;

	if (at != 0)
		t->ports_unused = t->ports[at].next;
	else
		at = ++t->ports_used;
	p = &t->ports[at];
	memset(p, 0, sizeof *p);
	p->name = ingress;
	p->held.head = p->held.tail = LEASE_NONE;
	p->next = *head;
	*head = at;
	return p;
}

static void
port_close(struct lease_port *p)
{
	uint32_t at = (uint32_t)(p - t->ports), *from = bucket_of(p->name);

	while (*from != at)
		from = &t->ports[*from].next;
	*from = p->next;
	p->next = t->ports_unused;
	t->ports_unused = at;
}

void
port_count(struct lease *l, uint64_t ingress)
{
	struct lease_port *p = port_find(ingress);

	if (p == NULL && ingress != 0)
		p = port_open(ingress);
	if (p == NULL)
		return;
	p->count++;
	l->port = (uint32_t)(p - t->ports);
}

void
port_uncount(struct lease *l)
{
	struct lease_port *p = &t->ports[l->port];

	if (l->port == 0)
		return;
	l->port = 0;
	if (--p->count == 0)
		port_close(p);
}

void
port_hold(struct lease *l)
{
	struct lease_list *list = &t->ports[l->port].held;

	if (l->port == 0)
		return;
	l->at.port_prev = list->tail;
	l->port_next = LEASE_NONE;
	if (list->tail != LEASE_NONE)
		t->leases[list->tail].port_next = slot_of(l);
	else
		list->head = slot_of(l);
	list->tail = slot_of(l);
	list->n++;
}

void
port_unhold(struct lease *l)
{
	struct lease_list *list = &t->ports[l->port].held;
	uint32_t before = l->at.port_prev, after = l->port_next;

	if (l->port == 0)
		return;
	if (before != LEASE_NONE)
		t->leases[before].port_next = after;
	else
		list->head = after;
	if (after != LEASE_NONE)
		t->leases[after].at.port_prev = before;
	else
		list->tail = before;
	list->n--;
}

uint64_t
lease_ingress_of(const struct lease *l)
{
	return l->port == 0 ? 0 : lease_table.ports[l->port].name;
}

/* ------------------------------------------------------------------ the names */

/* Under a fixed key, so that it is the same after a restart. Nothing is looked up by these
 * bits as they are; two ports that somebody makes equal share their own quota. */
static const struct hash_key ingress_key = {
    UINT64_C(0x73616c6c79706f72), UINT64_C(0x742f696e67726573)};

static size_t
add_part(uint8_t *bytes, const struct match_bytes *part)
{
	size_t len = part->len <= UINT8_MAX ? part->len : UINT8_MAX;

	bytes[0] = (uint8_t)len;
	if (len > 0)
		memcpy(bytes + 1, part->b, len);
	return 1 + len;
}

uint64_t
lease_ingress(unsigned link, const struct addr *relay, const struct match_bytes *circuit,
    const struct match_bytes *remote)
{
	bool port = circuit->len > 0 || remote->len > 0;
	bool relayed = port || !addr_is_unset(relay);
	uint8_t bytes[1 + 4 + 2 * (1 + UINT8_MAX)];
	uint32_t where = relayed ? addr_to_v4(relay) : link;
	size_t len = 5;
	uint64_t h;

	bytes[0] = port ? 'p' : relayed ? 'r' : 'l';
	memcpy(bytes + 1, &where, 4);
	if (port) {
		len += add_part(bytes + len, circuit);
		len += add_part(bytes + len, remote);
	}
	h = hash_bytes(&ingress_key, bytes, len) & ~UINT64_C(1);
	return h == 0 ? 2 | port : h | port;
}
