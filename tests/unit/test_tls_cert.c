/*
 * What sallyport-image makes of names, and the form in which firmware keeps an authority.
 * The certificates themselves are looked at by tests/system/image_tls.sh.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/tools/tls_cert.h"

static void
becomes(const char *const names[], unsigned n, const char *wanted)
{
	char *copies[8], *why, *list;

	for (unsigned i = 0; i < n; i++)
		copies[i] = strdup(names[i]);
	list = tls_cert_names(copies, n, &why);
	if (wanted == NULL) {
		assert_null(list);
		assert_non_null(why);
	} else {
		assert_non_null(list);
		assert_string_equal(list, wanted);
	}
	free(list);
	free(why);
	for (unsigned i = 0; i < n; i++)
		free(copies[i]);
}

static void
names(void **state)
{
	static const char *const all[] = {"10.0.0.1", "boot.example", "fd00::1", "a"};
	static const char *const wrong[] = {"", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b",
	    "*.a", "a b", "a\nb", "a,DNS:b", "a;b", "a/b", "a:1", "256.1.1.1", "1.2.3", "1",
	    "a.1", "\xc3\xbc.example", "a_b"};

	(void)state;
	becomes(all, 4, "IP:10.0.0.1,DNS:boot.example,IP:fd00::1,DNS:a");
	for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const char *two[] = {"a", wrong[i]};

		becomes(&wrong[i], 1, NULL);
		becomes(two, 2, NULL);
	}
}

static void
lengths_of_names(void **state)
{
	char label[65], name[300] = "", *p = name;
	const char *one;

	(void)state;
	memset(label, 'a', 64);
	label[64] = '\0';
	one = label;
	becomes(&one, 1, NULL);
	label[63] = '\0';
	one = label;
	becomes(
	    &one, 1, "DNS:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	for (unsigned i = 0; i < 126; i++) {
		*p++ = 'a';
		*p++ = '.';
	}
	*p++ = 'b';
	*p = '\0';
	assert_int_equal(strlen(name), 253);
	one = name;
	{
		char wanted[300];

		snprintf(wanted, sizeof wanted, "DNS:%s", name);
		becomes(&one, 1, wanted);
	}
	*p++ = 'b';
	*p = '\0';
	becomes(&one, 1, NULL);
}

static void
signature_list(void **state)
{
	static const uint8_t head[28] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
	    0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72, 0x58, 2, 0, 0, 0, 0, 0, 0, 0x3c,
	    2, 0, 0};
	uint8_t der[556], esl[700];

	(void)state;
	for (unsigned i = 0; i < sizeof der; i++)
		der[i] = (uint8_t)i;
	/* 556 + 16 = 0x23c, + 28 = 0x258 */
	assert_int_equal(tls_cert_esl(der, sizeof der, esl, sizeof esl), 600);
	assert_memory_equal(esl, head, sizeof head);
	assert_memory_equal(esl + 44, der, sizeof der);
	assert_int_equal(tls_cert_esl(der, sizeof der, esl, 600), 600);
	assert_int_equal(tls_cert_esl(der, sizeof der, esl, 599), ERR_LONG);
	assert_int_equal(tls_cert_esl(der, (size_t)1 << 32, esl, sizeof esl), ERR_LONG);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(lengths_of_names),
	    cmocka_unit_test(signature_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
