/*
 * The only place where processes are made. Runs in the supervisor as root; between clone
 * and exec the child does nothing but arrange its descriptors.
 */
#include "privsep/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/start.h"

/* Above every number that a child is given. */
#define PARKED 4096

void
spawn_give(struct spawn *s, int from, int to)
{
	if (s->nfds == SPAWN_FDS_MAX || from < 0)
		bug("too many descriptors for a child");
	s->fds[s->nfds++] = (struct spawn_fd){from, to};
}

/* Moves all out of the way first: a source may have the number of another's target. */
static void
arrange(const struct spawn *s)
{
	int parked[SPAWN_FDS_MAX], null, top = 2;

	for (unsigned i = 0; i < s->nfds; i++) {
		parked[i] = fcntl(s->fds[i].from, F_DUPFD, PARKED);
		if (parked[i] < 0)
			_exit(EXIT_WALL);
	}
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		_exit(EXIT_WALL);
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			_exit(EXIT_WALL);
	for (int fd = 3; fd < PARKED; fd++) {
		unsigned i = 0;

		while (i < s->nfds && s->fds[i].to != fd)
			i++;
		if (i == s->nfds)
			continue;
		if (close_range((unsigned)top + 1, (unsigned)fd, 0) != 0 ||
		    dup2(parked[i], fd) < 0)
			_exit(EXIT_WALL);
		top = fd;
	}
	if (close_range((unsigned)top + 1, ~0u, 0) != 0)
		_exit(EXIT_WALL);
}

static void NORETURN
become(const struct spawn *s)
{
	char *const no_environment[] = {NULL};
	sigset_t none;

	arrange(s);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(s->path, s->argv, no_environment);
	_exit(EXIT_WALL);
}

int
spawn_child(const struct spawn *s, pid_t *pid, int *pidfd)
{
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_CLEAR_SIGHAND,
	    .pidfd = (uint64_t)(uintptr_t)pidfd,
	    .exit_signal = SIGCHLD};
	long r = syscall(SYS_clone3, &args, sizeof args);

	if (r < 0)
		return ERR_SYS;
	if (r == 0)
		become(s);
	*pid = (pid_t)r;
	return 0;
}
