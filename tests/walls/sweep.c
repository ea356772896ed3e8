/*
 * The system-call sweep: for one role, each number from 0 to 599 is tried in a fresh
 * process of the real executable, in its real cage, with its real descriptors; then each
 * rule of its table with its arguments right, and with each of them wrong. What lives must
 * be what policy/cage/<role>.c says, no more and no less. Linked once per role, with that
 * role's table. Runs as root; makes its own network namespace.
 *
 *   sweep-ROLE BINDIR WORKDIR
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "privsep/cage_rules.h"
#include "tests/walls/inject.h"
#include "tests/walls/rig.h"

#ifndef SWEEP_ROLE
#error "which role?"
#endif

#define CALLS 600

static unsigned passed, failed;

static void
result(bool good, const char *fmt, ...)
{
	va_list ap;

	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("not ok sweep-%s: ", SWEEP_ROLE);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* What the table says of this call with these arguments. */
static bool
allowed(int nr, const uint64_t args[6])
{
	for (size_t i = 0; i < cage_rules_count; i++) {
		const struct cage_rule *r = &cage_rules[i];
		bool all = r->nr == nr;

		for (unsigned t = 0; all && t < 6 && r->tests[t].used; t++)
			all =
			    (args[r->tests[t].arg] & r->tests[t].mask) == r->tests[t].value;
		if (all)
			return true;
	}
	return false;
}

/* The kernel lets these pass every filter by design: uretprobe and uprobe. */
static bool
passes_by_design(int nr)
{
	return nr == 335 || nr == 336;
}

static void
start_fresh(struct child *c)
{
	if (!rig_start(c) || inject_attach(c->pid) != 0) {
		printf("not ok sweep-%s: cannot start or trace it\n", SWEEP_ROLE);
		exit(1);
	}
}

static void
try_call(struct child *c, int nr, const uint64_t args[6], const char *how)
{
	bool want = allowed(nr, args) || passes_by_design(nr);
	enum outcome got;

	start_fresh(c);
	got = inject_call(c->pid, nr, args);
	rig_clean(c);
	result(got == (want ? LIVES : REFUSED),
	    "call %d with %s arguments %s, the table says %s", nr, how,
	    got == LIVES     ? "lives"
	    : got == REFUSED ? "is refused"
			     : "ends in another way",
	    want ? "lives" : "refused");
}

static void
sweep_numbers(struct child *c)
{
	static const uint64_t zero[6];

	for (int nr = 0; nr < CALLS; nr++)
		try_call(c, nr, zero, "zero");
}

static void
sweep_rules(struct child *c)
{
	for (size_t i = 0; i < cage_rules_count; i++) {
		const struct cage_rule *r = &cage_rules[i];
		uint64_t args[6] = {0};

		for (unsigned t = 0; t < 6 && r->tests[t].used; t++)
			args[r->tests[t].arg] = r->tests[t].value;
		try_call(c, r->nr, args, "right");
		for (unsigned t = 0; t < 6 && r->tests[t].used; t++) {
			uint64_t mask = r->tests[t].mask, *arg = &args[r->tests[t].arg];
			uint64_t right = *arg;

			*arg = right ^ (mask & -mask);
			try_call(c, r->nr, args, "wrong");
			*arg = right ^ UINT64_C(0x100000000);
			try_call(c, r->nr, args, "wide");
			*arg = right;
		}
	}
}

static void
sweep_entries(struct child *c)
{
	static const uint64_t zero[6];
	static const long x32[] = {0, 1, 39, 41, 59, 231, 520};

	for (unsigned i = 0; i < sizeof x32 / sizeof x32[0]; i++) {
		start_fresh(c);
		result(inject_call(c->pid, 0x40000000 | x32[i], zero) == REFUSED,
		    "x32 call %ld lives", x32[i]);
		rig_clean(c);
	}
	for (long nr = 1; nr <= 20; nr += 19) { /* exit and getpid */
		start_fresh(c);
		result(inject_call32(c->pid, nr) == REFUSED, "int 0x80 call %ld lives", nr);
		rig_clean(c);
	}
}

int
main(int argc, char **argv)
{
	struct child *c;

	if (argc != 3)
		return 2;
	(void)rig_init(argv[1], argv[2]);
	c = rig_child(SWEEP_ROLE);
	if (c == NULL)
		return 2;
	sweep_numbers(c);
	sweep_rules(c);
	sweep_entries(c);
	printf("%s sweep-%s: %u calls as the table says, %u not\n",
	    failed == 0 ? "ok" : "not ok", SWEEP_ROLE, passed, failed);
	return failed == 0 ? 0 : 1;
}
