/*
 * Notices of children in any order. Input: five bytes a step: which child, four bytes of
 * notice; the highest bit of the first byte: that child starts, or its neighbour dies.
 * Promise: a child that is owned ends itself, or one whose messages it gets, nobody else.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "privsep/notice.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define WORKERS 2

static struct supervisor sv;

static struct child *
add(enum role role, unsigned index)
{
	struct child *c = &sv.children[sv.nchildren++];

	c->role = role;
	c->index = index;
	c->pidfd = c->super_fd = -1;
	return c;
}

static void
join(struct child *a, struct child *b)
{
	sv.channels[sv.nchannels].a = a;
	sv.channels[sv.nchannels++].b = b;
}

/* The wiring of privsep/roster.c, which needs root. */
static void
set_up(void)
{
	struct child *broker, *logger, *keys, *tls;

	memset(&sv, 0, sizeof sv);
	logger = add(ROLE_LOGGER, 0);
	broker = add(ROLE_BROKER, 0);
	join(add(ROLE_VERIFIER, 0), broker);
	join(add(ROLE_DHCP_SENDER, 0), broker);
	join(add(ROLE_DHCP_PARSER, 0), broker);
	join(add(ROLE_LINK_PARSER, 0), broker);
	join(add(ROLE_TFTP_PARSER, 0), broker);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct child *sender = add(ROLE_FILE_SENDER, i);
		struct child *parser = add(ROLE_HTTP_PARSER, i);

		join(sender, broker);
		join(parser, broker);
		join(sender, parser);
	}
	keys = add(ROLE_KEYS, 0);
	tls = add(ROLE_TLS, 0);
	join(tls, broker);
	join(tls, keys);
	for (unsigned i = 0; i < WORKERS; i++)
		join(roster_find(&sv, ROLE_FILE_SENDER, i), tls);
	for (unsigned i = 1; i < sv.nchildren; i++)
		join(&sv.children[i], logger);
	join(NULL, logger);
}

/* Who gets messages of whom, as DESIGN.md draws it. */
static bool
sends_to(const struct child *from, const struct child *to)
{
	bool pair = from->role == ROLE_FILE_SENDER && to->role == ROLE_HTTP_PARSER;

	if (to->role == ROLE_LOGGER)
		return from != to;
	if (to->role == ROLE_BROKER)
		return from->role != ROLE_LOGGER && from->role != ROLE_DHCP_SENDER &&
		       from->role != ROLE_KEYS && from != to;
	if (from->role == ROLE_BROKER)
		return to->role == ROLE_VERIFIER || to->role == ROLE_DHCP_SENDER ||
		       to->role == ROLE_FILE_SENDER;
	if (to->role == ROLE_KEYS)
		return from->role == ROLE_TLS;
	return pair && from->index == to->index;
}

static void
check(const struct child *by, const struct judgement *j)
{
	bool served =
	    j->of != NULL && (j->of->role == ROLE_BROKER || j->of->role == ROLE_VERIFIER);

	switch (j->verdict) {
	case VERDICT_READY:
	case VERDICT_CLEARED: REQUIRE(j->kill[0] == NULL && j->kill[1] == NULL); break;
	case VERDICT_FAULT:
		REQUIRE(j->of != NULL && sends_to(j->of, by) && j->kill[0] == j->of);
		REQUIRE(j->kill[1] == NULL || j->kill[1] == by);
		if (served && by->role != ROLE_LOGGER && by->role != ROLE_BROKER)
			REQUIRE(j->kill[1] == by);
		break;
	default: REQUIRE(j->kill[0] == by && j->kill[1] == NULL); break;
	}
}

static void
step(const uint8_t *bytes)
{
	static struct supervisor before;
	struct child *by = &sv.children[(bytes[0] & 0x7f) % sv.nchildren];
	struct judgement j;
	uint8_t notice[NOTICE_LEN];

	if ((bytes[0] & 0x80) != 0) {
		by->state = CHILD_STARTING;
		by->owes[bytes[1] % sv.nchildren] = true;
		return;
	}
	memcpy(notice, bytes + 1, sizeof notice);
	before = sv;
	notice_judge(&sv, by, notice, &j);
	check(by, &j);
	/* What it changed, it changed in the sender's own entry. */
	before.children[by - sv.children] = *by;
	REQUIRE(memcmp(&before, &sv, sizeof sv) == 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	set_up();
	for (size_t at = 0; at + 5 <= len; at += 5)
		step(data + at);
	return 0;
}
