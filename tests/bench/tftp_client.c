/*
 * TFTP clients for load: RFC 1350, 2347, 2348, 7440. Shares no packet code with the
 * server. A datagram may carry many blocks in a row, for the kernel hands a burst over in
 * one piece (UDP_GRO).
 */
#include "tests/bench/tftp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define RX_BATCH 32
#define RX_TURNS 8
#define RX_BYTES 65536
#define TX_BATCH 64
#define TX_BYTES 300
#define SOCKET_BUFFER (256 << 20)
#define NOBODY UINT32_MAX
#define ADDR_BITS 20

enum { RRQ = 1, DATA = 3, ACK = 4, ERROR = 5, OACK = 6 };
enum phase { IDLE, ASKED, RUNNING };

struct client {
	uint64_t next; /* block awaited */
	uint64_t deadline;
	uint64_t gap; /* the `next` for which a gap was reported */
	uint32_t addr;
	uint16_t port; /* the server's for this transfer, network order; 0: not known */
	uint16_t blksize, window, inside; /* blocks since the last ACK */
	uint8_t phase, sock, tries;
};

static struct tftpc_setup setup;
static struct client *clients;
static uint32_t by_addr[1u << ADDR_BITS];
static int fds[TFTPC_SOCKETS];
static uint64_t now_us;
struct tftpc_counts tftpc_counts;

union pktinfo_control {
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static struct {
	unsigned n, sock;
	struct mmsghdr hdr[TX_BATCH];
	struct iovec iov[TX_BATCH];
	struct sockaddr_in to[TX_BATCH];
	union pktinfo_control control[TX_BATCH];
	uint8_t bytes[TX_BATCH][TX_BYTES];
} out;

static struct {
	struct mmsghdr hdr[RX_BATCH];
	struct iovec iov[RX_BATCH];
	struct sockaddr_in from[RX_BATCH];
	union pktinfo_control control[RX_BATCH];
	uint8_t *bytes;
} in;

/* ------------------------------------------------------------------- sending */

void
tftpc_flush(void)
{
	unsigned sent = 0;

	while (sent < out.n) {
		int n = sendmmsg(fds[out.sock], out.hdr + sent, out.n - sent, 0);

		if (n > 0)
			sent += (unsigned)n;
		else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			load_die("sendmmsg");
	}
	out.n = 0;
}

/* A datagram of this client; its bytes are written by the caller. */
static uint8_t *
letter(const struct client *c, size_t len)
{
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = c->addr};
	unsigned i;

	if (out.n == TX_BATCH || (out.n > 0 && out.sock != c->sock))
		tftpc_flush();
	i = out.n++;
	out.sock = c->sock;
	out.to[i] = (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_addr = setup.server,
	    .sin_port = c->port == 0 ? htons(69) : c->port};
	out.iov[i] = (struct iovec){out.bytes[i], len};
	out.control[i].align = (struct cmsghdr){.cmsg_level = IPPROTO_IP,
	    .cmsg_type = IP_PKTINFO,
	    .cmsg_len = CMSG_LEN(sizeof info)};
	memcpy(CMSG_DATA(&out.control[i].align), &info, sizeof info);
	out.hdr[i].msg_hdr = (struct msghdr){.msg_name = &out.to[i],
	    .msg_namelen = sizeof out.to[i],
	    .msg_iov = &out.iov[i],
	    .msg_iovlen = 1,
	    .msg_control = out.control[i].bytes,
	    .msg_controllen = CMSG_SPACE(sizeof info)};
	return out.bytes[i];
}

static uint8_t request[TX_BYTES];
static size_t request_len;

static void
add_word(const char *word)
{
	size_t len = strlen(word) + 1;

	if (len > sizeof request - request_len) {
		errno = ENAMETOOLONG;
		load_die("request");
	}
	memcpy(request + request_len, word, len);
	request_len += len;
}

static void
add_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof text, "%u", value);
	add_word(name);
	add_word(text);
}

static void
make_request(void)
{
	request[1] = RRQ;
	request_len = 2;
	add_word(setup.name);
	add_word("octet");
	if (setup.blksize != 512) {
		add_word("tsize");
		add_word("0");
		add_number("blksize", setup.blksize);
	}
	if (setup.window != 1)
		add_number("windowsize", setup.window);
}

static void
send_request(const struct client *c)
{
	memcpy(letter(c, request_len), request, request_len);
}

static void
send_ack(struct client *c)
{
	uint16_t block = htons((uint16_t)(c->next - 1));
	uint8_t *p = letter(c, 4);

	p[0] = 0;
	p[1] = ACK;
	memcpy(p + 2, &block, 2);
	c->inside = 0;
}

static void
send_error(const struct client *c)
{
	static const uint8_t over[] = {0, ERROR, 0, 0, 'o', 'v', 'e', 'r', 0};

	memcpy(letter(c, sizeof over), over, sizeof over);
}

/* ----------------------------------------------------------------- transfers */

void
tftpc_set_address(unsigned client)
{
	clients[client].addr = setup.addrs->all[client];
	by_addr[ntohl(clients[client].addr) & ((1u << ADDR_BITS) - 1)] = client;
}

void
tftpc_begin(unsigned client, uint64_t now)
{
	struct client *c = &clients[client];

	c->phase = ASKED;
	c->sock = (uint8_t)((c->sock + 1) % TFTPC_SOCKETS);
	c->port = 0;
	c->next = 1;
	c->gap = 0;
	c->inside = c->tries = 0;
	c->blksize = 512;
	c->window = 1;
	c->deadline = now + setup.timeout_us;
	send_request(c);
}

static void
end(struct client *c, bool good)
{
	c->phase = IDLE;
	setup.ended((unsigned)(c - clients), good);
}

static void
progress(struct client *c)
{
	c->deadline = now_us + setup.timeout_us;
	c->tries = 0;
}

/* Names and values, each ended by a zero. */
static void
on_oack(struct client *c, const uint8_t *b, size_t len)
{
	const char *p = (const char *)b, *stop = p + len;

	if (c->phase == RUNNING && c->next > 1)
		return;
	while (p < stop) {
		const char *value = memchr(p, 0, (size_t)(stop - p));
		const char *over;

		if (value == NULL)
			break;
		value++;
		over = memchr(value, 0, (size_t)(stop - value));
		if (over == NULL)
			break;
		if (strcasecmp(p, "blksize") == 0)
			c->blksize = (uint16_t)atoi(value);
		else if (strcasecmp(p, "windowsize") == 0)
			c->window = (uint16_t)atoi(value);
		p = over + 1;
	}
	tftpc_counts.blksize = c->blksize;
	tftpc_counts.window = c->window;
	c->phase = RUNNING;
	progress(c);
	send_ack(c);
}

static bool
is_right(const struct client *c, const uint8_t *b, size_t len)
{
	uint64_t at = (c->next - 1) * c->blksize;

	if (len < c->blksize && at + len != setup.file->size)
		return false;
	return c->next % LOAD_SAMPLE != 1 || load_file_has(setup.file, at, b, len);
}

static void
take_block(struct client *c, const uint8_t *b, size_t len)
{
	bool right = is_right(c, b, len);

	c->phase = RUNNING;
	progress(c);
	tftpc_counts.blocks++;
	tftpc_counts.bytes += len;
	c->next++;
	c->inside++;
	if (!right || len > c->blksize) {
		tftpc_counts.wrong++;
		send_error(c);
		end(c, false);
	} else if (len < c->blksize) {
		send_ack(c);
		end(c, true);
	} else if (c->inside >= c->window) {
		send_ack(c);
	}
}

static void
on_data(struct client *c, uint16_t block, const uint8_t *b, size_t len)
{
	uint16_t ahead = (uint16_t)(block - (uint16_t)c->next);

	if (c->phase != IDLE && ahead == 0) {
		take_block(c, b, len);
	} else if (ahead >= 0x8000) {
		tftpc_counts.duplicates++;
		/* The end of what was sent again: our acknowledgement was lost. */
		if (ahead == 0xffff)
			send_ack(c);
	} else if (c->phase != IDLE) {
		tftpc_counts.gaps++;
		if (c->gap != c->next)
			send_ack(c);
		c->gap = c->next;
	}
}

static void
on_packet(struct client *c, const uint8_t *b, size_t len)
{
	if (len < 4 || b[0] != 0)
		return;
	if (b[1] == DATA) {
		on_data(c, (uint16_t)(b[2] << 8 | b[3]), b + 4, len - 4);
	} else if (b[1] == OACK && c->phase != IDLE) {
		on_oack(c, b + 2, len - 2);
	} else if (b[1] == ERROR && c->phase != IDLE) {
		if (tftpc_counts.errors++ == 0)
			fprintf(
			    stderr, "load: error %u: %.*s\n", b[3], (int)len - 4, b + 4);
		end(c, false);
	}
}

/* ------------------------------------------------------------------ receiving */

/* Which client this came for, and how long its pieces are. */
static struct client *
addressee(unsigned i, unsigned sock, size_t *piece)
{
	struct msghdr *h = &in.hdr[i].msg_hdr;
	uint32_t index = NOBODY;
	struct client *c;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(h); cm != NULL; cm = CMSG_NXTHDR(h, cm)) {
		struct in_pktinfo info;
		int size;

		if (cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(cm), sizeof info);
			index =
			    by_addr[ntohl(info.ipi_addr.s_addr) & ((1u << ADDR_BITS) - 1)];
		} else if (cm->cmsg_level == SOL_UDP && cm->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(cm), sizeof size);
			*piece = (size_t)size;
		}
	}
	if (index == NOBODY)
		return NULL;
	c = &clients[index];
	if (c->sock != sock || in.from[i].sin_addr.s_addr != setup.server.s_addr)
		return NULL;
	if (c->port == 0 && c->phase == ASKED)
		c->port = in.from[i].sin_port;
	return in.from[i].sin_port == c->port ? c : NULL;
}

static void
take(unsigned i, unsigned sock)
{
	const uint8_t *b = in.bytes + (size_t)i * RX_BYTES;
	size_t left = in.hdr[i].msg_len, piece = left;
	struct client *c = addressee(i, sock, &piece);

	while (c != NULL && left > 0 && c->sock == sock) {
		size_t n = left < piece ? left : piece;

		on_packet(c, b, n);
		b += n;
		left -= n;
	}
}

void
tftpc_readable(unsigned sock)
{
	int n = RX_BATCH;

	for (unsigned turn = 0; turn < RX_TURNS && n == RX_BATCH; turn++) {
		for (unsigned i = 0; i < RX_BATCH; i++) {
			in.iov[i] =
			    (struct iovec){in.bytes + (size_t)i * RX_BYTES, RX_BYTES};
			in.hdr[i].msg_hdr = (struct msghdr){.msg_name = &in.from[i],
			    .msg_namelen = sizeof in.from[i],
			    .msg_iov = &in.iov[i],
			    .msg_iovlen = 1,
			    .msg_control = in.control[i].bytes,
			    .msg_controllen = sizeof in.control[i].bytes};
		}
		n = recvmmsg(fds[sock], in.hdr, RX_BATCH, MSG_DONTWAIT, NULL);
		now_us = load_us();
		for (int i = 0; i < n; i++)
			take((unsigned)i, sock);
		tftpc_flush();
	}
}

void
tftpc_tick(uint64_t now)
{
	now_us = now;
	for (unsigned i = 0; i < setup.addrs->n; i++) {
		struct client *c = &clients[i];

		if (c->phase == IDLE || now < c->deadline)
			continue;
		tftpc_counts.timeouts++;
		c->deadline = now + setup.timeout_us;
		if (c->tries++ == setup.tries)
			end(c, false);
		else if (c->phase == ASKED)
			send_request(c);
		else
			send_ack(c);
	}
	tftpc_flush();
}

void
tftpc_abort(void)
{
	for (unsigned i = 0; i < setup.addrs->n; i++) {
		if (clients[i].phase == RUNNING)
			send_error(&clients[i]);
		clients[i].phase = IDLE;
	}
	tftpc_flush();
}

/* ---------------------------------------------------------------------- start */

static void
open_socket(unsigned i)
{
	struct epoll_event e = {
	    .events = EPOLLIN, .data.u64 = (uint64_t)setup.tag << 32 | i};
	struct sockaddr_in any = {.sin_family = AF_INET};
	int size = SOCKET_BUFFER, one = 1;

	fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
	if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&any, sizeof any) != 0 ||
	    setsockopt(fds[i], IPPROTO_IP, IP_PKTINFO, &one, sizeof one) != 0 ||
	    setsockopt(fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
	    setsockopt(fds[i], SOL_UDP, UDP_GRO, &one, sizeof one) != 0 ||
	    epoll_ctl(setup.epoll, EPOLL_CTL_ADD, fds[i], &e) != 0)
		load_die("socket of the TFTP clients");
	size = 8 << 20;
	(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
}

void
tftpc_init(const struct tftpc_setup *s)
{
	setup = *s;
	clients = calloc(s->addrs->n, sizeof *clients);
	in.bytes = malloc((size_t)RX_BATCH * RX_BYTES);
	if (clients == NULL || in.bytes == NULL)
		load_die("memory");
	for (unsigned i = 0; i < 1u << ADDR_BITS; i++)
		by_addr[i] = NOBODY;
	for (unsigned i = 0; i < s->addrs->n; i++)
		tftpc_set_address(i);
	for (unsigned i = 0; i < TFTPC_SOCKETS; i++)
		open_socket(i);
	make_request();
}
