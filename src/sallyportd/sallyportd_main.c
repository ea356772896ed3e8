/*
 * sallyportd: reads the command line, has the configuration checked by an unprivileged
 * child, opens every socket and file that the server will ever have, gives up what it no
 * longer needs, and becomes the supervisor.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/supervisor.h"
#include "src/base/log.h"

#define DESCRIPTORS_MIN 8192u
#define DESCRIPTORS_MAX 65536u
#define DEFAULT_CONF SALLYPORT_SYSCONFDIR "/sallyport/sallyport.conf"

struct options {
	const char *conf, *libexec, *control;
	uid_t uid_base;
	bool check_only, print;
};

static void NORETURN
usage(int status)
{
	fprintf(status == 0 ? stdout : stderr,
	    "usage: sallyportd [-nT] [-f file] [-L directory] [--uid-base number]\n"
	    "  -f, --config file     configuration (default " DEFAULT_CONF ")\n"
	    "  -n, --check           check the configuration and end\n"
	    "  -T, --print           print the configuration as it takes effect, and end\n"
	    "  -L, --libexec dir     where the other executables are\n"
	    "      --control path    the control socket (default " SALLYPORT_CONTROL ",\n"
	    "                        or \"control\" in a state folder of another name)\n"
	    "      --uid-base n      run the processes as uids n+1 .. n+13, without named "
	    "users\n"
	    "  -V, --version\n");
	exit(status);
}

static struct options
read_options(int argc, char **argv)
{
	static const struct option names[] = {{"config", required_argument, NULL, 'f'},
	    {"check", no_argument, NULL, 'n'}, {"print", no_argument, NULL, 'T'},
	    {"libexec", required_argument, NULL, 'L'},
	    {"control", required_argument, NULL, 'c'},
	    {"uid-base", required_argument, NULL, 'u'}, {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct options o = {DEFAULT_CONF, SALLYPORT_LIBEXECDIR, NULL, 0, false, false};
	int c;

	while ((c = getopt_long(argc, argv, "f:nTL:Vh", names, NULL)) != -1) {
		char *end;

		switch (c) {
		case 'f': o.conf = optarg; break;
		case 'n': o.check_only = true; break;
		case 'T': o.print = true; break;
		case 'L': o.libexec = optarg; break;
		case 'c': o.control = optarg; break;
		case 'u':
			o.uid_base = (uid_t)strtoul(optarg, &end, 10);
			if (*end != '\0' || o.uid_base < 1000 || o.uid_base > 4000000000u)
				usage(2);
			break;
		case 'V': puts("sallyport " SALLYPORT_VERSION); exit(0);
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (optind != argc)
		usage(2);
	return o;
}

/* The checking child's user. Whether there are named users says the configuration, which
 * is not known yet; without one of its own, the child runs as one that owns nothing. */
static void
check_user(const struct options *o, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;

	*uid = *gid = o->uid_base != 0 ? o->uid_base + ROLE_CONF_CHECK : 65534;
	pw = o->uid_base != 0 ? NULL : getpwnam("sallyport-conf-check");
	if (pw != NULL && pw->pw_uid != 0) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
}

/* hosts.csv stands beside the configuration. */
static const char *
hosts_beside(const char *conf)
{
	static char path[4096];
	const char *slash = strrchr(conf, '/');
	int folder = slash == NULL ? 0 : (int)(slash + 1 - conf);

	if ((size_t)snprintf(path, sizeof path, "%.*shosts.csv", folder, conf) >=
	    sizeof path)
		supervisor_fail(conf, "the name is too long");
	return path;
}

static int
seal(const char *path, bool may_lack, int *memfd)
{
	int err = spec_seal_text(path, may_lack, memfd);

	if (err != 0)
		fprintf(stderr, "sallyportd: %s: %s\n", path,
		    err == ERR_SYS ? strerror(errno)
				   : "not a regular file of at most 16 MiB");
	return err;
}

static int
read_conf(const struct options *o, struct spec_check *check, struct setup *setup)
{
	int err;

	if (seal(o->conf, false, &setup->conf) != 0 ||
	    seal(check->hosts_path, true, &setup->hosts) != 0)
		return 1;
	check->conf = setup->conf;
	check->hosts = setup->hosts;
	check->error = STDERR_FILENO;
	check->print = o->print ? STDOUT_FILENO : -1;
	err = spec_read(check);
	if (err == ERR_FORMAT)
		return 1; /* the checker has said where and why */
	if (err != 0) {
		fprintf(stderr,
		    "sallyportd: cannot check the configuration by %s/conf-check: %s\n",
		    check->libexec, err == ERR_SYS ? strerror(errno) : err_text(err));
		return EXIT_WALL;
	}
	setup->spec = check->spec;
	return 0;
}

/* What starting a child takes, and a socket for a link that a reload adds: no files of
 * others. */
static void
keep_few_capabilities(void)
{
	static const int keep[] = {CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_SYS_ADMIN,
	    CAP_KILL, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_NET_ADMIN};
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	for (unsigned i = 0; i < sizeof keep / sizeof keep[0]; i++)
		data[0].permitted |= 1u << keep[i];
	for (int cap = 0; cap <= 63; cap++)
		if ((cap > 31 || (data[0].permitted & 1u << cap) == 0) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL)
			supervisor_fail("capabilities", strerror(errno));
	data[0].effective = data[0].permitted;
	if (syscall(SYS_capset, &head, data) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		supervisor_fail("capabilities", strerror(errno));
}

/* Containers lack it more often than anything else, and every wall rests on it. */
static void
check_sys_admin(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &head, data) != 0)
		supervisor_fail("capabilities", strerror(errno));
	if ((data[0].effective & 1u << CAP_SYS_ADMIN) == 0)
		supervisor_fail("no CAP_SYS_ADMIN",
		    "namespaces and empty roots take it; there is no weaker mode");
}

static unsigned
count_workers(unsigned configured)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (configured != 0)
		return configured;
	return cores < 1 ? 1 : cores > WORKER_MAX ? WORKER_MAX : (unsigned)cores;
}

/* As many as there are file-senders, if nothing else is said. */
static unsigned
count_tls(const struct msg_spec_tell *s, unsigned workers)
{
	if (s->tls_workers != 0)
		return s->tls_workers;
	return workers < TLS_MAX ? workers : TLS_MAX;
}

/* Children are handed descriptors by way of numbers above 4096 (privsep/spawn.c), and a
 * file-sender needs one for each connection. */
static void
raise_descriptor_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		supervisor_fail("limit of descriptors", strerror(errno));
	if (l.rlim_max < DESCRIPTORS_MIN)
		supervisor_fail("limit of descriptors", "the hard limit is below 8192");
	l.rlim_cur = l.rlim_max =
	    l.rlim_max < DESCRIPTORS_MAX ? l.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &l) != 0)
		supervisor_fail("limit of descriptors", strerror(errno));
}

/* So that keys can lock what it holds without a capability for that. Where this is not
 * allowed it says so, and starts all the same. */
static void
raise_lock_limit(void)
{
	const rlim_t wanted = 16 << 20;
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l) != 0 || l.rlim_cur >= wanted)
		return;
	l.rlim_cur = wanted;
	if (l.rlim_max < wanted)
		l.rlim_max = wanted;
	(void)setrlimit(RLIMIT_MEMLOCK, &l);
}

/* Our own lines go to the logger over a channel like everyone's, and to stderr as long as
 * it does not run. */
static struct supervisor sv = {.out = STDERR_FILENO};
static int log_end = -1;

static void
own_log(enum log_level level, const char *text, size_t len)
{
	struct msg m = {.nr = MSG_LOG_TELL};
	uint8_t bytes[LOG_TEXT_MAX + 16];
	int n;

	m.u.log_tell.level = (uint8_t)level;
	m.u.log_tell.text.len = (uint16_t)len;
	memcpy(m.u.log_tell.text.b, text, len);
	n = msg_encode(&m, bytes, sizeof bytes);
	if (n < 0 || send(log_end, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_to_stderr(level, text, len);
}

static void
use_logger(void)
{
	for (unsigned i = 0; i < sv.nchannels; i++)
		if (sv.channels[i].a == NULL)
			log_end = sv.channels[i].ends[0];
	log_init(own_log, (enum log_level)sv.now.spec.s.log_level);
}

int
main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	int status;

	if (geteuid() != 0)
		supervisor_fail("must be started by root", "it opens the sockets, and then "
							   "every process gives root up");
	check_sys_admin();
	umask(077);
	raise_descriptor_limit();
	raise_lock_limit();
	log_init(log_to_stderr, LOG_NOTICE);
	setup_init(&sv.now);
	sv.check = (struct spec_check){
	    .conf_path = o.conf, .hosts_path = hosts_beside(o.conf), .libexec = o.libexec};
	check_user(&o, &sv.check.uid, &sv.check.gid);
	status = read_conf(&o, &sv.check, &sv.now);
	if (status != 0 || o.print)
		return status;
	if (o.check_only) {
		printf("sallyportd: %s: good\n", o.conf);
		return 0;
	}
	sv.libexec = o.libexec;
	sv.control_path = o.control;
	sv.own_uid_base = o.uid_base != 0;
	sv.workers = count_workers(sv.now.spec.s.workers);
	if (sv.now.spec.s.https_port != 0)
		sv.tls_workers = count_tls(&sv.now.spec.s, sv.workers);
	roster_init(&sv, o.uid_base != 0 ? o.uid_base : sv.now.spec.s.uid_base);
	roster_open(&sv);
	use_logger();
	keep_few_capabilities();
	status = supervisor_run(&sv);
	if (sv.control_path != NULL)
		(void)unlink(sv.control_path);
	return status;
}
