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
#include "src/broker/fetch.h"
#include "src/broker/row.h"

#define BUCKETS 8192u
#define NONE UINT32_MAX
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct memfd table[MEMFD_MAX];
static uint32_t held[BUCKETS]; /* by the verifier's number */
static uint32_t ours[BUCKETS]; /* by ours */
static uint32_t free_list;     /* of the first `opened` */
static uint32_t opened;
static uint32_t last_number;
static unsigned used_count;
static unsigned told_count[WORKER_MAX];
static uint32_t hands[WORKER_MAX]; /* where to look for a number to take back */
static uint32_t items[2][MEMFD_MAX];
/* Those whose end has to be told to file-senders, and to the verifier. */
static struct row dropping, freed;

void
memfd_init(void)
{
	for (uint32_t i = 0; i < opened; i++)
		if (table[i].in_use && table[i].fd >= 0)
			close(table[i].fd);
	memset(table, 0, opened * sizeof table[0]);
	opened = 0;
	for (uint32_t i = 0; i < BUCKETS; i++)
		held[i] = ours[i] = NONE;
	free_list = NONE;
	used_count = 0;
	memset(told_count, 0, sizeof told_count);
	dropping = (struct row){items[0], MEMFD_MAX, 0, 0};
	freed = (struct row){items[1], MEMFD_MAX, 0, 0};
}

static uint32_t
bucket_of(uint32_t number)
{
	return (number * UINT32_C(2654435761) >> 16) % BUCKETS;
}

uint32_t
memfd_index(const struct memfd *m)
{
	return (uint32_t)(m - table);
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

/* ------------------------------------------------------ numbers for the file-senders */

/* New memory has a new number. False when there are none left. */
static bool
number_it(struct memfd *m)
{
	if (last_number == UINT32_MAX)
		return false;
	m->number = ++last_number;
	m->next_ours = ours[bucket_of(m->number)];
	ours[bucket_of(m->number)] = memfd_index(m);
	return true;
}

static void
unnumber(struct memfd *m)
{
	uint32_t *link = &ours[bucket_of(m->number)];

	if (m->number == 0)
		return;
	while (&table[*link] != m)
		link = &table[*link].next_ours;
	*link = m->next_ours;
	m->number = 0;
}

/* --------------------------------------------------------------- beginning and end */

static void
put_back(struct memfd *m)
{
	unnumber(m);
	m->in_use = false;
	m->serial++;
	m->next = free_list;
	free_list = memfd_index(m);
	used_count--;
}

static bool
has_memory(const struct memfd *m)
{
	return m->fd >= 0 || m->told != 0 || m->owed_sum > 0;
}

/* Whatever can be done now that somebody has let go of it. */
static void
settle(struct memfd *m)
{
	if (has_memory(m) || m->freed)
		return;
	unnumber(m);
	if (m->report) {
		m->freed = true;
		row_put(&freed, memfd_index(m));
	} else if (m->refs == 0 && !m->dropping) {
		put_back(m);
	}
}

static void
close_memory(struct memfd *m)
{
	close(m->fd);
	m->fd = -1;
	m->serial++;
	if (m->told != 0 && !m->dropping) {
		m->dropping = true;
		row_put(&dropping, memfd_index(m));
	}
	settle(m);
}

static bool
is_full(void)
{
	return free_list == NONE && opened == MEMFD_MAX;
}

static struct memfd *
take_entry(void)
{
	struct memfd *m;

	if (free_list == NONE)
		return &table[opened++];
	m = &table[free_list];
	free_list = m->next;
	return m;
}

static struct memfd *
insert(uint32_t theirs, uint64_t size)
{
	uint32_t *bucket = &held[bucket_of(theirs)];
	struct memfd *m = take_entry();
	/* Rows that it may still stand in, of an earlier use. */
	bool wanting = m->wanting, using = m->using;
	uint64_t serial = m->serial;

	*m = (struct memfd){.fd = -1,
	    .size = size,
	    .refs = 1,
	    .in_use = true,
	    .held = true,
	    .theirs = theirs,
	    .serial = serial + 1,
	    .wanting = wanting,
	    .using = using,
	    .next = *bucket};
	*bucket = memfd_index(m);
	used_count++;
	return m;
}

int
memfd_expect(uint32_t theirs, uint64_t size)
{
	if (memfd_held(theirs) != NULL)
		return ERR_DUPLICATE;
	if (is_full())
		return ERR_FULL;
	insert(theirs, size);
	return 0;
}

bool
memfd_is_cold(const struct memfd *m)
{
	return !has_memory(m) && !m->report;
}

/* The entry that the memory is for, or why there is none. */
static int
find_place(uint32_t theirs, uint64_t size, struct memfd **m)
{
	*m = memfd_held(theirs);
	if (*m != NULL && !memfd_is_cold(*m))
		return ERR_DUPLICATE;
	if (*m != NULL)
		return (*m)->size == size ? 0 : ERR_DENIED;
	if (is_full() || last_number == UINT32_MAX)
		return ERR_FULL;
	*m = insert(theirs, size);
	return 0;
}

int
memfd_hold(uint32_t theirs, uint64_t size, int fd)
{
	struct memfd *m;
	int err = is_sealed(fd, size) ? find_place(theirs, size, &m) : ERR_DENIED;

	if (err == 0 && !number_it(m))
		err = ERR_FULL;
	if (err != 0) {
		close(fd);
		return err;
	}
	m->fd = fd;
	m->wanted = false;
	m->serial++;
	return 0;
}

struct memfd *
memfd_held(uint32_t theirs)
{
	for (uint32_t i = held[bucket_of(theirs)]; i != NONE; i = table[i].next)
		if (table[i].theirs == theirs)
			return &table[i];
	return NULL;
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
	if (m->fd >= 0)
		close_memory(m);
	else
		settle(m);
}

int
memfd_drop(uint32_t theirs, bool report)
{
	struct memfd *m = memfd_held(theirs);
	uint32_t *link = &held[bucket_of(theirs)];

	if (m == NULL)
		return ERR_ABSENT;
	while (&table[*link] != m)
		link = &table[*link].next;
	*link = m->next;
	m->held = false;
	m->report = m->report || (report && has_memory(m));
	memfd_unref(m);
	return 0;
}

int
memfd_evict(uint32_t theirs)
{
	struct memfd *m = memfd_held(theirs);

	if (m == NULL || m->fd < 0)
		return ERR_ABSENT;
	m->report = true;
	close_memory(m);
	return 0;
}

void
memfd_drop_all(void)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		held[i] = NONE;
	freed.len = 0;
	for (uint32_t i = 0; i < opened; i++) {
		struct memfd *m = &table[i];

		if (!m->in_use)
			continue;
		m->report = m->freed = m->wanted = m->asked = false;
		m->serial++;
		if (m->held) {
			m->held = false;
			memfd_unref(m);
		} else {
			settle(m);
		}
	}
}

/* ---------------------------------------------------------------- file-senders */

static bool
is_told(const struct memfd *m, unsigned worker)
{
	return (m->told & 1u << worker) != 0;
}

static int
take_back(struct memfd *m, unsigned worker)
{
	struct msg msg = {.nr = MSG_DROP_TELL};

	msg.u.drop_tell.memfd = m->number;
	if (chan_send(&broker.file_sender[worker], &msg) != 0)
		return ERR_FULL;
	m->told &= (uint16_t) ~(1u << worker);
	told_count[worker]--;
	m->owed[worker]++;
	m->owed_sum++;
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
		*hand = (*hand + 1) % opened;
	while (!is_told(&table[*hand], worker));
	return take_back(&table[*hand], worker);
}

int
memfd_tell(struct memfd *m, unsigned worker)
{
	struct msg msg = {.nr = MSG_MEMFD_TELL};

	fetch_used(m);
	if (is_told(m, worker))
		return 0;
	if (m->owed[worker] == UINT8_MAX || make_way(worker) != 0)
		return ERR_FULL;
	msg.u.memfd_tell.memfd = m->number;
	msg.u.memfd_tell.size = m->size;
	if (chan_send_fd(&broker.file_sender[worker], &msg, m->fd) != 0)
		return ERR_FULL;
	m->told |= (uint16_t)(1u << worker);
	told_count[worker]++;
	return 0;
}

static struct memfd *
find_ours(uint32_t number)
{
	for (uint32_t i = ours[bucket_of(number)]; i != NONE; i = table[i].next_ours)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

int
memfd_closed(uint32_t number, unsigned worker)
{
	struct memfd *m = find_ours(number);

	if (m == NULL || m->owed[worker] == 0)
		return ERR_ABSENT;
	m->owed[worker]--;
	m->owed_sum--;
	settle(m);
	return 0;
}

/* True when all were told. */
static bool
tell_end(struct memfd *m)
{
	for (unsigned w = 0; w < broker.start.workers; w++)
		if (is_told(m, w) && take_back(m, w) != 0)
			return false;
	return true;
}

static bool
tell_freed(struct memfd *m)
{
	struct msg msg = {.nr = MSG_FREED_TELL};

	msg.u.freed_tell.memfd = m->theirs;
	return chan_send(&broker.verifier, &msg) == 0;
}

/* What finds no room now is tried again in the next turn. */
void
memfd_sweep(void)
{
	for (uint32_t n = dropping.len; n > 0; n--) {
		struct memfd *m = &table[row_take(&dropping)];

		m->dropping = !tell_end(m);
		if (m->dropping)
			row_put(&dropping, memfd_index(m));
		else
			settle(m);
	}
	while (freed.len > 0) {
		struct memfd *m = &table[freed.items[freed.at]];

		if (!tell_freed(m))
			return;
		row_take(&freed);
		m->freed = m->report = false;
		m->serial++;
		settle(m);
	}
}

void
memfd_forget(unsigned worker)
{
	for (uint32_t i = 0; i < opened; i++) {
		struct memfd *m = &table[i];

		if (!m->in_use || (!is_told(m, worker) && m->owed[worker] == 0))
			continue;
		if (is_told(m, worker))
			told_count[worker]--;
		m->told &= (uint16_t) ~(1u << worker);
		m->owed_sum -= m->owed[worker];
		m->owed[worker] = 0;
		settle(m);
	}
}

unsigned
memfd_count(void)
{
	return used_count;
}

struct memfd *
memfd_at(uint32_t n)
{
	return n < opened ? &table[n] : NULL;
}
