/*
 * The first and last lines of every child: arguments from the supervisor, the log
 * channel, and the four-byte notices. Runs as root until the cage is entered; the
 * arguments are the supervisor's own, and still checked.
 */
#include "privsep/start.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/msg.h"
#include "src/base/log.h"

#define NICE_LOGGER 10
#define SLICE_NS 100000

static void
send_log(enum log_level level, const char *text, size_t len)
{
	struct msg m = {.nr = MSG_LOG_TELL};
	uint8_t bytes[LOG_TEXT_MAX + 16];
	int n;

	m.u.log_tell.level = (uint8_t)level;
	m.u.log_tell.text.len = (uint16_t)len;
	memcpy(m.u.log_tell.text.b, text, len);
	n = msg_encode(&m, bytes, sizeof bytes);
	if (n > 0)
		(void)send(FD_LOG, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
start_fail(const char *what)
{
	log_event(LOG_ERROR, "wall-failed", "wall=\"%s\" error=\"%s\"", what,
	    errno == 0 ? "-" : strerror(errno));
	_exit(EXIT_WALL);
}

static uint64_t
number(const char *text, uint64_t min, uint64_t max, const char *name)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v < min ||
	    v > max)
		start_fail(name);
	return v;
}

/* "name,ifindex,mtu,mac,address,prefix,address6"; the last is "-" when there is none */
static void
parse_link(char *text, struct link *l)
{
	char *field[7];
	unsigned n = 0;

	for (char *p = strtok(text, ","); p != NULL && n < 7; p = strtok(NULL, ","))
		field[n++] = p;
	if (n != 7 || strlen(field[0]) >= sizeof l->name)
		start_fail("argument link");
	snprintf(l->name, sizeof l->name, "%s", field[0]);
	l->ifindex = (uint32_t)number(field[1], 1, UINT32_MAX, "argument link: index");
	l->mtu = (uint32_t)number(field[2], 68, 65535, "argument link: mtu");
	if (mac_parse(field[3], &l->mac) != 0 || addr_parse(field[4], &l->address) != 0)
		start_fail("argument link: address");
	l->prefix = (uint8_t)number(field[5], 0, 32, "argument link: prefix");
	if (strcmp(field[6], "-") != 0 &&
	    (addr_parse(field[6], &l->address6) != 0 || l->address6.family != ADDR_V6))
		start_fail("argument link: IPv6 address");
}

uint64_t
start_number(const struct start *st, const char *name, uint64_t min, uint64_t max)
{
	const char *text = start_option(st, name);

	errno = 0;
	if (text == NULL)
		start_fail(name);
	return number(text, min, max, name);
}

const char *
start_option(const struct start *st, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < st->noptions; i++)
		if (strncmp(st->options[i], name, len) == 0 && st->options[i][len] == '=')
			return st->options[i] + len + 1;
	return NULL;
}

/* The kernel's struct sched_attr in its first form; libc has none. */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* Who owns an ear may use all the time that it gets. A short slice lets those that decide
 * and send in before it at once, where the kernel knows that (6.12); lower priority would
 * not, and would starve the honest ears whenever the machine is busy. The logger alone can
 * wait: its lines are bounded, and its senders never are kept by it. */
static void
set_priority(enum role role)
{
	struct slice s = {.size = sizeof s, .runtime = SLICE_NS};

	if (role == ROLE_LOGGER && setpriority(PRIO_PROCESS, 0, NICE_LOGGER) != 0)
		start_fail("priority");
	if (role != ROLE_BROKER && role != ROLE_DHCP_SENDER && role != ROLE_FILE_SENDER)
		return;
	if (syscall(SYS_sched_setattr, 0, &s, 0) != 0)
		start_fail("time slice");
}

void
start_init(struct start *st, enum role role, int argc, char **argv)
{
	memset(st, 0, sizeof *st);
	st->role = role;
	log_init(send_log, LOG_INFO);
	if (argc < 1)
		start_fail("arguments");
	st->options = argv + 1;
	st->noptions = (unsigned)(argc - 1);
	st->index = (unsigned)start_number(st, "index", 0, WORKER_MAX - 1);
	st->generation = (uint32_t)start_number(st, "generation", 1, 0xffffff);
	st->uid = (uid_t)start_number(st, "uid", 1, UINT32_MAX - 1);
	st->gid = (gid_t)start_number(st, "gid", 1, UINT32_MAX - 1);
	st->workers = (unsigned)start_number(st, "workers", 0, WORKER_MAX);
	for (unsigned i = 0; i < st->noptions; i++) {
		char text[192];

		if (strncmp(st->options[i], "link=", 5) != 0)
			continue;
		if (st->nlinks == LINKS_MAX || strlen(st->options[i] + 5) >= sizeof text)
			start_fail("argument link");
		snprintf(text, sizeof text, "%s", st->options[i] + 5);
		parse_link(text, &st->links[st->nlinks++]);
	}
	set_priority(role);
	log_init(
	    send_log, (enum log_level)start_number(st, "log_level", 0, LOG_LEVEL_MAX - 1));
}

struct writer {
	char *text;
	size_t left;
	char **argv;
	unsigned argc, max;
	bool full;
};

static void PRINTF_LIKE(2, 3) add(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->full || w->argc + 1 >= w->max) {
		w->full = true;
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(w->text, w->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= w->left) {
		w->full = true;
		return;
	}
	w->argv[w->argc++] = w->text;
	w->text += n + 1;
	w->left -= (size_t)n + 1;
}

int
start_arguments(const struct start *st, const char *const *options, unsigned n, char *text,
    size_t cap, char **argv, unsigned argc_max)
{
	struct writer w = {text, cap, argv, 0, argc_max, false};

	add(&w, "%s", role_name(st->role));
	add(&w, "index=%u", st->index);
	add(&w, "generation=%u", st->generation);
	add(&w, "uid=%u", (unsigned)st->uid);
	add(&w, "gid=%u", (unsigned)st->gid);
	add(&w, "workers=%u", st->workers);
	for (unsigned i = 0; i < st->nlinks; i++) {
		const struct link *l = &st->links[i];
		char mac[MAC_TEXT_MAX], addr[ADDR_TEXT_MAX], addr6[ADDR_TEXT_MAX];

		add(&w, "link=%s,%u,%u,%s,%s,%u,%s", l->name, l->ifindex, l->mtu,
		    mac_format(&l->mac, mac), addr_format(&l->address, addr), l->prefix,
		    addr_format(&l->address6, addr6));
	}
	for (unsigned i = 0; i < n; i++)
		add(&w, "%s", options[i]);
	argv[w.argc] = NULL;
	return w.full ? ERR_LONG : 0;
}

static void
notice(enum notice kind, unsigned role, unsigned index)
{
	uint8_t b[4] = {(uint8_t)kind, (uint8_t)role, (uint8_t)index, 0};

	(void)send(FD_SUPER, b, sizeof b, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
start_ready(void)
{
	notice(NOTICE_READY, 0, 0);
}

void
super_cleared(enum role role, unsigned index)
{
	notice(NOTICE_CLEARED, role, index);
}

void
super_fault(enum role role, unsigned index)
{
	notice(NOTICE_FAULT, role, index);
}

static void (*before_end)(void);

void
super_before_end(void (*last)(void))
{
	before_end = last;
}

bool
super_next(enum notice *kind, enum role *role, unsigned *index)
{
	uint8_t b[4];
	ssize_t n = recv(FD_SUPER, b, sizeof b, MSG_DONTWAIT);

	if (n == 0) {
		/* The supervisor asks us to end, or is gone. */
		if (before_end != NULL)
			before_end();
		_exit(0);
	}
	if (n != sizeof b || (b[0] != NOTICE_GONE && b[0] != NOTICE_READY) ||
	    b[1] >= ROLE_MAX || b[2] >= WORKER_MAX)
		return false;
	*kind = (enum notice)b[0];
	*role = (enum role)b[1];
	*index = b[2];
	return true;
}

bool
super_poll(enum role *role, unsigned *index)
{
	enum notice kind;

	return super_next(&kind, role, index) && kind == NOTICE_GONE;
}
