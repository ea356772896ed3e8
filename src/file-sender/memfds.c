/*
 * Handles of signed bytes, in file-sender. They come from the broker, which is believed
 * about what may be sent to whom but not about the handle: that nobody can change or
 * shorten the bytes any more is checked here, so that what is sent is what was verified.
 */
#include "src/file-sender/memfds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS (2u * MEMFDS_NAMED_MAX)
#define BUCKETS 4096u
#define NONE UINT32_MAX
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static uint32_t
bucket_of(uint32_t id)
{
	return (id * UINT32_C(2654435761) >> 16) & (BUCKETS - 1);
}

int
memfds_init(struct memfds *t)
{
	t->all = calloc((size_t)SLOTS, sizeof *t->all);
	t->buckets = calloc(BUCKETS, sizeof *t->buckets);
	if (t->all == NULL || t->buckets == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < SLOTS; i++)
		t->all[i].next = i + 1 < SLOTS ? i + 1 : NONE;
	for (uint32_t i = 0; i < BUCKETS; i++)
		t->buckets[i] = NONE;
	t->free = 0;
	t->closed = NONE;
	t->named = 0;
	return 0;
}

static bool
is_sealed(int fd, uint64_t size)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return false;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

static struct memfd *
find(struct memfds *t, uint32_t id)
{
	for (uint32_t i = t->buckets[bucket_of(id)]; i != NONE; i = t->all[i].next)
		if (t->all[i].id == id)
			return &t->all[i];
	return NULL;
}

static int
insert(struct memfds *t, uint32_t id, uint64_t size, int fd)
{
	uint32_t i = t->free;
	uint32_t *bucket = &t->buckets[bucket_of(id)];
	void *map = NULL;

	if (find(t, id) != NULL)
		return ERR_DUPLICATE;
	if (i == NONE || t->named == MEMFDS_NAMED_MAX)
		return ERR_FULL;
	/* Shared maps of what is sealed against writing are refused by older kernels. */
	if (size > 0)
		map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return ERR_FULL;
	t->free = t->all[i].next;
	t->all[i] = (struct memfd){.fd = fd,
	    .id = id,
	    .size = size,
	    .map = map,
	    .refs = 1,
	    .named = true,
	    .next = *bucket};
	*bucket = i;
	t->named++;
	return 0;
}

int
memfds_add(struct memfds *t, uint32_t id, uint64_t size, int fd)
{
	int err = is_sealed(fd, size) ? insert(t, id, size, fd) : ERR_DENIED;

	if (err != 0)
		close(fd);
	return err;
}

struct memfd *
memfds_take(struct memfds *t, uint32_t id, uint64_t offset, uint64_t length)
{
	struct memfd *m = find(t, id);

	if (m == NULL || offset > m->size || length > m->size - offset)
		return NULL;
	m->refs++;
	return m;
}

static void
put(struct memfds *t, struct memfd *m, uint32_t *list)
{
	m->next = *list;
	*list = (uint32_t)(m - t->all);
}

void
memfds_give(struct memfds *t, struct memfd *m)
{
	if (--m->refs > 0)
		return;
	if (m->map != NULL)
		munmap((void *)(uintptr_t)m->map, m->size);
	m->map = NULL;
	close(m->fd);
	m->fd = -1;
	put(t, m, m->dropped ? &t->closed : &t->free);
}

bool
memfds_closed(const struct memfds *t, uint32_t *id)
{
	if (t->closed == NONE)
		return false;
	*id = t->all[t->closed].id;
	return true;
}

void
memfds_said(struct memfds *t)
{
	struct memfd *m = &t->all[t->closed];

	t->closed = m->next;
	m->dropped = false;
	put(t, m, &t->free);
}

static void
unname(struct memfds *t, struct memfd *m)
{
	uint32_t *link = &t->buckets[bucket_of(m->id)];

	while (&t->all[*link] != m)
		link = &t->all[*link].next;
	*link = m->next;
	m->named = false;
	t->named--;
	memfds_give(t, m);
}

int
memfds_drop(struct memfds *t, uint32_t id)
{
	struct memfd *m = find(t, id);

	if (m == NULL)
		return ERR_ABSENT;
	m->dropped = true;
	unname(t, m);
	return 0;
}

void
memfds_forget(struct memfds *t)
{
	while (t->closed != NONE)
		memfds_said(t);
	for (uint32_t i = 0; i < SLOTS; i++) {
		t->all[i].dropped = false;
		if (t->all[i].named)
			unname(t, &t->all[i]);
	}
}
