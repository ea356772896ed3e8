/*
 * The logger: writes every line of every process to the one stream that it holds. Has no
 * other descriptor but the channels and believes nothing it reads from them: the role and
 * the pid of a line come from the channel that it arrived on, its bytes are escaped, and
 * one process cannot flood the log of the others.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"

#define LINES_A_TURN 64
#define RATE_PER_S 2000u /* lines of one process */
#define REST_MS 5
#define REST_NS 5000000
#define RATE_BURST 4000u

struct source {
	struct chan chan;
	enum role role;
	unsigned index;
	uint32_t pid;
	uint64_t filled_ms;
	uint32_t tokens, suppressed;
	bool resting; /* said more than its share: read again at the next look */
};

static struct source *sources[LOG_SLOT_MAX];

/* Printable ASCII stays; everything else, line ends included, is shown as \xHH. */
static size_t
escape(const uint8_t *bytes, size_t len, char *text, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < len && used + 5 < cap; i++) {
		if (bytes[i] >= 0x20 && bytes[i] < 0x7f) {
			text[used++] = (char)bytes[i];
			continue;
		}
		text[used++] = '\\';
		text[used++] = 'x';
		text[used++] = hex[bytes[i] >> 4];
		text[used++] = hex[bytes[i] & 15];
	}
	return used;
}

static void
write_line(const struct source *s, unsigned level, const uint8_t *bytes, size_t len)
{
	char line[4 * LOG_TEXT_MAX + 256];
	time_t now = (time_t)clock_wall_s();
	struct tm tm;
	size_t used;
	int n;

	gmtime_r(&now, &tm);
	used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(line + used, sizeof line - used, " level=%s role=%s index=%u pid=%u ",
	    log_level_name((enum log_level)level), role_name(s->role), s->index, s->pid);
	if (n > 0)
		used += (size_t)n;
	used += escape(bytes, len, line + used, sizeof line - used - 1);
	line[used++] = '\n';
	if (write(FD_OUT, line, used) < 0) {
		/* Nobody is left to tell; the next line may get through. */
	}
}

static void
own_line(enum log_level level, const char *text, size_t len)
{
	struct source self = {.role = ROLE_LOGGER, .pid = (uint32_t)getpid()};

	write_line(&self, level, (const uint8_t *)text, len);
}

/* False when this process has used up its share. */
static bool
take_token(struct source *s)
{
	uint64_t now = clock_mono_ms();
	uint64_t gained = (now - s->filled_ms) * RATE_PER_S / 1000;

	if (gained > 0) {
		s->filled_ms = now;
		s->tokens = gained + s->tokens > RATE_BURST ? RATE_BURST
							    : s->tokens + (uint32_t)gained;
	}
	if (s->tokens == 0) {
		s->suppressed++;
		return false;
	}
	s->tokens--;
	if (s->suppressed > 0) {
		char text[64];
		int n = snprintf(
		    text, sizeof text, "event=log-flood suppressed=%u", s->suppressed);

		s->suppressed = 0;
		write_line(s, LOG_WARNING, (const uint8_t *)text, (size_t)n);
	}
	return true;
}

static void
on_pid_tell(const struct msg_pid_tell *m)
{
	for (unsigned i = 0; i < LOG_SLOT_MAX; i++)
		if (sources[i] != NULL && sources[i]->role == (enum role)m->role &&
		    sources[i]->index == m->index)
			sources[i]->pid = m->pid;
}

static void
read_source(struct source *s)
{
	struct msg m;

	for (unsigned i = 0; i < LINES_A_TURN; i++) {
		if (chan_recv(&s->chan, &m, NULL) != 1)
			return;
		if (m.nr == MSG_PID_TELL)
			on_pid_tell(&m.u.pid_tell);
		else if (m.nr == MSG_LOG_TELL && take_token(s))
			write_line(s, m.u.log_tell.level, m.u.log_tell.text.b,
			    m.u.log_tell.text.len);
		else
			s->resting = true;
	}
}

static void
add_sources(const struct start *st)
{
	unsigned tls = (unsigned)start_number(st, "tls", 0, TLS_MAX);

	for (unsigned slot = 0; slot < LOG_SLOT_MAX; slot++) {
		struct source *s;
		enum role role;
		unsigned index;
		bool there;

		if (role_of_log_slot(slot, &role, &index) != 0)
			continue;
		if (role == ROLE_TLS || role == ROLE_KEYS)
			there = index < tls;
		else
			there = index == 0 || index < st->workers;
		if (!there)
			continue;
		s = calloc(1, sizeof *s);
		if (s == NULL)
			start_fail("memory");
		s->role = role;
		s->index = index;
		chan_init(&s->chan, FD_LINES + (int)slot, ROLE_LOGGER, role, index, 1);
		sources[slot] = s;
	}
}

/* A process has died: its last lines are the most wanted ones. */
static void
on_gone(enum role role, unsigned index)
{
	struct source *s = sources[role_log_slot(role, index)];

	if (s != NULL) {
		for (unsigned i = 0; i < 16 && !s->chan.breached; i++)
			read_source(s);
		chan_reset(&s->chan);
	}
	super_cleared(role, index);
}

/* Which sources to read, and how long to wait: one that has said more than its share is
 * looked at again after a while, so that throwing its lines away does not keep us busy. */
static const struct timespec *
fill_poll(struct pollfd *p)
{
	static const struct timespec rest = {0, REST_NS};
	static uint64_t rested_ms;
	uint64_t now = clock_mono_ms();
	bool over = now - rested_ms >= REST_MS, any = false;

	if (over)
		rested_ms = now;
	for (unsigned i = 0; i < LOG_SLOT_MAX; i++) {
		struct source *s = sources[i];

		p[i] = (struct pollfd){-1, POLLIN, 0};
		if (s == NULL || s->chan.breached)
			continue;
		if (over)
			s->resting = false;
		if (!s->resting)
			p[i].fd = FD_LINES + (int)i;
		any = any || s->resting;
	}
	p[LOG_SLOT_MAX] = (struct pollfd){FD_SUPER, POLLIN, 0};
	return any ? &rest : NULL;
}

static void
loop(void)
{
	struct pollfd p[LOG_SLOT_MAX + 1];
	enum role role;
	unsigned index;

	for (;;) {
		const struct timespec *wait = fill_poll(p);

		if (ppoll(p, LOG_SLOT_MAX + 1, wait, NULL) < 0)
			continue;
		for (unsigned i = 0; i < LOG_SLOT_MAX; i++)
			if (p[i].revents != 0)
				read_source(sources[i]);
		if (p[LOG_SLOT_MAX].revents != 0 && super_poll(&role, &index))
			on_gone(role, index);
	}
}

int
main(int argc, char **argv)
{
	struct start st;

	start_init(&st, ROLE_LOGGER, argc, argv);
	log_init(
	    own_line, (enum log_level)start_number(&st, "log_level", 0, LOG_LEVEL_MAX - 1));
	add_sources(&st);
	cage_enter(&st, NULL);
	start_ready();
	loop();
}
