/*
 * The supervisor's own parts, in a network namespace of the test, starting one real
 * executable at a time. Test code, runs as root.
 */
#include "tests/walls/rig.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/log.h"

#define UID_BASE 61000
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
/* A public key whose secret half was thrown away: the keyring must hold one. */
#define SOME_KEY "RWRztdnEizjexzfzI2BFBB79j1QDZtm6YTAphrDksyJNKilz3TYlGMLr"

static struct supervisor sv;

static void
die(const char *what)
{
	perror(what);
	exit(1);
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
write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

/* One of its own making: what keys reads at its start. */
static void
make_certificate(const char *key, const char *cert)
{
	char command[700];

	snprintf(command, sizeof command,
	    "umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-nodes -subj /CN=wall -days 30 -keyout '%s' -out '%s' 2>/dev/null",
	    key, cert);
	if (system(command) != 0)
		die("openssl");
}

static void
make_spec(const char *work)
{
	struct msg_spec_tell *s = &sv.now.spec.s;
	char text[512];

	sv.now.spec.nlinks = 1;
	strcpy(sv.now.spec.links[0].name, "wall0");
	s->workers = 1;
	s->tftp_first = 40000;
	s->tftp_last = 40003;
	s->http_port = 80;
	s->head_timeout = 10;
	s->idle_timeout = 30;
	s->min_rate = 1024;
	s->rate_window = 30;
	s->conns_per_address = 64;
	s->transfers_per_address = 64;
	s->landlock = 1;
	s->log_level = LOG_ERROR;
	s->memory = 64 << 20;
	snprintf(s->state, sizeof s->state, "%.150s/state", work);
	snprintf(s->images, sizeof s->images, "%.150s/images", work);
	snprintf(s->keyring, sizeof s->keyring, "%.150s/keyring", work);
	mkdir(s->state, 0755);
	mkdir(s->images, 0755);
	write_file(s->keyring, "key " SOME_KEY " *\n");
	snprintf(text, sizeof text, "state \"%.200s\";\ninterface wall0;\n", s->state);
	s->https_port = 443;
	snprintf(s->key1, sizeof s->key1, "%.150s/tls.key", work);
	snprintf(s->cert1, sizeof s->cert1, "%.150s/tls.crt", work);
	make_certificate(s->key1, s->cert1);
	sv.now.hosts = memfd_create("hosts", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	sv.now.conf = memfd_create("conf", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (write(sv.now.conf, text, strlen(text)) < 0 ||
	    fcntl(sv.now.conf, F_ADD_SEALS, SEALS) != 0 ||
	    fcntl(sv.now.hosts, F_ADD_SEALS, SEALS) != 0)
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
	const char *const options[] = {"file=x", "hosts=y", "landlock=1", "log_level=0"};
	char *argv[16];
	int tell[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tell) != 0)
		die("socketpair");
	while (send(tell[1], "x", 1, MSG_DONTWAIT) == 1)
		;
	if (start_arguments(&st, options, 4, text, sizeof text, argv, 16) != 0)
		die("arguments");
	snprintf(path, sizeof path, "%s/conf-check", sv.libexec);
	s.path = path;
	s.argv = argv;
	s.nfds = 0;
	spawn_give(&s, sv.now.conf, FD_TEXT);
	spawn_give(&s, sv.now.hosts, FD_TEXT_HOSTS);
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

	for (int i = 0; i < 20000; i++) {
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

bool
rig_start(struct child *c)
{
	if (c->role == ROLE_CONF_CHECK) {
		start_conf_check(c);
		return is_caught(c);
	}
	supervisor_start(&sv, c);
	/* READY comes right before the loop: wait until it sleeps there. */
	return is_ready(c) && is_caught(c);
}

void
rig_clean(struct child *c)
{
	close(c->pidfd);
	close(c->super_fd);
	c->pidfd = c->super_fd = -1;
	c->state = CHILD_DOWN;
}

struct supervisor *
rig_init(const char *bin, const char *work)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init(log_to_stderr, LOG_ERROR);
	sv.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	make_network();
	sv.libexec = bin;
	sv.workers = sv.tls_workers = 1;
	setup_init(&sv.now);
	make_spec(work);
	roster_init(&sv, UID_BASE);
	roster_open(&sv);
	return &sv;
}

struct child *
rig_child(const char *role)
{
	static struct child conf_check = {.role = ROLE_CONF_CHECK};

	if (role_parse(role) == ROLE_CONF_CHECK)
		return &conf_check;
	return roster_find(&sv, role_parse(role), 0);
}
