/*
 * For tests: a crowd of HTTP connections that are of no use to anybody.
 *
 *	httpcrowd ADDRESS PORT PATH NUMBER idle|loris|deaf SECONDS
 *
 * idle: each asks for PATH, reads the answer and falls silent. loris: each sends one byte
 *of a head every second. deaf: each asks for PATH and reads nothing. When all are connected
 * and have begun, prints "begun=N"; after SECONDS, or when all are closed, "open=N closed=N
 * seconds=N", where seconds is when the last one was closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CROWD_MAX 30000
#define AHEAD 500 /* connections that are not established yet */

enum mode { IDLE, LORIS, DEAF };

static int fds[CROWD_MAX]; /* -1: closed */
static bool begun[CROWD_MAX];
static unsigned number, opened, nbegun, closed;
static enum mode mode;
static char request[512];
static struct sockaddr_in server = {.sin_family = AF_INET};
static int set;
static double last_closed;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
	perror(what);
	exit(2);
}

static void
watch(int op, unsigned i, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u32 = i};

	if (epoll_ctl(set, op, fds[i], &e) != 0)
		fail("epoll_ctl");
}

static void
dial(void)
{
	static const struct linger at_once = {1, 0};
	static const int small = 4096;
	unsigned i = opened++;

	fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fds[i] < 0)
		fail("socket");
	/* No port of ours has to rest before the next crowd. */
	(void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (mode == DEAF)
		(void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (connect(fds[i], (struct sockaddr *)&server, sizeof server) != 0 &&
	    errno != EINPROGRESS)
		fail("connect");
	watch(EPOLL_CTL_ADD, i, EPOLLOUT);
}

static void
count_begun(unsigned i)
{
	nbegun += !begun[i];
	begun[i] = true;
}

static void
hang_up(unsigned i)
{
	count_begun(i);
	close(fds[i]);
	fds[i] = -1;
	closed++;
	last_closed = seconds();
}

static void
on_event(unsigned i, uint32_t events)
{
	char bytes[16384];
	ssize_t n;

	if (fds[i] < 0)
		return;
	if ((events & EPOLLOUT) != 0) {
		size_t len = mode == LORIS ? 1 : strlen(request);

		if (send(fds[i], request, len, MSG_NOSIGNAL) < 0) {
			hang_up(i);
			return;
		}
		if (mode != IDLE)
			count_begun(i);
		watch(EPOLL_CTL_MOD, i, mode == DEAF ? EPOLLRDHUP : EPOLLIN);
		return;
	}
	if (mode == DEAF) {
		hang_up(i);
		return;
	}
	n = recv(fds[i], bytes, sizeof bytes, 0);
	if (n > 0)
		count_begun(i);
	else if (n == 0 || errno != EAGAIN)
		hang_up(i);
}

static void
turn(int ms)
{
	struct epoll_event e[256];
	int n = epoll_wait(set, e, 256, ms);

	for (int i = 0; i < n; i++)
		on_event(e[i].data.u32, e[i].events);
}

/* The next byte of each head, which never ends. */
static void
drip(void)
{
	static size_t at = 1;
	const char c = at < 20 ? request[at] : 'x';

	at++;
	for (unsigned i = 0; i < number; i++)
		if (fds[i] >= 0 && send(fds[i], &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			hang_up(i);
}

int
main(int argc, char **argv)
{
	struct rlimit l;
	double start = seconds(), next = start + 1, until;

	if (argc != 7 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		return 2;
	server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", argv[3]);
	number = (unsigned)strtoul(argv[4], NULL, 10);
	mode = strcmp(argv[5], "idle") == 0 ? IDLE : argv[5][0] == 'l' ? LORIS : DEAF;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		fail("getrlimit");
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
	if (number > CROWD_MAX || number + 16 > l.rlim_max)
		return 3;
	set = epoll_create1(0);
	while (nbegun < number && seconds() < start + 60) {
		while (opened < number && opened - nbegun < AHEAD)
			dial();
		turn(10);
	}
	printf("begun=%u\n", nbegun);
	fflush(stdout);
	until = seconds() + (double)strtoul(argv[6], NULL, 10);
	while (seconds() < until && closed < number) {
		turn(100);
		if (mode == LORIS && seconds() >= next) {
			drip();
			next = seconds() + 1;
		}
	}
	printf("open=%u closed=%u seconds=%.1f\n", number - closed, closed,
	    closed == 0 ? 0 : last_closed - start);
	return 0;
}
