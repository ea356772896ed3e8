/*
 * Broker: asking the verifier for cold memory. Who makes us ask are requests from the
 * network, for files of images that they may have; each piece is asked for once at a time.
 */
#include "src/broker/fetch.h"

#include <string.h>

#include "src/broker/broker.h"
#include "src/broker/row.h"

static uint32_t items[2][MEMFD_MAX];
static struct row wanting, using;
static uint64_t used_told_ms;
static struct msg_memory_tell memory;

void
fetch_init(void)
{
	wanting = (struct row){items[0], MEMFD_MAX, 0, 0};
	using = (struct row){items[1], MEMFD_MAX, 0, 0};
	used_told_ms = 0;
	memset(&memory, 0, sizeof memory);
}

void
fetch_want(struct memfd *m)
{
	if (m->wanted || broker.now_ms < m->retry_ms)
		return;
	m->wanted = true;
	if (m->wanting)
		return;
	m->wanting = true;
	row_put(&wanting, memfd_index(m));
}

void
fetch_used(struct memfd *m)
{
	if (m->using)
		return;
	m->using = true;
	row_put(&using, memfd_index(m));
}

static bool
tell(enum msg_nr nr, uint32_t memfd)
{
	struct msg m = {.nr = nr};

	if (nr == MSG_FETCH_ASK)
		m.u.fetch_ask.memfd = memfd;
	else
		m.u.used_tell.memfd = memfd;
	return chan_send(&broker.verifier, &m) == 0;
}

/* False when it has to wait: for the channel, for those that hold the old memory, or for
 * an answer. */
static bool
ask(struct memfd *m)
{
	if (!m->in_use || !m->held || !m->wanted || m->fd >= 0)
		return true;
	if (!memfd_is_cold(m) || m->asked || !tell(MSG_FETCH_ASK, m->theirs))
		return false;
	m->asked = true;
	return true;
}

static void
tell_used(void)
{
	while (using.len > 0) {
		struct memfd *m = memfd_at(using.items[using.at]);

		if (m->in_use && m->held && m->fd >= 0 && !tell(MSG_USED_TELL, m->theirs))
			return;
		m->using = false;
		row_take(&using);
	}
}

void
fetch_turn(uint64_t now_ms)
{
	for (uint32_t n = wanting.len; n > 0; n--) {
		struct memfd *m = memfd_at(row_take(&wanting));

		m->wanting = !ask(m);
		if (m->wanting)
			row_put(&wanting, memfd_index(m));
	}
	if (now_ms - used_told_ms < FETCH_USED_MS)
		return;
	used_told_ms = now_ms;
	tell_used();
}

void
fetch_unask(void)
{
	struct memfd *m;

	for (uint32_t i = 0; (m = memfd_at(i)) != NULL; i++) {
		m->wanted = m->asked = false;
		m->serial++;
	}
	memset(&memory, 0, sizeof memory);
}

void
on_fetch_ans(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_fetch_ans *a = &m->u.fetch_ans;
	struct memfd *mem = memfd_held(a->memfd);

	(void)fd;
	if (mem == NULL || !mem->asked) {
		chan_peer_fault(from, "answers what it was not asked");
		return;
	}
	mem->asked = false;
	/* What came was told by MEMFD_TELL; it may have left again. */
	if (a->ok != 0)
		return;
	mem->wanted = false;
	mem->retry_ms = broker.now_ms + FETCH_RETRY_MS;
	mem->serial++;
}

const struct msg_memory_tell *
fetch_memory(void)
{
	return &memory;
}

void
on_memory_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)from;
	(void)fd;
	memory = m->u.memory_tell;
}
