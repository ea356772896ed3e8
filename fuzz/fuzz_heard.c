/*
 * What link-parser makes of anything that passes its filters. Input: one byte (0: a frame,
 * 1: an IPv4 packet of the ICMP socket, else the same with right checksums), then the
 * bytes. Whatever it tells must be a message that the broker accepts, of somebody else.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/link-parser/heard.h"
#include "src/wire/frame.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define IDENT 0x5a11
#define PACKET_MAX 1600

static struct start
one_link(void)
{
	struct start st = {.nlinks = 1};

	st.links[0].mac = (struct mac){{2, 0, 0, 0, 0, 1}};
	st.links[0].address = addr_v4(0x0a4d0001);
	return st;
}

static void
check(const struct start *st, const struct msg_heard_tell *t)
{
	static struct msg m = {.nr = MSG_HEARD_TELL}, again;
	uint8_t bytes[MSG_SIZE_MAX];
	int n;

	m.u.heard_tell = *t;
	n = msg_encode(&m, bytes, sizeof bytes);
	REQUIRE(n > 0 && msg_decode(bytes, (size_t)n, &again) == 0);
	REQUIRE(t->link < st->nlinks && t->address.family != ADDR_V6);
	REQUIRE(!addr_equal(&t->server, &st->links[0].address));
	if (t->kind != LINK_SERVER)
		REQUIRE(!addr_is_unset(&t->address));
	else
		REQUIRE(t->type == 2 || t->type == 5 || t->type == 6);
	if (t->kind != LINK_ECHO)
		REQUIRE(
		    !mac_is_unusable(&t->mac) && !mac_equal(&t->mac, &st->links[0].mac));
}

static void
put_sum(uint8_t *bytes, size_t len, size_t at)
{
	uint16_t sum;

	if (len < at + 2)
		return;
	bytes[at] = bytes[at + 1] = 0;
	sum = frame_checksum(bytes, len);
	bytes[at] = (uint8_t)(sum >> 8);
	bytes[at + 1] = (uint8_t)sum;
}

/* As a sender that means it would have sent them. */
static void
mend(uint8_t *ip, size_t len)
{
	size_t head;

	if (len < 20)
		return;
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	head = (ip[0] & 15u) * 4;
	if (head < 20 || head > len)
		return;
	put_sum(ip, head, 10);
	if (ip[9] == 1)
		put_sum(ip + head, len - head, 2);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static uint8_t bytes[PACKET_MAX];
	struct start st = one_link();
	struct msg_heard_tell t;
	uint8_t kind;
	enum heard heard;

	if (len < 1 || len > sizeof bytes)
		return 0;
	kind = data[0];
	memcpy(bytes, data + 1, --len);
	if (kind >= 2 && kind % 2 == 0 && len > 14)
		mend(bytes + 14, len - 14);
	else if (kind >= 2)
		mend(bytes, len);
	heard = kind % 2 == 0 ? heard_frame(&st, 0, bytes, len, &t)
			      : heard_echo(IDENT, bytes, len, &t);
	if (heard == HEARD_GOOD)
		check(&st, &t);
	return 0;
}
