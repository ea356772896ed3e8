/*
 * The TFTP half of file-sender. From the network it believes nothing but who sent a
 * datagram; a transfer takes acknowledgements only from the peer it was granted to, at
 * the local address and socket it uses. What to send, and to whom, the broker decided.
 */
#include "src/file-sender/tftp.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/file-sender/tftp_blocks.h"
#include "src/wire/tftp.h"

#define READS 4                 /* of one socket before the others' turn */
#define DUE_TURN 256            /* transfers that are repeated in a turn at most */
#define MORE_TURN 16            /* portions of large windows */
#define TOGETHER 64             /* transfers that begin on a socket in a row */
#define SENT_LINES 500          /* a second: a line costs as much as a small file */
#define LINGER_MS 2000          /* repeated last acknowledgements are quietly dropped */
#define AGAIN_MS 1000           /* a repeated request may come this long after progress */
#define STRANGER_INTERVAL_MS 50 /* between two ERRORs to unknown peers */

static void on_unsent(void *arg, struct tftp_owner owner, uint64_t first);
static void on_uncut(void *arg, struct tftp_owner owner);

int
tftp_init(struct tftp *t, const struct tftp_setup *setup)
{
	struct tftp_out_hooks hooks = {.unsent = on_unsent, .uncut = on_uncut, .arg = t};

	memset(t, 0, sizeof *t);
	t->setup = *setup;
	t->in = tftp_in_new();
	t->queue.items = calloc(TFTP_TRANSFERS, sizeof *t->queue.items);
	if (t->in == NULL || t->queue.items == NULL ||
	    tftp_table_init(&t->table, setup->seed) != 0 ||
	    timers_init(&t->timers, TFTP_TRANSFERS) != 0 ||
	    caps_init(&t->caps, TFTP_TRANSFERS, setup->seed) != 0)
		return ERR_SYS;
	return tftp_out_init(&t->out, &hooks);
}

/* ----------------------------------------------------------- what becomes of sends */

static struct tftp_owner
owner_of(const struct tftp *t, const struct transfer *tr)
{
	return (struct tftp_owner){tftp_table_index(&t->table, tr), tr->serial};
}

/* NULL when it is over and somebody else has its place. */
static struct transfer *
owned_by(struct tftp *t, struct tftp_owner owner)
{
	struct transfer *tr = &t->table.all[owner.item];

	return tr->serial == owner.serial ? tr : NULL;
}

static void
on_unsent(void *arg, struct tftp_owner owner, uint64_t first)
{
	struct tftp *t = arg;
	struct transfer *tr = owned_by(t, owner);

	if (tr == NULL || tr->x.phase == TFTP_OVER)
		return;
	tftp_xfer_unsent(&tr->x, first, t->now);
	timers_set(&t->timers, owner.item, tr->x.deadline);
}

static void
on_uncut(void *arg, struct tftp_owner owner)
{
	struct tftp *t = arg;
	struct transfer *tr = owned_by(t, owner);
	char peer[ADDR_TEXT_MAX];

	if (tr == NULL)
		return;
	tr->uncut = true;
	log_limited(LOG_DEBUG, "tftp-uncut", "peer=%s blksize=%u so_far=%llu",
	    addr_format(&tr->path.peer, peer), tr->x.terms.blksize,
	    (unsigned long long)t->out.uncut);
}

/* Gives back what a running transfer holds; it stays in the table. */
static void
let_go(struct tftp *t, struct transfer *tr)
{
	if (tr->object == NULL)
		return;
	/* Nothing that is still to be sent may lie in an object that goes. */
	if (tr->object->refs == 1)
		tftp_out_flush(&t->out);
	memfds_give(t->setup.memfds, tr->object);
	tr->object = NULL;
	caps_give(&t->caps, &tr->path.peer);
}

static void
forget(struct tftp *t, struct transfer *tr)
{
	let_go(t, tr);
	timers_clear(&t->timers, tftp_table_index(&t->table, tr));
	tftp_table_remove(&t->table, tr);
}

static void
enqueue(struct tftp *t, struct transfer *tr)
{
	struct tftp_queue *q = &t->queue;

	if (tr->queued)
		return;
	tr->queued = true;
	q->items[(q->head + q->n++) % TFTP_TRANSFERS] = tftp_table_index(&t->table, tr);
}

/* --------------------------------------------------------------- what happens */

static void
send_error(struct tftp *t, const struct tftp_path *path, enum tftp_error code)
{
	static const struct tftp_owner nobody = {TFTP_OUT_NOBODY, 0};
	uint8_t bytes[TFTP_ERROR_MAX];
	int len = tftp_encode_error(code, bytes, sizeof bytes);

	if (len > 0)
		tftp_out_packet(&t->out, path, nobody, bytes, (size_t)len);
}

static void
send_oack(struct tftp *t, const struct transfer *tr)
{
	struct tftp_oack o = {.options = tr->options,
	    .blksize = tr->x.terms.blksize,
	    .timeout = tr->x.terms.timeout_s,
	    .windowsize = tr->x.terms.window,
	    .tsize = tr->x.terms.length,
	    .rollover = tr->x.terms.rollover};
	uint8_t bytes[TFTP_OACK_MAX];
	int len = tftp_encode_oack(&o, bytes, sizeof bytes);

	if (len > 0)
		tftp_out_packet(&t->out, &tr->path, owner_of(t, tr), bytes, (size_t)len);
}

/* Bytes of the object that the peer has for certain. */
static uint64_t
arrived(const struct transfer *tr)
{
	uint64_t bytes = tr->text ? tr->base.at.at : tr->x.acked * tr->x.terms.blksize;

	if (tr->x.acked == tr->x.blocks || bytes > tr->x.terms.length)
		return tr->x.terms.length;
	return bytes;
}

static void
report(const struct tftp *t, const struct transfer *tr, const struct tftp_act *act)
{
	unsigned long long bytes = arrived(tr), length = tr->x.terms.length;
	unsigned long long ms = t->now - tr->started;
	char peer[ADDR_TEXT_MAX], name[128];

	addr_format(&tr->path.peer, peer);
	log_quote(tr->name, strlen(tr->name), name, sizeof name);
	if (act->what == TFTP_DO_DONE)
		log_at_most(SENT_LINES, LOG_INFO, "tftp-sent",
		    "session=%08x peer=%s name=%s bytes=%llu ms=%llu", tr->session, peer,
		    name, bytes, ms);
	else if (act->what == TFTP_DO_PROBE)
		log_limited(LOG_DEBUG, "tftp-probe", "session=%08x peer=%s name=%s",
		    tr->session, peer, name);
	else
		log_limited(LOG_INFO, "tftp-failed",
		    "session=%08x peer=%s name=%s bytes=%llu of=%llu ms=%llu reason=%s",
		    tr->session, peer, name, bytes, length, ms, act->why);
}

/* The entry stays for a moment, so that a late datagram of this peer is not taken for a
 * stranger's; not when entries are scarce. */
static void
end(struct tftp *t, struct transfer *tr, const struct tftp_act *act)
{
	report(t, tr, act);
	let_go(t, tr);
	tr->x.phase = TFTP_OVER;
	if (t->table.nfree < TFTP_TRANSFERS / 4)
		forget(t, tr);
	else
		timers_set(&t->timers, tftp_table_index(&t->table, tr), t->now + LINGER_MS);
}

static void
perform(struct tftp *t, struct transfer *tr, const struct tftp_act *act)
{
	switch (act->what) {
	case TFTP_DO_NOTHING: break;
	case TFTP_DO_OACK: send_oack(t, tr); break;
	case TFTP_DO_DATA:
		tftp_blocks_write(&t->out, tr, owner_of(t, tr), act);
		if (tftp_xfer_has_more(&tr->x))
			enqueue(t, tr);
		break;
	case TFTP_DO_DONE:
	case TFTP_DO_PROBE:
	case TFTP_DO_FAIL: end(t, tr, act); return;
	}
	if (tr->x.phase != TFTP_OVER)
		timers_set(&t->timers, tftp_table_index(&t->table, tr), tr->x.deadline);
}

/* ------------------------------------------------------------ orders of the broker */

static bool
is_unicast(const struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nobody[12] = {0};
	uint32_t v4 = addr_to_v4(a);

	if (a->family == ADDR_V4)
		return v4 >> 24 != 0 && v4 >> 28 < 14;
	/* Neither multicast, nor IPv4 in disguise, nor the unset address and our own. */
	return a->family == ADDR_V6 && a->b[0] != 0xff &&
	       memcmp(a->b, mapped, sizeof mapped) != 0 &&
	       memcmp(a->b, nobody, sizeof nobody) != 0;
}

/* The broker repeats here what tftp-parser told it, so a wrong address is not the
 * broker's fault; nothing is sent. */
static bool
may_send(const struct tftp *t, const struct tftp_path *path)
{
	bool ours = false;

	for (unsigned i = 0; i < t->setup.nlocals; i++)
		ours = ours || addr_equal(&path->local, &t->setup.locals[i]);
	if (ours && path->port != 0 && !addr_equal(&path->peer, &path->local) &&
	    path->peer.family == path->local.family && is_unicast(&path->peer))
		return true;
	log_limited(LOG_WARNING, "tftp-refused", "reason=address");
	return false;
}

/* The next socket, for some transfers in a row, because what leaves from one socket leaves
 * together; not the one that the same peer's port used a moment ago, so that stragglers of
 * the old transfer cannot be taken for the new one's. */
static uint16_t
choose_socket(struct tftp *t, const struct tftp_path *path, const struct transfer *old)
{
	bool v6 = path->peer.family == ADDR_V6;
	unsigned first = v6 ? t->setup.pool : 0;
	unsigned pool = v6 ? t->setup.pool6 : t->setup.pool;
	unsigned sock = first + t->turn++ / TOGETHER % pool;

	if (old != NULL && sock == old->path.sock)
		sock = first + (sock - first + 1) % pool;
	return (uint16_t)sock;
}

/* The path of an order, but for its socket. ERR_RANGE when there is nothing like it. */
static int
path_of(const struct tftp *t, struct tftp_path *path, uint8_t link, bool single)
{
	bool v6 = path->peer.family == ADDR_V6;

	if (link >= t->setup.links || (single && !t->setup.single) ||
	    (v6 && !single && t->setup.pool6 == 0))
		return ERR_RANGE;
	if (v6 && path->peer.b[0] == 0xfe && (path->peer.b[1] & 0xc0) == 0x80)
		path->scope = t->setup.scopes[link];
	if (single)
		path->sock = (uint16_t)((v6 ? TFTP_SOCK_SINGLE6 : TFTP_SOCK_SINGLE) + link);
	return 0;
}

static void
terms_of(const struct msg_tftp_grant_tell *g, struct tftp_terms *terms)
{
	bool sized = (g->options & TFTP_BLKSIZE) != 0;
	bool windowed = (g->options & TFTP_WINDOWSIZE) != 0;
	bool timed = (g->options & TFTP_TIMEOUT) != 0;

	*terms = (struct tftp_terms){.length = g->length,
	    .oack = g->options != 0,
	    .rollover = g->rollover != 0,
	    .endless = g->netascii != 0,
	    .blksize = sized ? g->blksize : TFTP_BLKSIZE_DEFAULT,
	    .window = windowed ? g->windowsize : 1,
	    .timeout_s = timed ? g->timeout : 0};
	if (terms->endless && terms->window > TFTP_TEXT_WINDOW)
		terms->window = TFTP_TEXT_WINDOW;
	if (terms->rollover && terms->window == UINT16_MAX)
		terms->window = UINT16_MAX - 1;
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
	    tr->options != g->options || tr->x.terms.blksize != terms.blksize ||
	    tr->x.terms.window != terms.window || tr->text != terms.endless)
		return false;
	return tr->x.phase == TFTP_OPENING || t->now - tr->x.progress < AGAIN_MS;
}

static void
remove_for(struct tftp *t, struct transfer *tr, const char *why)
{
	struct tftp_act act = {TFTP_DO_FAIL, 0, 0, why};

	if (tr->x.phase != TFTP_OVER)
		report(t, tr, &act);
	forget(t, tr);
}

static bool
make_place(struct tftp *t)
{
	struct transfer *victim;

	if (t->table.nfree > 0)
		return true;
	victim = tftp_table_victim(&t->table, t->now);
	if (victim != NULL)
		remove_for(t, victim, "crowded-out");
	return victim != NULL;
}

/* Room in the table and under the address's limit, and the object; NULL with the reason. */
static struct memfd *
reserve(struct tftp *t, const struct msg_tftp_grant_tell *g, const char **why)
{
	struct memfd *object = NULL;

	*why = NULL;
	if (!caps_take(&t->caps, &g->peer, t->setup.per_address)) {
		*why = "address-limit";
		return NULL;
	}
	if (!make_place(t))
		*why = "table-full";
	else if ((object = memfds_take(t->setup.memfds, g->memfd, g->offset, g->length)) ==
		 NULL)
		*why = "object-unknown";
	if (object == NULL)
		caps_give(&t->caps, &g->peer);
	return object;
}

/* Whoever comes when all is full hears nothing, and so asks again. */
static void
refuse(struct tftp *t, const struct msg_tftp_grant_tell *g, const struct tftp_path *path,
    const char *why)
{
	char peer[ADDR_TEXT_MAX];

	log_limited(LOG_WARNING, "tftp-refused", "session=%08x peer=%s reason=%s",
	    g->session, addr_format(&g->peer, peer), why);
	if (t->table.nfree > 0)
		send_error(t, path, TFTP_ERR_OTHER);
}

static void
begin(struct tftp *t, const struct msg_tftp_grant_tell *g, const struct tftp_path *path,
    const struct tftp_xfer *x, const struct tftp_act *act)
{
	const char *why;
	struct memfd *object = reserve(t, g, &why);
	struct transfer *tr;

	if (object == NULL) {
		refuse(t, g, path, why);
		return;
	}
	tr = tftp_table_add(&t->table, path);
	tr->x = *x;
	tr->object = object;
	tr->offset = g->offset;
	tr->started = t->now;
	tr->session = g->session;
	tr->options = g->options;
	tr->text = g->netascii != 0;
	tr->base.block = tr->write.block = 1;
	memcpy(tr->name, g->name, sizeof tr->name);
	perform(t, tr, act);
}

int
tftp_grant(struct tftp *t, const struct msg_tftp_grant_tell *g, uint64_t now)
{
	struct tftp_path path = {.peer = g->peer, .local = g->local, .port = g->port};
	struct tftp_terms terms;
	struct transfer *tr;
	struct tftp_xfer x;
	struct tftp_act act;

	t->now = now;
	terms_of(g, &terms);
	if (path_of(t, &path, g->link, g->single) != 0 ||
	    (g->netascii && (g->options & TFTP_TSIZE) != 0) ||
	    tftp_xfer_start(&x, &terms, now, &act) != 0)
		return ERR_RANGE;
	if (!may_send(t, &path))
		return 0;
	tr = tftp_table_find(&t->table, &path);
	if (tr != NULL && is_repetition(t, tr, g))
		return 0;
	if (!g->single)
		path.sock = choose_socket(t, &path, tr);
	if (tr != NULL)
		remove_for(t, tr, "replaced");
	begin(t, g, &path, &x, &act);
	return 0;
}

int
tftp_deny(struct tftp *t, const struct msg_tftp_deny_tell *d)
{
	struct tftp_path path = {.peer = d->peer, .local = d->local, .port = d->port};

	if (path_of(t, &path, d->link, d->single) != 0)
		return ERR_RANGE;
	if (!may_send(t, &path))
		return 0;
	if (!d->single)
		path.sock = choose_socket(t, &path, NULL);
	send_error(t, &path, (enum tftp_error)d->code);
	return 0;
}

/* ------------------------------------------------------------- from the network */

static void
on_stranger(struct tftp *t, const struct tftp_path *path, const struct tftp_reply *reply)
{
	if (reply->error || t->now - t->stranger_ms < STRANGER_INTERVAL_MS ||
	    path->sock >= TFTP_SOCK_SINGLE)
		return;
	if (!may_send(t, path))
		return;
	t->stranger_ms = t->now;
	send_error(t, path, TFTP_ERR_TID);
}

static void
on_reply(struct tftp *t, const struct tftp_path *path, const struct tftp_reply *reply)
{
	struct transfer *tr = tftp_table_find(&t->table, path);
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

int
tftp_told(struct tftp *t, const struct msg_tftp_relay_tell *m, uint64_t now)
{
	struct tftp_path path = {.peer = m->peer, .local = m->local, .port = m->port};
	struct tftp_reply reply = {.error = m->error != 0, .number = m->number};

	t->now = now;
	if (path_of(t, &path, m->link, true) != 0)
		return ERR_RANGE;
	on_reply(t, &path, &reply);
	return 0;
}

void
tftp_readable(struct tftp *t, unsigned sock, uint64_t now)
{
	unsigned n = TFTP_IN_BATCH;

	t->now = now;
	for (unsigned turn = 0; turn < READS && n == TFTP_IN_BATCH; turn++) {
		n = tftp_in_read(t->in, (uint16_t)sock);
		for (unsigned i = 0; i < n; i++) {
			struct tftp_path path;
			struct tftp_reply reply;

			if (tftp_in_get(t->in, i, &path, &reply))
				on_reply(t, &path, &reply);
		}
	}
}

/* ------------------------------------------------------------------------- clock */

static void
send_more(struct tftp *t)
{
	struct tftp_queue *q = &t->queue;
	uint32_t n = q->n < MORE_TURN ? q->n : MORE_TURN;

	while (n-- > 0) {
		struct transfer *tr = &t->table.all[q->items[q->head]];
		struct tftp_act act;

		q->head = (q->head + 1) % TFTP_TRANSFERS;
		q->n--;
		tr->queued = false;
		tftp_xfer_more(&tr->x, t->now, &act);
		perform(t, tr, &act);
	}
}

void
tftp_tick(struct tftp *t, uint64_t now)
{
	uint32_t i;

	t->now = now;
	for (unsigned n = 0;
	     n < DUE_TURN && (i = timers_take_due(&t->timers, now)) != TIMERS_OUT; n++) {
		struct transfer *tr = &t->table.all[i];
		struct tftp_act act;

		if (tr->x.phase == TFTP_OVER) {
			forget(t, tr);
			continue;
		}
		tftp_xfer_tick(&tr->x, now, &act);
		perform(t, tr, &act);
	}
	send_more(t);
}

uint64_t
tftp_next(const struct tftp *t)
{
	return t->queue.n > 0 ? 0 : timers_next(&t->timers);
}

void
tftp_flush(struct tftp *t)
{
	tftp_out_flush(&t->out);
}
