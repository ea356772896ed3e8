/*
 * A load of DHCPv4 clients behind one relay agent, for comparing servers: each does
 * DISCOVER, OFFER, REQUEST, ACK, and RELEASE if asked. Speaks from the relay's address and
 * port 67, so that every server answers by a plain datagram and does the same work.
 *
 *	dhcpload -s SERVER -g RELAY [-w OUTSTANDING | -r PER-SECOND] [-t SECONDS]
 *	    [-n CLIENTS] [-o FIRST] [-p] [-R] [-a FILE]
 *
 *	-w  closed loop: so many exchanges at once (64)
 *	-r  open loop: exchanges begun a second, whether the earlier ones are done or not
 *	-t  seconds (3); with -n and without -t: until each client was served once
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
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS_MAX 65536
#define BATCH 64
#define TIMEOUT_US 1000000
#define TRIES 4
#define FIXED_LEN 240
#define PACKET_MAX 576
#define SAMPLES_MAX (4u << 20)

enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6, RELEASE = 7 };
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
	double seconds;
	bool once, pxe, release;
	FILE *acks;
} opt = {.outstanding = 64, .clients = 1u << 30};

static struct slot slots[SLOTS_MAX];
static uint32_t free_slots[SLOTS_MAX], nfree;
static unsigned nslots;
static int fd, client_fd;
static uint64_t now_us, done, lost, naks, failed, begun;

static struct {
	uint32_t *us;
	uint32_t n;
} lat[LATS];

/* What goes out next. */
static struct {
	unsigned n;
	struct mmsghdr hdr[BATCH];
	struct iovec iov[BATCH];
	uint8_t bytes[BATCH][PACKET_MAX];
} out;

static void
die(const char *what)
{
	fprintf(stderr, "dhcpload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
sample(unsigned which, uint64_t us)
{
	if (lat[which].n < SAMPLES_MAX)
		lat[which].us[lat[which].n++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

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
			die("sendmmsg");
	}
	out.n = 0;
}

static uint8_t *
put(uint8_t *p, uint8_t code, const void *bytes, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, bytes, len);
	return p + len;
}

/* Locally administered, and scattered as those of many vendors are. */
static void
put_mac(uint8_t *p, uint32_t client)
{
	uint32_t mixed = client * UINT32_C(2654435761);

	p[0] = 0x02;
	p[1] = 0x5a;
	memcpy(p + 2, &mixed, sizeof mixed);
}

/* As OVMF sends them. */
static uint8_t *
put_pxe(uint8_t *p, uint32_t client)
{
	static const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28,
	    40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132,
	    133, 134, 135};
	static const uint8_t arch[] = {0, 7}, undi[] = {1, 3, 16}, max[] = {0x05, 0xc0};
	uint8_t uuid[17] = {0, 0x77};

	memcpy(uuid + 12, &client, sizeof client);
	p = put(p, 57, max, sizeof max);
	p = put(p, 55, wanted, sizeof wanted);
	p = put(p, 97, uuid, sizeof uuid);
	p = put(p, 94, undi, sizeof undi);
	p = put(p, 93, arch, sizeof arch);
	return put(p, 60, "PXEClient:Arch:00007:UNDI:003016", 32);
}

static size_t
make(uint8_t *b, const struct slot *s, uint8_t type, uint32_t xid)
{
	static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
	static const uint8_t few[] = {1, 3, 6, 15, 51, 54};
	uint8_t *p = b + FIXED_LEN;

	memset(b, 0, PACKET_MAX);
	b[0] = b[1] = b[3] = 1;
	b[2] = 6;
	memcpy(b + 4, &xid, 4);
	if (type == RELEASE)
		memcpy(b + 12, &s->address, 4);
	else
		memcpy(b + 24, &opt.relay, 4);
	put_mac(b + 28, s->client);
	memcpy(b + 236, cookie, 4);
	p = put(p, 53, &type, 1);
	if (type == REQUEST)
		p = put(p, 50, &s->address, 4);
	if (type != DISCOVER)
		p = put(p, 54, &s->server, 4);
	p = opt.pxe ? put_pxe(p, s->client) : put(p, 55, few, sizeof few);
	*p++ = 255;
	return p - b < 300 ? 300 : (size_t)(p - b);
}

static void
send_message(struct slot *s, uint8_t type)
{
	uint32_t xid = (uint32_t)(s - slots) | (uint32_t)s->turn << 16;
	unsigned i = out.n;

	out.iov[i] = (struct iovec){out.bytes[i], make(out.bytes[i], s, type, htonl(xid))};
	out.hdr[i].msg_hdr = (struct msghdr){.msg_name = &opt.server,
	    .msg_namelen = sizeof opt.server,
	    .msg_iov = &out.iov[i],
	    .msg_iovlen = 1};
	s->sent = now_us;
	if (++out.n == BATCH)
		flush();
}

/* ----------------------------------------------------------------- exchanges */

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
	s->want = OFFER;
	s->tries = 1;
	s->client = opt.first + (uint32_t)(begun++ % opt.clients);
	s->begun = now_us;
	send_message(s, DISCOVER);
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
	s->want = ACK;
	s->tries = 1;
	s->address = address;
	s->server = server;
	send_message(s, REQUEST);
}

static void
note_ack(const struct slot *s)
{
	char ip[INET_ADDRSTRLEN];
	uint8_t m[6];

	put_mac(m, s->client);
	fprintf(opt.acks, "%02x:%02x:%02x:%02x:%02x:%02x %s\n", m[0], m[1], m[2], m[3],
	    m[4], m[5], inet_ntop(AF_INET, &s->address, ip, sizeof ip));
}

/* A client says it itself: from its own address, which the namespace takes for local. */
static void
send_release(const struct slot *s)
{
	uint8_t bytes[PACKET_MAX];
	struct iovec iov = {bytes, make(bytes, s, RELEASE, htonl((uint32_t)begun))};
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
		die("release");
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
	uint8_t type = 0;
	uint32_t xid, address, server = 0;
	struct slot *s;

	if (len < FIXED_LEN || b[0] != 2)
		return;
	memcpy(&xid, b + 4, 4);
	xid = ntohl(xid);
	s = &slots[xid & (SLOTS_MAX - 1)];
	if (s->turn != xid >> 16 || s->want == 0)
		return;
	for (size_t i = FIXED_LEN; i + 1 < len && b[i] != 255;) {
		if (b[i] == 0) {
			i++;
			continue;
		}
		if (b[i] == 53 && b[i + 1] == 1 && i + 2 < len)
			type = b[i + 2];
		if (b[i] == 54 && b[i + 1] == 4 && i + 5 < len)
			memcpy(&server, b + i + 2, 4);
		i += 2 + (size_t)b[i + 1];
	}
	memcpy(&address, b + 16, 4);
	if (type == OFFER && s->want == OFFER && address != 0)
		on_offer(s, address, server);
	else if (type == ACK && s->want == ACK)
		on_ack(s, address);
	else if (type == NAK) {
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
		now_us = clock_us();
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
			send_message(s, s->want == OFFER ? DISCOVER : REQUEST);
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
run(void)
{
	uint64_t start = clock_us();
	uint64_t stop = start + (uint64_t)(opt.seconds * 1e6);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	now_us = start;
	for (;;) {
		bool starting = (opt.seconds == 0 || now_us < stop) && more_clients();

		if (starting)
			start_some(start);
		else if (nfree == nslots)
			break;
		flush();
		(void)poll(&p, 1, opt.rate > 0 ? 1 : 20);
		now_us = clock_us();
		hear();
		time_out();
		if (!starting && now_us > stop + 5 * TIMEOUT_US && opt.seconds > 0)
			break;
	}
	flush();
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(double seconds)
{
	static const char *const names[LATS] = {"offer", "ack", "dora"};

	printf("done=%llu lost=%llu naks=%llu failed=%llu seconds=%.3f rate=%.0f",
	    (unsigned long long)done, (unsigned long long)lost, (unsigned long long)naks,
	    (unsigned long long)failed, seconds, (double)done / seconds);
	for (unsigned i = 0; i < LATS; i++) {
		uint32_t n = lat[i].n;

		qsort(lat[i].us, n, sizeof *lat[i].us, by_value);
		printf(" %s_p50=%u %s_p99=%u", names[i], n ? lat[i].us[n / 2] : 0, names[i],
		    n ? lat[i].us[(uint64_t)n * 99 / 100] : 0);
	}
	printf("\n");
}

static void
open_socket(void)
{
	struct sockaddr_in me = {
	    .sin_family = AF_INET, .sin_port = htons(67), .sin_addr = opt.relay};
	int size = 8 << 20;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) != 0)
		die("port 67 of the relay's address");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	if (!opt.release)
		return;
	me = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(68)};
	client_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (client_fd < 0 || bind(client_fd, (struct sockaddr *)&me, sizeof me) != 0)
		die("port 68");
}

static void
read_options(int argc, char **argv)
{
	bool counted = false;
	int c;

	opt.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(67)};
	while ((c = getopt(argc, argv, "s:g:w:r:t:n:o:pRa:")) != -1) {
		switch (c) {
		case 's': inet_pton(AF_INET, optarg, &opt.server.sin_addr); break;
		case 'g': inet_pton(AF_INET, optarg, &opt.relay); break;
		case 'w': opt.outstanding = (unsigned)atoi(optarg); break;
		case 'r': opt.rate = (unsigned)atoi(optarg); break;
		case 't': opt.seconds = atof(optarg); break;
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
				die(optarg);
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
	for (unsigned i = 0; i < LATS; i++) {
		lat[i].us = malloc(SAMPLES_MAX * sizeof *lat[i].us);
		if (lat[i].us == NULL)
			die("memory");
	}
	start = clock_us();
	run();
	report((double)(clock_us() - start) / 1e6);
	return 0;
}
