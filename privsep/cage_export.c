/*
 * Build-time only: turns the table of one role into the BPF program that the role loads
 * ("c"), into text for review ("pfc"), or into the list of calls it allows ("calls").
 * Refuses tables that libseccomp would silently widen.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/filter.h>

#include "privsep/cage_rules.h"

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "cage: %s: %s\n", what, why);
	exit(1);
}

static unsigned
tests_of(const struct cage_rule *r)
{
	unsigned n = 0;

	while (n < 6 && r->tests[n].used)
		n++;
	return n;
}

static bool
same_tests(const struct cage_rule *a, const struct cage_rule *b)
{
	for (unsigned i = 0; i < sizeof a->tests / sizeof a->tests[0]; i++) {
		const struct cage_test *s = &a->tests[i], *t = &b->tests[i];

		if (s->used != t->used || s->arg != t->arg || s->mask != t->mask ||
		    s->value != t->value)
			return false;
	}
	return true;
}

static void
check_table(void)
{
	for (size_t i = 0; i < cage_rules_count; i++) {
		const struct cage_rule *a = &cage_rules[i];

		if (a->why == NULL || a->why[0] == '\0')
			fail("a rule", "says no reason");
		for (size_t j = 0; j < i; j++) {
			const struct cage_rule *b = &cage_rules[j];

			if (a->nr != b->nr)
				continue;
			if (tests_of(a) == 0 || tests_of(b) == 0)
				fail(
				    a->why, "the call has another rule without conditions");
			if (same_tests(a, b))
				fail(a->why, "the same rule stands twice");
		}
	}
}

static void
add_rule(scmp_filter_ctx ctx, const struct cage_rule *r)
{
	struct scmp_arg_cmp cmp[6];
	unsigned n = tests_of(r);
	int err;

	for (unsigned i = 0; i < n; i++) {
		const struct cage_test *t = &r->tests[i];

		if (t->mask == UINT64_MAX)
			cmp[i] = (struct scmp_arg_cmp){t->arg, SCMP_CMP_EQ, t->value, 0};
		else
			cmp[i] = (struct scmp_arg_cmp){
			    t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value};
	}
	err = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, r->nr, n, cmp);
	if (err != 0)
		fail(r->why, strerror(-err));
}

static scmp_filter_ctx
build(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (ctx == NULL ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0)
		fail("libseccomp", "cannot start a filter");
	for (size_t i = 0; i < cage_rules_count; i++)
		add_rule(ctx, &cage_rules[i]);
	return ctx;
}

static void
print_c(scmp_filter_ctx ctx)
{
	int fd = memfd_create("bpf", 0);
	struct sock_filter f;
	unsigned n = 0;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) != 0)
		fail("libseccomp", "cannot export");
	lseek(fd, 0, SEEK_SET);
	printf("/* Generated from policy/cage: do not edit. */\n"
	       "#include <linux/filter.h>\n#include \"privsep/cage.h\"\n\n"
	       "static const struct sock_filter filter[] = {\n");
	while (read(fd, &f, sizeof f) == (ssize_t)sizeof f) {
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", f.code, f.jt, f.jf, f.k);
		n++;
	}
	printf("};\n\nconst struct cage_policy cage_policy = {\n"
	       "\tfilter, %u,\n\t{%lluull, %lluull, %lluull},\n\t%s,\n};\n",
	    n, (unsigned long long)cage_role_limits.files,
	    (unsigned long long)cage_role_limits.address_space,
	    (unsigned long long)cage_role_limits.file_size,
	    cage_reads_store ? "true" : "false");
	close(fd);
}

/* One line a call: number, name, and whether its arguments are limited. */
static void
print_calls(void)
{
	for (int nr = 0; nr < 1024; nr++) {
		const struct cage_rule *found = NULL;
		char *name;

		for (size_t i = 0; i < cage_rules_count; i++)
			if (cage_rules[i].nr == nr)
				found = &cage_rules[i];
		if (found == NULL)
			continue;
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		printf("%d %s %s\n", nr, name == NULL ? "?" : name,
		    tests_of(found) > 0 ? "arguments" : "any");
		free(name);
	}
}

int
main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";
	scmp_filter_ctx ctx;

	check_table();
	ctx = build();
	if (strcmp(mode, "c") == 0)
		print_c(ctx);
	else if (strcmp(mode, "pfc") == 0)
		seccomp_export_pfc(ctx, 1);
	else if (strcmp(mode, "calls") == 0)
		print_calls();
	else
		fail("usage", "c, pfc or calls");
	seccomp_release(ctx);
	return fflush(stdout) == 0 ? 0 : 1;
}
