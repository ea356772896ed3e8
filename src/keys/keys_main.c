/*
 * keys: the private keys of HTTPS. It signs what a server signs in a TLS handshake, for the
 * tls processes, any of which may be owned, and nothing else. It has no network and no file
 * once the keys are read.
 */
#include <poll.h>

#include "privsep/cage.h"
#include "privsep/chan.h"
#include "privsep/start.h"

#define QUEUE_DEPTH 64

static struct start start;
static unsigned nsigners;
static struct chan signers[TLS_MAX];

static void
on_notice(void)
{
	enum role role;
	unsigned index;

	while (super_poll(&role, &index)) {
		if (role == ROLE_TLS && index < nsigners)
			chan_reset(&signers[index]);
		super_cleared(role, index);
	}
}

int
main(int argc, char **argv)
{
	struct pollfd p = {.fd = FD_SUPER, .events = POLLIN};

	start_init(&start, ROLE_KEYS, argc, argv);
	nsigners = (unsigned)start_number(&start, "tls", 1, TLS_MAX);
	for (unsigned i = 0; i < nsigners; i++)
		chan_init(
		    &signers[i], FD_SIGN + (int)i, ROLE_KEYS, ROLE_TLS, i, QUEUE_DEPTH);
	cage_enter(&start, NULL);
	start_ready();
	for (;;)
		if (ppoll(&p, 1, NULL, NULL) > 0)
			on_notice();
}
