/*
 * A patient client that measures: asks the server over and over, checks every answer, and
 * says how many failed and how long they took. Test code; runs in a client's network
 * namespace, with an address that has a boot session.
 *
 *   probe http|tftp|dhcp SERVER COUNT PAUSE-MS [NAME SIZE]
 *
 * An http or tftp request is a whole file of SIZE bytes, a dhcp request a DISCOVER until
 * its OFFER. Like firmware it asks again after a second of silence, and fails after six.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"

#define AGAIN_MS 1000
#define GIVE_UP_MS 6000
#define COUNT_MAX 100000

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *file;
static size_t file_size;
static uint8_t mac[6];
static int dhcp_socket = -1;

static void
die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool
readable(int fd, uint64_t end)
{
	uint64_t now = clock_mono_ms();
	struct pollfd p = {fd, POLLIN, 0};

	return now < end && poll(&p, 1, (int)(end - now)) > 0;
}

/* ------------------------------------------------------------------------ http */

static bool
read_answer(int fd, uint64_t end)
{
	static char answer[1 << 20];
	size_t have = 0;
	const char *body;

	while (readable(fd, end)) {
		ssize_t n = recv(fd, answer + have, sizeof answer - 1 - have, 0);

		if (n < 0)
			return false;
		if (n > 0) {
			have += (size_t)n;
			continue;
		}
		answer[have] = '\0';
		body = strstr(answer, "\r\n\r\n");
		return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && body != NULL &&
		       have - (size_t)(body + 4 - answer) == file_size;
	}
	return false;
}

static bool
ask_http(void)
{
	uint64_t end = clock_mono_ms() + GIVE_UP_MS;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = server;
	bool good;

	to.sin_port = htons(80);
	if (fd < 0)
		die("socket");
	good = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
	       dprintf(fd, "GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		   file) > 0 &&
	       read_answer(fd, end);
	close(fd);
	return good;
}

/* ------------------------------------------------------------------------ tftp */

/* One block in lock step. Its length, or -1. */
static int
take_block(int fd, struct sockaddr_in *peer, unsigned block, const uint8_t *out,
    size_t out_len, uint64_t end)
{
	uint8_t in[1024];
	uint64_t again = 0;

	while (clock_mono_ms() < end) {
		socklen_t len = sizeof *peer;
		ssize_t n;

		if (clock_mono_ms() >= again) {
			if (sendto(fd, out, out_len, 0, (struct sockaddr *)peer, len) < 0)
				return -1;
			again = clock_mono_ms() + AGAIN_MS;
		}
		if (!readable(fd, again < end ? again : end))
			continue;
		n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)peer, &len);
		if (n >= 4 && in[1] == 3 && (unsigned)(in[2] << 8 | in[3]) == block)
			return (int)n - 4;
		if (n >= 4 && in[1] == 5)
			return -1;
	}
	return -1;
}

static bool
ask_tftp(void)
{
	uint64_t end = clock_mono_ms() + GIVE_UP_MS;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), n;
	struct sockaddr_in peer = server;
	uint8_t out[512] = {0, 1};
	size_t len, got = 0;
	unsigned block = 0;

	if (fd < 0)
		die("socket");
	peer.sin_port = htons(69);
	len =
	    2 + (size_t)snprintf((char *)out + 2, sizeof out - 2, "%s%coctet", file, 0) + 1;
	do {
		n = take_block(fd, &peer, ++block, out, len, end);
		got += n > 0 ? (size_t)n : 0;
		out[1] = 4;
		out[2] = (uint8_t)(block >> 8);
		out[3] = (uint8_t)block;
		len = 4;
	} while (n == 512);
	if (n >= 0)
		(void)sendto(fd, out, len, 0, (struct sockaddr *)&peer, sizeof peer);
	close(fd);
	return n >= 0 && got == file_size;
}

/* ------------------------------------------------------------------------ dhcp */

static void
open_dhcp(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(68)};
	struct ifreq r = {.ifr_name = "eth0"};
	int on = 1;

	dhcp_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (dhcp_socket < 0 ||
	    setsockopt(dhcp_socket, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0 ||
	    setsockopt(dhcp_socket, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4) != 0 ||
	    bind(dhcp_socket, (struct sockaddr *)&here, sizeof here) != 0 ||
	    ioctl(dhcp_socket, SIOCGIFHWADDR, &r) != 0)
		die("port 68");
	memcpy(mac, r.ifr_hwaddr.sa_data, sizeof mac);
}

static bool
ask_dhcp(void)
{
	static const uint8_t options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 60, 9, 'P', 'X',
	    'E', 'C', 'l', 'i', 'e', 'n', 't', 93, 2, 0, 0, 255};
	static uint32_t xid = 0x20000000;
	uint64_t end = clock_mono_ms() + GIVE_UP_MS, again = 0;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(67)};
	uint8_t out[300] = {1, 1, 6}, in[1500];

	xid++;
	memcpy(out + 4, &xid, 4);
	out[10] = 0x80;
	memcpy(out + 28, mac, 6);
	memcpy(out + 236, options, sizeof options);
	to.sin_addr.s_addr = INADDR_BROADCAST;
	while (clock_mono_ms() < end) {
		ssize_t n;

		if (clock_mono_ms() >= again) {
			if (sendto(dhcp_socket, out, sizeof out, 0, (struct sockaddr *)&to,
				sizeof to) < 0)
				return false;
			again = clock_mono_ms() + AGAIN_MS;
		}
		if (!readable(dhcp_socket, again < end ? again : end))
			continue;
		n = recv(dhcp_socket, in, sizeof in, 0);
		if (n > 240 && in[0] == 2 && memcmp(in + 4, &xid, 4) == 0)
			return memcmp(in + 28, mac, 6) == 0;
	}
	return false;
}

/* ----------------------------------------------------------------------- loop */

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
measure(bool (*ask)(void), unsigned count, unsigned pause_ms)
{
	uint64_t *took = calloc(count, sizeof *took);
	struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
	unsigned failed = 0;

	if (took == NULL)
		die("memory");
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = clock_mono_ns();

		failed += !ask();
		took[i] = (clock_mono_ns() - start) / 1000;
		nanosleep(&pause, NULL);
	}
	qsort(took, count, sizeof *took, by_size);
	printf("n=%u failed=%u p50_us=%llu p99_us=%llu max_us=%llu\n", count, failed,
	    (unsigned long long)took[count / 2],
	    (unsigned long long)took[(uint64_t)count * 99 / 100],
	    (unsigned long long)took[count - 1]);
	free(took);
}

int
main(int argc, char **argv)
{
	const char *what = argc >= 5 ? argv[1] : "";
	unsigned count, pause_ms;

	if (argc < 5 || inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
		return 2;
	count = (unsigned)strtoul(argv[3], NULL, 10);
	pause_ms = (unsigned)strtoul(argv[4], NULL, 10);
	if (count == 0 || count > COUNT_MAX)
		return 2;
	if (argc == 7) {
		file = argv[5];
		file_size = strtoul(argv[6], NULL, 10);
	}
	if (strcmp(what, "dhcp") == 0) {
		open_dhcp();
		measure(ask_dhcp, count, pause_ms);
	} else if (argc == 7 && strcmp(what, "http") == 0) {
		measure(ask_http, count, pause_ms);
	} else if (argc == 7 && strcmp(what, "tftp") == 0) {
		measure(ask_tftp, count, pause_ms);
	} else {
		return 2;
	}
	return 0;
}
