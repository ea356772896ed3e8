/*
 * The table of sealed memory. Part of the verifier's main thread.
 */
#include "src/verifier/sealed.h"

#include <string.h>
#include <unistd.h>

#define BUCKETS 4096u

static struct sealed table[SEALED_MAX];
static uint16_t buckets[BUCKETS]; /* by number; places from 1, 0 at the end */
static uint32_t last_number;
static unsigned next_free; /* where to look first */
static uint64_t bytes[SEALED_STATES], overdue;
static unsigned counts[SEALED_STATES];
static uint16_t oldest = SEALED_NONE, newest = SEALED_NONE; /* of the ready ones */
static uint16_t list[SEALED_MAX];                           /* a ring */
static unsigned list_at, list_len;

uint32_t
sealed_number(void)
{
	if (++last_number == 0)
		bug("out of numbers for memory");
	return last_number;
}

static void
enter(struct sealed *s, enum sealed_state state)
{
	s->state = state;
	bytes[state] += s->size;
	counts[state]++;
}

static void
leave(struct sealed *s, enum sealed_state state)
{
	if (s->state != state)
		bug("memory in another state");
	bytes[state] -= s->size;
	counts[state]--;
}

int
sealed_new(uint64_t size)
{
	for (unsigned n = 0; n < SEALED_MAX; n++) {
		unsigned i = (next_free + n) % SEALED_MAX;

		/* One that is still listed keeps its place in the list. */
		if (table[i].id != 0 || table[i].listed)
			continue;
		memset(&table[i], 0, sizeof table[i]);
		table[i].id = sealed_number();
		table[i].fd = -1;
		table[i].size = size;
		table[i].refs = 1;
		table[i].next = buckets[table[i].id % BUCKETS];
		buckets[table[i].id % BUCKETS] = (uint16_t)(i + 1);
		enter(&table[i], SEALED_COLD);
		next_free = i + 1;
		return (int)i;
	}
	return ERR_FULL;
}

int
sealed_share(const uint8_t hash[32], uint64_t size)
{
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		struct sealed *s = &table[i];

		if (s->id == 0 || s->refs == 0 || !s->whole || s->size != size ||
		    memcmp(s->hash, hash, sizeof s->hash) != 0)
			continue;
		s->refs++;
		return (int)i;
	}
	return ERR_ABSENT;
}

/* Out of the row of those that are ready. */
static void
unlink_ready(struct sealed *s)
{
	*(s->newer == SEALED_NONE ? &newest : &table[s->newer].older) = s->older;
	*(s->older == SEALED_NONE ? &oldest : &table[s->older].newer) = s->newer;
}

static void
link_ready(struct sealed *s)
{
	uint16_t place = (uint16_t)(s - table);

	s->newer = SEALED_NONE;
	s->older = newest;
	*(newest == SEALED_NONE ? &oldest : &table[newest].newer) = place;
	newest = place;
}

static void
unlink_number(const struct sealed *s)
{
	uint16_t *link = &buckets[s->id % BUCKETS];

	while (&table[*link - 1] != s)
		link = &table[*link - 1].next;
	*link = s->next;
}

static void
discard(struct sealed *s)
{
	bool listed = s->listed;

	unlink_number(s);

	if (s->state == SEALED_READY)
		unlink_ready(s);
	if (s->overdue)
		overdue -= s->size;
	leave(s, s->state);
	if (s->fd >= 0)
		close(s->fd);
	memset(s, 0, sizeof *s);
	s->listed = listed;
}

void
sealed_unref(unsigned place)
{
	struct sealed *s = &table[place];

	if (s->id == 0 || s->refs == 0)
		bug("memory without an owner");
	if (--s->refs > 0)
		return;
	if (s->state == SEALED_LOADING)
		bug("memory without an owner is being loaded");
	if (s->wanted)
		s->answer = ANSWER_NO;
	s->wanted = false;
	if (s->told)
		sealed_list(place);
	else
		discard(s);
}

struct sealed *
sealed_at(unsigned place)
{
	return place < SEALED_MAX && table[place].id != 0 ? &table[place] : NULL;
}

int
sealed_find(uint32_t id)
{
	for (uint16_t i = buckets[id % BUCKETS]; i != 0; i = table[i - 1].next)
		if (table[i - 1].id == id)
			return i - 1;
	return ERR_ABSENT;
}

void
sealed_begin(unsigned place, uint64_t now_ms)
{
	struct sealed *s = &table[place];

	leave(s, SEALED_COLD);
	enter(s, SEALED_LOADING);
	s->since_ms = now_ms;
}

void
sealed_ready(unsigned place, int fd, uint64_t now_ms)
{
	struct sealed *s = &table[place];

	leave(s, SEALED_LOADING);
	enter(s, SEALED_READY);
	s->fd = fd;
	s->had = true;
	s->since_ms = now_ms;
	link_ready(s);
}

void
sealed_leave(unsigned place, uint64_t now_ms)
{
	struct sealed *s = &table[place];

	leave(s, SEALED_READY);
	unlink_ready(s);
	enter(s, SEALED_LEAVING);
	s->since_ms = now_ms;
}

void
sealed_fail(unsigned place)
{
	struct sealed *s = &table[place];

	leave(s, SEALED_LOADING);
	enter(s, SEALED_COLD);
}

void
sealed_freed(unsigned place)
{
	struct sealed *s = &table[place];

	leave(s, SEALED_LEAVING);
	enter(s, SEALED_COLD);
	if (s->overdue)
		overdue -= s->size;
	close(s->fd);
	s->fd = -1;
	s->given = s->asked = s->overdue = false;
	if (s->refs == 0 && !s->told)
		discard(s);
}

void
sealed_dropped(unsigned place, uint64_t now_ms)
{
	struct sealed *s = &table[place];

	if (s->id == 0 || s->refs != 0)
		bug("memory dropped that has an owner");
	s->told = false;
	s->asked = true;
	if (!s->given)
		discard(s);
	else if (s->state == SEALED_READY)
		sealed_leave(place, now_ms);
}

void
sealed_used(unsigned place)
{
	unlink_ready(&table[place]);
	link_ready(&table[place]);
}

uint16_t
sealed_oldest(void)
{
	return oldest;
}

uint64_t
sealed_bytes(enum sealed_state state)
{
	return bytes[state];
}

unsigned
sealed_count(enum sealed_state state)
{
	return counts[state];
}

uint64_t
sealed_overdue(void)
{
	return overdue;
}

void
sealed_mark_overdue(uint64_t before_ms)
{
	for (unsigned i = 0; i < SEALED_MAX && counts[SEALED_LEAVING] > 0; i++) {
		struct sealed *s = &table[i];

		if (s->id == 0 || s->state != SEALED_LEAVING || s->overdue ||
		    s->since_ms >= before_ms)
			continue;
		s->overdue = true;
		overdue += s->size;
	}
}

void
sealed_list(unsigned place)
{
	if (table[place].listed)
		return;
	table[place].listed = true;
	list[(list_at + list_len++) % SEALED_MAX] = (uint16_t)place;
}

uint16_t
sealed_listed(void)
{
	return list_len == 0 ? SEALED_NONE : list[list_at];
}

void
sealed_unlist(void)
{
	table[list[list_at]].listed = false;
	list_at = (list_at + 1) % SEALED_MAX;
	list_len--;
}

void
sealed_forget_told(void)
{
	for (unsigned i = 0; i < SEALED_MAX; i++) {
		struct sealed *s = &table[i];

		s->told = s->given = s->asked = s->wanted = false;
		s->answer = ANSWER_NONE;
		if (s->id == 0)
			continue;
		if (s->state == SEALED_LEAVING)
			sealed_freed(i);
		else if (s->refs == 0)
			discard(s);
	}
}
