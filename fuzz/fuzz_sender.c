/*
 * file-sender between an owned broker and hostile clients, on loopback sockets and real
 * channels; only its main file is played here. Input: steps of one byte of what (low four
 * bits: enum what; high four: which client) and one of length (two for an order), with
 * that many bytes. Addresses in orders are moved to 127.0.0.0/8. Promises: what it tells
 * is well-formed and in turn, and when all clients fall silent, everything it held for
 * them is free again.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/file-sender/http.h"
#include "src/file-sender/tftp.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define CLIENTS 8
#define POOL 2
#define KNOWN 64
#define STEPS_MAX 64
#define OBJECT_SIZE 70000
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

enum what {
	DO_ORDER,       /* a message of the broker, for this client */
	DO_ORDER_AS_IS, /* the same with the numbers that stand in it */
	DO_CONNECT,
	DO_SEND,
	DO_READ,
	DO_SHUT,
	DO_CLOSE,
	DO_DATAGRAM,
	DO_TIME,   /* 2^n ms */
	DO_DEAF,   /* channels are not read until the next */
	DO_GONE,   /* the broker, or http-parser */
	DO_OBJECT, /* the broker names the object, as memfd n */
	DO_MAX
};

static struct chan broker, parser, far_broker, far_parser;
static struct memfds memfds;
static struct tftp tftp;
static struct http http;
static struct addr local = {ADDR_V4, {127, 0, 0, 1}};
static int object, clients[CLIENTS], udp[CLIENTS];
static uint16_t http_port, udp_port[CLIENTS], pool_port[POOL];
static uint64_t now = 1000000;
static uint64_t known[KNOWN]; /* connections that the broker was told of */
static bool deaf;

static void
join(struct chan *near, int fd, enum role peer, struct chan *far)
{
	int pair[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	REQUIRE(dup2(pair[0], fd) == fd);
	close(pair[0]);
	chan_init(near, fd, ROLE_FILE_SENDER, peer, 0, 32);
	chan_init(far, pair[1], peer, ROLE_FILE_SENDER, 0, 32);
}

/* A socket on 127.0.0.1 (or n), and its port. */
static int
loopback(int type, uint32_t n, uint16_t *port)
{
	static const int on = 1;
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + n)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
	REQUIRE(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	REQUIRE(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
watch(int fd, enum watch_kind kind, unsigned index)
{
	REQUIRE(watch_add(fd, EPOLLIN, (struct watch_tag){kind, index, 0}) == 0);
}

/* Sends, and hears nothing. */
static void
single(void)
{
	uint16_t port;
	int fd = loopback(SOCK_DGRAM, 1, &port);
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(1),
	    .sin_addr.s_addr = htonl(0x7f000001)};

	REQUIRE(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
	REQUIRE(dup2(fd, FD_SINGLE) == FD_SINGLE);
	close(fd);
}

static void
set_up(void)
{
	struct http_setup hs = {.broker = &broker,
	    .parser = &parser,
	    .memfds = &memfds,
	    .listeners = {{FD_LISTEN, {ADDR_V4, {127, 0, 0, 1}}, false}},
	    .nlisteners = 1,
	    .most = 6,
	    .seed = 1,
	    .generation = 3,
	    .head_timeout_ms = 10000,
	    .idle_timeout_ms = 30000,
	    .rate_window_ms = 30000,
	    .window_bytes = 30720,
	    .per_address = 4};
	struct tftp_setup ts = {.pool = POOL,
	    .links = 1,
	    .single = true,
	    .per_address = 64,
	    .locals = &local,
	    .nlocals = 1,
	    .memfds = &memfds,
	    .seed = 1};
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) < FD_POOL + POOL - 1)
		REQUIRE(fd >= 0);
	single();
	REQUIRE(memfds_init(&memfds) == 0 && tftp_init(&tftp, &ts) == 0);
	join(&broker, FD_BROKER, ROLE_BROKER, &far_broker);
	join(&parser, FD_PAIR, ROLE_HTTP_PARSER, &far_parser);
	fd = loopback(SOCK_STREAM, 1, &http_port);
	REQUIRE(listen(fd, 64) == 0 && dup2(fd, FD_LISTEN) == FD_LISTEN);
	REQUIRE(watch_init() == 0 && http_init(&http, &hs) == 0);
	http_parser_here(&http, now);
	for (unsigned i = 0; i < POOL; i++) {
		REQUIRE(
		    dup2(loopback(SOCK_DGRAM, 1, &pool_port[i]), FD_POOL + (int)i) >= 0);
		watch(FD_POOL + (int)i, WATCH_POOL, i);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = -1;
		udp[i] = loopback(SOCK_DGRAM, 2 + i % 2, &udp_port[i]);
	}
	object = memfd_create("object", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	REQUIRE(object >= 0 && ftruncate(object, OBJECT_SIZE) == 0);
	REQUIRE(fcntl(object, F_ADD_SEALS, SEALS) == 0);
}

/* ------------------------------------------------------------- what it tells others */

static uint64_t *
find_known(uint64_t nr)
{
	for (unsigned i = 0; i < KNOWN; i++)
		if (known[i] == nr)
			return &known[i];
	return NULL;
}

static void
hear_broker(void)
{
	struct msg m;

	while (chan_recv(&far_broker, &m, NULL) == 1) {
		if (m.nr == MSG_CONN_TELL) {
			REQUIRE(find_known(m.u.conn_tell.conn) == NULL);
			*find_known(0) = m.u.conn_tell.conn;
		} else if (m.nr == MSG_END_TELL) {
			REQUIRE(find_known(m.u.end_tell.conn) != NULL);
			*find_known(m.u.end_tell.conn) = 0;
		}
	}
	REQUIRE(!far_broker.breached);
}

static void
hear(void)
{
	struct msg m;

	chan_flush(&broker);
	chan_flush(&parser);
	if (deaf)
		return;
	hear_broker();
	while (chan_recv(&far_parser, &m, NULL) == 1)
		continue;
	REQUIRE(!far_parser.breached);
}

/* ------------------------------------------------------- the loop of file-sender_main */

static void
turn(void)
{
	struct watch_event events[WATCH_EVENTS];
	unsigned n = watch_wait(events, 0, 0);

	for (unsigned i = 0; i < n; i++) {
		const struct watch_event *e = &events[i];

		if (e->tag.kind == WATCH_LISTEN)
			http_accept(&http, e->tag.index, now);
		else if (e->tag.kind == WATCH_POOL)
			tftp_readable(&tftp, e->tag.index, now);
		else
			http_event(&http, e->tag, e->events, now);
	}
	hear();
	tftp_tick(&tftp, now);
	http_tick(&http, now);
	tftp_flush(&tftp);
	hear();
}

static void
order(const struct msg *m)
{
	int err = 0;

	switch (m->nr) {
	case MSG_DROP_TELL: err = memfds_drop(&memfds, m->u.drop_tell.memfd); break;
	case MSG_RESET_TELL: memfds_forget(&memfds); break;
	case MSG_TFTP_GRANT_TELL:
		err = tftp_grant(&tftp, &m->u.tftp_grant_tell, now);
		break;
	case MSG_TFTP_DENY_TELL: err = tftp_deny(&tftp, &m->u.tftp_deny_tell); break;
	case MSG_TFTP_RELAY_TELL: err = tftp_told(&tftp, &m->u.tftp_relay_tell, now); break;
	case MSG_HTTP_GRANT_TELL:
		err = http_grant(&http, &m->u.http_grant_tell, now);
		break;
	case MSG_HTTP_DENY_TELL: err = http_deny(&http, &m->u.http_deny_tell, now); break;
	default: break;
	}
	REQUIRE(err == 0 || err == ERR_RANGE || err == ERR_STATE || err == ERR_ABSENT);
}

/* What http-parser may have read: mostly all that it was sent, of an odd number all but a
 * byte. */
static uint16_t
used(uint64_t conn, uint16_t wish)
{
	bool foreign;
	const struct http_conn *c = http_conn_find(&http, conn, &foreign);
	uint16_t most = c == NULL ? 0 : c->relayed;

	return most > 1 && wish % 2 == 1 ? (uint16_t)(most - 1) : most;
}

/* An order that concerns this client, unless it is to be left as it is. */
static void
on_order(const uint8_t *bytes, size_t len, unsigned client, bool as_is)
{
	static struct msg m;
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;
	struct msg_tftp_deny_tell *d = &m.u.tftp_deny_tell;
	struct msg_tftp_relay_tell *r = &m.u.tftp_relay_tell;
	struct addr peer = addr_v4(0x7f000002 + client % 2);

	if (msg_decode(bytes, len, &m) != 0)
		return;
	if (m.nr == MSG_TFTP_GRANT_TELL) {
		g->peer = peer;
		g->port = as_is ? g->port : udp_port[client];
		g->local = local;
		g->memfd = as_is ? g->memfd : client % 4;
		g->blksize = g->blksize == 0 ? 512 : g->blksize;
	} else if (m.nr == MSG_TFTP_DENY_TELL) {
		d->peer = peer;
		d->port = as_is ? d->port : udp_port[client];
		d->local = local;
	} else if (m.nr == MSG_TFTP_RELAY_TELL) {
		r->peer = peer;
		r->port = as_is ? r->port : udp_port[client];
		r->local = local;
		r->link = as_is ? r->link : 0;
	} else if (m.nr == MSG_HTTP_GRANT_TELL && !as_is) {
		m.u.http_grant_tell.conn = known[client];
		m.u.http_grant_tell.memfd = client % 4;
		m.u.http_grant_tell.used = used(known[client], m.u.http_grant_tell.used);
	} else if (m.nr == MSG_HTTP_DENY_TELL && !as_is) {
		m.u.http_deny_tell.conn = known[client];
		m.u.http_deny_tell.used = used(known[client], m.u.http_deny_tell.used);
	}
	order(&m);
}

/* ------------------------------------------------------------------------ clients */

/* With a reset, so that no port waits for stragglers. */
static void
hang_up(unsigned client)
{
	static const struct linger hard = {1, 0};

	if (clients[client] < 0)
		return;
	(void)setsockopt(clients[client], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(clients[client]);
	clients[client] = -1;
}

static void
dial(unsigned client)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(http_port),
	    .sin_addr.s_addr = htonl(0x7f000001)};
	uint16_t port;

	hang_up(client);
	clients[client] = loopback(SOCK_STREAM, 2 + client % 2, &port);
	(void)connect(clients[client], (struct sockaddr *)&a, sizeof a);
}

static void
listen_to(unsigned client)
{
	static uint8_t bytes[1 << 16];

	while (clients[client] >= 0 &&
	       recv(clients[client], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		continue;
}

static void
send_datagram(unsigned client, const uint8_t *bytes, size_t len)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(pool_port[len == 0 ? 0 : bytes[len - 1] % POOL]),
	    .sin_addr.s_addr = htonl(0x7f000001)};
	uint8_t dust[64];

	while (recv(udp[client], dust, sizeof dust, MSG_DONTWAIT) >= 0)
		continue;
	(void)sendto(
	    udp[client], bytes, len, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a);
}

static void
on_gone(bool is_broker)
{
	if (is_broker) {
		chan_reset(&far_broker);
		chan_reset(&broker);
		chan_reset(&far_broker);
		memset(known, 0, sizeof known);
		memfds_forget(&memfds);
		http_broker_gone(&http, now);
	} else {
		chan_reset(&far_parser);
		chan_reset(&parser);
		chan_reset(&far_parser);
		http_parser_gone(&http, now);
		REQUIRE(http.deaf);
		http_parser_here(&http, now);
	}
}

static void
step(uint8_t what, const uint8_t *bytes, size_t len)
{
	unsigned client = what >> 4 & (CLIENTS - 1);
	int fd = clients[client];

	switch ((enum what)(what & 15)) {
	case DO_ORDER: on_order(bytes, len, client, false); break;
	case DO_ORDER_AS_IS: on_order(bytes, len, client, true); break;
	case DO_CONNECT: dial(client); break;
	case DO_SEND:
		if (fd >= 0)
			(void)send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case DO_READ: listen_to(client); break;
	case DO_SHUT:
		if (fd >= 0)
			(void)shutdown(fd, SHUT_WR);
		break;
	case DO_CLOSE: hang_up(client); break;
	case DO_DATAGRAM: send_datagram(client, bytes, len); break;
	case DO_TIME: now += UINT64_C(1) << (what >> 4); break;
	case DO_DEAF: deaf = !deaf; break;
	case DO_GONE: on_gone(client % 2 == 0); break;
	case DO_OBJECT:
		/* Not sealed, of another size or named twice: refused, and closed. */
		(void)!memfds_add(
		    &memfds, client % 4, OBJECT_SIZE + (client > 5), dup(object));
		break;
	default: break;
	}
	turn();
}

/* Everybody hangs up; what is left is over when every deadline has passed. */
static void
fall_silent(void)
{
	deaf = false;
	for (unsigned i = 0; i < CLIENTS; i++)
		hang_up(i);
	for (unsigned i = 0; i < 20; i++) {
		now += 300000; /* longer than any timeout that a client may ask for */
		turn();
	}
	for (unsigned i = 0; i < KNOWN; i++)
		REQUIRE(known[i] == 0);
	for (unsigned i = 0; i < HTTP_CONNS; i++)
		REQUIRE(http.all[i].state == CONN_FREE && http.all[i].answer == NULL);
	REQUIRE(!http.deaf && http.oldest == UINT32_MAX);
	REQUIRE(tftp.table.nfree == TFTP_TRANSFERS && tftp_next(&tftp) == UINT64_MAX);
	memfds_forget(&memfds);
	REQUIRE(memfds.named == 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static bool ready;
	struct in in;

	if (!ready)
		set_up();
	ready = true;
	in_init(&in, data, len);
	for (unsigned i = 0; i < STEPS_MAX && in_left(&in) >= 3; i++) {
		uint8_t what = in_u8(&in);
		/* Orders are longer than one byte can say. */
		bool order = (what & 15) <= DO_ORDER_AS_IS;
		size_t n = order ? in_u16_le(&in) : in_u8(&in);
		const uint8_t *bytes;

		if (n > in_left(&in))
			n = in_left(&in);
		bytes = in_take(&in, n);
		step(what, bytes, n);
	}
	fall_silent();
	return 0;
}
