/*
 * Broker: handles of signed bytes. They come from the verifier, who is believed about
 * what the bytes are, but not about the handle: that nobody can change or shorten it any
 * more is checked here before a number is given out.
 */
#include "src/broker/memfd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/broker/broker.h"

#define BUCKETS 1024u
#define NONE UINT32_MAX
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct memfd table[MEMFD_MAX];
static uint32_t buckets[BUCKETS]; /* of held ones, by the verifier's number */
static uint32_t free_list;
static uint32_t last_number;
static unsigned used_count, ended_count; /* ended: closed, not everybody knows */
static unsigned told_count[WORKER_MAX];
static uint32_t hands[WORKER_MAX]; /* where to look for a number to take back */

void
memfd_init(void)
{
	for (uint32_t i = 0; i < MEMFD_MAX; i++)
		if (table[i].used && table[i].fd >= 0)
			close(table[i].fd);
	memset(table, 0, sizeof table);
	for (uint32_t i = 0; i < MEMFD_MAX; i++) {
		table[i].fd = -1;
		table[i].next = i + 1 < MEMFD_MAX ? i + 1 : NONE;
	}
	for (uint32_t i = 0; i < BUCKETS; i++)
		buckets[i] = NONE;
	free_list = 0;
	used_count = ended_count = 0;
	memset(told_count, 0, sizeof told_count);
}

static uint32_t *
bucket_of(uint32_t theirs)
{
	return &buckets[(theirs * UINT32_C(2654435761) >> 16) % BUCKETS];
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

static int
insert(uint32_t theirs, uint64_t size, int fd)
{
	uint32_t *bucket = bucket_of(theirs);
	struct memfd *m;

	if (memfd_held(theirs) != NULL)
		return ERR_DUPLICATE;
	if (free_list == NONE || last_number == UINT32_MAX)
		return ERR_FULL;
	m = &table[free_list];
	free_list = m->next;
	*m = (struct memfd){.number = ++last_number,
	    .fd = fd,
	    .size = size,
	    .refs = 1,
	    .used = true,
	    .held = true,
	    .theirs = theirs,
	    .next = *bucket};
	*bucket = (uint32_t)(m - table);
	used_count++;
	return 0;
}

int
memfd_hold(uint32_t theirs, uint64_t size, int fd)
{
	int err = is_sealed(fd, size) ? insert(theirs, size, fd) : ERR_DENIED;

	if (err != 0)
		close(fd);
	return err;
}

struct memfd *
memfd_held(uint32_t theirs)
{
	for (uint32_t i = *bucket_of(theirs); i != NONE; i = table[i].next)
		if (table[i].theirs == theirs)
			return &table[i];
	return NULL;
}

static void
put_back(struct memfd *m)
{
	m->used = false;
	m->next = free_list;
	free_list = (uint32_t)(m - table);
	used_count--;
}

void
memfd_ref(struct memfd *m)
{
	m->refs++;
}

void
memfd_unref(struct memfd *m)
{
	if (m->refs == 0)
		bug("a memfd was given back twice");
	if (--m->refs > 0)
		return;
	close(m->fd);
	m->fd = -1;
	if (m->told == 0)
		put_back(m);
	else
		ended_count++;
}

int
memfd_drop(uint32_t theirs)
{
	struct memfd *m = memfd_held(theirs);
	uint32_t *link = bucket_of(theirs);

	if (m == NULL)
		return ERR_ABSENT;
	while (&table[*link] != m)
		link = &table[*link].next;
	*link = m->next;
	m->held = false;
	memfd_unref(m);
	return 0;
}

void
memfd_drop_all(void)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		buckets[i] = NONE;
	for (uint32_t i = 0; i < MEMFD_MAX; i++) {
		struct memfd *m = &table[i];

		if (m->used && m->held) {
			m->held = false;
			memfd_unref(m);
		}
	}
}

static bool
is_told(const struct memfd *m, unsigned worker)
{
	return (m->told & 1u << worker) != 0;
}

static bool
has_ended(const struct memfd *m)
{
	return m->used && m->refs == 0;
}

/* The file-sender does not know the number any more. */
static void
untell(struct memfd *m, unsigned worker)
{
	if (!is_told(m, worker))
		return;
	m->told &= (uint16_t) ~(1u << worker);
	told_count[worker]--;
	if (has_ended(m) && m->told == 0) {
		put_back(m);
		ended_count--;
	}
}

static int
take_back(struct memfd *m, unsigned worker)
{
	struct msg msg = {.nr = MSG_DROP_TELL};

	msg.u.drop_tell.memfd = m->number;
	if (chan_send(&broker.file_sender[worker], &msg) != 0)
		return ERR_FULL;
	untell(m, worker);
	return 0;
}

/* Room for one more number; what is taken back is told again when it is needed, and
 * running transfers keep it. */
static int
make_way(unsigned worker)
{
	uint32_t *hand = &hands[worker];

	if (told_count[worker] < MEMFD_TOLD_MAX)
		return 0;
	do
		*hand = (*hand + 1) % MEMFD_MAX;
	while (!is_told(&table[*hand], worker));
	return take_back(&table[*hand], worker);
}

int
memfd_tell(struct memfd *m, unsigned worker)
{
	struct msg msg = {.nr = MSG_MEMFD_TELL};

	if (is_told(m, worker))
		return 0;
	if (make_way(worker) != 0)
		return ERR_FULL;
	msg.u.memfd_tell.memfd = m->number;
	msg.u.memfd_tell.size = m->size;
	if (chan_send_fd(&broker.file_sender[worker], &msg, m->fd) != 0)
		return ERR_FULL;
	m->told |= (uint16_t)(1u << worker);
	told_count[worker]++;
	return 0;
}

/* What finds no room now is tried again in the next turn. */
static void
tell_end(struct memfd *m)
{
	for (unsigned w = 0; w < broker.start.workers; w++)
		if (is_told(m, w))
			(void)take_back(m, w);
}

void
memfd_sweep(void)
{
	for (uint32_t i = 0; i < MEMFD_MAX && ended_count > 0; i++)
		if (has_ended(&table[i]))
			tell_end(&table[i]);
}

void
memfd_forget(unsigned worker)
{
	for (uint32_t i = 0; i < MEMFD_MAX; i++)
		untell(&table[i], worker);
}

unsigned
memfd_count(void)
{
	return used_count;
}
