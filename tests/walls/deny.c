/*
 * Runs a command in which one system call always fails, so that a test sees what happens
 * when the wall made of that call cannot be put up. Test code, runs as root.
 *
 *   deny CALL[,CALL...] ERRNO COMMAND ARGUMENTS...
 *
 * CALL may end in ":ARGUMENT=VALUE", to fail only with that argument (from 0).
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
fail(const char *what)
{
	fprintf(stderr, "deny: %s\n", what);
	exit(2);
}

static void
deny_call(scmp_filter_ctx ctx, char *text, int error)
{
	char *colon = strchr(text, ':');
	struct scmp_arg_cmp cmp = {.op = SCMP_CMP_EQ};
	char *end;
	int nr;

	if (colon != NULL) {
		*colon = '\0';
		cmp.arg = (unsigned)strtoul(colon + 1, &end, 0);
		if (*end != '=')
			fail("usage: CALL:ARGUMENT=VALUE");
		cmp.datum_a = strtoull(end + 1, NULL, 0);
	}
	nr = seccomp_syscall_resolve_name(text);
	if (nr == __NR_SCMP_ERROR)
		fail(text);
	if (seccomp_rule_add_array(
		ctx, SCMP_ACT_ERRNO((unsigned)error), nr, colon == NULL ? 0 : 1, &cmp) != 0)
		fail("rule");
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int error;

	if (argc < 4 || ctx == NULL)
		fail("usage: deny CALLS ERRNO COMMAND...");
	error = atoi(argv[2]);
	for (char *call = strtok(argv[1], ","); call != NULL; call = strtok(NULL, ","))
		deny_call(ctx, call, error);
	/* no_new_privs would end the test of other walls early: root needs it not. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (seccomp_load(ctx) != 0)
		fail("load");
	execvp(argv[3], argv + 3);
	fail(strerror(errno));
}
