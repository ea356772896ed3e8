/*
 * How connections come to file-sender: accepted, or handed in as a descriptor. The peers
 * are anybody, and may come in any number: there is a limit for each address, and when the
 * table is full, the connection that has been idle longest makes room. If none is, nothing
 * is accepted for the time being: the others of our kind may have room, and what they do
 * not take waits in the kernel.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/file-sender/http_conn.h"

#define ACCEPT_TURN 16
#define DEAF_MS 100 /* for want of something that others may give back */

static void
say_refused(const struct addr *peer, const char *why)
{
	char text[ADDR_TEXT_MAX];

	log_limited(
	    LOG_WARNING, "http-refused", "peer=%s reason=%s", addr_format(peer, text), why);
}

/* Not level-triggered events that nobody serves: the sockets leave the set. (An entry with
 * EPOLLEXCLUSIVE cannot be changed.) */
void
http_conn_go_deaf(struct http *h, uint64_t until)
{
	if (h->deaf)
		return;
	for (unsigned i = 0; i < h->setup.nlisteners; i++)
		watch_remove(h->setup.listeners[i].fd);
	h->deaf = true;
	h->deaf_until = until;
}

/* One of the workers that wait wakes up for a connection, not all. */
static bool
listen_all(struct http *h)
{
	for (unsigned i = 0; i < h->setup.nlisteners; i++)
		if (watch_add(h->setup.listeners[i].fd, EPOLLIN | EPOLLEXCLUSIVE,
			(struct watch_tag){WATCH_LISTEN, i, 0}) != 0)
			return false;
	return true;
}

void
http_conn_listen(struct http *h)
{
	if (!h->deaf || !h->parser_here || h->free == UINT32_MAX || h->now < h->deaf_until)
		return;
	if (!listen_all(h))
		bug("cannot listen again");
	h->deaf = false;
	h->deaf_until = UINT64_MAX;
}

void
http_conn_adopt(struct http *h, int fd, const struct http_peer *from)
{
	if (h->free == UINT32_MAX) {
		say_refused(&from->peer, "table-full");
		close(fd);
		return;
	}
	if (!caps_take(&h->caps, &from->peer, h->setup.per_address)) {
		say_refused(&from->peer, "address-limit");
		close(fd);
		return;
	}
	if (watch_add(fd, EPOLLIN, http_conn_next_tag(h)) != 0) {
		caps_give(&h->caps, &from->peer);
		say_refused(&from->peer, "epoll");
		close(fd);
		return;
	}
	http_conn_enlist(h, fd, from);
}

static void
go_deaf_for_room(struct http *h, uint64_t until)
{
	log_limited(LOG_WARNING, "http-full", "connections=%u", h->setup.most);
	http_conn_go_deaf(h, until);
}

static bool
is_want_of_room(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* As much of an address as any family of ours takes. */
struct who {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
};

static bool
read_peer(const struct who *from, struct http_peer *p)
{
	if (from->u.any.sa_family == AF_INET) {
		p->peer = addr_v4(ntohl(from->u.v4.sin_addr.s_addr));
		p->port = ntohs(from->u.v4.sin_port);
		return true;
	}
	p->peer.family = ADDR_V6;
	memcpy(p->peer.b, &from->u.v6.sin6_addr, sizeof p->peer.b);
	p->port = ntohs(from->u.v6.sin6_port);
	return from->u.any.sa_family == AF_INET6;
}

static void
accept_one(struct http *h, int fd, const struct who *from, const struct http_listener *l)
{
	struct http_peer p = {.local = l->local};

	if (!read_peer(from, &p) || p.peer.family != l->local.family)
		close(fd);
	else if (l->tls)
		https_adopt(h, fd, &p);
	else
		http_conn_adopt(h, fd, &p);
	/* One place is kept free, so that nobody is closed for a connection that another
	 * worker has taken by then. */
	if (h->free == UINT32_MAX && h->oldest != h->youngest)
		(void)http_conn_evict(h);
}

void
http_conn_accept(struct http *h, unsigned listener)
{
	const struct http_listener *l = &h->setup.listeners[listener];

	for (unsigned i = 0; i < ACCEPT_TURN && !h->deaf; i++) {
		struct who from = {0};
		socklen_t len = sizeof from;
		int fd;

		if (h->free == UINT32_MAX) {
			go_deaf_for_room(h, 0);
			return;
		}
		fd = accept4(l->fd, &from.u.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			accept_one(h, fd, &from, l);
		else if (!is_want_of_room(errno))
			return;
		else if (!http_conn_evict(h))
			go_deaf_for_room(h, h->now + DEAF_MS);
	}
}
