/*
 * The real file-sender against tftp-hpa, atftp and curl, on loopback. The test hears the
 * requests, as the parsers would, and grants all of them, as no broker would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/wire/tftp.h"
#include "tests/lib/sender_rig.h"

#define LENGTH 250000

static int requests; /* where TFTP clients ask */
static char out[] = "/tmp/sender-clients-XXXXXX";

static void
answer_tftp(void)
{
	struct msg m = {.nr = MSG_TFTP_GRANT_TELL};
	struct msg_tftp_grant_tell *g = &m.u.tftp_grant_tell;
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	struct tftp_request r;
	uint8_t bytes[1024];
	ssize_t n =
	    recvfrom(requests, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_len);

	assert_true(n > 0);
	assert_int_equal(tftp_decode_request(bytes, (size_t)n, &r), 0);
	g->peer = addr_v4(ntohl(from.sin_addr.s_addr));
	g->port = ntohs(from.sin_port);
	g->local = addr_v4(RIG_SERVER);
	g->memfd = 1;
	g->offset = 10;
	g->length = LENGTH;
	g->options = r.options;
	g->blksize = r.blksize;
	g->timeout = r.timeout;
	g->windowsize = r.windowsize;
	strcpy(g->name, "file");
	rig_order(&m);
}

static void
answer_http(void)
{
	struct msg m;

	while (chan_recv(&rig.broker, &m, NULL) == 1)
		;
	while (chan_recv(&rig.parser, &m, NULL) == 1)
		if (m.nr == MSG_BYTES_TELL &&
		    memmem(m.u.bytes_tell.data.b, m.u.bytes_tell.data.len, "\r\n\r\n", 4) !=
			NULL) {
			rig.asked = m.u.bytes_tell.conn;
			rig.asked_used = m.u.bytes_tell.data.len;
			rig_http_grant(m.u.bytes_tell.conn, LENGTH, true);
		}
}

/* Runs a shell command to its end, answering whatever is asked meanwhile. */
static void
run_client(const char *command)
{
	uint64_t until = clock_mono_ms() + 20000;
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd p[3] = {{requests, POLLIN, 0}, {rig.broker.fd, POLLIN, 0},
		    {rig.parser.fd, POLLIN, 0}};

		if (clock_mono_ms() > until) {
			kill(pid, SIGKILL);
			fail_msg("hangs: %s", command);
		}
		if (poll(p, 3, 20) <= 0)
			continue;
		if (p[0].revents != 0)
			answer_tftp();
		answer_http();
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %x: %s", (unsigned)status, command);
}

/* What was written is the file, `times` times over. */
static void
check_output(unsigned times)
{
	static uint8_t bytes[4 * LENGTH];
	int fd = open(out, O_RDWR);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, bytes, sizeof bytes);
	assert_int_equal(n, times * LENGTH);
	for (unsigned i = 0; i < times; i++)
		assert_memory_equal(bytes + (size_t)i * LENGTH, rig.file + 10, LENGTH);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
}

static uint16_t
open_requests(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	requests = rig_udp(RIG_SERVER, 0);
	assert_int_equal(getsockname(requests, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static bool
has(const char *client)
{
	char command[64];

	snprintf(command, sizeof command, "command -v %s >/dev/null", client);
	return system(command) == 0;
}

static void
tftp_hpa(void **state)
{
	char command[256];

	RIG_NEEDED();
	if (!has("tftp"))
		skip();
	snprintf(command, sizeof command, "tftp -m binary 127.0.0.2 %u -c get file %s",
	    open_requests(), out);
	run_client(command);
	check_output(1);
	rig_expect_line("event=tftp-sent");
	close(requests);
}

static void
atftp(void **state)
{
	static const char *const options[] = {"", "--option 'blksize 1428'",
	    "--option 'tsize 0'", "--option 'timeout 2'", "--option 'blksize 8192'",
	    "--option 'windowsize 8' --option 'blksize 1428'"};
	char command[256];
	unsigned port;

	RIG_NEEDED();
	if (!has("atftp"))
		skip();
	port = open_requests();
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		snprintf(command, sizeof command,
		    "atftp %s --get -r file -l %s 127.0.0.2 %u 2>/dev/null", options[i],
		    out, port);
		run_client(command);
		check_output(1);
	}
	close(requests);
}

static void
curl(void **state)
{
	char command[512];

	RIG_NEEDED();
	if (!has("curl"))
		skip();
	(void)open_requests();
	/* Three files on one connection. */
	snprintf(command, sizeof command,
	    "curl -sSf --interface 127.0.0.3 http://127.0.0.2:%u/a http://127.0.0.2:%u/b "
	    "http://127.0.0.2:%u/c >%s",
	    rig.http_port, rig.http_port, rig.http_port, out);
	run_client(command);
	check_output(3);
	rig_expect_line("event=http-sent");
	close(requests);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_CASE(tftp_hpa),
	    RIG_CASE(atftp),
	    RIG_CASE(curl),
	};
	int failed;

	close(mkstemp(out));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(out);
	return failed;
}
