/*
 * The TFTP codec: requests as firmware sends them, and as nobody should.
 */
#include "src/wire/tftp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/path.h"
#include "tests/unit/tftp_golden.h"

#define REQ(text) text, sizeof(text) /* with the final NUL */

struct request_case {
	const char *bytes;
	size_t len;
	int err;
	bool write;
	enum tftp_mode mode;
	const char *name;
	uint8_t options;
	unsigned blksize, timeout, windowsize;
};

static const struct request_case requests[] = {
    {REQ("\0\1a\0octet"), 0, false, TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\2a\0octet"), 0, true, TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0OcTeT"), 0, false, TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0netASCII"), 0, false, TFTP_NETASCII, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0mail"), 0, false, TFTP_MAIL, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0binary"), 0, false, TFTP_OTHER_MODE, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0octets"), 0, false, TFTP_OTHER_MODE, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0"), 0, false, TFTP_OTHER_MODE, "a", 0, 512, 0, 1},
    {REQ("\0\1grubnetx64.efi\0octet\0tsize\0000\0blksize\0001468\0windowsize\0004"), 0,
	false, TFTP_OCTET, "grubnetx64.efi", 11, 1468, 0, 4},
    {REQ("\0\1a\0octet\0BLKSIZE\0008\0TimeOut\0001\0WindowSize\0001"), 0, false, TFTP_OCTET,
	"a", 13, 8, 1, 1},
    {REQ("\0\1a\0octet\0blksize\00065464\0timeout\000255\0windowsize\00065535"), 0, false,
	TFTP_OCTET, "a", 13, 65464, 255, 65535},
    /* tftp-hpa's, and RFC 2090. */
    {REQ("\0\1a\0octet\0utimeout\0001000000\0blksize2\0008192\0multicast\0"), 0, false,
	TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0netascii\0blksize\0001024\0tsize\0000"), 0, false, TFTP_NETASCII, "a", 3,
	1024, 0, 1},
    /* Out of range, or no number: ignored. */
    {REQ("\0\1a\0octet\0blksize\0007\0timeout\0000\0windowsize\0000"), 0, false, TFTP_OCTET,
	"a", 0, 512, 0, 1},
    {REQ("\0\1a\0octet\0blksize\00065465\0timeout\000256\0windowsize\00065536"), 0, false,
	TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0octet\0blksize\0-1\0timeout\0+5\0windowsize\0001e3"), 0, false, TFTP_OCTET,
	"a", 0, 512, 0, 1},
    {REQ("\0\1a\0octet\0blksize\0 1024\0timeout\0005 \0windowsize\0000x4"), 0, false,
	TFTP_OCTET, "a", 0, 512, 0, 1},
    {REQ("\0\1a\0octet\0blksize\0\0tsize\0\0timeout\0"), 0, false, TFTP_OCTET, "a", 0, 512,
	0, 1},
    /* 2^64 + 1024 must not wrap to 1024; nor 2^64 + 0 for tsize. */
    {REQ("\0\1a\0octet\0blksize\00018446744073709552640"), 0, false, TFTP_OCTET, "a", 0,
	512, 0, 1},
    {REQ("\0\1a\0octet\0tsize\00018446744073709551615"), 0, false, TFTP_OCTET, "a", 2, 512,
	0, 1},
    {REQ("\0\1a\0octet\0tsize\00018446744073709551616"), 0, false, TFTP_OCTET, "a", 0, 512,
	0, 1},
    /* The first of several counts, also when it was of no use. */
    {REQ("\0\1a\0octet\0blksize\0001024\0BLKSIZE\0001400"), 0, false, TFTP_OCTET, "a", 1,
	1024, 0, 1},
    {REQ("\0\1a\0octet\0blksize\0zero\0blksize\0001400"), 0, false, TFTP_OCTET, "a", 0, 512,
	0, 1},
    /* Unknown ones are passed over, whatever they look like. */
    {REQ("\0\1a\0octet\0%s%n\0%x\0multicast\0\0blksize2\0001024\0tsize\0000"), 0, false,
	TFTP_OCTET, "a", 2, 512, 0, 1},
    {REQ("\0\1a\0octet\0\0x\0tsize\0000"), 0, false, TFTP_OCTET, "a", 2, 512, 0, 1},
    {REQ("\0\1a\0octet\0tsize\0000\0\0\0\0"), 0, false, TFTP_OCTET, "a", 2, 512, 0, 1},
    {REQ("\0\1../\\%\xff\0octet"), 0, false, TFTP_OCTET, "../\\%\xff", 0, 512, 0, 1},
    /* Refused. */
    {"", 0, ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {"\0", 1, ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {"\0\1", 2, ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\0\1\0octet"), ERR_FORMAT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\0\1name"), ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {"\0\1a\0octet", 9, ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\0\1a\0octet\0blksize"), ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {"\0\1a\0octet\0tsize\0000", 17, ERR_SHORT, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\0\0a\0octet"), ERR_UNSUPPORTED, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\0\3a\0octet"), ERR_UNSUPPORTED, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
    {REQ("\1\1a\0octet"), ERR_UNSUPPORTED, false, TFTP_OCTET, NULL, 0, 0, 0, 0},
};

static void
check_request(const struct request_case *c, size_t n)
{
	struct tftp_request r, before;
	uint8_t *exact = malloc(c->len == 0 ? 1 : c->len);
	int err;

	assert_non_null(exact);
	memcpy(exact, c->bytes, c->len);
	memset(&r, 0x5a, sizeof r);
	before = r;
	err = tftp_decode_request(exact, c->len, &r);
	if (err != c->err)
		fail_msg("case %zu: %d, not %d", n, err, c->err);
	if (err != 0) {
		assert_memory_equal(&r, &before, sizeof r);
		free(exact);
		return;
	}
	if (r.write != c->write || r.mode != c->mode || r.options != c->options)
		fail_msg(
		    "case %zu: write %d mode %d options %d", n, r.write, r.mode, r.options);
	if (r.blksize != c->blksize || r.timeout != c->timeout ||
	    r.windowsize != c->windowsize)
		fail_msg("case %zu: %d %d %d", n, r.blksize, r.timeout, r.windowsize);
	assert_int_equal(r.name_len, strlen(c->name));
	assert_memory_equal(r.name, c->name, r.name_len);
	free(exact);
}

static void
requests_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
		check_request(&requests[i], i);
}

/* What firmware and loaders really send, in all its parts and as the broker gets the name.
 */
static void
golden_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof golden_rrqs / sizeof golden_rrqs[0]; i++) {
		const struct golden_rrq *g = &golden_rrqs[i];
		char name[PATH_FOLDED_MAX + 1], bytes[TFTP_REQUEST_MAX] = {0, 1};
		size_t len = strlen(g->bytes);
		struct tftp_request r;

		for (size_t at = 0; at < len; at++)
			bytes[2 + at] = g->bytes[at];
		for (size_t at = 2; at < 2 + len; at++)
			bytes[at] = bytes[at] == '|' ? '\0' : bytes[at];
		if (tftp_decode_request(bytes, 2 + len, &r) != 0 || r.write ||
		    r.mode != TFTP_OCTET || r.options != g->options ||
		    r.blksize != g->blksize || r.windowsize != g->windowsize)
			fail_msg("%s", g->from);
		if (path_fold(r.name, r.name_len, PATH_TFTP, name) != 0 ||
		    strcmp(name, g->name) != 0)
			fail_msg("%s: %s", g->from, name);
	}
}

static void
rollover_is_zero_or_one(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint8_t options, rollover;
	} rows[] = {
	    {REQ("\0\1a\0octet\0rollover\0000"), TFTP_ROLLOVER, 0},
	    {REQ("\0\1a\0octet\0RollOver\0001\0tsize\0000"), TFTP_ROLLOVER | TFTP_TSIZE, 1},
	    {REQ("\0\1a\0octet\0rollover\0002"), 0, 0},
	    {REQ("\0\1a\0octet\0rollover\0-1\0rollover\0001"), 0, 0},
	    {REQ("\0\1a\0octet"), 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tftp_request r;

		assert_int_equal(tftp_decode_request(rows[i].bytes, rows[i].len, &r), 0);
		if (r.options != rows[i].options || r.rollover != rows[i].rollover)
			fail_msg("row %zu: %u %u", i, r.options, r.rollover);
	}
}

static void
every_truncation_is_refused_or_shorter(void **state)
{
	static const char whole[] = "\0\1file\0octet\0tsize\0000\0blksize\0001468";
	struct tftp_request r;

	(void)state;
	for (size_t len = 0; len < sizeof whole; len++) {
		uint8_t *exact = malloc(len + 1);
		int err;

		assert_non_null(exact);
		memcpy(exact, whole, len);
		err = tftp_decode_request(exact, len, &r);
		/* Complete after the mode (13 bytes) and after tsize (21). */
		assert_int_equal(err, len == 13 || len == 21 ? 0 : ERR_SHORT);
		free(exact);
	}
}

static void
a_long_request_is_refused(void **state)
{
	uint8_t bytes[TFTP_REQUEST_MAX + 1];
	struct tftp_request r;

	(void)state;
	memset(bytes, '7', sizeof bytes);
	memcpy(bytes, "\0\1a\0octet\0blksize", 18);
	bytes[TFTP_REQUEST_MAX - 1] = 0;
	assert_int_equal(tftp_decode_request(bytes, TFTP_REQUEST_MAX, &r), 0);
	assert_int_equal(r.options, 0);
	bytes[TFTP_REQUEST_MAX] = 0;
	assert_int_equal(tftp_decode_request(bytes, TFTP_REQUEST_MAX + 1, &r), ERR_LONG);
}

static void
many_options_are_walked(void **state)
{
	uint8_t bytes[TFTP_REQUEST_MAX];
	struct tftp_request r;
	size_t len = 10;

	(void)state;
	memcpy(bytes, "\0\1a\0octet", 10);
	while (len + 4 + 8 <= sizeof bytes) {
		memcpy(bytes + len, "x\0y", 4);
		len += 4;
	}
	memcpy(bytes + len, "tsize\0000", 8);
	assert_int_equal(tftp_decode_request(bytes, len + 8, &r), 0);
	assert_int_equal(r.options, TFTP_TSIZE);
}

static void
replies_are_read(void **state)
{
	struct tftp_reply r;
	uint8_t longest[TFTP_REPLY_MAX + 1] = {0, 5, 0, 1};

	(void)state;
	assert_int_equal(tftp_decode_reply("\0\4\xff\xfe", 4, &r), 0);
	assert_false(r.error);
	assert_int_equal(r.number, 0xfffe);
	assert_int_equal(tftp_decode_reply("\0\5\0\10User aborted", 17, &r), 0);
	assert_true(r.error);
	assert_int_equal(r.number, 8);
	assert_int_equal(tftp_decode_reply("\0\5\1\0", 4, &r), 0);
	assert_int_equal(r.number, 256);
	for (size_t len = 0; len < 4; len++) {
		assert_int_equal(tftp_decode_reply("\0\4\0\1", len, &r), ERR_SHORT);
		assert_int_equal(tftp_decode_reply("\0\5\0\1", len, &r), ERR_SHORT);
	}
	assert_int_equal(tftp_decode_reply("\0\4\0\1\0", 5, &r), ERR_LONG);
	assert_int_equal(tftp_decode_reply(longest, TFTP_REPLY_MAX, &r), 0);
	assert_int_equal(tftp_decode_reply(longest, sizeof longest, &r), ERR_LONG);
	for (unsigned op = 0; op < 0x10000; op++) {
		uint8_t bytes[4] = {(uint8_t)(op >> 8), (uint8_t)op, 0, 1};

		assert_int_equal(tftp_decode_reply(bytes, 4, &r),
		    op == 4 || op == 5 ? 0 : ERR_UNSUPPORTED);
	}
}

static void
an_oack_holds_what_is_acknowledged(void **state)
{
	static const char all[] =
	    "\0\6blksize\0001468\0tsize\00018446744073709551615\0timeout\000255\0windowsize"
	    "\00065535\0rollover\0001";
	struct tftp_oack o = {.options = TFTP_OPTIONS_ALL,
	    .rollover = 1,
	    .blksize = 1468,
	    .timeout = 255,
	    .windowsize = 65535,
	    .tsize = UINT64_MAX};
	uint8_t bytes[TFTP_OACK_MAX];

	(void)state;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), sizeof all);
	assert_memory_equal(bytes, all, sizeof all);
	for (size_t cap = 0; cap < sizeof all; cap++)
		assert_int_equal(tftp_encode_oack(&o, bytes, cap), ERR_LONG);
	o.options = TFTP_TSIZE;
	o.tsize = 0;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), 10);
	assert_memory_equal(bytes, "\0\6tsize\0000", 10);
	o.options = 0;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), ERR_RANGE);
	o.options = 32;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), ERR_RANGE);
	o.options = TFTP_ROLLOVER;
	o.rollover = 2;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), ERR_RANGE);
	o.options = TFTP_BLKSIZE;
	o.blksize = 7;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), ERR_RANGE);
	o.options = TFTP_WINDOWSIZE;
	o.windowsize = 0;
	assert_int_equal(tftp_encode_oack(&o, bytes, sizeof bytes), ERR_RANGE);
}

static void
a_data_header_is_four_bytes(void **state)
{
	uint8_t bytes[4];

	(void)state;
	assert_int_equal(tftp_encode_data(0xabcd, bytes, 4), TFTP_HEADER);
	assert_memory_equal(bytes, "\0\3\xab\xcd", 4);
	assert_int_equal(tftp_encode_data(1, bytes, 3), ERR_LONG);
}

/* No answer to a request that is refused has more bytes than the request. */
static void
errors_are_no_longer_than_requests(void **state)
{
	uint8_t bytes[TFTP_ERROR_MAX];

	(void)state;
	for (int code = 0; code <= 8; code++) {
		int len = tftp_encode_error((enum tftp_error)code, bytes, sizeof bytes);

		assert_in_range(len, 5, code == TFTP_ERR_ILLEGAL ? 5 : 10);
		assert_memory_equal(bytes, "\0\5\0", 3);
		assert_int_equal(bytes[3], code);
		assert_int_equal(strlen((char *)bytes + 4), len - 5);
		assert_int_equal(
		    tftp_encode_error((enum tftp_error)code, bytes, 4), ERR_LONG);
	}
	assert_int_equal(
	    tftp_encode_error((enum tftp_error)9, bytes, sizeof bytes), ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_read),
	    cmocka_unit_test(golden_requests),
	    cmocka_unit_test(rollover_is_zero_or_one),
	    cmocka_unit_test(every_truncation_is_refused_or_shorter),
	    cmocka_unit_test(a_long_request_is_refused),
	    cmocka_unit_test(many_options_are_walked),
	    cmocka_unit_test(replies_are_read),
	    cmocka_unit_test(an_oack_holds_what_is_acknowledged),
	    cmocka_unit_test(a_data_header_is_four_bytes),
	    cmocka_unit_test(errors_are_no_longer_than_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
