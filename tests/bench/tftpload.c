/*
 * A load of TFTP clients, for comparing servers: each fetches the same file again and
 * again from an address of its own.
 *
 *	tftpload -s SERVER -f FILE -a ADDRESSES|-A FIRST [-n CLIENTS] [-b BLKSIZE]
 *	    [-w WINDOW] [-t SECONDS | -c TRANSFERS] [-T TIMEOUT-MS] NAME
 *
 *	-f  what must arrive: every length, and one block in 16 byte by byte
 *	-a  a file, the last word of each line is an address (dhcpload -a writes it)
 *	-A  the first of as many addresses as there are clients
 *	-c  until so many transfers have ended; else after -t seconds (3) all is cut off
 *
 * Prints one line. mbps counts the bytes of unfinished transfers too, p50 and p99 (of a
 * whole transfer, microseconds) only finished ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/tftp_client.h"

#define EVENTS 16
#define TICK_US 20000
#define SAMPLES (1u << 20)

static struct {
	const char *addresses, *first, *file;
	unsigned clients, transfers;
	double seconds;
} opt = {.clients = 1, .seconds = 3};

static struct tftpc_setup setup = {
    .blksize = 1468, .window = 1, .timeout_us = 1000000, .tries = 8};
static struct load_addrs addrs;
static struct load_file file;
static struct load_samples took;
static uint64_t *begun;
static uint64_t good, bad, started;
static bool stopping;

static void
start(unsigned client)
{
	uint64_t now = load_us();

	if (stopping || (opt.transfers != 0 && started == opt.transfers))
		return;
	started++;
	begun[client] = now;
	tftpc_begin(client, now);
}

static void
on_end(unsigned client, bool is_good)
{
	if (is_good) {
		good++;
		load_sample(&took, load_us() - begun[client]);
	} else {
		bad++;
	}
	start(client);
}

static bool
over(uint64_t now, uint64_t stop)
{
	return opt.transfers != 0 ? good + bad == opt.transfers : now >= stop;
}

/* Returns how long it took, in seconds. */
static double
run(void)
{
	uint64_t from = load_us(), stop = from + (uint64_t)(opt.seconds * 1e6);
	uint64_t now = from, ticked = from;
	struct epoll_event e[EVENTS];

	for (unsigned i = 0; i < addrs.n; i++)
		start(i);
	while (!over(now, stop)) {
		int n;

		tftpc_flush();
		n = epoll_wait(setup.epoll, e, EVENTS, TICK_US / 1000);
		for (int i = 0; i < n; i++)
			tftpc_readable((unsigned)e[i].data.u64);
		now = load_us();
		if (now - ticked >= TICK_US) {
			ticked = now;
			tftpc_tick(now);
		}
	}
	stopping = true;
	tftpc_abort();
	return (double)(now - from) / 1e6;
}

static void
report(double seconds)
{
	const struct tftpc_counts *c = &tftpc_counts;

	printf("done=%llu failed=%llu wrong=%llu errors=%llu seconds=%.3f bytes=%llu "
	       "mbps=%.1f done_s=%.1f p50=%u p99=%u timeouts=%llu gaps=%llu "
	       "duplicates=%llu blksize=%u window=%u\n",
	    (unsigned long long)good, (unsigned long long)bad, (unsigned long long)c->wrong,
	    (unsigned long long)c->errors, seconds, (unsigned long long)c->bytes,
	    (double)c->bytes / seconds / 1e6, (double)good / seconds,
	    load_percentile(&took, 500), load_percentile(&took, 990),
	    (unsigned long long)c->timeouts, (unsigned long long)c->gaps,
	    (unsigned long long)c->duplicates, c->blksize, c->window);
}

static void
read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:f:a:A:n:b:w:t:c:T:")) != -1) {
		switch (c) {
		case 's': setup.server = load_address(optarg); break;
		case 'f': opt.file = optarg; break;
		case 'a': opt.addresses = optarg; break;
		case 'A': opt.first = optarg; break;
		case 'n': opt.clients = (unsigned)atoi(optarg); break;
		case 'b': setup.blksize = (unsigned)atoi(optarg); break;
		case 'w': setup.window = (unsigned)atoi(optarg); break;
		case 't': opt.seconds = atof(optarg); break;
		case 'c': opt.transfers = (unsigned)atoi(optarg); break;
		case 'T': setup.timeout_us = (unsigned)atoi(optarg) * 1000; break;
		default: exit(2);
		}
	}
	if (setup.server.s_addr == 0 || opt.file == NULL || opt.clients == 0 ||
	    (opt.addresses == NULL) == (opt.first == NULL) || optind + 1 != argc) {
		fprintf(stderr,
		    "tftpload: -s SERVER -f FILE -a FILE|-A FIRST [options] NAME\n");
		exit(2);
	}
	setup.name = argv[optind];
}

int
main(int argc, char **argv)
{
	read_options(argc, argv);
	load_file_open(&file, opt.file);
	if (opt.addresses != NULL)
		load_addrs_read(&addrs, opt.addresses, opt.clients);
	else
		load_addrs_make(&addrs, opt.first, opt.clients);
	load_samples_init(&took, SAMPLES);
	begun = calloc(addrs.n, sizeof *begun);
	setup.epoll = epoll_create1(0);
	if (begun == NULL || setup.epoll < 0)
		load_die("start");
	setup.addrs = &addrs;
	setup.file = &file;
	setup.ended = on_end;
	tftpc_init(&setup);
	report(run());
	return 0;
}
