/*
 * Intake of process tls. A file-sender may be owned: it can hand over what it likes, and
 * gets no more for it than a place in a table of fixed size.
 */
#include "src/tls/intake.h"

#include <unistd.h>

#include "src/base/log.h"
#include "src/tls/session.h"

static struct half {
	bool there;
	int fd;
	struct msg_tls_conn_tell tell;
} halves[WORKER_MAX];

static void
forget_half(struct half *h)
{
	if (h->there)
		close(h->fd);
	h->there = false;
}

void
on_tls_conn_tell(unsigned worker, const struct msg_tls_conn_tell *m, int fd)
{
	struct half *h = &halves[worker];

	forget_half(h);
	*h = (struct half){true, fd, *m};
}

void
on_tls_pair_tell(unsigned worker, const struct msg_tls_pair_tell *m, int fd, uint64_t now)
{
	struct half *h = &halves[worker];
	struct conn *c;

	/* What an earlier process of ours had read the first half of. */
	if (!h->there || h->tell.conn != m->conn) {
		forget_half(h);
		close(fd);
		return;
	}
	h->there = false;
	c = conn_add(worker, m->conn, h->fd, fd, now);
	if (c == NULL) {
		log_limited(LOG_WARNING, "tls-full", "connections=%u", conn_count());
		return;
	}
	c->peer = h->tell.peer;
	c->port = h->tell.port;
	conn_queue(c);
}

void
intake_gone(unsigned worker)
{
	struct conn *next;

	forget_half(&halves[worker]);
	for (struct conn *c = conn_next(NULL); c != NULL; c = next) {
		next = conn_next(c);
		if (c->worker == worker)
			session_drop(c, NULL);
	}
}
