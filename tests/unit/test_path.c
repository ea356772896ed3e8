/*
 * Folding of requested names: every spelling has one result or none.
 */
#include "src/wire/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fold_case {
	const char *in;
	size_t len;
	const char *tftp; /* NULL: refused */
	int tftp_err;
	const char *http;
	int http_err;
};

#define SAME(in, out)                              \
	{                                          \
		in, sizeof(in) - 1, out, 0, out, 0 \
	}
#define NEVER(in, err)                                   \
	{                                                \
		in, sizeof(in) - 1, NULL, err, NULL, err \
	}
#define TFTP(in, out, err)                            \
	{                                             \
		in, sizeof(in) - 1, out, 0, NULL, err \
	}
#define HTTP(in, err, out)                            \
	{                                             \
		in, sizeof(in) - 1, NULL, err, out, 0 \
	}
#define BOTH(in, t, h)                         \
	{                                      \
		in, sizeof(in) - 1, t, 0, h, 0 \
	}
#define ERRS(in, t, h)                               \
	{                                            \
		in, sizeof(in) - 1, NULL, t, NULL, h \
	}

static const struct fold_case cases[] = {
    SAME("vmlinuz", "vmlinuz"),
    SAME("/vmlinuz", "vmlinuz"),
    SAME("///vmlinuz", "vmlinuz"),
    SAME("/a//b///c", "a/b/c"),
    SAME("\\EFI\\BOOT\\grubx64.efi", "EFI/BOOT/grubx64.efi"),
    SAME("\\\\a\\/b", "a/b"),
    SAME("pxelinux.cfg/01-52-54-00-77-00-01", "pxelinux.cfg/01-52-54-00-77-00-01"),
    SAME("MixedCase", "MixedCase"),
    SAME("C:\\x", "C:/x"),
    SAME("a b", "a b"),
    SAME("a;params", "a;params"),
    SAME("...", "..."),
    SAME("a/..b/b..", "a/..b/b.."),
    SAME(".hidden", ".hidden"),
    /* Percent, once. */
    SAME("%61%2e%45fi", "a.Efi"),
    SAME("a%2fb%5Cc", "a/b/c"),
    SAME("a%20b", "a b"),
    SAME("a%3fb%23", "a?b#"),
    SAME("%2f%2Fa", "a"),
    NEVER("%", ERR_FORMAT),
    NEVER("a%4", ERR_FORMAT),
    NEVER("a%4g", ERR_FORMAT),
    NEVER("a%g4", ERR_FORMAT),
    NEVER("a%%41", ERR_FORMAT),
    NEVER("a%+1", ERR_FORMAT),
    NEVER("%2500", ERR_FORMAT),
    NEVER("%252e%252e/x", ERR_FORMAT),
    NEVER("%00", ERR_FORMAT),
    NEVER("a%00.efi", ERR_FORMAT),
    NEVER("a%0d%0ab", ERR_FORMAT),
    NEVER("a%7f", ERR_FORMAT),
    NEVER("%c0%ae%c0%ae/x", ERR_FORMAT),
    NEVER("%ff", ERR_FORMAT),
    /* Dots. */
    NEVER(".", ERR_FORMAT),
    NEVER("..", ERR_FORMAT),
    NEVER("../x", ERR_FORMAT),
    NEVER("/../x", ERR_FORMAT),
    NEVER("a/../b", ERR_FORMAT),
    NEVER("a/./b", ERR_FORMAT),
    NEVER("a/..", ERR_FORMAT),
    NEVER("a/.", ERR_FORMAT),
    NEVER("a/../", ERR_FORMAT),
    NEVER("..\\x", ERR_FORMAT),
    NEVER("a\\..\\x", ERR_FORMAT),
    NEVER("%2e%2e/x", ERR_FORMAT),
    NEVER("..%2fx", ERR_FORMAT),
    NEVER("..%5cx", ERR_FORMAT),
    NEVER("a//..//b", ERR_FORMAT),
    /* Nothing named. */
    NEVER("", ERR_ABSENT),
    NEVER("/", ERR_ABSENT),
    NEVER("\\//", ERR_ABSENT),
    NEVER("%2f", ERR_ABSENT),
    NEVER("a/", ERR_ABSENT),
    NEVER("a%5c", ERR_ABSENT),
    /* Bytes. */
    NEVER("a\0b", ERR_FORMAT),
    NEVER("\x01"
	  "a",
	ERR_FORMAT),
    NEVER("a\tb", ERR_FORMAT),
    NEVER("\xc3\xa9", ERR_FORMAT),
    NEVER("a\xff"
	  "b",
	ERR_FORMAT),
    NEVER("\xc0\xae/x", ERR_FORMAT),
    NEVER("a\x80", ERR_FORMAT),
    /* At the end, TFTP only. */
    TFTP("undionly.kpxe\xff", "undionly.kpxe", ERR_FORMAT),
    TFTP("undionly.kpxe\xff\x01\x00\xff", "undionly.kpxe", ERR_FORMAT),
    TFTP("a\r\n", "a", ERR_FORMAT),
    TFTP("a\x7f", "a", ERR_FORMAT),
    SAME("a ", "a "),
    BOTH("a;mode=octet", "a", "a;mode=octet"),
    BOTH("a;MODE=Octet", "a", "a;MODE=Octet"),
    TFTP("a;mode=octet\xff", "a", ERR_FORMAT),
    SAME("a;mode=netascii", "a;mode=netascii"),
    BOTH("a;mode=octet;mode=octet", "a;mode=octet", "a;mode=octet;mode=octet"),
    HTTP(";mode=octet", ERR_ABSENT, ";mode=octet"),
    ERRS("\xff\xff", ERR_ABSENT, ERR_FORMAT),
    ERRS("a/\xff", ERR_ABSENT, ERR_FORMAT),
    /* URLs. */
    BOTH("a?b", "a?b", "a"),
    BOTH("a?b?c", "a?b?c", "a"),
    HTTP("/a?b=/../c", ERR_FORMAT, "a"),
    HTTP("a?%zz", ERR_FORMAT, "a"),
    HTTP("a?\xff\x01z", ERR_FORMAT, "a"),
    HTTP("a?b/", ERR_ABSENT, "a"),
    TFTP("?x", "?x", ERR_ABSENT),
    TFTP("/?x", "?x", ERR_ABSENT),
    TFTP("a#b", "a#b", ERR_FORMAT),
    TFTP("a?b#c", "a?b#c", ERR_FORMAT),
};

static void
check(const struct fold_case *c, unsigned flags, const char *want, int want_err)
{
	char out[PATH_FOLDED_MAX + 1];
	uint8_t *exact = malloc(c->len == 0 ? 1 : c->len);
	int err;

	assert_non_null(exact);
	memcpy(exact, c->in, c->len);
	memset(out, 'x', sizeof out);
	err = path_fold(exact, c->len, flags, out);
	if (err != want_err || strcmp(out, want == NULL ? "" : want) != 0)
		fail_msg("\"%s\" flags %u: %d \"%.255s\"", c->in, flags, err, out);
	free(exact);
}

static void
every_shape_folds_or_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		check(&cases[i], PATH_TFTP, cases[i].tftp, cases[i].tftp_err);
		check(&cases[i], PATH_HTTP, cases[i].http, cases[i].http_err);
	}
}

static void
flags_are_honoured(void **state)
{
	char out[PATH_FOLDED_MAX + 1];

	(void)state;
	assert_int_equal(path_fold("a%41", 4, 0, out), 0);
	assert_string_equal(out, "a%41");
	assert_int_equal(path_fold("a%41", 4, PATH_PERCENT, out), 0);
	assert_string_equal(out, "aA");
	assert_int_equal(path_fold("a?b", 3, PATH_PERCENT, out), 0);
	assert_string_equal(out, "a?b");
	assert_int_equal(path_fold("a\n", 2, PATH_QUERY, out), ERR_FORMAT);
	assert_int_equal(path_fold("a\n", 2, PATH_TRAIL, out), 0);
	assert_string_equal(out, "a");
}

static void
lengths_end_at_255(void **state)
{
	char in[3 * 4096 + 1], out[PATH_FOLDED_MAX + 1];

	(void)state;
	memset(in, 'a', sizeof in);
	assert_int_equal(path_fold(in, 255, PATH_TFTP, out), 0);
	assert_int_equal(strlen(out), 255);
	assert_int_equal(path_fold(in, 256, PATH_TFTP, out), ERR_LONG);
	assert_string_equal(out, "");
	assert_int_equal(path_fold(in, 4096, PATH_HTTP, out), ERR_LONG);
	/* What counts is the result. */
	memset(in, '/', 4096);
	assert_int_equal(path_fold(in, 4096 + 255, PATH_HTTP, out), 0);
	assert_int_equal(path_fold(in, 4096 + 256, PATH_HTTP, out), ERR_LONG);
	for (size_t i = 0; i < 256; i++)
		memcpy(in + 3 * i, "%61", 3);
	assert_int_equal(path_fold(in, 3 * 255, PATH_HTTP, out), 0);
	assert_int_equal(path_fold(in, 3 * 256, PATH_HTTP, out), ERR_LONG);
}

/* Every byte value, in the middle of a name and percent-encoded, in both policies. */
static void
every_byte_is_printable_or_refused(void **state)
{
	char out[PATH_FOLDED_MAX + 1];

	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		static const char hex[] = "0123456789abcdef";
		bool printable = b >= 0x20 && b <= 0x7e;
		uint8_t plain[3] = {'a', (uint8_t)b, 'b'};
		char coded[5] = {'a', '%', hex[b >> 4], hex[b & 15], 'b'};

		assert_int_equal(path_fold(coded, 5, PATH_HTTP, out),
		    printable && b != '%' ? 0 : ERR_FORMAT);
		if (printable && b != '%' && b != '/' && b != '\\')
			assert_int_equal(out[1], b);
		assert_int_equal(path_fold(plain, 3, PATH_TFTP, out),
		    printable && b != '%' ? 0 : ERR_FORMAT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_shape_folds_or_is_refused),
	    cmocka_unit_test(flags_are_honoured),
	    cmocka_unit_test(lengths_end_at_255),
	    cmocka_unit_test(every_byte_is_printable_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
