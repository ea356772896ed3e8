/*
 * HTTPS in file-sender: hands accepted connections over to the tls processes, and keeps one
 * end of a pair for each, over which its plaintext goes. From then on a connection of HTTPS
 * is like any other here. Which process it meets follows from the client's address, so that
 * a session is resumed where it began, and a hostile machine burdens one of them.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/file-sender/http_conn.h"

static unsigned
choose(const struct http *h, const struct addr *peer)
{
	struct addr a = *peer;

	if (a.family == ADDR_V6)
		memset(a.b + 8, 0, 8);
	return (unsigned)(caps_hash(&a, h->setup.spread) % h->setup.ntls);
}

/* Both or none, as far as it goes: a first half alone is closed by its receiver. */
static int
hand_over(struct chan *to, uint64_t nr, const struct http_peer *from, int fd, int end)
{
	struct msg m = {.nr = MSG_TLS_CONN_TELL};
	int err;

	m.u.tls_conn_tell.conn = nr;
	m.u.tls_conn_tell.peer = from->peer;
	m.u.tls_conn_tell.port = from->port;
	m.u.tls_conn_tell.local = from->local;
	err = chan_send_fd(to, &m, fd);
	if (err != 0)
		return err;
	m = (struct msg){.nr = MSG_TLS_PAIR_TELL};
	m.u.tls_pair_tell.conn = nr;
	return chan_send_fd(to, &m, end);
}

void
https_adopt(struct http *h, int fd, const struct http_peer *from)
{
	unsigned j = choose(h, &from->peer);
	uint64_t nr = http_conn_next_nr(h);
	struct http_peer p = *from;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
		close(fd);
		log_limited(LOG_WARNING, "https-refused", "reason=\"no descriptors\"");
		return;
	}
	p.tls = (uint8_t)(j + 1);
	http_conn_adopt(h, ends[0], &p);
	/* Else it was refused. And when the other end is closed at once, so is this one. */
	if (http_conn_next_nr(h) != nr &&
	    hand_over(&h->setup.tls[j], nr, from, fd, ends[1]) != 0)
		log_limited(
		    LOG_WARNING, "https-refused", "reason=\"tls is busy\" tls=%u", j);
	close(ends[1]);
	close(fd);
}
