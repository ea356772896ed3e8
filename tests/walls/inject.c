/*
 * ptrace injection of single system calls (x86-64). Test code, runs as root.
 */
#include "tests/walls/inject.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS_MS 60

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

int
inject_attach(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		return -1;
	if (wait_ms(pid, &status, 2000) != 1 || !WIFSTOPPED(status))
		return -1;
	return 0;
}

static enum outcome
finish(pid_t pid)
{
	int status, r = wait_ms(pid, &status, BLOCKS_MS);

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
