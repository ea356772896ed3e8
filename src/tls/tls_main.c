/*
 * tls: the sessions of HTTPS. It gets accepted connections from the file-senders, each with
 * one end of a pair for the plaintext; it has no listening socket, no file, and no private
 * key, which keys signs with. The network is any stranger's; file-sender may be owned.
 */
#include <poll.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"

#define QUEUE_DEPTH 256

static struct start start;
static struct chan broker, keys, senders[WORKER_MAX];

static void
open_channels(void)
{
	chan_init(&broker, FD_BROKER, ROLE_TLS, ROLE_BROKER, 0, QUEUE_DEPTH);
	chan_init(&keys, FD_KEYS, ROLE_TLS, ROLE_KEYS, 0, QUEUE_DEPTH);
	for (unsigned i = 0; i < start.workers; i++)
		chan_init(
		    &senders[i], FD_TLS_SENDER + (int)i, ROLE_TLS, ROLE_FILE_SENDER, i, 1);
}

static void
on_notice(void)
{
	enum role role;
	unsigned index;

	while (super_poll(&role, &index)) {
		if (role == ROLE_BROKER)
			chan_reset(&broker);
		else if (role == ROLE_KEYS)
			chan_reset(&keys);
		else if (role == ROLE_FILE_SENDER && index < start.workers)
			chan_reset(&senders[index]);
		super_cleared(role, index);
	}
}

int
main(int argc, char **argv)
{
	struct pollfd p = {.fd = FD_SUPER, .events = POLLIN};

	start_init(&start, ROLE_TLS, argc, argv);
	open_channels();
	cage_enter(&start, NULL);
	start_ready();
	for (;;)
		if (ppoll(&p, 1, NULL, NULL) > 0)
			on_notice();
}
