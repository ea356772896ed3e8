/*
 * Broker: HTTP requests. http-parser may be owned: whose request it is, it cannot say,
 * for the address of each connection was announced by file-sender.
 */
#include "src/broker/http.h"

#include <string.h>

#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/conn.h"
#include "src/broker/http_rules.h"
#include "src/broker/serve.h"
#include "src/broker/wait.h"

static uint64_t grace_until_ms[WORKER_MAX];

void
http_init(void)
{
	conn_init(broker.start.workers);
	for (unsigned i = 0; i < broker.start.workers; i++)
		grace_until_ms[i] = broker.now_ms + HTTP_GRACE_MS;
}

void
http_forget(unsigned worker)
{
	conn_forget(worker);
	wait_forget(worker);
	grace_until_ms[worker] = broker.now_ms + HTTP_GRACE_MS;
}

void
on_conn_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_conn_tell *t = &m->u.conn_tell;
	int err;

	(void)fd;
	if (addr_is_unset(&t->peer)) {
		chan_peer_fault(from, "a connection with nobody");
		return;
	}
	err = conn_add(from->index, t->conn, &t->peer, t->tls);
	if (err == ERR_DUPLICATE)
		chan_peer_fault(from, "the same connection twice");
	else if (err != 0)
		log_limited(LOG_WARNING, "connections-full", "worker=%u", from->index);
}

/* tls says who its own clients are; which are its own, file-sender has said. */
void
on_client_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_client_tell *t = &m->u.client_tell;
	char name[128];
	int err;

	(void)fd;
	if (t->worker >= broker.start.workers) {
		chan_peer_fault(from, "a client of nobody");
		return;
	}
	err = conn_show(t->worker, t->conn, from->index, t->hash);
	if (err == ERR_DENIED)
		chan_peer_fault(from, "a client of another");
	else
		log_limited(LOG_DEBUG, "client", "conn=%llx name=%s early=%d",
		    (unsigned long long)t->conn,
		    log_quote(t->name, strlen(t->name), name, sizeof name), err != 0);
}

void
on_end_tell(struct chan *from, const struct msg *m, int *fd)
{
	uint64_t id = m->u.end_tell.conn;

	(void)fd;
	if (conn_end(from->index, id) != 0 && !conn_was(from->index, id))
		chan_peer_fault(from, "the end of a connection that it has not announced");
}

void
on_sender_reset_tell(struct chan *from, const struct msg *m, int *fd)
{
	(void)m;
	(void)fd;
	http_forget(from->index);
}

bool
http_is_early(unsigned worker, const struct msg *m)
{
	if (m->nr == MSG_GET_TELL)
		return !conn_was(worker, m->u.get_tell.conn);
	return m->nr == MSG_BAD_TELL && !conn_was(worker, m->u.bad_tell.conn);
}

unsigned
http_tls(unsigned worker, const struct msg *m)
{
	const struct conn *c =
	    m->nr == MSG_GET_TELL ? conn_find(worker, m->u.get_tell.conn) : NULL;

	return c == NULL || c->shown || c->tls > broker.ntls ? 0 : c->tls;
}

/* The last answer of a connection, which no object is part of. */
static int
dismiss(unsigned worker, uint64_t conn, uint16_t status, bool head)
{
	struct msg out = {.nr = MSG_HTTP_DENY_TELL};

	out.u.http_deny_tell.conn = conn;
	out.u.http_deny_tell.status = status;
	out.u.http_deny_tell.head = head;
	return chan_send(&broker.file_sender[worker], &out);
}

static int
deny(unsigned worker, const struct msg_get_tell *m, uint16_t status)
{
	struct msg out = {.nr = MSG_HTTP_DENY_TELL};

	out.u.http_deny_tell.conn = m->conn;
	out.u.http_deny_tell.used = m->used;
	out.u.http_deny_tell.status = status;
	out.u.http_deny_tell.head = m->method == HTTP_HEAD;
	out.u.http_deny_tell.keep = m->keep;
	return chan_send(&broker.file_sender[worker], &out);
}

/* 304, 412 and 416 say which object they speak of. */
static int
deny_object(unsigned worker, const struct msg_get_tell *m, uint16_t status,
    const struct http_object *object)
{
	struct msg out = {.nr = MSG_HTTP_DENY_TELL};
	struct msg_http_deny_tell *d = &out.u.http_deny_tell;

	d->conn = m->conn;
	d->used = m->used;
	d->status = status;
	d->head = m->method == HTTP_HEAD;
	d->keep = m->keep;
	d->total = object->length;
	memcpy(d->etag, object->etag, sizeof d->etag);
	d->modified = object->modified;
	return chan_send(&broker.file_sender[worker], &out);
}

static int
grant(unsigned worker, const struct msg_get_tell *m, const struct session *s,
    const struct serve_object *found, const struct http_decision *d)
{
	struct msg out = {.nr = MSG_HTTP_GRANT_TELL};
	struct msg_http_grant_tell *g = &out.u.http_grant_tell;

	if (memfd_tell(found->object.mem, worker) != 0)
		return ERR_FULL;
	g->conn = m->conn;
	g->used = m->used;
	g->session = s == NULL ? 0 : s->id;
	g->status = d->status;
	g->head = m->method == HTTP_HEAD;
	g->keep = m->keep;
	g->memfd = found->object.mem->number;
	g->offset = found->object.offset;
	g->first = d->first;
	g->length = d->length;
	g->total = found->object.length;
	g->content = (uint8_t)found->content;
	memcpy(g->etag, found->object.hash, sizeof g->etag);
	g->modified = found->modified;
	memcpy(g->name, m->path, sizeof g->name);
	return chan_send(&broker.file_sender[worker], &out);
}

static int
answer(unsigned worker, const struct msg_get_tell *m, const struct serve_request *r,
    const struct serve_object *found)
{
	struct http_object object = {
	    .modified = found->modified, .length = found->object.length};
	struct http_decision d;
	int err;

	memcpy(object.etag, found->object.hash, sizeof object.etag);
	http_decide(m, &object, &d);
	if (d.status != 200 && d.status != 206)
		return deny_object(worker, m, d.status, &object);
	err = grant(worker, m, r->session, found, &d);
	if (err == 0)
		serve_log_file(r, found);
	return err;
}

int
http_try(
    unsigned worker, const struct msg_get_tell *m, bool last, struct render_ticket *ticket)
{
	const struct conn *conn = conn_find(worker, m->conn);
	struct serve_request request;
	struct serve_object found;
	struct session *s;
	bool late;
	int err;

	*ticket = (struct render_ticket){0};
	if (conn == NULL)
		return 0;
	s = session_of_addr(&conn->peer, broker.now_ms);
	if (s != NULL)
		session_touch(s, broker.now_ms);
	request = (struct serve_request){.session = s,
	    .client = &conn->peer,
	    .name = m->path,
	    .by_http = true,
	    .by_tls = conn->tls != 0,
	    .shown = conn->shown ? conn->certificate : NULL};
	err = serve_find(&request, &found, ticket);
	if (err == ERR_STATE && !last)
		return ERR_STATE;
	late = err == ERR_STATE && ticket->cold != NULL;
	*ticket = (struct render_ticket){0};
	if (err != 0)
		return deny(worker, m, late ? 503 : 404);
	return answer(worker, m, &request, &found);
}

/* False when nobody is there to be answered. One that was never announced is a breach,
 * except shortly after a start; one that found no room is sent away. */
static bool
is_answered(struct chan *from, uint64_t conn, bool head)
{
	unsigned worker = from->index;

	if (conn_find(worker, conn) != NULL)
		return true;
	if (!conn_was(worker, conn) && broker.now_ms >= grace_until_ms[worker])
		chan_peer_fault(from, "a connection that was never announced");
	else if (conn_full(worker) && dismiss(worker, conn, 503, head) != 0)
		log_limited(LOG_NOTICE, "dropped", "via=http why=\"busy\"");
	return false;
}

static bool
is_well_formed(const struct msg_get_tell *t)
{
	return t->match.len % HTTP_TAG_SIZE == 0 &&
	       t->none_match.len % HTTP_TAG_SIZE == 0 &&
	       (t->range_tag.len == HTTP_TAG_SIZE || t->range_tag.len == 0);
}

void
on_get_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_get_tell *t = &m->u.get_tell;
	struct render_ticket ticket;
	int err;

	(void)fd;
	if (!is_well_formed(t)) {
		chan_peer_fault(from, "an entity tag of another length");
		return;
	}
	if (!is_answered(from, t->conn, t->method == HTTP_HEAD))
		return;
	err = http_try(from->index, t, false, &ticket);
	if (err != 0)
		err = wait_add_get(from->index, t, &ticket);
	if (err == ERR_DUPLICATE)
		chan_peer_fault(from, "two requests of a connection at once");
	else if (err != 0)
		bug("a request was read without room for it");
}

/* What http-parser has a reason to refuse with. file-sender knows no other refusals, and
 * would take one that it does not know for our breach. */
static bool
is_refusal(uint16_t status)
{
	static const uint16_t known[] = {400, 404, 405, 408, 414, 417, 431, 501, 505};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] == status)
			return true;
	return false;
}

void
on_bad_tell(struct chan *from, const struct msg *m, int *fd)
{
	const struct msg_bad_tell *t = &m->u.bad_tell;

	(void)fd;
	if (!is_refusal(t->status)) {
		chan_peer_fault(from, "a refusal with a status that is none");
		return;
	}
	if (is_answered(from, t->conn, t->head != 0) &&
	    dismiss(from->index, t->conn, t->status, t->head != 0) != 0)
		bug("a request was read without room for its answer");
}
