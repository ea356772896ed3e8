/*
 * The ear of DHCPv4: takes datagrams from ports 67 and 4011, decodes them and tells the
 * broker. Runs in its cage with no privilege and cannot send on any of these sockets.
 * Whatever it hears is hostile until dhcp4_decode has accepted it, and the broker still
 * does not trust what it is told. Nothing is allocated after the cage.
 */
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/log.h"
#include "src/dhcp-parser/tell.h"
#include "src/wire/dhcp4.h"

#define BATCH 32        /* datagrams of one socket a turn */
#define QUEUE_DEPTH 512 /* requests that wait for a busy broker */

struct ear {
	int fd;
	uint8_t link;
	uint8_t service; /* 0: port 67, 1: port 4011 */
};

/* The receive buffers, shared by the ears in turn. */
struct batch {
	struct mmsghdr hdrs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in from[BATCH];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control[BATCH];
	uint8_t bytes[BATCH][DHCP4_PACKET_MAX];
};

static struct start start;
static struct chan broker;
static struct ear ears[2 * LINKS_MAX];
static unsigned nears;
static struct batch batch;
static uint64_t faults[DHCP4_FAULT_MAX];

static void
add_ears(void)
{
	for (unsigned i = 0; i < start.nlinks; i++) {
		ears[nears++] = (struct ear){FD_RX67 + (int)i, (uint8_t)i, 0};
		ears[nears++] = (struct ear){FD_RX4011 + (int)i, (uint8_t)i, 1};
	}
}

static struct addr
address(struct in_addr a)
{
	uint32_t v4 = ntohl(a.s_addr);
	struct addr none = {.family = ADDR_NONE};

	return v4 == 0 ? none : addr_v4(v4);
}

/* Where the datagram was sent to. False unless the kernel says that it came in on the
 * link that this ear is for. */
static bool
find_target(struct msghdr *hdr, const struct link *l, struct addr *to)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(hdr);
	struct in_pktinfo info;

	if (cm == NULL || cm->cmsg_level != IPPROTO_IP || cm->cmsg_type != IP_PKTINFO ||
	    cm->cmsg_len < CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	*to = address(info.ipi_addr);
	return (uint32_t)info.ipi_ifindex == l->ifindex;
}

static void
count_fault(const struct link *l, const struct addr *src, int err, size_t len)
{
	char text[ADDR_TEXT_MAX];

	faults[-err]++;
	log_limited(LOG_NOTICE, "dhcp-malformed",
	    "link=%s from=%s reason=%s bytes=%zu so-far=%llu", l->name,
	    addr_format(src, text), dhcp4_fault_name(err), len,
	    (unsigned long long)faults[-err]);
}

/* The menu entry that needs them is not served: nobody could check them. */
static void
count_credentials(const struct msg_dhcp_tell *t)
{
	static uint64_t count;
	char text[ADDR_TEXT_MAX];

	count++;
	log_limited(LOG_NOTICE, "dhcp-credentials", "link=%s from=%s so-far=%llu",
	    start.links[t->link].name, addr_format(&t->src, text),
	    (unsigned long long)count);
}

static void
tell_broker(struct msg *m, const struct dhcp4_request *q)
{
	struct msg_dhcp_tell *t = &m->u.dhcp_tell;

	m->nr = MSG_DHCP_TELL;
	tell_fill(t, q);
	if (q->credentials)
		count_credentials(t);
	chan_send_or_drop(&broker, m);
}

static void
on_datagram(const struct ear *e, unsigned i)
{
	static struct msg m;
	struct msghdr *hdr = &batch.hdrs[i].msg_hdr;
	const struct sockaddr_in *from = &batch.from[i];
	const struct link *l = &start.links[e->link];
	struct msg_dhcp_tell *t = &m.u.dhcp_tell;
	size_t len = batch.hdrs[i].msg_len;
	static struct dhcp4_request q;
	int err;

	if (hdr->msg_namelen < sizeof *from || from->sin_family != AF_INET ||
	    !find_target(hdr, l, &t->dst)) {
		log_limited(LOG_WARNING, "dhcp-no-link", "link=%s", l->name);
		return;
	}
	t->src = address(from->sin_addr);
	t->sport = ntohs(from->sin_port);
	t->link = e->link;
	t->service = e->service;
	if ((hdr->msg_flags & MSG_TRUNC) != 0)
		err = -DHCP4_LONG;
	else
		err = dhcp4_decode(batch.bytes[i], len, &q);
	if (err != 0)
		count_fault(l, &t->src, err, len);
	else
		tell_broker(&m, &q);
}

/* What the kernel has changed of a header is set again. */
static void
prepare(unsigned i)
{
	struct msghdr *hdr = &batch.hdrs[i].msg_hdr;

	batch.iov[i] = (struct iovec){batch.bytes[i], sizeof batch.bytes[i]};
	hdr->msg_name = &batch.from[i];
	hdr->msg_namelen = sizeof batch.from[i];
	hdr->msg_iov = &batch.iov[i];
	hdr->msg_iovlen = 1;
	hdr->msg_control = &batch.control[i];
	hdr->msg_controllen = sizeof batch.control[i];
	hdr->msg_flags = 0;
}

static void
listen_once(const struct ear *e)
{
	/* An error here is the interface's (it went down); the next poll says more. */
	int n = recvmmsg(e->fd, batch.hdrs, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		on_datagram(e, (unsigned)i);
	for (int i = 0; i <= n && i < BATCH; i++)
		prepare((unsigned)i);
}

/* One batch of each ear that has something; a different one is first each time, so that
 * a full queue hits all of them. */
static void
listen_all(const struct pollfd *ready)
{
	static unsigned first;
	uint64_t dropped = broker.dropped;

	first++;
	for (unsigned i = 0; i < nears; i++) {
		unsigned k = (first + i) % nears;

		if (ready[k].revents != 0)
			listen_once(&ears[k]);
	}
	chan_flush(&broker);
	if (broker.dropped != dropped)
		log_limited(LOG_WARNING, "dhcp-overload", "dropped=%llu so-far=%llu",
		    (unsigned long long)(broker.dropped - dropped),
		    (unsigned long long)broker.dropped);
}

static void
on_notice(void)
{
	enum role role;
	unsigned index;

	if (!super_poll(&role, &index))
		return;
	if (role == ROLE_BROKER)
		chan_reset(&broker);
	super_cleared(role, index);
}

static void
loop(void)
{
	struct pollfd p[2 + 2 * LINKS_MAX] = {{.fd = FD_SUPER, .events = POLLIN}};

	for (unsigned i = 0; i < nears; i++)
		p[2 + i] = (struct pollfd){.fd = ears[i].fd, .events = POLLIN};
	for (;;) {
		/* The broker has nothing to say here; only room in its queue matters. */
		p[1].fd = chan_blocked(&broker) ? FD_BROKER : -1;
		p[1].events = POLLOUT;
		if (ppoll(p, 2 + nears, NULL, NULL) < 0)
			continue;
		if (p[0].revents != 0)
			on_notice();
		if (p[1].revents != 0)
			chan_flush(&broker);
		listen_all(p + 2);
	}
}

int
main(int argc, char **argv)
{
	start_init(&start, ROLE_DHCP_PARSER, argc, argv);
	add_ears();
	for (unsigned i = 0; i < BATCH; i++)
		prepare(i);
	chan_init(&broker, FD_BROKER, ROLE_DHCP_PARSER, ROLE_BROKER, 0, QUEUE_DEPTH);
	broker.bundles = true;
	cage_enter(&start, NULL);
	start_ready();
	loop();
}
