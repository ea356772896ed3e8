/*
 * The supervisor's judgement of what a child says. Runs as root, on four bytes of a
 * process that may be owned: it can end itself this way, or whoever sends it messages,
 * and nobody else.
 */
#include "privsep/notice.h"

#include "privsep/msg.h"

unsigned
notice_number(const struct supervisor *sv, const struct child *c)
{
	return (unsigned)(c - sv->children);
}

/* Who may report whom: the reporter must be one that the accused sends messages to. Nobody
 * acts on the word of http-parser or tls: they get messages of file-senders, whose
 * transfers an owned one could end over and over, and tls of keys, which serves the others
 * as well. That they end themselves is enough, for then nobody reads what a neighbour that
 * did break the rules has sent. */
static bool
may_accuse(const struct supervisor *sv, const struct child *by, const struct child *of)
{
	unsigned nr;

	if (by->role == ROLE_HTTP_PARSER || by->role == ROLE_TLS ||
	    !roster_neighbours(sv, by, of))
		return false;
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++)
		if (msg_permitted(nr, of->role, by->role))
			return true;
	return false;
}

/* Broker and verifier serve all: whoever else makes one of them end goes down with it, so
 * that its own back-off is the price of doing that over and over. */
static bool
pays_too(const struct child *by, const struct child *of)
{
	if (of->role != ROLE_BROKER && of->role != ROLE_VERIFIER)
		return false;
	return by->role != ROLE_LOGGER && by->role != ROLE_BROKER;
}

static void
judge_fault(struct supervisor *sv, struct child *by, struct judgement *j)
{
	if (j->of == NULL || !may_accuse(sv, by, j->of)) {
		j->verdict = VERDICT_FALSE;
		j->kill[0] = by;
		return;
	}
	j->verdict = VERDICT_FAULT;
	j->kill[0] = j->of;
	j->kill[1] = pays_too(by, j->of) ? by : NULL;
}

void
notice_judge(struct supervisor *sv, struct child *c, const uint8_t b[NOTICE_LEN],
    struct judgement *j)
{
	*j = (struct judgement){.verdict = VERDICT_BAD};
	if (b[0] == NOTICE_READY && c->state == CHILD_STARTING) {
		c->state = CHILD_RUNNING;
		j->verdict = VERDICT_READY;
		return;
	}
	if (b[1] < ROLE_MAX)
		j->of = roster_find(sv, (enum role)b[1], b[2]);
	if (b[0] == NOTICE_FAULT && b[1] < ROLE_MAX) {
		judge_fault(sv, c, j);
		return;
	}
	if (b[0] == NOTICE_CLEARED && j->of != NULL && c->owes[notice_number(sv, j->of)]) {
		c->owes[notice_number(sv, j->of)] = false;
		j->verdict = VERDICT_CLEARED;
		return;
	}
	j->kill[0] = c;
}
