/*
 * All of TFTP in file-sender but the sockets: windows in few calls, a kernel that is full
 * or cannot cut, turns, limits, what a forged address costs.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "src/wire/tftp.h"
#include "tests/lib/tftp_kernel.h"

#define ALL (TFTP_BLKSIZE | TFTP_TSIZE | TFTP_TIMEOUT | TFTP_WINDOWSIZE)
#define SIZED (TFTP_BLKSIZE | TFTP_WINDOWSIZE)

static struct addr client, server;

/* Granted, its OACK acknowledged; the first window is in the log. */
static struct msg_tftp_grant_tell
running(uint16_t port, uint16_t blksize, uint16_t window, uint64_t length)
{
	struct msg_tftp_grant_tell g = kernel_grant(port, SIZED, blksize, window, length);

	client = g.peer;
	server = g.local;
	kernel_begin(&g);
	kernel_say(&g.peer, port, 4, 0);
	kernel_clear();
	kernel_turn();
	return g;
}

static void
check_blocks(unsigned i, uint64_t first, unsigned count, uint32_t blksize)
{
	for (unsigned k = 0; k < count; k++)
		kernel_check_block(i + k, first + k, blksize, blksize);
}

static unsigned
used(void)
{
	return TFTP_TRANSFERS - tftp.table.nfree;
}

/* ------------------------------------------------------------------------- speed */

static void
window_is_one_call(void **state)
{
	(void)state;
	running(2000, 1468, 16, 16 * 1468 * 2 + 7);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.trains, 1);
	assert_int_equal(kernel.sent, 16);
	check_blocks(0, 1, 16, 1468);
	assert_true(addr_equal(&kernel.log[3].peer, &client));
	assert_true(addr_equal(&kernel.log[3].local, &server));
	assert_int_equal(kernel.log[3].port, 2000);
	kernel_say(&client, 2000, 4, 16);
	kernel_turn();
	kernel_clear();
	/* The last window: one block, and shorter. */
	kernel_say(&client, 2000, 4, 32);
	kernel_turn();
	assert_int_equal(kernel.sent, 1);
	kernel_check_block(0, 33, 1468, 7);
	kernel_say(&client, 2000, 4, 33);
	kernel_turn();
	assert_int_equal(kernel.sent, 1);
}

/* A shorter block ends a train, and lies in it. */
static void
shorter_last_block_goes_along(void **state)
{
	(void)state;
	running(2000, 1000, 16, 5001);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.trains, 1);
	check_blocks(0, 1, 5, 1000);
	kernel_check_block(5, 6, 1000, 1);
	running(2001, 1000, 16, 5000);
	assert_int_equal(kernel.trains, 1);
	kernel_check_block(5, 6, 1000, 0);
}

/* 64 segments and 65507 bytes are the most that a kernel cuts. */
static void
long_windows_are_few_trains(void **state)
{
	(void)state;
	running(2000, 1468, 64, 1000000);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.trains, 2);
	assert_int_equal(kernel.train_most, 44 * 1472);
	check_blocks(0, 1, 64, 1468);
	running(2001, 100, 200, 1000000);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.trains, 4);
	assert_int_equal(kernel.sent, 200);
	check_blocks(0, 1, 200, 100);
	/* Blocks of which two do not fit together go alone. */
	running(2002, 40000, 3, 1000000);
	assert_int_equal(kernel.trains, 0);
	assert_int_equal(kernel.sent, 3);
}

/* What several clients are sent in one turn is one call. */
static void
clients_share_calls(void **state)
{
	struct msg_tftp_grant_tell g = {0};

	(void)state;
	for (uint16_t p = 0; p < 50; p++)
		g = running((uint16_t)(2000 + p), 512, 1, 100000);
	kernel_clear();
	for (uint16_t p = 0; p < 50; p++)
		kernel_say(&g.peer, (uint16_t)(2000 + p), 4, 1);
	kernel_turn();
	assert_int_equal(kernel.sent, 50);
	assert_int_equal(kernel.calls, 1);
	for (unsigned i = 0; i < 50; i++)
		kernel_check_block(i, 2, 512, 512);
}

static void
uncut_where_it_is_refused(void **state)
{
	static const int errors[] = {EIO, EINVAL, EOPNOTSUPP, EMSGSIZE};
	unsigned before = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint16_t port = (uint16_t)(2000 + i);

		kernel.cut_error = errors[i];
		running(port, 1468, 16, 100000);
		assert_int_equal(kernel.trains, 0);
		assert_int_equal(kernel.sent, 16);
		check_blocks(0, 1, 16, 1468);
		assert_int_equal(tftp.out.uncut, before + 1);
		/* Not tried on this path again. */
		kernel_clear();
		kernel.cut_error = 0;
		kernel_say(&client, port, 4, 16);
		kernel_turn();
		assert_int_equal(kernel.trains, 0);
		assert_int_equal(kernel.calls, 1);
		check_blocks(0, 17, 16, 1468);
		before = (unsigned)tftp.out.uncut;
	}
	assert_int_equal(tftp.out.refused, 0);
}

/* ------------------------------------------------------------- a kernel that is full */

/* Whatever the kernel takes at a time, a client hears every block once, in order. */
static void
full_kernel_keeps_the_order(void **state)
{
	(void)state;
	for (unsigned cut = 0; cut < 2; cut++)
		for (unsigned room = 1; room < 8; room++) {
			uint16_t port = (uint16_t)(2000 + 10 * cut + room);
			struct msg_tftp_grant_tell g =
			    kernel_grant(port, SIZED, 1000, 100, 250000);

			kernel.cut_error = cut ? 0 : EIO;
			kernel.room = UINT32_MAX;
			kernel_begin(&g);
			kernel_say(&g.peer, port, 4, 0);
			kernel_clear();
			for (unsigned i = 0; i < 200 && kernel.sent < 100; i++) {
				kernel.room = i % 2 == 0 ? room : 0;
				kernel_wait(i == 0 ? 0 : TFTP_XFER_UNSENT_MS);
			}
			assert_int_equal(kernel.sent, 100);
			check_blocks(0, 1, 100, 1000);
			kernel.room = UINT32_MAX;
			kernel_say(&g.peer, port, 5, 0);
			kernel_turn();
		}
}

/* ENOBUFS is the same; anything else loses the datagram, and the clock repeats it. */
static void
other_errors_lose_datagrams(void **state)
{
	(void)state;
	running(2000, 512, 1, 100000);
	kernel.next_error = ENOBUFS;
	kernel.next_n = 1;
	kernel_say(&client, 2000, 4, 1);
	kernel_clear();
	kernel_turn();
	assert_int_equal(kernel.sent, 0);
	kernel_wait(TFTP_XFER_UNSENT_MS);
	kernel_check_block(0, 2, 512, 512);
	kernel.next_error = EHOSTUNREACH;
	kernel.next_n = 1;
	kernel_say(&client, 2000, 4, 2);
	kernel_clear();
	kernel_turn();
	assert_int_equal(kernel.sent, 0);
	assert_int_equal(tftp.out.refused, 1);
	kernel_wait(TFTP_XFER_INTERVAL_MIN);
	kernel_check_block(0, 3, 512, 512);
}

/* ------------------------------------------------------------------------- port 69 */

static void
tell(const struct msg_tftp_grant_tell *g, uint8_t link, bool error, uint16_t number)
{
	struct msg_tftp_relay_tell m = {.link = link,
	    .peer = g->peer,
	    .port = g->port,
	    .local = g->local,
	    .error = error,
	    .number = number};

	assert_int_equal(tftp_told(&tftp, &m, now), 0);
	tftp_flush(&tftp);
}

static void
single_port(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(2000, SIZED, 1000, 2, 2500);
	struct msg_tftp_relay_tell m = {.link = 2};

	(void)state;
	g.single = 1;
	g.link = 1;
	kernel_begin(&g);
	assert_int_equal(kernel.log[0].fd, FD_SINGLE + 1);
	assert_int_equal(kernel.log[0].opcode, 6);
	/* Another link; not the pool's business either. */
	tell(&g, 0, false, 0);
	assert_int_equal(kernel.sent, 1);
	tell(&g, 1, false, 0);
	assert_int_equal(kernel.sent, 3);
	assert_int_equal(kernel.log[2].fd, FD_SINGLE + 1);
	check_blocks(1, 1, 2, 1000);
	tell(&g, 1, false, 2);
	kernel_check_block(3, 3, 1000, 500);
	tell(&g, 1, false, 3);
	/* It is over; from port 69 nobody is told that he is unknown. */
	tell(&g, 1, false, 3);
	g.port = 2001;
	tell(&g, 1, false, 3);
	assert_int_equal(kernel.sent, 4);
	assert_int_equal(tftp_told(&tftp, &m, now), ERR_RANGE);
	g.link = 2;
	assert_int_equal(tftp_grant(&tftp, &g, now), ERR_RANGE);
}

/* Anybody can forge the ICMP message that makes the next send on a connected socket fail.
 */
static void
forged_icmp_costs_a_few_calls(void **state)
{
	static const int errors[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH};
	struct msg_tftp_grant_tell g = kernel_grant(2000, SIZED, 1000, 2, 2500);

	(void)state;
	g.single = 1;
	for (unsigned i = 0; i < 3; i++) {
		kernel_clear();
		kernel.next_error = errors[i];
		kernel.next_n = 4;
		g.port++;
		kernel_begin(&g);
		assert_int_equal(kernel.sent, 1);
		assert_int_equal(kernel.calls, 5);
	}
	/* A flood of them holds nothing up. */
	kernel_clear();
	kernel.next_n = 1000;
	g.port++;
	kernel_begin(&g);
	assert_int_equal(kernel.sent, 0);
	assert_int_equal(kernel.calls, 5);
	kernel.next_n = 0;
	kernel_wait(TFTP_XFER_INTERVAL_MS);
	assert_int_equal(kernel.sent, 4);
}

/* ---------------------------------------------------------------------------- IPv6 */

static void
ipv6(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(2000, SIZED, 1000, 4, 100000);

	(void)state;
	assert_int_equal(addr_parse("fd00::1", &g.local), 0);
	assert_int_equal(addr_parse("fd00::99", &g.peer), 0);
	kernel_begin(&g);
	kernel_say(&g.peer, 2000, 4, 0);
	kernel_turn();
	assert_int_equal(kernel.sent, 5);
	assert_in_range(kernel.log[1].fd, FD_POOL + KERNEL_POOL,
	    FD_POOL + KERNEL_POOL + KERNEL_POOL6 - 1);
	assert_true(addr_equal(&kernel.log[1].peer, &g.peer));
	assert_true(addr_equal(&kernel.log[1].local, &g.local));
	assert_int_equal(kernel.log[1].scope, 0);
	assert_int_equal(kernel.trains, 1);
	check_blocks(1, 1, 4, 1000);
	/* A link-local address is one of its link, and there are two of them. */
	assert_int_equal(addr_parse("fe80::99", &g.peer), 0);
	for (uint8_t link = 0; link < 2; link++) {
		g.link = link;
		kernel_begin(&g);
		assert_int_equal(kernel.log[kernel.kept - 1].scope, link == 0 ? 7 : 9);
	}
	assert_int_equal(used(), 3);
	/* Not of this family, not for one machine. */
	kernel_clear();
	g.local = addr_v4(KERNEL_SERVER);
	kernel_begin(&g);
	assert_int_equal(addr_parse("fd00::1", &g.local), 0);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const bad[] = {
		    "ff02::1", "::1", "::ffff:10.77.0.100", "fd00::1"};

		assert_int_equal(addr_parse(bad[i], &g.peer), 0);
		kernel_begin(&g);
	}
	assert_int_equal(kernel.sent, 0);
	assert_int_equal(used(), 3);
}

/* --------------------------------------------------------------------------- turns */

/* A window of 8 MB does not delay the others: a portion of it goes, then they do. */
static void
large_windows_wait_for_the_others(void **state)
{
	unsigned portion = TFTP_XFER_PORTION / 1000;

	(void)state;
	running(2001, 1000, 1, 100000);
	running(2000, 1000, 60000, KERNEL_SIZE);
	/* The first portion, and one more of the same turn. */
	assert_in_range(kernel.sent, portion, 2 * portion);
	assert_int_equal(tftp_next(&tftp), 0);
	for (uint16_t n = 1; n <= 20; n++) {
		unsigned before = kernel.sent;

		kernel_say(&client, 2001, 4, n);
		kernel_turn();
		assert_int_equal(kernel.log[before].port, 2001);
		assert_int_equal(kernel.log[before].number, n + 1);
		assert_int_equal(kernel.sent - before, 1 + portion);
	}
	/* And all of it goes. */
	while (tftp_next(&tftp) == 0)
		kernel_turn();
	assert_int_equal(kernel.sent, 20 + KERNEL_SIZE / 1000 + 1);
}

/* Two of them go side by side. */
static void
large_windows_take_turns(void **state)
{
	unsigned a = 0, b = 0;

	(void)state;
	running(2000, 1000, 60000, KERNEL_SIZE);
	running(2001, 1000, 60000, KERNEL_SIZE);
	for (unsigned i = 0; i < 20; i++)
		kernel_turn();
	for (unsigned i = 0; i < kernel.kept; i++) {
		a += kernel.log[i].port == 2000;
		b += kernel.log[i].port == 2001;
	}
	assert_in_range(a, b - 2 * 131, b + 2 * 131);
	/* One that ends meanwhile is forgotten. */
	kernel_say(&client, 2000, 5, 0);
	kernel_turn();
	kernel_clear();
	while (tftp_next(&tftp) == 0)
		kernel_turn();
	for (unsigned i = 0; i < kernel.kept; i++)
		assert_int_equal(kernel.log[i].port, 2001);
}

/* ------------------------------------------------------------------------- netascii */

#define TEXT 20000

static uint8_t text[TEXT], expected[2 * TEXT];
static size_t expected_len;

static void
make_text(void)
{
	static const char letters[] = "abcdefg\r\n\n";

	srandom(9);
	expected_len = 0;
	for (size_t i = 0; i < TEXT; i++) {
		text[i] = (uint8_t)letters[random() % 10];
		if (text[i] == '\n')
			expected[expected_len++] = '\r';
		expected[expected_len++] = text[i];
		if (text[i] == '\r')
			expected[expected_len++] = '\0';
	}
	kernel_object(2, text, TEXT);
}

/* A client that takes what comes in order, of which each seventh is lost. */
static void
download_text(uint16_t port, uint16_t window)
{
	struct msg_tftp_grant_tell g = kernel_grant(port, SIZED, 100, window, TEXT);
	unsigned last = (unsigned)(expected_len / 100 + 1), has = 0, in_window = 0,
		 seen = 0;
	uint64_t until = now + 60000;

	g.memfd = 2;
	g.netascii = 1;
	kernel_clear();
	kernel_begin(&g);
	kernel_say(&g.peer, port, 4, 0);
	kernel_turn();
	for (unsigned i = 1; has < last; i++) {
		const struct kernel_sent *s = &kernel.log[i];
		size_t at = (size_t)has * 100;

		while (i == kernel.kept) {
			assert_in_range(now, 0, until);
			kernel_wait(1);
		}
		assert_in_range(i, 0, KERNEL_SENT_MAX - 1);
		assert_int_equal(s->opcode, 3);
		if (++seen % 7 == 0)
			continue;
		if (s->number == has + 1) {
			assert_memory_equal(s->bytes, expected + at, s->len - 4);
			assert_int_equal(
			    s->len - 4, ++has < last ? 100 : expected_len - at);
			if (++in_window < window && has < last)
				continue;
		} else if (in_window == 0) {
			continue; /* it has complained already */
		}
		kernel_say(&g.peer, port, 4, (uint16_t)has);
		in_window = 0;
	}
	kernel_turn();
	assert_true(tftp_next(&tftp) > now);
}

static void
texts_arrive(void **state)
{
	struct msg_tftp_grant_tell g;

	(void)state;
	make_text();
	download_text(2000, 1);
	download_text(2001, 4);
	download_text(2002, 64);
	/* More than can be gone over again is not granted. */
	g = kernel_grant(2003, SIZED, 100, 1000, TEXT);
	g.memfd = 2;
	g.netascii = 1;
	kernel_clear();
	kernel_begin(&g);
	assert_memory_equal(kernel.log[0].bytes + kernel.log[0].len - 4 - 3, "64", 3);
	/* Nobody knows how long it will be. */
	g.options |= TFTP_TSIZE;
	assert_int_equal(tftp_grant(&tftp, &g, now), ERR_RANGE);
}

static void
short_texts_without_options(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(2000, 0, 0, 0, 3);

	(void)state;
	kernel_object(2, "a\nb", 3);
	g.memfd = 2;
	g.netascii = 1;
	kernel_begin(&g);
	assert_int_equal(kernel.log[0].len, 8);
	assert_memory_equal(kernel.log[0].bytes, "a\r\nb", 4);
	kernel_say(&g.peer, 2000, 4, 1);
	kernel_wait(5000);
	assert_int_equal(kernel.sent, 1);
	/* Of nothing there is a block too. */
	g.port = 2001;
	g.length = 0;
	kernel_begin(&g);
	assert_int_equal(kernel.log[1].len, 4);
}

/* -------------------------------------------------------------------------- limits */

/* T-01: whoever never answers costs at most three times what was asked with. */
static void
forged_requests_are_not_amplified(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		uint8_t bits;
		uint16_t blksize, window;
	} rows[] = {
#define ROW(text, ...) {(text), sizeof(text), __VA_ARGS__}
	    ROW("blksize\0001468", TFTP_BLKSIZE, 1468, 1),
	    ROW("tsize\0000", TFTP_TSIZE, 512, 1),
	    ROW("blksize\00065464\0windowsize\00065535\0tsize\0000\0timeout\0005", ALL,
		65464, 65535),
	    ROW("windowsize\00016", TFTP_WINDOWSIZE, 512, 16),
#undef ROW
	};
	uint16_t port = 2000;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct msg_tftp_grant_tell g = kernel_grant(
		    port++, rows[i].bits, rows[i].blksize, rows[i].window, KERNEL_SIZE);
		/* RRQ, the shortest name of a file in an image, the mode. */
		size_t asked =
		    28 + sizeof "\0\1" - 1 + sizeof "a/b" + sizeof "octet" + rows[i].len;

		g.timeout = 5;
		kernel_clear();
		kernel_begin(&g);
		/* Repeating the request helps nothing. */
		for (unsigned k = 0; k < 300; k++) {
			kernel_wait(200);
			if (k < 30)
				kernel_begin(&g);
		}
		assert_int_equal(kernel.sent, 3);
		assert_in_range(kernel.bytes, 1, 3 * asked);
	}
	assert_int_equal(used(), 0);
}

static void
limit_of_an_address(void **state)
{
	struct msg_tftp_grant_tell g = {0};

	(void)state;
	for (uint16_t p = 0; p < 64; p++)
		g = running((uint16_t)(2000 + p), 512, 1, 100000);
	kernel_clear();
	g.port = 3000;
	kernel_begin(&g);
	assert_int_equal(kernel.log[0].opcode, 5);
	/* Another address is not concerned. */
	g.peer = addr_v4(KERNEL_CLIENT + 1);
	kernel_begin(&g);
	assert_int_equal(kernel.log[1].opcode, 6);
	/* A probe that is over counts no more, and one that failed neither. */
	g.peer = addr_v4(KERNEL_CLIENT);
	kernel_say(&g.peer, 2000, 5, 0);
	kernel_turn();
	kernel_begin(&g);
	assert_int_equal(kernel.log[2].opcode, 6);
	kernel_say(&g.peer, 3000, 5, 8);
	kernel_turn();
	g.port = 3001;
	kernel_begin(&g);
	assert_int_equal(kernel.log[3].opcode, 6);
}

/* T-13: ten thousand that stall do not keep a new one out; T-06: a flood of requests that
 * nobody stands behind keeps out nobody who does. */
static void
crowd_makes_place(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(0, SIZED, 512, 1, 100000);

	(void)state;
	for (unsigned i = 0; i < TFTP_TRANSFERS; i++) {
		g.peer = addr_v4(0x0a640000 + i / 50);
		g.port = (uint16_t)(2000 + i % 50);
		kernel_begin(&g);
		if (i % 2 == 0)
			kernel_say(&g.peer, g.port, 4, 0);
		if (i % 64 == 0)
			kernel_turn();
	}
	kernel_turn();
	assert_int_equal(tftp.table.nfree, 0);
	/* All of them may be honest so far; who hears nothing asks again. */
	g.peer = addr_v4(0x0a650000);
	kernel_clear();
	kernel_begin(&g);
	assert_int_equal(kernel.sent, 0);
	kernel_wait(1100);
	for (unsigned i = 0; i < 1000; i++) {
		g.peer = addr_v4(0x0a650001 + i);
		kernel_clear();
		kernel_begin(&g);
		assert_int_equal(kernel.log[0].opcode, 6);
	}
	assert_int_equal(tftp.table.nfree, 0);
	/* Everybody falls silent: everything is free. */
	for (unsigned i = 0; i < 1000 && tftp.table.nfree < TFTP_TRANSFERS; i++)
		kernel_wait(100);
	assert_int_equal(used(), 0);
	assert_int_equal(tftp_next(&tftp), UINT64_MAX);
}

static void
flood_of_requests_is_bounded(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(0, SIZED, 512, 1, 100000);
	uint64_t honest = 0;

	(void)state;
	free(kernel.log);
	kernel.log = NULL;
	for (unsigned i = 0; i < 200000; i++) {
		g.peer = addr_v4(0x0a640000 + i % 251);
		g.port = (uint16_t)(1 + i % 65535);
		kernel_begin(&g);
		if (i % 200 == 0)
			kernel_wait(1);
		if (i % 20000 == 19999) {
			uint64_t before = kernel.sent;

			g.peer = addr_v4(0x0a650000 + i);
			kernel_begin(&g);
			kernel_say(&g.peer, g.port, 4, 0);
			kernel_turn();
			honest += kernel.sent - before >= 2;
		}
	}
	assert_int_equal(honest, 10);
}

/* An object that the broker drops, whose last transfer ends in the turn that sends of it.
 */
static void
object_goes_after_its_bytes(void **state)
{
	struct msg_tftp_grant_tell g = kernel_grant(2000, SIZED, 500, 8, 3000);
	static uint8_t bytes[3000];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	kernel_object(5, bytes, sizeof bytes);
	g.memfd = 5;
	kernel_begin(&g);
	assert_int_equal(memfds_drop(&memfds, 5), 0);
	kernel_clear();
	kernel_say(&g.peer, 2000, 4, 0);
	kernel_say(&g.peer, 2000, 5, 0);
	kernel_turn();
	assert_int_equal(kernel.sent, 7);
	assert_int_equal(kernel.log[5].bytes[499], 'x');
}

/* What the kernel did not take of one that is over is not the next one's loss. */
static void
place_is_taken_over(void **state)
{
	struct msg_tftp_grant_tell g = running(2000, 500, 8, 100000);

	(void)state;
	kernel.room = 0;
	kernel_say(&g.peer, 2000, 4, 8);
	tftp_readable(&tftp, 0, now);
	/* The same client asks for something else, in the same turn. */
	g.length = 200000;
	assert_int_equal(tftp_grant(&tftp, &g, now), 0);
	tftp_flush(&tftp);
	assert_int_equal(used(), 1);
	kernel.room = UINT32_MAX;
	kernel_clear();
	kernel_wait(TFTP_XFER_UNSENT_MS);
	assert_int_equal(kernel.sent, 1);
	assert_int_equal(kernel.log[0].opcode, 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, kernel_set_up, kernel_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(window_is_one_call),
	    CASE(shorter_last_block_goes_along),
	    CASE(long_windows_are_few_trains),
	    CASE(clients_share_calls),
	    CASE(uncut_where_it_is_refused),
	    CASE(full_kernel_keeps_the_order),
	    CASE(other_errors_lose_datagrams),
	    CASE(single_port),
	    CASE(forged_icmp_costs_a_few_calls),
	    CASE(ipv6),
	    CASE(large_windows_wait_for_the_others),
	    CASE(large_windows_take_turns),
	    CASE(texts_arrive),
	    CASE(short_texts_without_options),
	    CASE(forged_requests_are_not_amplified),
	    CASE(limit_of_an_address),
	    CASE(crowd_makes_place),
	    CASE(flood_of_requests_is_bounded),
	    CASE(object_goes_after_its_bytes),
	    CASE(place_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
