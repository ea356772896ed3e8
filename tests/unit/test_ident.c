/*
 * Addresses, hardware addresses and architectures: text forms, comparisons, codes.
 */
#include <string.h>

#include "src/base/ident.h"
#include "tests/unit/unit.h"

static void
addresses_as_text(void **state)
{
	struct addr a;
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(addr_parse("10.77.0.1", &a), 0);
	assert_int_equal(addr_to_v4(&a), 0x0a4d0001);
	assert_string_equal(addr_format(&a, text), "10.77.0.1");
	assert_int_equal(addr_parse("2001:db8::1", &a), 0);
	assert_int_equal(a.family, ADDR_V6);
	assert_string_equal(addr_format(&a, text), "2001:db8::1");
	assert_int_equal(addr_to_v4(&a), 0);
	for (const char *const *bad = (const char *const[]){"", "10.77.0", "10.77.0.256",
		 "010.1.1.1x", "::g", NULL};
	     *bad != NULL; bad++) {
		assert_int_equal(addr_parse(*bad, &a), ERR_FORMAT);
		assert_int_equal(a.family, ADDR_NONE);
	}
}

static void
canonical_addresses(void **state)
{
	struct addr a = addr_v4(0x0a000001);

	(void)state;
	assert_true(addr_is_canonical(&a));
	a.b[15] = 1;
	assert_false(addr_is_canonical(&a));
	a.family = ADDR_V6;
	assert_true(addr_is_canonical(&a));
	a.family = ADDR_NONE;
	assert_false(addr_is_canonical(&a));
	a.family = 5;
	assert_false(addr_is_canonical(&a));
	memset(&a, 0, sizeof a);
	assert_true(addr_is_canonical(&a));
	assert_true(addr_is_unset(&a));
}

static void
macs(void **state)
{
	struct mac m, other;
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_int_equal(mac_parse("52:54:00:AB:cd:0f", &m), 0);
	assert_string_equal(mac_format(&m, text), "52:54:00:ab:cd:0f");
	assert_int_equal(mac_parse("52-54-00-ab-cd-0f", &other), 0);
	assert_true(mac_equal(&m, &other));
	assert_int_equal(mac_parse("52:54:00:ab:cd", &m), ERR_FORMAT);
	assert_int_equal(mac_parse("52:54:00:ab:cd:0g", &m), ERR_FORMAT);
	assert_int_equal(mac_parse("52:54:00:ab:cd:0f:", &m), ERR_FORMAT);
	assert_int_equal(mac_parse("525:4:00:ab:cd:0f", &m), ERR_FORMAT);
	assert_false(mac_is_unusable(&other));
	other.b[0] |= 1;
	assert_true(mac_is_unusable(&other));
	memset(&other, 0, sizeof other);
	assert_true(mac_is_unusable(&other));
}

static void
architectures(void **state)
{
	bool http = true;

	(void)state;
	assert_int_equal(arch_from_code(0, &http), ARCH_BIOS);
	assert_false(http);
	assert_int_equal(arch_from_code(7, &http), ARCH_X64);
	assert_int_equal(arch_from_code(9, &http), ARCH_X64);
	assert_int_equal(arch_from_code(0x10, &http), ARCH_X64);
	assert_true(http);
	assert_int_equal(arch_from_code(0x0b, &http), ARCH_ARM64);
	assert_int_equal(arch_from_code(0xffff, &http), ARCH_NONE);
	assert_false(http);
	for (unsigned i = ARCH_NONE + 1; i < ARCH_MAX; i++)
		assert_int_equal(arch_parse(arch_name((enum arch)i)), i);
	assert_int_equal(arch_parse("none"), ARCH_MAX);
	assert_int_equal(arch_parse(""), ARCH_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_as_text),
	    cmocka_unit_test(canonical_addresses),
	    cmocka_unit_test(macs),
	    cmocka_unit_test(architectures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
