/*
 * Clients of the control socket, for tests and the fuzz target.
 */
#include "tests/lib/controlrig.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/broker/control.h"

#define WAIT_TURNS 2000

static struct sockaddr_un name;
static socklen_t name_len;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void
control_rig_reserve(void)
{
	while (fcntl(FD_CLIENT + CLIENT_MAX - 1, F_GETFD) == -1)
		must(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0, "/dev/null");
}

/* A name that the kernel chooses, in no file system. */
void
control_rig_start(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0, "socket");
	name.sun_family = AF_UNIX;
	must(bind(fd, (struct sockaddr *)&name, sizeof name.sun_family) == 0, "bind");
	name_len = sizeof name;
	must(getsockname(fd, (struct sockaddr *)&name, &name_len) == 0, "getsockname");
	must(listen(fd, 16) == 0, "listen");
	must(dup2(fd, FD_CONTROL) == FD_CONTROL, "dup2");
	close(fd);
	for (int i = 0; i < CLIENT_MAX; i++)
		must(dup2(STDIN_FILENO, FD_CLIENT + i) >= 0, "dup2");
	control_init();
}

int
control_rig_connect(bool as_root)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	if (!as_root)
		must(seteuid(65534) == 0, "seteuid");
	must(connect(fd, (struct sockaddr *)&name, name_len) == 0, "connect");
	if (!as_root)
		must(seteuid(0) == 0, "seteuid");
	return fd;
}

void
control_rig_turn(void)
{
	struct pollfd polls[CONTROL_POLLS];
	struct pollfd store = {.fd = dhcp_store_fd(), .events = POLLIN};

	(void)control_fill(polls, 0);
	must(poll(polls, CONTROL_POLLS, 0) >= 0, "poll");
	if (poll(&store, 1, 0) == 1)
		dhcp_completed();
	control_turn(polls);
	dhcp_commit();
}

int
control_rig_timeout(void)
{
	struct pollfd polls[CONTROL_POLLS];

	return control_fill(polls, 5000);
}

void
control_rig_send(int fd, const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	must(n > 0 && send(fd, bytes, (size_t)n, MSG_NOSIGNAL) == n, "send");
}

int
control_rig_receive(int fd, struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX + 1];

	for (unsigned i = 0; i < WAIT_TURNS; i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n > 0) {
			must(msg_decode(bytes, (size_t)n, m) == 0, "answer");
			must(msg_permitted(m->nr, ROLE_BROKER, ROLE_CONTROL), "permission");
			return 1;
		}
		if (n == 0)
			return 0;
		control_rig_turn();
		/* The commit thread takes its time. */
		(void)poll(&p, 1, i < 50 ? 0 : 1);
	}
	return -1;
}

bool
control_rig_clients(unsigned n)
{
	unsigned sockets = 0;

	for (int i = 0; i < CLIENT_MAX; i++) {
		struct stat st;

		must(fstat(FD_CLIENT + i, &st) == 0, "a client's number");
		sockets += S_ISSOCK(st.st_mode);
	}
	return sockets == n;
}
