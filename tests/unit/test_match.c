/*
 * Who boots what: every combination of what a host block, the rule for unknown machines
 * and the default say.
 */
#include "policy/match.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct mac known = {{0x52, 0x54, 0, 0, 0, 1}};
static const struct mac unknown = {{0x52, 0x54, 0, 0, 0, 2}};

struct row {
	enum boot_choice fallback; /* default_boot */
	bool allow;
	enum boot_choice own; /* of the host block, and of unknown machines */
	enum match_kind of_known, of_unknown;
	const char *image_known, *image_unknown;
};

static const struct row rows[] = {
    {BOOT_IMAGE, false, BOOT_UNSET, MATCH_IMAGE, MATCH_IGNORE, "default", NULL},
    {BOOT_IMAGE, true, BOOT_UNSET, MATCH_IMAGE, MATCH_IMAGE, "default", "default"},
    {BOOT_IMAGE, true, BOOT_DENY, MATCH_DENY, MATCH_DENY, NULL, NULL},
    {BOOT_IMAGE, false, BOOT_DENY, MATCH_DENY, MATCH_IGNORE, NULL, NULL},
    {BOOT_IMAGE, true, BOOT_IMAGE, MATCH_IMAGE, MATCH_IMAGE, "host", "unknown"},
    {BOOT_IMAGE, false, BOOT_IMAGE, MATCH_IMAGE, MATCH_IGNORE, "host", NULL},
    {BOOT_DENY, true, BOOT_UNSET, MATCH_DENY, MATCH_DENY, NULL, NULL},
    {BOOT_DENY, true, BOOT_IMAGE, MATCH_IMAGE, MATCH_IMAGE, "host", "unknown"},
    {BOOT_UNSET, true, BOOT_UNSET, MATCH_DENY, MATCH_DENY, NULL, NULL},
    {BOOT_UNSET, false, BOOT_UNSET, MATCH_DENY, MATCH_IGNORE, NULL, NULL},
};

static void
assert_match(const struct match *m, enum match_kind kind, const char *image)
{
	assert_int_equal(m->kind, kind);
	if (image == NULL)
		assert_null(m->image);
	else
		assert_string_equal(m->image, image);
}

static void
test_table(void **state)
{
	static const char text[] = "interface a; host \"h\" { mac 52:54:00:00:00:01; }";
	struct conf_text t = {.conf = text, .conf_len = sizeof text - 1};
	struct conf_error e;
	struct conf *conf;
	struct conf_scope *host;

	(void)state;
	assert_int_equal(conf_parse(&t, &conf, &e), 0);
	memcpy(conf->default_image, "default", sizeof "default");
	memcpy(conf->unknown_image, "unknown", sizeof "unknown");
	host = &conf->hosts[0].scope;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct match m;

		conf->default_boot = rows[i].fallback;
		conf->unknown_allow = rows[i].allow;
		conf->unknown_boot = host->boot = rows[i].own;
		host->image = rows[i].own == BOOT_IMAGE ? "host" : NULL;
		m = match_machine(conf, &(struct match_input){.mac = &known}, NULL);
		assert_match(&m, rows[i].of_known, rows[i].image_known);
		assert_ptr_equal(m.host, &conf->hosts[0]);
		m = match_machine(conf, &(struct match_input){.mac = &unknown}, NULL);
		assert_match(&m, rows[i].of_unknown, rows[i].image_unknown);
		assert_null(m.host);
		/* Without a hardware address of six bytes it is nobody we know. */
		m = match_machine(conf, &(struct match_input){.mac = NULL}, NULL);
		assert_match(&m, rows[i].of_unknown, rows[i].image_unknown);
	}
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
