/*
 * For tests: many short HTTP connections, one new one every so often, and how long each
 * waits for the first byte of its answer.
 *
 *	httpknock ADDRESS PORT PATH EVERY_MS SECONDS
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
#define SILENT_MS 5000
#define TIMES 100000

struct knock {
	int fd; /* -1: none */
	bool sent;
	double began; /* ms */
};

static struct knock all[CONNS];
static struct pollfd polls[CONNS];
static double times[TIMES];
static unsigned ntimes, lost, silent;
static char request[512];
static struct sockaddr_in server = {.sin_family = AF_INET};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
end(struct knock *k, unsigned *counter)
{
	if (counter != NULL)
		++*counter;
	else if (ntimes < TIMES)
		times[ntimes++] = now_ms() - k->began;
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
	k->began = now_ms();
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
		if (all[i].fd >= 0 && now_ms() - all[i].began > SILENT_MS)
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
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	double every, until, next;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		return 2;
	server.sin_port = htons((uint16_t)atoi(argv[2]));
	snprintf(request, sizeof request,
	    "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", argv[3]);
	every = atof(argv[4]);
	for (unsigned i = 0; i < CONNS; i++)
		all[i].fd = -1;
	next = now_ms();
	until = next + atof(argv[5]) * 1e3;
	while (now_ms() < until) {
		for (; next <= now_ms(); next += every)
			begin();
		turn(1);
	}
	while (any_open())
		turn(10);
	qsort(times, ntimes, sizeof *times, compare);
	printf("answered=%u lost=%u silent=%u worst_ms=%.0f p99_ms=%.0f\n", ntimes, lost,
	    silent, ntimes == 0 ? 0 : times[ntimes - 1],
	    ntimes == 0 ? 0 : times[ntimes * 99 / 100]);
	return 0;
}
