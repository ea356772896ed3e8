/*
 * A DHCP client that looks like boot firmware, for the tests: it runs as root in a
 * network namespace of a test, sends what its options say from any hardware address, and
 * prints every answer it accepts as one line of key=value. It shares no packet code with
 * the server, so that a mistake there cannot hide itself here.
 *
 *	pxeclient -i IFACE [options] discover|rapid|boot|request|renew|inform|release|
 *	    decline|proxy|bootp
 *
 * discover ends with the OFFER, rapid is a DISCOVER that wants an ACK, boot goes on to the
 * ACK of its REQUEST, request is INIT-REBOOT (-r), renew, inform and release speak from -r
 * to -s, proxy asks port 4011, bootp says no message type. With -g it is a relay agent,
 * whose port is -p.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/clock.h"
#include "src/base/ident.h"
#include "tests/lib/dhcpreply.h"

enum { EXIT_NONE = 3, EXIT_NAK = 4 };

struct bytes {
	size_t len;
	uint8_t b[255];
};

struct client {
	const char *iface;
	unsigned ifindex;
	struct mac mac;
	long arch;         /* option 93, -1: none */
	const char *class; /* option 60, NULL: made from arch; "-": none */
	bool ipxe;
	bool broadcast;
	struct bytes id;    /* option 61 */
	struct bytes relay; /* option 82 */
	struct bytes more;  /* options as they are on the wire, for every message */
	struct in_addr requested, giaddr, server;
	unsigned timeout_ms;
	uint32_t xid;
	int packet; /* AF_PACKET, sees every frame */
	int udp;    /* for what must leave by the kernel's routes; -1 */
	uint16_t port;
};

static void
die(const char *what)
{
	fprintf(stderr, "pxeclient: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: pxeclient -i IFACE [-bx] [-m MAC] [-a ARCH] [-c CLASS] "
	    "[-C ID-HEX] [-r ADDRESS] [-s SERVER] [-g GIADDR] [-R OPTION82-HEX] "
	    "[-o CODE:HEX]... [-p PORT] [-t SECONDS] discover|rapid|boot|request|renew|"
	    "inform|release|decline|proxy|bootp\n");
	exit(2);
}

/* ---------------------------------------------------------------- what is sent */

/* Speaks from the address that it has, which then is ciaddr and not option 50. */
static bool
is_owner(const struct client *c)
{
	return c->udp >= 0 && c->giaddr.s_addr == 0;
}

static void
put_option(struct out *out, uint8_t code, const void *value, size_t len)
{
	out_u8(out, code);
	out_u8(out, (uint8_t)len);
	out_copy(out, value, len);
}

static void
put_class(struct out *out, const struct client *c)
{
	char made[64];
	const char *class = c->class;

	if (class == NULL) {
		bool http = false;

		if (c->arch < 0)
			return;
		(void)arch_from_code((uint16_t)c->arch, &http);
		snprintf(made, sizeof made, "%sClient:Arch:%05ld:UNDI:003000",
		    http ? "HTTP" : "PXE", c->arch);
		class = made;
	}
	if (strcmp(class, "-") != 0)
		put_option(out, 60, class, strlen(class));
}

static void
put_firmware(struct out *out, const struct client *c)
{
	static const uint8_t undi[3] = {1, 3, 0};
	static const uint8_t features[] = {0xb1, 5, 1, 0x1a, 0xf4, 0x10, 0, 0x13, 1, 1,
	    0x15, 1, 1, 0x18, 1, 1, 0x24, 1, 1};
	uint8_t uuid[17] = {0, 0x4c, 0x4c, 0x45, 0x44, 0, 0x42, 0x35, 0x10, 0x80, 0x51};
	uint8_t arch[2];

	put_class(out, c);
	if (c->arch < 0)
		return;
	memcpy(uuid + 11, c->mac.b, 6);
	arch[0] = (uint8_t)(c->arch >> 8);
	arch[1] = (uint8_t)c->arch;
	put_option(out, 93, arch, sizeof arch);
	put_option(out, 94, undi, sizeof undi);
	put_option(out, 97, uuid, sizeof uuid);
	if (c->ipxe) {
		put_option(out, 77, "iPXE", 4);
		put_option(out, 175, features, sizeof features);
	}
}

static void
put_options(struct out *out, const struct client *c, uint8_t type, bool selecting,
    struct in_addr server)
{
	static const uint8_t wanted[] = {
	    1, 3, 6, 12, 15, 43, 51, 54, 58, 59, 60, 66, 67, 97};
	static const uint8_t size[2] = {0x05, 0xc0};

	if (type != BOOTP)
		put_option(out, 53, &type, 1);
	if (c->requested.s_addr != 0 && (type == REQUEST || type == DECLINE) &&
	    !is_owner(c))
		put_option(out, 50, &c->requested, 4);
	if ((selecting || type == RELEASE || type == DECLINE) && server.s_addr != 0)
		put_option(out, 54, &server, 4);
	if (type != RELEASE && type != DECLINE && type != BOOTP) {
		put_option(out, 57, size, sizeof size);
		put_option(out, 55, wanted, sizeof wanted);
		put_firmware(out, c);
	}
	if (c->id.len > 0)
		put_option(out, 61, c->id.b, c->id.len);
	out_copy(out, c->more.b, c->more.len);
	if (c->relay.len > 0)
		put_option(out, 82, c->relay.b, c->relay.len);
	out_u8(out, 255);
	while (out->len < 300)
		out_u8(out, 0);
}

/* The whole BOOTP message; ciaddr is set when we own the address and speak by UDP. */
static size_t
make_message(const struct client *c, uint8_t type, bool selecting, struct in_addr server,
    uint8_t *bytes, size_t cap)
{
	struct out out;

	out_init(&out, bytes, cap);
	out_u8(&out, 1);
	out_u8(&out, 1);
	out_u8(&out, 6);
	out_u8(&out, c->giaddr.s_addr != 0);
	out_u32(&out, c->xid);
	out_u16(&out, 0);
	out_u16(&out, c->broadcast ? 0x8000 : 0);
	out_u32(&out, is_owner(c) || type == RELEASE ? ntohl(c->requested.s_addr) : 0);
	out_fill(&out, 0, 8);
	out_u32(&out, ntohl(c->giaddr.s_addr));
	out_copy(&out, c->mac.b, 6);
	out_fill(&out, 0, 10 + 64 + 128);
	out_u32(&out, 0x63825363);
	put_options(&out, c, type, selecting, server);
	return out.len;
}

static uint16_t
ip_checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* From 0.0.0.0:68 to everybody, as a machine without an address must. */
static void
send_frame(const struct client *c, const uint8_t *message, size_t len)
{
	uint8_t frame[1514];
	struct out out;
	uint16_t sum;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_IP),
	    .sll_ifindex = (int)c->ifindex,
	    .sll_halen = 6};

	out_init(&out, frame, sizeof frame);
	out_fill(&out, 0xff, 6);
	out_copy(&out, c->mac.b, 6);
	out_u16(&out, ETH_P_IP);
	out_u16(&out, 0x4500);
	out_u16(&out, (uint16_t)(28 + len));
	out_u32(&out, 0);
	out_u16(&out, 64 << 8 | IPPROTO_UDP);
	out_u16(&out, 0);
	out_u32(&out, 0);
	out_u32(&out, 0xffffffff);
	sum = ip_checksum(frame + 14, 20);
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
	out_u16(&out, 68);
	out_u16(&out, 67);
	out_u16(&out, (uint16_t)(8 + len));
	out_u16(&out, 0);
	out_copy(&out, message, len);
	memset(to.sll_addr, 0xff, 6);
	if (!out_ok(&out) ||
	    sendto(c->packet, frame, out.len, 0, (struct sockaddr *)&to, sizeof to) < 0)
		die("send frame");
}

static void
send_message(const struct client *c, uint8_t type, bool selecting, struct in_addr server)
{
	uint8_t message[1472];
	size_t len = make_message(c, type, selecting, server, message, sizeof message);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = c->server};

	if (c->udp < 0) {
		send_frame(c, message, len);
		return;
	}
	to.sin_port = htons(c->port == 4011 ? 4011 : 67);
	if (sendto(c->udp, message, len, 0, (struct sockaddr *)&to, sizeof to) < 0)
		die("send");
}

/* ------------------------------------------------------------- what is received */

/* Is this frame the answer that we wait for, or a NAK? Then prints it and fills *r. */
static bool
take_frame(const struct client *c, uint8_t wanted, const uint8_t *frame, size_t size,
    struct reply *r)
{
	const uint8_t *ip = frame + 14, *udp, *bootp;
	size_t header, len;
	struct in in;

	if (size < 14 + 20 || frame[12] != 8 || frame[13] != 0 || ip[0] >> 4 != 4)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	if (header < 20 || size < 14 + header + 8 + 240 || ip[9] != IPPROTO_UDP)
		return false;
	udp = ip + header;
	bootp = udp + 8;
	len = (size_t)(udp[4] << 8 | udp[5]);
	if ((udp[2] << 8 | udp[3]) != c->port || len < 8 + 240 || 14 + header + len > size)
		return false;
	len -= 8;
	in_init(&in, bootp, len);
	if (in_u8(&in) != 2 || (in_skip(&in, 3), in_u32(&in)) != c->xid)
		return false;
	in_skip(&in, 236 - 8);
	if (in_u32(&in) != 0x63825363 || !dhcpreply_read(in, bootp, r) ||
	    (r->type != wanted && r->type != NAK))
		return false;
	dhcpreply_print(frame, ip, bootp, len, in, r);
	return true;
}

/* Waits for an answer until `end`. */
static bool
await(const struct client *c, uint8_t wanted, uint64_t end, struct reply *r)
{
	uint8_t frame[2048];
	struct pollfd p = {.fd = c->packet, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_mono_ms();
		ssize_t n;

		if (now >= end)
			return false;
		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		n = recv(c->packet, frame, sizeof frame, MSG_DONTWAIT);
		if (n > 0 && take_frame(c, wanted, frame, (size_t)n, r))
			return true;
	}
}

/* Sends, and again every second, until an answer comes or the time is over. */
static bool
ask(const struct client *c, uint8_t type, uint8_t wanted, bool selecting,
    struct in_addr server, struct reply *r)
{
	uint64_t end = clock_mono_ms() + c->timeout_ms;

	while (clock_mono_ms() < end) {
		uint64_t next = clock_mono_ms() + 1000;

		send_message(c, type, selecting, server);
		if (await(c, wanted, next < end ? next : end, r))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------- exchanges */

static int
verdict(bool answered, const struct reply *r)
{
	if (!answered)
		return EXIT_NONE;
	return r->type == NAK ? EXIT_NAK : 0;
}

static int
do_boot(struct client *c, bool whole)
{
	static const struct in_addr nobody;
	struct reply r;
	int status = verdict(ask(c, DISCOVER, OFFER, false, nobody, &r), &r);

	if (status != 0 || !whole)
		return status;
	c->requested = r.yiaddr;
	return verdict(ask(c, REQUEST, ACK, true, r.server, &r), &r);
}

static int
do_exchange(struct client *c, const char *what)
{
	static const struct in_addr nobody;
	struct reply r;

	if (strcmp(what, "discover") == 0)
		return do_boot(c, false);
	if (strcmp(what, "boot") == 0)
		return do_boot(c, true);
	if (strcmp(what, "request") == 0 || strcmp(what, "renew") == 0 ||
	    strcmp(what, "proxy") == 0)
		return verdict(ask(c, REQUEST, ACK, false, nobody, &r), &r);
	if (strcmp(what, "rapid") == 0)
		return verdict(ask(c, DISCOVER, ACK, false, nobody, &r), &r);
	if (strcmp(what, "inform") == 0)
		return verdict(ask(c, INFORM, ACK, false, nobody, &r), &r);
	if (strcmp(what, "bootp") == 0)
		return verdict(ask(c, BOOTP, BOOTP, false, nobody, &r), &r);
	if (strcmp(what, "release") == 0)
		send_message(c, RELEASE, false, c->server);
	else if (strcmp(what, "decline") == 0)
		send_message(c, DECLINE, false, c->server);
	else
		usage();
	return 0;
}

/* --------------------------------------------------------------------- start */

static void
parse_hex(const char *text, struct bytes *bytes)
{
	size_t n = strlen(text);

	if (n % 2 != 0 || n / 2 > sizeof bytes->b)
		usage();
	for (bytes->len = 0; bytes->len < n / 2; bytes->len++) {
		unsigned v;

		if (sscanf(text + 2 * bytes->len, "%2x", &v) != 1)
			usage();
		bytes->b[bytes->len] = (uint8_t)v;
	}
}

/* "CODE:HEX" */
static void
parse_more(const char *text, struct bytes *more)
{
	struct bytes value;
	char *end;
	unsigned long code = strtoul(text, &end, 10);

	if (*end != ':' || code == 0 || code > 254)
		usage();
	parse_hex(end + 1, &value);
	if (more->len + 2 + value.len > sizeof more->b)
		usage();
	more->b[more->len] = (uint8_t)code;
	more->b[more->len + 1] = (uint8_t)value.len;
	memcpy(more->b + more->len + 2, value.b, value.len);
	more->len += 2 + value.len;
}

static void
parse_addr(const char *text, struct in_addr *a)
{
	if (inet_pton(AF_INET, text, a) != 1)
		usage();
}

static void
own_mac(struct client *c)
{
	struct ifreq r = {0};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", c->iface);
	if (s < 0 || ioctl(s, SIOCGIFHWADDR, &r) != 0)
		die(c->iface);
	memcpy(c->mac.b, r.ifr_hwaddr.sa_data, 6);
	close(s);
}

static void
parse_option(struct client *c, int opt)
{
	switch (opt) {
	case 'i': c->iface = optarg; break;
	case 'm':
		if (mac_parse(optarg, &c->mac) != 0)
			usage();
		break;
	case 'a': c->arch = strtol(optarg, NULL, 0); break;
	case 'c': c->class = optarg; break;
	case 'x': c->ipxe = true; break;
	case 'b': c->broadcast = true; break;
	case 'C': parse_hex(optarg, &c->id); break;
	case 'R': parse_hex(optarg, &c->relay); break;
	case 'o': parse_more(optarg, &c->more); break;
	case 'p': c->port = (uint16_t)strtol(optarg, NULL, 10); break;
	case 'r': parse_addr(optarg, &c->requested); break;
	case 's': parse_addr(optarg, &c->server); break;
	case 'g': parse_addr(optarg, &c->giaddr); break;
	case 't': c->timeout_ms = (unsigned)(strtod(optarg, NULL) * 1000); break;
	default: usage();
	}
}

static void
open_packet(struct client *c)
{
	struct sockaddr_ll here = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

	c->ifindex = if_nametoindex(c->iface);
	here.sll_ifindex = (int)c->ifindex;
	c->packet = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	if (c->ifindex == 0 || c->packet < 0 ||
	    bind(c->packet, (struct sockaddr *)&here, sizeof here) != 0)
		die(c->iface);
}

/* What speaks from an address that it has: the kernel routes it. */
static void
open_udp(struct client *c, const char *what)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	int on = 1;

	here.sin_addr = c->giaddr.s_addr != 0 ? c->giaddr : c->requested;
	if (c->giaddr.s_addr == 0)
		c->port = strcmp(what, "proxy") == 0 ? 4011 : 68;
	else if (c->port == 68)
		c->port = 67;
	here.sin_port = htons(c->port);
	c->udp = socket(AF_INET, SOCK_DGRAM, 0);
	if (c->udp < 0 ||
	    setsockopt(c->udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(c->udp, (struct sockaddr *)&here, sizeof here) != 0)
		die("bind");
}

int
main(int argc, char **argv)
{
	struct client c = {.arch = -1, .udp = -1, .port = 68, .timeout_ms = 15000};
	const char *what;
	int opt;

	while ((opt = getopt(argc, argv, "i:m:a:c:xbC:R:o:p:r:s:g:t:")) != -1)
		parse_option(&c, opt);
	if (c.iface == NULL || optind + 1 != argc)
		usage();
	what = argv[optind];
	if (mac_is_unusable(&c.mac))
		own_mac(&c);
	if (getrandom(&c.xid, sizeof c.xid, 0) != sizeof c.xid)
		die("random");
	open_packet(&c);
	if (c.giaddr.s_addr != 0 || strcmp(what, "renew") == 0 ||
	    strcmp(what, "inform") == 0 || strcmp(what, "release") == 0 ||
	    strcmp(what, "proxy") == 0)
		open_udp(&c, what);
	return do_exchange(&c, what);
}
