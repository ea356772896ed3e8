/*
 * For tests: many short HTTP connections, one new one every so often, and how long each
 * waits for the first byte of its answer.
 *
 *	httpknock ADDRESS PORT PATH EVERY_MS FOR_MS
 *
 * Prints "answered=N lost=N silent=N worst_ms=N p99_ms=N". Lost: closed or reset without an
 * answer, as by the end of a process that had it; silent: neither for five seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS 4096
#define SILENT_US 5000000
#define TIMES 100000

struct knock {
	int fd; /* -1: none */
	bool sent;
	uint64_t began; /* us */
};

static struct knock all[CONNS];
static struct pollfd polls[CONNS];
static uint64_t times[TIMES]; /* us */
static unsigned ntimes, lost, silent;
static char request[512];
static struct sockaddr_in server = {.sin_family = AF_INET};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void
end(struct knock *k, unsigned *counter)
{
	if (counter != NULL)
		++*counter;
	else if (ntimes < TIMES)
		times[ntimes++] = now_us() - k->began;
	close(k->fd);
	k->fd = -1;
}

static void
begin(void)
{
	struct knock *k = all;

	while (k->fd >= 0 && k < all + CONNS - 1)
		k++;
	if (k->fd >= 0)
		return;
	*k = (struct knock){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
	k->began = now_us();
	if (k->fd < 0) {
		perror("socket");
		exit(2);
	}
	if (connect(k->fd, (struct sockaddr *)&server, sizeof server) != 0 &&
	    errno != EINPROGRESS)
		end(k, &lost);
}

static void
serve(struct knock *k, short events)
{
	char bytes[4096];
	ssize_t n;

	if (!k->sent && (events & (POLLOUT | POLLERR | POLLHUP)) != 0) {
		n = send(k->fd, request, strlen(request), MSG_NOSIGNAL);
		k->sent = n > 0;
		if (n < 0)
			end(k, &lost);
		return;
	}
	n = recv(k->fd, bytes, sizeof bytes, 0);
	if (n > 0)
		end(k, NULL);
	else if (n == 0 || errno != EAGAIN)
		end(k, &lost);
}

static void
turn(int ms)
{
	for (unsigned i = 0; i < CONNS; i++)
		polls[i] =
		    (struct pollfd){all[i].fd, (short)(all[i].sent ? POLLIN : POLLOUT), 0};
	if (poll(polls, CONNS, ms) < 0)
		return;
	for (unsigned i = 0; i < CONNS; i++) {
		if (all[i].fd >= 0 && polls[i].revents != 0)
			serve(&all[i], polls[i].revents);
		if (all[i].fd >= 0 && now_us() - all[i].began > SILENT_US)
			end(&all[i], &silent);
	}
}

static bool
any_open(void)
{
	for (unsigned i = 0; i < CONNS; i++)
		if (all[i].fd >= 0)
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t
number(const char *text)
{
	return strtoul(text, NULL, 10);
}

static void
knock(uint64_t every, uint64_t for_us)
{
	uint64_t next = now_us(), until = next + for_us;

	while (now_us() < until) {
		while (next <= now_us()) {
			begin();
			next += every;
		}
		turn(1);
	}
	while (any_open())
		turn(10);
}

int
main(int argc, char **argv)
{
	if (argc != 6 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		return 2;
	server.sin_port = htons((uint16_t)number(argv[2]));
	snprintf(request, sizeof request,
	    "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", argv[3]);
	for (unsigned i = 0; i < CONNS; i++)
		all[i].fd = -1;
	knock(1000 * number(argv[4]), 1000 * number(argv[5]));
	qsort(times, ntimes, sizeof *times, compare);
	printf("answered=%u lost=%u silent=%u worst_ms=%u p99_ms=%u\n", ntimes, lost,
	    silent, ntimes == 0 ? 0 : (unsigned)(times[ntimes - 1] / 1000),
	    ntimes == 0 ? 0 : (unsigned)(times[ntimes * 99 / 100] / 1000));
	return 0;
}
