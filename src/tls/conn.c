/*
 * The table of connections in process tls. Descriptors come from file-sender, who may be
 * owned: what cannot be watched is closed. Nothing here reads a byte of anybody.
 */
#include "src/tls/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NONE UINT32_MAX
#define SERIAL_MAX 0xffffffu
#define PAIR_BIT (UINT64_C(1) << 62)
#define EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct list {
	uint32_t first, last, count;
};

static struct {
	struct conn *all;
	uint32_t free; /* linked by run.next */
	uint32_t count, serial;
	struct list lines[LINE_COUNT];
	struct list clocks[CLOCK_MAX];
	uint32_t length[CLOCK_MAX]; /* ms */
} table;

static struct conn_link *
link_of(uint32_t i, bool timed)
{
	return timed ? &table.all[i].timed : &table.all[i].run;
}

static void
append(struct list *l, uint32_t i, bool timed)
{
	*link_of(i, timed) = (struct conn_link){l->last, NONE};
	if (l->last == NONE)
		l->first = i;
	else
		link_of(l->last, timed)->next = i;
	l->last = i;
	l->count++;
}

static void
take_out(struct list *l, uint32_t i, bool timed)
{
	struct conn_link *link = link_of(i, timed);

	if (link->prev == NONE)
		l->first = link->next;
	else
		link_of(link->prev, timed)->next = link->next;
	if (link->next == NONE)
		l->last = link->prev;
	else
		link_of(link->next, timed)->prev = link->prev;
	l->count--;
}

int
conn_init(const struct conn_times *times)
{
	memset(&table, 0, sizeof table);
	table.all = calloc(CONN_MAX, sizeof *table.all);
	if (table.all == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < CONN_MAX; i++)
		table.all[i].run.next = i + 1 < CONN_MAX ? i + 1 : NONE;
	for (unsigned k = 0; k < LINE_COUNT; k++)
		table.lines[k] = (struct list){NONE, NONE, 0};
	for (unsigned k = 0; k < CLOCK_MAX; k++)
		table.clocks[k] = (struct list){NONE, NONE, 0};
	table.length[CLOCK_SHAKE] = times->shake_ms;
	table.length[CLOCK_DRAIN] = times->drain_ms;
	table.length[CLOCK_END] = times->end_ms;
	return 0;
}

uint32_t
conn_index(const struct conn *c)
{
	return (uint32_t)(c - table.all);
}

struct conn *
conn_at(uint32_t index)
{
	return index < CONN_MAX && table.all[index].state != CONN_FREE ? &table.all[index]
								       : NULL;
}

struct conn *
conn_next(const struct conn *before)
{
	for (uint32_t i = before == NULL ? 0 : conn_index(before) + 1; i < CONN_MAX; i++)
		if (table.all[i].state != CONN_FREE)
			return &table.all[i];
	return NULL;
}

unsigned
conn_count(void)
{
	return table.count;
}

static bool
watch(int fd, uint64_t data)
{
	struct epoll_event e = {.events = EVENTS, .data.u64 = data};

	return epoll_ctl(FD_WAIT, EPOLL_CTL_ADD, fd, &e) == 0;
}

struct conn *
conn_add(unsigned worker, uint64_t nr, int tcp, int pair, uint64_t now)
{
	uint32_t i = table.free, serial = ++table.serial & SERIAL_MAX;
	uint64_t data = CONN_EVENT | (uint64_t)serial << 32 | i;
	struct conn *c = i == NONE ? NULL : &table.all[i];

	if (c == NULL || !watch(tcp, data) || !watch(pair, data | PAIR_BIT)) {
		close(tcp);
		close(pair);
		return NULL;
	}
	table.free = c->run.next;
	table.count++;
	*c = (struct conn){.state = CONN_SHAKING,
	    .worker = (uint8_t)worker,
	    .nr = nr,
	    .tcp = tcp,
	    .pair = pair,
	    .serial = serial,
	    .tcp_in = true,
	    .tcp_out = true,
	    .pair_in = true,
	    .pair_out = true};
	conn_clock(c, CLOCK_SHAKE, now);
	return c;
}

static void
leave_line(struct conn *c)
{
	if (c->queued)
		take_out(&table.lines[c->line], conn_index(c), false);
	c->queued = false;
}

void
conn_become(struct conn *c, enum conn_state state)
{
	leave_line(c);
	c->state = state;
}

void
conn_close_pair(struct conn *c)
{
	if (c->pair >= 0)
		close(c->pair);
	c->pair = -1;
	free(c->plain.bytes);
	c->plain = (struct rest){0};
}

void
conn_free(struct conn *c)
{
	leave_line(c);
	conn_clock(c, CLOCK_NONE, 0);
	conn_close_pair(c);
	close(c->tcp);
	free(c->cipher.bytes);
	memset(c, 0, sizeof *c);
	c->run.next = table.free;
	table.free = conn_index(c);
	table.count--;
}

/* ------------------------------------------------------------------------- events */

static void
pair_event(struct conn *c, uint32_t events)
{
	c->pair_in |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	c->pair_out |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	c->pair_gone |= (events & (EPOLLHUP | EPOLLERR)) != 0;
}

struct conn *
conn_event(uint64_t data, uint32_t events)
{
	struct conn *c = conn_at((uint32_t)data);

	if (c == NULL || (data >> 32 & SERIAL_MAX) != c->serial)
		return NULL;
	if ((data & PAIR_BIT) != 0) {
		pair_event(c, events);
		return c;
	}
	c->tcp_in |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	c->tcp_out |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
	return c;
}

/* -------------------------------------------------------------------------- lines */

void
conn_queue(struct conn *c)
{
	if (c->queued)
		return;
	c->queued = true;
	c->line = c->state != CONN_SHAKING ? LINE_BYTES
		  : c->ask == 0            ? LINE_SHAKING
					   : LINE_ANSWERED;
	append(&table.lines[c->line], conn_index(c), false);
}

unsigned
conn_waiting(enum conn_line line)
{
	return table.lines[line].count;
}

struct conn *
conn_take(enum conn_line line)
{
	struct conn *c;

	if (conn_waiting(line) == 0)
		return NULL;
	c = &table.all[table.lines[line].first];
	leave_line(c);
	return c;
}

/* ------------------------------------------------------------------------- clocks */

void
conn_clock(struct conn *c, enum conn_clock clock, uint64_t now)
{
	if (c->clock != CLOCK_NONE)
		take_out(&table.clocks[c->clock], conn_index(c), true);
	c->clock = clock;
	if (clock == CLOCK_NONE)
		return;
	c->until = now + table.length[clock];
	append(&table.clocks[clock], conn_index(c), true);
}

struct conn *
conn_due(uint64_t now, enum conn_clock *clock)
{
	for (unsigned k = CLOCK_NONE + 1; k < CLOCK_MAX; k++) {
		uint32_t i = table.clocks[k].first;

		if (i == NONE || table.all[i].until > now)
			continue;
		*clock = (enum conn_clock)k;
		conn_clock(&table.all[i], CLOCK_NONE, now);
		return &table.all[i];
	}
	return NULL;
}

uint64_t
conn_next_due(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned k = CLOCK_NONE + 1; k < CLOCK_MAX; k++) {
		uint32_t i = table.clocks[k].first;

		if (i != NONE && table.all[i].until < next)
			next = table.all[i].until;
	}
	return next;
}
