/*
 * An owned ear puts no frame on the wire: every way to send is tried from inside the real
 * executables, on every network socket that they hold, also after trying to close the
 * channel and to receive something else under its number; and the sockets themselves are
 * tried without any filter. A capture on the other end of the link counts what comes.
 *
 *   mute BINDIR WORKDIR
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/walls/inject.h"
#include "tests/walls/rig.h"

static int capture;
static unsigned failed;

static void
check(bool good, const char *name, const char *why)
{
	if (good)
		printf("ok %s\n", name);
	else
		printf("not ok %s: %s\n", name, why);
	failed += !good;
}

static void
open_capture(void)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_IP),
	    .sll_ifindex = (int)if_nametoindex("wall1")};

	capture = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	if (capture < 0 || bind(capture, (struct sockaddr *)&sll, sizeof sll) != 0) {
		perror("capture");
		exit(1);
	}
}

static unsigned
frames(void)
{
	uint8_t b[2048];
	unsigned n = 0;

	usleep(20000);
	while (recv(capture, b, sizeof b, MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* The test of the test: something that does send is seen. */
static void
capture_works(struct supervisor *sv)
{
	uint8_t frame[60] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};

	(void)send(sv->now.sockets[SOCK_FRAME][0], frame, sizeof frame, 0);
	check(
	    frames() == 1, "mute-capture", "the capture does not see a frame that is sent");
}

static bool
refused(struct child *c, long nr, const uint64_t args[6])
{
	bool good;

	if (!rig_start(c) || inject_attach(c->pid) != 0) {
		printf("not ok mute-%s: cannot start or trace it\n", role_name(c->role));
		exit(1);
	}
	good = inject_call(c->pid, nr, args) == REFUSED;
	rig_clean(c);
	return good;
}

/* Sending calls with the descriptor as first argument, and as second (splice, sendfile). */
static unsigned
try_to_send(struct child *c, uint64_t fd)
{
	static const long first[] = {SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_write,
	    SYS_writev, SYS_pwritev, SYS_pwritev2, SYS_sendfile, SYS_vmsplice, SYS_ioctl,
	    SYS_connect, SYS_setsockopt, SYS_fcntl, SYS_dup, SYS_shutdown};
	unsigned lives = 0;

	for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++) {
		const uint64_t args[6] = {fd, 0x1000, 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0};

		lives += !refused(c, first[i], args);
	}
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t to[6] = {0, 0, fd, 0, 1, 0};

		lives += !refused(c, i == 0 ? SYS_splice : SYS_tee, to);
	}
	return lives;
}

/* Give the channel's number to something else: close it, copy over it, receive a
 * descriptor, open a socket of its own. */
static unsigned
try_to_replace(struct child *c, uint64_t network_fd)
{
	const struct {
		long nr;
		uint64_t args[6];
	} ways[] = {
	    {SYS_close, {FD_BROKER}},
	    {SYS_close, {0x100000000ull | FD_BROKER}},
	    {SYS_close_range, {FD_BROKER, FD_BROKER, 0}},
	    {SYS_dup2, {network_fd, FD_BROKER}},
	    {SYS_dup3, {network_fd, FD_BROKER, 0}},
	    {SYS_fcntl, {network_fd, 0, FD_BROKER}},
	    {SYS_recvmsg, {FD_BROKER, 0x1000, MSG_DONTWAIT}},
	    {SYS_recvmsg, {FD_PAIR, 0x1000, MSG_DONTWAIT}},
	    {SYS_socket, {AF_INET, SOCK_DGRAM, 0}},
	    {SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
	    {SYS_socketpair, {AF_UNIX, SOCK_DGRAM, 0, 0x1000}},
	    {SYS_accept4, {network_fd, 0, 0, 0}},
	    {SYS_pidfd_getfd, {3, 3, 0}},
	    {SYS_open, {0x1000, 0, 0}},
	    {SYS_openat, {0, 0x1000, 0, 0}},
	    {SYS_io_uring_setup, {1, 0x1000}},
	};
	unsigned lives = 0;

	for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++)
		lives += !refused(c, ways[i].nr, ways[i].args);
	return lives;
}

static void
owned_ear(const char *role, const int *fds, unsigned n)
{
	struct child *c = rig_child(role);
	char name[64];
	unsigned lives = 0;

	for (unsigned i = 0; i < n; i++)
		lives += try_to_send(c, (uint64_t)fds[i]);
	snprintf(name, sizeof name, "mute-%s-send", role);
	check(lives == 0, name, "a way to send is let through");
	snprintf(name, sizeof name, "mute-%s-replace", role);
	check(try_to_replace(c, (uint64_t)fds[0]) == 0, name,
	    "a way to give the channel's number to something else is let through");
	snprintf(name, sizeof name, "mute-%s-wire", role);
	check(frames() == 0, name, "frames came over the wire");
}

/* The second wall: shut for writing, whoever holds it. */
static void
shut_socket(const char *name, int fd)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(68)};
	bool good;

	inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
	good = sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) == -1 &&
	       errno == EPIPE;
	good = good && write(fd, "x", 1) == -1;
	check(good && frames() == 0, name, "the socket can be written to");
}

/* On this one the IP header is the sender's: a whole packet, or the kernel stops earlier.
 */
static void
shut_raw_socket(const char *name, int fd)
{
	const uint8_t packet[28] = {
	    0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2, 8};
	struct sockaddr_in to = {.sin_family = AF_INET};
	bool good;

	inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
	good = sendto(fd, packet, sizeof packet, MSG_NOSIGNAL, (struct sockaddr *)&to,
		   sizeof to) == -1 &&
	       errno == EPIPE;
	check(good && frames() == 0, name, "the socket can be written to");
}

int
main(int argc, char **argv)
{
	static const int dhcp[] = {FD_RX67, FD_RX4011}, tftp[] = {FD_RX69},
			 http[] = {FD_PAIR}, link[] = {FD_ECHO_EAR, FD_RING, FD_WAIT};
	struct supervisor *sv;

	if (argc != 3)
		return 2;
	sv = rig_init(argv[1], argv[2]);
	signal(SIGPIPE, SIG_IGN);
	open_capture();
	(void)frames();
	capture_works(sv);
	owned_ear("dhcp-parser", dhcp, 2);
	owned_ear("tftp-parser", tftp, 1);
	owned_ear("http-parser", http, 1);
	owned_ear("link-parser", link, 3);
	shut_socket("mute-socket-67", sv->now.sockets[SOCK_RX67][0]);
	shut_socket("mute-socket-4011", sv->now.sockets[SOCK_RX4011][0]);
	shut_socket("mute-socket-69", sv->now.sockets[SOCK_RX69][0]);
	shut_raw_socket("mute-socket-echo", sv->echo_ear);
	return failed == 0 ? 0 : 1;
}
