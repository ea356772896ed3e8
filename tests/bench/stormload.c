/*
 * Machines that are all switched on at once, for comparing servers: each asks for a lease
 * (behind a relay agent), loads a loader by TFTP and a kernel by HTTP from the address that
 * it got.
 *
 *	stormload -s SERVER [-h HTTP-SERVER] -g RELAY [-n MACHINES] [-o FIRST] [-r RAMP-MS]
 *	    [-t SECONDS] -l LOADER -k KERNEL LOADER-NAME KERNEL-PATH
 *
 *	-l, -k  the files that must arrive
 *	-r  the time over which they are switched on (0)
 *	-t  who is not done by then has failed (300)
 *	-o  the number of the first machine, from which its hardware address is made
 *
 * They repeat as firmware does: DHCP after 4, 8, 16 and 32 seconds, TFTP after 4 seconds,
 * six times; windows of 4 blocks of 1468 bytes. All addresses must be local here.
 *
 * Prints one line. All times are microseconds; `seconds` is until the last one was done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/bench/dhcp_packet.h"
#include "tests/bench/http_client.h"
#include "tests/bench/tftp_client.h"

#define EVENTS 256
#define TICK_US 20000
#define BATCH 64
#define DHCP_WAIT_US 4000000
#define DHCP_TRIES 4
#define MACHINES_MAX 60000u

enum { TAG_DHCP, TAG_TFTP, TAG_HTTP };
enum phase { OFF, OFFERING, REQUESTING, LOADING, FETCHING, DONE, FAILED };
enum { TIME_DHCP, TIME_TFTP, TIME_HTTP, TIME_ALL, TIMES };

struct machine {
	uint8_t phase, tries;
	uint32_t server; /* who offered */
	uint64_t begun, since, deadline;
};

static struct {
	struct sockaddr_in dhcp;
	struct in_addr http, relay;
	unsigned machines, first, seconds;
	uint64_t ramp_us;
	const char *loader, *kernel;
} opt = {.machines = 1000, .seconds = 300};

static struct tftpc_setup tftp = {
    .blksize = 1468, .window = 4, .timeout_us = 4000000, .tries = 6, .tag = TAG_TFTP};
static struct httpc_setup http = {
    .port = 80, .timeout_us = UINT64_C(300000000), .tag = TAG_HTTP};
static struct load_addrs addrs;
static struct load_file loader, kernel;
static struct load_samples took[TIMES];
static struct machine *machines;
static unsigned ended, failed[TIMES], naks, resent;
static uint64_t now_us, last_us;
static int epoll, dhcp_fd;

/* ------------------------------------------------------------------------ phases */

static void
next_phase(struct machine *m, enum phase phase, unsigned over)
{
	load_sample(&took[over], now_us - m->since);
	m->since = now_us;
	m->phase = (uint8_t)phase;
}

static void
give_up(struct machine *m, unsigned in)
{
	m->phase = FAILED;
	failed[in]++;
	ended++;
}

static void
on_loaded(unsigned i, bool good)
{
	struct machine *m = &machines[i];

	now_us = load_us();
	if (!good) {
		give_up(m, TIME_TFTP);
		return;
	}
	next_phase(m, FETCHING, TIME_TFTP);
	httpc_begin(i, now_us);
}

static void
on_fetched(unsigned i, bool good)
{
	struct machine *m = &machines[i];

	now_us = load_us();
	if (m->phase != FETCHING)
		return;
	if (!good) {
		give_up(m, TIME_HTTP);
		return;
	}
	next_phase(m, DONE, TIME_HTTP);
	load_sample(&took[TIME_ALL], now_us - m->begun);
	last_us = now_us;
	ended++;
}

/* -------------------------------------------------------------------------- DHCP */

static void
send_dhcp(unsigned i)
{
	struct machine *m = &machines[i];
	struct dhcp_packet p = {.type = m->phase == OFFERING ? DHCP_DISCOVER : DHCP_REQUEST,
	    .xid = i,
	    .client = opt.first + i,
	    .address = addrs.all[i],
	    .server = m->server,
	    .relay = opt.relay,
	    .pxe = true};
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t len = dhcp_packet_make(bytes, &p);

	m->deadline = now_us + ((uint64_t)DHCP_WAIT_US << m->tries);
	if (sendto(dhcp_fd, bytes, len, 0, (struct sockaddr *)&opt.dhcp, sizeof opt.dhcp) <
		0 &&
	    errno != ENOBUFS && errno != ECONNREFUSED)
		load_die("sending");
}

static void
on_reply(const struct dhcp_packet *p)
{
	struct machine *m = &machines[p->xid];

	if (p->type == DHCP_OFFER && m->phase == OFFERING && p->address != 0) {
		m->phase = REQUESTING;
		m->tries = 0;
		m->server = p->server;
		addrs.all[p->xid] = p->address;
		send_dhcp(p->xid);
	} else if (p->type == DHCP_ACK && m->phase == REQUESTING) {
		addrs.all[p->xid] = p->address;
		next_phase(m, LOADING, TIME_DHCP);
		tftpc_set_address(p->xid);
		tftpc_begin(p->xid, now_us);
	} else if (p->type == DHCP_NAK && m->phase == REQUESTING) {
		naks++;
		m->phase = OFFERING;
		send_dhcp(p->xid);
	}
}

static void
hear_dhcp(void)
{
	static uint8_t bytes[BATCH][1500];
	struct iovec iov[BATCH];
	struct mmsghdr hdr[BATCH];
	int n;

	do {
		for (unsigned i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){bytes[i], sizeof bytes[i]};
			hdr[i].msg_hdr =
			    (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		}
		n = recvmmsg(dhcp_fd, hdr, BATCH, MSG_DONTWAIT, NULL);
		now_us = load_us();
		for (int i = 0; i < n; i++) {
			struct dhcp_packet p;

			if (dhcp_packet_read(bytes[i], hdr[i].msg_len, &p) &&
			    p.xid < opt.machines)
				on_reply(&p);
		}
	} while (n == BATCH);
}

static void
tick_dhcp(void)
{
	for (unsigned i = 0; i < opt.machines; i++) {
		struct machine *m = &machines[i];

		if ((m->phase != OFFERING && m->phase != REQUESTING) ||
		    now_us < m->deadline)
			continue;
		if (m->tries++ == DHCP_TRIES) {
			give_up(m, TIME_DHCP);
			continue;
		}
		resent++;
		send_dhcp(i);
	}
}

/* -------------------------------------------------------------------------- runs */

/* Switches on all whose time has come. Returns how many are on. */
static unsigned
switch_on(unsigned on, uint64_t start)
{
	while (on < opt.machines && now_us - start >= opt.ramp_us * on / opt.machines) {
		struct machine *m = &machines[on];

		m->phase = OFFERING;
		m->begun = m->since = now_us;
		send_dhcp(on++);
	}
	return on;
}

static void
on_event(uint64_t tag)
{
	unsigned which = (unsigned)(uint32_t)tag;

	switch (tag >> 32) {
	case TAG_DHCP: hear_dhcp(); break;
	case TAG_TFTP: tftpc_readable(which); break;
	default: httpc_event(which); break;
	}
}

static void
run(uint64_t start)
{
	uint64_t stop = start + opt.seconds * UINT64_C(1000000), ticked = start;
	struct epoll_event e[EVENTS];
	unsigned on = 0;

	now_us = start;
	while (ended < opt.machines && now_us < stop) {
		int n;

		on = switch_on(on, start);
		tftpc_flush();
		n = epoll_wait(epoll, e, EVENTS, on < opt.machines ? 1 : TICK_US / 1000);
		for (int i = 0; i < n; i++)
			on_event(e[i].data.u64);
		now_us = load_us();
		if (now_us - ticked < TICK_US)
			continue;
		ticked = now_us;
		tick_dhcp();
		tftpc_tick(now_us);
		httpc_tick(now_us);
	}
}

static void
report(uint64_t start)
{
	static const char *const names[TIMES] = {"dhcp", "tftp", "http", "all"};
	unsigned good = took[TIME_ALL].n;
	uint64_t bytes = tftpc_counts.bytes + httpc_counts.bytes;
	double seconds = (double)(last_us - start) / 1e6;

	printf(
	    "machines=%u done=%u failed=%u fail_dhcp=%u fail_tftp=%u fail_http=%u "
	    "wrong=%llu seconds=%.3f bytes=%llu mbps=%.1f resent=%u naks=%u timeouts=%llu "
	    "gaps=%llu duplicates=%llu",
	    opt.machines, good, opt.machines - good, failed[TIME_DHCP], failed[TIME_TFTP],
	    failed[TIME_HTTP],
	    (unsigned long long)(tftpc_counts.wrong + httpc_counts.wrong),
	    good > 0 ? seconds : 0.0, (unsigned long long)bytes,
	    good > 0 ? (double)bytes / seconds / 1e6 : 0.0, resent, naks,
	    (unsigned long long)tftpc_counts.timeouts,
	    (unsigned long long)tftpc_counts.gaps,
	    (unsigned long long)tftpc_counts.duplicates);
	for (unsigned i = 0; i < TIMES; i++)
		printf(" %s_p50=%u %s_p99=%u", names[i], load_percentile(&took[i], 500),
		    names[i], load_percentile(&took[i], 990));
	printf("\n");
}

/* ------------------------------------------------------------------------- start */

static void
read_options(int argc, char **argv)
{
	int c;

	opt.dhcp = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(67)};
	while ((c = getopt(argc, argv, "s:h:g:n:o:r:t:l:k:")) != -1) {
		switch (c) {
		case 's': opt.dhcp.sin_addr = load_address(optarg); break;
		case 'h': opt.http = load_address(optarg); break;
		case 'g': opt.relay = load_address(optarg); break;
		case 'n': opt.machines = (unsigned)atoi(optarg); break;
		case 'o': opt.first = (unsigned)atoi(optarg); break;
		case 'r': opt.ramp_us = (uint64_t)atoi(optarg) * 1000; break;
		case 't': opt.seconds = (unsigned)atoi(optarg); break;
		case 'l': opt.loader = optarg; break;
		case 'k': opt.kernel = optarg; break;
		default: exit(2);
		}
	}
	if (opt.dhcp.sin_addr.s_addr == 0 || opt.relay.s_addr == 0 || opt.machines == 0 ||
	    opt.machines > MACHINES_MAX || opt.loader == NULL || opt.kernel == NULL ||
	    optind + 2 != argc) {
		fprintf(stderr, "stormload -s SERVER -g RELAY -l FILE -k FILE [options] "
				"LOADER KERNEL\n");
		exit(2);
	}
	if (opt.http.s_addr == 0)
		opt.http = opt.dhcp.sin_addr;
	tftp.name = argv[optind];
	http.path = argv[optind + 1];
}

static void
init(void)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)TAG_DHCP << 32};

	machines = calloc(opt.machines, sizeof *machines);
	epoll = epoll_create1(0);
	if (machines == NULL || epoll < 0)
		load_die("start");
	/* Nobody has an address yet. */
	load_addrs_make(&addrs, "0.0.0.0", opt.machines);
	for (unsigned i = 0; i < TIMES; i++)
		load_samples_init(&took[i], opt.machines);
	load_file_open(&loader, opt.loader);
	load_file_open(&kernel, opt.kernel);
	tftp.server = opt.dhcp.sin_addr;
	http.server = opt.http;
	tftp.addrs = http.addrs = &addrs;
	tftp.epoll = http.epoll = epoll;
	tftp.file = &loader;
	http.file = &kernel;
	http.conns = opt.machines;
	http.renew = true;
	tftp.ended = on_loaded;
	http.ended = on_fetched;
	tftpc_init(&tftp);
	httpc_init(&http);
	dhcp_fd = dhcp_packet_socket(opt.relay);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, dhcp_fd, &e) != 0)
		load_die("epoll");
}

int
main(int argc, char **argv)
{
	uint64_t start;

	read_options(argc, argv);
	load_raise_limits();
	signal(SIGPIPE, SIG_IGN);
	init();
	start = load_us();
	run(start);
	report(start);
	return 0;
}
