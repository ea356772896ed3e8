/*
 * `sallyport` asks the broker over the control socket. Runs as whoever starts it, with no
 * right of its own; what the broker answers is checked like any message, for the broker
 * may be owned.
 */
#include "src/sallyport/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 30

static int server = -1;

void
fail(int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("sallyport: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(code);
}

void *
reallocate(void *old, size_t size)
{
	void *p = realloc(old, size == 0 ? 1 : size);

	if (p == NULL)
		fail(TOOL_SYSTEM, "no memory");
	return p;
}

void *
allocate(size_t size)
{
	void *p = reallocate(NULL, size);

	memset(p, 0, size);
	return p;
}

static void
explain_failure(const char *path)
{
	if (errno == EACCES || errno == EPERM)
		fail(TOOL_SYSTEM,
		    "%s: permission denied; only root and the members of the control group "
		    "may ask",
		    path);
	if (errno == ENOENT || errno == ECONNREFUSED)
		fail(TOOL_SYSTEM, "%s: no server listens there", path);
	fail(TOOL_SYSTEM, "%s: %s", path, strerror(errno));
}

void
client_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	if (path == NULL)
		path = SALLYPORT_CONTROL;
	if (strlen(path) >= sizeof sun.sun_path)
		fail(TOOL_USAGE, "%s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (server < 0 ||
	    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
	    setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
		fail(TOOL_SYSTEM, "socket: %s", strerror(errno));
	if (connect(server, (struct sockaddr *)&sun, sizeof sun) != 0)
		explain_failure(path);
}

void
client_send(const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	if (n < 0)
		bug("a question out of range");
	/* Who was turned away has an answer waiting all the same. */
	if (send(server, bytes, (size_t)n, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		fail(TOOL_SYSTEM, "the server does not listen: %s", strerror(errno));
}

void
client_receive(struct msg *m)
{
	static uint8_t bytes[MSG_SIZE_MAX + 1];
	ssize_t n;

	do
		n = recv(server, bytes, sizeof bytes, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		fail(TOOL_SYSTEM, "the server has ended the connection");
	if (n < 0)
		fail(TOOL_SYSTEM, "no answer from the server: %s",
		    errno == EAGAIN ? "it took too long" : strerror(errno));
	if ((size_t)n == sizeof bytes || msg_decode(bytes, (size_t)n, m) != 0 ||
	    !msg_permitted(m->nr, ROLE_BROKER, ROLE_CONTROL))
		fail(TOOL_SYSTEM, "the server's answer makes no sense; is it of another "
				  "version than this program (" SALLYPORT_VERSION ")?");
}

void
client_check(const struct msg *done)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    CONTROL_RESULT_LIST(X)
#undef X
	};
	unsigned result = done->u.done_tell.result;

	if (done->nr != MSG_DONE_TELL || result >= CONTROL_RESULT_MAX)
		fail(TOOL_SYSTEM, "the server answers another question");
	if (result != CONTROL_DONE)
		fail(TOOL_REFUSED, "%s", texts[result]);
}

bool
client_next(struct msg *m, enum msg_nr kind)
{
	client_receive(m);
	if (m->nr == kind)
		return true;
	client_check(m);
	return false;
}

const char *
change_text(unsigned change)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    CHANGE_LIST(X)
#undef X
	};

	return change < CHANGE_MAX ? texts[change] : "?";
}
