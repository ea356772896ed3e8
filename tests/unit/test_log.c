/*
 * Event lines: escaping of what peers sent, cutting, levels, and the rate limit.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "tests/unit/unit.h"

static char last[LOG_TEXT_MAX + 1];
static unsigned lines;

static void
keep(enum log_level level, const char *text, size_t len)
{
	(void)level;
	assert_in_range(len, 1, LOG_TEXT_MAX - 1);
	memcpy(last, text, len);
	last[len] = '\0';
	lines++;
}

static void
quotes_what_is_not_plain(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(
	    log_quote("a-b_c./:@+=,Z9", 14, text, sizeof text), "a-b_c./:@+=,Z9");
	assert_string_equal(log_quote("a\nb", 3, text, sizeof text), "a\\x0ab");
	assert_string_equal(
	    log_quote("\x1b[2J %n", 7, text, sizeof text), "\\x1b\\x5b2J\\x20\\x25n");
	assert_string_equal(log_quote("\0x", 2, text, sizeof text), "\\x00x");
	assert_string_equal(log_quote("\xff", 1, text, sizeof text), "\\xff");
	assert_string_equal(log_quote("", 0, text, sizeof text), "");
}

static void
cuts_what_is_long(void **state)
{
	char many[300], text[16];

	(void)state;
	memset(many, '\n', sizeof many);
	for (size_t cap = 8; cap <= sizeof text; cap++) {
		log_quote(many, sizeof many, text, cap);
		assert_true(strlen(text) < cap);
		assert_string_equal(text + strlen(text) - 3, "...");
	}
}

static void
writes_one_bounded_line(void **state)
{
	char many[2 * LOG_TEXT_MAX];

	(void)state;
	log_init(keep, LOG_INFO);
	log_event(LOG_INFO, "lease", "ip=%s", "10.0.0.1");
	assert_string_equal(last, "event=lease ip=10.0.0.1");
	log_event(LOG_NOTICE, "up", "%s", "");
	assert_string_equal(last, "event=up ");
	memset(many, 'x', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	log_event(LOG_ERROR, "long", "%s", many);
	assert_int_equal(strlen(last), LOG_TEXT_MAX - 1);
}

static void
leaves_out_what_is_not_wanted(void **state)
{
	(void)state;
	log_init(keep, LOG_WARNING);
	lines = 0;
	log_event(LOG_INFO, "quiet", "n=%d", 1);
	assert_int_equal(lines, 0);
	log_event(LOG_WARNING, "loud", "n=%d", 1);
	assert_int_equal(lines, 1);
}

static void
limits_a_site(void **state)
{
	(void)state;
	log_init(keep, LOG_INFO);
	lines = 0;
	for (int i = 0; i < 1000; i++)
		log_limited(LOG_NOTICE, "bad-packet", "n=%d", i);
	/* The burst of 20, and at most the few that a slow run earns. */
	assert_in_range(lines, 20, 40);
}

static int
count(int *calls)
{
	return ++*calls;
}

/* A site with a rate of its own; a line that is suppressed costs no formatting, and is
 * counted in the next one. */
static void
limits_to_a_rate(void **state)
{
	int calls = 0;

	(void)state;
	log_init(keep, LOG_INFO);
	lines = 0;
	for (int i = 0; i < 10000; i++)
		log_at_most(200, LOG_INFO, "boot", "n=%d", count(&calls));
	assert_in_range(lines, 800, 2000);
	assert_int_equal(calls, lines);
}

static void
tells_what_it_left_out(void **state)
{
	struct log_limit limit = {.rate = 1};
	unsigned taken = 0;

	(void)state;
	log_init(keep, LOG_INFO);
	while (log_take(&limit))
		taken++;
	assert_in_range(taken, 4, 8);
	assert_false(log_take(&limit));
	log_write(LOG_INFO, &limit, "boot", "n=%d", 1);
	assert_non_null(strstr(last, " suppressed=2"));
	log_write(LOG_INFO, &limit, "boot", "n=%d", 2);
	assert_null(strstr(last, "suppressed"));
}

static void
level_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOG_LEVEL_MAX; i++)
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i)), i);
	assert_int_equal(log_level_parse("loud"), LOG_LEVEL_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quotes_what_is_not_plain),
	    cmocka_unit_test(cuts_what_is_long),
	    cmocka_unit_test(writes_one_bounded_line),
	    cmocka_unit_test(leaves_out_what_is_not_wanted),
	    cmocka_unit_test(limits_a_site),
	    cmocka_unit_test(limits_to_a_rate),
	    cmocka_unit_test(tells_what_it_left_out),
	    cmocka_unit_test(level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
