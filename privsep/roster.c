/*
 * Who is started, who is connected to whom, and which descriptors each one gets: the
 * whole wiring of the server on one page. Runs in the supervisor as root, at start.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/listener.h"
#include "privsep/sockets.h"
#include "privsep/supervisor.h"
#include "src/base/clock.h"

#define CHANNEL_BUFFER (4 << 20) /* bytes a direction */

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* One uid a role: base + role for tests and demos, named users for an installed server.
 * Whoever shares one with a process may stop it, and read the broker's store. */
static void
find_user(struct child *c, uid_t base)
{
	char name[64];
	const struct passwd *pw;

	if (base != 0) {
		c->uid = base + c->role;
		c->gid = base + c->role;
		pw = getpwuid(c->uid);
		if (pw != NULL)
			supervisor_fail(
			    "the uids above --uid-base are not free; one is that of",
			    pw->pw_name);
		return;
	}
	snprintf(name, sizeof name, "sallyport-%s", role_name(c->role));
	pw = getpwnam(name);
	if (pw == NULL || pw->pw_uid == 0)
		supervisor_fail(
		    "no such user (make install creates it; or give --uid-base)", name);
	c->uid = pw->pw_uid;
	c->gid = pw->pw_gid;
}

static struct child *
add_child(struct supervisor *sv, enum role role, unsigned index, uid_t base)
{
	struct child *c = &sv->children[sv->nchildren++];

	c->role = role;
	c->index = index;
	c->pidfd = c->super_fd = -1;
	find_user(c, base);
	for (const struct child *other = sv->children; other < c; other++)
		if (other->role != role && other->uid == c->uid)
			supervisor_fail("two processes would have the same uid: that of",
			    role_name(role));
	return c;
}

struct child *
roster_find(struct supervisor *sv, enum role role, unsigned index)
{
	for (unsigned i = 0; i < sv->nchildren; i++)
		if (sv->children[i].role == role && sv->children[i].index == index)
			return &sv->children[i];
	return NULL;
}

static bool
takes_fds(enum role from, enum role to)
{
	unsigned nr;

	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++)
		if (msg_carries_fd(nr) && msg_permitted(nr, from, to))
			return true;
	return false;
}

/* An end whose peer may send it no descriptor refuses them, where the kernel can (6.16). */
static void
tune_end(int fd, enum role from, enum role to)
{
	int size = CHANNEL_BUFFER, no = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		supervisor_fail("channel buffer", strerror(errno));
	if (!takes_fds(from, to))
		(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
}

static void
connect_pair(struct supervisor *sv, struct child *a, int a_fd, struct child *b, int b_fd)
{
	struct channel *ch = &sv->channels[sv->nchannels++];

	*ch = (struct channel){a, b, a_fd, b_fd, {-1, -1}};
	if (socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ch->ends) != 0)
		supervisor_fail("socketpair", strerror(errno));
	tune_end(ch->ends[0], b == NULL ? ROLE_SUPERVISOR : b->role,
	    a == NULL ? ROLE_SUPERVISOR : a->role);
	tune_end(ch->ends[1], a == NULL ? ROLE_SUPERVISOR : a->role,
	    b == NULL ? ROLE_SUPERVISOR : b->role);
}

static void
connect_tls(struct supervisor *sv, unsigned j)
{
	struct child *tls = roster_find(sv, ROLE_TLS, j);

	connect_pair(
	    sv, tls, FD_BROKER, roster_find(sv, ROLE_BROKER, 0), FD_TLS_CLIENTS + (int)j);
	connect_pair(sv, tls, FD_KEYS, roster_find(sv, ROLE_KEYS, 0), FD_SIGN + (int)j);
	for (unsigned i = 0; i < sv->workers; i++)
		connect_pair(sv, roster_find(sv, ROLE_FILE_SENDER, i), FD_TLS + (int)j, tls,
		    FD_TLS_SENDER + (int)i);
}

static void
connect_all(struct supervisor *sv)
{
	struct child *broker = roster_find(sv, ROLE_BROKER, 0);
	struct child *logger = roster_find(sv, ROLE_LOGGER, 0);

	connect_pair(
	    sv, roster_find(sv, ROLE_DHCP_PARSER, 0), FD_BROKER, broker, FD_DHCP_PARSER);
	connect_pair(
	    sv, roster_find(sv, ROLE_LINK_PARSER, 0), FD_BROKER, broker, FD_LINK_PARSER);
	connect_pair(
	    sv, roster_find(sv, ROLE_TFTP_PARSER, 0), FD_BROKER, broker, FD_TFTP_PARSER);
	connect_pair(
	    sv, roster_find(sv, ROLE_DHCP_SENDER, 0), FD_BROKER, broker, FD_DHCP_SENDER);
	connect_pair(sv, roster_find(sv, ROLE_VERIFIER, 0), FD_BROKER, broker, FD_VERIFIER);
	for (unsigned i = 0; i < sv->workers; i++) {
		struct child *sender = roster_find(sv, ROLE_FILE_SENDER, i);
		struct child *parser = roster_find(sv, ROLE_HTTP_PARSER, i);

		connect_pair(sv, sender, FD_BROKER, broker, FD_FILE_SENDER + (int)i);
		connect_pair(sv, parser, FD_BROKER, broker, FD_HTTP_PARSER + (int)i);
		connect_pair(sv, sender, FD_PAIR, parser, FD_PAIR);
	}
	for (unsigned j = 0; j < sv->tls_workers; j++)
		connect_tls(sv, j);
	for (unsigned slot = 0; slot < LOG_SLOT_MAX; slot++) {
		enum role role;
		unsigned index;
		struct child *c;

		if (role_of_log_slot(slot, &role, &index) != 0)
			continue;
		c = roster_find(sv, role, index);
		if (c != NULL || role == ROLE_SUPERVISOR)
			connect_pair(sv, c, FD_LOG, logger, FD_LINES + (int)slot);
	}
}

void
roster_init(struct supervisor *sv, uid_t base)
{
	static const enum role singles[] = {ROLE_LOGGER, ROLE_VERIFIER, ROLE_BROKER,
	    ROLE_DHCP_SENDER, ROLE_LINK_PARSER, ROLE_DHCP_PARSER, ROLE_TFTP_PARSER};

	for (unsigned i = 0; i < sizeof singles / sizeof singles[0]; i++)
		add_child(sv, singles[i], 0, base);
	if (sv->tls_workers > 0)
		add_child(sv, ROLE_KEYS, 0, base);
	for (unsigned i = 0; i < sv->tls_workers; i++)
		add_child(sv, ROLE_TLS, i, base);
	for (unsigned i = 0; i < sv->workers; i++) {
		add_child(sv, ROLE_FILE_SENDER, i, base);
		add_child(sv, ROLE_HTTP_PARSER, i, base);
	}
	connect_all(sv);
}

bool
roster_neighbours(const struct supervisor *sv, const struct child *a, const struct child *b)
{
	for (unsigned i = 0; i < sv->nchannels; i++) {
		const struct channel *ch = &sv->channels[i];

		if ((ch->a == a && ch->b == b) || (ch->a == b && ch->b == a))
			return true;
	}
	return false;
}

static int
need(int fd, const char *what)
{
	if (fd < 0)
		supervisor_fail(what, strerror(errno));
	return fd;
}

/* The identifier is not to be guessed by who sees none of our requests. */
static void
open_echo(struct supervisor *sv)
{
	if (getrandom(&sv->echo_ident, sizeof sv->echo_ident, 0) != sizeof sv->echo_ident ||
	    getrandom(&sv->spread, sizeof sv->spread, 0) != sizeof sv->spread)
		supervisor_fail("random numbers", strerror(errno));
	sv->echo_ear = need(socket_echo_ear(sv->echo_ident), "ICMP socket");
	sv->echo_mouth = need(socket_echo_mouth(), "ICMP socket, for sending");
}

/* A private, read-only clone of the store's tree: a plain directory descriptor would let
 * its holder climb out of the empty root. */
static int
clone_store(const char *path)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);

	if (fd < 0)
		return -1;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr) != 0)
		return -1;
	return fd;
}

static void
only_roots(const char *path, const struct stat *st)
{
	if (st->st_uid != 0 || (st->st_mode & 022) != 0)
		supervisor_fail(path, "wrong owner or mode: it belongs to root, and nobody "
				      "else may write it");
}

static void
make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		/* In this order, so that it takes no capability over files of others. */
		if (chmod(path, mode) != 0 || chown(path, uid, gid) != 0)
			supervisor_fail(path, strerror(errno));
		return;
	}
	if (errno != EEXIST || lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		supervisor_fail(
		    path, errno == EEXIST ? "not a directory" : strerror(errno));
	if (uid != 0 && (st.st_uid != uid || (st.st_mode & 077) != 0))
		supervisor_fail(path,
		    "wrong owner or mode: it belongs to the broker's user "
		    "alone (chown it, or remove it with its leases)");
	if (uid == 0)
		only_roots(path, &st);
}

/* Who can change it decides what every machine boots. */
static int
open_keyring(const char *path)
{
	int fd = need(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), path);
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		supervisor_fail(path, "not a regular file");
	only_roots(path, &st);
	return fd;
}

static void
open_state(struct supervisor *sv)
{
	const struct msg_spec_tell *s = &sv->now.spec.s;
	const struct child *broker = roster_find(sv, ROLE_BROKER, 0);
	char path[256];

	if (broker == NULL)
		bug("a roster without a broker");
	make_directory(s->state, 0755, 0, 0);
	snprintf(path, sizeof path, "%s/broker", s->state);
	make_directory(path, 0700, broker->uid, broker->gid);
	snprintf(path, sizeof path, "%s/verifier", s->state);
	make_directory(path, 0700, 0, 0);
	snprintf(path, sizeof path, "%s/verifier/floor", s->state);
	/* With an empty floor the verifier serves nothing, says what to do, and sees it
	 * done: sallyport-image fills this file in place. */
	sv->floor = need(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), path);
	/* Whoever fills the store need not be trusted. */
	if (mkdir(s->images, 0755) == 0)
		(void)chmod(s->images, 0755);
	sv->store = need(clone_store(s->images), s->images);
	sv->keyring = open_keyring(s->keyring);
}

/* An installed server's socket is where programs look for it; one with a state folder of
 * its own, beside others, has it there. */
static void
open_control(struct supervisor *sv)
{
	static char path[256];
	const char *state = sv->now.spec.s.state, *why;

	if (sv->control_path == NULL && strcmp(state, SALLYPORT_STATEDIR) == 0)
		sv->control_path = SALLYPORT_CONTROL;
	if (sv->control_path == NULL) {
		snprintf(path, sizeof path, "%s/control", state);
		sv->control_path = path;
	}
	why = listener_open(sv->control_path, sv->now.spec.s.control_gid, &sv->control);
	if (why != NULL)
		supervisor_fail(sv->control_path, why);
}

void
roster_open(struct supervisor *sv)
{
	struct setup_error error;

	sv->start_ms = clock_mono_ms();
	open_state(sv);
	open_control(sv);
	if (setup_open(&sv->now, NULL, &error) != 0)
		supervisor_fail(error.what, error.why);
	open_echo(sv);
	sv->kmsg = death_open_kmsg();
}

/* One that is not there is /dev/null in the child, as all that is not given. */
static void
give_file(struct spawn *s, int fd, int to)
{
	if (fd >= 0)
		spawn_give(s, fd, to);
}

static void
give_links(const struct supervisor *sv, struct spawn *s, const int *fds, int first)
{
	for (unsigned i = 0; i < sv->now.spec.nlinks; i++)
		give_file(s, fds[i], first + (int)i);
}

static void
give_pool(const struct supervisor *sv, unsigned worker, struct spawn *s)
{
	int to = FD_POOL;

	for (unsigned i = worker; i < sv->now.npool; i += sv->workers)
		spawn_give(s, sv->now.pool[i], to++);
	for (unsigned i = worker; i < sv->now.npool6; i += sv->workers)
		spawn_give(s, sv->now.pool6[i], to++);
}

void
roster_give(const struct supervisor *sv, const struct child *c, struct spawn *s)
{
	for (unsigned i = 0; i < sv->nchannels; i++) {
		const struct channel *ch = &sv->channels[i];

		if (ch->a == c)
			spawn_give(s, ch->ends[0], ch->a_fd);
		if (ch->b == c)
			spawn_give(s, ch->ends[1], ch->b_fd);
	}
	switch (c->role) {
	case ROLE_LOGGER: spawn_give(s, sv->out, FD_OUT); break;
	case ROLE_BROKER:
		spawn_give(s, sv->now.conf, FD_CONF);
		spawn_give(s, sv->control, FD_CONTROL);
		spawn_give(s, sv->now.hosts, FD_HOSTS);
		break;
	case ROLE_VERIFIER:
		spawn_give(s, sv->store, FD_STORE);
		spawn_give(s, sv->keyring, FD_KEYRING);
		spawn_give(s, sv->floor, FD_FLOOR);
		break;
	case ROLE_DHCP_PARSER:
		give_links(sv, s, sv->now.sockets[SOCK_RX67], FD_RX67);
		give_links(sv, s, sv->now.sockets[SOCK_RX4011], FD_RX4011);
		break;
	case ROLE_TFTP_PARSER:
		give_links(sv, s, sv->now.sockets[SOCK_RX69], FD_RX69);
		give_links(sv, s, sv->now.sockets[SOCK_RX69_V6], FD_RX69_V6);
		break;
	case ROLE_LINK_PARSER:
		spawn_give(s, sv->echo_ear, FD_ECHO_EAR);
		give_links(sv, s, sv->now.sockets[SOCK_RING], FD_RING);
		break;
	case ROLE_DHCP_SENDER:
		give_links(sv, s, sv->now.sockets[SOCK_TX67], FD_TX67);
		give_links(sv, s, sv->now.sockets[SOCK_TX4011], FD_TX4011);
		give_links(sv, s, sv->now.sockets[SOCK_FRAME], FD_FRAME);
		spawn_give(s, sv->echo_mouth, FD_ECHO_MOUTH);
		break;
	case ROLE_FILE_SENDER:
		give_links(sv, s, sv->now.sockets[SOCK_TX69], FD_SINGLE);
		give_links(sv, s, sv->now.sockets[SOCK_TX69_V6], FD_SINGLE6);
		give_links(sv, s, sv->now.sockets[SOCK_LISTEN], FD_LISTEN);
		give_links(sv, s, sv->now.sockets[SOCK_LISTEN_V6], FD_LISTEN6);
		give_links(sv, s, sv->now.sockets[SOCK_LISTEN_TLS], FD_LISTEN_TLS);
		give_links(sv, s, sv->now.sockets[SOCK_LISTEN_TLS_V6], FD_LISTEN6_TLS);
		give_pool(sv, c->index, s);
		break;
	case ROLE_KEYS:
		for (int i = 0; i < KEYS_MAX; i++) {
			give_file(s, sv->now.keys[i], FD_KEY + i);
			give_file(s, sv->now.certs[i], FD_CERT + i);
		}
		give_file(s, sv->now.client_ca, FD_CLIENT_CA);
		break;
	default: break;
	}
}

/* Those that do not are left alone when links change. */
bool
roster_knows_links(const struct child *c)
{
	return c->role != ROLE_LOGGER && c->role != ROLE_VERIFIER &&
	       c->role != ROLE_HTTP_PARSER && c->role != ROLE_TLS && c->role != ROLE_KEYS;
}

unsigned
roster_options(
    const struct supervisor *sv, const struct child *c, char text[][256], unsigned most)
{
	const struct msg_spec_tell *s = &sv->now.spec.s;
	unsigned n = 0, pool = 0, pool6 = 0;

#define OPTION(...)                                    \
	do {                                           \
		if (n == most)                         \
			bug("too many options");       \
		snprintf(text[n++], 256, __VA_ARGS__); \
	} while (0)
	OPTION("landlock=%u", s->landlock);
	OPTION("log_level=%u", s->log_level);
	if (c->role == ROLE_LOGGER || c->role == ROLE_BROKER || c->role == ROLE_KEYS ||
	    c->role == ROLE_FILE_SENDER)
		OPTION("tls=%u", sv->tls_workers);
	if (c->role == ROLE_KEYS) {
		OPTION("verify_client=%u", s->verify_client);
		OPTION("rsa_exchange=%u", s->rsa_exchange);
	}
	if (c->role == ROLE_TLS)
		OPTION("head_timeout=%u", s->head_timeout);
	if (c->role == ROLE_BROKER) {
		OPTION("state=%s", s->state);
		OPTION("since=%llu", (unsigned long long)sv->start_ms);
	}
	if (c->role == ROLE_TFTP_PARSER || c->role == ROLE_FILE_SENDER)
		OPTION("single_port=%u", s->single_port);
	if (c->role == ROLE_LINK_PARSER || c->role == ROLE_DHCP_SENDER)
		OPTION("echo=%u", sv->echo_ident);
	if (c->role == ROLE_VERIFIER) {
		OPTION("memory=%llu", (unsigned long long)s->memory);
		OPTION("expired=%u", s->expired_serve);
	}
	if (c->role == ROLE_FILE_SENDER) {
		for (unsigned i = c->index; i < sv->now.npool; i += sv->workers)
			pool++;
		for (unsigned i = c->index; i < sv->now.npool6; i += sv->workers)
			pool6++;
		OPTION("pool=%u", pool);
		OPTION("pool6=%u", pool6);
		OPTION("http_port=%u", s->http_port);
		OPTION("spread=%llu", (unsigned long long)sv->spread);
		OPTION("head_timeout=%u", s->head_timeout);
		OPTION("idle_timeout=%u", s->idle_timeout);
		OPTION("min_rate=%u", s->min_rate);
		OPTION("rate_window=%u", s->rate_window);
		/* Each worker counts for itself; together they keep to the limit. */
		OPTION("conns_per_address=%u",
		    (s->conns_per_address + sv->workers - 1) / sv->workers);
		OPTION("transfers_per_address=%u",
		    (s->transfers_per_address + sv->workers - 1) / sv->workers);
	}
#undef OPTION
	return n;
}
