/*
 * Channels: what passes, what is a breach, descriptors that nobody asked for, full queues.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/chan.h"
#include "privsep/start.h"
#include "tests/unit/sample.h"
#include "tests/unit/unit.h"

static int pair[2], super[2];
static struct chan c;
static struct msg m;
static uint8_t bytes[8192];

static int
descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* `c` is self's end towards peer; pair[0] plays the peer by hand. */
static void
set_up(enum role self, enum role peer)
{
	/* Keep the numbers of real channels free of the test's own sockets. */
	while (fcntl(FD_FREE - 1, F_GETFD) == -1)
		assert_true(open("/dev/null", O_RDONLY) >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, super), 0);
	assert_int_equal(dup2(super[1], FD_SUPER), FD_SUPER);
	/* A process never gives its channels back; the one of the last test is ours. */
	free(c.in);
	free(c.out);
	chan_init(&c, pair[1], self, peer, 2, 8);
}

static int
send_sample(unsigned nr, bool full)
{
	int len;

	sample_message(nr, &m, full);
	len = msg_encode(&m, bytes, sizeof bytes);
	return (int)send(pair[0], bytes, (size_t)len, 0);
}

static void
send_fds(const void *data, size_t len, int n)
{
	union {
		char b[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr h;
	} control = {{0}};
	struct iovec iov = {bytes, len};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.b,
	    .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&hdr);
	int fds[8];

	memmove(bytes, data, len);
	for (int i = 0; i < n; i++)
		fds[i] = STDIN_FILENO;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(h), fds, sizeof(int) * (size_t)n);
	assert_true(sendmsg(pair[0], &hdr, 0) == (ssize_t)len);
}

static void
assert_breach(void)
{
	uint8_t notice[4];

	assert_int_equal(chan_recv(&c, &m, NULL), ERR_DENIED);
	assert_true(c.breached);
	assert_int_equal(recv(super[0], notice, sizeof notice, MSG_DONTWAIT), 4);
	assert_int_equal(notice[0], NOTICE_FAULT);
	assert_int_equal(notice[1], c.peer);
	assert_int_equal(notice[2], 2);
	/* Not read any more, and reported once only. */
	send_sample(MSG_RRQ_TELL, true);
	assert_int_equal(chan_recv(&c, &m, NULL), 0);
	assert_int_equal(recv(super[0], notice, sizeof notice, MSG_DONTWAIT), -1);
}

static void
good_messages_pass(void **state)
{
	(void)state;
	set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
	for (int i = 0; i < 40; i++)
		assert_true(send_sample(MSG_RRQ_TELL, i & 1) > 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(chan_recv(&c, &m, NULL), 1);
		assert_int_equal(m.nr, MSG_RRQ_TELL);
		assert_int_equal(m.u.rrq_tell.name[0], i & 1 ? 'z' : 0);
	}
	assert_int_equal(chan_recv(&c, &m, NULL), 0);
	assert_int_equal(c.received, 40);
}

static void
wrong_roles_are_breaches(void **state)
{
	(void)state;
	set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
	send_sample(MSG_DHCP_TELL, true);
	assert_breach();
	/* After the peer is gone and forgotten, its successor is heard. */
	chan_reset(&c);
	send_sample(MSG_RRQ_TELL, true);
	assert_int_equal(chan_recv(&c, &m, NULL), 1);
}

static void
malformed_messages_are_breaches(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		size_t len;

		set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
		sample_message(MSG_RRQ_TELL, &m, true);
		len = (size_t)msg_encode(&m, bytes, sizeof bytes);
		if (kind == 0)
			len--;
		else if (kind == 1)
			bytes[len++] = 0;
		else if (kind == 2)
			len = sizeof bytes; /* longer than any message */
		else
			len = 0;
		assert_int_equal(send(pair[0], bytes, len, 0), len);
		assert_breach();
	}
}

/* A channel that takes none: the kernel drops them, and none of our numbers is used. */
static void
stray_descriptors_vanish(void **state)
{
	int before, len;

	(void)state;
	set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
	assert_false(c.takes_fds);
	before = descriptors();
	sample_message(MSG_RRQ_TELL, &m, true);
	len = msg_encode(&m, bytes, sizeof bytes);
	for (int n = 1; n <= 8; n++)
		send_fds(bytes, (size_t)len, n);
	for (int n = 1; n <= 8; n++)
		assert_int_equal(chan_recv(&c, &m, NULL), 1);
	assert_int_equal(descriptors(), before);
}

static void
one_descriptor_where_it_belongs(void **state)
{
	int before, len, fd;

	(void)state;
	set_up(ROLE_BROKER, ROLE_VERIFIER);
	assert_true(c.takes_fds);
	before = descriptors();
	sample_message(MSG_MEMFD_TELL, &m, true);
	len = msg_encode(&m, bytes, sizeof bytes);
	send_fds(bytes, (size_t)len, 1);
	assert_int_equal(chan_recv(&c, &m, &fd), 1);
	assert_true(fd >= 0);
	assert_int_equal(descriptors(), before + 1);
	close(fd);
	/* One too many, one missing, one where none belongs. */
	send_fds(bytes, (size_t)len, 2);
	assert_breach();
	chan_reset(&c);
	assert_int_equal(descriptors(), before);
	assert_true(send_sample(MSG_MEMFD_TELL, true) > 0);
	assert_breach();
	chan_reset(&c);
	sample_message(MSG_ACTIVE_TELL, &m, true);
	len = msg_encode(&m, bytes, sizeof bytes);
	send_fds(bytes, (size_t)len, 1);
	assert_breach();
	assert_int_equal(descriptors(), before);
}

static void
full_queues_are_said(void **state)
{
	int sent = 0, got = 0, size = 4096;

	(void)state;
	set_up(ROLE_BROKER, ROLE_DHCP_SENDER);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	sample_message(MSG_REPLY_TELL, &m, true);
	while (chan_send(&c, &m) == 0)
		sent++;
	assert_in_range(sent, 8, 1000);
	assert_true(chan_blocked(&c));
	assert_false(chan_room(&c, 1));
	chan_send_or_drop(&c, &m);
	assert_int_equal(c.dropped, 1);
	while (got < sent) {
		if (recv(pair[0], bytes, sizeof bytes, 0) > 0)
			got++;
		else
			chan_flush(&c);
	}
	chan_flush(&c);
	assert_false(chan_blocked(&c));
	assert_int_equal(recv(pair[0], bytes, sizeof bytes, 0), -1);
}

/* What one end bundles the other takes apart, in order, whatever the sizes. */
static void
bundles_arrive_in_order(void **state)
{
	struct chan other;
	int got = 0, datagrams = 0;

	(void)state;
	set_up(ROLE_BROKER, ROLE_DHCP_SENDER);
	c.bundles = true;
	for (unsigned i = 0; i < 8; i++) {
		sample_message(MSG_REPLY_TELL, &m, i % 3 == 0);
		m.u.reply_tell.xid = i;
		assert_int_equal(chan_send(&c, &m), 0);
	}
	chan_flush(&c);
	while (recv(pair[0], bytes, sizeof bytes, MSG_PEEK) > 0 && datagrams == 0)
		datagrams++;
	assert_int_equal(bytes[0] | bytes[1] << 8, CHAN_BUNDLE);
	chan_init(&other, pair[0], ROLE_DHCP_SENDER, ROLE_BROKER, 0, 1);
	while (chan_recv(&other, &m, NULL) == 1)
		assert_int_equal(m.u.reply_tell.xid, got++);
	assert_int_equal(got, 8);
	assert_false(other.breached);
}

/* Puts `n` times the sample into a bundle, its bytes from `bytes`; returns the length. */
static size_t
make_bundle(unsigned nr, unsigned n)
{
	static uint8_t one[MSG_SIZE_MAX];
	size_t at = 2;
	int len;

	sample_message(nr, &m, false);
	len = msg_encode(&m, one, sizeof one);
	assert_true(len > 0);
	bytes[0] = CHAN_BUNDLE & 0xff;
	bytes[1] = CHAN_BUNDLE >> 8;
	for (unsigned i = 0; i < n; i++) {
		bytes[at] = (uint8_t)(len & 0xff);
		bytes[at + 1] = (uint8_t)(len >> 8);
		memcpy(bytes + at + 2, one, (size_t)len);
		at += 2 + (size_t)len;
	}
	return at;
}

/* The messages before the fault pass, none behind it does. */
static void
expect_after(unsigned good)
{
	for (unsigned i = 0; i < good; i++)
		assert_int_equal(chan_recv(&c, &m, NULL), 1);
	assert_breach();
}

static void
wrong_bundles_are_breaches(void **state)
{
	size_t len;

	(void)state;
	len = make_bundle(MSG_RRQ_TELL, 3);
	for (size_t cut = 2; cut < len; cut++) {
		size_t one = (len - 2) / 3;

		if (cut != 2 && (cut - 2) % one == 0)
			continue; /* a whole bundle of fewer */
		set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
		assert_true(send(pair[0], bytes, cut, 0) == (ssize_t)cut);
		expect_after((unsigned)((cut - 2) / one));
		make_bundle(MSG_RRQ_TELL, 3);
	}
	/* A bundle in a bundle. */
	set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
	len = make_bundle(MSG_RRQ_TELL, 1);
	memmove(bytes + 4, bytes, len);
	bytes[2] = (uint8_t)(len & 0xff);
	bytes[3] = (uint8_t)(len >> 8);
	assert_true(send(pair[0], bytes, len + 4, 0) > 0);
	expect_after(0);
	/* Another role's message behind a good one. */
	set_up(ROLE_BROKER, ROLE_TFTP_PARSER);
	len = make_bundle(MSG_DHCP_TELL, 1);
	assert_true(send(pair[0], bytes, len, 0) > 0);
	expect_after(0);
	/* A descriptor with a bundle. */
	set_up(ROLE_BROKER, ROLE_VERIFIER);
	len = make_bundle(MSG_MEMFD_TELL, 1);
	send_fds(bytes, len, 1);
	expect_after(0);
	assert_string_equal(msg_name(CHAN_BUNDLE), "?");
}

static void
descriptors_are_sent(void **state)
{
	struct chan other;
	int fd, memfd = memfd_create("x", 0);

	(void)state;
	set_up(ROLE_BROKER, ROLE_FILE_SENDER);
	chan_init(&other, pair[0], ROLE_FILE_SENDER, ROLE_BROKER, 0, 8);
	sample_message(MSG_MEMFD_TELL, &m, true);
	assert_int_equal(chan_send_fd(&c, &m, memfd), 0);
	sample_message(MSG_DROP_TELL, &m, true);
	assert_int_equal(chan_send(&c, &m), 0);
	chan_flush(&c);
	assert_int_equal(chan_recv(&other, &m, &fd), 1);
	assert_int_equal(m.nr, MSG_MEMFD_TELL);
	assert_true(fd >= 0);
	assert_int_equal(chan_recv(&other, &m, &fd), 1);
	assert_int_equal(m.nr, MSG_DROP_TELL);
	assert_int_equal(fd, -1);
	close(memfd);
	free(other.in);
	free(other.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_messages_pass),
	    cmocka_unit_test(wrong_roles_are_breaches),
	    cmocka_unit_test(malformed_messages_are_breaches),
	    cmocka_unit_test(stray_descriptors_vanish),
	    cmocka_unit_test(one_descriptor_where_it_belongs),
	    cmocka_unit_test(full_queues_are_said),
	    cmocka_unit_test(bundles_arrive_in_order),
	    cmocka_unit_test(wrong_bundles_are_breaches),
	    cmocka_unit_test(descriptors_are_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
