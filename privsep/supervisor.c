/*
 * The life of the processes: start, READY, death, GONE to the neighbours, CLEARED by all,
 * back-off, start again; and the end of all in order. Runs as root with the few
 * capabilities that starting a child takes. Reads nothing from children but four-byte
 * notices.
 */
#include "privsep/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/msg.h"
#include "privsep/notice.h"
#include "privsep/reload.h"
#include "src/base/clock.h"
#include "src/base/log.h"

#define READY_MS 30000u   /* a child must be in its loop by then */
#define CLEAR_MS 1000u    /* a neighbour must have forgotten a dead child by then */
#define END_MS 2000u      /* a child must have ended by then */
#define HEALTHY_MS 60000u /* living that long forgives earlier deaths */
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 30000u
#define STORM_DEATHS 10u       /* in a row: the protocol is switched off ... */
#define STORM_PAUSE_MS 300000u /* ... for this long */

void
supervisor_fail(const char *what, const char *detail)
{
	fprintf(stderr, "sallyportd: cannot start: %s: %s\n", what, detail);
	exit(EXIT_WALL);
}

static void
kill_child(const struct child *c)
{
	if (c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

/* The logger stamps lines with the pid that we name, never with one that a line names. */
static void
tell_pid(struct supervisor *sv, enum role role, unsigned index, pid_t pid)
{
	struct msg m = {.nr = MSG_PID_TELL};
	uint8_t bytes[64];
	int n;

	m.u.pid_tell.role = (uint8_t)role;
	m.u.pid_tell.index = (uint8_t)index;
	m.u.pid_tell.pid = (uint32_t)pid;
	n = msg_encode(&m, bytes, sizeof bytes);
	for (unsigned i = 0; i < sv->nchannels; i++)
		if (sv->channels[i].a == NULL && n > 0)
			(void)send(sv->channels[i].ends[0], bytes, (size_t)n,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A new logger knows nobody. */
static void
tell_all_pids(struct supervisor *sv)
{
	tell_pid(sv, ROLE_SUPERVISOR, 0, getpid());
	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].pidfd >= 0)
			tell_pid(sv, sv->children[i].role, sv->children[i].index,
			    sv->children[i].pid);
}

/* All that the process of a child is started with. */
struct launch {
	struct spawn spawn;
	char path[4096], options[16][256], text[8192];
	char *argv[48];
};

static void
prepare(const struct supervisor *sv, const struct child *c, struct launch *l)
{
	const char *names[16];
	unsigned n = roster_options(sv, c, l->options, 16);
	struct start st = {.role = c->role,
	    .index = c->index,
	    .generation = c->generation,
	    .uid = c->uid,
	    .gid = c->gid,
	    .workers = sv->workers};

	if (roster_knows_links(c)) {
		st.nlinks = sv->now.spec.nlinks;
		memcpy(st.links, sv->now.spec.links, sizeof st.links);
	}
	for (unsigned i = 0; i < n; i++)
		names[i] = l->options[i];
	if (start_arguments(&st, names, n, l->text, sizeof l->text, l->argv, 48) != 0)
		bug("arguments of a child");
	snprintf(l->path, sizeof l->path, "%s/%s", sv->libexec, role_name(c->role));
	l->spawn.path = l->path;
	l->spawn.argv = l->argv;
	l->spawn.nfds = 0;
	roster_give(sv, c, &l->spawn);
}

static void
mix(uint64_t *digest, const void *bytes, size_t len)
{
	for (const uint8_t *p = bytes; len > 0; len--, p++)
		*digest = (*digest ^ *p) * UINT64_C(0x100000001b3);
}

/* FNV-1a over arguments and descriptors (nobody chooses them to collide). Not over what is
 * no reason to end those that are at work for others: the count of starts, the log's
 * level. */
static uint64_t
digest_of(const struct child *c, const struct launch *l)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);
	bool quiet = c->role == ROLE_LOGGER || c->role == ROLE_VERIFIER ||
		     c->role == ROLE_FILE_SENDER || c->role == ROLE_HTTP_PARSER ||
		     c->role == ROLE_TLS;

	for (char *const *a = l->spawn.argv; *a != NULL; a++)
		if (strncmp(*a, "generation=", 11) != 0 &&
		    !(quiet && strncmp(*a, "log_level=", 10) == 0))
			mix(&digest, *a, strlen(*a) + 1);
	mix(&digest, l->spawn.fds, l->spawn.nfds * sizeof l->spawn.fds[0]);
	return digest;
}

static int
spawn_with(struct supervisor *sv, struct child *c, int super)
{
	static struct launch l;

	prepare(sv, c, &l);
	c->given = digest_of(c, &l);
	spawn_give(&l.spawn, super, FD_SUPER);
	return spawn_child(&l.spawn, &c->pid, &c->pidfd);
}

static void
ask_to_end(struct child *c)
{
	if (c->super_fd < 0 || c->leaving)
		return;
	c->leaving = c->renewed = true;
	c->at_ms = clock_mono_ms() + END_MS;
	shutdown(c->super_fd, SHUT_WR);
}

unsigned
supervisor_renew(struct supervisor *sv)
{
	static struct launch l;
	unsigned n = 0;

	for (unsigned i = 0; i < sv->nchildren; i++) {
		struct child *c = &sv->children[i];

		if (c->super_fd < 0)
			continue; /* dead: its successor gets what is there then */
		prepare(sv, c, &l);
		if (digest_of(c, &l) == c->given)
			continue;
		ask_to_end(c);
		n++;
	}
	return n;
}

void
supervisor_start(struct supervisor *sv, struct child *c)
{
	int pair[2] = {-1, -1};
	uint64_t now = clock_mono_ms();

	c->generation++;
	c->state = CHILD_STARTING;
	c->started_ms = now;
	c->at_ms = now + READY_MS;
	c->leaving = false;
	memset(c->owes, 0, sizeof c->owes);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) !=
		0 ||
	    spawn_with(sv, c, pair[1]) != 0) {
		log_event(LOG_ERROR, "start-failed", "of=%s index=%u error=\"%s\"",
		    role_name(c->role), c->index, strerror(errno));
		if (pair[0] >= 0) {
			close(pair[0]);
			close(pair[1]);
		}
		c->state = CHILD_WAITING;
		c->at_ms = now + BACKOFF_MAX_MS;
		return;
	}
	close(pair[1]);
	c->super_fd = pair[0];
	tell_pid(sv, c->role, c->index, c->pid);
	if (c->role == ROLE_LOGGER)
		tell_all_pids(sv);
}

static bool
still_owed(const struct supervisor *sv, const struct child *dead)
{
	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].owes[notice_number(sv, dead)])
			return true;
	return false;
}

/* A file-sender takes no connections as long as nobody reads their requests. */
static void
tell_pair(struct supervisor *sv, const struct child *c)
{
	uint8_t b[4] = {NOTICE_READY, ROLE_HTTP_PARSER, (uint8_t)c->index, 0};
	struct child *sender, *parser;

	if (c->role != ROLE_FILE_SENDER && c->role != ROLE_HTTP_PARSER)
		return;
	sender = roster_find(sv, ROLE_FILE_SENDER, c->index);
	parser = roster_find(sv, ROLE_HTTP_PARSER, c->index);
	if (sender->state != CHILD_RUNNING || parser->state != CHILD_RUNNING)
		return;
	if (send(sender->super_fd, b, sizeof b, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof b)
		kill_child(sender);
}

static void
on_notice(struct supervisor *sv, struct child *c, const uint8_t b[NOTICE_LEN])
{
	struct judgement j;

	notice_judge(sv, c, b, &j);
	switch (j.verdict) {
	case VERDICT_READY:
		c->renewed = c->leaving;
		log_event(LOG_INFO, "ready", "of=%s index=%u pid=%d start=%u",
		    role_name(c->role), c->index, (int)c->pid, c->generation);
		tell_pair(sv, c);
		break;
	case VERDICT_CLEARED: break;
	case VERDICT_FAULT:
		log_event(LOG_ERROR, "fault", "of=%s index=%u by=%s", role_name(j.of->role),
		    j.of->index, role_name(c->role));
		break;
	case VERDICT_FALSE:
		log_event(LOG_ERROR, "false-accusation", "by=%s index=%u",
		    role_name(c->role), c->index);
		break;
	default:
		log_event(LOG_ERROR, "bad-notice", "of=%s index=%u", role_name(c->role),
		    c->index);
		break;
	}
	for (unsigned i = 0; i < 2; i++)
		if (j.kill[i] != NULL)
			kill_child(j.kill[i]);
}

static void
read_notices(struct supervisor *sv, struct child *c)
{
	uint8_t b[NOTICE_LEN];

	for (int i = 0; i < 8; i++) {
		ssize_t n = recv(c->super_fd, b, sizeof b, MSG_DONTWAIT | MSG_TRUNC);

		if (n <= 0)
			return; /* empty, or it is dying: the pidfd tells */
		if (n != sizeof b) {
			kill_child(c);
			return;
		}
		on_notice(sv, c, b);
	}
}

/* Who keeps something of the dead one's: its neighbours, and a file-sender the connections
 * that wait on the sockets they share. */
static bool
is_concerned(const struct supervisor *sv, const struct child *c, const struct child *dead)
{
	if (c == dead)
		return false;
	return roster_neighbours(sv, c, dead) ||
	       (c->role == ROLE_FILE_SENDER && dead->role == ROLE_FILE_SENDER);
}

static void
tell_gone(struct supervisor *sv, const struct child *dead)
{
	uint8_t b[4] = {NOTICE_GONE, (uint8_t)dead->role, (uint8_t)dead->index, 0};

	for (unsigned i = 0; i < sv->nchildren; i++) {
		struct child *n = &sv->children[i];

		/* Nobody keeps anything about the logger. */
		if (dead->role == ROLE_LOGGER || n->super_fd < 0 ||
		    !is_concerned(sv, n, dead))
			continue;
		if (send(n->super_fd, b, sizeof b, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof b)
			n->owes[notice_number(sv, dead)] = true;
		else
			kill_child(n);
	}
}

/* 0 for a first death, so that nobody notices; then doubling. */
static uint64_t
back_off(struct child *c, uint64_t now)
{
	uint64_t wait = 0;

	if (now - c->started_ms > HEALTHY_MS)
		c->deaths = 0;
	c->deaths++;
	if (c->deaths > 1) {
		wait = BACKOFF_MIN_MS << (c->deaths - 2 > 9 ? 9 : c->deaths - 2);
		wait = wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait;
	}
	if (c->deaths > STORM_DEATHS && c->role != ROLE_BROKER && c->role != ROLE_LOGGER &&
	    c->role != ROLE_VERIFIER) {
		log_event(LOG_ERROR, "disabled", "of=%s index=%u for-s=%u deaths=%u",
		    role_name(c->role), c->index, STORM_PAUSE_MS / 1000, c->deaths);
		wait = STORM_PAUSE_MS;
	}
	return wait;
}

static void
log_end(const struct supervisor *sv, const struct child *c, const char *why)
{
	bool asked = sv->ending || c->leaving;

	log_event(asked ? LOG_INFO : LOG_ERROR, asked ? "ended" : "died",
	    "of=%s index=%u pid=%d why=\"%s\"", role_name(c->role), c->index, (int)c->pid,
	    why);
}

/* What follows from the death of a child, the server going on. */
static void
plan_successor(struct supervisor *sv, struct child *c, bool wall)
{
	uint64_t now = clock_mono_ms();

	if (c->state == CHILD_STARTING && wall && c->renewed && !c->leaving)
		reload_undo(sv, c);
	c->at_ms = c->leaving ? now : now + back_off(c, now);
	c->state = CHILD_CLEARING;
	/* A file-sender takes its http-parser with it: their connections are the same. */
	if (c->role == ROLE_FILE_SENDER) {
		struct child *parser = roster_find(sv, ROLE_HTTP_PARSER, c->index);

		parser->leaving = parser->leaving || c->leaving;
		kill_child(parser);
	}
	c->leaving = false;
	tell_gone(sv, c);
}

static void
reap(struct supervisor *sv, struct child *c)
{
	siginfo_t info;
	char why[128];

	memset(&info, 0, sizeof info);
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) != 0)
		return;
	death_text(sv, c->pid, info.si_code, info.si_status, why, sizeof why);
	close(c->pidfd);
	close(c->super_fd);
	c->pidfd = c->super_fd = -1;
	log_end(sv, c, why);
	memset(c->owes, 0, sizeof c->owes);
	if (sv->ending) {
		c->state = CHILD_ENDED;
		return;
	}
	if (c->state == CHILD_STARTING && c->generation == 1)
		supervisor_fail(role_name(c->role), why);
	plan_successor(sv, c, info.si_code == CLD_EXITED && info.si_status == EXIT_WALL);
}

/* Moves on what waits for time or for others. Returns when to look again. */
static uint64_t
advance(struct supervisor *sv, uint64_t now)
{
	uint64_t next = now + 1000;

	for (unsigned i = 0; i < sv->nchildren; i++) {
		struct child *c = &sv->children[i];

		if (c->leaving && now > c->at_ms)
			kill_child(c);
		else if (c->state == CHILD_STARTING && now > c->at_ms) {
			log_event(LOG_ERROR, "not-ready", "of=%s index=%u",
			    role_name(c->role), c->index);
			kill_child(c);
		}
		if (c->state == CHILD_CLEARING && !still_owed(sv, c))
			c->state = CHILD_WAITING;
		if (c->state == CHILD_WAITING && now >= c->at_ms)
			supervisor_start(sv, c);
		if ((c->state == CHILD_WAITING || c->state == CHILD_CLEARING) &&
		    c->at_ms < next)
			next = c->at_ms;
	}
	return next;
}

/* A neighbour that does not forget in time is killed: nothing of it can then be stale. */
static void
kill_debtors(struct supervisor *sv, uint64_t now)
{
	static uint64_t since[CHILD_MAX];

	for (unsigned i = 0; i < sv->nchildren; i++) {
		struct child *c = &sv->children[i];
		bool owes = false;

		for (unsigned j = 0; j < sv->nchildren; j++)
			owes = owes || c->owes[j];
		if (!owes || c->state != CHILD_RUNNING)
			since[i] = 0;
		else if (since[i] == 0)
			since[i] = now;
		else if (now - since[i] > CLEAR_MS) {
			log_event(LOG_ERROR, "not-cleared", "of=%s index=%u",
			    role_name(c->role), c->index);
			kill_child(c);
		}
	}
}

static unsigned
fill_poll(struct supervisor *sv, struct pollfd *p, int signals)
{
	unsigned n = 0;

	p[n++] = (struct pollfd){signals, POLLIN, 0};
	for (unsigned i = 0; i < sv->nchildren; i++) {
		p[n++] = (struct pollfd){sv->children[i].pidfd, POLLIN, 0};
		p[n++] = (struct pollfd){sv->children[i].super_fd, POLLIN, 0};
	}
	p[n++] = (struct pollfd){reload_fd(sv), POLLIN, 0};
	return n;
}

/* One turn: waits until `until`, handles notices before deaths. True when asked to end. */
static bool
turn(struct supervisor *sv, int signals, uint64_t until)
{
	struct pollfd p[2 + 2 * CHILD_MAX];
	unsigned n = fill_poll(sv, p, signals);
	uint64_t now = clock_mono_ms();
	struct signalfd_siginfo info;
	bool end = false;

	if (poll(p, n, until <= now ? 0 : (int)(until - now)) <= 0)
		return false;
	for (unsigned i = 0; i < sv->nchildren; i++) {
		if (p[2 + 2 * i].revents != 0)
			read_notices(sv, &sv->children[i]);
		if (p[1 + 2 * i].revents != 0)
			reap(sv, &sv->children[i]);
	}
	while (p[0].revents != 0 && read(signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			reload_want();
		else
			end = true;
	}
	return end;
}

static bool
any_left(const struct supervisor *sv, enum role role)
{
	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].role == role && sv->children[i].pidfd >= 0)
			return true;
	return false;
}

/* Asks the processes of a role to end, and waits; who takes too long is killed. */
static void
end_role(struct supervisor *sv, int signals, enum role role)
{
	uint64_t limit = clock_mono_ms() + END_MS;

	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].role == role && sv->children[i].super_fd >= 0)
			shutdown(sv->children[i].super_fd, SHUT_WR);
	while (any_left(sv, role)) {
		bool late = clock_mono_ms() > limit;

		for (unsigned i = 0; late && i < sv->nchildren; i++)
			if (sv->children[i].role == role)
				kill_child(&sv->children[i]);
		(void)turn(sv, signals, clock_mono_ms() + 50);
	}
}

/* Ears first, so that what they have passed on is still answered; the logger last. */
static void
end_all(struct supervisor *sv, int signals)
{
	static const enum role order[] = {ROLE_DHCP_PARSER, ROLE_LINK_PARSER,
	    ROLE_TFTP_PARSER, ROLE_HTTP_PARSER, ROLE_BROKER, ROLE_DHCP_SENDER,
	    ROLE_FILE_SENDER, ROLE_TLS, ROLE_KEYS, ROLE_VERIFIER, ROLE_LOGGER};

	sv->ending = true;
	log_event(LOG_NOTICE, "ending", "children=%u", sv->nchildren);
	for (unsigned o = 0; o < sizeof order / sizeof order[0]; o++)
		end_role(sv, signals, order[o]);
}

static int
catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGPIPE);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		supervisor_fail("signals", strerror(errno));
	return fd;
}

/* The first start: one after the other, so that a wall that fails is named once. */
static bool
start_all(struct supervisor *sv, int signals)
{
	for (unsigned i = 0; i < sv->nchildren; i++) {
		struct child *c = &sv->children[i];

		supervisor_start(sv, c);
		while (c->state == CHILD_STARTING) {
			if (turn(sv, signals, clock_mono_ms() + 200))
				return false;
			if (clock_mono_ms() > c->at_ms)
				supervisor_fail(role_name(c->role), "did not get ready");
		}
		if (c->state != CHILD_RUNNING)
			supervisor_fail(role_name(c->role), "did not start");
	}
	return true;
}

int
supervisor_run(struct supervisor *sv)
{
	int signals = catch_signals();
	bool go_on = start_all(sv, signals);

	if (go_on)
		log_event(LOG_NOTICE, "up", "links=%u workers=%u", sv->now.spec.nlinks,
		    sv->workers);
	while (go_on) {
		uint64_t now = clock_mono_ms(), next;

		kill_debtors(sv, now);
		reload_step(sv);
		next = advance(sv, now);
		go_on = !turn(sv, signals, next);
	}
	end_all(sv, signals);
	return 0;
}
