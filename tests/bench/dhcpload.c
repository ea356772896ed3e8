/*
 * A load of DHCPv4 clients behind one relay agent, for comparing servers: each does
 * DISCOVER, OFFER, REQUEST, ACK, and RELEASE if asked. Speaks from the relay's address and
 * port 67, so that every server answers by a plain datagram and does the same work.
 *
 *	dhcpload -s SERVER -g RELAY [-w OUTSTANDING | -r PER-SECOND] [-t SECONDS]
 *	    [-S SECONDS] [-n CLIENTS] [-o FIRST] [-p] [-R] [-a FILE]
 *
 *	-w  closed loop: so many exchanges at once (64)
 *	-r  open loop: exchanges begun a second, whether the earlier ones are done or not
 *	-t  seconds (3); with -n and without -t: until each client was served once; SIGTERM
 *	    ends it earlier
 *	-S  seconds in which no latencies are noted, at the beginning
 *	-n  different clients, used in turn; -o the number of the first
 *	-p  with the options that PXE firmware sends
 *	-R  each address is released again, from that address: it must be local here
 *	-a  FILE gets a line for each ACK: hardware address and address
 *
 * Prints one line: done, lost (messages without an answer in a second), naks, seconds,
 * rate (exchanges a second), and the latencies in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/dhcp_packet.h"
#include "tests/bench/load.h"

#define SLOTS_MAX 65536
#define BATCH 64
#define TIMEOUT_US 1000000
#define TRIES 4
#define SAMPLES_MAX (4u << 20)

enum { LAT_OFFER, LAT_ACK, LAT_DORA, LATS };

struct slot {
	uint8_t want; /* OFFER or ACK; 0: free */
	uint8_t tries;
	uint16_t turn; /* upper half of the xid */
	uint32_t client;
	uint32_t address, server; /* network order */
	uint64_t begun, sent;     /* microseconds */
};

static struct {
	struct sockaddr_in server;
	struct in_addr relay;
	unsigned outstanding, rate, clients, first;
	double seconds, unsampled;
	bool once, pxe, release;
	FILE *acks;
} opt = {.outstanding = 64, .clients = 1u << 30};

static struct slot slots[SLOTS_MAX];
static uint32_t free_slots[SLOTS_MAX], nfree;
static unsigned nslots;
static int fd, client_fd;
static uint64_t now_us, done, lost, naks, failed, begun;

static volatile sig_atomic_t told_to_end;
static struct load_samples lat[LATS];
static uint64_t sample_from;

/* What goes out next. */
static struct {
	unsigned n;
	struct mmsghdr hdr[BATCH];
	struct iovec iov[BATCH];
	uint8_t bytes[BATCH][DHCP_PACKET_MAX];
} out;

/* ------------------------------------------------------------------- sending */

static void
flush(void)
{
	unsigned sent = 0;

	while (sent < out.n) {
		int n = sendmmsg(fd, out.hdr + sent, out.n - sent, 0);

		if (n > 0)
			sent += (unsigned)n;
		else if (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED)
			load_die("sendmmsg");
	}
	out.n = 0;
}

static size_t
make(uint8_t *b, const struct slot *s, uint8_t type, uint32_t xid)
{
	struct dhcp_packet m = {.type = type,
	    .xid = xid,
	    .client = s->client,
	    .address = s->address,
	    .server = s->server,
	    .relay = opt.relay,
	    .pxe = opt.pxe};

	return dhcp_packet_make(b, &m);
}

static void
send_message(struct slot *s, uint8_t type)
{
	uint32_t xid = (uint32_t)(s - slots) | (uint32_t)s->turn << 16;
	unsigned i = out.n;

	out.iov[i] = (struct iovec){out.bytes[i], make(out.bytes[i], s, type, xid)};
	out.hdr[i].msg_hdr = (struct msghdr){.msg_name = &opt.server,
	    .msg_namelen = sizeof opt.server,
	    .msg_iov = &out.iov[i],
	    .msg_iovlen = 1};
	s->sent = now_us;
	if (++out.n == BATCH)
		flush();
}

/* ----------------------------------------------------------------- exchanges */

static void
sample(unsigned which, uint64_t us)
{
	if (now_us >= sample_from)
		load_sample(&lat[which], us);
}

static bool
more_clients(void)
{
	return !opt.once || begun < opt.clients;
}

static void
begin(void)
{
	struct slot *s = &slots[free_slots[--nfree]];

	s->turn++;
	s->want = DHCP_OFFER;
	s->tries = 1;
	s->client = opt.first + (uint32_t)(begun++ % opt.clients);
	s->begun = now_us;
	send_message(s, DHCP_DISCOVER);
}

static void
end(struct slot *s)
{
	s->want = 0;
	free_slots[nfree++] = (uint32_t)(s - slots);
}

static void
on_offer(struct slot *s, uint32_t address, uint32_t server)
{
	sample(LAT_OFFER, now_us - s->sent);
	s->want = DHCP_ACK;
	s->tries = 1;
	s->address = address;
	s->server = server;
	send_message(s, DHCP_REQUEST);
}

static void
note_ack(const struct slot *s)
{
	char ip[INET_ADDRSTRLEN];
	uint8_t m[6];

	dhcp_packet_mac(m, s->client);
	fprintf(opt.acks, "%02x:%02x:%02x:%02x:%02x:%02x %s\n", m[0], m[1], m[2], m[3],
	    m[4], m[5], inet_ntop(AF_INET, &s->address, ip, sizeof ip));
}

/* A client says it itself: from its own address, which the namespace takes for local. */
static void
send_release(const struct slot *s)
{
	uint8_t bytes[DHCP_PACKET_MAX];
	struct iovec iov = {bytes, make(bytes, s, DHCP_RELEASE, (uint32_t)begun)};
	union {
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = {{0}};
	struct msghdr hdr = {.msg_name = &opt.server,
	    .msg_namelen = sizeof opt.server,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = s->address};

	control.align.cmsg_level = IPPROTO_IP;
	control.align.cmsg_type = IP_PKTINFO;
	control.align.cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(&control.align), &info, sizeof info);
	if (sendmsg(client_fd, &hdr, 0) < 0 && errno != ENOBUFS && errno != ECONNREFUSED)
		load_die("release");
}

/* The address is that of the ACK, which need not be the one offered. */
static void
on_ack(struct slot *s, uint32_t address)
{
	s->address = address;
	if (opt.acks != NULL)
		note_ack(s);
	sample(LAT_ACK, now_us - s->sent);
	sample(LAT_DORA, now_us - s->begun);
	done++;
	if (opt.release)
		send_release(s);
	end(s);
}

static void
on_reply(const uint8_t *b, size_t len)
{
	struct dhcp_packet m;
	struct slot *s;

	if (!dhcp_packet_read(b, len, &m))
		return;
	s = &slots[m.xid & (SLOTS_MAX - 1)];
	if (s->turn != m.xid >> 16 || s->want == 0)
		return;
	if (m.type == DHCP_OFFER && s->want == DHCP_OFFER && m.address != 0)
		on_offer(s, m.address, m.server);
	else if (m.type == DHCP_ACK && s->want == DHCP_ACK)
		on_ack(s, m.address);
	else if (m.type == DHCP_NAK) {
		naks++;
		end(s);
	}
}

static void
hear(void)
{
	static uint8_t bytes[BATCH][1500];
	static struct iovec iov[BATCH];
	static struct mmsghdr hdr[BATCH];
	int n;

	do {
		for (unsigned i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){bytes[i], sizeof bytes[i]};
			hdr[i].msg_hdr =
			    (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		}
		n = recvmmsg(fd, hdr, BATCH, MSG_DONTWAIT, NULL);
		now_us = load_us();
		for (int i = 0; i < n; i++)
			on_reply(bytes[i], hdr[i].msg_len);
	} while (n == BATCH);
}

/* What is not answered within a second counts as lost and is sent again. */
static void
time_out(void)
{
	static uint64_t looked;

	if (now_us - looked < TIMEOUT_US / 20)
		return;
	looked = now_us;
	for (unsigned i = 0; i < nslots; i++) {
		struct slot *s = &slots[i];

		if (s->want == 0 || now_us - s->sent < TIMEOUT_US)
			continue;
		lost++;
		if (s->tries++ == TRIES) {
			failed++;
			end(s);
		} else {
			send_message(
			    s, s->want == DHCP_OFFER ? DHCP_DISCOVER : DHCP_REQUEST);
		}
	}
}

/* ---------------------------------------------------------------------- runs */

static void
start_some(uint64_t start)
{
	uint64_t due = UINT64_MAX;

	if (opt.rate > 0)
		due = (now_us - start) * opt.rate / 1000000 + 1;
	while (nfree > 0 && begun < due && more_clients())
		begin();
}

static void
on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

static void
run(void)
{
	uint64_t start = load_us();
	uint64_t stop = start + (uint64_t)(opt.seconds * 1e6);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	now_us = start;
	sample_from = start + (uint64_t)(opt.unsampled * 1e6);
	while (!told_to_end) {
		bool starting = (opt.seconds == 0 || now_us < stop) && more_clients();

		if (starting)
			start_some(start);
		else if (nfree == nslots)
			break;
		flush();
		(void)poll(&p, 1, opt.rate > 0 ? 1 : 20);
		now_us = load_us();
		hear();
		time_out();
		if (!starting && now_us > stop + 5 * TIMEOUT_US && opt.seconds > 0)
			break;
	}
	flush();
}

static void
report(double seconds)
{
	static const char *const names[LATS] = {"offer", "ack", "dora"};

	printf("done=%llu lost=%llu naks=%llu failed=%llu seconds=%.3f rate=%.0f",
	    (unsigned long long)done, (unsigned long long)lost, (unsigned long long)naks,
	    (unsigned long long)failed, seconds, (double)done / seconds);
	for (unsigned i = 0; i < LATS; i++)
		printf(" %s_p50=%u %s_p99=%u", names[i], load_percentile(&lat[i], 500),
		    names[i], load_percentile(&lat[i], 990));
	printf("\n");
}

static void
open_socket(void)
{
	struct sockaddr_in me;

	fd = dhcp_packet_socket(opt.relay);
	if (!opt.release)
		return;
	me = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(68)};
	client_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (client_fd < 0 || bind(client_fd, (struct sockaddr *)&me, sizeof me) != 0)
		load_die("port 68");
}

static void
read_options(int argc, char **argv)
{
	bool counted = false;
	int c;

	opt.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(67)};
	while ((c = getopt(argc, argv, "s:g:w:r:t:S:n:o:pRa:")) != -1) {
		switch (c) {
		case 's': inet_pton(AF_INET, optarg, &opt.server.sin_addr); break;
		case 'g': inet_pton(AF_INET, optarg, &opt.relay); break;
		case 'w': opt.outstanding = (unsigned)atoi(optarg); break;
		case 'r': opt.rate = (unsigned)atoi(optarg); break;
		case 't': opt.seconds = atof(optarg); break;
		case 'S': opt.unsampled = atof(optarg); break;
		case 'n':
			opt.clients = (unsigned)atoi(optarg);
			counted = true;
			break;
		case 'o': opt.first = (unsigned)atoi(optarg); break;
		case 'p': opt.pxe = true; break;
		case 'R': opt.release = true; break;
		case 'a':
			opt.acks = fopen(optarg, "w");
			if (opt.acks == NULL)
				load_die(optarg);
			setvbuf(opt.acks, NULL, _IOLBF, 0); /* whole, if we are killed */
			break;
		default: exit(2);
		}
	}
	if (opt.server.sin_addr.s_addr == 0 || opt.relay.s_addr == 0 || opt.clients == 0) {
		fprintf(stderr, "dhcpload: -s SERVER -g RELAY [options]\n");
		exit(2);
	}
	opt.once = counted && opt.seconds == 0;
	if (!opt.once && opt.seconds == 0)
		opt.seconds = 3;
}

int
main(int argc, char **argv)
{
	uint64_t start;

	read_options(argc, argv);
	open_socket();
	nslots = opt.rate > 0 ? SLOTS_MAX : opt.outstanding;
	if (nslots == 0 || nslots > SLOTS_MAX)
		nslots = SLOTS_MAX;
	for (unsigned i = nslots; i > 0; i--)
		free_slots[nfree++] = i - 1;
	for (unsigned i = 0; i < LATS; i++)
		load_samples_init(&lat[i], SAMPLES_MAX);
	signal(SIGTERM, on_term);
	start = load_us();
	run();
	report((double)(load_us() - start) / 1e6);
	return 0;
}
