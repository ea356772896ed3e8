/*
 * The far ends of the broker's channels, for tests and fuzz targets.
 */
#include "tests/lib/broker_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/broker/files.h"

#define NEAR_DEPTH 64
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct rig rig;

static int super = -1; /* the supervisor's end of descriptor 3 */

static const char conf_text[] =
    "interface eth0;\n"
    "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.200; }\n"
    "host \"node1\" { mac " RIG_MAC "; parameter \"disk\" \"/dev/sda\"; }\n"
    "host \"node2\" { client-id \"two\"; address 10.77.0.50; parameter \"disk\" \"b\"; }\n"
    "http { port 8080; }\n"
    "https { port 8443; certificate \"/c\" key \"/k\"; client-ca \"/ca\"; }\n"
    "boot { default image \"debian\"; unknown allow; }\n"
    "dhcp { client-rate 0; }\n"
    "open image \"rescue\" to 10.88.0.0/25;\n"
    "open image \"tools\" to 10.88.0.0/16;\n"
    "open image \"rescue\" to 2001:db8:0:8800::/57;\n";

static void
need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broker_rig: %s\n", what);
	abort();
}

static void
join(struct chan *near, struct chan *far, enum role role, unsigned index)
{
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	chan_init(near, pair[0], ROLE_BROKER, role, index, NEAR_DEPTH);
	chan_init(far, pair[1], role, ROLE_BROKER, 0, 512);
}

static void
set_up_once(void)
{
	static struct conf *conf; /* for good */
	struct conf_error error;
	struct conf_text text = {.conf = conf_text, .conf_len = sizeof conf_text - 1};
	int pair[2];

	/* The numbers of real channels are not for the test's own sockets. */
	while (fcntl(FD_FREE - 1, F_GETFD) == -1)
		need(open("/dev/null", O_RDONLY) >= 0, "/dev/null");
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	need(dup2(pair[1], FD_SUPER) == FD_SUPER, "dup2");
	super = pair[0];
	need(conf_parse(&text, &conf, &error) == 0, error.text);
	broker.conf = conf;
	session_init(64, 3600);
	join(&broker.verifier, &rig.verifier, ROLE_VERIFIER, 0);
	join(&broker.tftp_parser, &rig.tftp_parser, ROLE_TFTP_PARSER, 0);
	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		join(&broker.file_sender[i], &rig.file_sender[i], ROLE_FILE_SENDER, i);
		join(&broker.http_parser[i], &rig.http_parser[i], ROLE_HTTP_PARSER, i);
	}
	broker.ntls = RIG_TLS;
	for (unsigned j = 0; j < RIG_TLS; j++)
		join(&broker.tls[j], &rig.tls[j], ROLE_TLS, j);
}

static void
empty(struct chan *near, struct chan *far)
{
	chan_reset(near);
	chan_reset(far);
	chan_reset(near);
}

static void
empty_all(void)
{
	uint8_t notice[4];

	empty(&broker.verifier, &rig.verifier);
	empty(&broker.tftp_parser, &rig.tftp_parser);
	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		empty(&broker.file_sender[i], &rig.file_sender[i]);
		empty(&broker.http_parser[i], &rig.http_parser[i]);
	}
	for (unsigned j = 0; j < RIG_TLS; j++)
		empty(&broker.tls[j], &rig.tls[j]);
	while (recv(super, notice, sizeof notice, MSG_DONTWAIT) > 0)
		;
}

void
rig_init(void)
{
	struct start *st = &broker.start;

	st->workers = RIG_WORKERS;
	st->generation = 1;
	st->nlinks = 1;
	st->links[0] =
	    (struct link){.name = "eth0", .ifindex = 2, .mtu = 1500, .prefix = 24};
	st->links[0].address = rig_addr("10.77.0.1");
	broker.now_ms = 1000000;
	broker.wall_s = 1800000000;
	if (super < 0)
		set_up_once();
	empty_all();
	rig.closes = true;
	files_init();
}

static void
read_near(struct chan *near, unsigned batch)
{
	struct msg m;
	int fd;

	for (unsigned n = 0; n < batch && !near->breached; n++) {
		if (near->peer == ROLE_HTTP_PARSER && !files_may_read(near->index))
			return;
		if (chan_recv(near, &m, &fd) != 1)
			return;
		need(files_dispatch(near, &m, &fd), "a message without a handler");
		if (fd >= 0)
			close(fd);
	}
}

void
rig_turn(void)
{
	do {
		chan_flush(&rig.verifier);
		read_near(&broker.verifier, 4096);
	} while (chan_blocked(&rig.verifier) && !broker.verifier.breached);
	read_near(&broker.tftp_parser, 64);
	for (unsigned j = 0; j < RIG_TLS; j++)
		read_near(&broker.tls[j], 64);
	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		read_near(&broker.file_sender[i], 4096);
		read_near(&broker.http_parser[i], 64);
	}
	files_turn();
	chan_flush(&broker.verifier);
	for (unsigned i = 0; i < RIG_WORKERS; i++)
		chan_flush(&broker.file_sender[i]);
}

static void
pair_of(enum role role, unsigned index, struct chan **near, struct chan **far)
{
	switch (role) {
	case ROLE_VERIFIER:
		*near = &broker.verifier;
		*far = &rig.verifier;
		break;
	case ROLE_FILE_SENDER:
		*near = &broker.file_sender[index];
		*far = &rig.file_sender[index];
		break;
	case ROLE_HTTP_PARSER:
		*near = &broker.http_parser[index];
		*far = &rig.http_parser[index];
		break;
	case ROLE_TLS:
		*near = &broker.tls[index];
		*far = &rig.tls[index];
		break;
	default:
		*near = &broker.tftp_parser;
		*far = &rig.tftp_parser;
		break;
	}
}

void
rig_gone(enum role role, unsigned index)
{
	struct chan *near, *far;

	pair_of(role, index, &near, &far);
	chan_reset(near);
	chan_reset(far);
	files_gone(role, index);
	chan_flush(near);
}

void
rig_send(struct chan *far, const struct msg *m)
{
	need(chan_send(far, m) == 0, "the far end is full");
	chan_flush(far);
}

bool
rig_take(struct chan *far, struct msg *m)
{
	int fd, got = chan_recv(far, m, &fd);

	need(got >= 0, "the broker broke a rule");
	if (got == 1 && fd >= 0)
		close(fd);
	if (got == 1 && m->nr == MSG_DROP_TELL && rig.closes) {
		struct msg closed = {.nr = MSG_CLOSED_TELL};

		closed.u.closed_tell.memfd = m->u.drop_tell.memfd;
		rig_send(far, &closed);
	}
	return got == 1;
}

bool
rig_take_answer(struct chan *far, struct msg *m)
{
	while (rig_take(far, m))
		if (m->nr != MSG_MEMFD_TELL && m->nr != MSG_DROP_TELL &&
		    m->nr != MSG_RESET_TELL && m->nr != MSG_FREED_TELL &&
		    m->nr != MSG_USED_TELL)
			return true;
	return false;
}

bool
rig_fault(enum role role, unsigned index)
{
	uint8_t notice[4];
	bool found = false;

	while (recv(super, notice, sizeof notice, MSG_DONTWAIT) == 4)
		found |= notice[0] == NOTICE_FAULT && notice[1] == (uint8_t)role &&
			 notice[2] == index;
	return found;
}

void
rig_notice(enum notice notice, enum role role, unsigned index)
{
	uint8_t bytes[4] = {(uint8_t)notice, (uint8_t)role, (uint8_t)index, 0};

	need(send(super, bytes, sizeof bytes, 0) == sizeof bytes, "notice");
}

bool
rig_cleared(enum role role, unsigned index)
{
	uint8_t notice[4];
	bool found = false;

	while (recv(super, notice, sizeof notice, MSG_DONTWAIT) == 4)
		found |= notice[0] == NOTICE_CLEARED && notice[1] == (uint8_t)role &&
			 notice[2] == index;
	return found;
}

void
rig_memfd_odd(uint32_t number, size_t size, uint64_t size_said, bool sealed)
{
	struct msg m = {.nr = MSG_MEMFD_TELL};
	int fd = memfd_create("rig", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	need(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "memfd");
	if (sealed)
		need(fcntl(fd, F_ADD_SEALS, SEALS) == 0, "seals");
	m.u.memfd_tell.memfd = number;
	m.u.memfd_tell.size = size_said;
	need(chan_send_fd(&rig.verifier, &m, fd) == 0, "no room for a descriptor");
	close(fd);
}

void
rig_memfd(uint32_t number, size_t size)
{
	rig_memfd_odd(number, size, size, true);
}

void
rig_image(uint32_t number, const char *name, uint64_t version)
{
	struct msg m = {.nr = MSG_IMAGE_TELL};

	m.u.image_tell.image = number;
	snprintf(m.u.image_tell.name, sizeof m.u.image_tell.name, "%s", name);
	m.u.image_tell.version = version;
	m.u.image_tell.created = 1700000000;
	m.u.image_tell.expires = 1900000000;
	rig_send(&rig.verifier, &m);
}

void
rig_file(uint32_t image, const char *path, uint32_t memfd, uint64_t offset, uint64_t length)
{
	struct msg m = {.nr = MSG_FILE_TELL};
	struct msg_file_tell *t = &m.u.file_tell;

	t->image = image;
	snprintf(t->path, sizeof t->path, "%s", path);
	t->memfd = memfd;
	t->offset = offset;
	t->length = length;
	memset(t->hash, path[0], sizeof t->hash);
	rig_send(&rig.verifier, &m);
}

void
rig_boot(uint32_t image, enum arch arch, const char *loader, uint8_t templates)
{
	struct msg m = {.nr = MSG_BOOT_TELL};

	m.u.boot_tell.image = image;
	m.u.boot_tell.arch = (uint8_t)arch;
	snprintf(m.u.boot_tell.loader, sizeof m.u.boot_tell.loader, "%s", loader);
	m.u.boot_tell.templates = templates;
	rig_send(&rig.verifier, &m);
}

void
rig_number(enum msg_nr nr, uint32_t number)
{
	struct msg m = {.nr = nr};

	switch (nr) {
	case MSG_ACTIVE_TELL: m.u.active_tell.image = number; break;
	case MSG_RETIRE_TELL: m.u.retire_tell.image = number; break;
	default: m.u.drop_tell.memfd = number; break;
	}
	rig_send(&rig.verifier, &m);
}

void
rig_reset(struct chan *far)
{
	struct msg m = {.nr = MSG_RESET_TELL};

	m.u.reset_tell.generation = 2;
	rig_send(far, &m);
}

void
rig_debian(uint32_t number, uint64_t version, uint8_t templates)
{
	rig_memfd(number, 1000);
	rig_image(number, "debian", version);
	rig_file(number, "efi/shimx64.efi", number, 0, 100);
	rig_file(number, "efi/grubx64.efi", number, 100, 200);
	rig_file(number, "linux", number, 300, 700);
	rig_boot(number, ARCH_X64, "efi/shimx64.efi", templates);
	rig_number(MSG_ACTIVE_TELL, number);
	rig_turn();
}

struct msg_rrq_tell
rig_rrq(const char *name)
{
	struct msg_rrq_tell t = {
	    .peer = rig_addr(RIG_CLIENT), .port = 2000, .local = rig_addr("10.77.0.1")};

	snprintf(t.name, sizeof t.name, "%s", name);
	return t;
}

void
rig_send_rrq(const struct msg_rrq_tell *t)
{
	struct msg out = {.nr = MSG_RRQ_TELL};

	out.u.rrq_tell = *t;
	rig_send(&rig.tftp_parser, &out);
}

static void
announce(unsigned worker, uint64_t conn, const char *peer, uint8_t tls)
{
	struct msg m = {.nr = MSG_CONN_TELL};

	m.u.conn_tell.conn = conn;
	m.u.conn_tell.peer = rig_addr(peer);
	m.u.conn_tell.port = 40000;
	m.u.conn_tell.local = rig_addr("10.77.0.1");
	m.u.conn_tell.tls = tls;
	rig_send(&rig.file_sender[worker], &m);
}

void
rig_connect(unsigned worker, uint64_t conn, const char *peer)
{
	announce(worker, conn, peer, 0);
}

void
rig_connect_tls(unsigned worker, uint64_t conn, const char *peer, unsigned tls)
{
	announce(worker, conn, peer, (uint8_t)(tls + 1));
}

void
rig_client(unsigned tls, unsigned worker, uint64_t conn, uint8_t hash)
{
	struct msg m = {.nr = MSG_CLIENT_TELL};

	m.u.client_tell.worker = (uint8_t)worker;
	m.u.client_tell.conn = conn;
	memset(m.u.client_tell.hash, hash, sizeof m.u.client_tell.hash);
	strcpy(m.u.client_tell.name, "node1");
	rig_send(&rig.tls[tls], &m);
}

void
rig_end(unsigned worker, uint64_t conn)
{
	struct msg out = {.nr = MSG_END_TELL};

	out.u.end_tell.conn = conn;
	rig_send(&rig.file_sender[worker], &out);
}

struct msg
rig_get(uint64_t conn, const char *path)
{
	struct msg out = {.nr = MSG_GET_TELL};

	out.u.get_tell.conn = conn;
	out.u.get_tell.keep = 1;
	snprintf(out.u.get_tell.path, sizeof out.u.get_tell.path, "%s", path);
	return out;
}

struct session *
rig_session(const char *image)
{
	struct mac mac = rig_mac(RIG_MAC);
	struct addr client = rig_addr(RIG_CLIENT);
	struct session *s = session_open(&mac, broker.now_ms);

	s->arch = ARCH_X64;
	session_confirm(s);
	s->server = rig_addr("10.77.0.1");
	snprintf(s->image, sizeof s->image, "%s", image);
	session_add_addr(s, &client);
	return s;
}

struct addr
rig_addr(const char *text)
{
	struct addr a;

	need(addr_parse(text, &a) == 0, "address");
	return a;
}

struct mac
rig_mac(const char *text)
{
	struct mac m;

	need(mac_parse(text, &m) == 0, "hardware address");
	return m;
}
