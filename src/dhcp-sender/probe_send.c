/*
 * Questions: ARP and DISCOVER as frames on one interface, echo requests through the ICMP
 * socket. Runs in dhcp-sender, which hears no answers; of the broker's words it takes the
 * address and a number.
 */
#include "src/dhcp-sender/probe_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/log.h"
#include "src/dhcp-sender/reply_check.h"
#include "src/wire/arp.h"
#include "src/wire/dhcp4_client.h"
#include "src/wire/frame.h"
#include "src/wire/icmp.h"

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

static uint16_t ident;

void
probe_init(const struct start *st)
{
	ident = (uint16_t)start_number(st, "echo", 0, UINT16_MAX);
}

static int
send_frame(unsigned link, const uint8_t *bytes, size_t len)
{
	int fd = FD_FRAME + (int)link;

	return sendto(fd, bytes, len, SEND_FLAGS, NULL, 0) < 0 ? errno : 0;
}

static int
ask_arp(const struct link *l, const struct msg_probe_tell *m)
{
	uint8_t bytes[ARP_FRAME_LEN];
	int n = arp_encode_probe(&l->mac, &m->target, bytes, sizeof bytes);

	if (n < 0)
		bug("a target that was not checked");
	return send_frame(m->link, bytes, (size_t)n);
}

static int
ask_echo(const struct msg_probe_tell *m)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint8_t bytes[ICMP_ECHO_LEN];
	int n = icmp_encode_echo(ident, m->number, bytes, sizeof bytes);

	if (n < 0)
		bug("an echo request that does not fit its buffer");
	memcpy(&to.sin_addr, m->target.b, sizeof to.sin_addr);
	return sendto(FD_ECHO_MOUTH, bytes, (size_t)n, SEND_FLAGS, (struct sockaddr *)&to,
		   sizeof to) < 0
		   ? errno
		   : 0;
}

/* As a machine without an address would ask, but for our own hardware address: the answer
 * shall come back to this link. */
static int
ask_servers(const struct link *l, const struct msg_probe_tell *m)
{
	const struct frame_udp4 f = {
	    .from_mac = l->mac,
	    .to_mac = {{255, 255, 255, 255, 255, 255}},
	    .from = addr_v4(INADDR_ANY),
	    .to = addr_v4(INADDR_BROADCAST),
	    .from_port = DHCP_CLIENT_PORT,
	    .to_port = DHCP_SERVER_PORT,
	};
	uint8_t packet[DHCP4_PROBE_LEN], bytes[FRAME_HEAD_LEN + DHCP4_PROBE_LEN];
	int n = dhcp4_client_encode(m->number, &l->mac, packet, sizeof packet);

	if (n > 0)
		n = frame_encode_udp4(&f, packet, (size_t)n, bytes, sizeof bytes);
	if (n < 0)
		bug("a DISCOVER that does not fit its buffer");
	return send_frame(m->link, bytes, (size_t)n);
}

void
probe_send(const struct start *st, const struct msg_probe_tell *m)
{
	const struct link *l = &st->links[m->link];
	static uint64_t failed;
	char text[ADDR_TEXT_MAX];
	int e;

	if (m->kind == LINK_ARP)
		e = ask_arp(l, m);
	else if (m->kind == LINK_ECHO)
		e = ask_echo(m);
	else
		e = ask_servers(l, m);
	if (e == 0)
		return;
	failed++;
	log_limited(LOG_WARNING, "probe-failed", "link=%s ip=%s error=%s so-far=%llu",
	    l->name, addr_format(&m->target, text), strerrorname_np(e),
	    (unsigned long long)failed);
}
