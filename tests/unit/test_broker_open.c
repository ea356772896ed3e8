/*
 * Images that are open to a network: who gets which files without a session, what a
 * session changes, and that nothing else comes with it. And transfers from a single port.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/files.h"
#include "src/broker/http_rules.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

#define ALL_TEMPLATES ((1u << TEMPLATE_MAX) - 1)

static struct msg m; /* the last one that a far end got */

/* The machines with sessions are in that network. */
static void
open_to_all(void)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;
	struct conf_open *o = &conf->open[conf->nopen];
	struct addr a = rig_addr("10.77.0.201");
	unsigned n = 0;

	if (conf_next_open(conf, &a, &n) != NULL)
		return;
	o->network = rig_addr("10.77.0.0");
	o->prefix = 24;
	strcpy(o->image, "rescue");
	conf->nopen++;
}

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	open_to_all();
	rig_debian(1, 1, ALL_TEMPLATES);
	rig_memfd(2, 100);
	rig_image(2, "rescue", 1);
	rig_file(2, "linux", 2, 0, 60);
	rig_file(2, "boot/grub.cfg", 2, 60, 40);
	rig_boot(2, ARCH_X64, "linux", ALL_TEMPLATES);
	rig_number(MSG_ACTIVE_TELL, 2);
	rig_turn();
	return 0;
}

static bool
take(void)
{
	for (int i = 0; i < RIG_WORKERS; i++)
		if (rig_take_answer(&rig.file_sender[i], &m))
			return true;
	return false;
}

/* The length of what that address is granted by TFTP; -1: refused; -2: no answer. */
static int
by_tftp(const char *peer, const char *name)
{
	struct msg_rrq_tell t = rig_rrq(name);

	t.peer = rig_addr(peer);
	rig_send_rrq(&t);
	rig_turn();
	if (!take())
		return -2;
	assert_false(rig_fault(ROLE_TFTP_PARSER, 0));
	if (m.nr == MSG_TFTP_GRANT_TELL)
		return (int)m.u.tftp_grant_tell.length;
	assert_int_equal(m.nr, MSG_TFTP_DENY_TELL);
	assert_int_equal(m.u.tftp_deny_tell.code, 1);
	return -1;
}

static int
by_http(const char *peer, const char *path)
{
	static uint64_t conn;
	struct msg get = rig_get(++conn, path);

	rig_connect(0, conn, peer);
	rig_turn();
	rig_send(&rig.http_parser[0], &get);
	rig_turn();
	assert_true(take());
	if (m.nr == MSG_HTTP_GRANT_TELL) {
		assert_int_equal(m.u.http_grant_tell.status, 200);
		return (int)m.u.http_grant_tell.length;
	}
	assert_int_equal(m.nr, MSG_HTTP_DENY_TELL);
	assert_int_equal(m.u.http_deny_tell.status, 404);
	return -1;
}

static void
without_a_session(void **state)
{
	(void)state;
	assert_int_equal(by_tftp("10.88.0.9", "rescue/linux"), 60);
	assert_int_equal(m.u.tftp_grant_tell.session, 0);
	assert_int_equal(by_tftp("10.88.0.9", "rescue/boot/grub.cfg"), 40);
	assert_int_equal(by_http("10.88.0.9", "rescue/linux"), 60);
	assert_int_equal(m.u.http_grant_tell.session, 0);
	assert_int_equal(by_http("10.77.0.201", "rescue/linux"), 60);
	assert_int_equal(by_http("2001:db8:0:8812::5", "rescue/linux"), 60);
}

static void
only_where_it_is_open(void **state)
{
	(void)state;
	/* Another image is open there: a refusal may be said. */
	assert_int_equal(by_tftp("10.88.0.128", "rescue/linux"), -1);
	assert_int_equal(by_http("10.88.0.128", "rescue/linux"), -1);
	/* Nothing is. */
	assert_int_equal(by_tftp("10.99.0.1", "rescue/linux"), -2);
	assert_int_equal(by_http("10.99.0.1", "rescue/linux"), -1);
	assert_int_equal(by_http("2001:db8:0:8880::5", "rescue/linux"), -1);
}

static void
nothing_but_its_files(void **state)
{
	static const char *const names[] = {"", "linux", "rescue", "rescue/",
	    "rescue/nothing", "rescue/boot", "rescue/boot.ipxe", "rescue/grub.cfg",
	    "boot.ipxe", "grub/grub.cfg", "rescue/pxelinux.cfg/default", "debian/linux",
	    "rescue2/linux", "tools/linux", "rescue//linux"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (by_tftp("10.88.0.9", names[i]) != -1 ||
		    by_http("10.88.0.9", names[i]) != -1)
			fail_msg("%s is served", names[i]);
	}
}

/* What the session has for a name comes first; an open image adds names. */
static void
with_a_session(void **state)
{
	struct session *s = rig_session("debian");

	(void)state;
	assert_int_equal(by_tftp(RIG_CLIENT, "linux"), 700);
	assert_int_equal(m.u.tftp_grant_tell.session, s->id);
	assert_int_equal(by_tftp(RIG_CLIENT, "rescue/linux"), 60);
	assert_int_equal(by_http(RIG_CLIENT, "rescue/linux"), 60);
	/* An image of the session with a folder of that name. */
	rig_memfd(3, 10);
	rig_image(3, "fedora", 1);
	rig_file(3, "rescue/linux", 3, 0, 10);
	rig_number(MSG_ACTIVE_TELL, 3);
	rig_turn();
	rig_session("fedora");
	assert_int_equal(by_tftp(RIG_CLIENT, "rescue/linux"), 10);
	rig_session("");
	assert_int_equal(by_tftp(RIG_CLIENT, "rescue/linux"), 60);
	assert_int_equal(by_tftp(RIG_CLIENT, "linux"), -1);
}

static void
an_image_that_ends(void **state)
{
	(void)state;
	assert_int_equal(by_tftp("10.88.0.9", "rescue/linux"), 60);
	broker.wall_s = 1900000000;
	assert_int_equal(by_tftp("10.88.0.9", "rescue/linux"), -1);
	broker.wall_s = 1800000000;
	rig_number(MSG_RETIRE_TELL, 2);
	rig_turn();
	assert_int_equal(by_http("10.88.0.9", "rescue/linux"), -1);
}

/* By TFTP alone, when that is configured; what is there exactly goes before, and of two
 * that fit alike none is sent. */
static void
in_whatever_case(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;

	(void)state;
	rig_memfd(3, 100);
	rig_image(3, "fedora", 1);
	rig_file(3, "EFI/linux", 3, 0, 1);
	rig_file(3, "twice", 3, 1, 2);
	rig_file(3, "TWICE", 3, 3, 3);
	rig_file(3, "fedora/twice", 3, 3, 4);
	rig_number(MSG_ACTIVE_TELL, 3);
	rig_turn();
	rig_session("fedora");
	assert_int_equal(by_tftp(RIG_CLIENT, "efi/LINUX"), -1);
	conf->tftp_any_case = true;
	assert_int_equal(by_tftp(RIG_CLIENT, "efi/LINUX"), 1);
	assert_int_equal(by_tftp(RIG_CLIENT, "Fedora/efi/LINUX"), 1);
	assert_int_equal(by_tftp(RIG_CLIENT, "01234567/efi/LINUX"), 1);
	assert_int_equal(by_tftp(RIG_CLIENT, "twice"), 2);
	assert_int_equal(by_tftp(RIG_CLIENT, "TWICE"), 3);
	assert_int_equal(by_tftp(RIG_CLIENT, "Twice"), -1);
	assert_int_equal(by_tftp(RIG_CLIENT, "fedora/TWICE"), 3);
	assert_int_equal(by_tftp(RIG_CLIENT, "efi"), -1);
	assert_int_equal(by_tftp(RIG_CLIENT, "efi/linu"), -1);
	assert_int_equal(by_http(RIG_CLIENT, "efi/LINUX"), -1);
	assert_int_equal(by_tftp("10.88.0.9", "Rescue/Linux"), 60);
	assert_int_equal(by_http("10.88.0.9", "rescue/Linux"), -1);
	conf->tftp_any_case = false;
	assert_int_equal(by_tftp("10.88.0.9", "Rescue/Linux"), -1);
}

static void
behind_a_prefix(void **state)
{
	(void)state;
	rig_memfd(3, 100);
	rig_image(3, "pi", 1);
	rig_file(3, "start4.elf", 3, 0, 1);
	rig_file(3, "0badcafe/start4.elf", 3, 0, 2);
	rig_number(MSG_ACTIVE_TELL, 3);
	rig_turn();
	rig_session("pi");
	assert_int_equal(by_tftp(RIG_CLIENT, "1a2b3c4d/start4.elf"), 1);
	assert_int_equal(by_tftp(RIG_CLIENT, "0badcafe/start4.elf"), 2);
	assert_int_equal(by_tftp(RIG_CLIENT, "dc-a6-32-01-02-03/start4.elf"), 1);
	assert_int_equal(by_http(RIG_CLIENT, "pi/dc-a6-32-01-02-03/start4.elf"), 1);
	assert_int_equal(by_tftp(RIG_CLIENT, "1a2b3c4d/0badcafe/start4.elf"), 2);
	assert_int_equal(by_tftp(RIG_CLIENT, "1a2b3c4d/config.txt"), -1);
	assert_int_equal(by_tftp("10.88.0.9", "1a2b3c4d/rescue/linux"), -1);
}

/* Says something in a transfer on port 69. The file-sender that hears of it, -1: none. */
static int
reply(const char *peer, uint16_t port, const char *local, uint16_t number)
{
	struct msg out = {.nr = MSG_TFTP_REPLY_TELL};
	struct msg_tftp_reply_tell *t = &out.u.tftp_reply_tell;
	const struct msg_tftp_relay_tell *r = &m.u.tftp_relay_tell;

	t->peer = rig_addr(peer);
	t->local = rig_addr(local);
	t->port = port;
	t->number = number;
	t->error = number & 1;
	rig_send(&rig.tftp_parser, &out);
	rig_turn();
	for (int i = 0; i < RIG_WORKERS; i++) {
		if (!rig_take_answer(&rig.file_sender[i], &m))
			continue;
		assert_int_equal(m.nr, MSG_TFTP_RELAY_TELL);
		assert_true(addr_equal(&r->peer, &t->peer));
		assert_true(addr_equal(&r->local, &t->local));
		assert_int_equal(r->port, port);
		assert_int_equal(r->number, number);
		assert_int_equal(r->error, t->error);
		return i;
	}
	return -1;
}

/* The file-sender that has the grant hears what the client says to port 69. */
static void
from_a_single_port(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;

	(void)state;
	assert_int_equal(reply("10.88.0.9", 2000, "10.77.0.1", 1), -1);
	assert_false(rig_fault(ROLE_TFTP_PARSER, 0));
	conf->tftp_single = true;
	for (uint16_t port = 2000; port < 2032; port++) {
		struct msg_rrq_tell t = rig_rrq("rescue/linux");
		int worker = -1;

		t.peer = rig_addr("10.88.0.9");
		t.port = port;
		rig_send_rrq(&t);
		rig_turn();
		for (int i = 0; i < RIG_WORKERS; i++)
			if (rig_take_answer(&rig.file_sender[i], &m))
				worker = i;
		assert_int_equal(m.nr, MSG_TFTP_GRANT_TELL);
		assert_int_equal(m.u.tftp_grant_tell.single, 1);
		assert_int_equal(reply("10.88.0.9", port, "10.77.0.1", port), worker);
	}
	assert_int_equal(by_tftp("10.88.0.9", "nothing"), -1);
	assert_int_equal(m.u.tftp_deny_tell.single, 1);
	/* From nobody whom files are for, or to nobody. */
	assert_int_equal(reply("10.99.0.9", 2000, "10.77.0.1", 1), -1);
	assert_int_equal(reply("10.88.0.9", 0, "10.77.0.1", 1), -1);
	assert_int_equal(reply("10.88.0.9", 2000, "10.77.0.2", 1), -1);
	assert_int_equal(reply("10.88.0.9", 2000, "2001:db8::1", 1), -1);
	conf->tftp_single = false;
}

/* However many replies come, requests find room behind them. */
static void
replies_leave_room(void **state)
{
	struct conf *conf = (struct conf *)(uintptr_t)broker.conf;
	struct msg out = {.nr = MSG_TFTP_REPLY_TELL};
	struct msg_tftp_reply_tell *t = &out.u.tftp_reply_tell;
	struct msg_rrq_tell rrq = rig_rrq("rescue/linux");
	int fd = -1;

	(void)state;
	conf->tftp_single = true;
	t->peer = rrq.peer = rig_addr("10.88.0.9");
	t->port = rrq.port;
	t->local = rrq.local;
	/* Nothing is flushed meanwhile: the channels fill up. */
	for (unsigned i = 0; i < 100000; i++)
		assert_true(files_dispatch(&broker.tftp_parser, &out, &fd));
	for (int i = 0; i < RIG_WORKERS; i++)
		assert_true(chan_room(&broker.file_sender[i], 16));
	conf->tftp_single = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(without_a_session, set_up),
	    cmocka_unit_test_setup(only_where_it_is_open, set_up),
	    cmocka_unit_test_setup(nothing_but_its_files, set_up),
	    cmocka_unit_test_setup(with_a_session, set_up),
	    cmocka_unit_test_setup(an_image_that_ends, set_up),
	    cmocka_unit_test_setup(in_whatever_case, set_up),
	    cmocka_unit_test_setup(behind_a_prefix, set_up),
	    cmocka_unit_test_setup(from_a_single_port, set_up),
	    cmocka_unit_test_setup(replies_leave_room, set_up),
	};

	return cmocka_run_group_tests_name("broker_open", tests, NULL, NULL);
}
