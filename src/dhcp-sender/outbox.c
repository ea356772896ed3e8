/*
 * Datagrams on their way out. Runs in dhcp-sender, in its cage; what is in them and where
 * they may go has been judged before.
 */
#include "src/dhcp-sender/outbox.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/err.h"

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define REPEATS 4 /* after errors that a forged ICMP message can cause */

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* The sockets are connected to a port where nobody is, so an ICMP message, which anyone
 * can forge, makes the next call report its error instead of sending. */
static bool
is_icmp_error(int e)
{
	return e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH;
}

/* 0 or an errno. */
static int
send_bytes(
    struct outbox *o, const struct outbox_group *g, unsigned first, unsigned n, bool many)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(g->port)};
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {(void *)(uintptr_t)(g->bytes + first * g->each), n * g->each};
	struct msghdr hdr = {.msg_name = &to,
	    .msg_namelen = sizeof to,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = many ? control.bytes : NULL,
	    .msg_controllen = many ? sizeof control.bytes : 0};
	uint16_t each = (uint16_t)g->each;

	memcpy(&to.sin_addr, g->to.b, sizeof to.sin_addr);
	control.align.cmsg_level = IPPROTO_UDP;
	control.align.cmsg_type = UDP_SEGMENT;
	control.align.cmsg_len = CMSG_LEN(sizeof each);
	memcpy(CMSG_DATA(&control.align), &each, sizeof each);
	for (unsigned i = 0;; i++) {
		if (sendmsg(g->fd, &hdr, SEND_FLAGS) >= 0)
			return 0;
		if (!is_icmp_error(errno) || i == REPEATS)
			return errno;
		o->icmp_errors++;
	}
}

/* Segments may be more than a path's MTU or an odd device takes: then one by one. */
static void
send_group(struct outbox *o, struct outbox_group *g)
{
	int e = send_bytes(o, g, 0, g->n, g->n > 1);

	if (e != 0 && g->n > 1) {
		for (unsigned i = 0; i < g->n; i++) {
			e = send_bytes(o, g, i, 1, false);
			o->sent += e == 0;
			o->failed += e != 0;
			o->last_error = e != 0 ? e : o->last_error;
		}
	} else {
		o->sent += e == 0 ? g->n : 0;
		o->failed += e != 0 ? g->n : 0;
		o->last_error = e != 0 ? e : o->last_error;
	}
	g->n = 0;
}

static bool
fits(const struct outbox_group *g, int fd, const struct addr *to, uint16_t port, size_t len)
{
	return g->n > 0 && g->fd == fd && g->port == port && g->each == len &&
	       addr_equal(&g->to, to);
}

static struct outbox_group *
group_for(struct outbox *o, int fd, const struct addr *to, uint16_t port, size_t len)
{
	struct outbox_group *g = NULL;

	for (unsigned i = 0; i < OUTBOX_GROUPS; i++) {
		if (fits(&o->groups[i], fd, to, port, len))
			return &o->groups[i];
		if (g == NULL && o->groups[i].n == 0)
			g = &o->groups[i];
	}
	if (g == NULL) {
		g = &o->groups[o->oldest++ % OUTBOX_GROUPS];
		send_group(o, g);
	}
	g->fd = fd;
	g->to = *to;
	g->port = port;
	g->each = len;
	return g;
}

void
outbox_add(struct outbox *o, int fd, const struct addr *to, uint16_t port,
    const uint8_t *bytes, size_t len)
{
	struct outbox_group *g;

	if (len == 0 || len > DHCP4_PACKET_MAX)
		bug("a datagram of an impossible length");
	g = group_for(o, fd, to, port, len);
	memcpy(g->bytes + g->n * g->each, bytes, len);
	if (++g->n == OUTBOX_SEGMENTS)
		send_group(o, g);
}

void
outbox_flush(struct outbox *o)
{
	for (unsigned i = 0; i < OUTBOX_GROUPS; i++)
		if (o->groups[i].n > 0)
			send_group(o, &o->groups[i]);
}
