/*
 * A broker's DHCP half in a test's own process; see the header.
 */
#include "tests/lib/dhcprig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privsep/msg.h"
#include "src/broker/image_table.h"
#include "src/broker/store.h"
#include "src/broker/probe.h"
#include "src/dhcp-sender/probe_check.h"
#include "src/dhcp-sender/reply_check.h"

const char rig_text[] =
    "images \"/nowhere/images\"; keyring \"/nowhere/keyring\";\n"
    "interface eth0; interface eth1;\n"
    "subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.109; router 10.77.0.1;\n"
    "  dns 10.77.0.2, 10.77.0.3; domain \"lab.example\"; lease-time 1h; }\n"
    "subnet 10.78.0.0/24 { pool 10.78.0.10 - 10.78.0.20; lease-time 1h; }\n"
    "subnet 10.88.0.0/24 { pool 10.88.0.10 - 10.88.0.20; router 10.88.0.1;\n"
    "  lease-time 1h; }\n"
    "host \"fixed\" { mac 52:54:00:77:00:60; address 10.77.0.60; }\n"
    "host \"inside\" { mac 52:54:00:77:00:61; address 10.77.0.105; }\n"
    "host \"denied\" { mac 52:54:00:77:00:62; boot deny; }\n"
    "host \"bare\" { mac 52:54:00:77:00:63; image \"bare\"; }\n"
    "boot { default image \"debian\"; unknown allow; ipxe-transport http;\n"
    "  sessions 64; session-time 1h; }\n"
    "dhcp { client-rate 0; }\n";

static char dir[64];

/* What dhcp-sender was asked to ask, oldest first. */
static struct {
	unsigned n;
	struct msg_probe_tell of[1024];
} probes;

static int far_end = -1;
static struct conf *conf;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
remove_dir(void)
{
	if (dir[0] != '\0')
		(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	dir[0] = '\0';
}

/* In memory where there is such a file system: every commit is an fdatasync. */
static void
make_dir(void)
{
	char path[96];

	if (dir[0] != '\0')
		return;
	snprintf(dir, sizeof dir, "%s/dhcprig.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(dir) != NULL, "mkdtemp");
	atexit(remove_dir);
	snprintf(path, sizeof path, "%s/broker", dir);
	must(mkdir(path, 0700) == 0, "mkdir");
}

static void
set_links(void)
{
	struct link *l = broker.start.links;

	memset(&broker.start, 0, sizeof broker.start);
	broker.start.nlinks = 2;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(l[i].name, sizeof l[i].name, "eth%u", i);
		l[i].mtu = 1500;
		l[i].prefix = 24;
		l[i].mac = (struct mac){{0x02, 0, 0, 0, 0, (uint8_t)(i + 1)}};
		l[i].address = addr_v4(UINT32_C(0x0a4d0001) + (i << 16));
	}
}

static void
set_channels(void)
{
	int pair[2];

	if (far_end >= 0)
		return;
	/* Numbers 3 and 4 mean the supervisor and the logger. */
	while (open("/dev/null", O_RDWR | O_CLOEXEC) < FD_LOG)
		;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	far_end = pair[1];
	chan_init(&broker.dhcp_sender, pair[0], ROLE_BROKER, ROLE_DHCP_SENDER, 0, 64);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	chan_init(&broker.dhcp_parser, pair[0], ROLE_BROKER, ROLE_DHCP_PARSER, 0, 4);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "pair");
	chan_init(&broker.link_parser, pair[0], ROLE_BROKER, ROLE_LINK_PARSER, 0, 4);
}

static void
serve_image(const char *name, unsigned archs, uint8_t templates, uint32_t nr)
{
	struct msg_image_tell m;
	struct image *image;

	memset(&m, 0, sizeof m);
	m.image = nr;
	snprintf(m.name, sizeof m.name, "%s", name);
	m.expires = UINT64_MAX;
	image = image_begin(&m);
	must(image != NULL, "image");
	for (unsigned i = 0; i < ARCH_MAX; i++) {
		if ((archs & 1u << i) == 0)
			continue;
		image->has_boot = (uint16_t)(image->has_boot | 1u << i);
		image->boots[i].templates = templates;
		snprintf(image->boots[i].loader, sizeof image->boots[i].loader,
		    "boot/%s.efi", arch_name((enum arch)i));
	}
	image->state = IMAGE_ACTIVE;
}

void
rig_images(bool serve)
{
	image_init();
	if (!serve)
		return;
	serve_image("debian", 1u << ARCH_BIOS | 1u << ARCH_X64 | 1u << ARCH_ARM64,
	    1u << TEMPLATE_IPXE, 1);
	serve_image("bare", 1u << ARCH_BIOS, 0, 2);
}

static void
open_all(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/broker", dir);
	session_init(conf->sessions_max, conf->session_time);
	dhcp_open_store(path);
	dhcp_start_store();
}

static void
parse(const char *text)
{
	static char all[65536];
	struct conf_text whole = {.conf = all};
	struct conf_error error;

	snprintf(all, sizeof all, "state \"%s\";\n%s", dir, text);
	whole.conf_len = strlen(all);
	if (conf_parse(&whole, &conf, &error) != 0) {
		fprintf(stderr, "line %u: %s\n", error.line, error.text);
		abort();
	}
	/* Requests are answered at once, but where a test is about that. */
	conf->probe = false;
	broker.conf = conf;
}

void
rig_start(const char *text)
{
	make_dir();
	set_links();
	set_channels();
	parse(text);
	probe_init();
	rig_images(true);
	probes.n = 0;
	open_all();
}

void
rig_probe(bool on)
{
	conf->probe = on;
}

void
rig_forget(void)
{
	struct addr own[2] = {broker.start.links[0].address, broker.start.links[1].address};

	session_init(conf->sessions_max, conf->session_time);
	must(lease_init(conf, own, 2) == 0, "lease_init");
}

void
rig_restart(void)
{
	store_close();
	open_all();
}

void
rig_reload(const char *text)
{
	struct conf *old = conf;

	store_close();
	parse(text);
	open_all();
	conf_free(old);
}

void
rig_stop(void)
{
	store_close();
	image_init();
	conf_free(conf);
	conf = NULL;
	remove_dir();
}

void
rig_pass(uint64_t seconds)
{
	broker.now_ms += seconds * 1000;
	broker.wall_s += seconds;
}

struct addr
rig_addr(const char *text)
{
	struct addr a;

	must(addr_parse(text, &a) == 0, text);
	return a;
}

struct msg_dhcp_tell
rig_request(uint8_t type, const char *mac)
{
	struct msg_dhcp_tell m;
	struct mac hw;

	must(mac_parse(mac, &hw) == 0, mac);
	memset(&m, 0, sizeof m);
	m.src = rig_addr("0.0.0.0");
	m.sport = 68;
	m.dst = rig_addr("255.255.255.255");
	m.type = type;
	m.xid = 0x12345678;
	m.htype = 1;
	m.hw.len = sizeof hw.b;
	memcpy(m.hw.b, hw.b, sizeof hw.b);
	return m;
}

void
rig_firmware(struct msg_dhcp_tell *m, uint16_t arch, uint8_t class60)
{
	m->has_arch = 1;
	m->arch = arch;
	m->class60 = class60;
	m->uuid.len = 17;
	memset(m->uuid.b + 1, 0x44, 16);
	m->max_size = 1472;
}

static void
keep_probe(const struct msg_probe_tell *m)
{
	if (probe_check(&broker.start, m) != NULL) {
		fprintf(stderr, "dhcp-sender: %s\n", probe_check(&broker.start, m));
		abort();
	}
	if (probes.n < sizeof probes.of / sizeof probes.of[0])
		probes.of[probes.n++] = *m;
}

bool
rig_take_probe(struct msg_probe_tell *m)
{
	static struct msg_reply_tell r;

	if (probes.n == 0)
		must(!rig_take(&r), "a reply before the question");
	if (probes.n == 0)
		return false;
	*m = probes.of[0];
	memmove(probes.of, probes.of + 1, --probes.n * sizeof probes.of[0]);
	return true;
}

bool
rig_take(struct msg_reply_tell *r)
{
	uint8_t bytes[MSG_SIZE_MAX];
	struct msg m;
	ssize_t n;

	chan_flush(&broker.dhcp_sender);
	do {
		n = recv(far_end, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n < 0)
			return false;
		must(msg_decode(bytes, (size_t)n, &m) == 0, "message");
		if (m.nr == MSG_PROBE_TELL)
			keep_probe(&m.u.probe_tell);
	} while (m.nr == MSG_PROBE_TELL);
	must(m.nr == MSG_REPLY_TELL, "reply");
	*r = m.u.reply_tell;
	/* What the mouth does not take ends the broker. */
	if (reply_check(&broker.start, r) != NULL) {
		fprintf(stderr, "dhcp-sender: %s\n", reply_check(&broker.start, r));
		abort();
	}
	return true;
}

bool
rig_ask_only(const struct msg_dhcp_tell *m, struct msg_reply_tell *r)
{
	on_dhcp_tell(&broker.dhcp_parser, m);
	return rig_take(r);
}

bool
rig_commit(struct msg_reply_tell *r)
{
	struct pollfd p = {dhcp_store_fd(), POLLIN, 0};

	if (store_pending() == 0)
		return false;
	dhcp_commit();
	/* A fuzzer's own timer interrupts. */
	must(TEMP_FAILURE_RETRY(poll(&p, 1, 10000)) == 1, "commit");
	dhcp_completed();
	return rig_take(r);
}

bool
rig_ask(const struct msg_dhcp_tell *m, struct msg_reply_tell *r)
{
	bool direct = rig_ask_only(m, r);

	return rig_commit(r) || direct;
}
