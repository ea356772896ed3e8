/*
 * Servers' DHCPv4 messages, whole, odd, cut and flipped; and the question that is asked of
 * them, byte for byte and through the decoder of requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/dhcp4_client.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define OPTIONS(text) (text), sizeof(text) - 1

struct packet {
	size_t len;
	uint8_t b[600];
};

static void
make(struct packet *p, const void *options, size_t n)
{
	static const uint8_t head[] = {2, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0, 0,
	    0, 0, 0, 10, 77, 0, 100, 10, 77, 0, 1, 10, 88, 0, 1, 0x52, 0x54, 0, 0x77, 0, 1};

	memset(p, 0, sizeof *p);
	memcpy(p->b, head, sizeof head);
	memcpy(p->b + 236, "\x63\x82\x53\x63", 4);
	memcpy(p->b + 240, options, n);
	p->len = 240 + n;
}

/* From an allocation of the exact size, so that a sanitizer sees each overrun. */
static int
decode(const struct packet *p, size_t len, struct dhcp4_answer *a)
{
	uint8_t *exact = malloc(len + 1);
	int err;

	assert_non_null(exact);
	memcpy(exact + 1, p->b, len);
	err = dhcp4_client_decode(exact + 1, len, a);
	free(exact);
	return err;
}

static int
decode_options(const void *options, size_t n, struct dhcp4_answer *a)
{
	struct packet p;

	make(&p, options, n);
	return decode(&p, p.len, a);
}

static void
an_offer(void **state)
{
	struct dhcp4_answer a;

	(void)state;
	assert_int_equal(
	    decode_options(
		OPTIONS("\x35\1\2\x33\4\0\0\1\0\x36\4\12\x4d\0\2\1\4\xff\xff\xff\0\xff\0"),
		&a),
	    0);
	assert_int_equal(a.type, DHCP4_OFFER);
	assert_int_equal(a.xid, 0x12345678);
	assert_int_equal(a.hw_len, 6);
	assert_memory_equal(a.hw, "\x52\x54\0\x77\0\1\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(addr_to_v4(&a.yiaddr), 0x0a4d0064);
	assert_int_equal(addr_to_v4(&a.siaddr), 0x0a4d0001);
	assert_int_equal(addr_to_v4(&a.giaddr), 0x0a580001);
	assert_int_equal(addr_to_v4(&a.server_id), 0x0a4d0002);
	assert_int_equal(a.class60, DHCP4_CLASS_NONE);
	assert_false(a.boots);
}

static const struct {
	const char *name;
	const char *options;
	size_t len;
	int want;
	uint8_t type, class60;
	bool server, boots;
} rows[] = {
    {"ACK", OPTIONS("\x35\1\5\xff"), 0, DHCP4_ACK, 0, false, false},
    {"NAK", OPTIONS("\x35\1\6\xff"), 0, DHCP4_NAK, 0, false, false},
    {"BOOTP", OPTIONS("\xff"), 0, DHCP4_BOOTP, 0, false, false},
    {"nothing", OPTIONS(""), 0, DHCP4_BOOTP, 0, false, false},
    {"no END", OPTIONS("\x35\1\2"), 0, DHCP4_OFFER, 0, false, false},
    {"PAD between", OPTIONS("\0\0\x35\1\2\0\x36\4\1\2\3\4"), 0, DHCP4_OFFER, 0, true,
	false},
    {"behind END", OPTIONS("\x35\1\2\xff\x36\4\1\2\3\4"), 0, DHCP4_OFFER, 0, false, false},
    {"server of 3", OPTIONS("\x35\1\2\x36\3\1\2\3\xff"), 0, DHCP4_OFFER, 0, false, false},
    {"server of zeros", OPTIONS("\x35\1\2\x36\4\0\0\0\0\xff"), 0, DHCP4_OFFER, 0, false,
	false},
    {"PXE", OPTIONS("\x35\1\2\x3c\12PXEClient\0\xff"), 0, DHCP4_OFFER, DHCP4_CLASS_PXE,
	false, false},
    {"HTTP", OPTIONS("\x35\1\2\x3c\12HTTPClient\xff"), 0, DHCP4_OFFER, DHCP4_CLASS_HTTP,
	false, false},
    {"other class", OPTIONS("\x35\1\2\x3c\2PX\xff"), 0, DHCP4_OFFER, DHCP4_CLASS_OTHER,
	false, false},
    {"boot file", OPTIONS("\x35\1\2\x43\1a\xff"), 0, DHCP4_OFFER, 0, false, true},
    {"empty boot file", OPTIONS("\x35\1\2\x43\0\xff"), 0, DHCP4_OFFER, 0, false, false},
    {"DISCOVER", OPTIONS("\x35\1\1\xff"), ERR_FORMAT, 0, 0, false, false},
    {"type 0", OPTIONS("\x35\1\0\xff"), ERR_FORMAT, 0, 0, false, false},
    {"type of no bytes", OPTIONS("\x35\0\xff"), ERR_FORMAT, 0, 0, false, false},
    {"type of two", OPTIONS("\x35\2\2\2\xff"), ERR_FORMAT, 0, 0, false, false},
    {"code without length", OPTIONS("\x35\1\2\x36"), ERR_FORMAT, 0, 0, false, false},
    {"beyond the end", OPTIONS("\x35\1\2\xfe\1"), ERR_FORMAT, 0, 0, false, false},
};

static void
made_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp4_answer a, before;
		int err;

		memset(&a, 0x5a, sizeof a);
		before = a;
		err = decode_options(rows[i].options, rows[i].len, &a);
		if (err != rows[i].want)
			fail_msg("%s: %d", rows[i].name, err);
		if (err != 0)
			assert_memory_equal(&a, &before, sizeof a);
		else if (a.type != rows[i].type || a.class60 != rows[i].class60 ||
			 (a.server_id.family == ADDR_V4) != rows[i].server ||
			 a.boots != rows[i].boots)
			fail_msg("%s", rows[i].name);
	}
}

static void
headers(void **state)
{
	struct dhcp4_answer a;
	struct packet p;

	(void)state;
	make(&p, OPTIONS("\x35\1\2\xff"));
	for (size_t len = 0; len < p.len; len++)
		assert_int_equal(decode(&p, len, &a), len < 236   ? ERR_SHORT
						      : len < 240 ? ERR_FORMAT
						      : len == 241 || len == 242
							  ? ERR_FORMAT
							  : 0);
	p.b[108] = 'x'; /* `file` */
	assert_int_equal(decode(&p, p.len, &a), 0);
	assert_true(a.boots);
	memcpy(p.b + 240, "\x34\1\1\xff", 4); /* unless it holds options */
	assert_int_equal(decode(&p, p.len, &a), 0);
	assert_false(a.boots);
	memcpy(p.b + 240, "\x34\1\2\xff", 4);
	assert_int_equal(decode(&p, p.len, &a), 0);
	assert_true(a.boots);
	memset(p.b + 16, 0, 12);
	assert_int_equal(decode(&p, p.len, &a), 0);
	assert_int_equal(a.yiaddr.family, ADDR_NONE);
	assert_int_equal(a.siaddr.family, ADDR_NONE);
	assert_int_equal(a.giaddr.family, ADDR_NONE);
	p.b[2] = 17;
	assert_int_equal(decode(&p, p.len, &a), ERR_FORMAT);
	p.b[2] = 2;
	assert_int_equal(decode(&p, p.len, &a), 0);
	assert_memory_equal(a.hw, "\x52\x54\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	p.b[0] = 1;
	assert_int_equal(decode(&p, p.len, &a), ERR_FORMAT);
	p.b[0] = 2;
	p.b[239] ^= 1;
	assert_int_equal(decode(&p, p.len, &a), ERR_FORMAT);
}

/* Whatever bit is flipped, the answer is one of three. */
static void
flipped(void **state)
{
	struct dhcp4_answer a;
	struct packet p;

	(void)state;
	make(&p, OPTIONS("\x35\1\2\x36\4\12\x4d\0\2\x3c\11PXEClient\x43\4a.0\0\xff"));
	for (size_t bit = 0; bit < p.len * 8; bit++) {
		int err;

		p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = decode(&p, p.len, &a);
		assert_true(err == 0 || err == ERR_FORMAT);
		p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
the_question(void **state)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	uint8_t b[DHCP4_PROBE_LEN],
	    want[DHCP4_PROBE_LEN] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0x80};
	struct dhcp4_request q;

	(void)state;
	memcpy(want + 28, mac.b, 6);
	memcpy(
	    want + 236, "\x63\x82\x53\x63\x35\1\1\x37\2\1\3\x3d\7\1\2\0\0\0\0\1\xff", 21);
	assert_int_equal(
	    dhcp4_client_encode(0xdeadbeef, &mac, b, sizeof b), DHCP4_PROBE_LEN);
	assert_memory_equal(b, want, sizeof b);
	assert_int_equal(dhcp4_decode(b, sizeof b, &q), 0);
	assert_int_equal(q.type, DHCP4_DISCOVER);
	for (size_t cap = 0; cap < sizeof b; cap++)
		assert_int_equal(dhcp4_client_encode(1, &mac, b, cap), ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_offer),
	    cmocka_unit_test(made_answers),
	    cmocka_unit_test(headers),
	    cmocka_unit_test(flipped),
	    cmocka_unit_test(the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
