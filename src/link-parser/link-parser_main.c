/*
 * The ear of the links: who answers for an address that is about to be given away, and
 * which other DHCP servers there are. Frames come through rings, memory that the kernel
 * writes to; the sockets behind them are closed before the cage, so that nothing is left
 * to send on. Whatever it hears is hostile until decoded, and the broker still does not
 * trust what it is told. Nothing is allocated after the cage.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/ring.h"
#include "privsep/start.h"
#include "src/base/log.h"
#include "src/link-parser/heard.h"

#define BATCH 32        /* echo replies a turn */
#define PACKET_MAX 512  /* of an echo reply: ours are 36 bytes long */
#define QUEUE_DEPTH 512 /* messages that wait for a busy broker */

static struct start start;
static struct chan broker;
static uint8_t *rings[LINKS_MAX];
static uint16_t ident;
static uint64_t malformed;

/* ------------------------------------------------------------- before the cage */

/*
 * The kernel wakes the set once for each frame (an error of the interface, which nobody
 * could take off any more, wakes it once as well). The set keeps watching after close: the
 * supervisor has a copy of the socket.
 */
static void
adopt_ring(unsigned i)
{
	int fd = FD_RING + (int)i;
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u32 = i};
	void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ring == MAP_FAILED)
		start_fail("packet ring: mapping");
	if (epoll_ctl(FD_WAIT, EPOLL_CTL_ADD, fd, &e) != 0)
		start_fail("packet ring: epoll set");
	if (close(fd) != 0)
		start_fail("packet ring: close");
	rings[i] = ring;
}

static void
adopt_rings(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || (fd != FD_WAIT && dup3(fd, FD_WAIT, O_CLOEXEC) < 0))
		start_fail("epoll set");
	if (fd != FD_WAIT)
		close(fd);
	for (unsigned i = 0; i < start.nlinks; i++)
		adopt_ring(i);
}

/* -------------------------------------------------------------------- hearing */

static void
judge(enum heard heard, struct msg *m, const char *where)
{
	if (heard == HEARD_GOOD) {
		chan_send_or_drop(&broker, m);
	} else if (heard == HEARD_MALFORMED) {
		malformed++;
		log_limited(LOG_NOTICE, "link-malformed", "link=%s so-far=%llu", where,
		    (unsigned long long)malformed);
	}
}

/* The header is as trusted as the frame: an owned process that had this ring before may
 * have written it. */
static void
on_slot(unsigned link, const uint8_t *slot)
{
	static struct msg m = {.nr = MSG_HEARD_TELL};
	struct tpacket2_hdr h;
	size_t at, len;

	memcpy(&h, slot, sizeof h);
	at = h.tp_mac;
	len = h.tp_snaplen;
	if (at < sizeof h || at > RING_SLOT || len > RING_SLOT - at)
		return;
	judge(heard_frame(&start, link, slot + at, len, &m.u.heard_tell), &m,
	    start.links[link].name);
}

/* All slots are looked at: where the kernel goes on writing is not known to a process that
 * takes over a ring, and their order does not matter. */
static void
read_ring(unsigned link)
{
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		uint8_t *slot = rings[link] + (size_t)i * RING_SLOT;
		uint32_t *status =
		    &((struct tpacket2_hdr *)__builtin_assume_aligned(slot, 16))->tp_status;

		if ((__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
			continue;
		on_slot(link, slot);
		__atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

static void
read_rings(void)
{
	struct epoll_event events[LINKS_MAX];
	int n = epoll_pwait(FD_WAIT, events, LINKS_MAX, 0, NULL);

	for (int i = 0; i < n; i++)
		if (events[i].data.u32 < start.nlinks)
			read_ring(events[i].data.u32);
}

static void
hear_echoes(void)
{
	static struct msg m = {.nr = MSG_HEARD_TELL};
	static uint8_t bytes[BATCH][PACKET_MAX];
	struct mmsghdr hdrs[BATCH];
	struct iovec iov[BATCH];
	int n;

	memset(hdrs, 0, sizeof hdrs);
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){bytes[i], sizeof bytes[i]};
		hdrs[i].msg_hdr.msg_iov = &iov[i];
		hdrs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(FD_ECHO_EAR, hdrs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		judge(
		    heard_echo(ident, bytes[i], hdrs[i].msg_len, &m.u.heard_tell), &m, "-");
}

static void
tell_all(uint64_t dropped_before)
{
	chan_flush(&broker);
	if (broker.dropped != dropped_before)
		log_limited(LOG_WARNING, "link-overload", "dropped=%llu so-far=%llu",
		    (unsigned long long)(broker.dropped - dropped_before),
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
	struct pollfd p[4] = {{.fd = FD_SUPER, .events = POLLIN}, {.events = POLLOUT},
	    {.fd = FD_WAIT, .events = POLLIN}, {.fd = FD_ECHO_EAR, .events = POLLIN}};

	for (;;) {
		uint64_t dropped = broker.dropped;

		/* The broker has nothing to say here; only room in its queue matters. */
		p[1].fd = chan_blocked(&broker) ? FD_BROKER : -1;
		if (ppoll(p, 4, NULL, NULL) < 0)
			continue;
		if (p[0].revents != 0)
			on_notice();
		if (p[2].revents != 0)
			read_rings();
		if (p[3].revents != 0)
			hear_echoes();
		tell_all(dropped);
	}
}

int
main(int argc, char **argv)
{
	start_init(&start, ROLE_LINK_PARSER, argc, argv);
	ident = (uint16_t)start_number(&start, "echo", 0, UINT16_MAX);
	errno = 0;
	adopt_rings();
	chan_init(&broker, FD_BROKER, ROLE_LINK_PARSER, ROLE_BROKER, 0, QUEUE_DEPTH);
	cage_enter(&start, NULL);
	start_ready();
	loop();
}
