/*
 * Sockets for a version of the configuration. Runs in the supervisor as root. The links
 * are those that conf-check named; nothing here comes from the network.
 */
#include "privsep/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privsep/sockets.h"

/* The interface that it was, not another of the same name. */
static bool
same_device(const struct link *a, const struct link *b)
{
	return a->ifindex == b->ifindex && strcmp(a->name, b->name) == 0;
}

static bool
same_address(const struct link *a, const struct link *b, bool v6)
{
	if (v6)
		return addr_equal(&a->address6, &b->address6);
	return addr_equal(&a->address, &b->address);
}

static int
make_frames(const struct link *l, uint16_t port, bool joins)
{
	(void)port;
	(void)joins;
	return socket_frames(l);
}

static int
make_ring(const struct link *l, uint16_t port, bool joins)
{
	(void)port;
	(void)joins;
	return socket_ring(l);
}

static int
make_listener(const struct link *l, uint16_t port, bool joins)
{
	(void)joins;
	return socket_listen(l, port);
}

static int
make_listener6(const struct link *l, uint16_t port, bool joins)
{
	(void)joins;
	return socket_listen6(l, port);
}

static int
make_mouth(const struct link *l, uint16_t port, bool joins)
{
	(void)joins;
	return socket_mouth(l, port);
}

static int
make_mouth6(const struct link *l, uint16_t port, bool joins)
{
	(void)joins;
	return socket_mouth6(l, port);
}

/* Stands for the configured one. */
#define PORT_HTTP UINT16_MAX
#define PORT_HTTPS (UINT16_MAX - 1)

static const struct kind {
	const char *what;
	uint16_t port;     /* 0: none; or PORT_HTTP, PORT_HTTPS */
	bool has_mouth;    /* ear and mouth are on one port */
	bool binds_device; /* else to the address */
	bool v6, single;
	int (*make)(const struct link *l, uint16_t port, bool joins);
} kinds[SOCK_MAX] = {
    [SOCK_RX67] = {"UDP port 67", 67, true, true, false, false, socket_ear},
    [SOCK_RX4011] = {"UDP port 4011", 4011, true, true, false, false, socket_ear},
    [SOCK_RX69] = {"UDP port 69", 69, true, true, false, false, socket_ear},
    [SOCK_RX69_V6] = {"UDP port 69 over IPv6", 69, true, true, true, false, socket_ear6},
    [SOCK_RING] = {"packet ring", 0, false, true, false, false, make_ring},
    [SOCK_TX67] = {"UDP port 67, for sending", 67, true, false, false, false, make_mouth},
    [SOCK_TX4011] = {"UDP port 4011, for sending", 4011, true, false, false, false,
	make_mouth},
    [SOCK_TX69] = {"UDP port 69, for sending", 69, true, false, false, true, make_mouth},
    [SOCK_TX69_V6] = {"UDP port 69 over IPv6, for sending", 69, true, false, true, true,
	make_mouth6},
    [SOCK_FRAME] = {"packet socket", 0, false, true, false, false, make_frames},
    [SOCK_LISTEN] = {"TCP port for HTTP", PORT_HTTP, false, false, false, false,
	make_listener},
    [SOCK_LISTEN_V6] = {"TCP port for HTTP over IPv6", PORT_HTTP, false, false, true, false,
	make_listener6},
    [SOCK_LISTEN_TLS] = {"TCP port for HTTPS", PORT_HTTPS, false, false, false, false,
	make_listener},
    [SOCK_LISTEN_TLS_V6] = {"TCP port for HTTPS over IPv6", PORT_HTTPS, false, false, true,
	false, make_listener6},
};

void
setup_init(struct setup *s)
{
	memset(s, 0, sizeof *s);
	s->conf = s->hosts = s->client_ca = -1;
	memset(s->keys, 0xff, sizeof s->keys);
	memset(s->certs, 0xff, sizeof s->certs);
	memset(s->sockets, 0xff, sizeof s->sockets);
}

static uint16_t
port_of(const struct setup *s, const struct kind *k)
{
	if (k->port == PORT_HTTP)
		return s->spec.s.http_port;
	return k->port == PORT_HTTPS ? s->spec.s.https_port : k->port;
}

/* The old socket for what link i needs; -1: it has none. */
static int
find_old(const struct setup *s, unsigned i, enum link_socket nr, const struct setup *old)
{
	const struct kind *k = &kinds[nr];
	const struct link *l = &s->spec.links[i];

	if (old == NULL || port_of(s, k) != port_of(old, k))
		return -1;
	for (unsigned j = 0; j < old->spec.nlinks; j++) {
		const struct link *o = &old->spec.links[j];

		if (k->binds_device ? same_device(l, o) : same_address(l, o, k->v6))
			return old->sockets[nr][j];
	}
	return -1;
}

/* A sealed port is ours alone; an open one can be joined by the next mouth or ear. */
static int
share_ports(const struct setup *s, int (*change)(int fd))
{
	for (unsigned nr = 0; s != NULL && nr < SOCK_MAX; nr++)
		for (unsigned i = 0; kinds[nr].has_mouth && i < s->spec.nlinks; i++)
			if (s->sockets[nr][i] >= 0 && change(s->sockets[nr][i]) != 0)
				return ERR_SYS;
	return 0;
}

static int
open_link_sockets(struct setup *s, const struct setup *old, enum link_socket nr,
    struct setup_error *error)
{
	const struct kind *k = &kinds[nr];

	if ((k->port == PORT_HTTPS && s->spec.s.https_port == 0) ||
	    (k->single && s->spec.s.single_port == 0))
		return 0;
	for (unsigned i = 0; i < s->spec.nlinks; i++) {
		int fd;

		if (k->v6 && s->spec.links[i].address6.family == ADDR_NONE)
			continue;
		fd = find_old(s, i, nr, old);
		if (fd < 0)
			fd = k->make(&s->spec.links[i], port_of(s, k), old != NULL);
		if (fd < 0) {
			*error = (struct setup_error){k->what, strerror(errno)};
			return ERR_SYS;
		}
		s->sockets[nr][i] = fd;
	}
	return 0;
}

static bool
has_v6(const struct setup *s)
{
	for (unsigned i = 0; i < s->spec.nlinks; i++)
		if (s->spec.links[i].address6.family != ADDR_NONE)
			return true;
	return false;
}

/* The socket on that port is taken over when the old pool has one. */
static int
open_pool(const struct setup *s, int *pool, unsigned *n, const struct setup *old,
    const int *old_pool, unsigned old_n, int (*make)(uint16_t port))
{
	unsigned first = s->spec.s.tftp_first, last = s->spec.s.tftp_last;

	for (unsigned port = first; port <= last; port++) {
		unsigned at = old == NULL ? 0 : port - old->spec.s.tftp_first;
		int fd;

		if (old != NULL && port >= old->spec.s.tftp_first && at < old_n)
			fd = old_pool[at];
		else
			fd = make((uint16_t)port);
		if (fd < 0)
			return ERR_SYS;
		pool[(*n)++] = fd;
	}
	return 0;
}

static int
open_pools(struct setup *s, const struct setup *old, struct setup_error *error)
{
	int err = open_pool(s, s->pool, &s->npool, old, old == NULL ? NULL : old->pool,
	    old == NULL ? 0 : old->npool, socket_transfer);

	if (err == 0 && has_v6(s))
		err =
		    open_pool(s, s->pool6, &s->npool6, old, old == NULL ? NULL : old->pool6,
			old == NULL ? 0 : old->npool6, socket_transfer6);
	if (err != 0)
		*error =
		    (struct setup_error){"UDP port for TFTP transfers", strerror(errno)};
	return err;
}

/* Who can change one of these can be the server; who can read a key, too. */
static int
open_secret(const char *path, mode_t others, int *fd, struct setup_error *error)
{
	struct stat st;

	if (path[0] == '\0')
		return 0;
	error->what = path;
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		error->why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		error->why = "not a regular file";
	else if (st.st_uid != 0 || (st.st_mode & others) != 0)
		error->why = others == 077 ? "wrong owner or mode: a key belongs to root, "
					     "and nobody else may read it"
					   : "wrong owner or mode: it belongs to root, "
					     "and nobody else may write it";
	else
		return 0;
	return ERR_SYS;
}

/* Opened anew each time: that is how renewed certificates come in. */
static int
open_secrets(struct setup *s, struct setup_error *error)
{
	const struct msg_spec_tell *m = &s->spec.s;
	int err;

	if (m->https_port == 0)
		return 0;
	err = open_secret(m->key1, 077, &s->keys[0], error);
	if (err == 0)
		err = open_secret(m->key2, 077, &s->keys[1], error);
	if (err == 0)
		err = open_secret(m->cert1, 022, &s->certs[0], error);
	if (err == 0)
		err = open_secret(m->cert2, 022, &s->certs[1], error);
	if (err == 0)
		err = open_secret(m->client_ca, 022, &s->client_ca, error);
	return err;
}

static int
resolve_links(struct setup *s, struct setup_error *error)
{
	for (unsigned i = 0; i < s->spec.nlinks; i++) {
		error->what = s->spec.links[i].name;
		if (link_resolve(&s->spec.links[i], &error->why) != 0)
			return ERR_SYS;
	}
	return 0;
}

int
setup_open(struct setup *s, const struct setup *old, struct setup_error *error)
{
	int err = resolve_links(s, error);

	if (err == 0)
		err = share_ports(old, socket_unseal);
	for (unsigned nr = 0; err == 0 && nr < SOCK_MAX; nr++)
		err = open_link_sockets(s, old, (enum link_socket)nr, error);
	if (err == 0)
		err = open_pools(s, old, error);
	if (err == 0)
		err = open_secrets(s, error);
	/* Nobody else can join our ports any more. */
	if (share_ports(old, socket_seal) != 0 || share_ports(s, socket_seal) != 0) {
		*error = (struct setup_error){"UDP ports of our own", strerror(errno)};
		err = ERR_SYS;
	}
	if (err != 0)
		setup_close(s, old);
	return err;
}

static bool
holds(const struct setup *s, int fd)
{
	if (s == NULL)
		return false;
	if (fd == s->conf || fd == s->hosts || fd == s->client_ca)
		return true;
	for (unsigned i = 0; i < KEYS_MAX; i++)
		if (s->keys[i] == fd || s->certs[i] == fd)
			return true;
	for (unsigned nr = 0; nr < SOCK_MAX; nr++)
		for (unsigned i = 0; i < LINKS_MAX; i++)
			if (s->sockets[nr][i] == fd)
				return true;
	for (unsigned i = 0; i < s->npool; i++)
		if (s->pool[i] == fd)
			return true;
	for (unsigned i = 0; i < s->npool6; i++)
		if (s->pool6[i] == fd)
			return true;
	return false;
}

static void
close_one(int *fd, const struct setup *keep)
{
	if (*fd >= 0 && !holds(keep, *fd))
		close(*fd);
	*fd = -1;
}

void
setup_close(struct setup *s, const struct setup *keep)
{
	for (unsigned nr = 0; nr < SOCK_MAX; nr++)
		for (unsigned i = 0; i < LINKS_MAX; i++)
			close_one(&s->sockets[nr][i], keep);
	for (unsigned i = 0; i < s->npool; i++)
		close_one(&s->pool[i], keep);
	for (unsigned i = 0; i < s->npool6; i++)
		close_one(&s->pool6[i], keep);
	s->npool = s->npool6 = 0;
	close_one(&s->conf, keep);
	close_one(&s->hosts, keep);
	close_one(&s->client_ca, keep);
	for (unsigned i = 0; i < KEYS_MAX; i++) {
		close_one(&s->keys[i], keep);
		close_one(&s->certs[i], keep);
	}
}
