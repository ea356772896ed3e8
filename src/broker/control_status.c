/*
 * How the server is, for the control socket. Broker, main thread; reads, never changes.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/control_client.h"
#include "src/broker/counters.h"
#include "src/broker/dhcp.h"
#include "src/broker/fetch.h"
#include "src/broker/image_table.h"
#include "src/broker/lease.h"
#include "src/broker/rogue.h"
#include "src/broker/session.h"
#include "src/broker/store.h"

static uint32_t
count_images(void)
{
	const struct image *image;
	uint32_t n = 0;

	for (unsigned i = 0; (image = image_at(i)) != NULL; i++)
		n += image->state == IMAGE_ACTIVE;
	return n;
}

/* Of each part: false when there is no n-th piece; *m is filled unless the piece is to be
 * passed over, then m->nr stays 0. */
static bool
put_server(struct msg *m, unsigned n)
{
	struct msg_status_ans *a = &m->u.status_ans;

	if (n > 0)
		return false;
	m->nr = MSG_STATUS_ANS;
	snprintf(a->version, sizeof a->version, "%s", SALLYPORT_VERSION);
	a->up = (broker.now_ms - broker.server_since_ms) / 1000;
	a->broker_up = dhcp_age_ms() / 1000;
	a->start = broker.start.generation;
	a->workers = broker.start.workers;
	a->addresses = lease_count();
	a->sessions = session_count();
	a->sessions_max = broker.conf->sessions_max;
	a->images = count_images();
	a->store = !dhcp_store_well();
	a->waiting = store_pending();
	return true;
}

static enum conf_mode
mode_of(const char *link)
{
	for (unsigned i = 0; i < broker.conf->nlinks; i++)
		if (strcmp(broker.conf->links[i].name, link) == 0)
			return broker.conf->links[i].mode;
	return MODE_UNSET;
}

static bool
put_link(struct msg *m, unsigned n)
{
	struct msg_link_state_tell *t = &m->u.link_state_tell;
	const struct link *l = &broker.start.links[n];

	if (n >= broker.start.nlinks)
		return false;
	m->nr = MSG_LINK_STATE_TELL;
	memcpy(t->name, l->name, sizeof t->name);
	t->mac = l->mac;
	t->address = l->address;
	t->prefix = l->prefix;
	t->mode = (uint8_t)mode_of(l->name);
	_Static_assert((int)LINK_OPEN == ROGUE_OPEN && (int)LINK_HELD == ROGUE_HELD &&
			   (int)LINK_REFUSED == ROGUE_REFUSED,
	    "the same on both sides");
	t->speaks = (uint8_t)rogue_state(n);
	return true;
}

static bool
put_pool(struct msg *m, unsigned n)
{
	struct msg_pool_state_tell *t = &m->u.pool_state_tell;
	const struct conf_subnet *subnet;
	const struct conf_pool *pool;
	struct lease_stats stats;

	if (n >= lease_pools())
		return false;
	lease_pool_stats(n, lease_clock(broker.now_ms), &stats, &pool, &subnet);
	m->nr = MSG_POOL_STATE_TELL;
	t->network = addr_v4(subnet->network);
	t->prefix = subnet->prefix;
	t->first = addr_v4(pool->first);
	t->last = addr_v4(pool->last);
	t->open = stats.open;
	t->free = stats.free;
	t->offered = stats.held;
	t->bound = stats.bound;
	t->quarantined = stats.quarantined;
	return true;
}

static bool
put_image(struct msg *m, unsigned n)
{
	struct msg_image_state_tell *t = &m->u.image_state_tell;
	const struct image *image = image_at(n);

	if (image == NULL || image->state != IMAGE_ACTIVE)
		return image != NULL;
	m->nr = MSG_IMAGE_STATE_TELL;
	memcpy(t->name, image->name, sizeof t->name);
	t->version = image->version;
	t->created = image->created;
	t->expires = image->expires;
	t->files = image->nfiles;
	return true;
}

/* What the verifier has said of its memory, once it has. */
static bool
put_memory(struct msg *m, unsigned n)
{
	const struct msg_memory_tell *of = fetch_memory();
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
	    {"memory-budget", of->budget},
	    {"memory-used", of->bytes},
	    {"memory-leaving", of->leaving},
	    {"memory-objects", of->objects},
	    {"memory-objects-resident", of->resident},
	    {"memory-fetches", of->fetches},
	    {"memory-fetches-failed", of->failures},
	    {"memory-evictions", of->evictions},
	};

	if (n >= sizeof all / sizeof all[0] || of->budget == 0)
		return false;
	m->nr = MSG_COUNTER_TELL;
	snprintf(m->u.counter_tell.name, sizeof m->u.counter_tell.name, "%s", all[n].name);
	m->u.counter_tell.value = all[n].value;
	return true;
}

static bool
put_counter(struct msg *m, unsigned n)
{
	struct msg_counter_tell *t = &m->u.counter_tell;
	unsigned all;
	const struct counter *counters = counters_all(&all);

	if (n >= all)
		return put_memory(m, n - all);
	m->nr = MSG_COUNTER_TELL;
	snprintf(t->name, sizeof t->name, "%s", counters[n].name);
	t->value = counters[n].n;
	return true;
}

static bool
put_rogue(struct msg *m, unsigned n)
{
	struct msg_rogue_tell *t = &m->u.rogue_tell;
	const struct rogue_server *r = rogue_server_at(n);

	if (r == NULL)
		return false;
	m->nr = MSG_ROGUE_TELL;
	if (r->link < broker.start.nlinks)
		memcpy(t->link, broker.start.links[r->link].name, sizeof t->link);
	t->server = r->address;
	t->mac = r->mac;
	t->expected = r->expected;
	t->last = r->last_s;
	t->heard = r->heard;
	t->requested = r->requested;
	return true;
}

static enum step
next_piece(struct client *c, struct msg *m)
{
	static bool (*const parts[])(struct msg * m, unsigned n) = {
	    [PART_SERVER] = put_server,
	    [PART_LINKS] = put_link,
	    [PART_POOLS] = put_pool,
	    [PART_IMAGES] = put_image,
	    [PART_COUNTERS] = put_counter,
	    [PART_ROGUES] = put_rogue,
	};

	if (c->part == sizeof parts / sizeof parts[0])
		return control_end(m, CONTROL_DONE);
	if ((c->status.parts & 1u << c->part) == 0 || !parts[c->part](m, c->place++)) {
		c->part++;
		c->place = 0;
		return STEP_SCAN;
	}
	return m->nr != 0 ? STEP_SEND : STEP_SCAN;
}

void
on_status_ask(struct client *c, const struct msg_status_ask *m)
{
	c->status = *m;
	c->part = c->place = 0;
	c->step = next_piece;
}
