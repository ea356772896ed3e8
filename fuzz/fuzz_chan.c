/*
 * What an owned neighbour can put into a channel: messages, bundles, and what only looks
 * like them. Input: a byte that chooses who speaks to whom, then datagrams, each a byte of
 * flags (0x80: the channel is emptied, as after a death), two of length, and its bytes.
 * Promises: what comes out may be sent by that role to this one and encodes to bytes that
 * decode to it; nothing comes out after a breach; and after a reset the channel works.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "privsep/chan.h"
#include "privsep/start.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static const struct way {
	enum role from, to;
} ways[] = {
    {ROLE_DHCP_PARSER, ROLE_BROKER},
    {ROLE_HTTP_PARSER, ROLE_BROKER},
    {ROLE_FILE_SENDER, ROLE_HTTP_PARSER},
    {ROLE_BROKER, ROLE_DHCP_SENDER},
    {ROLE_TLS, ROLE_KEYS},
    {ROLE_KEYS, ROLE_TLS},
};
#define WAYS (sizeof ways / sizeof ways[0])

static struct chan chans[WAYS];
static int theirs[WAYS];

static void
set_up(void)
{
	int super[2], pair[2];

	/* What is reported goes nowhere, and its number is not one of ours. */
	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, super) == 0);
	REQUIRE(dup2(super[1], FD_SUPER) == FD_SUPER);
	for (size_t i = 0; i < WAYS; i++) {
		REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
		theirs[i] = pair[0];
		chan_init(&chans[i], pair[1], ways[i].to, ways[i].from, 0, 4);
	}
}

static void
check_message(const struct chan *c, const struct msg *m)
{
	static uint8_t bytes[MSG_SIZE_MAX], again[MSG_SIZE_MAX];
	static struct msg copy;
	int n = msg_encode(m, bytes, sizeof bytes);

	REQUIRE(!c->breached);
	REQUIRE(msg_permitted(m->nr, c->peer, c->self) && !msg_carries_fd(m->nr));
	REQUIRE(n > 0 && msg_decode(bytes, (size_t)n, &copy) == 0);
	REQUIRE(msg_encode(&copy, again, sizeof again) == n);
	REQUIRE(memcmp(bytes, again, (size_t)n) == 0);
}

static void
drain(struct chan *c)
{
	static struct msg m;
	int r;

	/* A datagram holds CHAN_DATAGRAM_MAX / 4 of the shortest messages. */
	for (unsigned n = 0; (r = chan_recv(c, &m, NULL)) == 1; n++) {
		check_message(c, &m);
		REQUIRE(n < CHAN_BATCH * CHAN_DATAGRAM_MAX / 4);
	}
	REQUIRE(r == 0 || (r == ERR_DENIED && c->breached));
	if (c->breached)
		REQUIRE(chan_recv(c, &m, NULL) == 0);
}

static void
works_again(size_t way)
{
	static struct msg m;
	struct chan *c = &chans[way];
	unsigned nr = 0;
	uint8_t bytes[MSG_SIZE_MAX];
	int n;

	chan_reset(c);
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++)
		if (msg_permitted(nr, c->peer, c->self) && !msg_carries_fd(nr))
			break;
	memset(&m, 0, sizeof m);
	m.nr = (enum msg_nr)nr;
	n = msg_encode(&m, bytes, sizeof bytes);
	REQUIRE(n > 0 && send(theirs[way], bytes, (size_t)n, 0) == n);
	REQUIRE(chan_recv(c, &m, NULL) == 1 && m.nr == nr);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static uint8_t bytes[CHAN_DATAGRAM_MAX + 64];
	static bool ready;
	size_t way, at = 1;

	if (!ready)
		set_up();
	ready = true;
	if (len == 0)
		return 0;
	way = data[0] % WAYS;
	while (len - at >= 3) {
		uint8_t flags = data[at];
		size_t n = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;

		at += 3;
		if (n > len - at)
			n = len - at;
		if (n > sizeof bytes)
			n = sizeof bytes;
		memcpy(bytes, data + at, n);
		at += n;
		if (n > 0 && send(theirs[way], bytes, n, MSG_NOSIGNAL) < 0)
			drain(&chans[way]);
		if ((flags & 0x80) != 0)
			chan_reset(&chans[way]);
		else if ((flags & 1) == 0)
			drain(&chans[way]);
	}
	drain(&chans[way]);
	works_again(way);
	return 0;
}
