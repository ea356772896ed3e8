/*
 * HTTP clients for load. Of long bodies most bytes are dropped in the kernel, unseen, so
 * that the client is not what limits; the others are compared with the file.
 */
#include "tests/bench/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 2048
#define READ_BYTES (256u << 10)
#define READS_A_TURN 8

enum phase { IDLE, CONNECTING, SHAKING, HEAD, BODY };

struct conn {
	int fd; /* -1: none */
	SSL *ssl;
	uint8_t phase;
	uint32_t reads;
	uint64_t begun, left, at; /* of the body */
	size_t have;              /* of the head */
	char head[HEAD_MAX + 1];
};

static struct httpc_setup setup;
static struct conn *conns;
static char request[512];
static size_t request_len;
struct httpc_counts httpc_counts;

static unsigned
index_of(const struct conn *c)
{
	return (unsigned)(c - conns);
}

void
httpc_close(unsigned conn)
{
	struct conn *c = &conns[conn];

	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->phase = IDLE;
}

static void
end(struct conn *c, bool good)
{
	c->phase = IDLE;
	if (!good || setup.renew)
		httpc_close(index_of(c));
	setup.ended(index_of(c), good);
}

static void
fail(struct conn *c, uint64_t *count)
{
	if ((*count)++ == 0)
		fprintf(stderr, "load: %s failed in phase %u: %s\n", setup.path, c->phase,
		    c->phase == HEAD && c->have > 0 ? c->head : strerror(errno));
	end(c, false);
}

/* ---------------------------------------------------------------- the connection */

static void
watch(struct conn *c, int op, uint32_t events)
{
	struct epoll_event e = {
	    .events = events, .data.u64 = (uint64_t)setup.tag << 32 | index_of(c)};

	if (epoll_ctl(setup.epoll, op, c->fd, &e) != 0)
		load_die("epoll");
}

static void
open_conn(struct conn *c)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_addr = setup.server, .sin_port = htons(setup.port)};
	struct sockaddr_in from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = setup.addrs->all[index_of(c) % setup.addrs->n]};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0 ||
	    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
	    bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0)
		load_die("socket of the HTTP clients");
	httpc_counts.opened++;
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 &&
	    errno != EINPROGRESS) {
		fail(c, &httpc_counts.closed);
		return;
	}
	c->phase = CONNECTING;
	watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
ask(struct conn *c)
{
	int n = c->ssl != NULL ? SSL_write(c->ssl, request, (int)request_len)
			       : (int)send(c->fd, request, request_len, MSG_NOSIGNAL);

	c->phase = HEAD;
	c->have = 0;
	if (n != (int)request_len)
		fail(c, &httpc_counts.closed);
}

static void
shake(struct conn *c)
{
	int done = SSL_connect(c->ssl);

	if (done == 1) {
		httpc_counts.handshakes++;
		ask(c);
	} else if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) {
		fail(c, &httpc_counts.closed);
	}
}

static void
on_connected(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof err;

	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		errno = err;
		fail(c, &httpc_counts.closed);
		return;
	}
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	if (setup.tls == NULL) {
		ask(c);
		return;
	}
	c->ssl = SSL_new(setup.tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		load_die("TLS");
	c->phase = SHAKING;
	shake(c);
}

void
httpc_begin(unsigned conn, uint64_t now)
{
	struct conn *c = &conns[conn];

	c->begun = now;
	if (c->fd >= 0)
		ask(c);
	else
		open_conn(c);
}

/* ---------------------------------------------------------------------- reading */

/* Bytes, 0 for the end, -1 for none now. Unseen bytes are only counted. */
static ssize_t
take(struct conn *c, void *to, size_t most, bool unseen)
{
	int n;

	if (c->ssl == NULL)
		return recv(c->fd, to, most, unseen ? MSG_TRUNC : 0);
	n = SSL_read(c->ssl, to, (int)most);
	if (n > 0)
		return n;
	errno = SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
	return -1;
}

static void
finish_or_go_on(struct conn *c)
{
	if (c->left == 0 && c->at == setup.file->size)
		end(c, true);
	else if (c->left == 0)
		fail(c, &httpc_counts.wrong);
}

/* Some of the body, which begins at c->at; bytes NULL: not seen. */
static void
on_body(struct conn *c, const void *bytes, size_t n)
{
	if (n > c->left || (bytes != NULL && !load_file_has(setup.file, c->at, bytes, n))) {
		fail(c, &httpc_counts.wrong);
		return;
	}
	httpc_counts.bytes += n;
	c->at += n;
	c->left -= n;
	finish_or_go_on(c);
}

/* The head is complete; its last byte is before `body`. */
static void
on_head(struct conn *c, const char *body)
{
	const char *length = strcasestr(c->head, "\r\nContent-Length:");

	if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || length == NULL) {
		fail(c, &httpc_counts.wrong);
		return;
	}
	c->left = strtoull(length + 17, NULL, 10);
	c->at = 0;
	c->phase = BODY;
	on_body(c, body, c->have - (size_t)(body - c->head));
}

static ssize_t
read_head(struct conn *c)
{
	ssize_t n = take(c, c->head + c->have, HEAD_MAX - c->have, false);
	const char *over;

	if (n <= 0)
		return n;
	c->have += (size_t)n;
	c->head[c->have] = '\0';
	over = strstr(c->head, "\r\n\r\n");
	if (over != NULL)
		on_head(c, over + 4);
	else if (c->have == HEAD_MAX)
		fail(c, &httpc_counts.wrong);
	return n;
}

static ssize_t
read_body(struct conn *c)
{
	static uint8_t bytes[READ_BYTES];
	bool unseen = c->ssl == NULL && c->reads++ % LOAD_SAMPLE != 0;
	size_t most = unseen && c->left > READ_BYTES ? c->left : READ_BYTES;
	ssize_t n = take(c, bytes, most < c->left ? most : c->left, unseen);

	if (n > 0)
		on_body(c, unseen ? NULL : bytes, (size_t)n);
	return n;
}

static void
read_some(struct conn *c)
{
	for (unsigned i = 0; i < READS_A_TURN && (c->phase == HEAD || c->phase == BODY);
	     i++) {
		ssize_t n = c->phase == HEAD ? read_head(c) : read_body(c);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fail(c, &httpc_counts.closed);
			return;
		}
	}
}

void
httpc_event(unsigned conn)
{
	struct conn *c = &conns[conn];

	switch (c->phase) {
	case IDLE: httpc_close(conn); break; /* the server has closed it */
	case CONNECTING: on_connected(c); break;
	case SHAKING: shake(c); break;
	default: read_some(c); break;
	}
}

void
httpc_tick(uint64_t now)
{
	for (unsigned i = 0; i < setup.conns; i++) {
		struct conn *c = &conns[i];

		if (c->phase == IDLE || now < c->begun || now - c->begun < setup.timeout_us)
			continue;
		errno = ETIMEDOUT;
		fail(c, &httpc_counts.timeouts);
	}
}

/* ------------------------------------------------------------------------ start */

SSL_CTX *
httpc_tls(const char *version, char *sigalgs)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int v = version == NULL               ? 0
		: strcmp(version, "1.2") == 0 ? TLS1_2_VERSION
					      : TLS1_3_VERSION;

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, v == 0 ? TLS1_2_VERSION : v) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, v) != 1 ||
	    (sigalgs != NULL && SSL_CTX_set1_sigalgs_list(ctx, sigalgs) != 1))
		load_die("TLS");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

void
httpc_init(const struct httpc_setup *s)
{
	char host[INET_ADDRSTRLEN];

	setup = *s;
	conns = calloc(s->conns, sizeof *conns);
	if (conns == NULL)
		load_die("memory");
	for (unsigned i = 0; i < s->conns; i++)
		conns[i].fd = -1;
	request_len = (size_t)snprintf(request, sizeof request,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\n%s\r\n", s->path,
	    inet_ntop(AF_INET, &s->server, host, sizeof host),
	    s->renew ? "Connection: close\r\n" : "");
	if (request_len >= sizeof request)
		load_die("request");
}
