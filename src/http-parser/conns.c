/*
 * Connections of http-parser. Bytes and their order come from a file-sender that relays
 * them unread, and that may itself be owned: what it sends is checked against what it may,
 * and every table has its size from the start.
 */
#include "src/http-parser/conns.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

enum state {
	READING, /* a head is not complete */
	ASKED,   /* a request is with the broker: wait for its answer to be out */
	LOST,    /* the same, and bytes behind the head had to be thrown away */
	CLOSING, /* nothing more will be read */
};

struct entry {
	uint64_t conn;
	uint32_t chain;   /* next in the hash chain, or in the free list */
	uint32_t buffer;  /* or NONE */
	uint32_t scanned; /* of the buffer, by http_head_length */
	enum state state;
};

/* Buffers in use are a list from the oldest to the youngest. */
struct buffer {
	uint32_t entry;
	uint32_t older, younger; /* younger: next in the free list, when free */
	uint32_t len;
	uint8_t bytes[HTTP_HEAD_MAX];
};

struct conns {
	struct entry *entries;
	struct buffer *buffers;
	uint32_t *hash; /* heads of chains; a power of two of them */
	uint32_t hash_mask;
	uint32_t entry_max, buffer_max;
	/* Those that were in use and are free, and how many have never been used: these are
	 * not touched, so that no memory stands behind them yet. */
	uint32_t free_entry, free_buffer;
	uint32_t new_entry, new_buffer;
	uint32_t oldest, youngest;
	conns_out *out;
	void *arg;
	struct conns_count count;
};

struct conns *
conns_init(unsigned entries, unsigned buffers, conns_out *out, void *arg)
{
	struct conns *c = calloc(1, sizeof *c);
	uint32_t slots = 1;

	if (c == NULL)
		return NULL;
	while (slots < entries)
		slots *= 2;
	c->hash_mask = slots - 1;
	c->entry_max = entries;
	c->buffer_max = buffers;
	c->out = out;
	c->arg = arg;
	c->hash = calloc(slots, sizeof *c->hash);
	c->entries = calloc(entries, sizeof *c->entries);
	c->buffers = calloc(buffers, sizeof *c->buffers);
	if (c->hash == NULL || c->entries == NULL || c->buffers == NULL) {
		conns_free(c);
		return NULL;
	}
	conns_reset(c);
	return c;
}

void
conns_free(struct conns *c)
{
	if (c == NULL)
		return;
	free(c->hash);
	free(c->entries);
	free(c->buffers);
	free(c);
}

void
conns_reset(struct conns *c)
{
	for (uint32_t i = 0; i <= c->hash_mask; i++)
		c->hash[i] = NONE;
	c->free_entry = c->free_buffer = NONE;
	c->new_entry = c->new_buffer = 0;
	c->oldest = c->youngest = NONE;
	c->count.entries = c->count.buffers = 0;
}

struct conns_count
conns_count(const struct conns *c)
{
	return c->count;
}

/* ------------------------------------------------------------------------ entries */

/* Connection numbers are ours and mostly count upwards; a multiplication spreads them. */
static uint32_t *
chain_of(struct conns *c, uint64_t conn)
{
	return &c->hash[(uint32_t)(conn * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
			c->hash_mask];
}

static struct entry *
find(struct conns *c, uint64_t conn)
{
	for (uint32_t i = *chain_of(c, conn); i != NONE; i = c->entries[i].chain)
		if (c->entries[i].conn == conn)
			return &c->entries[i];
	return NULL;
}

static struct entry *
add(struct conns *c, uint64_t conn)
{
	uint32_t *chain = chain_of(c, conn);
	uint32_t i = c->free_entry;
	struct entry *e;

	if (i == NONE && c->new_entry == c->entry_max)
		return NULL;
	if (i == NONE)
		i = c->new_entry++;
	else
		c->free_entry = c->entries[i].chain;
	e = &c->entries[i];
	*e =
	    (struct entry){.conn = conn, .chain = *chain, .buffer = NONE, .state = READING};
	*chain = i;
	c->count.entries++;
	return e;
}

/* ------------------------------------------------------------------------ buffers */

static void
drop_buffer(struct conns *c, struct entry *e)
{
	struct buffer *b;

	if (e->buffer == NONE)
		return;
	b = &c->buffers[e->buffer];
	*(b->older == NONE ? &c->oldest : &c->buffers[b->older].younger) = b->younger;
	*(b->younger == NONE ? &c->youngest : &c->buffers[b->younger].older) = b->older;
	b->younger = c->free_buffer;
	c->free_buffer = e->buffer;
	e->buffer = NONE;
	c->count.buffers--;
}

static void
drop_entry(struct conns *c, struct entry *e)
{
	uint32_t *link = chain_of(c, e->conn);
	uint32_t i = (uint32_t)(e - c->entries);

	drop_buffer(c, e);
	while (*link != i)
		link = &c->entries[*link].chain;
	*link = e->chain;
	e->chain = c->free_entry;
	c->free_entry = i;
	c->count.entries--;
}

static void
refuse(struct conns *c, struct entry *e, int status, bool head)
{
	struct msg m = {.nr = MSG_BAD_TELL};

	drop_buffer(c, e);
	e->state = CLOSING;
	m.u.bad_tell.conn = e->conn;
	m.u.bad_tell.status = (uint16_t)status;
	m.u.bad_tell.head = head;
	c->out(c->arg, &m);
}

/* Makes room by taking the buffer that has been held longest. */
static void
evict_oldest(struct conns *c)
{
	struct buffer *b = &c->buffers[c->oldest];
	struct entry *e = &c->entries[b->entry];
	bool head = http_wants_head(b->bytes, b->len);

	c->count.evicted++;
	if (e->state == READING) {
		refuse(c, e, 408, head);
		return;
	}
	drop_buffer(c, e);
	e->state = LOST;
}

static struct buffer *
take_buffer(struct conns *c, struct entry *e)
{
	struct buffer *b;

	if (c->free_buffer == NONE && c->new_buffer == c->buffer_max)
		evict_oldest(c);
	if (c->free_buffer == NONE) {
		e->buffer = c->new_buffer++;
		b = &c->buffers[e->buffer];
	} else {
		e->buffer = c->free_buffer;
		b = &c->buffers[e->buffer];
		c->free_buffer = b->younger;
	}
	b->entry = (uint32_t)(e - c->entries);
	b->len = 0;
	b->older = c->youngest;
	b->younger = NONE;
	*(c->youngest == NONE ? &c->oldest : &c->buffers[c->youngest].younger) = e->buffer;
	c->youngest = e->buffer;
	c->count.buffers++;
	return b;
}

/* Keeps bytes for later. There is room: see conns_bytes and read_head. */
static void
keep(struct conns *c, struct entry *e, const uint8_t *bytes, size_t len)
{
	struct buffer *b;

	if (len == 0)
		return;
	b = e->buffer == NONE ? take_buffer(c, e) : &c->buffers[e->buffer];
	if (len > sizeof b->bytes - b->len)
		bug("more bytes of a connection than were let in");
	memcpy(b->bytes + b->len, bytes, len);
	b->len += (uint32_t)len;
}

/* -------------------------------------------------------------------------- heads */

static void
set_tags(uint16_t *len, uint8_t *bytes, const struct http_tags *tags)
{
	*len = (uint16_t)(tags->n * HTTP_TAG_SIZE);
	memcpy(bytes, tags->tag, *len);
}

static void
ask(struct conns *c, uint64_t conn, const struct http_head *h, size_t used)
{
	struct msg m = {.nr = MSG_GET_TELL};
	struct msg_get_tell *g = &m.u.get_tell;

	g->conn = conn;
	g->used = (uint16_t)used;
	g->method = (uint8_t)h->method;
	g->keep = h->keep;
	memcpy(g->path, h->path, sizeof g->path);
	g->range = (uint8_t)h->range;
	g->first = h->first;
	g->last = h->last;
	g->conditions = h->conditions;
	set_tags(&g->match.len, g->match.b, &h->match);
	set_tags(&g->none_match.len, g->none_match.b, &h->none_match);
	if ((h->conditions & HTTP_IF_RANGE_TAG) != 0) {
		g->range_tag.len = HTTP_TAG_SIZE;
		memcpy(g->range_tag.b, h->range_tag, HTTP_TAG_SIZE);
	}
	g->modified_since = h->modified_since;
	g->unmodified_since = h->unmodified_since;
	g->range_since = h->range_since;
	c->out(c->arg, &m);
}

/* Reads a head at the start of bytes, if it is all there. Returns its length; 0 when more
 * bytes are needed or none will ever be. */
static size_t
read_head(struct conns *c, struct entry *e, const uint8_t *bytes, size_t len)
{
	struct http_head h = {.method = HTTP_GET};
	size_t from = e->scanned;
	int status, n = http_head_length(bytes, len, &from);

	e->scanned = (uint32_t)from;
	if (n == 0)
		return 0;
	status = n < 0 ? http_head_refusal(bytes, len, n)
		       : http_decode_head(bytes, (size_t)n, &h);
	if (status != 0) {
		refuse(c, e, status, http_wants_head(bytes, len));
		return 0;
	}
	e->scanned = 0;
	e->state = ASKED;
	if (!h.keep) {
		drop_buffer(c, e);
		e->state = CLOSING;
	}
	ask(c, e->conn, &h, (size_t)n);
	return h.keep ? (size_t)n : 0;
}

/* Goes on with what is in the buffer. */
static void
read_buffer(struct conns *c, struct entry *e)
{
	struct buffer *b = &c->buffers[e->buffer];
	size_t used = read_head(c, e, b->bytes, b->len);

	if (used == 0)
		return;
	if (used == b->len) {
		drop_buffer(c, e);
		return;
	}
	memmove(b->bytes, b->bytes + used, b->len - used);
	b->len -= (uint32_t)used;
}

/* ----------------------------------------------------------------------- messages */

/* The answer is out: on with the next head. */
static void
go_on(struct conns *c, struct entry *e)
{
	if (e->state == LOST)
		refuse(c, e, 408, false);
	if (e->state != ASKED)
		return;
	e->state = READING;
	if (e->buffer != NONE)
		read_buffer(c, e);
}

static int
take_bytes(struct conns *c, struct entry *e, const uint8_t *bytes, size_t len)
{
	size_t held = e->buffer == NONE ? 0 : c->buffers[e->buffer].len;
	size_t used;

	if (len > HTTP_HEAD_MAX - held)
		return ERR_LONG;
	if (e->state == LOST || e->state == CLOSING)
		return 0;
	if (e->state == READING && held == 0) {
		/* Most heads come in one piece and need no buffer. */
		used = read_head(c, e, bytes, len);
		if (e->state != CLOSING)
			keep(c, e, bytes + used, len - used);
		return 0;
	}
	keep(c, e, bytes, len);
	if (e->state == READING)
		read_buffer(c, e);
	return 0;
}

int
conns_bytes(struct conns *c, uint64_t conn, bool next, const uint8_t *bytes, size_t len)
{
	struct entry *e = find(c, conn);

	if (len == 0)
		return ERR_RANGE;
	if (e == NULL && (e = add(c, conn)) == NULL)
		return ERR_FULL;
	if (next)
		go_on(c, e);
	return take_bytes(c, e, bytes, len);
}

void
conns_next(struct conns *c, uint64_t conn)
{
	struct entry *e = find(c, conn);

	if (e == NULL)
		return;
	go_on(c, e);
	if (e->state == READING && e->buffer == NONE)
		drop_entry(c, e);
}

void
conns_end(struct conns *c, uint64_t conn)
{
	struct entry *e = find(c, conn);

	if (e != NULL)
		drop_entry(c, e);
}
