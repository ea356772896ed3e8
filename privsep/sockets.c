/*
 * Makes the network sockets. Runs in the supervisor as root; nothing is ever read
 * from or written to them here.
 */
#include "privsep/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EAR_BUFFER (4 << 20) /* bytes: a storm of a few thousand requests */

static struct sockaddr_in
endpoint(const struct addr *a, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (a != NULL)
		memcpy(&sin.sin_addr, a->b, sizeof sin.sin_addr);
	return sin;
}

static int
give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return ERR_SYS;
}

static int
bind_to(int fd, const struct addr *a, uint16_t port)
{
	struct sockaddr_in sin = endpoint(a, port);

	return bind(fd, (struct sockaddr *)&sin, sizeof sin);
}

static int
set_one(int fd, int level, int option)
{
	int one = 1;

	return setsockopt(fd, level, option, &one, sizeof one);
}

static int
udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Bound alone, so that a server that is there already is noticed; then open to the mouth
 * of its port, which is bound next and by the same user. One that is added to others can
 * notice only servers that do not share their port. */
int
socket_ear(const struct link *l, uint16_t port, bool joins)
{
	int fd = udp(), size = EAR_BUFFER;

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, IPPROTO_IP, IP_PKTINFO) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
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
socket_mouth(const struct link *l, uint16_t port)
{
	struct sockaddr_in hole = endpoint(&l->address, 1);
	int fd = udp();

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, SOL_SOCKET, SO_REUSEPORT) != 0 ||
	    bind_to(fd, &l->address, port) != 0 ||
	    connect(fd, (struct sockaddr *)&hole, sizeof hole) != 0)
		return give_up(fd);
	return fd;
}

int
socket_seal(int fd)
{
	int no = 0;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &no, sizeof no) == 0 ? 0 : ERR_SYS;
}

int
socket_unseal(int fd)
{
	return set_one(fd, SOL_SOCKET, SO_REUSEPORT) == 0 ? 0 : ERR_SYS;
}

int
socket_frames(const struct link *l)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET, .sll_ifindex = (int)l->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_SYS;
	if (bind(fd, (struct sockaddr *)&sll, sizeof sll) != 0)
		return give_up(fd);
	return fd;
}

int
socket_listen(const struct link *l, uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_SYS;
	/* Accepted sockets have TCP_NODELAY from here. */
	if (set_one(fd, SOL_SOCKET, SO_REUSEADDR) != 0 ||
	    set_one(fd, IPPROTO_TCP, TCP_NODELAY) != 0 ||
	    bind_to(fd, &l->address, port) != 0 || listen(fd, 4096) != 0)
		return give_up(fd);
	return fd;
}

int
socket_transfer(uint16_t port)
{
	int fd = udp(), size = EAR_BUFFER;

	if (fd < 0)
		return ERR_SYS;
	if (set_one(fd, IPPROTO_IP, IP_PKTINFO) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0 ||
	    bind_to(fd, NULL, port) != 0)
		return give_up(fd);
	return fd;
}

static uint8_t
mask_length(const struct sockaddr *mask)
{
	struct sockaddr_in sin;
	uint32_t m;

	memcpy(&sin, mask, sizeof sin);
	m = ntohl(sin.sin_addr.s_addr);
	return (uint8_t)(m == 0 ? 0 : 32 - __builtin_ctz(m));
}

/* The configured address must be there; without one the first is taken. */
static int
find_address(struct link *l)
{
	struct ifaddrs *all, *i;
	int err = ERR_ABSENT;

	if (getifaddrs(&all) != 0)
		return ERR_SYS;
	for (i = all; i != NULL && err != 0; i = i->ifa_next) {
		struct sockaddr_in sin;
		struct addr a;

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
		    i->ifa_netmask == NULL || strcmp(i->ifa_name, l->name) != 0)
			continue;
		memcpy(&sin, i->ifa_addr, sizeof sin);
		a = addr_v4(ntohl(sin.sin_addr.s_addr));
		if (l->address.family != ADDR_NONE && !addr_equal(&a, &l->address))
			continue;
		l->address = a;
		l->prefix = mask_length(i->ifa_netmask);
		err = 0;
	}
	freeifaddrs(all);
	return err;
}

int
link_resolve(struct link *l, const char **why)
{
	struct ifreq req;
	int fd = udp(), err = ERR_ABSENT;

	*why = "no such interface";
	if (fd < 0)
		return ERR_SYS;
	memset(&req, 0, sizeof req);
	memcpy(req.ifr_name, l->name, sizeof req.ifr_name);
	l->ifindex = if_nametoindex(l->name);
	if (l->ifindex == 0 || ioctl(fd, SIOCGIFMTU, &req) != 0)
		goto out;
	l->mtu = (uint32_t)req.ifr_mtu;
	*why = "not an Ethernet interface";
	if (ioctl(fd, SIOCGIFHWADDR, &req) != 0 || req.ifr_hwaddr.sa_family != 1)
		goto out;
	memcpy(l->mac.b, req.ifr_hwaddr.sa_data, sizeof l->mac.b);
	*why = "the interface does not have that IPv4 address (or none at all)";
	err = find_address(l);
	if (err == 0 && (l->find6 || l->address6.family != ADDR_NONE)) {
		*why = "the interface does not have that IPv6 address (or none but those "
		       "of its link alone)";
		err = link_find6(l);
	}
out:
	close(fd);
	return err;
}
