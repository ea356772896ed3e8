/*
 * Gets the few facts that root needs from a caged conf-check. Runs in the supervisor as
 * root; conf-check's answers are checked like any peer's.
 */
#include "privsep/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/spawn.h"

#define TEXT_MAX (16 << 20)
#define CHECK_TIME_MS 20000

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

static int
copy_and_seal(int from, off_t size, int memfd)
{
	off_t done = 0;

	while (done < size) {
		ssize_t n = sendfile(memfd, from, &done, (size_t)(size - done));

		if (n < 0)
			return ERR_SYS;
		if (n == 0)
			break; /* the file shrank; what is there counts */
	}
	return fcntl(memfd, F_ADD_SEALS, ALL_SEALS) == 0 ? 0 : ERR_SYS;
}

int
spec_seal_text(const char *path, int *memfd)
{
	struct stat st;
	/* Not to wait for a writer, should it be a FIFO. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = ERR_SYS;

	if (from < 0)
		return ERR_SYS;
	*memfd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*memfd < 0 || fstat(from, &st) != 0)
		goto out;
	err = ERR_LONG;
	if (!S_ISREG(st.st_mode) || st.st_size > TEXT_MAX)
		goto out;
	err = copy_and_seal(from, st.st_size, *memfd);
out:
	close(from);
	if (err != 0 && *memfd >= 0)
		close(*memfd);
	return err;
}

/* Absolute, and no component that climbs. */
static int
path_is_plain(const char *path)
{
	return path[0] == '/' && strstr(path, "/../") == NULL &&
	       strstr(path, "//") == NULL &&
	       (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static int
take_spec(struct spec *spec, const struct msg_spec_tell *m)
{
	if (!path_is_plain(m->state) || !path_is_plain(m->images) ||
	    !path_is_plain(m->keyring))
		return ERR_RANGE;
	if (m->tftp_first == 0 || m->tftp_last < m->tftp_first ||
	    m->tftp_last - m->tftp_first >= 1024 || m->http_port == 0)
		return ERR_RANGE;
	spec->s = *m;
	return 0;
}

static int
take_link(struct spec *spec, const struct msg_spec_link_tell *m)
{
	struct link *l = &spec->links[spec->nlinks];

	if (spec->nlinks == LINKS_MAX || m->name[0] == '\0' ||
	    strchr(m->name, '/') != NULL || strchr(m->name, ',') != NULL)
		return ERR_RANGE;
	memset(l, 0, sizeof *l);
	_Static_assert(sizeof l->name == sizeof m->name, "names of links");
	memcpy(l->name, m->name, sizeof l->name);
	l->address = m->address;
	spec->nlinks++;
	return 0;
}

/* 1 when the last message is in, 0 to go on, negative on anything unexpected. */
static int
take_message(int fd, struct spec *spec)
{
	uint8_t bytes[MSG_SIZE_MAX];
	struct msg m;
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : ERR_EOF;
	if ((size_t)n > sizeof bytes || msg_decode(bytes, (size_t)n, &m) != 0 ||
	    !msg_permitted(m.nr, ROLE_CONF_CHECK, ROLE_SUPERVISOR))
		return ERR_FORMAT;
	if (m.nr == MSG_SPEC_LINK_TELL)
		return take_link(spec, &m.u.spec_link_tell);
	if (m.nr == MSG_SPEC_TELL)
		return take_spec(spec, &m.u.spec_tell) == 0 ? 1 : ERR_RANGE;
	return ERR_DENIED;
}

static int
collect(int fd, struct spec *spec)
{
	struct pollfd p = {fd, POLLIN, 0};
	int r = 0;

	memset(spec, 0, sizeof *spec);
	while (r == 0) {
		int n = poll(&p, 1, CHECK_TIME_MS);

		if (n == 0)
			errno = ETIMEDOUT;
		if (n == 0 || (n < 0 && errno != EINTR))
			return ERR_SYS;
		if (n > 0)
			r = take_message(fd, spec);
	}
	if (r < 0)
		return r;
	return spec->nlinks > 0 ? 0 : ERR_RANGE;
}

static int
start_check(int memfd, const char *path, const char *libexec, const struct start *st,
    int tell, pid_t *pid, int *pidfd)
{
	static struct spawn s;
	char executable[4096], file[300], text[1024], *argv[16];
	const char *const options[] = {file, "landlock=1", "log_level=2"};

	snprintf(executable, sizeof executable, "%s/conf-check", libexec);
	snprintf(file, sizeof file, "file=%.250s", path);
	if (start_arguments(st, options, 3, text, sizeof text, argv, 16) != 0)
		return ERR_LONG;
	s.path = executable;
	s.argv = argv;
	s.nfds = 0;
	spawn_give(&s, memfd, FD_TEXT);
	spawn_give(&s, tell, FD_TELL);
	spawn_give(&s, STDERR_FILENO, FD_ERROR);
	return spawn_child(&s, pid, pidfd);
}

int
spec_read(int memfd, const char *path, const char *libexec, uid_t uid, gid_t gid,
    struct spec *spec)
{
	struct start st = {
	    .role = ROLE_CONF_CHECK, .generation = 1, .uid = uid, .gid = gid};
	int tell[2], pidfd, err, status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tell) != 0)
		return ERR_SYS;
	err = start_check(memfd, path, libexec, &st, tell[1], &pid, &pidfd);
	close(tell[1]);
	if (err == 0) {
		err = collect(tell[0], spec);
		/* Nothing less ends what is process 1 of its namespace; an end that it
		 * has reached by itself keeps its status. */
		if (err != 0)
			(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		close(pidfd);
		close(tell[0]);
		if (waitpid(pid, &status, 0) != pid)
			return ERR_SYS;
		if (err == ERR_EOF && WIFEXITED(status) && WEXITSTATUS(status) == 1)
			return ERR_FORMAT; /* it has said why */
		return err;
	}
	close(tell[0]);
	return err;
}
