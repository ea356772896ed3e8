/*
 * Requests for files through the broker, over its real channels: who gets what, and what
 * neighbours that are full, gone or owned can do about it.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/conn.h"
#include "src/broker/files.h"
#include "src/broker/http.h"
#include "src/broker/http_rules.h"
#include "src/broker/memfd.h"
#include "src/broker/render.h"
#include "src/broker/tftp.h"
#include "src/broker/wait.h"
#include "src/file-sender/http_reply.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

#define STRANGER "10.77.0.199"

static struct msg m; /* the last one that a far end got */

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	rig_debian(1, 1, 0);
	rig_session("debian");
	return 0;
}

/* The next answer of any file-sender; the worker, or -1. */
static int
take(void)
{
	for (int i = 0; i < RIG_WORKERS; i++)
		if (rig_take_answer(&rig.file_sender[i], &m))
			return i;
	return -1;
}

static void
ask_tftp(const struct msg_rrq_tell *t)
{
	rig_send_rrq(t);
	rig_turn();
	if (take() < 0)
		fail_msg("no answer to %s", t->name);
	assert_false(rig_fault(ROLE_TFTP_PARSER, 0));
}

static void
tftp_grants(void **state)
{
	const struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;
	struct msg_rrq_tell t = rig_rrq("debian/efi/grubx64.efi");
	int worker;

	(void)state;
	rig_send_rrq(&t);
	rig_turn();
	worker = take();
	assert_true(worker >= 0);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	assert_int_equal(g->session, rig_session("debian")->id);
	assert_true(addr_equal(&g->peer, &t.peer));
	assert_true(addr_equal(&g->local, &t.local));
	assert_int_equal(g->port, 2000);
	assert_int_equal(g->offset, 100);
	assert_int_equal(g->length, 200);
	assert_int_equal(g->options, 0);
	assert_int_equal(g->blksize, 512);
	assert_int_equal(g->windowsize, 1);
	assert_string_equal(g->name, "debian/efi/grubx64.efi");
	t = rig_rrq("linux");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	assert_int_equal(g->offset, 300);
	assert_int_equal(g->length, 700);
	assert_int_equal(take(), -1);
}

/* Where another server gives the addresses no subnet need be configured: the link's own
 * network is enough there, and only there. */
static void
tftp_beside_another_server(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;
	struct msg_rrq_tell t = rig_rrq("linux");
	unsigned nsubnets = conf->nsubnets;

	(void)state;
	conf->nsubnets = 0;
	rig_send_rrq(&t);
	rig_turn();
	assert_int_equal(take(), -1);
	conf->links[0].mode = MODE_PROXY;
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	t.peer = rig_addr("10.99.0.7");
	rig_send_rrq(&t);
	rig_turn();
	assert_int_equal(take(), -1);
	conf->links[0].mode = MODE_FULL;
	conf->nsubnets = nsubnets;
}

static void
tftp_denies(void **state)
{
	static const char *const names[] = {"", "nothing", "debian", "debian/",
	    "debian/nothing", "fedora/linux", "Linux", "revocations_sbat.efi", "boot.ipxe",
	    "grub/grub.cfg", "pxelinux.cfg/default"};
	struct msg_rrq_tell t;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		t = rig_rrq(names[i]);
		ask_tftp(&t);
		assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
		assert_int_equal(m.u.tftp_deny_tell.code, 1);
		assert_int_equal(m.u.tftp_deny_tell.port, 2000);
	}
	t = rig_rrq("linux");
	t.peer = rig_addr(STRANGER);
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	assert_int_equal(m.u.tftp_deny_tell.code, 1);
	t = rig_rrq("linux");
	t.fault = 4;
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	assert_int_equal(m.u.tftp_deny_tell.code, 4);
}

static void
no_image_no_file(void **state)
{
	struct msg_rrq_tell t = rig_rrq("linux");

	(void)state;
	rig_session("");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	rig_session("fedora");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	rig_session("debian");
	broker.wall_s = 1900000000;
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
}

static void
a_file_of_another_image(void **state)
{
	struct msg_rrq_tell t = rig_rrq("secret");

	(void)state;
	rig_memfd(2, 10);
	rig_image(2, "fedora", 1);
	rig_file(2, "secret", 2, 0, 10);
	rig_number(MSG_ACTIVE_TELL, 2);
	rig_turn();
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	t = rig_rrq("fedora/secret");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	rig_session("fedora");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
}

static void
tftp_options(void **state)
{
	static const struct {
		uint8_t asked;
		uint16_t blksize, window;
		uint8_t timeout;
		uint32_t mtu;
		uint8_t granted;
		uint16_t blksize_granted, window_granted;
	} rows[] = {
	    {0, 0, 0, 0, 1500, 0, 512, 1},
	    {0, 1468, 4, 3, 1500, 0, 512, 1},
	    {TFTP_TSIZE, 0, 0, 0, 1500, TFTP_TSIZE, 512, 1},
	    {TFTP_BLKSIZE, 1468, 0, 0, 1500, TFTP_BLKSIZE, 1468, 1},
	    {TFTP_BLKSIZE, 1469, 0, 0, 1500, TFTP_BLKSIZE, 1468, 1},
	    {TFTP_BLKSIZE, 65464, 0, 0, 1500, TFTP_BLKSIZE, 1468, 1},
	    {TFTP_BLKSIZE, 65464, 0, 0, 9000, TFTP_BLKSIZE, 8968, 1},
	    {TFTP_BLKSIZE, 65464, 0, 0, 200000, TFTP_BLKSIZE, 65464, 1},
	    {TFTP_BLKSIZE, 8, 0, 0, 1500, TFTP_BLKSIZE, 8, 1},
	    {TFTP_BLKSIZE, 7, 0, 0, 1500, 0, 512, 1},
	    {TFTP_BLKSIZE, 1000, 0, 0, 10, TFTP_BLKSIZE, 8, 1},
	    {TFTP_TIMEOUT, 0, 0, 255, 1500, TFTP_TIMEOUT, 512, 1},
	    {TFTP_TIMEOUT, 0, 0, 0, 1500, 0, 512, 1},
	    {TFTP_WINDOWSIZE, 0, 4, 0, 1500, TFTP_WINDOWSIZE, 512, 4},
	    {TFTP_WINDOWSIZE, 0, 64, 0, 1500, TFTP_WINDOWSIZE, 512, 64},
	    {TFTP_WINDOWSIZE, 0, 65535, 0, 1500, TFTP_WINDOWSIZE, 512, 64},
	    {TFTP_WINDOWSIZE, 0, 0, 0, 1500, 0, 512, 1},
	    {15, 1408, 4, 2, 1500, 15, 1408, 4},
	    {31, 1408, 4, 2, 1500, 31, 1408, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct msg_rrq_tell t = {.options = rows[i].asked,
		    .blksize = rows[i].blksize,
		    .windowsize = rows[i].window,
		    .timeout = rows[i].timeout};
		struct msg_tftp_grant_tell g = {0};

		tftp_choose_options(&t, rows[i].mtu, &g);
		if (g.options != rows[i].granted || g.blksize != rows[i].blksize_granted ||
		    g.windowsize != rows[i].window_granted)
			fail_msg(
			    "row %zu: %u %u %u", i, g.options, g.blksize, g.windowsize);
		if ((g.options & TFTP_TIMEOUT) != 0)
			assert_int_equal(g.timeout, rows[i].timeout);
	}
}

/* What the configuration caps, and what depends on mode and family. */
static void
tftp_options_by_setting(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;
	struct msg_rrq_tell t = {.options = 31, .blksize = 65464, .windowsize = 100};
	struct msg_tftp_grant_tell g = {0};

	(void)state;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.rollover, 0);
	conf->tftp_rollover = 1;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.rollover, 0); /* as asked, which the client will count by */
	t.rollover = 1;
	conf->tftp_rollover = 0;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.rollover, 1);
	t.options = 15;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.rollover, 0);
	conf->tftp_rollover = 1;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.rollover, 1);
	conf->tftp_rollover = 0;
	conf->tftp_blksize = 1024;
	conf->tftp_window = 3;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.blksize, 1024);
	assert_int_equal(g.windowsize, 3);
	conf->tftp_blksize = 65464;
	conf->tftp_window = 64;
	t.peer = rig_addr("2001:db8::1");
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.blksize, 1448);
	assert_int_equal(g.options, 9 | TFTP_TSIZE);
	t.netascii = 1;
	tftp_choose_options(&t, 1500, &g);
	assert_int_equal(g.options, 9);
	assert_int_equal(g.netascii, 1);
}

static void
tftp_parser_lies(void **state)
{
	struct msg_rrq_tell t = rig_rrq("linux");

	(void)state;
	/* Addresses that cannot be: dropped, and nobody is answered. */
	t.port = 0;
	rig_send_rrq(&t);
	t = rig_rrq("linux");
	t.local = rig_addr("10.77.0.2");
	rig_send_rrq(&t);
	t = rig_rrq("linux");
	t.peer = (struct addr){0};
	rig_send_rrq(&t);
	t.peer = rig_addr("192.0.2.1"); /* not even with a refusal */
	rig_send_rrq(&t);
	rig_turn();
	assert_int_equal(take(), -1);
	assert_false(rig_fault(ROLE_TFTP_PARSER, 0));
	t = rig_rrq("linux");
	t.link = 1;
	rig_send_rrq(&t);
	rig_turn();
	assert_true(rig_fault(ROLE_TFTP_PARSER, 0));
	assert_int_equal(take(), -1);
}

/* The same client and port always gets the same file-sender; others spread. */
static void
workers_share(void **state)
{
	unsigned got[RIG_WORKERS] = {0};

	(void)state;
	for (uint16_t port = 1000; port < 1040; port++) {
		struct msg_rrq_tell t = rig_rrq("linux");
		int first;

		t.port = port;
		rig_send_rrq(&t);
		rig_turn();
		first = take();
		assert_true(first >= 0);
		rig_send_rrq(&t);
		rig_turn();
		assert_int_equal(take(), first);
		got[first]++;
	}
	assert_true(got[0] > 5 && got[1] > 5);
}

/* A number is told once, before the first grant, and again to a new file-sender. */
static void
memory_is_told_once(void **state)
{
	struct msg_rrq_tell t = rig_rrq("linux");
	struct chan *far;
	uint32_t number;
	int worker;

	(void)state;
	rig_send_rrq(&t);
	rig_turn();
	worker = rig_take(&rig.file_sender[0], &m) ? 0 : 1;
	far = &rig.file_sender[worker];
	if (worker == 1)
		assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_MEMFD_TELL);
	assert_int_equal(m.u.memfd_tell.size, 1000);
	number = m.u.memfd_tell.memfd;
	assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	assert_int_equal(m.u.tftp_grant_tell.memfd, number);
	rig_send_rrq(&t);
	rig_turn();
	assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	rig_gone(ROLE_FILE_SENDER, (unsigned)worker);
	assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_RESET_TELL);
	rig_send_rrq(&t);
	rig_turn();
	assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_MEMFD_TELL);
	assert_int_equal(m.u.memfd_tell.memfd, number);
	assert_true(rig_take(far, &m));
	/* Freed, it is dropped, once. */
	rig_number(MSG_RETIRE_TELL, 1);
	rig_number(MSG_DROP_TELL, 1);
	rig_turn();
	rig_turn();
	assert_true(rig_take(far, &m));
	assert_int_equal(m.nr, MSG_DROP_TELL);
	assert_int_equal(m.u.drop_tell.memfd, number);
	assert_false(rig_take(far, &m));
	assert_int_equal(memfd_count(), 1); /* until it has said that it is closed */
	rig_turn();
	assert_int_equal(memfd_count(), 0);
}

/* ------------------------------------------------------------------------- HTTP */

/* Sends it and takes the answer. */
static void
ask_http(unsigned worker, const struct msg *request)
{
	rig_send(&rig.http_parser[worker], request);
	rig_turn();
	if (take() != (int)worker)
		fail_msg("no answer to %s", request->u.get_tell.path);
}

static void
http_grants(void **state)
{
	const struct msg_http_grant_tell *g = &m.u.http_grant_tell;
	struct msg r = rig_get(5, "debian/efi/grubx64.efi");
	uint8_t tag[16];

	(void)state;
	rig_connect(1, 5, RIG_CLIENT);
	ask_http(1, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	assert_int_equal(g->conn, 5);
	assert_int_equal(g->session, rig_session("debian")->id);
	assert_int_equal(g->status, 200);
	assert_int_equal(g->head, 0);
	assert_int_equal(g->keep, 1);
	assert_int_equal(g->offset, 100);
	assert_int_equal(g->first, 0);
	assert_int_equal(g->length, 200);
	assert_int_equal(g->total, 200);
	assert_int_equal(g->content, CONTENT_EFI);
	assert_int_equal(g->modified, 1700000000);
	memset(tag, 'e', sizeof tag);
	assert_memory_equal(g->etag, tag, sizeof tag);
	assert_string_equal(g->name, "debian/efi/grubx64.efi");
	r.u.get_tell.method = HTTP_HEAD;
	r.u.get_tell.keep = 0;
	ask_http(1, &r);
	assert_int_equal(g->head, 1);
	assert_int_equal(g->keep, 0);
	r = rig_get(5, "linux");
	r.u.get_tell.range = HTTP_RANGE_CLOSED;
	r.u.get_tell.first = 10;
	r.u.get_tell.last = 5000;
	ask_http(1, &r);
	assert_int_equal(g->status, 206);
	assert_int_equal(g->offset, 300);
	assert_int_equal(g->first, 10);
	assert_int_equal(g->length, 690);
	assert_int_equal(g->total, 700);
	assert_int_equal(g->content, CONTENT_BINARY);
}

static void
http_denies(void **state)
{
	const struct msg_http_deny_tell *d = &m.u.http_deny_tell;
	struct msg r = rig_get(1, "nothing"), bad = {.nr = MSG_BAD_TELL};

	(void)state;
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect(0, 2, STRANGER);
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(d->conn, 1);
	assert_int_equal(d->status, 404);
	assert_int_equal(d->keep, 1);
	r = rig_get(2, "debian/linux");
	r.u.get_tell.method = HTTP_HEAD;
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(d->status, 404);
	assert_int_equal(d->head, 1);
	r = rig_get(1, "linux");
	r.u.get_tell.conditions = HTTP_IF_NONE_MATCH_ANY;
	ask_http(0, &r);
	assert_int_equal(d->status, 304);
	assert_int_equal(d->modified, 1700000000);
	assert_int_equal(d->etag[0], 'l');
	r = rig_get(1, "linux");
	r.u.get_tell.range = HTTP_RANGE_OPEN;
	r.u.get_tell.first = 700;
	ask_http(0, &r);
	assert_int_equal(d->status, 416);
	assert_int_equal(d->total, 700);
	bad.u.bad_tell.conn = 2;
	bad.u.bad_tell.status = 431;
	ask_http(0, &bad);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(d->status, 431);
	assert_int_equal(d->keep, 0);
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
}

/* Whose request it is follows from the connection of that worker, and from nothing else. */
static void
connections_are_bound(void **state)
{
	struct msg r = rig_get(7, "linux");

	(void)state;
	broker.now_ms += HTTP_GRACE_MS;
	rig_connect(0, 7, STRANGER);
	rig_connect(1, 7, RIG_CLIENT);
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	ask_http(1, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	/* Announced and asked for in one turn. */
	rig_connect(0, 8, RIG_CLIENT);
	r = rig_get(8, "linux");
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	/* Ended: dropped, no fault. */
	rig_end(0, 8);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_int_equal(take(), -1);
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
	/* Never announced: a breach. */
	r = rig_get(9, "linux");
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_int_equal(take(), -1);
	assert_true(rig_fault(ROLE_HTTP_PARSER, 0));
}

static void
grace_after_a_start(void **state)
{
	struct msg r = rig_get(9, "linux");

	(void)state;
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
	broker.now_ms += HTTP_GRACE_MS;
	rig_reset(&rig.file_sender[0]);
	rig_turn();
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
	broker.now_ms += HTTP_GRACE_MS;
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_true(rig_fault(ROLE_HTTP_PARSER, 0));
	assert_int_equal(take(), -1);
}

static void
file_sender_lies(void **state)
{
	(void)state;
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect(0, 1, STRANGER);
	rig_turn();
	assert_true(rig_fault(ROLE_FILE_SENDER, 0));
	set_up(state);
	rig_connect(0, 1, "0.0.0.0");
	rig_turn();
	assert_true(rig_fault(ROLE_FILE_SENDER, 0));
	set_up(state);
	rig_end(1, 1);
	rig_turn();
	assert_true(rig_fault(ROLE_FILE_SENDER, 1));
	assert_false(broker.file_sender[0].breached);
}

static void
http_parser_lies(void **state)
{
	struct msg r, bad = {.nr = MSG_BAD_TELL};

	for (unsigned i = 0; i < 4; i++) {
		set_up(state);
		rig_connect(0, 1, RIG_CLIENT);
		r = rig_get(1, "linux");
		r.u.get_tell.match.len = i == 0 ? 15 : 0;
		r.u.get_tell.none_match.len = i == 1 ? 33 : 0;
		r.u.get_tell.range_tag.len = i == 2 ? 1 : 0;
		bad.u.bad_tell.conn = 1;
		bad.u.bad_tell.status = 200;
		rig_send(&rig.http_parser[0], i == 3 ? &bad : &r);
		rig_turn();
		assert_int_equal(take(), -1);
		assert_true(rig_fault(ROLE_HTTP_PARSER, 0));
	}
}

/* A status that file-sender cannot write ends us: it is the parser's fault. */
static void
http_parser_refuses_oddly(void **state)
{
	struct msg bad = {.nr = MSG_BAD_TELL};
	uint8_t bytes[HTTP_REPLY_MAX];

	for (unsigned status = 0; status < 600; status++) {
		struct http_reply reply = {.status = (uint16_t)status};

		set_up(state);
		rig_connect(0, 1, RIG_CLIENT);
		bad.u.bad_tell.conn = 1;
		bad.u.bad_tell.status = (uint16_t)status;
		rig_send(&rig.http_parser[0], &bad);
		rig_turn();
		if (rig_fault(ROLE_HTTP_PARSER, 0))
			continue;
		assert_int_equal(take(), 0);
		assert_int_equal(m.u.http_deny_tell.status, status);
		assert_true(status >= 400);
		assert_true(http_reply_encode(&reply, bytes, sizeof bytes) > 0);
	}
}

static void
too_many_connections(void **state)
{
	struct msg r = rig_get(CONN_MAX + 1, "linux");

	(void)state;
	broker.now_ms += HTTP_GRACE_MS;
	for (uint64_t i = 1; i <= CONN_MAX + 1; i++) {
		rig_connect(0, i, RIG_CLIENT);
		if (i % 64 == 0)
			rig_turn();
	}
	rig_turn();
	assert_false(rig_fault(ROLE_FILE_SENDER, 0));
	assert_int_equal(conn_count(0), CONN_MAX);
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(m.u.http_deny_tell.status, 503);
	assert_int_equal(m.u.http_deny_tell.keep, 0);
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
	rig_end(0, 1);
	rig_connect(0, CONN_MAX + 2, RIG_CLIENT);
	r = rig_get(CONN_MAX + 2, "linux");
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
}

/* A file-sender that takes nothing: its http-parser is not read on, the other worker and
 * TFTP on it go on, nothing grows, and nothing is lost when it comes back. */
static void
a_full_mouth(void **state)
{
	struct msg r = rig_get(1, "linux");
	unsigned answered = 0;

	(void)state;
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect(1, 1, RIG_CLIENT);
	rig_turn();
	for (unsigned i = 0; i < 500; i++) {
		rig_send(&rig.http_parser[0], &r);
		rig_turn();
	}
	assert_false(files_may_read(0));
	assert_true(files_may_read(1));
	rig_send(&rig.http_parser[1], &r);
	rig_turn();
	assert_true(rig_take_answer(&rig.file_sender[1], &m));
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	for (unsigned i = 0; i < 1000 && answered < 500; i++) {
		while (rig_take_answer(&rig.file_sender[0], &m))
			answered++;
		chan_flush(&rig.http_parser[0]);
		rig_turn();
	}
	assert_int_equal(answered, 500);
	assert_int_equal(wait_count(), 0);
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(tftp_grants, set_up),
	    cmocka_unit_test_setup(tftp_beside_another_server, set_up),
	    cmocka_unit_test_setup(tftp_denies, set_up),
	    cmocka_unit_test_setup(no_image_no_file, set_up),
	    cmocka_unit_test_setup(a_file_of_another_image, set_up),
	    cmocka_unit_test_setup(tftp_options, set_up),
	    cmocka_unit_test_setup(tftp_options_by_setting, set_up),
	    cmocka_unit_test_setup(tftp_parser_lies, set_up),
	    cmocka_unit_test_setup(workers_share, set_up),
	    cmocka_unit_test_setup(memory_is_told_once, set_up),
	    cmocka_unit_test_setup(http_grants, set_up),
	    cmocka_unit_test_setup(http_denies, set_up),
	    cmocka_unit_test_setup(connections_are_bound, set_up),
	    cmocka_unit_test_setup(grace_after_a_start, set_up),
	    cmocka_unit_test_setup(file_sender_lies, set_up),
	    cmocka_unit_test_setup(http_parser_lies, set_up),
	    cmocka_unit_test_setup(http_parser_refuses_oddly, set_up),
	    cmocka_unit_test_setup(too_many_connections, set_up),
	    cmocka_unit_test_setup(a_full_mouth, set_up),
	};

	return cmocka_run_group_tests_name("broker_files", tests, NULL, NULL);
}
