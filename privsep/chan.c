/*
 * One end of a channel. Runs in every process and is the first to touch what another,
 * perhaps owned, process sends: nothing passes that is not exactly a message which that
 * role may send to this one.
 */
#include "privsep/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "privsep/start.h"
#include "src/base/log.h"

#define LEN_SIZE 2 /* a message's number, and its length in a bundle */

struct chan_in {
	unsigned next, have; /* datagrams */
	size_t at;           /* in a bundle: where its next message begins; else 0 */
	uint16_t len[CHAN_BATCH];
	bool cut[CHAN_BATCH];
	struct mmsghdr hdrs[CHAN_BATCH];
	struct iovec iov[CHAN_BATCH];
	uint8_t bytes[CHAN_BATCH][CHAN_DATAGRAM_MAX];
};

/* A message as it stands in a bundle: its length, little-endian, before it. */
struct slot {
	uint16_t len; /* of the message alone */
	uint8_t bytes[LEN_SIZE + MSG_SIZE_MAX];
};

struct chan_out {
	unsigned depth, head, count;
	struct mmsghdr hdrs[CHAN_BATCH];
	struct iovec iov[CHAN_BATCH][1 + CHAN_BUNDLE_MAX];
	unsigned taken[CHAN_BATCH]; /* messages in each datagram */
	struct slot slots[];
};

static uint8_t bundle_head[LEN_SIZE] = {CHAN_BUNDLE & 0xff, CHAN_BUNDLE >> 8};

static bool
peer_sends_fds(enum role peer, enum role self)
{
	unsigned nr;

	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++)
		if (msg_carries_fd(nr) && msg_permitted(nr, peer, self))
			return true;
	return false;
}

void
chan_init(
    struct chan *c, int fd, enum role self, enum role peer, unsigned index, unsigned depth)
{
	memset(c, 0, sizeof *c);
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->index = index;
	c->takes_fds = peer_sends_fds(peer, self);
	c->in = calloc(1, sizeof *c->in);
	c->out = calloc(1, sizeof *c->out + depth * sizeof(struct slot));
	if (c->in == NULL || c->out == NULL)
		start_fail("memory for a channel");
	c->out->depth = depth;
	for (unsigned i = 0; i < CHAN_BATCH; i++) {
		c->in->iov[i] = (struct iovec){c->in->bytes[i], CHAN_DATAGRAM_MAX};
		c->in->hdrs[i].msg_hdr.msg_iov = &c->in->iov[i];
		c->in->hdrs[i].msg_hdr.msg_iovlen = 1;
		c->out->hdrs[i].msg_hdr.msg_iov = c->out->iov[i];
	}
}

void
chan_peer_fault(struct chan *c, const char *why)
{
	if (c->breached)
		return;
	c->breached = true;
	log_event(LOG_ERROR, "peer-fault", "peer=%s index=%u why=\"%s\"",
	    role_name(c->peer), c->index, why);
	super_fault(c->peer, c->index);
}

/* Fills the batch without room for descriptors: the kernel throws away any that come. */
static void
fetch_plain(struct chan *c)
{
	struct chan_in *in = c->in;
	int n = recvmmsg(c->fd, in->hdrs, CHAN_BATCH, MSG_DONTWAIT, NULL);

	in->next = 0;
	in->have = n > 0 ? (unsigned)n : 0;
	for (unsigned i = 0; i < in->have; i++) {
		in->len[i] = (uint16_t)in->hdrs[i].msg_len;
		in->cut[i] = (in->hdrs[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
	}
}

/* Fetches one message, with room for exactly one descriptor: CMSG_LEN, not CMSG_SPACE,
 * whose padding has room for a second one. */
static int
fetch_with_fd(struct chan *c)
{
	struct chan_in *in = c->in;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr hdr = {.msg_iov = &in->iov[0],
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	struct cmsghdr *cm;
	int fd = -1;
	ssize_t n;

	memset(&control, 0, sizeof control);
	n = recvmsg(c->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	in->next = 0;
	in->have = n >= 0 ? 1 : 0;
	if (n < 0)
		return -1;
	cm = CMSG_FIRSTHDR(&hdr);
	if (cm != NULL && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
	    cm->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cm), sizeof fd);
	in->len[0] = (uint16_t)n;
	/* MSG_CTRUNC: more descriptors than one were sent, or no number was free. */
	in->cut[0] = (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	return fd;
}

static bool
is_bundle(const struct chan_in *in)
{
	return in->len[in->next] >= LEN_SIZE &&
	       memcmp(in->bytes[in->next], bundle_head, LEN_SIZE) == 0;
}

/* The bytes of the next message: a whole datagram, or the next of a bundle. NULL when the
 * bundle is not made as it must be. */
static const uint8_t *
next_message(struct chan_in *in, size_t *len)
{
	const uint8_t *b = in->bytes[in->next];
	size_t all = in->len[in->next], left;

	if (!is_bundle(in)) {
		*len = all;
		in->next++;
		return b;
	}
	if (in->at == 0)
		in->at = LEN_SIZE;
	left = all - in->at;
	if (left < LEN_SIZE)
		return NULL;
	*len = (size_t)b[in->at] | (size_t)b[in->at + 1] << 8;
	if (*len > left - LEN_SIZE || *len > MSG_SIZE_MAX)
		return NULL;
	b += in->at + LEN_SIZE;
	in->at += LEN_SIZE + *len;
	if (in->at == all) {
		in->at = 0;
		in->next++;
	}
	return b;
}

/* The rules that hold for every message; NULL when it may go to a handler. A bundle in a
 * bundle is a message with a number that does not exist. */
static const char *
check(struct chan *c, struct msg *m, int fd)
{
	struct chan_in *in = c->in;
	const uint8_t *b;
	size_t len;

	if (in->cut[in->next])
		return "message or descriptors too long";
	if (fd >= 0 && is_bundle(in))
		return "stray descriptor";
	b = next_message(in, &len);
	if (b == NULL || msg_decode(b, len, m) != 0)
		return "malformed message";
	if (!msg_permitted(m->nr, c->peer, c->self))
		return "message not permitted";
	if (msg_carries_fd(m->nr) != (fd >= 0))
		return fd >= 0 ? "stray descriptor" : "missing descriptor";
	return NULL;
}

/* A batch that was not full has emptied the channel: to ask the kernel again costs a call
 * in every turn, and what has come since then the next poll shows. */
static bool
spent(struct chan *c)
{
	bool partial = c->in->have > 0 && c->in->have < CHAN_BATCH;

	if (!partial || !c->polled)
		return false;
	c->in->have = c->in->next = 0;
	return true;
}

int
chan_recv(struct chan *c, struct msg *m, int *fd)
{
	int got = -1;
	const char *why;

	if (fd != NULL)
		*fd = -1;
	if (c->breached)
		return 0;
	if (c->takes_fds && c->in->at == 0)
		got = fetch_with_fd(c);
	else if (c->in->next == c->in->have && !spent(c))
		fetch_plain(c);
	if (c->in->next == c->in->have)
		return 0;
	why = check(c, m, got);
	if (why == NULL) {
		c->received++;
		if (fd != NULL)
			*fd = got;
		else if (got >= 0)
			close(got);
		return 1;
	}
	if (got >= 0)
		close(got);
	c->in->have = c->in->next = 0;
	c->in->at = 0;
	chan_peer_fault(c, why);
	return ERR_DENIED;
}

/* Makes datagram k of the queued messages that are `from` behind the head and later:
 * one as it is, several as a bundle. Returns how many it takes. */
static unsigned
gather(struct chan_out *out, unsigned k, unsigned from, unsigned most)
{
	struct iovec *iov = out->iov[k];
	size_t size = LEN_SIZE;
	unsigned n = 0;

	iov[0] = (struct iovec){bundle_head, LEN_SIZE};
	while (from + n < out->count && n < most) {
		struct slot *s = &out->slots[(out->head + from + n) % out->depth];

		size += LEN_SIZE + (size_t)s->len;
		if (size > CHAN_DATAGRAM_MAX)
			break;
		iov[1 + n++] = (struct iovec){s->bytes, LEN_SIZE + (size_t)s->len};
	}
	out->hdrs[k].msg_hdr.msg_iovlen = n == 1 ? 1 : 1 + n;
	if (n == 1)
		iov[0] = (struct iovec){
		    (uint8_t *)iov[1].iov_base + LEN_SIZE, iov[1].iov_len - LEN_SIZE};
	return n;
}

/* Messages that the first `done` datagrams have taken with them. */
static unsigned
gone(const struct chan_out *out, int done)
{
	unsigned n = 0;

	for (int k = 0; k < done; k++)
		n += out->taken[k];
	return n;
}

void
chan_flush(struct chan *c)
{
	struct chan_out *out = c->out;

	while (out->count > 0) {
		unsigned k = 0, from = 0;
		int done;

		while (k < CHAN_BATCH && from < out->count) {
			out->taken[k] =
			    gather(out, k, from, c->bundles ? CHAN_BUNDLE_MAX : 1);
			from += out->taken[k++];
		}
		done = sendmmsg(c->fd, out->hdrs, k, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
			return;
		if (done < 0) {
			/* The pair is broken: only when the supervisor is gone. */
			c->dropped += out->count;
			out->count = 0;
			return;
		}
		from = gone(out, done);
		c->sent += from;
		out->head = (out->head + from) % out->depth;
		out->count -= from;
		if ((unsigned)done < k)
			return;
	}
}

int
chan_send(struct chan *c, const struct msg *m)
{
	struct chan_out *out = c->out;
	struct slot *s;
	int n;

	if (!msg_permitted(m->nr, c->self, c->peer))
		bug("sending a message that this role may not send");
	if (out->count == out->depth)
		chan_flush(c);
	if (out->count == out->depth)
		return ERR_FULL;
	s = &out->slots[(out->head + out->count) % out->depth];
	n = msg_encode(m, s->bytes + LEN_SIZE, MSG_SIZE_MAX);
	if (n < 0)
		bug("sending a message out of range");
	s->len = (uint16_t)n;
	s->bytes[0] = (uint8_t)(n & 0xff);
	s->bytes[1] = (uint8_t)(n >> 8);
	out->count++;
	if (out->count % CHAN_QUEUE == 0)
		chan_flush(c);
	return 0;
}

int
chan_send_fd(struct chan *c, const struct msg *m, int fd)
{
	uint8_t bytes[MSG_SIZE_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {bytes, 0};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	struct cmsghdr *cm = &control.align;
	int n = msg_encode(m, bytes, sizeof bytes);

	if (n < 0 || !msg_carries_fd(m->nr) || !msg_permitted(m->nr, c->self, c->peer))
		bug("sending a wrong message with a descriptor");
	chan_flush(c);
	if (c->out->count > 0)
		return ERR_FULL;
	iov.iov_len = (size_t)n;
	memset(&control, 0, sizeof control);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof fd);
	if (sendmsg(c->fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return ERR_FULL;
	c->sent++;
	return 0;
}

void
chan_send_or_drop(struct chan *c, const struct msg *m)
{
	if (chan_send(c, m) != 0)
		c->dropped++;
}

bool
chan_room(const struct chan *c, unsigned n)
{
	return c->out->depth - c->out->count >= n;
}

bool
chan_blocked(const struct chan *c)
{
	return c->out->count > 0;
}

void
chan_reset(struct chan *c)
{
	struct chan_in *in = c->in;

	c->out->count = 0;
	/* All that is queued was sent by the dead peer: it was reaped before we heard. */
	do
		fetch_plain(c);
	while (in->have > 0);
	in->next = 0;
	in->at = 0;
	c->breached = false;
}
