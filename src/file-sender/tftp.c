/*
 * The TFTP half of file-sender. From the network it believes nothing but who sent a
 * datagram; a transfer takes acknowledgements only from the peer it was granted to, at
 * the local address and socket it uses. What to send, and to whom, the broker decided.
 */
#include "src/file-sender/tftp.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "src/base/log.h"
#include "src/wire/tftp.h"

#define NONE UINT32_MAX
#define BUCKETS 16384u
#define RX_BATCH 64
#define RX_TURNS 4              /* batches of one socket before the others' turn */
#define LINGER_MS 2000          /* repeated last acknowledgements are quietly dropped */
#define AGAIN_MS 1000           /* a repeated request may come this long after progress */
#define STRANGER_INTERVAL_MS 50 /* between two ERRORs to unknown peers */

struct transfer {
	struct tftp_xfer x;
	struct tftp_path path;
	struct memfd *object; /* NULL: over, or not in use */
	uint64_t offset;      /* in the object */
	uint64_t started;
	uint32_t session;
	uint8_t options, rollover;
	uint32_t next; /* in its bucket or in the free list */
	char name[256];
};

struct tftp_in {
	struct mmsghdr hdrs[RX_BATCH];
	struct iovec iov[RX_BATCH];
	struct sockaddr_in from[RX_BATCH];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control[RX_BATCH];
	uint8_t bytes[RX_BATCH][TFTP_REPLY_MAX];
};

static void on_unsent(void *arg, uint32_t owner);

int
tftp_init(struct tftp *t, const struct tftp_setup *setup)
{
	memset(t, 0, sizeof *t);
	t->setup = *setup;
	t->all = calloc(TFTP_TRANSFERS, sizeof *t->all);
	t->buckets = calloc(BUCKETS, sizeof *t->buckets);
	t->in = calloc(1, sizeof *t->in);
	if (t->all == NULL || t->buckets == NULL || t->in == NULL)
		return ERR_SYS;
	for (uint32_t i = 0; i < BUCKETS; i++)
		t->buckets[i] = NONE;
	for (uint32_t i = 0; i < TFTP_TRANSFERS; i++) {
		t->all[i].x.phase = TFTP_OVER;
		t->all[i].next = i + 1 < TFTP_TRANSFERS ? i + 1 : NONE;
	}
	t->nfree = TFTP_TRANSFERS;
	if (timers_init(&t->timers, TFTP_TRANSFERS) != 0 ||
	    caps_init(&t->caps, TFTP_TRANSFERS, setup->seed) != 0)
		return ERR_SYS;
	return tftp_out_init(&t->out, setup->first_fd, on_unsent, t);
}

static void
on_unsent(void *arg, uint32_t owner)
{
	struct tftp *t = arg;
	struct transfer *tr = &t->all[owner];

	tftp_xfer_unsent(&tr->x, t->now);
	if (tr->x.phase != TFTP_OVER)
		timers_set(&t->timers, owner, tr->x.deadline);
}

/* ------------------------------------------------------------------- the table */

static uint32_t *
bucket_of(struct tftp *t, const struct addr *peer, uint16_t port)
{
	uint64_t h = caps_hash(peer, t->setup.seed + port * UINT64_C(0x100000001b3));

	return &t->buckets[h & (BUCKETS - 1)];
}

static struct transfer *
find(struct tftp *t, const struct addr *peer, uint16_t port)
{
	for (uint32_t i = *bucket_of(t, peer, port); i != NONE; i = t->all[i].next)
		if (t->all[i].path.port == port && addr_equal(&t->all[i].path.peer, peer))
			return &t->all[i];
	return NULL;
}

static uint32_t
index_of(const struct tftp *t, const struct transfer *tr)
{
	return (uint32_t)(tr - t->all);
}

/* Gives back what a running transfer holds; it stays in the table. */
static void
let_go(struct tftp *t, struct transfer *tr)
{
	if (tr->object == NULL)
		return;
	memfds_give(t->setup.memfds, tr->object);
	tr->object = NULL;
	caps_give(&t->caps, &tr->path.peer);
}

static void
forget(struct tftp *t, struct transfer *tr)
{
	uint32_t i = index_of(t, tr);
	uint32_t *link = bucket_of(t, &tr->path.peer, tr->path.port);

	/* Nothing that is still to be sent may name the entry's next user as its owner. */
	tftp_out_flush(&t->out);
	let_go(t, tr);
	while (*link != i)
		link = &t->all[*link].next;
	*link = tr->next;
	timers_clear(&t->timers, i);
	tr->x.phase = TFTP_OVER;
	tr->next = t->free;
	t->free = i;
	t->nfree++;
}

static struct transfer *
enlist(struct tftp *t, const struct tftp_path *path)
{
	uint32_t *bucket = bucket_of(t, &path->peer, path->port);
	struct transfer *tr = &t->all[t->free];
	uint32_t i = t->free;

	t->free = tr->next;
	t->nfree--;
	memset(tr, 0, sizeof *tr);
	tr->path = *path;
	tr->next = *bucket;
	*bucket = i;
	return tr;
}

/* --------------------------------------------------------------- what happens */

static void
send_error(struct tftp *t, const struct tftp_path *path, enum tftp_error code)
{
	uint8_t bytes[TFTP_ERROR_MAX];
	int len = tftp_encode_error(code, bytes, sizeof bytes);

	if (len > 0)
		tftp_out_packet(&t->out, path, bytes, (size_t)len, TFTP_OUT_NOBODY);
}

static void
send_oack(struct tftp *t, const struct transfer *tr)
{
	struct tftp_oack o = {.options = tr->options,
	    .blksize = tr->x.terms.blksize,
	    .timeout = tr->x.terms.timeout_s,
	    .windowsize = tr->x.terms.window,
	    .tsize = tr->x.terms.length,
	    .rollover = tr->rollover};
	uint8_t bytes[TFTP_OACK_MAX];
	int len = tftp_encode_oack(&o, bytes, sizeof bytes);

	if (len > 0)
		tftp_out_packet(&t->out, &tr->path, bytes, (size_t)len, index_of(t, tr));
}

static void
report(const struct tftp *t, const struct transfer *tr, const struct tftp_act *act)
{
	const struct tftp_terms *terms = &tr->x.terms;
	uint64_t bytes = tr->x.acked * terms->blksize;
	uint64_t ms = t->now - tr->started;
	char peer[ADDR_TEXT_MAX], name[128];

	if (bytes > terms->length)
		bytes = terms->length;
	addr_format(&tr->path.peer, peer);
	log_quote(tr->name, strlen(tr->name), name, sizeof name);
	if (act->what == TFTP_DO_DONE)
		log_event(LOG_INFO, "tftp-sent",
		    "session=%08x peer=%s name=%s bytes=%llu ms=%llu", tr->session, peer,
		    name, (unsigned long long)bytes, (unsigned long long)ms);
	else if (act->what == TFTP_DO_PROBE)
		log_limited(LOG_DEBUG, "tftp-probe", "session=%08x peer=%s name=%s",
		    tr->session, peer, name);
	else
		log_limited(LOG_INFO, "tftp-failed",
		    "session=%08x peer=%s name=%s bytes=%llu of=%llu ms=%llu reason=%s",
		    tr->session, peer, name, (unsigned long long)bytes,
		    (unsigned long long)terms->length, (unsigned long long)ms, act->why);
}

/* The entry stays for a moment, so that a late datagram of this peer is not taken for a
 * stranger's; not when entries are scarce. */
static void
end(struct tftp *t, struct transfer *tr, const struct tftp_act *act)
{
	report(t, tr, act);
	let_go(t, tr);
	tr->x.phase = TFTP_OVER;
	if (t->nfree < TFTP_TRANSFERS / 4)
		forget(t, tr);
	else
		timers_set(&t->timers, index_of(t, tr), t->now + LINGER_MS);
}

static void
perform(struct tftp *t, struct transfer *tr, const struct tftp_act *act)
{
	static const struct tftp_act unreadable = {TFTP_DO_FAIL, 0, 0, "object-unreadable"};

	switch (act->what) {
	case TFTP_DO_NOTHING: return;
	case TFTP_DO_OACK: send_oack(t, tr); break;
	case TFTP_DO_DATA:
		if (tftp_out_blocks(&t->out, &tr->path, &tr->x, tr->object->fd, tr->offset,
			act->first, act->count, index_of(t, tr)) == 0)
			break;
		send_error(t, &tr->path, TFTP_ERR_OTHER);
		end(t, tr, &unreadable);
		return;
	case TFTP_DO_DONE:
	case TFTP_DO_PROBE:
	case TFTP_DO_FAIL: end(t, tr, act); return;
	}
	timers_set(&t->timers, index_of(t, tr), tr->x.deadline);
}

/* ------------------------------------------------------------ orders of the broker */

/* The broker repeats here what tftp-parser told it, so a wrong address is not the
 * broker's fault; nothing is sent. */
static bool
may_send(
    const struct tftp *t, const struct addr *peer, uint16_t port, const struct addr *local)
{
	uint32_t v4 = addr_to_v4(peer);
	bool ours = false;

	for (unsigned i = 0; i < t->setup.nlocals; i++)
		ours = ours || addr_equal(local, &t->setup.locals[i]);
	if (ours && port != 0 && !addr_equal(peer, local) && v4 >> 24 != 0 && v4 >> 28 < 14)
		return true;
	log_limited(LOG_WARNING, "tftp-refused", "reason=address");
	return false;
}

static void
terms_of(const struct msg_tftp_grant_tell *g, struct tftp_terms *terms)
{
	bool sized = (g->options & TFTP_BLKSIZE) != 0;
	bool windowed = (g->options & TFTP_WINDOWSIZE) != 0;
	bool timed = (g->options & TFTP_TIMEOUT) != 0;

	*terms = (struct tftp_terms){.length = g->length,
	    .oack = g->options != 0,
	    .blksize = sized ? g->blksize : TFTP_BLKSIZE_DEFAULT,
	    .window = windowed ? g->windowsize : 1,
	    .timeout_s = timed ? g->timeout : 0};
}

/* Does this grant answer a repetition of the request that tr serves already? Clients
 * repeat while the first answer is on its way; a new answer would confuse them. */
static bool
is_repetition(
    const struct tftp *t, const struct transfer *tr, const struct msg_tftp_grant_tell *g)
{
	struct tftp_terms terms;

	terms_of(g, &terms);
	if (tr->x.phase == TFTP_OVER || tr->object->id != g->memfd || !tr->object->named ||
	    tr->offset != g->offset || tr->x.terms.length != terms.length ||
	    tr->options != g->options || tr->x.terms.blksize != terms.blksize)
		return false;
	return tr->x.phase == TFTP_OPENING || t->now - tr->x.progress < AGAIN_MS;
}

/* The next socket; not the one that the same peer's port used a moment ago, so that
 * stragglers of the old transfer cannot be taken for the new one's. */
static uint16_t
choose_socket(struct tftp *t, const struct transfer *old)
{
	unsigned sock = t->turn++ % t->setup.pool;

	if (old != NULL && sock == old->path.sock)
		sock = t->turn++ % t->setup.pool;
	return (uint16_t)sock;
}

static void
replace(struct tftp *t, struct transfer *old)
{
	static const struct tftp_act act = {TFTP_DO_FAIL, 0, 0, "replaced"};

	if (old->x.phase != TFTP_OVER)
		report(t, old, &act);
	forget(t, old);
}

/* Room in the table and under the address's limit, and the object; NULL with the reason. */
static struct memfd *
reserve(struct tftp *t, const struct msg_tftp_grant_tell *g, const char **why)
{
	struct memfd *object = NULL;

	*why = NULL;
	if (t->nfree == 0)
		*why = "table-full";
	else if (!caps_take(&t->caps, &g->peer, t->setup.per_address))
		*why = "address-limit";
	else if ((object = memfds_take(t->setup.memfds, g->memfd, g->offset, g->length)) ==
		 NULL) {
		*why = "object-unknown";
		caps_give(&t->caps, &g->peer);
	}
	return object;
}

static void
refuse(struct tftp *t, const struct msg_tftp_grant_tell *g, const struct tftp_path *path,
    const char *why)
{
	char peer[ADDR_TEXT_MAX];

	log_limited(LOG_WARNING, "tftp-refused", "session=%08x peer=%s reason=%s",
	    g->session, addr_format(&g->peer, peer), why);
	send_error(t, path, TFTP_ERR_OTHER);
}

int
tftp_grant(struct tftp *t, const struct msg_tftp_grant_tell *g, uint64_t now)
{
	struct transfer *tr = find(t, &g->peer, g->port);
	struct tftp_path path = {.peer = g->peer, .local = g->local, .port = g->port};
	struct tftp_terms terms;
	struct tftp_xfer x;
	struct tftp_act act;
	struct memfd *object;
	const char *why;

	t->now = now;
	terms_of(g, &terms);
	if (tftp_xfer_start(&x, &terms, now, &act) != 0 || g->link >= t->setup.links ||
	    g->single > t->setup.single)
		return ERR_RANGE;
	if (!may_send(t, &g->peer, g->port, &g->local))
		return 0;
	if (tr != NULL && is_repetition(t, tr, g))
		return 0;
	path.sock =
	    g->single ? (uint16_t)(TFTP_SOCK_SINGLE + g->link) : choose_socket(t, tr);
	if (tr != NULL)
		replace(t, tr);
	object = reserve(t, g, &why);
	if (object == NULL) {
		refuse(t, g, &path, why);
		return 0;
	}
	tr = enlist(t, &path);
	tr->x = x;
	tr->object = object;
	tr->offset = g->offset;
	tr->started = now;
	tr->session = g->session;
	tr->options = g->options;
	tr->rollover = g->rollover;
	memcpy(tr->name, g->name, sizeof tr->name);
	perform(t, tr, &act);
	return 0;
}

int
tftp_deny(struct tftp *t, const struct msg_tftp_deny_tell *d)
{
	struct tftp_path path = {.peer = d->peer, .local = d->local, .port = d->port};

	if (d->link >= t->setup.links || d->single > t->setup.single)
		return ERR_RANGE;
	if (!may_send(t, &d->peer, d->port, &d->local))
		return 0;
	path.sock =
	    d->single ? (uint16_t)(TFTP_SOCK_SINGLE + d->link) : choose_socket(t, NULL);
	send_error(t, &path, (enum tftp_error)d->code);
	return 0;
}

/* ------------------------------------------------------------- from the network */

static void
on_stranger(struct tftp *t, const struct tftp_path *path, const struct tftp_reply *reply)
{
	if (reply->error || t->now - t->stranger_ms < STRANGER_INTERVAL_MS)
		return;
	if (!may_send(t, &path->peer, path->port, &path->local))
		return;
	t->stranger_ms = t->now;
	send_error(t, path, TFTP_ERR_TID);
}

static void
on_reply(struct tftp *t, const struct tftp_path *path, const struct tftp_reply *reply)
{
	struct transfer *tr = find(t, &path->peer, path->port);
	struct tftp_act act;

	if (tr == NULL) {
		on_stranger(t, path, reply);
		return;
	}
	/* Stragglers of a transfer that was replaced, and of one that is over. */
	if (tr->path.sock != path->sock || !addr_equal(&tr->path.local, &path->local) ||
	    tr->x.phase == TFTP_OVER)
		return;
	if (reply->error)
		tftp_xfer_error(&tr->x, reply->number, &act);
	else
		tftp_xfer_ack(&tr->x, reply->number, t->now, &act);
	perform(t, tr, &act);
}

/* From port 69, where whoever is unknown may have meant another server. */
int
tftp_told(struct tftp *t, const struct msg_tftp_relay_tell *m, uint64_t now)
{
	struct tftp_path path = {.peer = m->peer, .local = m->local, .port = m->port};
	struct tftp_reply reply = {.error = m->error != 0, .number = m->number};

	t->now = now;
	if (!t->setup.single || m->link >= t->setup.links)
		return ERR_RANGE;
	path.sock = TFTP_SOCK_SINGLE + m->link;
	if (find(t, &path.peer, path.port) != NULL)
		on_reply(t, &path, &reply);
	return 0;
}

/* Where a datagram came from and to which of our addresses. */
static bool
path_of(struct tftp_in *in, unsigned i, unsigned sock, struct tftp_path *path)
{
	struct msghdr *h = &in->hdrs[i].msg_hdr;
	struct cmsghdr *cm = CMSG_FIRSTHDR(h);
	struct in_pktinfo info;

	if (h->msg_namelen != sizeof in->from[i] || in->from[i].sin_family != AF_INET)
		return false;
	if (cm == NULL || cm->cmsg_level != IPPROTO_IP || cm->cmsg_type != IP_PKTINFO ||
	    cm->cmsg_len != CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	path->peer = addr_v4(ntohl(in->from[i].sin_addr.s_addr));
	path->port = ntohs(in->from[i].sin_port);
	path->local = addr_v4(ntohl(info.ipi_addr.s_addr));
	path->sock = (uint16_t)sock;
	return true;
}

static int
receive(struct tftp *t, unsigned sock)
{
	struct tftp_in *in = t->in;

	for (unsigned i = 0; i < RX_BATCH; i++) {
		in->iov[i] = (struct iovec){in->bytes[i], sizeof in->bytes[i]};
		in->hdrs[i].msg_hdr = (struct msghdr){.msg_name = &in->from[i],
		    .msg_namelen = sizeof in->from[i],
		    .msg_iov = &in->iov[i],
		    .msg_iovlen = 1,
		    .msg_control = in->control[i].bytes,
		    .msg_controllen = sizeof in->control[i].bytes};
	}
	return recvmmsg(
	    t->setup.first_fd + (int)sock, in->hdrs, RX_BATCH, MSG_DONTWAIT, NULL);
}

void
tftp_readable(struct tftp *t, unsigned sock, uint64_t now)
{
	int n = RX_BATCH;

	t->now = now;
	for (unsigned turn = 0; turn < RX_TURNS && n == RX_BATCH; turn++) {
		n = receive(t, sock);
		for (int i = 0; i < n; i++) {
			struct tftp_path path;
			struct tftp_reply reply;

			if ((t->in->hdrs[i].msg_hdr.msg_flags & MSG_TRUNC) == 0 &&
			    path_of(t->in, (unsigned)i, sock, &path) &&
			    tftp_decode_reply(
				t->in->bytes[i], t->in->hdrs[i].msg_len, &reply) == 0)
				on_reply(t, &path, &reply);
		}
	}
}

void
tftp_tick(struct tftp *t, uint64_t now)
{
	uint32_t i;

	t->now = now;
	while ((i = timers_take_due(&t->timers, now)) != TIMERS_OUT) {
		struct transfer *tr = &t->all[i];
		struct tftp_act act;

		if (tr->x.phase == TFTP_OVER) {
			forget(t, tr);
			continue;
		}
		tftp_xfer_tick(&tr->x, now, &act);
		if (act.what == TFTP_DO_NOTHING)
			timers_set(&t->timers, i, tr->x.deadline);
		perform(t, tr, &act);
	}
}

uint64_t
tftp_next(const struct tftp *t)
{
	return timers_next(&t->timers);
}

void
tftp_flush(struct tftp *t)
{
	tftp_out_flush(&t->out);
}
