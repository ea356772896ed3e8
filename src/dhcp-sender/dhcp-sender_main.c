/*
 * The mouth of DHCPv4: makes packets of the broker's replies and sends them, and asks its
 * questions about addresses and other servers. Runs in its cage with no privilege and
 * receives nothing from the network; of a client's data it only copies options 61, 82 and
 * 97. It does not trust the broker: each reply and question is judged again, and one that
 * breaks a rule ends the broker.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/dhcp-sender/outbox.h"
#include "src/dhcp-sender/probe_check.h"
#include "src/dhcp-sender/probe_send.h"
#include "src/dhcp-sender/reply_check.h"
#include "src/dhcp-sender/reply_wire.h"
#include "src/wire/frame.h"

#define TURN 128         /* replies before the supervisor is looked at again */
#define PXE_PORT 4011    /* RFC 4578's boot service */
#define HW_TEXT_MAX 48   /* 16 bytes with colons, and NUL */
#define BOOTFILE_MAX 260 /* escaped, for the log */
#define BOOT_LINES 200   /* log lines a second about machines that boot */
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

static struct start start;
static struct chan broker;
static struct outbox outbox;
static uint64_t failed; /* frames */

/* Around ARP: the client cannot answer for an address that it is only being offered. */
static int
send_frame(
    const struct msg_reply_tell *m, const struct link *l, const uint8_t *packet, size_t len)
{
	static const struct mac everyone = {{255, 255, 255, 255, 255, 255}};
	static uint8_t bytes[FRAME_HEAD_LEN + DHCP4_PACKET_MAX];
	struct frame_udp4 f = {
	    .from_mac = l->mac,
	    .to_mac = everyone,
	    .from = l->address,
	    .to = addr_v4(INADDR_BROADCAST),
	    .from_port = m->service == 0 ? DHCP_SERVER_PORT : PXE_PORT,
	    .to_port = m->service == 0 ? DHCP_CLIENT_PORT : m->to_port,
	};
	int n;

	if (m->way == 0) {
		memcpy(f.to_mac.b, m->hw.b, sizeof f.to_mac.b);
		f.to = *reply_frame_target(m);
	}
	n = frame_encode_udp4(&f, packet, len, bytes, sizeof bytes);
	if (n < 0)
		bug("a frame that does not fit its buffer");
	return sendto(FD_FRAME + m->link, bytes, (size_t)n, SEND_FLAGS, NULL, 0) < 0 ? errno
										     : 0;
}

static const char *
hw_format(const struct msg_reply_tell *m, char text[HW_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *t = text;

	if (m->hw.len == 0)
		return "-";
	for (unsigned i = 0; i < m->hw.len && i < DHCP4_HW_MAX; i++) {
		*t++ = digits[m->hw.b[i] >> 4];
		*t++ = digits[m->hw.b[i] & 15];
		*t++ = ':';
	}
	t[-1] = '\0';
	return text;
}

static const char *
event_name(uint8_t type)
{
	switch (type) {
	case DHCP4_OFFER: return "dhcp-offer";
	case DHCP4_ACK: return "dhcp-ack";
	case DHCP4_NAK: return "dhcp-nak";
	default: return "dhcp-bootp";
	}
}

/* A machine that boots, or is refused, is news, within bounds; leases of thousands of
 * others are not, and a line for each would cost more than the reply. */
static void
log_reply(const struct msg_reply_tell *m, const struct link *l)
{
	const struct addr *ip = addr_is_unset(&m->yiaddr) ? &m->ciaddr : &m->yiaddr;
	char hw[HW_TEXT_MAX], address[ADDR_TEXT_MAX], file[BOOTFILE_MAX];

	if (m->bootfile[0] == '\0' && m->type != DHCP4_NAK) {
		log_event(LOG_DEBUG, event_name(m->type),
		    "session=%08x link=%s mac=%s ip=%s bootfile=-", m->session, l->name,
		    hw_format(m, hw), addr_format(ip, address));
		return;
	}
	log_at_most(BOOT_LINES, LOG_INFO, event_name(m->type),
	    "session=%08x link=%s mac=%s ip=%s bootfile=%s", m->session, l->name,
	    hw_format(m, hw), addr_format(ip, address),
	    m->bootfile[0] == '\0'
		? "-"
		: log_quote(m->bootfile, strlen(m->bootfile), file, sizeof file));
}

static void
transmit(
    const struct msg_reply_tell *m, const struct link *l, const uint8_t *packet, size_t len)
{
	int e = 0;

	if (m->way == 2)
		outbox_add(&outbox, (m->service == 0 ? FD_TX67 : FD_TX4011) + m->link,
		    &m->to, m->to_port, packet, len);
	else
		e = send_frame(m, l, packet, len);
	if (e == 0) {
		log_reply(m, l);
		return;
	}
	failed++;
	log_limited(LOG_WARNING, "dhcp-send-failed",
	    "session=%08x link=%s way=%u error=%s so-far=%llu", m->session, l->name, m->way,
	    strerrorname_np(e), (unsigned long long)failed);
}

/* What the turn has put into the outbox leaves, and what came of it is said. */
static void
send_outbox(void)
{
	uint64_t icmp = outbox.icmp_errors, lost = outbox.failed;

	outbox_flush(&outbox);
	if (outbox.icmp_errors != icmp)
		log_limited(LOG_WARNING, "dhcp-icmp-error", "so-far=%llu",
		    (unsigned long long)outbox.icmp_errors);
	if (outbox.failed != lost)
		log_limited(LOG_WARNING, "dhcp-send-failed", "error=%s so-far=%llu",
		    strerrorname_np(outbox.last_error),
		    (unsigned long long)(failed + outbox.failed));
}

static void
on_reply_tell(const struct msg_reply_tell *m)
{
	const char *why = reply_check(&start, m);
	static uint8_t packet[DHCP4_PACKET_MAX];
	const struct link *l;
	struct dhcp4_reply r;
	unsigned left_out;
	int n;

	if (why != NULL) {
		chan_peer_fault(&broker, why);
		return;
	}
	l = &start.links[m->link];
	r = reply_wire(m, l->mtu);
	n = dhcp4_encode(&r, packet, sizeof packet, &left_out);
	if (n == ERR_LONG) {
		/* The client's own doing: what it wants echoed leaves no room. */
		log_limited(LOG_WARNING, "dhcp-reply-too-long", "session=%08x link=%s",
		    m->session, l->name);
		return;
	}
	if (n < 0) {
		chan_peer_fault(&broker, "a reply that cannot be encoded");
		return;
	}
	if (left_out > 0)
		log_limited(LOG_NOTICE, "dhcp-options-left-out",
		    "session=%08x link=%s options=%u", m->session, l->name, left_out);
	transmit(m, l, packet, (size_t)n);
}

/* The rate is the last thing to look at: it counts what would be sent. */
static void
on_probe_tell(const struct msg_probe_tell *m)
{
	const char *why = probe_check(&start, m);

	if (why != NULL) {
		chan_peer_fault(&broker, why);
		return;
	}
	if (probe_may_send(m->kind, clock_mono_ms()))
		probe_send(&start, m);
}

/* True when there may be more, which poll would not show: the channel reads ahead. */
static bool
take_replies(void)
{
	static struct msg m;

	for (unsigned i = 0; i < TURN; i++) {
		if (chan_recv(&broker, &m, NULL) != 1)
			return false;
		if (m.nr == MSG_REPLY_TELL)
			on_reply_tell(&m.u.reply_tell);
		else if (m.nr == MSG_PROBE_TELL)
			on_probe_tell(&m.u.probe_tell);
	}
	return true;
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
	static const struct timespec at_once;
	struct pollfd p[2] = {{.fd = FD_SUPER, .events = POLLIN}, {.events = POLLIN}};
	bool more = false;

	for (;;) {
		p[1].fd = broker.breached ? -1 : FD_BROKER;
		if (ppoll(p, 2, more ? &at_once : NULL, NULL) < 0)
			continue;
		if (p[0].revents != 0)
			on_notice();
		more = take_replies();
		send_outbox();
	}
}

int
main(int argc, char **argv)
{
	start_init(&start, ROLE_DHCP_SENDER, argc, argv);
	probe_init(&start);
	chan_init(&broker, FD_BROKER, ROLE_DHCP_SENDER, ROLE_BROKER, 0, 1);
	broker.polled = true;
	cage_enter(&start, NULL);
	start_ready();
	loop();
}
