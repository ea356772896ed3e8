/*
 * The ear of TFTP: takes requests from port 69, decodes them, folds the name, and tells the
 * broker. Runs in its cage with no privilege and cannot send on any of these sockets: also
 * what is refused here is answered, if at all, by file-sender. Every datagram is hostile,
 * and nothing is allocated after the cage.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/log.h"
#include "src/tftp-parser/origin.h"
#include "src/wire/path.h"
#include "src/wire/tftp.h"

#define BATCH 32        /* datagrams of one socket a turn */
#define QUEUE_DEPTH 512 /* requests that wait for a busy broker */
#define SHOWN_MAX 128   /* of a client's name in a log line */

/* The receive buffers, shared by the sockets in turn. One byte more than a request may
 * have, so that a longer one is seen as such. */
struct batch {
	struct mmsghdr hdrs[BATCH];
	struct iovec iov[BATCH];
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from[BATCH];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control[BATCH];
	uint8_t bytes[BATCH][TFTP_REQUEST_MAX + 1];
};

/* What happened to datagrams that came to nothing. */
struct drops {
	uint64_t origin[ORIGIN_MAX];
	uint64_t target;
	uint64_t malformed;
};

static struct start start;
static struct chan broker;
static struct batch batch;
static struct drops drops;
static bool single; /* transfers are on port 69 as well */

/* Whose datagram it is, where it came in, and what it was sent to. */
struct source {
	unsigned link;
	struct addr peer, local;
	uint16_t port;
};

/* The address that the datagram was sent to. False unless it came in on this link and to
 * one of our own addresses: a request to a broadcast address is ignored (RFC 1123,
 * 4.2.3.5), and the kernel shows it by naming another address as the one to answer from. */
static bool
find_target(struct msghdr *hdr, const struct link *l, struct addr *local)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(hdr);
	struct in_pktinfo info;

	if (cm == NULL || cm->cmsg_level != IPPROTO_IP || cm->cmsg_type != IP_PKTINFO ||
	    cm->cmsg_len < CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	if (info.ipi_addr.s_addr == 0 || info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr)
		return false;
	*local = addr_v4(ntohl(info.ipi_addr.s_addr));
	return (uint32_t)info.ipi_ifindex == l->ifindex;
}

/* The same over IPv6, where only what we serve files from counts: no group, no address of
 * the link alone. */
static bool
find_target6(struct msghdr *hdr, const struct link *l, struct addr *local)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(hdr);
	struct in6_pktinfo info;

	if (cm == NULL || cm->cmsg_level != IPPROTO_IPV6 || cm->cmsg_type != IPV6_PKTINFO ||
	    cm->cmsg_len < CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	local->family = ADDR_V6;
	memcpy(local->b, &info.ipi6_addr, sizeof local->b);
	if (info.ipi6_ifindex != l->ifindex)
		return false;
	for (unsigned i = 0; i < start.nlinks; i++)
		if (addr_equal(local, &start.links[i].address6))
			return true;
	return false;
}

static bool
find_source(unsigned i, bool v6, struct source *from)
{
	const struct link *l = &start.links[from->link];
	const struct sockaddr_in *v4 = &batch.from[i].v4;
	const struct sockaddr_in6 *six = &batch.from[i].v6;

	if (v6) {
		from->peer = (struct addr){.family = ADDR_V6};
		memcpy(from->peer.b, &six->sin6_addr, sizeof from->peer.b);
		from->port = ntohs(six->sin6_port);
		return find_target6(&batch.hdrs[i].msg_hdr, l, &from->local);
	}
	from->peer = addr_v4(ntohl(v4->sin_addr.s_addr));
	from->port = ntohs(v4->sin_port);
	return find_target(&batch.hdrs[i].msg_hdr, l, &from->local);
}

/* The error to answer with, or 0 and the name. */
static uint8_t
judge(const struct tftp_request *r, const struct link *l, const struct addr *peer,
    char name[PATH_FOLDED_MAX + 1])
{
	char from[ADDR_TEXT_MAX], shown[SHOWN_MAX];
	int err = path_fold(r->name, r->name_len, PATH_TFTP, name);

	if (r->mode != TFTP_OCTET && r->mode != TFTP_NETASCII)
		return TFTP_ERR_ILLEGAL;
	if (r->write)
		return TFTP_ERR_ACCESS;
	if (err == 0)
		return 0;
	log_limited(LOG_NOTICE, "tftp-name-refused",
	    "link=%s from=%s reason=\"%s\" name=%s", l->name, addr_format(peer, from),
	    err_text(err), log_quote(r->name, r->name_len, shown, sizeof shown));
	return TFTP_ERR_NOT_FOUND;
}

static void
tell_broker(const struct tftp_request *r, const struct source *from)
{
	struct msg m = {.nr = MSG_RRQ_TELL};
	struct msg_rrq_tell *t = &m.u.rrq_tell;

	t->link = (uint8_t)from->link;
	t->peer = from->peer;
	t->port = from->port;
	t->local = from->local;
	t->options = r->options;
	t->blksize = r->blksize;
	t->timeout = r->timeout;
	t->windowsize = r->windowsize;
	t->rollover = r->rollover;
	t->netascii = r->mode == TFTP_NETASCII;
	t->fault = judge(r, &start.links[from->link], &from->peer, t->name);
	chan_send_or_drop(&broker, &m);
}

/* What a client says in a transfer from port 69. */
static int
pass_reply(unsigned i, size_t len, const struct source *from)
{
	struct msg m = {.nr = MSG_TFTP_REPLY_TELL};
	struct msg_tftp_reply_tell *t = &m.u.tftp_reply_tell;
	struct tftp_reply r;
	int err = tftp_decode_reply(batch.bytes[i], len, &r);

	if (err != 0)
		return err;
	t->link = (uint8_t)from->link;
	t->peer = from->peer;
	t->port = from->port;
	t->local = from->local;
	t->error = r.error;
	t->number = r.number;
	chan_send_or_drop(&broker, &m);
	return 0;
}

static void
on_malformed(const struct source *from, int err, size_t len)
{
	char text[ADDR_TEXT_MAX];

	drops.malformed++;
	log_limited(LOG_NOTICE, "tftp-malformed",
	    "link=%s from=%s reason=\"%s\" bytes=%zu so-far=%llu",
	    start.links[from->link].name, addr_format(&from->peer, text), err_text(err),
	    len, (unsigned long long)drops.malformed);
}

/* Is it for us, from somebody who may be answered? */
static bool
is_good(const struct source *from, bool for_us)
{
	const struct link *l = &start.links[from->link];
	enum origin origin;
	char text[ADDR_TEXT_MAX];

	if (!for_us) {
		drops.target++;
		log_limited(LOG_NOTICE, "tftp-not-for-us", "link=%s from=%s so-far=%llu",
		    l->name, addr_format(&from->peer, text),
		    (unsigned long long)drops.target);
		return false;
	}
	origin = origin_check(&from->peer, from->port, l, start.links, start.nlinks);
	if (origin == ORIGIN_GOOD)
		return true;
	drops.origin[origin]++;
	log_limited(LOG_NOTICE, "tftp-bad-origin",
	    "link=%s from=%s port=%u reason=\"%s\" so-far=%llu", l->name,
	    addr_format(&from->peer, text), from->port, origin_name(origin),
	    (unsigned long long)drops.origin[origin]);
	return false;
}

static void
on_datagram(unsigned link, bool v6, unsigned i)
{
	struct source from = {.link = link};
	size_t len = batch.hdrs[i].msg_len;
	struct tftp_request r;
	int err;

	if (!is_good(&from, find_source(i, v6, &from)))
		return;
	err = tftp_decode_request(batch.bytes[i], len, &r);
	if (err == 0)
		tell_broker(&r, &from);
	else if (err == ERR_UNSUPPORTED && single)
		err = pass_reply(i, len, &from);
	if (err != 0)
		on_malformed(&from, err, len);
}

static void
listen_once(unsigned link, bool v6)
{
	int n, fd = (v6 ? FD_RX69_V6 : FD_RX69) + (int)link;

	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *hdr = &batch.hdrs[i].msg_hdr;

		memset(&batch.from[i], 0, sizeof batch.from[i]);
		batch.iov[i] = (struct iovec){batch.bytes[i], sizeof batch.bytes[i]};
		hdr->msg_name = &batch.from[i];
		hdr->msg_namelen = sizeof batch.from[i];
		hdr->msg_iov = &batch.iov[i];
		hdr->msg_iovlen = 1;
		hdr->msg_control = &batch.control[i];
		hdr->msg_controllen = sizeof batch.control[i];
		hdr->msg_flags = 0;
	}
	n = recvmmsg(fd, batch.hdrs, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		log_limited(LOG_WARNING, "tftp-receive", "link=%s error=\"%s\"",
		    start.links[link].name, strerrordesc_np(errno));
	for (int i = 0; i < n; i++)
		on_datagram(link, v6, (unsigned)i);
}

/* One batch of each socket that has something; another one is first each time, so that a
 * full queue hits all links alike. */
static void
listen_all(const struct pollfd *ready)
{
	static unsigned first;
	uint64_t dropped = broker.dropped;

	first++;
	for (unsigned i = 0; i < start.nlinks; i++) {
		unsigned link = (first + i) % start.nlinks;

		if (ready[link].revents != 0)
			listen_once(link, false);
		if (ready[LINKS_MAX + link].revents != 0)
			listen_once(link, true);
	}
	chan_flush(&broker);
	if (broker.dropped != dropped)
		log_limited(LOG_WARNING, "tftp-overload", "dropped=%llu so-far=%llu",
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

	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *l = &start.links[i];
		bool there = i < (int)start.nlinks;

		p[2 + i] = (struct pollfd){there ? FD_RX69 + i : -1, POLLIN, 0};
		there = there && l->address6.family != ADDR_NONE;
		p[2 + LINKS_MAX + i] =
		    (struct pollfd){there ? FD_RX69_V6 + i : -1, POLLIN, 0};
	}
	for (;;) {
		/* The broker says nothing here; only room in its queue matters. */
		p[1].fd = chan_blocked(&broker) ? FD_BROKER : -1;
		p[1].events = POLLOUT;
		if (ppoll(p, 2 + 2 * LINKS_MAX, NULL, NULL) < 0)
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
	start_init(&start, ROLE_TFTP_PARSER, argc, argv);
	single = start_number(&start, "single_port", 0, 1) != 0;
	chan_init(&broker, FD_BROKER, ROLE_TFTP_PARSER, ROLE_BROKER, 0, QUEUE_DEPTH);
	cage_enter(&start, NULL);
	start_ready();
	loop();
}
