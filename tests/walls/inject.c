/*
 * ptrace injection of single system calls (x86-64). Test code, runs as root.
 */
#include "tests/walls/inject.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS_MS 60
#define PATIENCE 100 /* times that, on a machine that is busy */

static int
wait_ms(pid_t pid, int *status, int ms)
{
	struct timespec nap = {0, 50000};

	for (int i = 0; i < ms * 20; i++) {
		pid_t r = waitpid(pid, status, WNOHANG | __WALL);

		if (r == pid)
			return 1;
		if (r < 0)
			return -1;
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* Stopped right behind a `syscall` instruction, in a call that was interrupted. */
static int
is_in_a_call(pid_t pid)
{
	struct user_regs_struct regs;
	long word;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0 || (long long)regs.orig_rax < 0)
		return 0;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, regs.rip - 2, NULL);
	return errno == 0 && (word & 0xffff) == 0x050f;
}

int
inject_attach(pid_t pid)
{
	struct timespec nap = {0, 2000000};
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL) != 0)
		return -1;
	for (int i = 0; i < 500; i++) {
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
		    wait_ms(pid, &status, 2000) != 1 || !WIFSTOPPED(status))
			return -1;
		if (is_in_a_call(pid))
			return 0;
		/* Caught on its way: let it come to its waiting call. */
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0)
			return -1;
		nanosleep(&nap, NULL);
	}
	return -1;
}

/* It sleeps, so the call was let through and blocks; else it just had no turn yet. */
static bool
is_asleep(pid_t pid)
{
	char path[64], text[256], *p = NULL;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	if (fgets(text, sizeof text, f) != NULL)
		p = strrchr(text, ')');
	fclose(f);
	return p != NULL && p[1] == ' ' && p[2] == 'S';
}

static enum outcome
finish(pid_t pid)
{
	int status, r = 0;

	for (int i = 0; i < PATIENCE && r == 0; i++) {
		r = wait_ms(pid, &status, BLOCKS_MS);
		if (r == 0 && is_asleep(pid))
			break;
	}

	if (r == 1 && WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? REFUSED : DIED_OTHERWISE;
	if (r == 1 && WIFEXITED(status))
		return LIVES;
	/* It returned, or it blocks: both mean that the call was let through. */
	kill(pid, SIGKILL);
	wait_ms(pid, &status, 2000);
	if (WIFSTOPPED(status))
		wait_ms(pid, &status, 2000);
	return LIVES;
}

enum outcome
inject_call(pid_t pid, long nr, const uint64_t args[6])
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		return DIED_OTHERWISE;
	regs.rip -= 2; /* back onto the two bytes of its `syscall` */
	regs.orig_rax = (unsigned long long)-1; /* and do not restart the call it was in */
	regs.rax = (unsigned long long)nr;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
		return DIED_OTHERWISE;
	return finish(pid);
}

enum outcome
inject_call32(pid_t pid, long nr)
{
	struct user_regs_struct regs;
	long word;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		return DIED_OTHERWISE;
	regs.rip -= 2;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, regs.rip, NULL);
	word = (word & ~0xffffl) | 0x80cd; /* int $0x80 */
	if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, regs.rip, word) != 0)
		return DIED_OTHERWISE;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)nr;
	regs.rdi = regs.rsi = regs.rdx = 0;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
		return DIED_OTHERWISE;
	return finish(pid);
}
