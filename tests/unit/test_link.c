/*
 * What link-parser hears: ARP replies, echo replies, other servers' frames; and what the
 * mouth asks. Answers are built byte by byte, cut at every length, and bent bit by bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/link-parser/heard.h"
#include "src/wire/arp.h"
#include "src/wire/frame.h"
#include "src/wire/icmp.h"

static const struct mac ours = {{2, 0, 0, 0, 0, 1}}, theirs = {{2, 0, 0, 0, 0, 9}};

/* A Linux host's answer to a probe for 10.77.0.100. */
static const uint8_t arp_reply[ARP_FRAME_LEN] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 6,
    0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9, 10, 77, 0, 100, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0};
#define ARP_LEN 42

static void
arp_question(void **state)
{
	static const uint8_t want[ARP_LEN] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,
	    1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    10, 77, 0, 100};
	struct addr target = addr_v4(0x0a4d0064), v6 = {.family = ADDR_V6};
	struct arp_answer a;
	uint8_t b[ARP_FRAME_LEN + 1];

	(void)state;
	memset(b, 0xa5, sizeof b);
	assert_int_equal(arp_encode_probe(&ours, &target, b, sizeof b), ARP_FRAME_LEN);
	assert_memory_equal(b, want, sizeof want);
	for (unsigned i = ARP_LEN; i < ARP_FRAME_LEN; i++)
		assert_int_equal(b[i], 0);
	assert_int_equal(b[ARP_FRAME_LEN], 0xa5);
	/* A question is no answer. */
	assert_int_equal(arp_decode_reply(b, ARP_FRAME_LEN, &a), ERR_FORMAT);
	assert_int_equal(arp_encode_probe(&ours, &v6, b, sizeof b), ERR_RANGE);
	assert_int_equal(arp_encode_probe(&ours, &target, b, ARP_FRAME_LEN - 1), ERR_LONG);
}

static void
arp_answered(void **state)
{
	struct arp_answer a;
	struct addr want = addr_v4(0x0a4d0064);

	(void)state;
	assert_int_equal(arp_decode_reply(arp_reply, sizeof arp_reply, &a), 0);
	assert_true(addr_equal(&a.address, &want));
	assert_true(mac_equal(&a.mac, &theirs));
	/* Without the padding too, as veth has it. */
	assert_int_equal(arp_decode_reply(arp_reply, ARP_LEN, &a), 0);
}

static void
arp_cut(void **state)
{
	struct arp_answer a, untouched;

	(void)state;
	memset(&a, 0x5a, sizeof a);
	untouched = a;
	for (size_t len = 0; len < ARP_LEN; len++) {
		uint8_t *exact = malloc(len + 1);

		assert_non_null(exact);
		memcpy(exact, arp_reply, len);
		assert_int_equal(arp_decode_reply(exact, len, &a), ERR_SHORT);
		free(exact);
	}
	assert_memory_equal(&a, &untouched, sizeof a);
}

/* Type, hardware, protocol, lengths, operation: every bit of them counts; those of sender
 * and address change what is read, and nothing else changes anything. */
static void
arp_bent(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < ARP_LEN * 8; bit++) {
		uint8_t b[ARP_LEN];
		struct arp_answer a, was;
		unsigned at = bit / 8;
		int err;

		memcpy(b, arp_reply, sizeof b);
		assert_int_equal(arp_decode_reply(b, sizeof b, &was), 0);
		b[at] ^= (uint8_t)(1u << bit % 8);
		err = arp_decode_reply(b, sizeof b, &a);
		if (at >= 12 && at < 22)
			assert_int_equal(err, ERR_FORMAT);
		else if (bit == 22 * 8)
			assert_int_equal(err, ERR_RANGE); /* a group as sender */
		else
			assert_int_equal(err, 0);
		if (err == 0)
			assert_int_equal(mac_equal(&a.mac, &was.mac) &&
					     addr_equal(&a.address, &was.address),
			    at < 22 || at >= 32);
	}
}

static void
arp_of_nobody(void **state)
{
	uint8_t b[ARP_LEN];
	struct arp_answer a;

	(void)state;
	memcpy(b, arp_reply, sizeof b);
	memset(b + 28, 0, 4);
	assert_int_equal(arp_decode_reply(b, sizeof b, &a), ERR_RANGE);
	memcpy(b, arp_reply, sizeof b);
	memset(b + 22, 0, 6);
	assert_int_equal(arp_decode_reply(b, sizeof b, &a), ERR_RANGE);
}

#define IDENT 0xbeef
#define NUMBER 0x12345678u
#define ECHO_PACKET (20 + ICMP_ECHO_LEN)

static void
set_checksum(uint8_t *bytes, size_t len, size_t at)
{
	uint16_t sum;

	bytes[at] = bytes[at + 1] = 0;
	sum = frame_checksum(bytes, len);
	bytes[at] = (uint8_t)(sum >> 8);
	bytes[at + 1] = (uint8_t)sum;
}

/* The answer to our question from 10.88.0.7. */
static void
make_echo(uint8_t b[ECHO_PACKET])
{
	static const uint8_t ip[20] = {
	    0x45, 0, 0, ECHO_PACKET, 1, 2, 0, 0, 63, 1, 0, 0, 10, 88, 0, 7, 10, 77, 0, 1};

	memcpy(b, ip, sizeof ip);
	set_checksum(b, 20, 10);
	assert_int_equal(
	    icmp_encode_echo(IDENT, NUMBER, b + 20, ICMP_ECHO_LEN), ICMP_ECHO_LEN);
	assert_int_equal(frame_checksum(b + 20, ICMP_ECHO_LEN), 0);
	b[20] = 0;
	set_checksum(b + 20, ICMP_ECHO_LEN, 2);
}

static void
echo_question(void **state)
{
	uint8_t b[ICMP_ECHO_LEN];

	(void)state;
	assert_int_equal(icmp_encode_echo(IDENT, NUMBER, b, sizeof b), ICMP_ECHO_LEN);
	assert_int_equal(b[0], 8);
	assert_int_equal(b[1], 0);
	assert_int_equal(b[4] << 8 | b[5], IDENT);
	assert_int_equal(frame_checksum(b, sizeof b), 0);
	assert_int_equal(icmp_encode_echo(IDENT, NUMBER, b, sizeof b - 1), ERR_LONG);
}

static void
echo_answered(void **state)
{
	uint8_t b[ECHO_PACKET];
	struct icmp_answer a;
	struct addr want = addr_v4(0x0a580007);

	(void)state;
	make_echo(b);
	assert_int_equal(icmp_decode_reply(IDENT, b, sizeof b, &a), 0);
	assert_true(addr_equal(&a.address, &want));
	assert_int_equal(a.number, NUMBER);
	assert_int_equal(icmp_decode_reply(IDENT ^ 1, b, sizeof b, &a), ERR_FORMAT);
	b[20] = 8;
	set_checksum(b + 20, ICMP_ECHO_LEN, 2);
	assert_int_equal(icmp_decode_reply(IDENT, b, sizeof b, &a), ERR_FORMAT);
	make_echo(b);
	b[12] = 224;
	set_checksum(b, 20, 10);
	assert_int_equal(icmp_decode_reply(IDENT, b, sizeof b, &a), ERR_RANGE);
}

static void
echo_cut_and_bent(void **state)
{
	uint8_t b[ECHO_PACKET];
	struct icmp_answer a, untouched;

	(void)state;
	memset(&a, 0x5a, sizeof a);
	untouched = a;
	make_echo(b);
	for (size_t len = 0; len < sizeof b; len++)
		assert_int_equal(icmp_decode_reply(IDENT, b, len, &a), ERR_SHORT);
	/* Two checksums cover all of it. */
	for (unsigned bit = 0; bit < sizeof b * 8; bit++) {
		make_echo(b);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(icmp_decode_reply(IDENT, b, sizeof b, &a) < 0);
	}
	assert_memory_equal(&a, &untouched, sizeof a);
}

/* A header with options, a piece of a packet, a length beyond the end. */
static void
ip_headers(void **state)
{
	uint8_t b[ECHO_PACKET + 4];
	struct icmp_answer a;
	struct frame_ipv4 ip;

	(void)state;
	make_echo(b);
	memmove(b + 24, b + 20, ICMP_ECHO_LEN);
	memset(b + 20, 1, 4);
	b[0] = 0x46;
	b[3] = sizeof b;
	set_checksum(b, 24, 10);
	assert_int_equal(icmp_decode_reply(IDENT, b, sizeof b, &a), 0);
	b[6] = 0x20;
	set_checksum(b, 24, 10);
	assert_int_equal(frame_decode_ipv4(b, sizeof b, &ip), ERR_FORMAT);
	b[6] = 0;
	b[3] = sizeof b + 1;
	set_checksum(b, 24, 10);
	assert_int_equal(frame_decode_ipv4(b, sizeof b, &ip), ERR_SHORT);
	b[3] = 23;
	set_checksum(b, 24, 10);
	assert_int_equal(frame_decode_ipv4(b, sizeof b, &ip), ERR_FORMAT);
	b[0] = 0x44;
	assert_int_equal(frame_decode_ipv4(b, sizeof b, &ip), ERR_FORMAT);
}

/* --------------------------------------------------------------- what is told */

static struct start
two_links(void)
{
	struct start st = {.nlinks = 2};

	st.links[0].mac = ours;
	st.links[0].address = addr_v4(0x0a4d0001);
	st.links[1].mac = (struct mac){{2, 0, 0, 0, 0, 2}};
	st.links[1].address = addr_v4(0x0a4e0001);
	st.links[0].prefix = st.links[1].prefix = 24;
	return st;
}

/* An OFFER of 10.77.0.150 by 10.77.0.9; returns the length of the frame. */
static size_t
make_offer_to(
    uint8_t *b, size_t cap, const struct mac *mac, uint32_t from, uint32_t id, uint32_t to)
{
	uint8_t packet[300] = {2, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
	const struct frame_udp4 f = {
	    *mac, {{255, 255, 255, 255, 255, 255}}, addr_v4(from), addr_v4(to), 67, 68};
	const uint8_t options[] = {99, 130, 83, 99, 53, 1, 2, 54, 4, (uint8_t)(id >> 24),
	    (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id, 255};
	const uint8_t yiaddr[] = {10, 77, 0, 150};
	int n;

	memcpy(packet + 16, yiaddr, sizeof yiaddr);
	memcpy(packet + 236, options, sizeof options);
	n = frame_encode_udp4(&f, packet, sizeof packet, b, cap);
	assert_true(n > 0);
	return (size_t)n;
}

static size_t
make_offer(uint8_t *b, size_t cap, const struct mac *mac, uint32_t from, uint32_t id)
{
	return make_offer_to(b, cap, mac, from, id, UINT32_MAX);
}

static void
servers(void **state)
{
	struct start st = two_links();
	struct addr from = addr_v4(0x0a4d0009), id = addr_v4(0x0a4d0008),
		    offered = addr_v4(0x0a4d0096);
	struct msg_heard_tell t;
	uint8_t b[400];
	size_t len = make_offer(b, sizeof b, &theirs, 0x0a4d0009, 0x0a4d0008);

	(void)state;
	assert_int_equal(heard_frame(&st, 1, b, len, &t), HEARD_GOOD);
	assert_int_equal(t.kind, LINK_SERVER);
	assert_int_equal(t.link, 1);
	assert_int_equal(t.type, 2);
	assert_int_equal(t.number, 0xdeadbeef);
	assert_true(mac_equal(&t.mac, &theirs));
	assert_true(addr_equal(&t.address, &from));
	assert_true(addr_equal(&t.server, &id));
	assert_true(addr_equal(&t.offered, &offered));
	assert_int_equal(t.relay.family, ADDR_NONE);
	/* Cut anywhere: nothing is told. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(heard_frame(&st, 0, b, n, &t), HEARD_MALFORMED);
}

static void
ourselves(void **state)
{
	struct start st = two_links();
	struct msg_heard_tell t;
	uint8_t b[400];
	size_t len;

	(void)state;
	/* By hardware address, by source, by option 54; also those of the other link. */
	len = make_offer(b, sizeof b, &st.links[1].mac, 0x0a4d0009, 0x0a4d0009);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_OURS);
	len = make_offer(b, sizeof b, &theirs, 0x0a4e0001, 0x0a4d0009);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_OURS);
	len = make_offer(b, sizeof b, &theirs, 0x0a4d0009, 0x0a4d0001);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_OURS);
	/* By where it goes: through a router, from anywhere. */
	len = make_offer_to(b, sizeof b, &theirs, 0xc6336407, 0xc6336407, 0x0a4d0001);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_OURS);
	len = make_offer_to(b, sizeof b, &theirs, 0x0a4d0009, 0x0a4d0009, 0x0a4d0096);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_GOOD);
	/* To our hardware address: good for an address of the link or all of them, but what
	 * we are to route on may come from anywhere. */
	memcpy(b, st.links[0].mac.b, 6);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_GOOD);
	len = make_offer_to(b, sizeof b, &theirs, 0x0a4d0009, 0x0a4d0009, 0xffffffff);
	memcpy(b, st.links[0].mac.b, 6);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_GOOD);
	len = make_offer_to(b, sizeof b, &theirs, 0xc6336407, 0xc6336407, 0x0a4e0096);
	memcpy(b, st.links[0].mac.b, 6);
	assert_int_equal(heard_frame(&st, 0, b, len, &t), HEARD_OURS);
	memcpy(b, arp_reply, sizeof arp_reply);
	memcpy(b + 22, st.links[1].mac.b, 6);
	assert_int_equal(heard_frame(&st, 0, b, sizeof arp_reply, &t), HEARD_OURS);
}

static void
others_told(void **state)
{
	struct start st = two_links();
	struct msg_heard_tell t;
	uint8_t b[ECHO_PACKET];
	struct addr arp = addr_v4(0x0a4d0064), echo = addr_v4(0x0a580007);

	(void)state;
	assert_int_equal(heard_frame(&st, 0, arp_reply, sizeof arp_reply, &t), HEARD_GOOD);
	assert_int_equal(t.kind, LINK_ARP);
	assert_true(addr_equal(&t.address, &arp));
	assert_true(mac_equal(&t.mac, &theirs));
	make_echo(b);
	assert_int_equal(heard_echo(IDENT, b, sizeof b, &t), HEARD_GOOD);
	assert_int_equal(t.kind, LINK_ECHO);
	assert_int_equal(t.number, NUMBER);
	assert_true(addr_equal(&t.address, &echo));
	assert_int_equal(heard_echo(IDENT + 1, b, sizeof b, &t), HEARD_MALFORMED);
	assert_int_equal(heard_frame(&st, 0, b, 0, &t), HEARD_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arp_question),
	    cmocka_unit_test(arp_answered),
	    cmocka_unit_test(arp_cut),
	    cmocka_unit_test(arp_bent),
	    cmocka_unit_test(arp_of_nobody),
	    cmocka_unit_test(echo_question),
	    cmocka_unit_test(echo_answered),
	    cmocka_unit_test(echo_cut_and_bent),
	    cmocka_unit_test(ip_headers),
	    cmocka_unit_test(servers),
	    cmocka_unit_test(ourselves),
	    cmocka_unit_test(others_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
