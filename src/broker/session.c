/*
 * The table of boot sessions: found by hardware address and by address, ordered by last
 * use in two lists (OFFER only, confirmed). Broker, main thread, memory only. Hardware
 * addresses come from anybody on the link: the table is bounded, its hash keyed, and a
 * flood of OFFERs cannot push out a machine that holds a lease.
 */
#include "src/broker/session.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/err.h"
#include "src/base/hash.h"

#define OFFER_LIVE_MS 60000u
#define NONE UINT32_MAX

struct node {
	struct session s;
	uint32_t mac_next;
	uint32_t addr_next[SESSION_ADDRS]; /* of s.addrs[i] */
	uint32_t older, newer;
};

struct list {
	uint32_t oldest, newest;
};

static struct {
	struct node *nodes;
	uint32_t most, count, buckets; /* buckets: a power of two */
	uint32_t *by_mac;              /* node */
	uint32_t *by_addr;             /* node * SESSION_ADDRS + place */
	uint32_t unused;               /* free nodes, linked by mac_next */
	uint64_t live_ms;
	struct list lists[2]; /* by confirmed */
	struct hash_key key;
	uint64_t ids; /* counts the ids drawn */
} table;

static uint32_t
mac_bucket(const struct mac *mac)
{
	return (uint32_t)hash_bytes(&table.key, mac->b, sizeof mac->b) &
	       (table.buckets - 1);
}

static uint32_t
addr_bucket(const struct addr *a)
{
	uint8_t bytes[17];

	bytes[0] = a->family;
	memcpy(bytes + 1, a->b, sizeof a->b);
	return (uint32_t)hash_bytes(&table.key, bytes, sizeof bytes) & (table.buckets - 1);
}

static uint32_t
index_of(const struct session *s)
{
	return (uint32_t)((const struct node *)s - table.nodes);
}

static uint32_t *
allocate_links(size_t n)
{
	uint32_t *links = malloc(n * sizeof *links);

	if (links == NULL)
		bug("no memory for sessions");
	for (size_t i = 0; i < n; i++)
		links[i] = NONE;
	return links;
}

void
session_init(uint32_t most, uint32_t live_s)
{
	free(table.nodes);
	free(table.by_mac);
	free(table.by_addr);
	memset(&table, 0, sizeof table);
	table.most = most == 0 ? 1 : most;
	table.live_ms = (uint64_t)live_s * 1000;
	for (table.buckets = 16; table.buckets < table.most; table.buckets *= 2)
		;
	table.nodes = calloc(table.most, sizeof *table.nodes);
	if (table.nodes == NULL)
		bug("no memory for sessions");
	table.by_mac = allocate_links(table.buckets);
	table.by_addr = allocate_links(table.buckets);
	for (uint32_t i = 0; i < table.most; i++)
		table.nodes[i].mac_next = i + 1 < table.most ? i + 1 : NONE;
	table.lists[0] = table.lists[1] = (struct list){NONE, NONE};
	hash_key_random(&table.key);
}

/* Cannot be foretold without the key; unlike a counter it says nothing about others. */
static uint32_t
draw_id(void)
{
	uint32_t id;

	do {
		table.ids++;
		id = (uint32_t)hash_bytes(&table.key, &table.ids, sizeof table.ids);
	} while (id == 0);
	return id;
}

static void
list_remove(uint32_t i)
{
	struct node *n = &table.nodes[i];
	struct list *l = &table.lists[n->s.confirmed];

	if (n->older != NONE)
		table.nodes[n->older].newer = n->newer;
	else
		l->oldest = n->newer;
	if (n->newer != NONE)
		table.nodes[n->newer].older = n->older;
	else
		l->newest = n->older;
}

static void
list_append(uint32_t i)
{
	struct node *n = &table.nodes[i];
	struct list *l = &table.lists[n->s.confirmed];

	n->older = l->newest;
	n->newer = NONE;
	if (l->newest != NONE)
		table.nodes[l->newest].newer = i;
	else
		l->oldest = i;
	l->newest = i;
}

static void
link_addrs(uint32_t i)
{
	struct node *n = &table.nodes[i];

	for (uint32_t k = 0; k < SESSION_ADDRS && n->s.addrs[k].family != ADDR_NONE; k++) {
		uint32_t *head = &table.by_addr[addr_bucket(&n->s.addrs[k])];

		n->addr_next[k] = *head;
		*head = i * SESSION_ADDRS + k;
	}
}

static void
unlink_addrs(uint32_t i)
{
	struct node *n = &table.nodes[i];

	for (uint32_t k = 0; k < SESSION_ADDRS && n->s.addrs[k].family != ADDR_NONE; k++) {
		uint32_t *at = &table.by_addr[addr_bucket(&n->s.addrs[k])];

		while (*at != i * SESSION_ADDRS + k)
			at = &table.nodes[*at / SESSION_ADDRS]
				  .addr_next[*at % SESSION_ADDRS];
		*at = n->addr_next[k];
	}
}

static void
end_session(uint32_t i)
{
	struct node *n = &table.nodes[i];
	uint32_t *at = &table.by_mac[mac_bucket(&n->s.mac)];

	while (*at != i)
		at = &table.nodes[*at].mac_next;
	*at = n->mac_next;
	unlink_addrs(i);
	list_remove(i);
	memset(n, 0, sizeof *n);
	n->mac_next = table.unused;
	table.unused = i;
	table.count--;
}

static bool
has_ended(const struct session *s, uint64_t now_ms)
{
	uint64_t live = s->confirmed ? table.live_ms : OFFER_LIVE_MS;

	return now_ms > s->touched_ms && now_ms - s->touched_ms > live;
}

static uint32_t
find_mac(const struct mac *mac)
{
	uint32_t i = table.by_mac[mac_bucket(mac)];

	while (i != NONE && !mac_equal(&table.nodes[i].s.mac, mac))
		i = table.nodes[i].mac_next;
	return i;
}

static uint32_t
find_addr(const struct addr *a, uint32_t *place)
{
	uint32_t at = table.by_addr[addr_bucket(a)];

	while (at != NONE) {
		struct node *n = &table.nodes[at / SESSION_ADDRS];

		*place = at % SESSION_ADDRS;
		if (addr_equal(&n->s.addrs[*place], a))
			return at / SESSION_ADDRS;
		at = n->addr_next[*place];
	}
	return NONE;
}

struct session *
session_of_addr(const struct addr *a, uint64_t now_ms)
{
	uint32_t place, i = find_addr(a, &place);

	if (i == NONE || has_ended(&table.nodes[i].s, now_ms))
		return NULL;
	return &table.nodes[i].s;
}

struct session *
session_of_mac(const struct mac *mac, uint64_t now_ms)
{
	uint32_t i = find_mac(mac);

	if (i == NONE || has_ended(&table.nodes[i].s, now_ms))
		return NULL;
	return &table.nodes[i].s;
}

/* Ends what time has ended, and if that gives no room, the one to miss least. */
static void
make_room(uint64_t now_ms)
{
	for (unsigned l = 0; l < 2; l++)
		while (table.lists[l].oldest != NONE &&
		       has_ended(&table.nodes[table.lists[l].oldest].s, now_ms))
			end_session(table.lists[l].oldest);
	if (table.count < table.most)
		return;
	end_session(
	    table.lists[0].oldest != NONE ? table.lists[0].oldest : table.lists[1].oldest);
}

struct session *
session_open(const struct mac *mac, uint64_t now_ms)
{
	struct session *s = session_of_mac(mac, now_ms);
	uint32_t i, *head;

	if (s != NULL)
		return s;
	make_room(now_ms);
	i = find_mac(mac);
	if (i != NONE)
		end_session(i);
	i = table.unused;
	table.unused = table.nodes[i].mac_next;
	s = &table.nodes[i].s;
	s->id = draw_id();
	s->mac = *mac;
	s->touched_ms = now_ms;
	head = &table.by_mac[mac_bucket(mac)];
	table.nodes[i].mac_next = *head;
	*head = i;
	list_append(i);
	table.count++;
	return s;
}

void
session_drop_addr(const struct addr *a)
{
	uint32_t place, i = find_addr(a, &place);
	struct session *s;

	if (i == NONE)
		return;
	s = &table.nodes[i].s;
	unlink_addrs(i);
	memmove(&s->addrs[place], &s->addrs[place + 1],
	    (SESSION_ADDRS - 1 - place) * sizeof s->addrs[0]);
	memset(&s->addrs[SESSION_ADDRS - 1], 0, sizeof s->addrs[0]);
	link_addrs(i);
}

void
session_add_addr(struct session *s, const struct addr *a)
{
	struct addr mine = *a;

	if (a->family == ADDR_NONE || addr_equal(&s->addrs[0], a))
		return;
	session_drop_addr(&mine);
	unlink_addrs(index_of(s));
	memmove(&s->addrs[1], &s->addrs[0], (SESSION_ADDRS - 1) * sizeof s->addrs[0]);
	s->addrs[0] = mine;
	link_addrs(index_of(s));
}

void
session_touch(struct session *s, uint64_t now_ms)
{
	uint32_t i = index_of(s);

	list_remove(i);
	s->touched_ms = now_ms;
	list_append(i);
}

void
session_confirm(struct session *s)
{
	uint32_t i = index_of(s);

	if (s->confirmed)
		return;
	list_remove(i);
	s->confirmed = true;
	list_append(i);
}

void
session_restart(struct session *s)
{
	s->id = draw_id();
	s->ipxe = s->pi = false;
	s->heir = 0;
}

uint64_t
session_heir(const void *id, size_t len)
{
	uint64_t h = hash_bytes(&table.key, id, len);

	return h == 0 ? 1 : h;
}

uint32_t
session_count(void)
{
	return table.count;
}

bool
session_in_slot(uint32_t slot, uint64_t now_ms, const struct session **s)
{
	if (slot >= table.most)
		return false;
	*s = &table.nodes[slot].s;
	if ((*s)->id == 0 || has_ended(*s, now_ms))
		*s = NULL;
	return true;
}
