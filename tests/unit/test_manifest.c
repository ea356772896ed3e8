/*
 * Manifests: names, paths, times, the one form of the text, and every way to break it.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/manifest.h"
#include "policy/when.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FILES                               \
	"file " HASH " 10 boot/initrd.gz\n" \
	"file " HASH " 20 boot/linux\n"     \
	"file " HASH " 0 empty\n"           \
	"file " HASH " 9223372036854775807 t/boot.ipxe\n"
#define HEAD                                                         \
	"sallyport-manifest 1\nname debian-12\nversion 2026112200\n" \
	"created 2026-11-22T10:00:00Z\nexpires 2027-11-22T10:00:00Z\n"
#define BOOT                                                                  \
	"boot bios\nkernel boot/linux\ninitrd boot/initrd.gz\ninitrd empty\n" \
	"cmdline console=ttyS0 x=@{ip}\nboot x64\nloader boot/linux\n"
#define TAIL "template ipxe t/boot.ipxe\nend\n"
#define GOOD HEAD FILES BOOT TAIL

static struct manifest_file files[MANIFEST_FILES_MAX];
static struct manifest m;
static struct text_error error;

static int
parse(const char *text)
{
	return manifest_parse(text, strlen(text), files, MANIFEST_FILES_MAX, &m, &error);
}

/* The text is refused at this place, with these words. */
static void
assert_refused(const char *text, unsigned line, unsigned column, const char *words)
{
	assert_int_equal(parse(text), ERR_FORMAT);
	if (error.line != line || error.column != column ||
	    strstr(error.what, words) == NULL)
		fail_msg("%u:%u: %s; wanted %u:%u: %s", error.line, error.column,
		    error.what, line, column, words);
}

static void
test_good(void **state)
{
	static char again[65536];
	int len;

	(void)state;
	assert_int_equal(parse(GOOD), 0);
	assert_string_equal(m.name, "debian-12");
	assert_int_equal(m.version, 2026112200);
	assert_int_equal(m.created, 1795341600);
	assert_int_equal(m.expires, 1826877600);
	assert_int_equal(m.nfiles, 4);
	assert_int_equal(m.files[1].size, 20);
	assert_int_equal(m.files[3].size, INT64_MAX);
	assert_int_equal(m.files[0].hash[1], 0x11);
	assert_int_equal(m.nboots, 2);
	assert_int_equal(m.boots[0].arch, ARCH_BIOS);
	assert_int_equal(m.boots[0].loader, MANIFEST_NO_FILE);
	assert_int_equal(m.boots[0].kernel, 1);
	assert_int_equal(m.boots[0].ninitrds, 2);
	assert_int_equal(m.boots[0].initrds[1], 2);
	assert_string_equal(m.boots[0].cmdline, "console=ttyS0 x=@{ip}");
	assert_int_equal(m.boots[1].loader, 1);
	assert_int_equal(m.templates[TEMPLATE_IPXE], 3);
	assert_int_equal(m.templates[TEMPLATE_GRUB], MANIFEST_NO_FILE);
	assert_non_null(manifest_boot_for(&m, ARCH_X64));
	assert_null(manifest_boot_for(&m, ARCH_ARM64));
	len = manifest_print(&m, again, sizeof again);
	assert_int_equal(len, strlen(GOOD));
	assert_memory_equal(again, GOOD, strlen(GOOD));
	assert_int_equal(manifest_print(&m, again, (size_t)len - 1), ERR_LONG);
	assert_int_equal(parse(HEAD FILES "end\n"), 0);
}

static void
test_truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(GOOD); len++) {
		char *exact = malloc(len + 1);

		memcpy(exact, GOOD, len);
		assert_int_equal(
		    manifest_parse(exact, len, files, 100, &m, &error), ERR_FORMAT);
		assert_in_range(error.line, 1, 19);
		free(exact);
	}
	assert_refused(GOOD "x", 19, 1, "nothing after");
	assert_refused(GOOD GOOD, 19, 1, "nothing after");
	assert_refused(GOOD "\n", 19, 1, "nothing after");
}

/* A flipped bit either breaks the form or is another manifest with a form of its own. */
static void
test_bit_flips(void **state)
{
	static char text[4096], again[8192];
	size_t len = strlen(GOOD);
	unsigned accepted = 0;

	(void)state;
	for (size_t bit = 0; bit < len * 8; bit++) {
		int n;

		memcpy(text, GOOD, len);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		if (manifest_parse(text, len, files, 100, &m, &error) != 0)
			continue;
		accepted++;
		n = manifest_print(&m, again, sizeof again);
		assert_int_equal(n, len);
		assert_memory_equal(again, text, len);
	}
	assert_in_range(accepted, 100, len * 8 / 2);
}

static void
test_head(void **state)
{
	(void)state;
	assert_refused("", 1, 1, "expected \"sallyport-manifest 1\"");
	assert_refused(
	    "sallyport-manifest 2\n", 1, 20, "expected \"sallyport-manifest 1\"");
	assert_refused("sallyport-manifest 1\r\n", 1, 21, "expected");
	assert_refused("sallyport-manifest 1\nversion 1\n", 2, 1, "name");
	assert_refused("sallyport-manifest 1\nname -a\n", 2, 6, "begins with");
	assert_refused("sallyport-manifest 1\nname aB\n", 2, 7, "consists of");
	assert_refused("sallyport-manifest 1\nname a/b\n", 2, 7, "consists of");
	assert_refused("sallyport-manifest 1\nname a b\n", 2, 7, "end of the line");
	assert_refused("sallyport-manifest 1\nname \n", 2, 6, "name of the image");
	assert_refused("sallyport-manifest 1\nname a\nversion 0\n", 3, 9, "version from 1");
	assert_refused("sallyport-manifest 1\nname a\nversion 01\n", 3, 9, "version");
	assert_refused("sallyport-manifest 1\nname a\nversion -1\n", 3, 9, "version");
	assert_refused("sallyport-manifest 1\nname a\nversion 18446744073709551616\n", 3, 9,
	    "too large");
	assert_refused("sallyport-manifest 1\nname a\nversion 184467440737095516150\n", 3,
	    29, "longer");
	assert_refused("sallyport-manifest 1\nname a\nversion 18446744073709551615\nx", 4,
	    1, "created");
}

static void
test_times(void **state)
{
#define UPTO "sallyport-manifest 1\nname a\nversion 1\n"
	(void)state;
	assert_refused(UPTO "created 2026-02-29T10:00:00Z\n", 4, 17, "no such time");
	assert_refused(UPTO "created 2026-13-01T10:00:00Z\n", 4, 14, "no such time");
	assert_refused(UPTO "created 1969-12-31T23:59:59Z\n", 4, 9, "no such time");
	assert_refused(UPTO "created 2026-12-01T24:00:00Z\n", 4, 20, "no such time");
	assert_refused(UPTO "created 2026-12-01T23:59:60Z\n", 4, 20, "no such time");
	assert_refused(UPTO "created 2026-12-01 10:00:00Z\n", 4, 19, "expected a time");
	assert_refused(UPTO "created 2026-12-01T10:00:00z\n", 4, 28, "expected a time");
	assert_refused(UPTO "created 2026-12-01T10:00:00\n", 4, 28, "expected a time");
	assert_refused(UPTO "created 2026-12-01T10:00:00Z\n"
			    "expires 2026-12-01T10:00:00Z\n",
	    5, 9, "later than");
}

/* The whole calendar, day by day, against the C library's. */
static void
test_calendar(void **state)
{
	char text[WHEN_TEXT_LEN + 1], want[64];
	uint64_t back;
	size_t at;

	(void)state;
	for (uint64_t day = 0; day < 366 * 500; day++) {
		time_t t = (time_t)(day * 86400 + day % 86400);
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_string_equal(when_format((uint64_t)t, text), want);
		assert_int_equal(when_parse(text, strlen(text), &back, &at), 0);
		assert_int_equal(back, t);
	}
	assert_string_equal(when_format(UINT64_MAX, text), "9999-12-31T23:59:59Z");
	assert_int_equal(when_parse(text, 20, &back, &at), 0);
	assert_int_equal(back, UINT64_C(253402300799));
	assert_int_equal(when_parse("2000-02-29T00:00:00Z", 20, &back, &at), 0);
	assert_int_equal(when_parse("1900-02-29T00:00:00Z", 20, &back, &at), ERR_RANGE);
	assert_int_equal(when_parse("2100-02-29T00:00:00Z", 20, &back, &at), ERR_RANGE);
}

static void
assert_path(const char *path, const char *words)
{
	size_t at;
	const char *why = paths_check_path(path, strlen(path), &at);

	if (words == NULL ? why != NULL : why == NULL || strstr(why, words) == NULL)
		fail_msg("%s: %s", path, why == NULL ? "accepted" : why);
}

static void
test_paths(void **state)
{
	char longest[PATHS_PATH_MAX + 2];
	size_t at;

	(void)state;
	memset(longest, 'a', sizeof longest);
	longest[PATHS_PATH_MAX] = '\0';
	assert_path(longest, NULL);
	longest[PATHS_PATH_MAX] = 'a';
	longest[PATHS_PATH_MAX + 1] = '\0';
	assert_path(longest, "200");
	assert_path("a", NULL);
	assert_path(".disk/info", NULL);
	assert_path("a/...", NULL);
	assert_path("A-Za-z/09._+@=,-", NULL);
	assert_path("manifest.txt", NULL);
	assert_path("x/manifest", NULL);
	assert_path("", "empty");
	assert_path("/a", "empty");
	assert_path("a/", "empty");
	assert_path("a//b", "empty");
	assert_path(".", "\".\"");
	assert_path("a/./b", "\".\"");
	assert_path("..", "\"..\"");
	assert_path("a/../b", "\"..\"");
	assert_path("a/..", "\"..\"");
	assert_path("a b", "consists");
	assert_path("a\\b", "consists");
	assert_path("a%2e", "consists");
	assert_path("a\nb", "consists");
	assert_path("a\xc3\xa4", "consists");
	assert_path("a:b", "consists");
	assert_path("manifest", "itself");
	assert_path("MANIFEST.minisig", "itself");
	assert_string_equal(paths_check_path("a\0b", 3, &at),
	    "a path consists of A-Z a-z 0-9 . _ / + @ = , -");
}

static void
test_files(void **state)
{
	(void)state;
	assert_refused(HEAD "end\n", 6, 1, "file");
	assert_refused(HEAD "file 00 1 a\n", 6, 8, "64 lower-case hex");
	assert_refused(HEAD "file 00112233445566778899AA\n", 6, 26, "64 lower-case hex");
	assert_refused(HEAD "file " HASH "0 1 a\n", 6, 70, "longer");
	assert_refused(HEAD "file " HASH " 01 a\n", 6, 71, "size");
	assert_refused(HEAD "file " HASH " 9223372036854775808 a\n", 6, 71, "size");
	assert_refused(HEAD "file " HASH " 1  a\n", 6, 73, "path");
	assert_refused(HEAD "file " HASH " 1 a/../b\n", 6, 75, "\"..\"");
	assert_refused(HEAD "file " HASH " 1 a b\n", 6, 74, "end of the line");
	assert_refused(HEAD "file " HASH " 1 b\nfile " HASH " 1 a\n", 7, 73, "ascending");
	assert_refused(HEAD "file " HASH " 1 b\nfile " HASH " 1 b\n", 7, 73, "twice");
	assert_refused(HEAD "file " HASH " 1 A/b\nfile " HASH " 1 B\nfile " HASH
			    " 1 a/B\nend\n",
	    8, 1, "differs only in case from that of line 6");
}

static void
test_boots(void **state)
{
#define AT HEAD FILES
	(void)state;
	assert_refused(AT "boot x86_64\nkernel empty\nend\n", 10, 6, "expected bios");
	assert_refused(AT "boot none\nkernel empty\nend\n", 10, 6, "expected bios");
	assert_refused(AT "boot x64\nend\n", 11, 1, "loader");
	assert_refused(AT "boot x64\nkernel nowhere\nend\n", 11, 8, "listed file");
	assert_refused(AT "boot x64\nkernel boot\nend\n", 11, 8, "listed file");
	assert_refused(AT "boot x64\nkernel emptyx\nend\n", 11, 8, "listed file");
	assert_refused(AT "boot x64\nloader ../x\nend\n", 11, 8, "\"..\"");
	assert_refused(AT "boot x64\nkernel empty\nloader empty\nend\n", 12, 1, "end");
	assert_refused(AT "boot x64\nloader empty\ninitrd empty\nend\n", 12, 1, "end");
	assert_refused(AT "boot x64\nkernel empty\nkernel empty\nend\n", 12, 1, "end");
	assert_refused(AT "boot x64\nkernel empty\nboot x64\n", 12, 6, "once");
	assert_refused(AT "boot x64\nkernel empty\nboot bios\n", 12, 6, "order");
	assert_refused(AT "boot x64\nkernel empty\ncmdline \nend\n", 12, 9, "command line");
	assert_refused(AT "boot x64\nkernel empty\ncmdline  a\nend\n", 12, 9, "before it");
	assert_refused(AT "boot x64\nkernel empty\ncmdline a \nend\n", 12, 10, "after it");
	assert_refused(
	    AT "boot x64\nkernel empty\ncmdline a\tb\nend\n", 12, 10, "printable");
	assert_refused(AT "template x t/boot.ipxe\nend\n", 10, 10, "ipxe, grub");
	assert_refused(
	    AT "template grub empty\ntemplate ipxe empty\nend\n", 11, 10, "order");
	assert_refused(
	    AT "template grub empty\ntemplate grub empty\nend\n", 11, 10, "once");
	assert_refused(AT "template ipxe none\nend\n", 10, 15, "listed file");
	assert_refused(
	    AT "template ipxe empty\nboot x64\nkernel empty\nend\n", 11, 1, "end");
}

static void
test_initrd_limit(void **state)
{
	static char text[65536];
	char *p = text;

	(void)state;
	p += sprintf(p, AT "boot x64\nkernel empty\n");
	for (unsigned i = 0; i < MANIFEST_INITRDS_MAX; i++)
		p += sprintf(p, "initrd empty\n");
	sprintf(p, "end\n");
	assert_int_equal(parse(text), 0);
	sprintf(p, "initrd empty\nend\n");
	assert_refused(text, 20, 1, "more than 8");
}

static void
test_cmdline_limit(void **state)
{
	static char text[65536];
	char line[MANIFEST_CMDLINE_MAX + 2];

	(void)state;
	memset(line, 'a', sizeof line);
	line[MANIFEST_CMDLINE_MAX] = '\0';
	snprintf(text, sizeof text, AT "boot x64\nkernel empty\ncmdline %s\nend\n", line);
	assert_int_equal(parse(text), 0);
	assert_int_equal(strlen(m.boots[0].cmdline), MANIFEST_CMDLINE_MAX);
	line[MANIFEST_CMDLINE_MAX] = 'a';
	line[MANIFEST_CMDLINE_MAX + 1] = '\0';
	snprintf(text, sizeof text, AT "boot x64\nkernel empty\ncmdline %s\nend\n", line);
	assert_refused(text, 12, 9 + MANIFEST_CMDLINE_MAX, "longer than 1024");
}

/* n files with the longest paths, f00000 and so on at their end. */
static char *
many(unsigned n, size_t *len)
{
	char filler[PATHS_PATH_MAX];
	char *text = malloc((size_t)n * 300 + 1000), *p = text;

	memset(filler, 'x', sizeof filler);
	p += sprintf(p, HEAD);
	for (unsigned i = 0; i < n; i++)
		p += sprintf(
		    p, "file " HASH " %u %.*sf%05u\n", i, PATHS_PATH_MAX - 6, filler, i);
	p += sprintf(p, "end\n");
	*len = (size_t)(p - text);
	return text;
}

static void
test_many_files(void **state)
{
	size_t len;
	char *text = many(MANIFEST_FILES_MAX, &len);

	(void)state;
	assert_true(len < MANIFEST_SIZE_MAX);
	assert_int_equal(manifest_count(text, len), MANIFEST_FILES_MAX);
	assert_int_equal(
	    manifest_parse(text, len, files, MANIFEST_FILES_MAX, &m, &error), 0);
	for (unsigned i = 0; i < m.nfiles; i++)
		assert_int_equal(
		    manifest_find(&m, files[i].path, strlen(files[i].path)), i);
	assert_int_equal(
	    manifest_parse(text, len, files, MANIFEST_FILES_MAX - 1, &m, &error),
	    ERR_FORMAT);
	assert_non_null(strstr(error.what, "more than 9999 files"));
	free(text);
	text = many(MANIFEST_FILES_MAX + 1, &len);
	assert_int_equal(
	    manifest_parse(text, len, files, UINT32_MAX, &m, &error), ERR_FORMAT);
	assert_non_null(strstr(error.what, "more than 10000 files"));
	free(text);
}

static void
test_match(void **state)
{
	(void)state;
	assert_true(paths_match("*", "a"));
	assert_true(paths_match("debian-*", "debian-12"));
	assert_true(paths_match("debian-*", "debian-"));
	assert_true(paths_match("*-12", "debian-12"));
	assert_true(paths_match("d*n*2", "debian-12"));
	assert_true(paths_match("a**b", "ab"));
	assert_true(paths_match("*ab", "aab"));
	assert_false(paths_match("debian", "debian-12"));
	assert_false(paths_match("debian-12", "debian"));
	assert_false(paths_match("", "a"));
	assert_false(paths_match("*x", "abc"));
	assert_false(paths_match("a*b*c", "acb"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_bit_flips),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_calendar),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_boots),
	    cmocka_unit_test(test_initrd_limit),
	    cmocka_unit_test(test_cmdline_limit),
	    cmocka_unit_test(test_many_files),
	    cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
