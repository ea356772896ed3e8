/*
 * The supervisor's judgement of notices: who may end whom.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "privsep/notice.h"

enum {
	LOGGER,
	BROKER,
	EAR,
	MOUTH,
	VERIFIER,
	SENDER0,
	SENDER1,
	PARSER0,
	TLS,
	KEYS,
	CHILDREN
};

static struct supervisor sv;
static struct judgement j;

static int
set_up(void **state)
{
	static const enum role roles[CHILDREN] = {ROLE_LOGGER, ROLE_BROKER,
	    ROLE_DHCP_PARSER, ROLE_DHCP_SENDER, ROLE_VERIFIER, ROLE_FILE_SENDER,
	    ROLE_FILE_SENDER, ROLE_HTTP_PARSER, ROLE_TLS, ROLE_KEYS};

	(void)state;
	memset(&sv, 0, sizeof sv);
	sv.nchildren = CHILDREN;
	for (unsigned i = 0; i < CHILDREN; i++) {
		sv.children[i].role = roles[i];
		sv.children[i].index = i == SENDER1;
		sv.children[i].state = CHILD_RUNNING;
		if (i == LOGGER)
			continue;
		sv.channels[sv.nchannels].a = &sv.children[i];
		sv.channels[sv.nchannels++].b = &sv.children[LOGGER];
		if (i == BROKER || i == KEYS)
			continue;
		sv.channels[sv.nchannels].a = &sv.children[i];
		sv.channels[sv.nchannels++].b = &sv.children[BROKER];
	}
	sv.channels[sv.nchannels].a = &sv.children[SENDER0];
	sv.channels[sv.nchannels++].b = &sv.children[PARSER0];
	sv.channels[sv.nchannels].a = &sv.children[TLS];
	sv.channels[sv.nchannels++].b = &sv.children[KEYS];
	sv.channels[sv.nchannels].a = &sv.children[SENDER0];
	sv.channels[sv.nchannels++].b = &sv.children[TLS];
	return 0;
}

static void
judge(unsigned by, uint8_t what, unsigned role, unsigned index)
{
	const uint8_t b[NOTICE_LEN] = {what, (uint8_t)role, (uint8_t)index, 0};

	notice_judge(&sv, &sv.children[by], b, &j);
}

static void
assert_kills(enum verdict verdict, struct child *first, struct child *second)
{
	assert_int_equal(j.verdict, verdict);
	assert_ptr_equal(j.kill[0], first);
	assert_ptr_equal(j.kill[1], second);
}

static void
ready_counts_once(void **state)
{
	struct child *ear = &sv.children[EAR];

	(void)state;
	ear->state = CHILD_STARTING;
	judge(EAR, NOTICE_READY, 0, 0);
	assert_kills(VERDICT_READY, NULL, NULL);
	assert_int_equal(ear->state, CHILD_RUNNING);
	judge(EAR, NOTICE_READY, 0, 0);
	assert_kills(VERDICT_BAD, ear, NULL);
}

static void
who_gets_messages_may_accuse(void **state)
{
	(void)state;
	judge(BROKER, NOTICE_FAULT, ROLE_DHCP_PARSER, 0);
	assert_kills(VERDICT_FAULT, &sv.children[EAR], NULL);
	judge(BROKER, NOTICE_FAULT, ROLE_FILE_SENDER, 1);
	assert_kills(VERDICT_FAULT, &sv.children[SENDER1], NULL);
	judge(KEYS, NOTICE_FAULT, ROLE_TLS, 0);
	assert_kills(VERDICT_FAULT, &sv.children[TLS], NULL);
	judge(BROKER, NOTICE_FAULT, ROLE_TLS, 0);
	assert_kills(VERDICT_FAULT, &sv.children[TLS], NULL);
	judge(LOGGER, NOTICE_FAULT, ROLE_BROKER, 0);
	assert_kills(VERDICT_FAULT, &sv.children[BROKER], NULL);
}

static void
who_accuses_those_that_serve_all_pays(void **state)
{
	(void)state;
	judge(MOUTH, NOTICE_FAULT, ROLE_BROKER, 0);
	assert_kills(VERDICT_FAULT, &sv.children[BROKER], &sv.children[MOUTH]);
	judge(BROKER, NOTICE_FAULT, ROLE_VERIFIER, 0);
	assert_kills(VERDICT_FAULT, &sv.children[VERIFIER], NULL);
}

static void
false_accusers_end(void **state)
{
	(void)state;
	/* Gets no message of the broker. */
	judge(EAR, NOTICE_FAULT, ROLE_BROKER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[EAR], NULL);
	judge(PARSER0, NOTICE_FAULT, ROLE_BROKER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[PARSER0], NULL);
	/* Could end the transfers of its file-sender over and over. */
	judge(PARSER0, NOTICE_FAULT, ROLE_FILE_SENDER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[PARSER0], NULL);
	judge(TLS, NOTICE_FAULT, ROLE_FILE_SENDER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[TLS], NULL);
	/* And all that is signed for the others. */
	judge(TLS, NOTICE_FAULT, ROLE_KEYS, 0);
	assert_kills(VERDICT_FALSE, &sv.children[TLS], NULL);
	/* Not connected. */
	judge(EAR, NOTICE_FAULT, ROLE_DHCP_SENDER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[EAR], NULL);
	/* Itself, the supervisor, a worker that does not exist, no role at all. */
	judge(BROKER, NOTICE_FAULT, ROLE_BROKER, 0);
	assert_kills(VERDICT_FALSE, &sv.children[BROKER], NULL);
	judge(LOGGER, NOTICE_FAULT, ROLE_SUPERVISOR, 0);
	assert_kills(VERDICT_FALSE, &sv.children[LOGGER], NULL);
	judge(BROKER, NOTICE_FAULT, ROLE_FILE_SENDER, 2);
	assert_kills(VERDICT_FALSE, &sv.children[BROKER], NULL);
	judge(BROKER, NOTICE_FAULT, ROLE_MAX, 0);
	assert_kills(VERDICT_BAD, &sv.children[BROKER], NULL);
}

static void
cleared_must_be_owed(void **state)
{
	bool *owes = sv.children[BROKER].owes;

	(void)state;
	owes[SENDER1] = true;
	judge(BROKER, NOTICE_CLEARED, ROLE_FILE_SENDER, 0);
	assert_kills(VERDICT_BAD, &sv.children[BROKER], NULL);
	assert_true(owes[SENDER1]);
	judge(BROKER, NOTICE_CLEARED, ROLE_FILE_SENDER, 1);
	assert_kills(VERDICT_CLEARED, NULL, NULL);
	assert_false(owes[SENDER1]);
	judge(BROKER, NOTICE_CLEARED, ROLE_FILE_SENDER, 1);
	assert_kills(VERDICT_BAD, &sv.children[BROKER], NULL);
	judge(BROKER, NOTICE_GONE, ROLE_FILE_SENDER, 1);
	assert_kills(VERDICT_BAD, &sv.children[BROKER], NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(ready_counts_once, set_up),
	    cmocka_unit_test_setup(who_gets_messages_may_accuse, set_up),
	    cmocka_unit_test_setup(who_accuses_those_that_serve_all_pays, set_up),
	    cmocka_unit_test_setup(false_accusers_end, set_up),
	    cmocka_unit_test_setup(cleared_must_be_owed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
