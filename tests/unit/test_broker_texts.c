/*
 * Requests for texts that the verifier has to render first, through the broker: who waits,
 * for how long, and what may end meanwhile.
 */
#include "src/broker/conn.h"
#include "src/broker/files.h"
#include "src/broker/render.h"
#include "src/broker/wait.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

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

/* Sends it and takes the answer. */
static void
ask_http(unsigned worker, const struct msg *request)
{
	rig_send(&rig.http_parser[worker], request);
	rig_turn();
	if (take() != (int)worker)
		fail_msg("no answer to %s", request->u.get_tell.path);
}

static uint32_t
take_ask(void)
{
	struct msg ask;

	if (!rig_take_answer(&rig.verifier, &ask))
		return 0;
	assert_int_equal(ask.nr, MSG_RENDER_ASK);
	return ask.u.render_ask.ask;
}

static void
render(uint32_t ask, uint8_t ok)
{
	struct msg a = {.nr = MSG_RENDER_ANS};

	if (ok)
		rig_memfd(1000 + ask, 321);
	a.u.render_ans.ask = ask;
	a.u.render_ans.ok = ok;
	a.u.render_ans.memfd = ok ? 1000 + ask : 0;
	a.u.render_ans.length = ok ? 321 : 0;
	rig_send(&rig.verifier, &a);
	rig_turn();
}

/* A text is for the host that the session is of, whatever that is known by. */
static void
texts_know_their_host(void **state)
{
	static const char *const hosts[] = {"node2", ""};
	struct session *s = rig_session("debian");
	struct msg_rrq_tell t = rig_rrq("debian/boot.ipxe");
	struct msg ask;

	(void)state;
	rig_debian(2, 2, 7);
	for (unsigned i = 0; i < 2; i++) {
		s->key =
		    i == 0 ? conf_key_find(broker.conf, KEY_CLIENT_ID, "two", 3) : NULL;
		rig_send_rrq(&t);
		rig_turn();
		assert_true(rig_take_answer(&rig.verifier, &ask));
		assert_string_equal(ask.u.render_ask.host, hosts[i]);
		assert_int_equal(ask.u.render_ask.params.len, i == 0 ? 7 : 0);
	}
}

static void
texts_are_waited_for(void **state)
{
	struct msg r = rig_get(1, "debian/boot.ipxe");
	struct msg_rrq_tell t = rig_rrq("debian/boot.ipxe");
	uint32_t by_http, by_tftp;

	(void)state;
	rig_debian(2, 2, 7);
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect(0, 2, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &r);
	r.u.get_tell.conn = 2;
	rig_send(&rig.http_parser[0], &r);
	rig_send_rrq(&t);
	rig_send_rrq(&t); /* its client is impatient */
	rig_turn();
	assert_int_equal(take(), -1);
	assert_int_equal(wait_count(), 3);
	/* One ask for both connections, and one without an HTTP port. */
	by_tftp = take_ask();
	by_http = take_ask();
	assert_true(by_tftp != 0 && by_http != 0);
	assert_int_equal(take_ask(), 0);
	render(by_http, 1);
	assert_int_equal(take(), 0);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	assert_int_equal(m.u.http_grant_tell.total, 321);
	assert_int_equal(m.u.http_grant_tell.content, CONTENT_TEXT);
	assert_int_equal(m.u.http_grant_tell.modified, broker.wall_s);
	assert_int_equal(take(), 0);
	assert_int_equal(take(), -1);
	render(by_tftp, 1);
	assert_true(take() >= 0);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
	assert_int_equal(m.u.tftp_grant_tell.length, 321);
	assert_int_equal(take(), -1);
	assert_int_equal(wait_count(), 0);
	/* From here on it is there. */
	r.u.get_tell.conn = 1;
	ask_http(0, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	assert_int_equal(take_ask(), 0);
}

static void
texts_that_do_not_come(void **state)
{
	struct msg r = rig_get(1, "grub/grub.cfg");
	struct msg_rrq_tell t = rig_rrq("grub/grub.cfg");

	(void)state;
	rig_debian(2, 2, 7);
	rig_connect(0, 1, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &r);
	rig_send_rrq(&t);
	rig_turn();
	assert_int_equal(take(), -1);
	broker.now_ms += RENDER_WAIT_MS;
	rig_turn();
	assert_int_equal(wait_count(), 0);
	assert_true(take() >= 0);
	assert_true(take() >= 0);
	assert_int_equal(take(), -1);
	while (take_ask() != 0)
		;
	/* Refused at once by the verifier. */
	broker.now_ms += RENDER_FAILED_MS;
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	render(take_ask(), 0);
	assert_int_equal(take(), 0);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(m.u.http_deny_tell.status, 404);
	assert_int_equal(m.u.http_deny_tell.keep, 1);
}

/* What ends while a request waits: the connection, the session, the image, neighbours. */
static void
things_end_meanwhile(void **state)
{
	struct addr client = rig_addr(RIG_CLIENT);
	struct msg r = rig_get(1, "boot.ipxe");
	uint32_t ask;

	(void)state;
	rig_debian(2, 2, 7);
	rig_connect(0, 1, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	ask = take_ask();
	rig_end(0, 1);
	render(ask, 1);
	assert_int_equal(take(), -1);
	assert_int_equal(wait_count(), 0);
	/* A newer image: the text of that one. */
	rig_connect(0, 2, RIG_CLIENT);
	rig_debian(3, 3, 7);
	r = rig_get(2, "boot.ipxe");
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	ask = take_ask();
	rig_debian(4, 4, 7);
	render(ask, 1);
	assert_int_equal(take(), -1);
	ask = take_ask();
	assert_int_not_equal(ask, 0);
	render(ask, 1);
	assert_int_equal(take(), 0);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	/* The session. */
	rig_debian(5, 5, 7);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	session_drop_addr(&client);
	render(take_ask(), 1);
	assert_int_equal(take(), 0);
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(m.u.http_deny_tell.status, 404);
	/* Neighbours. */
	rig_session("debian");
	rig_debian(6, 6, 7);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	rig_gone(ROLE_HTTP_PARSER, 0);
	assert_int_equal(wait_count(), 0);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_int_equal(wait_count(), 1);
	rig_gone(ROLE_FILE_SENDER, 0);
	assert_int_equal(wait_count(), 0);
	assert_int_equal(conn_count(0), 0);
}

/* A verifier killed in the middle: its successor is asked the same, nobody notices. */
static void
verifier_killed_in_between(void **state)
{
	struct msg r = rig_get(1, "boot.ipxe");
	uint32_t ask;

	(void)state;
	rig_debian(2, 2, 7);
	rig_connect(0, 1, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	rig_gone(ROLE_VERIFIER, 0);
	broker.now_ms += 1000;
	rig_turn();
	rig_reset(&rig.verifier);
	rig_debian(1, 2, 7);
	rig_turn();
	assert_int_equal(take(), -1);
	ask = take_ask();
	assert_int_not_equal(ask, 0);
	render(ask, 1);
	assert_int_equal(take(), 0);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	assert_false(rig_fault(ROLE_VERIFIER, 0));
}

/* Requests that wait fill one worker's pool: it is not read on, others are. */
static void
pools_are_apart(void **state)
{
	struct msg_rrq_tell t = rig_rrq("boot.ipxe");
	struct msg r;

	(void)state;
	rig_debian(2, 2, 7);
	for (uint64_t i = 1; i <= WAIT_POOL + 10; i++) {
		rig_connect(0, i, RIG_CLIENT);
		r = rig_get(i, "boot.ipxe");
		rig_send(&rig.http_parser[0], &r);
		rig_turn();
	}
	assert_int_equal(wait_count(), WAIT_POOL);
	assert_false(files_may_read(0));
	for (uint16_t port = 1; port <= WAIT_POOL + 10; port++) {
		t.port = port;
		rig_send_rrq(&t);
		rig_turn();
	}
	assert_int_equal(wait_count(), 2 * WAIT_POOL);
	rig_connect(1, 1, RIG_CLIENT);
	r = rig_get(1, "linux");
	ask_http(1, &r);
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	t = rig_rrq("linux");
	ask_tftp(&t);
	assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
}

static void
two_requests_at_once(void **state)
{
	struct msg r = rig_get(1, "boot.ipxe");

	(void)state;
	rig_debian(2, 2, 7);
	rig_connect(0, 1, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &r);
	rig_send(&rig.http_parser[0], &r);
	rig_turn();
	assert_true(rig_fault(ROLE_HTTP_PARSER, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(texts_know_their_host, set_up),
	    cmocka_unit_test_setup(texts_are_waited_for, set_up),
	    cmocka_unit_test_setup(texts_that_do_not_come, set_up),
	    cmocka_unit_test_setup(things_end_meanwhile, set_up),
	    cmocka_unit_test_setup(verifier_killed_in_between, set_up),
	    cmocka_unit_test_setup(pools_are_apart, set_up),
	    cmocka_unit_test_setup(two_requests_at_once, set_up),
	};

	return cmocka_run_group_tests_name("broker_texts", tests, NULL, NULL);
}
