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
#include "src/base/clock.h"

#define TEXT_MAX (16 << 20)
#define CHECK_TIME_MS 20000
#define DAY_MS 86400000

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

static int
seal_file(int from, int memfd)
{
	struct stat st = {.st_size = 0};

	if (from >= 0 && fstat(from, &st) != 0)
		return ERR_SYS;
	if (from >= 0 && (!S_ISREG(st.st_mode) || st.st_size > TEXT_MAX))
		return ERR_LONG;
	return copy_and_seal(from, st.st_size, memfd);
}

int
spec_seal_text(const char *path, bool may_lack, int *memfd)
{
	/* Not to wait for a writer, should it be a FIFO. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = ERR_SYS, saved;

	*memfd = -1;
	if (from < 0 && !(may_lack && errno == ENOENT))
		return ERR_SYS;
	*memfd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*memfd >= 0)
		err = seal_file(from, *memfd);
	saved = errno;
	if (from >= 0)
		close(from);
	if (err != 0 && *memfd >= 0) {
		close(*memfd);
		*memfd = -1;
	}
	errno = saved;
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

/* Of a file that there need not be. */
static bool
path_is_fit(const char *path)
{
	return path[0] == '\0' || path_is_plain(path);
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
	if (!path_is_fit(m->cert1) || !path_is_fit(m->key1) || !path_is_fit(m->cert2) ||
	    !path_is_fit(m->key2) || !path_is_fit(m->client_ca))
		return ERR_RANGE;
	if (m->https_port != 0 && (m->cert1[0] == '\0' || m->https_port == m->http_port))
		return ERR_RANGE;
	if ((m->cert1[0] == '\0') != (m->key1[0] == '\0') ||
	    (m->cert2[0] == '\0') != (m->key2[0] == '\0'))
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
	if (m->address.family == ADDR_V6 || m->address6.family == ADDR_V4)
		return ERR_RANGE;
	memset(l, 0, sizeof *l);
	_Static_assert(sizeof l->name == sizeof m->name, "names of links");
	memcpy(l->name, m->name, sizeof l->name);
	l->address = m->address;
	l->address6 = m->address6;
	l->find6 = m->find6 != 0;
	spec->nlinks++;
	return 0;
}

/* 0: took one message; 1: there is none (yet). */
static int
take_message(struct spec_check *c)
{
	uint8_t bytes[MSG_SIZE_MAX];
	struct msg m;
	ssize_t n = recv(c->tell, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return 1;
	if (c->complete || (size_t)n > sizeof bytes ||
	    msg_decode(bytes, (size_t)n, &m) != 0 ||
	    !msg_permitted(m.nr, ROLE_CONF_CHECK, ROLE_SUPERVISOR))
		return ERR_FORMAT;
	if (m.nr == MSG_SPEC_LINK_TELL)
		return take_link(&c->spec, &m.u.spec_link_tell);
	if (m.nr != MSG_SPEC_TELL || c->spec.nlinks == 0)
		return ERR_DENIED;
	c->complete = true;
	return take_spec(&c->spec, &m.u.spec_tell);
}

static int
spawn_check(struct spec_check *c, int tell)
{
	static struct spawn s;
	struct start st = {
	    .role = ROLE_CONF_CHECK, .generation = 1, .uid = c->uid, .gid = c->gid};
	char executable[4096], file[300], hosts[300], text[2048], *argv[16];
	const char *const options[] = {file, hosts, "landlock=1", "log_level=2", "print=1"};

	snprintf(executable, sizeof executable, "%s/conf-check", c->libexec);
	if (access(executable, X_OK) != 0)
		return ERR_SYS; /* the child could say no more than that it ended */
	snprintf(file, sizeof file, "file=%.250s", c->conf_path);
	snprintf(hosts, sizeof hosts, "hosts=%.250s", c->hosts_path);
	if (start_arguments(
		&st, options, c->print >= 0 ? 5 : 4, text, sizeof text, argv, 16) != 0)
		return ERR_LONG;
	s.path = executable;
	s.argv = argv;
	s.nfds = 0;
	spawn_give(&s, c->conf, FD_TEXT);
	spawn_give(&s, c->hosts, FD_TEXT_HOSTS);
	spawn_give(&s, tell, FD_TELL);
	spawn_give(&s, c->error, FD_ERROR);
	if (c->print >= 0)
		spawn_give(&s, c->print, FD_PRINT);
	return spawn_child(&s, &c->pid, &c->pidfd);
}

int
spec_start(struct spec_check *c)
{
	int tell[2], err;

	memset(&c->spec, 0, sizeof c->spec);
	c->complete = c->broken = false;
	/* A reader of what it prints may take its time. */
	c->until_ms = clock_mono_ms() + (c->print >= 0 ? DAY_MS : CHECK_TIME_MS);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tell) != 0)
		return ERR_SYS;
	err = spawn_check(c, tell[1]);
	close(tell[1]);
	c->tell = tell[0];
	if (err != 0)
		close(tell[0]);
	return err;
}

/* Nothing less ends what is process 1 of its namespace; an end that it has reached by
 * itself keeps its status. */
static int
end_check(struct spec_check *c, bool ended)
{
	int status = 0;

	if (!ended)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	close(c->pidfd);
	close(c->tell);
	if (waitpid(c->pid, &status, 0) != c->pid)
		return ERR_SYS;
	if (!ended)
		errno = ETIMEDOUT;
	if (c->broken || !ended || !WIFEXITED(status))
		return c->broken ? ERR_RANGE : ERR_SYS;
	if (WEXITSTATUS(status) == 1 && !c->complete)
		return ERR_FORMAT; /* it has said why */
	errno = EPROTO;
	return WEXITSTATUS(status) == 0 && c->complete ? 1 : ERR_SYS;
}

int
spec_step(struct spec_check *c)
{
	struct pollfd p = {c->pidfd, POLLIN, 0};
	bool ended = poll(&p, 1, 0) == 1; /* before its last words are read */
	int r = 0;

	while (r == 0)
		r = take_message(c);
	c->broken = r < 0;
	if (!ended && !c->broken && clock_mono_ms() < c->until_ms)
		return 0;
	return end_check(c, ended);
}

int
spec_read(struct spec_check *c)
{
	int r = spec_start(c);

	while (r == 0) {
		/* Its end is waited for, not its words: they fit in the channel. */
		struct pollfd p = {c->pidfd, POLLIN, 0};
		uint64_t now = clock_mono_ms();

		(void)poll(&p, 1, now < c->until_ms ? (int)(c->until_ms - now) : 0);
		r = spec_step(c);
	}
	return r == 1 ? 0 : r;
}
