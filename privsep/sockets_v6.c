/*
 * The same network sockets for IPv6, and our IPv6 address on a link. Runs in the supervisor
 * as root; nothing is ever read from or written to them here. None of them hears IPv4.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/sockets.h"

#define BUFFER (4 << 20) /* bytes: a storm of a few thousand requests */

static int
give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return ERR_SYS;
}

static int
set_one(int fd, int level, int option)
{
	int one = 1;

	return setsockopt(fd, level, option, &one, sizeof one);
}

static int
set_buffer(int fd, int option)
{
	int size = BUFFER;

	return setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
}

static struct sockaddr_in6
endpoint(const struct addr *a, uint16_t port)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (a != NULL)
		memcpy(&sin6.sin6_addr, a->b, sizeof sin6.sin6_addr);
	return sin6;
}

/* An address that is new on its link is not ours to bind for a second or two, and is all
 * the same (RFC 4862, 5.4). */
static int
bind_to(int fd, const struct addr *a, uint16_t port)
{
	struct sockaddr_in6 sin6 = endpoint(a, port);

	if (a != NULL && set_one(fd, IPPROTO_IPV6, IPV6_FREEBIND) != 0)
		return ERR_SYS;
	return bind(fd, (struct sockaddr *)&sin6, sizeof sin6);
}

static int
make(int type)
{
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && set_one(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0)
		return give_up(fd);
	return fd;
}

int
socket_ear6(const struct link *l, uint16_t port, bool joins)
{
	int fd = make(SOCK_DGRAM);

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) != 0 ||
	    set_buffer(fd, SO_RCVBUFFORCE) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->name,
		(socklen_t)strlen(l->name)) != 0 ||
	    (joins && set_one(fd, SOL_SOCKET, SO_REUSEPORT) != 0) ||
	    bind_to(fd, NULL, port) != 0 || set_one(fd, SOL_SOCKET, SO_REUSEPORT) != 0)
		return give_up(fd);
	/* Says ENOTCONN on an unconnected socket, and shuts it for writing all the same. */
	if (shutdown(fd, SHUT_WR) != 0 && errno != ENOTCONN)
		return give_up(fd);
	return fd;
}

int
socket_mouth6(const struct link *l, uint16_t port)
{
	struct sockaddr_in6 hole = endpoint(&l->address6, 1);
	int fd = make(SOCK_DGRAM);

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, SOL_SOCKET, SO_REUSEPORT) != 0 ||
	    bind_to(fd, &l->address6, port) != 0 ||
	    connect(fd, (struct sockaddr *)&hole, sizeof hole) != 0)
		return give_up(fd);
	return fd;
}

int
socket_listen6(const struct link *l, uint16_t port)
{
	int fd = make(SOCK_STREAM);

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
	    bind_to(fd, &l->address6, port) != 0 || listen(fd, 1024) != 0)
		return give_up(fd);
	return fd;
}

int
socket_transfer6(uint16_t port)
{
	int fd = make(SOCK_DGRAM);

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) != 0 ||
	    set_buffer(fd, SO_RCVBUFFORCE) != 0 || set_buffer(fd, SO_SNDBUFFORCE) != 0 ||
	    bind_to(fd, NULL, port) != 0)
		return give_up(fd);
	return fd;
}

/* Global, or local to a site (RFC 4193). */
static bool
is_for_all_links(const struct addr *a)
{
	return (a->b[0] & 0xe0) == 0x20 || (a->b[0] & 0xfe) == 0xfc;
}

int
link_find6(struct link *l)
{
	struct ifaddrs *all, *i;
	int err = ERR_ABSENT;

	if (getifaddrs(&all) != 0)
		return ERR_SYS;
	for (i = all; i != NULL && err != 0; i = i->ifa_next) {
		struct sockaddr_in6 sin6;
		struct addr a = {.family = ADDR_V6};

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6 ||
		    strcmp(i->ifa_name, l->name) != 0)
			continue;
		memcpy(&sin6, i->ifa_addr, sizeof sin6);
		memcpy(a.b, &sin6.sin6_addr, sizeof a.b);
		if (l->find6 ? !is_for_all_links(&a) : !addr_equal(&a, &l->address6))
			continue;
		l->address6 = a;
		err = 0;
	}
	freeifaddrs(all);
	return err;
}
