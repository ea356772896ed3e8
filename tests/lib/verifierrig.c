/*
 * Stands in for the supervisor and the broker of one real verifier, in its cage:
 *
 *	verifierrig EXECUTABLE STORE KEYRING FLOOR MEMORY
 *
 * Prints a line for each thing that the verifier logs or tells ("log ...", "image ...",
 * "file ...", "active ...", ...) and obeys commands on its standard input:
 *
 *	render IMAGE KIND ARCH MAC CLIENT SERVER PORT HOST [NAME=VALUE]...
 *	save IMAGE PATH FILE    writes what the verifier gave for that file
 *	gone                    the broker dies and a new one begins
 *	stall | go              stops and goes on reading what the verifier tells
 *	fetch MEMFD             asks for memory
 *	used MEMFD              says that it was used
 *	keep | free MEMFD       keeps what is evicted or dropped; says that one is free
 *	kill                    kills the verifier
 *	quit
 *
 * Checks by itself that memory is sealed and as large as told. Test code, runs as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/msg.h"
#include "privsep/spawn.h"
#include "privsep/start.h"

#define STALE_ASK 999999u
#define HELD_MAX 8192
#define FILES_MAX 30000
#define VERIFIER_UID 61777

struct held {
	uint32_t memfd;
	int fd;
};

static struct held held[HELD_MAX];
static struct msg_file_tell files[FILES_MAX];
static unsigned nfiles;
static int super_end, log_end, broker_end, child_pidfd;
static bool stalled, keeps;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static int
clone_store(const char *path)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
	int fd = (int)syscall(
	    SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 ||
	    syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr) != 0)
		die(path);
	return fd;
}

static int
pair(struct spawn *s, int to)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		die("socketpair");
	spawn_give(s, fds[1], to);
	return fds[0];
}

static int
open_or_null(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		fd = open("/dev/null", flags | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void
start(char **argv)
{
	static struct spawn s;
	static char text[1024];
	struct start st = {.role = ROLE_VERIFIER,
	    .generation = 1,
	    .uid = VERIFIER_UID,
	    .gid = VERIFIER_UID};
	char memory[64], expired[16];
	const char *const options[] = {"landlock=1", "log_level=4", memory, expired};
	char *child_argv[16];
	pid_t pid;

	snprintf(memory, sizeof memory, "memory=%s", argv[5]);
	snprintf(expired, sizeof expired, "expired=%d", getenv("SERVE_EXPIRED") != NULL);
	if (start_arguments(&st, options, 4, text, sizeof text, child_argv, 16) != 0)
		die("arguments");
	s.path = argv[1];
	s.argv = child_argv;
	super_end = pair(&s, FD_SUPER);
	log_end = pair(&s, FD_LOG);
	broker_end = pair(&s, FD_BROKER);
	spawn_give(&s, clone_store(argv[2]), FD_STORE);
	spawn_give(&s, open_or_null(argv[3], O_RDONLY), FD_KEYRING);
	spawn_give(&s, open_or_null(argv[4], O_RDWR), FD_FLOOR);
	if (spawn_child(&s, &pid, &child_pidfd) != 0)
		die("spawn");
	for (unsigned i = 0; i < s.nfds; i++)
		close(s.fds[i].from);
	say("pid %d", (int)pid);
}

static void
forget(void)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		if (held[i].memfd != 0) {
			close(held[i].fd);
			held[i].memfd = 0;
		}
	nfiles = 0;
}

static int
held_fd(uint32_t memfd)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		if (held[i].memfd == memfd)
			return held[i].fd;
	return -1;
}

static void
on_memfd(const struct msg_memfd_tell *m, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	unsigned i = 0;

	if (seals != (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    fstat(fd, &st) != 0 || (uint64_t)st.st_size != m->size)
		say("BAD memfd %u seals %x", m->memfd, seals);
	if (held_fd(m->memfd) >= 0)
		say("BAD memfd %u named twice", m->memfd);
	while (i < HELD_MAX && held[i].memfd != 0)
		i++;
	if (i == HELD_MAX)
		die("too many memfds");
	held[i] = (struct held){m->memfd, fd};
	say("memfd %u %" PRIu64, m->memfd, m->size);
}

static void
send_msg(const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	/* One that has ended already is told of by its pidfd, with its last lines. */
	if (n < 0 ||
	    (send(broker_end, bytes, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE))
		die("send");
}

static void
send_number(enum msg_nr nr, uint32_t memfd)
{
	struct msg m = {.nr = nr};

	if (nr == MSG_FREED_TELL)
		m.u.freed_tell.memfd = memfd;
	else if (nr == MSG_USED_TELL)
		m.u.used_tell.memfd = memfd;
	else
		m.u.fetch_ask.memfd = memfd;
	send_msg(&m);
}

/* False when there was no memory. */
static bool
let_go(uint32_t memfd)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		if (held[i].memfd == memfd) {
			close(held[i].fd);
			held[i].memfd = 0;
			return true;
		}
	return false;
}

/* The memory of a file or, of which the verifier wants to learn nothing, of a text. */
static void
on_drop(uint32_t memfd, bool text)
{
	bool held_it = let_go(memfd);

	say("drop %u", memfd);
	if (held_it && !text && !keeps)
		send_number(MSG_FREED_TELL, memfd);
}

static void
on_evict(uint32_t memfd)
{
	say(let_go(memfd) ? "evict %u" : "BAD evict %u", memfd);
	if (!keeps)
		send_number(MSG_FREED_TELL, memfd);
}

static void
on_memory(const struct msg_memory_tell *m)
{
	say("memory budget %" PRIu64 " bytes %" PRIu64 " leaving %" PRIu64
	    " objects %u resident %u fetches %" PRIu64 " failures %" PRIu64
	    " evictions %" PRIu64,
	    m->budget, m->bytes, m->leaving, m->objects, m->resident, m->fetches,
	    m->failures, m->evictions);
}

static void
on_file(const struct msg_file_tell *m)
{
	if (nfiles == FILES_MAX)
		die("too many files");
	files[nfiles++] = *m;
	if (nfiles < 100)
		say("file %u %s %u %" PRIu64 " %" PRIu64, m->image, m->path, m->memfd,
		    m->offset, m->length);
}

static void
on_answer(const struct msg_render_ans *m)
{
	static char text[65536];
	int fd = held_fd(m->memfd);

	if (!m->ok) {
		say("answer %u no", m->ask);
		return;
	}
	if (fd < 0 || m->length > sizeof text ||
	    pread(fd, text, (size_t)m->length, 0) != (ssize_t)m->length) {
		say("BAD answer %u", m->ask);
		return;
	}
	say("answer %u %" PRIu64, m->ask, m->length);
	if (m->length < 4096)
		say("<<<\n%.*s>>>", (int)m->length, text);
	on_drop(m->memfd, true);
}

static void
on_msg(const struct msg *m, int fd)
{
	if (msg_carries_fd(m->nr) != (fd >= 0)) {
		say("BAD descriptor with %s", msg_name(m->nr));
		return;
	}
	switch (m->nr) {
	case MSG_RESET_TELL: say("reset %u", m->u.reset_tell.generation); return;
	case MSG_MEMFD_TELL: on_memfd(&m->u.memfd_tell, fd); return;
	case MSG_DROP_TELL: on_drop(m->u.drop_tell.memfd, false); return;
	case MSG_OBJECT_TELL:
		say("object %u %" PRIu64, m->u.object_tell.memfd, m->u.object_tell.size);
		return;
	case MSG_EVICT_TELL: on_evict(m->u.evict_tell.memfd); return;
	case MSG_FETCH_ANS:
		say("fetched %u %s", m->u.fetch_ans.memfd,
		    m->u.fetch_ans.ok ? "yes" : "no");
		return;
	case MSG_MEMORY_TELL: on_memory(&m->u.memory_tell); return;
	case MSG_IMAGE_TELL:
		say("image %u %s %" PRIu64, m->u.image_tell.image, m->u.image_tell.name,
		    m->u.image_tell.version);
		return;
	case MSG_FILE_TELL: on_file(&m->u.file_tell); return;
	case MSG_BOOT_TELL:
		say("boot %u %s loader=%s templates=%u", m->u.boot_tell.image,
		    arch_name((enum arch)m->u.boot_tell.arch), m->u.boot_tell.loader,
		    m->u.boot_tell.templates);
		return;
	case MSG_ACTIVE_TELL: say("active %u", m->u.active_tell.image); return;
	case MSG_RETIRE_TELL: say("retire %u", m->u.retire_tell.image); return;
	case MSG_LOOKED_TELL: say("looked %u", m->u.looked_tell.images); return;
	case MSG_RENDER_ANS: on_answer(&m->u.render_ans); return;
	default: say("BAD message %s", msg_name(m->nr));
	}
}

static void
read_broker_end(void)
{
	static uint8_t bytes[MSG_SIZE_MAX + 1];
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = ""};
	struct iovec iov = {bytes, sizeof bytes};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	ssize_t n = recvmsg(broker_end, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cm = n > 0 ? CMSG_FIRSTHDR(&hdr) : NULL;
	struct msg m;
	int fd = -1;

	if (n <= 0)
		return;
	if (cm != NULL)
		memcpy(&fd, CMSG_DATA(cm), sizeof fd);
	if (msg_decode(bytes, (size_t)n, &m) != 0 ||
	    !msg_permitted(m.nr, ROLE_VERIFIER, ROLE_BROKER))
		say("BAD message of %zd bytes", n);
	else
		on_msg(&m, fd);
}

static void
read_log_end(void)
{
	uint8_t bytes[MSG_SIZE_MAX];
	ssize_t n = recv(log_end, bytes, sizeof bytes, MSG_DONTWAIT);
	struct msg m;

	if (n == 0)
		log_end = -1;
	if (n > 0 && msg_decode(bytes, (size_t)n, &m) == 0)
		say("log %.*s", (int)m.u.log_tell.text.len,
		    (const char *)m.u.log_tell.text.b);
}

/* What an earlier broker had asked an earlier verifier, and then ours. */
static void
begin(void)
{
	struct msg m = {.nr = MSG_RENDER_ASK};

	m.u.render_ask.ask = STALE_ASK;
	m.u.render_ask.image = 1;
	send_msg(&m);
	m = (struct msg){.nr = MSG_RESET_TELL};
	m.u.reset_tell.generation = 1;
	send_msg(&m);
}

static char *
word(char **rest)
{
	static char none[] = "";
	char *w = strsep(rest, " ");

	return w == NULL ? none : w;
}

static void
command_render(char *rest)
{
	static uint32_t last_ask;
	struct msg m = {.nr = MSG_RENDER_ASK};
	struct msg_render_ask *r = &m.u.render_ask;
	char *w;

	r->ask = ++last_ask;
	r->image = (uint32_t)strtoul(word(&rest), NULL, 10);
	r->kind = (uint8_t)strtoul(word(&rest), NULL, 10);
	r->arch = (uint8_t)arch_parse(word(&rest));
	if (mac_parse(word(&rest), &r->mac) != 0 ||
	    addr_parse(word(&rest), &r->client) != 0 ||
	    addr_parse(word(&rest), &r->server) != 0)
		die("render: arguments");
	r->http_port = (uint16_t)strtoul(word(&rest), NULL, 10);
	snprintf(r->host, sizeof r->host, "%s", word(&rest));
	if (strcmp(r->host, "-") == 0)
		r->host[0] = '\0';
	while (rest != NULL && *(w = word(&rest)) != '\0')
		r->params.len =
		    (uint16_t)(r->params.len + snprintf((char *)r->params.b + r->params.len,
						   sizeof r->params.b - r->params.len,
						   "%s\n", w));
	send_msg(&m);
}

static void
command_save(char *rest)
{
	uint32_t image = (uint32_t)strtoul(word(&rest), NULL, 10);
	const char *path = word(&rest), *to = word(&rest);

	for (unsigned i = 0; i < nfiles; i++) {
		const struct msg_file_tell *f = &files[i];
		char *bytes;
		FILE *out;

		if (f->image != image || strcmp(f->path, path) != 0)
			continue;
		bytes = malloc((size_t)f->length + 1);
		out = fopen(to, "we");
		if (bytes == NULL || out == NULL ||
		    pread(held_fd(f->memfd), bytes, (size_t)f->length, (off_t)f->offset) !=
			(ssize_t)f->length ||
		    fwrite(bytes, 1, (size_t)f->length, out) != (size_t)f->length)
			die(to);
		fclose(out);
		free(bytes);
		say("saved %s", to);
		return;
	}
	say("BAD save: no file %s", path);
}

/* What the supervisor does when the broker dies. */
static void
command_gone(void)
{
	uint8_t gone[4] = {NOTICE_GONE, ROLE_BROKER, 0, 0}, answer[4] = {0};
	struct pollfd p = {super_end, POLLIN, 0};

	if (send(super_end, gone, sizeof gone, 0) != (ssize_t)sizeof gone)
		die("gone");
	if (poll(&p, 1, 3000) != 1 || recv(super_end, answer, sizeof answer, 0) != 4 ||
	    answer[0] != NOTICE_CLEARED || answer[1] != ROLE_BROKER)
		say("BAD not cleared");
	/* What the dead one had not read stays in the channel; RESET_TELL makes it void. */
	forget();
	begin();
	say("cleared");
}

static void
obey(char *line)
{
	char *rest = line;
	const char *verb = word(&rest);

	if (strcmp(verb, "render") == 0)
		command_render(rest);
	else if (strcmp(verb, "save") == 0)
		command_save(rest);
	else if (strcmp(verb, "gone") == 0)
		command_gone();
	else if (strcmp(verb, "stall") == 0)
		stalled = true;
	else if (strcmp(verb, "go") == 0)
		stalled = false;
	else if (strcmp(verb, "fetch") == 0)
		send_number(MSG_FETCH_ASK, (uint32_t)strtoul(rest, NULL, 10));
	else if (strcmp(verb, "used") == 0)
		send_number(MSG_USED_TELL, (uint32_t)strtoul(rest, NULL, 10));
	else if (strcmp(verb, "keep") == 0)
		keeps = true;
	else if (strcmp(verb, "free") == 0)
		send_number(MSG_FREED_TELL, (uint32_t)strtoul(rest, NULL, 10));
	else if (strcmp(verb, "kill") == 0)
		syscall(SYS_pidfd_send_signal, child_pidfd, SIGKILL, NULL, 0);
	else if (strcmp(verb, "quit") == 0)
		exit(0);
	else
		say("BAD command %s", verb);
}

static void
read_commands(void)
{
	static char text[8192];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, text + len, sizeof text - len - 1);
	char *lf;

	if (n <= 0)
		exit(0);
	len += (size_t)n;
	text[len] = '\0';
	while ((lf = strchr(text, '\n')) != NULL) {
		*lf = '\0';
		obey(text);
		len -= (size_t)(lf + 1 - text);
		memmove(text, lf + 1, len + 1);
	}
}

static void
on_super(void)
{
	uint8_t b[4];
	ssize_t n = recv(super_end, b, sizeof b, MSG_DONTWAIT);

	if (n == 4)
		say("notice %u %u", b[0], b[1]);
}

static void
on_end(void)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)child_pidfd, &info, WEXITED) != 0)
		die("waitid");
	say("ended %s %d", info.si_code == CLD_EXITED ? "exit" : "signal", info.si_status);
	exit(0);
}

int
main(int argc, char **argv)
{
	struct pollfd p[5];

	if (argc != 6) {
		fprintf(
		    stderr, "usage: verifierrig EXECUTABLE STORE KEYRING FLOOR MEMORY\n");
		return 2;
	}
	start(argv);
	begin();
	for (;;) {
		p[0] = (struct pollfd){log_end, POLLIN, 0};
		p[1] = (struct pollfd){stalled ? -1 : broker_end, POLLIN, 0};
		p[2] = (struct pollfd){super_end, POLLIN, 0};
		p[3] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
		p[4] = (struct pollfd){child_pidfd, POLLIN, 0};
		if (poll(p, 5, -1) < 0)
			die("poll");
		if (p[0].revents & POLLIN)
			read_log_end();
		if (p[1].revents & POLLIN)
			read_broker_end();
		if (p[2].revents & POLLIN)
			on_super();
		if (p[3].revents != 0)
			read_commands();
		else if ((p[4].revents & POLLIN) && !(p[0].revents & POLLIN))
			on_end();
	}
}
