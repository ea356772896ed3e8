/*
 * The mouth's own judgement of questions. Runs in dhcp-sender on what the broker says; the
 * broker may be owned, and then this keeps it from filling links with questions, or from
 * asking groups of machines.
 */
#include "src/dhcp-sender/probe_check.h"

#include "src/dhcp-sender/reply_check.h"

/* A bucket of thousandths of a question. */
struct bucket {
	const uint32_t rate, burst; /* a second; at once */
	uint64_t filled_ms;
	uint64_t level;
};

const char *
probe_check(const struct start *st, const struct msg_probe_tell *m)
{
	if (m->link >= st->nlinks)
		return "a link that does not exist";
	if (m->kind == LINK_SERVER)
		return addr_is_unset(&m->target) ? NULL : "a question for servers to one";
	if (!reply_is_somebody(st, &m->target))
		return "a question about an address that is no client's";
	return NULL;
}

bool
probe_may_send(uint8_t kind, uint64_t now_ms)
{
	static struct bucket addresses = {PROBE_RATE, PROBE_RATE, 0, 0},
			     servers = {PROBE_SERVERS_RATE, PROBE_SERVERS_BURST, 0, 0};
	struct bucket *b = kind == LINK_SERVER ? &servers : &addresses;
	uint64_t most = (uint64_t)b->burst * 1000;
	uint64_t passed = now_ms - b->filled_ms;

	/* After a long rest it is full, whatever the product would be. */
	b->level = passed > 60000 ? most : b->level + passed * b->rate;
	b->level = b->level > most ? most : b->level;
	b->filled_ms = now_ms;
	if (b->level < 1000)
		return false;
	b->level -= 1000;
	return true;
}
