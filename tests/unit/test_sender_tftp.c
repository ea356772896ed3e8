/*
 * TFTP by the real file-sender in its cage (without it in sanitizer builds).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "src/wire/tftp.h"
#include "tests/lib/sender_rig.h"

static void
tftp_without_options(void **state)
{
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, 0, 0, 0, 100000);
	rig_client_download(&c, 100000, 512, 1, 0);
	rig_expect_line("event=tftp-sent session=abcd1234 peer=127.0.0.3 name=boot/linux "
			"bytes=100000 ");
	close(c.fd);
}

static void
tftp_with_options(void **state)
{
	static const char oack[] = "\0\6blksize\0"
				   "1428\0tsize\0"
				   "285600";
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	/* 200 blocks exactly: an empty one ends it. */
	rig_grant(c.port, TFTP_BLKSIZE | TFTP_TSIZE, 1428, 0, 285600);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(c.len, sizeof oack);
	assert_memory_equal(c.bytes, oack, sizeof oack);
	rig_client_send(&c, 4, 0);
	rig_client_download(&c, 285600, 1428, 1, 0);
	rig_expect_line(" bytes=285600 ");
	close(c.fd);
}

static void
tftp_windows_and_losses(void **state)
{
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, 1000, 16, 200001);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 6);
	rig_client_send(&c, 4, 0);
	rig_client_download(&c, 200001, 1000, 16, 45);
	rig_expect_line(" bytes=200001 ");
	close(c.fd);
}

static void
tftp_silent_peer(void **state)
{
	struct rig_client c;
	unsigned n = 0;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, 1000, 16, 200000);
	while (rig_client_receive(&c, n < 3 ? 3000 : 4500)) {
		assert_int_equal(rig_client_opcode(&c), 6);
		n++;
	}
	assert_int_equal(n, 3);
	rig_expect_line(
	    "event=tftp-failed session=abcd1234 peer=127.0.0.3 name=boot/linux bytes=0 "
	    "of=200000 ms=70");
	close(c.fd);
}

static void
tftp_probe_and_one_port_for_all(void **state)
{
	struct rig_client c;
	struct sockaddr_in old;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, TFTP_TSIZE, 0, 0, 5000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 6);
	/* The same request again, answered by the same rig_grant: nothing more is sent. */
	rig_grant(c.port, TFTP_TSIZE, 0, 0, 5000);
	assert_false(rig_client_receive(&c, 300));
	old = c.server;
	rig_client_send(&c, 5, 8);
	rig_expect_line("event=tftp-probe session=abcd1234");
	/* The next request from the same port comes from another socket. */
	rig_grant(c.port, TFTP_BLKSIZE, 600, 0, 5000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 6);
	assert_int_not_equal(c.server.sin_port, old.sin_port);
	/* A straggler of the first transfer does not move the second. */
	assert_int_equal(
	    sendto(c.fd, "\0\4\0", 4, 0, (struct sockaddr *)&old, sizeof old), 4);
	assert_false(rig_client_receive(&c, 200));
	rig_client_send(&c, 4, 0);
	rig_client_download(&c, 5000, 600, 1, 0);
	rig_expect_line(" bytes=5000 ");
	close(c.fd);
}

static void
tftp_denials_and_strangers(void **state)
{
	struct msg m = {.nr = MSG_TFTP_DENY_TELL};
	struct rig_client c, stranger;

	RIG_NEEDED();
	c = rig_client_open();
	m.u.tftp_deny_tell.peer = addr_v4(RIG_CLIENT);
	m.u.tftp_deny_tell.port = c.port;
	m.u.tftp_deny_tell.local = addr_v4(RIG_SERVER);
	m.u.tftp_deny_tell.code = 1;
	rig_order(&m);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 5);
	assert_int_equal(c.bytes[3], 1);
	/* A transfer on another port; a stranger meddles with it. */
	rig_grant(c.port, 0, 0, 0, 2000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&c), 3);
	stranger = rig_client_open();
	stranger.server = c.server;
	rig_client_send(&stranger, 4, 1);
	assert_true(rig_client_receive(&stranger, RIG_WAIT_MS));
	assert_int_equal(rig_client_opcode(&stranger), 5);
	assert_int_equal(stranger.bytes[3], 5);
	/* Never an ERROR for an ERROR, also when the limit of strangers is not it. */
	usleep(100000);
	rig_client_send(&stranger, 5, 0);
	assert_false(rig_client_receive(&stranger, 200));
	/* An acknowledgement that comes to another of our addresses is not for this one. */
	c.server.sin_addr.s_addr = htonl(RIG_SERVER + 7);
	rig_client_send(&c, 4, 1);
	assert_false(rig_client_receive(&c, 200));
	c.server.sin_addr.s_addr = htonl(RIG_SERVER);
	rig_client_send(&c, 4, 1);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	assert_int_equal(c.bytes[3], 2);
	rig_client_send(&c, 5, 0);
	rig_expect_line("bytes=512 of=2000");
	close(c.fd);
	close(stranger.fd);
}

static void
tftp_refuses_bad_addresses(void **state)
{
	struct rig_client c;
	struct msg m = {.nr = MSG_TFTP_DENY_TELL};

	RIG_NEEDED();
	m.u.tftp_deny_tell.peer = addr_v4(0xe0000001); /* multicast */
	m.u.tftp_deny_tell.port = 9;
	m.u.tftp_deny_tell.local = addr_v4(RIG_SERVER);
	rig_order(&m);
	rig_expect_line("event=tftp-refused reason=address");
	/* A source address that is not ours; a peer that is ourselves. */
	c = rig_client_open();
	m.u.tftp_deny_tell.peer = addr_v4(RIG_CLIENT);
	m.u.tftp_deny_tell.port = c.port;
	m.u.tftp_deny_tell.local = addr_v4(RIG_SERVER + 5);
	rig_order(&m);
	m.u.tftp_deny_tell.peer = m.u.tftp_deny_tell.local = addr_v4(RIG_SERVER);
	rig_order(&m);
	assert_false(rig_client_receive(&c, 200));
	close(c.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_CASE(tftp_without_options),
	    RIG_CASE(tftp_with_options),
	    RIG_CASE(tftp_windows_and_losses),
	    RIG_CASE(tftp_silent_peer),
	    RIG_CASE(tftp_probe_and_one_port_for_all),
	    RIG_CASE(tftp_denials_and_strangers),
	    RIG_CASE(tftp_refuses_bad_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
