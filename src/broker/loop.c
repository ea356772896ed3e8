/*
 * Broker: who is read when. What comes in may be anything that an owned neighbour can
 * say within msgs.def; here it only decides how often its sender is listened to.
 */
#include "src/broker/loop.h"

#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/control.h"
#include "src/broker/dhcp.h"
#include "src/broker/files.h"
#include "src/broker/heard.h"
#include "src/broker/http.h"
#include "src/broker/probe.h"
#include "src/broker/rogue.h"

#define BATCH 64      /* messages of one channel in a turn */
#define CATCH_UP 8192 /* the same, of a file-sender that somebody waits for */
#define DHCP_ROOM 64  /* replies that dhcp-sender has to have room for */
/* Messages a millisecond that an ear is heard, on average, and at once: several times what
 * a link full of booting machines asks. Of DHCP it is what a machine of two cores can do
 * at most, so that a storm is answered; the others wait for a batch, no longer. */
#define RATE_DHCP 80
#define RATE_TFTP 8
#define RATE_HTTP 60
#define RATE_LINK 4
#define RATE_TLS 20
#define BURST_MS 250
#define REFILL_MS 5   /* an ear without tokens is looked at again */
#define FINISH_MS 800 /* the supervisor waits longer */
#define EAR_MAX (5 + TLS_MAX + 2 * WORKER_MAX)
#define OTHERS (2 + CONTROL_POLLS) /* the supervisor, the store, the control socket */

/* A channel that we read. */
struct ear {
	struct chan *chan;
	bool (*may_read)(const struct chan *c); /* NULL: always */
	unsigned batch;
	unsigned rate;      /* messages a millisecond; 0: not limited */
	unsigned tokens;    /* messages that it may send at once */
	uint64_t filled_ms; /* when it last got some */
	unsigned caught;    /* messages that were read out of turn in this one */
	bool more;          /* the last batch ended before the channel was empty */
	bool dead;
	/* What comes now was meant for our predecessor, or left by the peer's: it knows of
	 * numbers that mean nothing here, and ends with the peer's RESET_TELL. */
	bool stale;
};

static struct ear ears[EAR_MAX];
static unsigned near, near_tls; /* how many; the first of the tls processes */

static bool
dhcp_may_read(const struct chan *c)
{
	(void)c;
	return chan_room(&broker.dhcp_sender, DHCP_ROOM) && dhcp_store_room();
}

static bool
http_may_read(const struct chan *c)
{
	return files_may_read(c->index);
}

/* 0: not limited. */
static unsigned
rate_of(enum role role)
{
	switch (role) {
	case ROLE_DHCP_PARSER: return RATE_DHCP;
	case ROLE_TFTP_PARSER: return RATE_TFTP;
	case ROLE_HTTP_PARSER: return RATE_HTTP;
	case ROLE_LINK_PARSER: return RATE_LINK;
	case ROLE_TLS: return RATE_TLS;
	default: return 0;
	}
}

/* An owned ear can say as much as it likes; it is heard at a bounded rate, so that what it
 * makes us do and send leaves time for the others. */
static void
fill_tokens(struct ear *ear)
{
	uint64_t most = (uint64_t)ear->rate * BURST_MS;
	uint64_t tokens = ear->tokens + (broker.now_ms - ear->filled_ms) * ear->rate;

	ear->filled_ms = broker.now_ms;
	ear->tokens = (unsigned)(tokens > most ? most : tokens);
}

static void
add(struct chan *c, bool (*may_read)(const struct chan *), unsigned batch)
{
	c->polled = true;
	ears[near++] = (struct ear){.chan = c,
	    .may_read = may_read,
	    .batch = batch,
	    .rate = rate_of(c->peer),
	    .stale = msg_permitted(MSG_RESET_TELL, c->peer, ROLE_BROKER)};
}

/* Before an end in order: what was decided is committed, and those that wait for it get
 * their answer; what was offered stays so. What the ears have said since then is not heard;
 * who asked asks again. */
static void
finish(void)
{
	uint64_t limit = clock_mono_ms() + FINISH_MS;
	uint32_t next = 0;

	while ((dhcp_keep_offers(&next) || dhcp_unfinished()) && clock_mono_ms() < limit) {
		struct pollfd p = {.fd = dhcp_store_fd(), .events = POLLIN};
		struct timespec t = {.tv_nsec = FINISH_MS / 10 * 1000000L};

		dhcp_commit();
		if (ppoll(&p, 1, &t, NULL) > 0)
			dhcp_completed();
	}
	for (unsigned i = 0; i < near; i++)
		chan_flush(ears[i].chan);
}

void
loop_init(void)
{
	super_before_end(finish);
	near = 0;
	add(&broker.verifier, NULL, BATCH);
	add(&broker.dhcp_sender, NULL, BATCH);
	add(&broker.dhcp_parser, dhcp_may_read, BATCH);
	add(&broker.link_parser, dhcp_may_read, BATCH);
	add(&broker.tftp_parser, NULL, BATCH);
	near_tls = near;
	for (unsigned j = 0; j < broker.ntls; j++)
		add(&broker.tls[j], NULL, BATCH);
	for (unsigned i = 0; i < broker.start.workers; i++) {
		add(&broker.file_sender[i], NULL, BATCH);
		add(&broker.http_parser[i], http_may_read, BATCH);
	}
}

static void catch_up(struct ear *sender);

static void
dispatch(struct ear *ear, const struct msg *m, int fd)
{
	struct chan *from = ear->chan;

	/* The ear of a file-sender stands before that of its http-parser. */
	if (from->peer == ROLE_HTTP_PARSER && http_is_early(from->index, m))
		catch_up(ear - 1);
	/* Who asks by HTTPS has been named before, if at all. */
	if (from->peer == ROLE_HTTP_PARSER && broker.conf->verify_client != 0 &&
	    http_tls(from->index, m) != 0)
		catch_up(&ears[near_tls + http_tls(from->index, m) - 1]);
	ear->stale = ear->stale && m->nr != MSG_RESET_TELL;
	if (ear->stale)
		log_limited(LOG_DEBUG, "stale", "from=%s index=%u message=%s",
		    role_name(from->peer), from->index, msg_name(m->nr));
	else if (m->nr == MSG_DHCP_TELL)
		on_dhcp_tell(from, &m->u.dhcp_tell);
	else if (m->nr == MSG_HEARD_TELL)
		on_heard_tell(from, &m->u.heard_tell);
	else if (!files_dispatch(from, m, &fd))
		chan_peer_fault(from, "a message that nobody handles");
	if (fd >= 0)
		close(fd);
}

static void
read_ear(struct ear *ear)
{
	struct msg m;
	int fd = -1;

	ear->more = false;
	for (unsigned n = 0; !ear->dead && !ear->chan->breached; n++) {
		int got;

		if (n == ear->batch || (ear->rate > 0 && ear->tokens == 0) ||
		    (ear->may_read != NULL && !ear->may_read(ear->chan))) {
			ear->more = true;
			return;
		}
		got = chan_recv(ear->chan, &m, &fd);
		if (got == 0)
			return;
		ear->tokens -= ear->rate > 0;
		if (got == 1)
			dispatch(ear, &m, fd);
		else
			ear->dead = got != ERR_DENIED;
	}
}

/* A connection was announced before its first byte was relayed, but two channels have no
 * common order: the request can be read first. What file-sender said before is there now,
 * whatever the last poll showed. */
static void
catch_up(struct ear *sender)
{
	struct msg m;
	int fd = -1, got = 1;

	sender->chan->polled = false;
	while (got == 1 && sender->caught < CATCH_UP) {
		got = chan_recv(sender->chan, &m, &fd);
		sender->caught++;
		if (got == 1)
			dispatch(sender, &m, fd);
	}
	sender->chan->polled = true;
	sender->more = got == 1;
}

static void
read_all(const struct pollfd *polls)
{
	for (unsigned i = 0; i < near; i++) {
		ears[i].caught = 0;
		if (ears[i].more || (polls[i].revents & ~POLLOUT) != 0)
			read_ear(&ears[i]);
	}
}

static struct chan *
chan_of(enum role role, unsigned index)
{
	switch (role) {
	case ROLE_VERIFIER: return &broker.verifier;
	case ROLE_DHCP_PARSER: return &broker.dhcp_parser;
	case ROLE_DHCP_SENDER: return &broker.dhcp_sender;
	case ROLE_TFTP_PARSER: return &broker.tftp_parser;
	case ROLE_LINK_PARSER: return &broker.link_parser;
	case ROLE_FILE_SENDER:
		return index < broker.start.workers ? &broker.file_sender[index] : NULL;
	case ROLE_HTTP_PARSER:
		return index < broker.start.workers ? &broker.http_parser[index] : NULL;
	case ROLE_TLS: return index < broker.ntls ? &broker.tls[index] : NULL;
	default: return NULL;
	}
}

static void
forget(enum role role, unsigned index)
{
	struct chan *c = chan_of(role, index);

	if (c != NULL) {
		chan_reset(c);
		files_gone(role, index);
	}
	for (unsigned i = 0; i < near; i++) {
		if (ears[i].chan != c)
			continue;
		ears[i].more = ears[i].dead = false;
		ears[i].stale = msg_permitted(MSG_RESET_TELL, role, ROLE_BROKER);
	}
	super_cleared(role, index);
}

static void
hear_supervisor(void)
{
	enum role role;
	unsigned index;

	while (super_poll(&role, &index))
		forget(role, index);
}

/* Negative means never. */
static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Returns how long to wait, milliseconds. */
static int
fill(struct pollfd *polls)
{
	int timeout = sooner(files_timeout(), sooner(probe_timeout(), rogue_timeout()));

	for (unsigned i = 0; i < near; i++) {
		struct ear *ear = &ears[i];
		struct chan *c = ear->chan;
		bool open = !ear->dead && !c->breached;
		bool may = open && (ear->may_read == NULL || ear->may_read(c));
		bool poor;

		fill_tokens(ear);
		poor = ear->rate > 0 && ear->tokens == 0;
		/* Nothing wakes us when there are tokens again. */
		if (poor && (timeout < 0 || timeout > REFILL_MS))
			timeout = REFILL_MS;
		may = may && !poor;

		polls[i] = (struct pollfd){.fd = c->fd};
		if (may && !ear->more)
			polls[i].events = POLLIN;
		if (may && ear->more)
			timeout = 0;
		if (chan_blocked(c))
			polls[i].events |= POLLOUT;
		/* poll reports a hang-up also of what nothing is asked about. */
		if (!open || polls[i].events == 0)
			polls[i].fd = -1;
	}
	polls[near] = (struct pollfd){.fd = FD_SUPER, .events = POLLIN};
	polls[near + 1] = (struct pollfd){.fd = dhcp_store_fd(), .events = POLLIN};
	return control_fill(polls + near + 2, timeout);
}

static void
wait_for(struct pollfd *polls)
{
	int ms = fill(polls);
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	if (ppoll(polls, near + OTHERS, &t, NULL) < 0)
		for (unsigned i = 0; i < near + OTHERS; i++)
			polls[i].revents = 0;
	broker.now_ms = clock_mono_ms();
	broker.wall_s = clock_wall_s();
}

void
loop_turn(void)
{
	struct pollfd polls[EAR_MAX + OTHERS];

	wait_for(polls);
	if (polls[near].revents != 0)
		hear_supervisor();
	if (polls[near + 1].revents != 0)
		dhcp_completed();
	read_all(polls);
	rogue_turn();
	probe_turn();
	files_turn();
	control_turn(polls + near + 2);
	dhcp_keep_sessions();
	dhcp_commit();
	for (unsigned i = 0; i < near; i++)
		chan_flush(ears[i].chan);
}
