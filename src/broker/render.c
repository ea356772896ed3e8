/*
 * Broker: rendered boot scripts. The text itself is never read here; that it is what the
 * signed template makes of these slots is the verifier's word. What makes the broker ask
 * are requests from the network, so everything is bounded.
 */
#include "src/broker/render.h"

#include <string.h>

#include "src/base/buf.h"
#include "src/base/hash.h"
#include "src/base/log.h"
#include "src/broker/broker.h"

#define BUCKETS 1024u
#define NONE UINT32_MAX
#define PACKED_SIZE 57

enum state { EMPTY, ASKED, READY, FAILED };

struct render {
	enum state state;
	bool sent;                   /* ASKED: the verifier has the question */
	uint32_t ask;                /* ASKED and sent: its number */
	uint64_t serial;             /* counts the uses of this place */
	uint8_t packed[PACKED_SIZE]; /* image and key */
	const struct image *image;
	struct render_key key;
	uint64_t since_ms; /* asked, or failed */
	uint64_t used;     /* READY: when last, by the count of gets */
	struct object object;
	uint64_t modified;
	uint32_t next; /* in its bucket */
};

static struct render table[RENDER_MAX];
static uint32_t buckets[BUCKETS];
static struct hash_key key_of_table;
static unsigned asked_count, unsent_count;
static uint32_t last_ask;
static uint64_t get_count, ticked_ms;

void
render_init(void)
{
	hash_key_random(&key_of_table);
	memset(table, 0, sizeof table);
	for (uint32_t i = 0; i < BUCKETS; i++)
		buckets[i] = NONE;
	asked_count = unsent_count = 0;
	last_ask = 0;
}

static void
pack_addr(struct out *out, const struct addr *a)
{
	out_u8(out, a->family);
	out_copy(out, a->b, sizeof a->b);
}

static void
pack(const struct image *image, const struct render_key *key, uint8_t packed[PACKED_SIZE])
{
	struct out out;

	out_init(&out, packed, PACKED_SIZE);
	out_u64_le(&out, image->id);
	out_u8(&out, (uint8_t)key->kind);
	out_u8(&out, (uint8_t)key->arch);
	out_u16(&out, key->http_port);
	out_u8(&out, key->https);
	out_copy(&out, key->mac.b, sizeof key->mac.b);
	pack_addr(&out, &key->client);
	pack_addr(&out, &key->server);
	out_u32_le(&out,
	    key->host == NULL ? UINT32_MAX : (uint32_t)(key->host - broker.conf->hosts));
	if (out.len != PACKED_SIZE)
		bug("size of a packed key");
}

static uint32_t *
bucket_of(const uint8_t packed[PACKED_SIZE])
{
	return &buckets[hash_bytes(&key_of_table, packed, PACKED_SIZE) % BUCKETS];
}

static struct render *
find(const uint8_t packed[PACKED_SIZE])
{
	for (uint32_t i = *bucket_of(packed); i != NONE; i = table[i].next)
		if (memcmp(table[i].packed, packed, PACKED_SIZE) == 0)
			return &table[i];
	return NULL;
}

/* Leaves the state it is in. */
static void
leave(struct render *r)
{
	if (r->state == ASKED) {
		asked_count--;
		if (!r->sent)
			unsent_count--;
	}
	if (r->state == READY)
		memfd_unref(r->object.mem);
	r->serial++;
	r->state = EMPTY;
}

static void
fail(struct render *r)
{
	leave(r);
	r->state = FAILED;
	r->since_ms = broker.now_ms;
}

static void
empty(struct render *r)
{
	uint32_t *link = bucket_of(r->packed);

	while (&table[*link] != r)
		link = &table[*link].next;
	*link = r->next;
	leave(r);
}

/* A place for one more: an empty one, a failed one, or the one not used for longest. */
static struct render *
make_place(void)
{
	struct render *oldest = NULL;

	for (uint32_t i = 0; i < RENDER_MAX; i++) {
		struct render *r = &table[i];

		if (r->state == EMPTY)
			return r;
		if (r->state == FAILED) {
			empty(r);
			return r;
		}
		if (r->state == READY && (oldest == NULL || r->used < oldest->used))
			oldest = r;
	}
	if (oldest == NULL)
		bug("more texts are asked for than there are places");
	empty(oldest);
	return oldest;
}

static void
send_ask(struct render *r)
{
	const struct conf_host *host = r->key.host;
	struct msg m = {.nr = MSG_RENDER_ASK};
	struct msg_render_ask *ask = &m.u.render_ask;

	if (r->image->stale)
		return;
	if (last_ask == UINT32_MAX)
		last_ask = 0;
	ask->ask = last_ask + 1;
	ask->image = r->image->theirs;
	ask->kind = (uint8_t)r->key.kind;
	ask->arch = (uint8_t)r->key.arch;
	ask->mac = r->key.mac;
	ask->client = r->key.client;
	ask->server = r->key.server;
	ask->http_port = r->key.http_port;
	ask->https = r->key.https;
	if (host != NULL) {
		memcpy(ask->host, host->name, strlen(host->name) + 1);
		ask->params.len = host->params_len;
		memcpy(ask->params.b, host->params, host->params_len);
	}
	if (chan_send(&broker.verifier, &m) != 0)
		return;
	r->ask = ++last_ask;
	r->sent = true;
	unsent_count--;
}

static struct render *
add(const struct image *image, const struct render_key *key,
    const uint8_t packed[PACKED_SIZE])
{
	struct render *r = make_place();
	uint32_t *bucket = bucket_of(packed);

	memcpy(r->packed, packed, PACKED_SIZE);
	r->image = image;
	r->key = *key;
	r->next = *bucket;
	*bucket = (uint32_t)(r - table);
	return r;
}

static void
ask(struct render *r)
{
	leave(r);
	r->state = ASKED;
	r->sent = false;
	r->since_ms = broker.now_ms;
	asked_count++;
	unsent_count++;
	send_ask(r);
}

int
render_get(const struct image *image, const struct render_key *key,
    struct render_text *text, struct render_ticket *ticket)
{
	uint8_t packed[PACKED_SIZE];
	struct render *r;

	pack(image, key, packed);
	*ticket = (struct render_ticket){0};
	r = find(packed);
	if (r != NULL && r->state == READY) {
		r->used = ++get_count;
		text->object = r->object;
		text->modified = r->modified;
		return 0;
	}
	if (r != NULL && r->state == FAILED &&
	    broker.now_ms - r->since_ms < RENDER_FAILED_MS)
		return ERR_ABSENT;
	if (r == NULL || r->state == FAILED) {
		if (asked_count == RENDER_ASKED_MAX)
			return ERR_STATE;
		if (r == NULL)
			r = add(image, key, packed);
		ask(r);
	}
	*ticket = (struct render_ticket){.entry = r, .serial = r->serial};
	return ERR_STATE;
}

bool
render_changed(const struct render_ticket *ticket)
{
	return ticket->entry == NULL || ticket->entry->serial != ticket->serial;
}

void
render_forget(uint64_t image_id)
{
	for (uint32_t i = 0; i < RENDER_MAX; i++)
		if (table[i].state != EMPTY && table[i].image->id == image_id)
			empty(&table[i]);
}

/* Numbers go on: an answer to an old ask must not meet a new one. */
void
render_unask(void)
{
	for (uint32_t i = 0; i < RENDER_MAX && asked_count > 0; i++) {
		struct render *r = &table[i];

		if (r->state != ASKED || !r->sent)
			continue;
		r->sent = false;
		unsent_count++;
	}
}

static void
tick_one(struct render *r, uint64_t now_ms)
{
	if (r->state != ASKED)
		return;
	if (now_ms - r->since_ms >= RENDER_WAIT_MS) {
		log_limited(LOG_WARNING, "render-late", "image=%s", image_name(r->image));
		fail(r);
	} else if (!r->sent) {
		send_ask(r);
	}
}

void
render_tick(uint64_t now_ms)
{
	if (asked_count == 0 || (unsent_count == 0 && now_ms - ticked_ms < 50))
		return;
	ticked_ms = now_ms;
	for (uint32_t i = 0; i < RENDER_MAX; i++)
		tick_one(&table[i], now_ms);
}

unsigned
render_asked(void)
{
	return asked_count;
}

/* NULL when the text is in memory that exists, else what is wrong. */
static const char *
check_answer(const struct msg_render_ans *a, struct object *object)
{
	struct memfd *mem;

	if (a->ask == 0 || a->ask > last_ask)
		return "answers what it was not asked";
	if (a->ok == 0)
		return NULL;
	mem = memfd_held(a->memfd);
	if (mem == NULL || mem->fd < 0)
		return "a text in memory that it has not named";
	if (a->length > mem->size || a->length > RENDER_SIZE_MAX)
		return "a text that is beyond its memory, or too long";
	object->mem = mem;
	object->offset = 0;
	object->length = a->length;
	memcpy(object->hash, a->hash, sizeof object->hash);
	return NULL;
}

static struct render *
find_asked(uint32_t number)
{
	for (uint32_t i = 0; i < RENDER_MAX; i++)
		if (table[i].state == ASKED && table[i].sent && table[i].ask == number)
			return &table[i];
	return NULL;
}

static void
settle(struct render *r, const struct msg_render_ans *a, const struct object *object)
{
	if (a->ok == 0) {
		fail(r);
		return;
	}
	leave(r);
	r->state = READY;
	r->object = *object;
	memfd_ref(object->mem);
	r->modified = broker.wall_s;
	r->used = ++get_count;
}

void
on_render_ans(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_render_ans *a = &m->u.render_ans;
	struct object object;
	const char *why = check_answer(a, &object);
	struct render *r;

	(void)fd;
	if (why != NULL) {
		chan_peer_fault(from, why);
		return;
	}
	r = find_asked(a->ask);
	if (r != NULL)
		settle(r, a, &object);
	/* Also when the answer is too late. */
	if (a->ok != 0 && memfd_drop(a->memfd, false) != 0)
		bug("held memory is not held");
}
