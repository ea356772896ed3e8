/*
 * A load of HTTP clients, for comparing servers: so many connections, each asks for the
 * same file again and again from an address of its own.
 *
 *	httpload -s SERVER -f FILE -a ADDRESSES|-A FIRST [-p PORT] [-n CONNECTIONS]
 *	    [-t SECONDS | -c REQUESTS] [-k] [-S [-V 1.2|1.3] [-g SIGNATURES]] PATH
 *
 *	-f  what must arrive: every length, and a sample of the bytes
 *	-a  a file, the last word of each line is an address (dhcpload -a writes it)
 *	-A  the first of as many addresses as there are connections
 *	-c  until so many requests have ended; else -t seconds (3)
 *	-k  a new connection for each request
 *	-S  TLS, never resumed; -g signature algorithms, which choose the certificate
 *
 * Prints one line. p50 and p99 are of a request, with the connection's making where it is
 * new, in microseconds; mbps counts the bytes of unfinished ones too.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/http_client.h"

#define EVENTS 256
#define TICK_US 100000
#define SAMPLES (1u << 22)

static struct {
	const char *addresses, *first, *file, *version;
	char *sigalgs;
	unsigned requests;
	double seconds;
	bool tls;
} opt = {.seconds = 3};

static struct httpc_setup setup = {.port = 80, .conns = 1, .timeout_us = 30000000};
static struct load_addrs addrs;
static struct load_file file;
static struct load_samples took;
static uint64_t *begun;
static uint64_t good, bad, started;

static void
start(unsigned conn)
{
	uint64_t now = load_us();

	if (opt.requests != 0 && started == opt.requests)
		return;
	started++;
	begun[conn] = now;
	httpc_begin(conn, now);
}

/* What has failed is begun again by the clock, not at once. */
static void
on_end(unsigned conn, bool is_good)
{
	if (is_good) {
		good++;
		load_sample(&took, load_us() - begun[conn]);
		start(conn);
	} else {
		bad++;
		begun[conn] = 0;
	}
}

static bool
over(uint64_t now, uint64_t stop)
{
	return opt.requests != 0 ? good + bad >= opt.requests : now >= stop;
}

static void
tick(uint64_t now)
{
	httpc_tick(now);
	for (unsigned i = 0; i < setup.conns; i++)
		if (begun[i] == 0)
			start(i);
}

static double
run(void)
{
	uint64_t from = load_us(), stop = from + (uint64_t)(opt.seconds * 1e6);
	uint64_t now = from, ticked = from;
	struct epoll_event e[EVENTS];

	for (unsigned i = 0; i < setup.conns; i++)
		start(i);
	while (!over(now, stop)) {
		int n = epoll_wait(setup.epoll, e, EVENTS, 20);

		for (int i = 0; i < n; i++)
			httpc_event((unsigned)e[i].data.u64);
		now = load_us();
		if (now - ticked >= TICK_US) {
			ticked = now;
			tick(now);
		}
	}
	return (double)(now - from) / 1e6;
}

static void
report(double seconds)
{
	const struct httpc_counts *c = &httpc_counts;

	printf("done=%llu failed=%llu wrong=%llu seconds=%.3f bytes=%llu mbps=%.1f "
	       "done_s=%.1f p50=%u p99=%u timeouts=%llu closed=%llu opened=%llu "
	       "handshakes=%llu\n",
	    (unsigned long long)good, (unsigned long long)bad, (unsigned long long)c->wrong,
	    seconds, (unsigned long long)c->bytes, (double)c->bytes / seconds / 1e6,
	    (double)good / seconds, load_percentile(&took, 500),
	    load_percentile(&took, 990), (unsigned long long)c->timeouts,
	    (unsigned long long)c->closed, (unsigned long long)c->opened,
	    (unsigned long long)c->handshakes);
}

static void
read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:f:a:A:p:n:t:c:kSV:g:")) != -1) {
		switch (c) {
		case 's': setup.server = load_address(optarg); break;
		case 'f': opt.file = optarg; break;
		case 'a': opt.addresses = optarg; break;
		case 'A': opt.first = optarg; break;
		case 'p': setup.port = (uint16_t)atoi(optarg); break;
		case 'n': setup.conns = (unsigned)atoi(optarg); break;
		case 't': opt.seconds = atof(optarg); break;
		case 'c': opt.requests = (unsigned)atoi(optarg); break;
		case 'k': setup.renew = true; break;
		case 'S': opt.tls = true; break;
		case 'V': opt.version = optarg; break;
		case 'g': opt.sigalgs = optarg; break;
		default: exit(2);
		}
	}
	if (setup.server.s_addr == 0 || opt.file == NULL || setup.conns == 0 ||
	    (opt.addresses == NULL) == (opt.first == NULL) || optind + 1 != argc) {
		fprintf(stderr,
		    "httpload: -s SERVER -f FILE -a FILE|-A FIRST [options] PATH\n");
		exit(2);
	}
	setup.path = argv[optind];
}

int
main(int argc, char **argv)
{
	read_options(argc, argv);
	load_raise_limits();
	signal(SIGPIPE, SIG_IGN);
	load_file_open(&file, opt.file);
	if (opt.addresses != NULL)
		load_addrs_read(&addrs, opt.addresses, setup.conns);
	else
		load_addrs_make(&addrs, opt.first, setup.conns);
	load_samples_init(&took, SAMPLES);
	begun = calloc(setup.conns, sizeof *begun);
	setup.epoll = epoll_create1(0);
	if (begun == NULL || setup.epoll < 0)
		load_die("start");
	if (opt.tls)
		setup.tls = httpc_tls(opt.version, opt.sigalgs);
	setup.addrs = &addrs;
	setup.file = &file;
	setup.ended = on_end;
	httpc_init(&setup);
	report(run());
	return 0;
}
