/*
 * Any REPLY_TELL before the mouth's own judgement: what it lets pass goes to nobody whom
 * it must not reach, and a frame around it has the right checksums. The rules are said
 * here a second time.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/dhcp-sender/reply_check.h"
#include "src/wire/frame.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static const struct start start = {
    .nlinks = 2,
    .links = {{.name = "eth0",
		  .mac = {{0x02, 0, 0, 0, 0, 1}},
		  .address = {ADDR_V4, {10, 77, 0, 1}},
		  .prefix = 24},
	{.name = "eth1",
	    .mac = {{0x02, 0, 0, 0, 0, 2}},
	    .address = {ADDR_V4, {192, 168, 1, 254}},
	    .prefix = 31}},
};

/* One machine, and not we. */
static void
check_machine(const struct addr *a)
{
	uint32_t v = addr_to_v4(a);

	REQUIRE(a->family == ADDR_V4 && v >> 24 != 0 && v >> 24 != 127 && v >> 28 < 14);
	REQUIRE(v != 0x0a4d0001 && v != 0x0a4d00ff && v != 0xc0a801fe);
}

static uint32_t
add_up(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
check_frame(const struct msg_reply_tell *m)
{
	static uint8_t frame[2048];
	struct frame_udp4 f = {
	    .from_mac = start.links[m->link].mac,
	    .from = start.links[m->link].address,
	    .to = *reply_frame_target(m),
	    .from_port = DHCP_SERVER_PORT,
	    .to_port = DHCP_CLIENT_PORT,
	};
	uint8_t pseudo[2048 + 12] = {0};
	int n;

	memcpy(f.to_mac.b, m->hw.b, sizeof f.to_mac.b);
	n = frame_encode_udp4(&f, m->relay.b, m->relay.len, frame, sizeof frame);
	REQUIRE(n == FRAME_HEAD_LEN + m->relay.len);
	REQUIRE(memcmp(frame, m->hw.b, 6) == 0 && (frame[0] & 1) == 0);
	REQUIRE(add_up(frame + 14, 20) == 0xffff);
	memcpy(pseudo, frame + 26, 8);
	pseudo[9] = 17;
	memcpy(pseudo + 10, frame + 38, 2);
	memcpy(pseudo + 12, frame + 34, (size_t)n - 34);
	REQUIRE(add_up(pseudo, 12 + (size_t)n - 34) == 0xffff);
}

static void
check_options(const struct msg_reply_tell *m)
{
	int last = 0;
	size_t at = 0;

	while (at < m->options.len) {
		int code = m->options.b[at];

		REQUIRE(at + 1 < m->options.len && code > last && code != 255);
		REQUIRE(strchr("\1\65\66\75\103\122\257", code) == NULL);
		at += 2u + m->options.b[at + 1];
		last = code;
	}
	REQUIRE(at == m->options.len);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static struct msg m;
	const struct msg_reply_tell *r = &m.u.reply_tell;

	if (msg_decode(data, len, &m) != 0 || m.nr != MSG_REPLY_TELL ||
	    reply_check(&start, r) != NULL)
		return 0;
	REQUIRE(r->link < start.nlinks);
	REQUIRE(r->type == 0 || r->type == 2 || r->type == 5 || r->type == 6);
	check_options(r);
	if (!addr_is_unset(&r->yiaddr))
		check_machine(&r->yiaddr);
	if (r->way == 0) {
		check_machine(reply_frame_target(r));
		check_frame(r);
	} else if (r->way != 1) {
		check_machine(&r->to);
		REQUIRE(r->service != 0 || r->to_port == 67 || r->to_port == 68 ||
			(addr_equal(&r->to, &r->giaddr) &&
			    memmem(r->relay.b, r->relay.len, "\x13", 2) != NULL));
	}
	REQUIRE((r->service == 0 && r->way != 2) || r->to_port != 0);
	return 0;
}
