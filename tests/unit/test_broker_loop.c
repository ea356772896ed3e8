/*
 * The broker's main loop with both its halves and a real lease store: the order in which
 * neighbours are heard, storms, full mouths, neighbours that end or break a rule.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/broker/conn.h"
#include "src/broker/http.h"
#include "src/broker/loop.h"
#include "src/broker/store.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

#define SENDER_DEPTH 128

static struct chan parser, links, sender; /* the far ends of the DHCP half */
static char state_path[64];
static struct msg m;

static void
join(struct chan *near, struct chan *far, enum role role, unsigned depth)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	chan_init(near, pair[0], ROLE_BROKER, role, 0, depth);
	chan_init(far, pair[1], role, ROLE_BROKER, 0, 512);
}

/* The lease store wants the first free numbers, as it has them in its process. */
static int
set_up_store(void **state)
{
	static struct conf conf;
	char path[80];

	(void)state;
	while (fcntl(FD_LEASES + 7, F_GETFD) == -1)
		assert_true(open("/dev/null", O_RDONLY) >= 0);
	rig_init();
	for (int fd = FD_LEASES; fd < FD_LEASES + 8; fd++)
		close(fd);
	snprintf(state_path, sizeof state_path, "/tmp/test_broker_loop.XXXXXX");
	assert_non_null(mkdtemp(state_path));
	snprintf(path, sizeof path, "%s/broker", state_path);
	assert_int_equal(mkdir(path, 0700), 0);
	conf = *broker.conf;
	snprintf(conf.state, sizeof conf.state, "%s", state_path);
	conf.probe = false;
	broker.conf = &conf;
	dhcp_open_store(path);
	dhcp_start_store();
	join(&broker.dhcp_parser, &parser, ROLE_DHCP_PARSER, 1);
	join(&broker.link_parser, &links, ROLE_LINK_PARSER, 1);
	join(&broker.dhcp_sender, &sender, ROLE_DHCP_SENDER, SENDER_DEPTH);
	return 0;
}

static int
tear_down_store(void **state)
{
	static const char *const files[] = {
	    "broker/data.mdb", "broker/lock.mdb", "broker", ""};
	char path[96];

	(void)state;
	store_close();
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", state_path, files[i]);
		(void)remove(path);
	}
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	chan_reset(&broker.dhcp_parser);
	chan_reset(&sender);
	chan_reset(&broker.dhcp_sender);
	loop_init();
	broker.now_ms = clock_mono_ms();
	broker.wall_s = clock_wall_s();
	rig_debian(1, 1, 0);
	rig_session("debian");
	rig_reset(&rig.verifier);
	for (unsigned i = 0; i < RIG_WORKERS; i++)
		rig_reset(&rig.file_sender[i]);
	return 0;
}

static void
send_discover(uint32_t n)
{
	struct msg out = {.nr = MSG_DHCP_TELL};
	struct msg_dhcp_tell *t = &out.u.dhcp_tell;

	t->src = rig_addr("0.0.0.0");
	t->sport = 68;
	t->dst = rig_addr("255.255.255.255");
	t->type = 1;
	t->xid = n;
	t->htype = 1;
	t->hw.len = 6;
	memcpy(t->hw.b, rig_mac(RIG_MAC).b, 6);
	rig_send(&parser, &out);
}

static unsigned
replies(void)
{
	unsigned n = 0;

	while (rig_take(&sender, &m))
		n++;
	return n;
}

static void
send_requests(unsigned n)
{
	struct msg_rrq_tell t = rig_rrq("linux");

	for (unsigned i = 0; i < n; i++)
		rig_send_rrq(&t);
}

static bool
http_answered(unsigned worker)
{
	return rig_take_answer(&rig.file_sender[worker], &m) && m.nr == MSG_HTTP_GRANT_TELL;
}

static void
a_request_behind_its_connection(void **state)
{
	struct msg get = rig_get(9, "linux");

	(void)state;
	rig_connect(1, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[1], &get);
	loop_turn();
	assert_true(http_answered(1));
	assert_false(rig_fault(ROLE_HTTP_PARSER, 1));
}

/* More connections than are heard in a turn: the last one's request is no breach. */
static void
a_request_far_behind_its_connection(void **state)
{
	struct msg get = rig_get(100, "linux");

	(void)state;
	for (uint64_t nr = 1; nr <= 100; nr++)
		rig_connect(1, nr, RIG_CLIENT);
	rig_send(&rig.http_parser[1], &get);
	loop_turn();
	assert_true(http_answered(1));
	assert_false(rig_fault(ROLE_HTTP_PARSER, 1));
}

static void
a_request_of_no_connection(void **state)
{
	struct msg get = rig_get(101, "linux");

	(void)state;
	/* The worker's reset is heard; the start was long ago. */
	loop_turn();
	broker.now_ms = 0;
	http_init();
	rig_connect(1, 100, RIG_CLIENT);
	rig_send(&rig.http_parser[1], &get);
	loop_turn();
	assert_true(rig_fault(ROLE_HTTP_PARSER, 1));
}

static void
an_offer(void **state)
{
	(void)state;
	send_discover(7);
	loop_turn();
	assert_true(rig_take(&sender, &m));
	assert_int_equal(m.nr, MSG_REPLY_TELL);
	assert_int_equal(m.u.reply_tell.type, 2);
	assert_int_equal(m.u.reply_tell.xid, 7);
}

/* One turn is enough for everybody, whatever one of them does. */
static void
storms_delay_nobody(void **state)
{
	struct msg get = rig_get(9, "linux");

	(void)state;
	send_requests(400);
	for (unsigned i = 0; i < 100; i++)
		send_discover(i);
	rig_connect(0, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &get);
	loop_turn();
	assert_true(replies() > 0);
	while (rig_take_answer(&rig.file_sender[0], &m) && m.nr != MSG_HTTP_GRANT_TELL)
		;
	assert_int_equal(m.nr, MSG_HTTP_GRANT_TELL);
	assert_int_equal(broker.tftp_parser.received, 64);
}

/* However much an ear says: in the long run eight messages a millisecond are heard. */
static void
an_endless_storm(void **state)
{
	uint64_t begin = clock_mono_ms(), sent = 0, elapsed;

	(void)state;
	while ((elapsed = clock_mono_ms() - begin) < 600) {
		for (; sent < broker.tftp_parser.received + 200; sent++)
			send_requests(1);
		loop_turn();
		for (unsigned i = 0; i < RIG_WORKERS; i++)
			while (rig_take(&rig.file_sender[i], &m))
				;
	}
	assert_true(broker.tftp_parser.received <= 8 * (250 + elapsed + 10));
	/* And it is heard on. */
	assert_true(broker.tftp_parser.received >= 2000);
}

/* An http-parser that asks without end: each turn of the loop has time for DHCP all the
 * same, and its rate is bounded. */
static void
an_endless_storm_of_http(void **state)
{
	struct msg get = rig_get(9, "linux");
	uint64_t begin = clock_mono_ms(), sent = 0, before, elapsed;
	uint32_t turns = 0;

	(void)state;
	before = broker.http_parser[0].received;
	rig_connect(0, 9, RIG_CLIENT);
	while ((elapsed = clock_mono_ms() - begin) < 500) {
		for (; before + sent < broker.http_parser[0].received + 200; sent++)
			rig_send(&rig.http_parser[0], &get);
		send_discover(++turns);
		loop_turn();
		assert_int_equal(replies(), 1);
		while (rig_take(&rig.file_sender[0], &m))
			;
	}
	assert_true(broker.http_parser[0].received - before <= 60 * (250 + elapsed + 10));
	assert_true(broker.http_parser[0].received - before >= turns);
	assert_false(rig_fault(ROLE_HTTP_PARSER, 0));
	while (broker.http_parser[0].received - before < sent) {
		loop_turn();
		while (rig_take(&rig.file_sender[0], &m))
			;
	}
}

/* A mouth that takes nothing: its ear is left alone, nobody else, and nothing is lost. */
static void
a_deaf_dhcp_sender(void **state)
{
	struct msg get = rig_get(9, "linux");
	uint64_t before = broker.dhcp_parser.received;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		send_discover(i);
		/* Without anything to do the loop would sleep. */
		if (chan_room(&broker.dhcp_sender, SENDER_DEPTH / 2))
			loop_turn();
	}
	assert_int_equal(broker.dhcp_sender.dropped, 0);
	assert_true(broker.dhcp_parser.received - before < 600);
	rig_connect(0, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &get);
	loop_turn();
	assert_true(http_answered(0));
	for (unsigned i = 0; i < 1000 && n < 600; i++) {
		n += replies();
		chan_flush(&parser);
		loop_turn();
	}
	assert_int_equal(n, 600);
}

static void
a_neighbour_ends(void **state)
{
	(void)state;
	rig_connect(0, 9, RIG_CLIENT);
	loop_turn();
	assert_int_equal(conn_count(0), 1);
	rig_notice(NOTICE_GONE, ROLE_FILE_SENDER, 0);
	loop_turn();
	assert_true(rig_cleared(ROLE_FILE_SENDER, 0));
	assert_int_equal(conn_count(0), 0);
	assert_true(rig_take(&rig.file_sender[0], &m));
	assert_int_equal(m.nr, MSG_RESET_TELL);
	/* One that is none of ours is cleared as well. */
	rig_notice(NOTICE_GONE, ROLE_FILE_SENDER, 15);
	rig_notice(NOTICE_GONE, ROLE_LOGGER, 0);
	loop_turn();
	assert_true(rig_cleared(ROLE_LOGGER, 0));
}

/* What a predecessor was told of, or a predecessor of the neighbour told, means nothing:
 * it is neither followed nor held against the neighbour. */
static void
what_others_left(void **state)
{
	struct msg answer = {.nr = MSG_RENDER_ANS}, get = rig_get(9, "linux");

	(void)state;
	loop_init();
	while (rig_take(&rig.file_sender[0], &m))
		;
	chan_reset(&broker.verifier);
	chan_reset(&broker.file_sender[0]);
	rig_end(0, 5);
	rig_connect(0, 6, RIG_CLIENT);
	rig_number(MSG_DROP_TELL, 77);
	rig_number(MSG_ACTIVE_TELL, 78);
	answer.u.render_ans.ask = 9;
	rig_send(&rig.verifier, &answer);
	rig_memfd(80, 4096);
	loop_turn();
	assert_false(broker.file_sender[0].breached || broker.verifier.breached);
	assert_int_equal(conn_count(0), 0);
	rig_reset(&rig.file_sender[0]);
	rig_reset(&rig.verifier);
	rig_connect(0, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &get);
	loop_turn();
	assert_int_equal(conn_count(0), 1);
	/* From here on it is their own. */
	rig_end(0, 10);
	rig_number(MSG_DROP_TELL, 80);
	loop_turn();
	assert_true(broker.file_sender[0].breached && broker.verifier.breached);
}

/* Who breaks a rule is not heard any more, and does not keep us busy: the loop sleeps. */
static void
a_breach(void **state)
{
	struct msg get = rig_get(9, "linux");
	uint64_t begin;

	(void)state;
	assert_int_equal(send(rig.http_parser[0].fd, "xyz", 3, 0), 3);
	loop_turn();
	assert_true(rig_fault(ROLE_HTTP_PARSER, 0));
	rig_send(&rig.http_parser[0], &get);
	begin = clock_mono_ms();
	loop_turn();
	assert_true(clock_mono_ms() - begin >= 900);
	rig_connect(1, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[1], &get);
	loop_turn();
	assert_true(http_answered(1));
	/* Its successor is heard. */
	rig_notice(NOTICE_GONE, ROLE_HTTP_PARSER, 0);
	loop_turn();
	rig_connect(0, 9, RIG_CLIENT);
	rig_send(&rig.http_parser[0], &get);
	loop_turn();
	assert_true(http_answered(0));
}

/* A channel whose other end is closed does not keep us busy either. */
static void
the_end_of_a_channel(void **state)
{
	uint64_t begin;

	(void)state;
	assert_int_equal(shutdown(rig.tftp_parser.fd, SHUT_WR), 0);
	loop_turn();
	begin = clock_mono_ms();
	loop_turn();
	assert_true(clock_mono_ms() - begin >= 900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_request_behind_its_connection, set_up),
	    cmocka_unit_test_setup(a_request_far_behind_its_connection, set_up),
	    cmocka_unit_test_setup(a_request_of_no_connection, set_up),
	    cmocka_unit_test_setup(an_offer, set_up),
	    cmocka_unit_test_setup(storms_delay_nobody, set_up),
	    cmocka_unit_test_setup(an_endless_storm, set_up),
	    cmocka_unit_test_setup(an_endless_storm_of_http, set_up),
	    cmocka_unit_test_setup(a_deaf_dhcp_sender, set_up),
	    cmocka_unit_test_setup(a_neighbour_ends, set_up),
	    cmocka_unit_test_setup(what_others_left, set_up),
	    cmocka_unit_test_setup(a_breach, set_up),
	    cmocka_unit_test_setup(the_end_of_a_channel, set_up),
	};

	return cmocka_run_group_tests_name(
	    "broker_loop", tests, set_up_store, tear_down_store);
}
