/*
 * The mouth's outbox: what goes in comes out, whole, to whom it was meant for, whatever
 * the mix; and on a path that takes no segments, one by one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/dhcp-sender/outbox.h"

#define PEERS 12

static struct outbox box;

static int
bound(uint16_t *port)
{
	struct sockaddr_in me = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof me;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof me), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	*port = ntohs(me.sin_port);
	return fd;
}

static int
clear(void **state)
{
	(void)state;
	memset(&box, 0, sizeof box);
	return 0;
}

/* Datagram k for peer p: its length and bytes tell both. */
static size_t
fill(uint8_t *bytes, unsigned p, unsigned k)
{
	size_t len = 300 + (k % 7 == 0 ? k % 40 : 0);

	memset(bytes, (int)(p * 16 + k), len);
	bytes[0] = (uint8_t)p;
	bytes[1] = (uint8_t)k;
	return len;
}

static void
arrives_whole(void **state)
{
	struct addr to = addr_v4(INADDR_LOOPBACK);
	uint16_t mine, ports[PEERS];
	int out = bound(&mine), fds[PEERS];
	uint8_t bytes[DHCP4_PACKET_MAX], got[2 * DHCP4_PACKET_MAX];

	(void)state;
	for (unsigned p = 0; p < PEERS; p++)
		fds[p] = bound(&ports[p]);
	for (unsigned k = 0; k < 100; k++)
		for (unsigned p = 0; p < PEERS; p++) {
			size_t len = fill(bytes, p, k);

			outbox_add(&box, out, &to, ports[p], bytes, len);
		}
	outbox_flush(&box);
	assert_int_equal(box.sent, 100 * PEERS);
	assert_int_equal(box.failed, 0);
	for (unsigned p = 0; p < PEERS; p++) {
		bool seen[100] = {false};

		for (unsigned i = 0; i < 100; i++) {
			ssize_t n = recv(fds[p], got, sizeof got, MSG_DONTWAIT);
			unsigned k = got[1];

			assert_true(n > 2);
			assert_int_equal(got[0], p);
			assert_true(k < 100 && !seen[k]);
			seen[k] = true;
			assert_int_equal((size_t)n, fill(bytes, p, k));
			assert_memory_equal(got, bytes, (size_t)n);
		}
		assert_int_equal(recv(fds[p], got, sizeof got, MSG_DONTWAIT), -1);
		close(fds[p]);
	}
	close(out);
}

/* A full group leaves by itself, and nothing is sent twice. */
static void
leaves_when_full(void **state)
{
	struct addr to = addr_v4(INADDR_LOOPBACK);
	uint16_t mine, port;
	int out = bound(&mine), in = bound(&port);
	uint8_t bytes[DHCP4_PACKET_MAX] = {0};

	(void)state;
	for (unsigned i = 0; i < OUTBOX_SEGMENTS; i++)
		outbox_add(&box, out, &to, port, bytes, 300);
	assert_int_equal(box.sent, OUTBOX_SEGMENTS);
	outbox_flush(&box);
	assert_int_equal(box.sent, OUTBOX_SEGMENTS);
	close(in);
	close(out);
}

/* A socket that cannot send at all: each datagram is counted once. */
static void
counts_failures(void **state)
{
	struct addr to = addr_v4(INADDR_LOOPBACK);
	uint8_t bytes[DHCP4_PACKET_MAX] = {0};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		outbox_add(&box, -1, &to, 68, bytes, 300);
	outbox_add(&box, -1, &to, 68, bytes, 301);
	outbox_flush(&box);
	assert_int_equal(box.sent, 0);
	assert_int_equal(box.failed, 6);
	assert_int_equal(box.last_error, EBADF);
}

/* Nobody listens: the ICMP error of one datagram is told by the next call, which is then
 * made again. */
static void
icmp_errors_are_tried_again(void **state)
{
	struct sockaddr_in gone = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct addr to = addr_v4(INADDR_LOOPBACK);
	uint16_t mine, dead, port;
	int out = bound(&mine), in = bound(&port), none = bound(&dead);
	uint8_t bytes[DHCP4_PACKET_MAX] = {0};

	(void)state;
	close(none);
	gone.sin_port = htons(dead);
	assert_int_equal(connect(out, (struct sockaddr *)&gone, sizeof gone), 0);
	assert_int_equal(send(out, "x", 1, 0), 1);
	outbox_add(&box, out, &to, port, bytes, 300);
	outbox_flush(&box);
	assert_int_equal(box.sent, 1);
	assert_true(box.icmp_errors >= 1);
	assert_int_equal(recv(in, bytes, sizeof bytes, MSG_DONTWAIT), 300);
	close(in);
	close(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(arrives_whole, clear),
	    cmocka_unit_test_setup(leaves_when_full, clear),
	    cmocka_unit_test_setup(counts_failures, clear),
	    cmocka_unit_test_setup(icmp_errors_are_tried_again, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
