/*
 * TFTP by the real file-sender over paths that are not as simple as loopback: with a small
 * MTU, over IPv6, and from one port. In a network namespace of its own.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/wire/tftp.h"
#include "tests/lib/sender_rig.h"

#define CLIENT6 "fd00::3"
#define MTU 1500

static bool has_net, has_v6;

/* ------------------------------------------------------------------------- network */

static bool
add_v6(int fd, const char *text)
{
	struct in6_ifreq req = {.ifr6_prefixlen = 128, .ifr6_ifindex = 1};

	return inet_pton(AF_INET6, text, &req.ifr6_addr) == 1 &&
	       ioctl(fd, SIOCSIFADDR, &req) == 0;
}

/* A new address is of use only after a moment. */
static bool
is_usable(const char *text)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	uint64_t until = clock_mono_ms() + 10000;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	assert_int_equal(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	while ((err = bind(fd, (struct sockaddr *)&a, sizeof a)) != 0 &&
	       clock_mono_ms() < until)
		usleep(2000);
	close(fd);
	return err == 0;
}

static void
make_net(void)
{
	struct ifreq req = {.ifr_name = "lo"};
	int fd, fd6;

	if (unshare(CLONE_NEWNET) != 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	req.ifr_flags = IFF_UP;
	has_net = ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	req.ifr_mtu = MTU;
	has_net = has_net && ioctl(fd, SIOCSIFMTU, &req) == 0;
	has_v6 = has_net && fd6 >= 0 && add_v6(fd6, RIG_SERVER6) && add_v6(fd6, CLIENT6) &&
		 is_usable(RIG_SERVER6) && is_usable(CLIENT6);
	close(fd);
	close(fd6);
}

static int
bound6(int type, const char *addr)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};
	int on = 1, fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET6, addr, &a.sin6_addr), 1);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;

	/* Both families have it in the same place. */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port);
}

/* Sends, and hears nothing. */
static int
deaf_socket(void)
{
	struct sockaddr_in hole = {.sin_family = AF_INET,
	    .sin_port = htons(1),
	    .sin_addr.s_addr = htonl(RIG_SERVER)};
	int fd = rig_udp(RIG_SERVER, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&hole, sizeof hole), 0);
	return fd;
}

static int
set_up(void **state)
{
	if (!has_net)
		return 0;
	for (unsigned i = 0; has_v6 && i < RIG_POOL6; i++)
		rig_more.pool6[i] = bound6(SOCK_DGRAM, "::");
	if (has_v6) {
		rig_more.listen6 = bound6(SOCK_STREAM, RIG_SERVER6);
		assert_int_equal(listen(rig_more.listen6, 8), 0);
	}
	rig_more.single = deaf_socket();
	return rig_set_up(state);
}

static int
tear_down(void **state)
{
	if (!has_net)
		return 0;
	for (unsigned i = 0; has_v6 && i < RIG_POOL6; i++)
		close(rig_more.pool6[i]);
	if (has_v6)
		close(rig_more.listen6);
	close(rig_more.single);
	return rig_tear_down(state);
}

/* --------------------------------------------------------------------------- tests */

/* Segments longer than the MTU are not cut by any kernel: such blocks go one by one, in
 * fragments. */
static void
blocks_beyond_the_mtu(void **state)
{
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, 8192, 4, 200001);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	rig_client_send(&c, 4, 0);
	rig_client_download(&c, 200001, 8192, 4, 0);
	rig_expect_line("event=tftp-uncut");
	rig_expect_line(" bytes=200001 ");
	close(c.fd);
}

/* Fills the MTU to the last byte. */
static void
blocks_of_the_mtu(void **state)
{
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	rig_grant(c.port, TFTP_BLKSIZE | TFTP_WINDOWSIZE, MTU - 32, 64, 290000);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	rig_client_send(&c, 4, 0);
	rig_client_download(&c, 290000, MTU - 32, 64, 0);
	rig_expect_line(" bytes=290000 ");
	assert_null(strstr(rig.lines, "tftp-uncut"));
	close(c.fd);
}

static void
receive6(int fd, uint8_t *bytes, size_t cap, size_t *len, struct sockaddr_in6 *from)
{
	socklen_t from_len = sizeof *from;
	ssize_t n;

	rig_wait(fd, RIG_WAIT_MS);
	n = recvfrom(fd, bytes, cap, 0, (struct sockaddr *)from, &from_len);
	assert_true(n >= 4);
	*len = (size_t)n;
}

static void
over_ipv6(void **state)
{
	struct msg m = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;
	struct sockaddr_in6 from;
	struct in6_addr server;
	uint8_t bytes[2048];
	size_t len, got = 0;
	int fd;

	RIG_NEEDED();
	if (!has_v6)
		skip();
	fd = bound6(SOCK_DGRAM, CLIENT6);
	g->session = 1;
	assert_int_equal(addr_parse(CLIENT6, &g->peer), 0);
	assert_int_equal(addr_parse(RIG_SERVER6, &g->local), 0);
	g->port = port_of(fd);
	g->memfd = 1;
	g->length = 200000;
	g->options = TFTP_BLKSIZE | TFTP_WINDOWSIZE;
	g->blksize = MTU - 52;
	g->windowsize = 16;
	rig_order(&m);
	receive6(fd, bytes, sizeof bytes, &len, &from);
	assert_int_equal(bytes[1], 6);
	assert_int_equal(inet_pton(AF_INET6, RIG_SERVER6, &server), 1);
	assert_memory_equal(&from.sin6_addr, &server, sizeof server);
	assert_int_equal(
	    sendto(fd, "\0\4\0", 4, 0, (struct sockaddr *)&from, sizeof from), 4);
	for (unsigned block = 1;; block++) {
		receive6(fd, bytes, sizeof bytes, &len, &from);
		assert_int_equal(bytes[1], 3);
		assert_int_equal(bytes[2] << 8 | bytes[3], block);
		assert_memory_equal(bytes + 4, rig.file + got, len - 4);
		got += len - 4;
		if (block % 16 != 0 && len == MTU - 48)
			continue;
		bytes[1] = 4;
		assert_int_equal(
		    sendto(fd, bytes, 4, 0, (struct sockaddr *)&from, sizeof from), 4);
		if (len < MTU - 48)
			break;
	}
	assert_int_equal(got, 200000);
	rig_expect_line("event=tftp-sent session=00000001 peer=fd00::3 ");
	assert_null(strstr(rig.lines, "tftp-uncut"));
	close(fd);
}

static void
relay(const struct rig_client *c, bool error, uint16_t number)
{
	struct msg m = {.nr = MSG_TFTP_RELAY_TELL};

	m.u.tftp_relay_tell.peer = addr_v4(RIG_CLIENT);
	m.u.tftp_relay_tell.port = c->port;
	m.u.tftp_relay_tell.local = addr_v4(RIG_SERVER);
	m.u.tftp_relay_tell.error = error;
	m.u.tftp_relay_tell.number = number;
	rig_order(&m);
}

/* What the client says comes by the broker. */
static void
from_one_port(void **state)
{
	struct msg m = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;
	struct rig_client c;

	RIG_NEEDED();
	c = rig_client_open();
	g->peer = addr_v4(RIG_CLIENT);
	g->port = c.port;
	g->local = addr_v4(RIG_SERVER);
	g->memfd = 1;
	g->length = 20000;
	g->options = TFTP_BLKSIZE | TFTP_WINDOWSIZE;
	g->blksize = 1000;
	g->windowsize = 8;
	g->single = 1;
	rig_order(&m);
	for (uint16_t has = 0; has <= 21; has = (uint16_t)(has < 16 ? has + 8 : has + 5)) {
		unsigned comes = has == 0 ? 8 : has == 8 ? 8 : has == 16 ? 5 : 0;

		if (has == 0)
			assert_true(rig_client_receive(&c, RIG_WAIT_MS));
		/* On the wire nobody listens there. */
		rig_client_send(&c, 4, (uint16_t)(has + 1));
		relay(&c, false, has);
		for (unsigned i = 1; i <= comes; i++) {
			assert_true(rig_client_receive(&c, RIG_WAIT_MS));
			assert_int_equal(
			    ntohs(c.server.sin_port), port_of(rig_more.single));
			assert_int_equal(c.bytes[2] << 8 | c.bytes[3], has + i);
			assert_memory_equal(
			    c.bytes + 4, rig.file + (has + i - 1) * 1000U, c.len - 4);
		}
	}
	rig_expect_line("event=tftp-sent");
	/* An ERROR ends it. */
	rig_order(&m);
	assert_true(rig_client_receive(&c, RIG_WAIT_MS));
	relay(&c, true, 8);
	rig_expect_line("event=tftp-probe");
	close(c.fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(blocks_beyond_the_mtu),
	    CASE(blocks_of_the_mtu),
	    CASE(over_ipv6),
	    CASE(from_one_port),
	};

	if (geteuid() == 0)
		make_net();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
