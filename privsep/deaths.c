/*
 * Why a child died, in words for the log. For SIGSYS the number of the refused call stands
 * in the kernel's audit record, where that can be read. Runs in the supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/supervisor.h"

int
death_open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The number after `key` in a record; -1 when it is not there. */
static long
field(const char *record, const char *key)
{
	const char *p = strstr(record, key);

	return p == NULL ? -1 : strtol(p + strlen(key), NULL, 10);
}

/* Reads what has come since the last time; the newest record of this pid counts. */
static long
refused_call(int kmsg, pid_t pid)
{
	char record[2048];
	long nr = -1;

	for (int i = 0; kmsg >= 0 && i < 1000; i++) {
		ssize_t n = read(kmsg, record, sizeof record - 1);

		if (n < 0 && errno == EPIPE)
			continue; /* records were overwritten; the next ones may do */
		if (n <= 0)
			break;
		record[n] = '\0';
		if (strstr(record, "type=1326") != NULL && field(record, " pid=") == pid)
			nr = field(record, " syscall=");
	}
	return nr;
}

void
death_text(
    const struct supervisor *sv, pid_t pid, int code, int status, char *text, size_t cap)
{
	long nr;
	char *name;

	if (code == CLD_EXITED) {
		snprintf(text, cap, "exit %d", status);
		return;
	}
	if (status != SIGSYS) {
		snprintf(text, cap, "signal %d (%s)", status, sigabbrev_np(status));
		return;
	}
	nr = refused_call(sv->kmsg, pid);
	name = nr < 0 ? NULL : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);
	if (name != NULL)
		snprintf(text, cap, "SIGSYS, refused call %s (%ld)", name, nr);
	else if (nr >= 0)
		snprintf(text, cap, "SIGSYS, refused call %ld", nr);
	else
		snprintf(text, cap, "SIGSYS, call not known");
	free(name);
}
