/*
 * What dhcp-sender refuses to send although the broker asks for it: a table of replies,
 * each one step away from a good one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "src/dhcp-sender/reply_check.h"

/* A usual link, an odd one, and one with two addresses and no broadcast. */
static const struct start links = {
    .nlinks = 3,
    .links =
	{
	    {.mac = {{2, 0, 0, 0, 0, 1}},
		.address = {.family = ADDR_V4, .b = {10, 77, 0, 1}},
		.prefix = 24,
		.mtu = 1500},
	    {.mac = {{2, 0, 0, 0, 0, 2}},
		.address = {.family = ADDR_V4, .b = {192, 0, 2, 129}},
		.prefix = 25,
		.mtu = 1500},
	    {.mac = {{2, 0, 0, 0, 0, 3}},
		.address = {.family = ADDR_V4, .b = {198, 51, 100, 4}},
		.prefix = 31,
		.mtu = 1500},
	},
};

enum way { FRAME, BROADCAST, DATAGRAM };

static struct msg_reply_tell
good(enum way way)
{
	struct msg_reply_tell m;

	memset(&m, 0, sizeof m);
	m.way = (uint8_t)way;
	m.type = 5;
	m.htype = 1;
	m.hw.len = 6;
	memcpy(m.hw.b, "\x52\x54\0\x77\0\1", 6);
	m.server_id = addr_v4(0x0a4d0001);
	m.yiaddr = addr_v4(0x0a4d0064);
	if (way == DATAGRAM) {
		m.to = addr_v4(0x0a580001);
		m.to_port = 67;
	}
	return m;
}

static bool
passes(const struct msg_reply_tell *m)
{
	return reply_check(&links, m) == NULL;
}

static void
good_replies(void **state)
{
	struct msg_reply_tell m;

	(void)state;
	for (unsigned way = FRAME; way <= DATAGRAM; way++) {
		m = good((enum way)way);
		assert_true(passes(&m));
		m.link = 1;
		assert_true(passes(&m));
		for (uint8_t type = 0; type < 8; type++) {
			m.type = type;
			assert_int_equal(
			    passes(&m), type == 0 || type == 2 || type == 5 || type == 6);
		}
	}
	/* A broadcast may go to any kind of hardware, and may offer no address. */
	m = good(BROADCAST);
	m.hw.len = 16;
	m.htype = 32;
	m.yiaddr = (struct addr){.family = ADDR_NONE};
	assert_true(passes(&m));
	/* A frame goes to `to`, or to the address that it gives. */
	m = good(FRAME);
	assert_ptr_equal(reply_frame_target(&m), &m.yiaddr);
	m.to = addr_v4(0x0a4d0065);
	assert_ptr_equal(reply_frame_target(&m), &m.to);
	assert_true(passes(&m));
}

/* Addresses that are not one machine's, or are ours, for whatever use. */
static void
wrong_addresses(void **state)
{
	static const uint32_t bad[] = {0x00000001, 0x7f000001, 0xe0000001, 0xefffffff,
	    0xf0000001, 0xffffffff, 0x0a4d0001, 0x0a4d00ff, 0xc0000281, 0xc00002ff,
	    0xc6336404};
	static const uint32_t fine[] = {0x0a4d0064, 0x0a4d01ff, 0xc000027f, 0xdfffffff,
	    0x01000000, 0x0a58ffff, 0xc6336405};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0] + sizeof fine / sizeof fine[0];
	     i++) {
		bool want = i >= sizeof bad / sizeof bad[0];
		uint32_t v = want ? fine[i - sizeof bad / sizeof bad[0]] : bad[i];
		struct msg_reply_tell m = good(DATAGRAM);

		m.to = addr_v4(v);
		assert_int_equal(passes(&m), want);
		m = good(FRAME);
		m.to = addr_v4(v);
		assert_int_equal(passes(&m), want);
		for (unsigned way = FRAME; way <= DATAGRAM; way++) {
			m = good((enum way)way);
			m.yiaddr = addr_v4(v);
			assert_int_equal(passes(&m), want);
		}
	}
}

static void
wrong_families(void **state)
{
	(void)state;
	for (unsigned way = FRAME; way <= DATAGRAM; way++) {
		for (unsigned which = 0; which < 6; which++) {
			struct msg_reply_tell m = good((enum way)way);
			struct addr *const a[] = {&m.to, &m.ciaddr, &m.yiaddr, &m.siaddr,
			    &m.giaddr, &m.server_id};

			*a[which] = (struct addr){.family = ADDR_V6, .b = {0xfd, 1}};
			assert_false(passes(&m));
		}
	}
}

static void
wrong_hardware(void **state)
{
	static const char *const bad[] = {"\xff\xff\xff\xff\xff\xff", "\1\0\x5e\0\0\1",
	    "\0\0\0\0\0\0", "\2\0\0\0\0\1", "\2\0\0\0\0\2"};
	struct msg_reply_tell m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		m = good(FRAME);
		memcpy(m.hw.b, bad[i], 6);
		assert_false(passes(&m));
	}
	for (uint16_t len = 0; len <= 16; len++) {
		m = good(FRAME);
		m.hw.len = len;
		assert_int_equal(passes(&m), len == 6);
	}
	m = good(FRAME);
	m.htype = 6;
	assert_false(passes(&m));
}

static void
wrong_ports(void **state)
{
	(void)state;
	for (unsigned port = 0; port <= 65535; port++) {
		struct msg_reply_tell m = good(DATAGRAM);

		m.to_port = (uint16_t)port;
		assert_int_equal(passes(&m), port == 67 || port == 68);
		m.service = 1;
		assert_int_equal(passes(&m), port != 0);
		m.way = BROADCAST;
		assert_int_equal(passes(&m), port != 0);
	}
}

static void
wrong_content(void **state)
{
	struct msg_reply_tell bad[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		bad[i] = good(BROADCAST);
	bad[0].link = 3;
	bad[1].server_id = (struct addr){.family = ADDR_NONE};
	bad[2].server_id = addr_v4(0);
	bad[3].uuid.len = 16;
	for (size_t i = 0; i < 4; i++)
		assert_false(passes(&bad[i]));
	bad[0] = good(DATAGRAM);
	bad[0].to = (struct addr){.family = ADDR_NONE};
	assert_false(passes(&bad[0]));
	bad[0] = good(FRAME);
	bad[0].yiaddr = (struct addr){.family = ADDR_NONE};
	assert_false(passes(&bad[0]));
}

/* A BOOTP client is told no server; all else holds for it too. */
static void
bootp(void **state)
{
	(void)state;
	for (unsigned way = FRAME; way <= DATAGRAM; way++) {
		struct msg_reply_tell m = good((enum way)way);

		m.type = 0;
		m.server_id = (struct addr){.family = ADDR_NONE};
		assert_true(passes(&m));
		m.server_id = (struct addr){.family = ADDR_V6, .b = {0xfd, 1}};
		assert_false(passes(&m));
		m.server_id = (struct addr){.family = ADDR_NONE};
		m.yiaddr = addr_v4(0x0a4d00ff);
		assert_false(passes(&m));
	}
}

/* A port of the relay's own is for the relay that said so in its option 82. */
static void
relay_ports(void **state)
{
	static const struct {
		const char *relay;
		size_t len;
		bool want;
	} t[] = {
	    {"\x13\0", 2, true},
	    {"\1\4eth0\x13\0", 8, true},
	    {"\1\4eth0\x13\0\2\1x", 11, true},
	    {"", 0, false},
	    {"\1\4eth0", 6, false},
	    {"\1\2\x13\0", 4, false}, /* inside another */
	    {"\x13\1\0", 3, false},
	    {"\x13", 1, false},
	    {"\1\xff\x13\0", 4, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct msg_reply_tell m = good(DATAGRAM);

		memcpy(m.relay.b, t[i].relay, t[i].len);
		m.relay.len = (uint16_t)t[i].len;
		m.to_port = 40000;
		assert_false(passes(&m));
		m.giaddr = m.to;
		if (passes(&m) != t[i].want)
			fail_msg("relay row %zu", i);
		m.to_port = 0;
		assert_false(passes(&m));
		m.to_port = 40000;
		m.giaddr = addr_v4(0x0a580002);
		assert_false(passes(&m));
		m.giaddr = (struct addr){.family = ADDR_NONE};
		assert_false(passes(&m));
	}
}

static void
options(void **state)
{
	static const uint8_t own[] = {1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66,
	    67, 77, 80, 82, 93, 94, 97, 116, 118, 175};
	static const struct {
		const char *b;
		size_t len;
		bool want;
	} t[] = {
	    {"", 0, true},
	    {"\3\4\12\x4d\0\1\6\0\x0f\1x\xfe\0", 13, true},
	    {"\x1c\4\12\x4d\0\xff\x2b\1x", 9, true}, /* 28 and 43 */
	    {"\3", 1, false},
	    {"\3\4\12\x4d\0", 5, false},
	    {"\3\xff", 2, false},
	    {"\6\0\3\0", 4, false},
	    {"\3\0\3\0", 4, false},
	    {"\3\0\0\0", 4, false},
	    {"\0\0", 2, false},
	    {"\0", 1, false},
	    {"\3\0\xff\0", 4, false},
	};
	struct msg_reply_tell m = good(BROADCAST);

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		memcpy(m.options.b, t[i].b, t[i].len);
		m.options.len = (uint16_t)t[i].len;
		if (passes(&m) != t[i].want)
			fail_msg("options row %zu", i);
	}
	m.options.len = 2;
	m.options.b[1] = 0;
	for (unsigned code = 1; code < 255; code++) {
		m.options.b[0] = (uint8_t)code;
		assert_int_equal(passes(&m), memchr(own, (int)code, sizeof own) == NULL);
	}
	/* As long as they can be. */
	m.options.len = sizeof m.options.b;
	for (unsigned i = 0; i < 3; i++) {
		m.options.b[i * 256] = (uint8_t)(200 + i);
		m.options.b[i * 256 + 1] = 254;
	}
	assert_true(passes(&m));
	m.options.b[513]++;
	assert_false(passes(&m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_replies),
	    cmocka_unit_test(wrong_addresses),
	    cmocka_unit_test(wrong_families),
	    cmocka_unit_test(wrong_hardware),
	    cmocka_unit_test(wrong_ports),
	    cmocka_unit_test(wrong_content),
	    cmocka_unit_test(bootp),
	    cmocka_unit_test(relay_ports),
	    cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
