/*
 * The control socket: what is answered, who may change what, and that no client can hold
 * up the others, the broker, or its place.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/control.h"
#include "src/broker/counters.h"
#include "src/broker/lease.h"
#include "src/broker/store.h"
#include "tests/lib/controlrig.h"
#include "tests/lib/dhcprig.h"
#include "tests/unit/unit.h"

static struct msg m;
static struct msg_reply_tell reply;

static int
set_up(void **state)
{
	(void)state;
	control_rig_start();
	rig_forget();
	counters_reset();
	return 0;
}

static int
connect_root(void)
{
	int fd = control_rig_connect(true);

	control_rig_turn();
	return fd;
}

static void
ask(int fd, enum msg_nr nr)
{
	m.nr = nr;
	control_rig_send(fd, &m);
}

static void
ask_leases(int fd, const char *first, const char *last, bool all)
{
	memset(&m, 0, sizeof m);
	m.u.leases_ask.first = rig_addr(first);
	m.u.leases_ask.last = rig_addr(last);
	m.u.leases_ask.all = all;
	ask(fd, MSG_LEASES_ASK);
}

static void
done(int fd, enum control_result result)
{
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.nr, MSG_DONE_TELL);
	assert_int_equal(m.u.done_tell.result, result);
}

/* A lease as clients get it. */
static void
lease_to(const char *mac, const char *ip)
{
	struct msg_dhcp_tell t = rig_request(DHCP_DISCOVER, mac);

	t.requested = rig_addr(ip);
	assert_true(rig_ask(&t, &reply));
	t = rig_request(DHCP_REQUEST, mac);
	t.requested = rig_addr(ip);
	t.server_id = broker.start.links[0].address;
	assert_true(rig_ask(&t, &reply));
	assert_int_equal(reply.type, DHCP_ACK);
}

static unsigned
count_leases(int fd, const char *first, const char *last, bool all)
{
	unsigned n = 0;

	ask_leases(fd, first, last, all);
	while (control_rig_receive(fd, &m) == 1 && m.nr == MSG_LEASES_ANS)
		n++;
	assert_int_equal(m.nr, MSG_DONE_TELL);
	assert_int_equal(m.u.done_tell.result, CONTROL_DONE);
	return n;
}

static uint8_t
release(int fd, const char *ip)
{
	memset(&m, 0, sizeof m);
	m.u.lease_release_ask.addr = rig_addr(ip);
	ask(fd, MSG_LEASE_RELEASE_ASK);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.nr, MSG_LEASE_RELEASE_ANS);
	return m.u.lease_release_ans.change;
}

static void
send_import(int fd, const char *ip, const char *mac, uint64_t left)
{
	struct msg_lease_import_ask *a = &m.u.lease_import_ask;

	memset(&m, 0, sizeof m);
	a->line = 7;
	a->addr = rig_addr(ip);
	a->until = left == 0 ? broker.wall_s : broker.wall_s + left;
	assert_int_equal(mac_parse(mac, &a->mac), 0);
	ask(fd, MSG_LEASE_IMPORT_ASK);
}

static uint8_t
take_import(int fd)
{
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.nr, MSG_LEASE_IMPORT_ANS);
	assert_int_equal(m.u.lease_import_ans.line, 7);
	return m.u.lease_import_ans.change;
}

static uint8_t
import(int fd, const char *ip, const char *mac, uint64_t left)
{
	send_import(fd, ip, mac, left);
	return take_import(fd);
}

/* -------------------------------------------------------------------- answers */

static void
status(void **state)
{
	int fd = connect_root();
	unsigned links = 0, pools = 0, images = 0, counters = 0;

	(void)state;
	lease_to("52:54:00:00:00:01", "10.77.0.101");
	memset(&m, 0, sizeof m);
	m.u.status_ask.parts = 63;
	ask(fd, MSG_STATUS_ASK);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.nr, MSG_STATUS_ANS);
	assert_string_equal(m.u.status_ans.version, SALLYPORT_VERSION);
	assert_int_equal(m.u.status_ans.addresses, lease_count());
	assert_int_equal(m.u.status_ans.images, 2);
	assert_int_equal(m.u.status_ans.store, 0);
	while (control_rig_receive(fd, &m) == 1 && m.nr != MSG_DONE_TELL) {
		links += m.nr == MSG_LINK_STATE_TELL;
		images += m.nr == MSG_IMAGE_STATE_TELL;
		counters += m.nr == MSG_COUNTER_TELL;
		if (m.nr != MSG_POOL_STATE_TELL)
			continue;
		/* One address ends nowhere; one is reserved within. */
		if (pools++ == 0) {
			assert_int_equal(m.u.pool_state_tell.open, 9);
			assert_int_equal(m.u.pool_state_tell.bound, 1);
			assert_int_equal(m.u.pool_state_tell.free, 8);
		}
	}
	assert_int_equal(links, 2);
	assert_int_equal(pools, 3);
	assert_int_equal(images, 2);
	assert_true(counters > 0);
	/* Only what was asked for. */
	memset(&m, 0, sizeof m);
	ask(fd, MSG_STATUS_ASK);
	done(fd, CONTROL_DONE);
	close(fd);
}

static void
leases(void **state)
{
	int fd = connect_root();

	(void)state;
	lease_to("52:54:00:00:00:01", "10.77.0.101");
	lease_to("52:54:00:00:00:02", "10.77.0.103");
	lease_to("52:54:00:77:00:60", "10.77.0.60");
	assert_int_equal(count_leases(fd, "0.0.0.0", "255.255.255.255", false), 3);
	assert_int_equal(count_leases(fd, "10.77.0.101", "10.77.0.102", false), 1);
	assert_int_equal(count_leases(fd, "10.77.0.104", "255.255.255.255", false), 0);
	assert_int_equal(count_leases(fd, "10.78.0.0", "10.77.0.0", true), 0);
	ask_leases(fd, "10.77.0.60", "10.77.0.60", false);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_string_equal(m.u.leases_ans.host, "fixed");
	assert_string_equal(m.u.leases_ans.link, "eth0");
	assert_int_equal(m.u.leases_ans.state, SHOWN_BOUND);
	assert_int_equal(m.u.leases_ans.until, broker.wall_s + 3600);
	assert_int_equal(m.u.leases_ans.kind, ID_HARDWARE);
	done(fd, CONTROL_DONE);
	/* One that never began, and one that cannot. */
	ask_leases(fd, "10.77.0.107", "10.77.0.107", true);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.u.leases_ans.state, SHOWN_FREE);
	done(fd, CONTROL_DONE);
	ask_leases(fd, "10.99.0.1", "10.99.0.1", true);
	done(fd, CONTROL_ABSENT);
	rig_pass(3601);
	assert_int_equal(count_leases(fd, "0.0.0.0", "255.255.255.255", false), 0);
	assert_int_equal(count_leases(fd, "0.0.0.0", "255.255.255.255", true), 3);
	close(fd);
}

static void
sessions(void **state)
{
	struct msg_dhcp_tell t = rig_request(DHCP_DISCOVER, "52:54:00:00:00:05");
	int fd = connect_root();

	(void)state;
	rig_firmware(&t, 7, 1);
	assert_true(rig_ask(&t, &reply));
	memset(&m, 0, sizeof m);
	ask(fd, MSG_SESSIONS_ASK);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_int_equal(m.nr, MSG_SESSIONS_ANS);
	assert_int_equal(m.u.sessions_ans.arch, ARCH_X64);
	assert_true(addr_equal(&m.u.sessions_ans.addr, &reply.yiaddr));
	assert_string_equal(m.u.sessions_ans.image, "debian");
	done(fd, CONTROL_DONE);
	memset(&m, 0, sizeof m);
	m.u.sessions_ask.of = rig_addr("10.77.0.1");
	ask(fd, MSG_SESSIONS_ASK);
	done(fd, CONTROL_DONE);
	close(fd);
}

/* --------------------------------------------------------------------- changes */

static void
releases(void **state)
{
	int fd = connect_root();

	(void)state;
	lease_to("52:54:00:00:00:01", "10.77.0.101");
	assert_int_equal(release(fd, "10.77.0.101"), CHANGE_DONE);
	assert_int_equal(release(fd, "10.77.0.101"), CHANGE_NOT_LEASED);
	assert_int_equal(release(fd, "10.77.0.200"), CHANGE_NOT_CONFIGURED);
	/* It is on disk: another broker knows it too. */
	rig_restart();
	assert_int_equal(count_leases(fd, "10.77.0.101", "10.77.0.101", false), 0);
	close(fd);
}

static void
imports(void **state)
{
	int fd = connect_root();

	(void)state;
	assert_int_equal(import(fd, "10.77.0.102", "52:54:00:00:01:02", 500), CHANGE_DONE);
	assert_int_equal(
	    import(fd, "10.77.0.200", "52:54:00:00:01:03", 500), CHANGE_NOT_CONFIGURED);
	assert_int_equal(
	    import(fd, "10.77.0.102", "52:54:00:00:01:03", 500), CHANGE_IN_USE);
	assert_int_equal(
	    import(fd, "10.77.0.103", "52:54:00:00:01:02", 500), CHANGE_ELSEWHERE);
	assert_int_equal(import(fd, "10.77.0.103", "52:54:00:00:01:04", 0), CHANGE_OVER);
	assert_int_equal(
	    import(fd, "10.77.0.103", "00:00:00:00:00:00", 500), CHANGE_NO_MACHINE);
	assert_int_equal(
	    import(fd, "10.77.0.60", "52:54:00:00:01:04", 500), CHANGE_NOT_PERMITTED);
	assert_int_equal(import(fd, "10.77.0.60", "52:54:00:77:00:60", 500), CHANGE_DONE);
	/* Longer than a lease of ours, and it stays so over a restart. */
	assert_int_equal(
	    import(fd, "10.77.0.104", "52:54:00:00:01:05", 86400), CHANGE_DONE);
	/* Shorter than what runs: that goes on. */
	assert_int_equal(import(fd, "10.77.0.104", "52:54:00:00:01:05", 60), CHANGE_DONE);
	rig_restart();
	assert_int_equal(count_leases(fd, "10.77.0.102", "10.77.0.102", false), 1);
	assert_int_equal(count_leases(fd, "10.77.0.60", "10.77.0.60", false), 1);
	ask_leases(fd, "10.77.0.104", "10.77.0.104", false);
	assert_int_equal(control_rig_receive(fd, &m), 1);
	assert_in_range(m.u.leases_ans.until, broker.wall_s + 86300, broker.wall_s + 86401);
	done(fd, CONTROL_DONE);
	/* The machine itself finds it. */
	lease_to("52:54:00:00:01:02", "10.77.0.102");
	close(fd);
}

static void
imports_ahead(void **state)
{
	int fd = connect_root();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		send_import(fd, "10.78.0.11", "52:54:00:00:02:01", 500);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(take_import(fd), CHANGE_DONE);
	/* A question of another kind before the answer is a breach. */
	send_import(fd, "10.78.0.11", "52:54:00:00:02:01", 500);
	memset(&m, 0, sizeof m);
	ask(fd, MSG_STATUS_ASK);
	while (control_rig_receive(fd, &m) == 1)
		assert_int_equal(m.nr, MSG_LEASE_IMPORT_ANS);
	assert_true(control_rig_clients(0));
	close(fd);
	/* What it had asked for is written all the same; the others wait for that. */
	for (unsigned i = 0; i < 3; i++) {
		control_rig_turn();
		usleep(20000);
	}
}

static void
readers_change_nothing(void **state)
{
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	lease_to("52:54:00:00:00:01", "10.77.0.101");
	fd = control_rig_connect(false);
	assert_int_equal(release(fd, "10.77.0.101"), CHANGE_NOT_ROOT);
	assert_int_equal(
	    import(fd, "10.77.0.102", "52:54:00:00:01:02", 500), CHANGE_NOT_ROOT);
	assert_int_equal(count_leases(fd, "0.0.0.0", "255.255.255.255", false), 1);
	close(fd);
}

/* -------------------------------------------------------------------- explaining */

/* As bytes on a channel: between the fields of a struct anything may stand. */
static void
assert_same_reply(const struct msg_reply_tell *a, const struct msg_reply_tell *b)
{
	static uint8_t bytes[2][MSG_SIZE_MAX];
	int len[2];

	m.nr = MSG_REPLY_TELL;
	m.u.reply_tell = *a;
	len[0] = msg_encode(&m, bytes[0], MSG_SIZE_MAX);
	m.u.reply_tell = *b;
	len[1] = msg_encode(&m, bytes[1], MSG_SIZE_MAX);
	assert_true(len[0] > 0 && len[0] == len[1]);
	assert_memory_equal(bytes[0], bytes[1], (size_t)len[0]);
}

static void
explained(void **state)
{
	struct msg_dhcp_tell t = rig_request(DHCP_DISCOVER, "52:54:00:00:00:09");
	struct msg_reply_tell said;
	unsigned lines = 0, ncounters, before;
	struct addr a;
	int fd = connect_root();

	(void)state;
	rig_firmware(&t, 7, 1);
	(void)counters_all(&before);
	memset(&m, 0, sizeof m);
	memcpy(&m.u.explain_ask, &t, sizeof t);
	ask(fd, MSG_EXPLAIN_ASK);
	memset(&said, 0, sizeof said);
	while (control_rig_receive(fd, &m) == 1 && m.nr != MSG_EXPLAIN_ANS) {
		lines += m.nr == MSG_EXPLAIN_LINE_TELL;
		if (m.nr == MSG_EXPLAIN_REPLY_TELL)
			memcpy(&said, &m.u.explain_reply_tell, sizeof said);
	}
	assert_int_equal(m.nr, MSG_EXPLAIN_ANS);
	assert_string_equal(m.u.explain_ans.effect, "offer");
	assert_int_equal(m.u.explain_ans.mtu, 1500);
	assert_true(lines > 3);
	/* Nothing has happened. */
	assert_int_equal(session_count(), 0);
	assert_int_equal(store_pending(), 0);
	a = said.yiaddr;
	assert_true(lease_is_free(lease_at(&a), lease_clock(broker.now_ms)));
	assert_int_equal(lease_holder(lease_at(&a)).kind, ID_NONE);
	(void)counters_all(&ncounters);
	assert_int_equal(ncounters, before);
	assert_false(rig_take(&reply));
	/* And then it happens as was said. */
	assert_true(rig_ask(&t, &reply));
	said.session = reply.session;
	assert_same_reply(&said, &reply);
	close(fd);
}

static void
unanswered(void **state)
{
	struct msg_dhcp_tell t = rig_request(DHCP_DISCOVER, "01:54:00:00:00:09");
	int fd = connect_root();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			t.link = 9;
		if (i == 2)
			t.uuid.len = 3;
		memset(&m, 0, sizeof m);
		memcpy(&m.u.explain_ask, &t, sizeof t);
		ask(fd, MSG_EXPLAIN_ASK);
		do
			assert_int_equal(control_rig_receive(fd, &m), 1);
		while (m.nr == MSG_EXPLAIN_LINE_TELL);
		assert_int_equal(m.nr, MSG_EXPLAIN_ANS);
		assert_string_equal(m.u.explain_ans.effect, "no answer");
		assert_true(m.u.explain_ans.reason[0] != '\0');
	}
	close(fd);
}

/* ---------------------------------------------------------------- hostile clients */

static void
gone(int fd)
{
	assert_int_equal(control_rig_receive(fd, &m), 0);
	close(fd);
}

static void
breaches(void **state)
{
	static uint8_t bytes[MSG_SIZE_MAX + 100];
	unsigned nr;
	int fd;

	(void)state;
	fd = connect_root();
	assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	gone(fd);
	fd = connect_root();
	assert_int_equal(send(fd, bytes, 0, 0), 0);
	gone(fd);
	fd = connect_root();
	assert_int_equal(send(fd, "x", 1, 0), 1);
	gone(fd);
	/* Whatever others may say. */
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++) {
		if (msg_permitted(nr, ROLE_CONTROL, ROLE_BROKER))
			continue;
		memset(&m, 0, sizeof m);
		fd = connect_root();
		ask(fd, (enum msg_nr)nr);
		gone(fd);
	}
	assert_true(control_rig_clients(0));
}

/* A descriptor that comes with a question is nowhere afterwards. */
static void
stray_descriptors(void **state)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	uint8_t bytes[16];
	struct iovec iov = {bytes, 0};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	int fd = connect_root(), next, pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	memset(&m, 0, sizeof m);
	m.nr = MSG_STATUS_ASK;
	iov.iov_len = (size_t)msg_encode(&m, bytes, sizeof bytes);
	memset(&control, 0, sizeof control);
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &pair[1], sizeof(int));
	assert_true(sendmsg(fd, &hdr, 0) > 0);
	close(pair[1]);
	next = dup(0);
	close(next);
	done(fd, CONTROL_DONE);
	assert_int_equal(dup(0), next);
	close(next);
	assert_int_equal(read(pair[0], bytes, 1), 0); /* nobody has the other end */
	close(pair[0]);
	close(fd);
}

/* Everything is asked for and nothing read: the broker goes on, and after a while the
 * client's place is free. */
static void
never_reads(void **state)
{
	int fd = connect_root(), other = connect_root();

	(void)state;
	memset(&m, 0, sizeof m);
	m.nr = MSG_STATUS_ASK;
	m.u.status_ask.parts = 63;
	for (unsigned i = 0; i < 4000; i++) {
		uint8_t bytes[16];
		int n = msg_encode(&m, bytes, sizeof bytes);

		(void)send(fd, bytes, (size_t)n, MSG_DONTWAIT);
		if (i % 8 == 0)
			control_rig_turn();
	}
	assert_int_equal(count_leases(other, "0.0.0.0", "255.255.255.255", false), 0);
	assert_true(control_rig_clients(2));
	rig_pass(11);
	control_rig_turn();
	assert_true(control_rig_clients(0));
	close(fd);
	close(other);
}

/* A long list is made in pieces: between them the loop does what it has to. */
static void
answers_in_pieces(void **state)
{
	static const char text[] =
	    "interface eth0; interface eth1;\n"
	    "subnet 10.64.0.0/12 { pool 10.64.0.1 - 10.65.255.254; }\n"
	    "boot { default image \"debian\"; unknown allow; }\n";
	unsigned turns = 0, size = 0;
	int fd;

	(void)state;
	rig_stop();
	rig_start(text);
	assert_true(lease_count() > 100000);
	fd = connect_root();
	send_import(fd, "10.65.255.200", "52:54:00:00:00:01", 500);
	assert_int_equal(take_import(fd), CHANGE_DONE);
	ask_leases(fd, "0.0.0.0", "255.255.255.255", true);
	do {
		uint8_t bytes[MSG_SIZE_MAX];

		assert_true(turns == 0 || control_rig_timeout() == 0);
		control_rig_turn();
		turns++;
		size = (unsigned)(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
	} while (size == 0 && turns < 10000);
	assert_in_range(turns, 20, 200);
	close(fd);
	rig_stop();
	rig_start(rig_text);
}

static void
places(void **state)
{
	int fds[CLIENT_MAX + 1], reader;

	(void)state;
	for (unsigned i = 0; i < CLIENT_MAX; i++)
		fds[i] = connect_root();
	assert_true(control_rig_clients(CLIENT_MAX));
	/* Who comes then waits for a place. */
	fds[CLIENT_MAX] = connect_root();
	memset(&m, 0, sizeof m);
	ask(fds[CLIENT_MAX], MSG_STATUS_ASK);
	for (unsigned i = 0; i < 10; i++)
		control_rig_turn();
	assert_int_equal(recv(fds[CLIENT_MAX], &m, 1, MSG_DONTWAIT), -1);
	close(fds[2]);
	done(fds[CLIENT_MAX], CONTROL_DONE);
	for (unsigned i = 0; i <= CLIENT_MAX; i++)
		if (i != 2)
			close(fds[i]);
	control_rig_turn();
	assert_true(control_rig_clients(0));
	if (geteuid() != 0)
		return;
	/* One is kept for root. */
	for (unsigned i = 0; i < CLIENT_MAX - 1; i++) {
		fds[i] = control_rig_connect(false);
		control_rig_turn();
	}
	reader = control_rig_connect(false);
	done(reader, CONTROL_BUSY);
	gone(reader);
	fds[CLIENT_MAX - 1] = connect_root();
	memset(&m, 0, sizeof m);
	ask(fds[CLIENT_MAX - 1], MSG_STATUS_ASK);
	done(fds[CLIENT_MAX - 1], CONTROL_DONE);
	for (unsigned i = 0; i < CLIENT_MAX; i++)
		close(fds[i]);
}

/* Who only sits there makes room. */
static void
idle(void **state)
{
	int fd = connect_root();

	(void)state;
	rig_pass(9);
	control_rig_turn();
	assert_true(control_rig_clients(1));
	assert_true(control_rig_timeout() <= 1000);
	rig_pass(2);
	control_rig_turn();
	assert_true(control_rig_clients(0));
	assert_int_equal(control_rig_timeout(), 5000);
	gone(fd);
}

static int
start(void **state)
{
	(void)state;
	control_rig_reserve();
	control_rig_start();
	rig_start(rig_text);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	rig_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(status, set_up),
	    cmocka_unit_test_setup(leases, set_up),
	    cmocka_unit_test_setup(sessions, set_up),
	    cmocka_unit_test_setup(releases, set_up),
	    cmocka_unit_test_setup(imports, set_up),
	    cmocka_unit_test_setup(imports_ahead, set_up),
	    cmocka_unit_test_setup(readers_change_nothing, set_up),
	    cmocka_unit_test_setup(explained, set_up),
	    cmocka_unit_test_setup(unanswered, set_up),
	    cmocka_unit_test_setup(breaches, set_up),
	    cmocka_unit_test_setup(stray_descriptors, set_up),
	    cmocka_unit_test_setup(never_reads, set_up),
	    cmocka_unit_test_setup(answers_in_pieces, set_up),
	    cmocka_unit_test_setup(places, set_up),
	    cmocka_unit_test_setup(idle, set_up),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
