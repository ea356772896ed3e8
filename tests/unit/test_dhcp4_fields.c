/*
 * What DHCPv4 requests say of their client beyond the protocol: relay identities, classes,
 * wishes, boot menu entries; and the captured requests against the notes of their capture.
 */
#include "tests/unit/dhcp4_golden_said.h"
#include "tests/unit/dhcp4_made.h"

/* The codes of a text like "1,3,6" as a set. PAD is no option. */
static void
read_codes(const char *text, uint8_t set[DHCP4_WANTED_LEN])
{
	unsigned code = 0;

	memset(set, 0, DHCP4_WANTED_LEN);
	for (;; text++) {
		if (*text >= '0' && *text <= '9') {
			code = code * 10 + (unsigned)(*text - '0');
			continue;
		}
		if (code != 0)
			set[code / 8] |= (uint8_t)(1u << code % 8);
		if (*text == '\0')
			return;
		code = 0;
	}
}

static void
golden_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(said); i++) {
		const struct said *g = &said[i];
		uint8_t want[DHCP4_WANTED_LEN];
		struct dhcp4_request q;
		struct packet p;

		read_codes(g->wanted, want);
		load(g->file, &p);
		assert_int_equal(decode(p.b, p.len, &q), 0);
		if (q.vendor_len != strlen(g->vendor) ||
		    memcmp(q.vendor, g->vendor, q.vendor_len) != 0)
			fail_msg("%s: vendor class", g->file);
		assert_int_equal(q.has_wanted, g->wanted[0] != '\0');
		if (memcmp(q.wanted, want, sizeof want) != 0)
			fail_msg("%s: option 55", g->file);
	}
}

/* Who the relay says that the client is: kept when it can be compared. */
static void
relay_identities(void **state)
{
	struct dhcp4_request q;
	struct packet p;
	uint8_t b[255] = {1, 128};

	(void)state;
	assert_int_equal(
	    decode_options(OPTIONS("\x52\xe\1\4eth0\2\2\0\1\x13\0\6\0"), &q), 0);
	assert_int_equal(q.circuit_len, 4);
	assert_memory_equal(q.circuit, "eth0", 4);
	assert_int_equal(q.remote_len, 2);
	assert_memory_equal(q.remote, "\0\1", 2);
	assert_int_equal(q.asks, DHCP4_ASKS_RELAY_PORT);
	start(&p);
	option(&p, 82, b, 130);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.circuit_len, 128);
	b[1] = 129;
	start(&p);
	option(&p, 82, b, 131);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.circuit_len, 0);
	assert_int_equal(q.relay_len, 131);
	/* A port that is given in the option is not this option. */
	assert_int_equal(decode_options(OPTIONS("\x52\4\x13\2\0\x43"), &q), 0);
	assert_int_equal(q.asks, 0);
	assert_int_equal(decode_options(OPTIONS("\x52\6\1\1a\1\1b"), &q), -DHCP4_BAD_RELAY);
	assert_int_equal(decode_options(OPTIONS("\x52\6\2\1a\2\1a"), &q), -DHCP4_BAD_RELAY);
}

static void
class_texts(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		const char *vendor;
		size_t vendor_len;
		const char *user;
		size_t user_len;
	} t[] = {
	    {OPTIONS("\x3c\11PXEClient"), OPTIONS("PXEClient"), OPTIONS("")},
	    {OPTIONS("\x3c\12PXEClient\0"), OPTIONS("PXEClient"), OPTIONS("")},
	    {OPTIONS("\x3c\4a\0b\0"), OPTIONS("a\0b"), OPTIONS("")},
	    {OPTIONS("\x3c\1\0"), OPTIONS(""), OPTIONS("")},
	    {OPTIONS("\x4d\4iPXE"), OPTIONS(""), OPTIONS("\4iPXE")},
	    {OPTIONS("\x4d\5iPXE\0"), OPTIONS(""), OPTIONS("\4iPXE")},
	    {OPTIONS("\x4d\5\4iPXE"), OPTIONS(""), OPTIONS("\4iPXE")},
	    {OPTIONS("\x4d\6\5iPXE\0"), OPTIONS(""), OPTIONS("\4iPXE")},
	    {OPTIONS("\x4d\11\3foo\4iPXE"), OPTIONS(""), OPTIONS("\3foo\4iPXE")},
	    {OPTIONS("\x4d\4\3foo\x4d\5\4iPXE"), OPTIONS(""), OPTIONS("\3foo\4iPXE")},
	    {OPTIONS("\x4d\4\3foo\x4d\3bar"), OPTIONS(""), OPTIONS("\7\3foobar")},
	    {OPTIONS("\x4d\1\0"), OPTIONS(""), OPTIONS("")},
	    {OPTIONS("\x4d\2\1\0"), OPTIONS(""), OPTIONS("")},
	    {OPTIONS("\x4d\2\0a"), OPTIONS(""), OPTIONS("\2\0a")},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_request q;

		assert_int_equal(decode_options(t[i].options, t[i].len, &q), 0);
		if (q.vendor_len != t[i].vendor_len ||
		    memcmp(q.vendor, t[i].vendor, t[i].vendor_len) != 0 ||
		    q.user_len != t[i].user_len ||
		    memcmp(q.user, t[i].user, t[i].user_len) != 0)
			fail_msg("class text row %zu", i);
	}
}

/* Longer ones are cut, at every length to the same place. */
static void
long_classes(void **state)
{
	uint8_t b[255];

	(void)state;
	memset(b, 'c', sizeof b);
	for (size_t n = 1; n <= 255; n++) {
		struct dhcp4_request q;
		struct packet p;

		start(&p);
		option(&p, 60, b, n);
		option(&p, 77, b, n);
		assert_int_equal(decode(p.b, p.len, &q), 0);
		assert_int_equal(q.vendor_len, n < 64 ? n : 64);
		assert_int_equal(q.user_len, n < 63 ? n + 1 : 64);
		assert_int_equal(q.user[0], n < 63 ? n : 63);
		start(&p);
		b[0] = (uint8_t)(n - 1);
		option(&p, 77, b, n);
		b[0] = 'c';
		assert_int_equal(decode(p.b, p.len, &q), 0);
		assert_int_equal(q.user_len, n == 1 ? 0 : n < 64 ? n : 64);
	}
}

/* A second class of which only the length would fit. */
static void
no_room_for_a_class(void **state)
{
	uint8_t b[66] = {62, [63] = 2};
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	memset(b + 1, 'c', 62);
	start(&p);
	option(&p, 77, b, sizeof b);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.user_len, 63);
}

static void
wanted(void **state)
{
	static const uint8_t want[32] = {0x4a, 0, [31] = 0x40};
	struct dhcp4_request q;
	struct packet p;
	uint8_t b[252];

	(void)state;
	/* 1, 3, 6, 254; PAD and END are no options; repeated and in two parts. */
	assert_int_equal(
	    decode_options(OPTIONS("\x37\5\1\3\3\0\xff\x35\1\1\x37\2\6\xfe"), &q), 0);
	assert_true(q.has_wanted);
	assert_memory_equal(q.wanted, want, 32);
	assert_int_equal(decode_options(OPTIONS("\x37\0"), &q), 0);
	assert_false(q.has_wanted);
	assert_int_equal(decode_options(OPTIONS("\x37\2\0\xff"), &q), 0);
	assert_false(q.has_wanted);
	assert_int_equal(decode_options(OPTIONS("\x35\1\1"), &q), 0);
	assert_false(q.has_wanted);
	/* In parts that are more than 255 together. */
	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(i + 1);
	start(&p);
	option(&p, 55, b, sizeof b);
	option(&p, 55, b, sizeof b);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	for (unsigned code = 0; code < 256; code++)
		assert_int_equal(
		    q.wanted[code / 8] >> code % 8 & 1, code >= 1 && code <= 252);
}

static void
wishes(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		int asks;
	} t[] = {
	    {OPTIONS("\x50\0"), 1},
	    {OPTIONS("\x50\1\1"), 0},
	    {OPTIONS("\x74\1\1"), 2},
	    {OPTIONS("\x74\1\0"), 2},
	    {OPTIONS("\x74\0"), 0},
	    {OPTIONS("\x74\2\1\1"), 0},
	    {OPTIONS("\x74\1\1\x50\0\x52\2\x13\0"), 7},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_request q;

		assert_int_equal(decode_options(t[i].options, t[i].len, &q), 0);
		if (q.asks != t[i].asks)
			fail_msg("wish row %zu: %d", i, q.asks);
	}
}

#define PXE "\x3c\11PXEClient"

static void
boot_items(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		uint32_t item;
		int credentials;
	} t[] = {
	    {OPTIONS(PXE "\x2b\7\x47\4\x80\1\0\2\xff"), 0x80010002, 0},
	    {OPTIONS(PXE "\x2b\6\x47\4\x80\1\0\2"), 0x80010002, 0},
	    {OPTIONS(PXE "\x2b\13\6\1\x8\0\x47\4\x80\1\0\2\xff"), 0x80010002, 0},
	    {OPTIONS(PXE "\x2b\7\x47\4\x80\1\x80\2\xff"), 0, 1},
	    {OPTIONS(PXE "\x2b\6\x47\3\x80\1\0\xff"), 0, 0},
	    {OPTIONS(PXE "\x2b\6\x47\5\x80\1\0\2"), 0, 0},
	    {OPTIONS(PXE "\x2b\10\x47\4\x80\1\0\2\6\1"), 0, 0},
	    {OPTIONS(PXE "\x2b\7\xff\x47\4\x80\1\0\2"), 0, 0},
	    {OPTIONS(PXE "\x2b\0"), 0, 0},
	    /* Option 43 is the vendor's; only a PXE client's is this. */
	    {OPTIONS("\x2b\7\x47\4\x80\1\0\2\xff"), 0, 0},
	    {OPTIONS("\x3c\3foo\x2b\7\x47\4\x80\1\x80\2\xff"), 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_request q;

		assert_int_equal(decode_options(t[i].options, t[i].len, &q), 0);
		if (q.boot_item != t[i].item || q.credentials != t[i].credentials)
			fail_msg("boot item row %zu: %08x", i, q.boot_item);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_said),
	    cmocka_unit_test(relay_identities),
	    cmocka_unit_test(class_texts),
	    cmocka_unit_test(long_classes),
	    cmocka_unit_test(no_room_for_a_class),
	    cmocka_unit_test(wanted),
	    cmocka_unit_test(wishes),
	    cmocka_unit_test(boot_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
