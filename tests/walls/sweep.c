/*
 * The system-call sweep: for one role, each number from 0 to 599 is tried in a fresh
 * process of the real executable, in its real cage, with its real descriptors; then each
 * rule of its table with its arguments right, and with each of them wrong. What lives must
 * be what policy/cage/<role>.c says, no more and no less. Linked once per role, with that
 * role's table. Runs as root; makes its own network namespace.
 *
 *   sweep-ROLE BINDIR WORKDIR
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/cage_rules.h"
#include "privsep/supervisor.h"
#include "src/base/log.h"
#include "tests/walls/inject.h"

#ifndef SWEEP_ROLE
#error "which role?"
#endif

#define CALLS 600
#define UID_BASE 61000

static struct supervisor sv;
static unsigned passed, failed;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

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
make_network(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		die("unshare");
	if (system("ip link set lo up && ip link add wall0 type veth peer name wall1 && "
		   "ip addr add 10.99.0.1/24 dev wall0 && ip link set wall0 up && "
		   "ip link set wall1 up") != 0)
		die("ip");
}

static void
make_spec(const char *work)
{
	struct msg_spec_tell *s = &sv.spec.s;
	char text[512];

	sv.spec.nlinks = 1;
	strcpy(sv.spec.links[0].name, "wall0");
	s->workers = 1;
	s->tftp_first = 40000;
	s->tftp_last = 40003;
	s->http_port = 80;
	s->head_timeout = 10;
	s->idle_timeout = 30;
	s->min_rate = 1024;
	s->rate_window = 30;
	s->conns_per_address = 64;
	s->landlock = 1;
	s->log_level = LOG_ERROR;
	s->memory = 64 << 20;
	snprintf(s->state, sizeof s->state, "%.150s/state", work);
	snprintf(s->images, sizeof s->images, "%.150s/images", work);
	snprintf(s->keyring, sizeof s->keyring, "%.150s/keyring", work);
	mkdir(s->state, 0755);
	mkdir(s->images, 0755);
	close(open(s->keyring, O_CREAT | O_WRONLY, 0644));
	snprintf(text, sizeof text, "state \"%.200s\";\ninterface wall0;\n", s->state);
	sv.conf_memfd = memfd_create("conf", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (write(sv.conf_memfd, text, strlen(text)) < 0 ||
	    fcntl(sv.conf_memfd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		die("memfd");
}

static bool
is_ready(struct child *c)
{
	struct pollfd p = {c->super_fd, POLLIN, 0};
	uint8_t b[4];

	return c->state == CHILD_STARTING && poll(&p, 1, 10000) == 1 &&
	       recv(c->super_fd, b, sizeof b, 0) == sizeof b && b[0] == NOTICE_READY;
}

/* conf-check has no loop: it is caught in the full channel that it reports to. */
static void
start_conf_check(struct child *c)
{
	static struct spawn s;
	static char text[1024], path[4096];
	struct start st = {.role = ROLE_CONF_CHECK,
	    .generation = 1,
	    .uid = UID_BASE + ROLE_CONF_CHECK,
	    .gid = UID_BASE + ROLE_CONF_CHECK};
	const char *const options[] = {"file=x", "landlock=1", "log_level=0"};
	char *argv[16];
	int tell[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tell) != 0)
		die("socketpair");
	while (send(tell[1], "x", 1, MSG_DONTWAIT) == 1)
		;
	if (start_arguments(&st, options, 3, text, sizeof text, argv, 16) != 0)
		die("arguments");
	snprintf(path, sizeof path, "%s/conf-check", sv.libexec);
	s.path = path;
	s.argv = argv;
	s.nfds = 0;
	spawn_give(&s, sv.conf_memfd, FD_TEXT);
	spawn_give(&s, tell[1], FD_TELL);
	spawn_give(&s, STDERR_FILENO, FD_ERROR);
	c->super_fd = tell[0];
	c->state = CHILD_STARTING;
	if (spawn_child(&s, &c->pid, &c->pidfd) != 0)
		die("spawn");
	close(tell[1]);
}

/* Filter loaded and asleep. */
static bool
is_caught(const struct child *c)
{
	char path[64], all[4096];

	for (int i = 0; i < 2000; i++) {
		FILE *f;
		size_t n;

		snprintf(path, sizeof path, "/proc/%d/status", (int)c->pid);
		f = fopen(path, "r");
		if (f == NULL)
			return false;
		n = fread(all, 1, sizeof all - 1, f);
		fclose(f);
		all[n] = '\0';
		if (strstr(all, "Seccomp:\t2") != NULL && strstr(all, "State:\tS") != NULL)
			return true;
		usleep(500);
	}
	return false;
}

static void
start_fresh(struct child *c)
{
	bool good;

	if (c->role == ROLE_CONF_CHECK) {
		start_conf_check(c);
		good = is_caught(c);
	} else {
		supervisor_start(&sv, c);
		good = is_ready(c);
		/* The loop must have come to its waiting call. */
		good = good && is_caught(c);
	}
	if (!good || inject_attach(c->pid) != 0) {
		printf("not ok sweep-%s: cannot start or trace it\n", SWEEP_ROLE);
		exit(1);
	}
}

static void
clean_up(struct child *c)
{
	close(c->pidfd);
	close(c->super_fd);
	c->pidfd = c->super_fd = -1;
	c->state = CHILD_DOWN;
}

static void
try_call(struct child *c, int nr, const uint64_t args[6], const char *how)
{
	bool want = allowed(nr, args) || passes_by_design(nr);
	enum outcome got;

	start_fresh(c);
	got = inject_call(c->pid, nr, args);
	clean_up(c);
	result((got == REFUSED) == !want, "call %d with %s arguments %s", nr, how,
	    want ? "is refused but the table allows it"
		 : "lives but the table does not allow it");
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
		clean_up(c);
	}
	for (long nr = 1; nr <= 20; nr += 19) { /* exit and getpid */
		start_fresh(c);
		result(inject_call32(c->pid, nr) == REFUSED, "int 0x80 call %ld lives", nr);
		clean_up(c);
	}
}

int
main(int argc, char **argv)
{
	static struct child conf_check = {.role = ROLE_CONF_CHECK};
	struct child *c;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init(log_to_stderr, LOG_ERROR);
	sv.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	make_network();
	sv.libexec = argv[1];
	sv.workers = 1;
	make_spec(argv[2]);
	roster_init(&sv, UID_BASE);
	roster_open(&sv);
	c = role_parse(SWEEP_ROLE) == ROLE_CONF_CHECK
		? &conf_check
		: roster_find(&sv, role_parse(SWEEP_ROLE), 0);
	if (c == NULL)
		return 2;
	sweep_numbers(c);
	sweep_rules(c);
	sweep_entries(c);
	printf("%s sweep-%s: %u calls as the table says, %u not\n",
	    failed == 0 ? "ok" : "not ok", SWEEP_ROLE, passed, failed);
	return failed == 0 ? 0 : 1;
}
