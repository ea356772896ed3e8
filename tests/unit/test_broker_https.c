/*
 * HTTPS in the broker: by which scheme a script goes on, and machines that must show a
 * certificate; which of several processes may say who a client is.
 */
#include <string.h>

#include "src/broker/files.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

#define ALL_TEMPLATES ((1u << TEMPLATE_MAX) - 1)

static struct msg m; /* the last one that a far end got */
static struct session *machine;
static uint8_t wanted[CONF_FINGERPRINT];

/* node1 must show the certificate of which each byte of the hash is 7. */
static void
want_certificate(bool want)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;

	memset(wanted, 7, sizeof wanted);
	conf->hosts[0].certificate = want ? wanted : NULL;
}

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	want_certificate(false);
	machine = rig_session("debian");
	machine->key = &broker.conf->keys[broker.conf->hosts[0].first_key];
	rig_debian(1, 1, ALL_TEMPLATES);
	rig_turn();
	return 0;
}

/* The answer's status to a GET on that connection. */
static int
status(uint64_t conn, const char *path)
{
	struct msg get = rig_get(conn, path);

	rig_send(&rig.http_parser[0], &get);
	rig_turn();
	if (!rig_take_answer(&rig.file_sender[0], &m))
		return 0;
	if (m.nr == MSG_HTTP_GRANT_TELL)
		return m.u.http_grant_tell.status;
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	return m.u.http_deny_tell.status;
}

static int
by_tftp(const char *name)
{
	struct msg_rrq_tell t = rig_rrq(name);

	rig_send_rrq(&t);
	rig_turn();
	for (int i = 0; i < RIG_WORKERS; i++)
		if (rig_take_answer(&rig.file_sender[i], &m))
			return m.nr == MSG_TFTP_GRANT_TELL ? 200 : 404;
	return 0;
}

/* What the verifier is asked to render. */
static const struct msg_render_ask *
rendered_for(uint64_t conn)
{
	assert_int_equal(status(conn, "boot.ipxe"), 0);
	assert_true(rig_take_answer(&rig.verifier, &m));
	assert_int_equal(m.nr, MSG_RENDER_ASK);
	return &m.u.render_ask;
}

static void
scripts_go_on_as_they_came(void **state)
{
	const struct msg_render_ask *ask;

	(void)state;
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect_tls(0, 2, RIG_CLIENT, 1);
	ask = rendered_for(1);
	assert_int_equal(ask->https, 0);
	assert_int_equal(ask->http_port, 8080);
	/* Not the same text. */
	ask = rendered_for(2);
	assert_int_equal(ask->https, 1);
	assert_int_equal(ask->http_port, 8443);
}

static void
who_shows_no_certificate(void **state)
{
	(void)state;
	want_certificate(true);
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect_tls(0, 2, RIG_CLIENT, 0);
	rig_connect_tls(0, 3, RIG_CLIENT, 0);
	rig_connect_tls(0, 4, RIG_CLIENT, 0);
	rig_turn();
	rig_client(0, 0, 3, 8);
	rig_client(0, 0, 4, 7);
	assert_int_equal(status(1, "linux"), 404);
	assert_int_equal(status(2, "linux"), 404);
	assert_int_equal(status(3, "linux"), 404);
	assert_int_equal(status(3, "boot.ipxe"), 404);
	assert_int_equal(status(4, "linux"), 200);
	assert_int_equal(by_tftp("linux"), 404);
	assert_false(rig_fault(ROLE_TLS, 0));
	want_certificate(false);
	assert_int_equal(status(1, "linux"), 200);
	assert_int_equal(by_tftp("linux"), 200);
}

/* The connection is announced by another channel, which may be read later. */
static void
named_before_it_is_announced(void **state)
{
	(void)state;
	want_certificate(true);
	rig_client(0, 0, 5, 7);
	rig_client(1, 0, 6, 7);
	rig_turn();
	rig_connect_tls(0, 5, RIG_CLIENT, 0);
	rig_connect_tls(0, 6, RIG_CLIENT, 0);
	rig_turn();
	assert_int_equal(status(5, "linux"), 200);
	/* That was the word of one that does not have it. */
	assert_int_equal(status(6, "linux"), 404);
	rig_end(0, 5);
	rig_connect_tls(0, 7, RIG_CLIENT, 0);
	assert_int_equal(status(7, "linux"), 404);
}

/* More of them than are kept: the oldest give way, and nothing else does. */
static void
too_many_early_names(void **state)
{
	(void)state;
	want_certificate(true);
	for (unsigned i = 0; i < 400; i++) {
		rig_client(0, 0, 100 + i, 7);
		if (i % 32 == 0)
			rig_turn();
	}
	for (unsigned i = 0; i < 16; i++)
		rig_turn();
	rig_connect_tls(0, 100, RIG_CLIENT, 0);
	rig_connect_tls(0, 499, RIG_CLIENT, 0);
	assert_int_equal(status(100, "linux"), 404);
	assert_int_equal(status(499, "linux"), 200);
}

static void
whose_connection_it_is(void **state)
{
	(void)state;
	rig_connect(0, 1, RIG_CLIENT);
	rig_connect_tls(0, 2, RIG_CLIENT, 1);
	rig_turn();
	rig_client(0, 0, 2, 7);
	rig_turn();
	assert_true(rig_fault(ROLE_TLS, 0));
	rig_gone(ROLE_TLS, 0);
	rig_client(0, 0, 1, 7);
	rig_turn();
	assert_true(rig_fault(ROLE_TLS, 0));
	rig_gone(ROLE_TLS, 0);
	/* Nobody changes who a client is. */
	rig_client(1, 0, 2, 7);
	rig_turn();
	assert_false(rig_fault(ROLE_TLS, 1));
	rig_client(1, 0, 2, 8);
	rig_turn();
	assert_true(rig_fault(ROLE_TLS, 1));
	rig_gone(ROLE_TLS, 1);
	rig_client(0, RIG_WORKERS, 9, 7);
	rig_turn();
	assert_true(rig_fault(ROLE_TLS, 0));
	rig_gone(ROLE_TLS, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
	    TEST(scripts_go_on_as_they_came),
	    TEST(who_shows_no_certificate),
	    TEST(named_before_it_is_announced),
	    TEST(too_many_early_names),
	    TEST(whose_connection_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
