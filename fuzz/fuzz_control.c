/*
 * A client of the control socket that sends any messages: whatever comes back is an answer
 * that a client may get, the broker lives, and in the end nobody is connected. Input: a
 * byte (1: everything is read), then messages, each a length of two bytes and that many.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/broker/counters.h"
#include "tests/lib/controlrig.h"
#include "tests/lib/dhcprig.h"

#define TURNS_MOST 64

static void
start_once(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	control_rig_reserve();
	control_rig_start();
	rig_start(rig_text);
}

static void
read_all(int fd)
{
	static struct msg m;
	uint8_t bytes[MSG_SIZE_MAX + 1];

	for (;;) {
		ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n <= 0)
			return;
		if (msg_decode(bytes, (size_t)n, &m) != 0 ||
		    !msg_permitted(m.nr, ROLE_BROKER, ROLE_CONTROL))
			abort();
	}
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static struct msg_reply_tell reply;
	struct in in;
	uint8_t first;
	int fd;

	start_once();
	rig_forget();
	counters_reset();
	in_init(&in, data, len);
	first = in_u8(&in);
	fd = control_rig_connect(true);
	for (unsigned turn = 0; turn < TURNS_MOST; turn++) {
		size_t n = in_u16_le(&in);
		const uint8_t *bytes = in_take(&in, n);

		if (bytes != NULL)
			(void)send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		control_rig_turn();
		if ((first & 1) != 0)
			read_all(fd);
	}
	close(fd);
	/* Whatever was changed is written before the tables are made anew. */
	for (unsigned turn = 0; turn < TURNS_MOST && !control_rig_clients(0); turn++)
		control_rig_turn();
	if (!control_rig_clients(0))
		abort();
	(void)rig_take(&reply);
	return 0;
}
