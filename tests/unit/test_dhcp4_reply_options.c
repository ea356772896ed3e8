/*
 * DHCPv4 replies beyond the plain ones: configured options, BOOTP clients, the Raspberry
 * Pi, rapid commit, boot menu entries; each against a reader that shares no code with the
 * encoder.
 */
#include "tests/unit/dhcp4_reply_made.h"

#define SPAN(text) ((struct dhcp4_span){(const uint8_t *)(text), sizeof(text) - 1})

/* As plain(), but with everything about the network configured. */
static struct dhcp4_reply
configured(uint8_t type, struct dhcp4_span options)
{
	struct dhcp4_reply r = plain(type);

	r.options = options;
	return r;
}

static void
assert_option(const struct dhcp4_reply *r, uint8_t code, const void *want, size_t len)
{
	uint8_t p[DHCP4_PACKET_MAX];
	size_t n = encode(r, p), got;
	const uint8_t *v = dhcp4_find(p, n, code, &got);

	if (v == NULL || got != len)
		fail_msg("option %u is missing or of another length", code);
	assert_memory_equal(v, want, len);
}

static void
places(void **state)
{
	static const struct {
		struct dhcp4_span options;
		const char *codes;
	} t[] = {
	    {SPAN(""), "53 54 51 1 58 59 28"},
	    {SPAN("\3\4\12\x4d\0\1"), "53 54 51 1 3 58 59 28"},
	    {SPAN("\6\4\12\x4d\0\1"), "53 54 51 1 6 58 59 28"},
	    {SPAN("\2\1a\3\1b\4\1c\6\1d\17\1e\52\1f\xfc\1g"),
		"53 54 51 1 3 6 58 59 2 4 15 42 252 28"},
	    {SPAN("\14\0\x77\0"), "53 54 51 1 58 59 12 119 28"},
	    {SPAN("\34\4\12\x4d\xff\xff"), "53 54 51 1 58 59 28"},
	    {SPAN("\x2b\2ab\x79\1x"), "53 54 51 1 58 59 43 121 28"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_reply r = configured(DHCP4_ACK, t[i].options);
		uint8_t p[DHCP4_PACKET_MAX];
		size_t n = encode(&r, p);

		assert_codes(p, n, t[i].codes);
	}
	/* A configured broadcast address is the one that goes out. */
	{
		struct dhcp4_reply r = configured(DHCP4_ACK, t[5].options);

		assert_option(&r, 28, "\12\x4d\xff\xff", 4);
	}
}

/* A PXE client's option 43 is ours; any other client gets the configured one. */
static void
vendor_options(void **state)
{
	struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, "a/b.efi");

	(void)state;
	r.options = SPAN("\x2b\2ab");
	assert_option(&r, 43, "\6\1\10\377", 4);
	r.discovery = 0;
	assert_option(&r, 43, "ab", 2);
	r.boot_item = 0x80010002;
	assert_option(&r, 43, "\x47\4\x80\1\0\2\377", 7);
	r.discovery = 1;
	assert_option(&r, 43, "\6\1\10\x47\4\x80\1\0\2\377", 10);
	r.class60 = DHCP4_CLASS_HTTP;
	assert_option(&r, 43, "ab", 2);
}

/* What the boot ROM was found to need: 66 without a NUL, its name in a menu. */
static void
raspberry_pi(void **state)
{
	static const char menu[] = "\6\1\3\12\4\0PXE\11\24\0\0\21Raspberry Pi Boot\377";
	uint8_t p[DHCP4_PACKET_MAX];
	struct dhcp4_reply r;
	size_t n;

	(void)state;
	for (unsigned class60 = 0; class60 <= DHCP4_CLASS_HTTP; class60++) {
		r = boot(DHCP4_OFFER, (uint8_t)class60, NULL);
		r.pi = 1;
		n = encode(&r, p);
		assert_codes(p, n, "53 54 51 1 3 6 60 43 97 66 58 59 15 28");
		assert_option(&r, 60, "PXEClient", 9);
		assert_option(&r, 43, menu, sizeof menu - 1);
		assert_option(&r, 66, "10.77.0.1", 9);
	}
	/* With a file, and as ProxyDHCP. */
	r = proxy(DHCP4_OFFER, DHCP4_CLASS_PXE, "start4.elf");
	r.pi = 1;
	r.boot_item = 0x80010002;
	n = encode(&r, p);
	assert_codes(p, n, "53 54 60 43 97 67 66");
	assert_option(&r, 43, menu, sizeof menu - 1);
	/* It does without 97 rather than without 66. */
	r = boot(DHCP4_OFFER, DHCP4_CLASS_PXE, NULL);
	r.pi = 1;
	r.max_size = 0;
	{
		uint8_t relay[255] = {1, 220};

		r.relay = (struct dhcp4_span){relay, 222};
		n = encode(&r, p);
		assert_codes(p, n, "53 54 51 1 3 60 43 66 82");
	}
}

static void
rapid_and_auto(void **state)
{
	struct dhcp4_reply r = plain(DHCP4_ACK);
	uint8_t p[DHCP4_PACKET_MAX];

	(void)state;
	r.rapid = 1;
	assert_codes(p, encode(&r, p), "53 54 51 1 3 6 58 59 80 15 28");
	assert_option(&r, 80, "", 0);
	/* RFC 2563, 2.3: an OFFER of no address. */
	r = (struct dhcp4_reply){.type = DHCP4_OFFER,
	    .htype = 1,
	    .hw = {mac, 6},
	    .server_id = addr_v4(0x0a4d0001),
	    .auto_configure = 1};
	assert_codes(p, encode(&r, p), "53 54 116");
	assert_option(&r, 116, "", 1);
}

/* RFC 1534: no option that only DHCP has; what to boot stands in the fixed fields. */
static void
bootp(void **state)
{
	struct dhcp4_reply r = boot(DHCP4_BOOTP, DHCP4_CLASS_NONE, "boot.img");
	uint8_t p[DHCP4_PACKET_MAX];
	size_t n;

	(void)state;
	r.rapid = r.auto_configure = 1;
	r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
	r.uuid.len = 0;
	r.max_size = 0;
	n = encode(&r, p);
	assert_codes(p, n, "1 3 6 15 28");
	assert_int_equal(n, DHCP4_REPLY_MIN);
	assert_string_equal((const char *)p + 108, "boot.img");
	assert_string_equal((const char *)p + 44, "boot.example.test");
	assert_memory_equal(p + 16, "\12\x4d\0\x64\12\x4d\0\1", 8);
	r.server_id = (struct addr){.family = ADDR_NONE};
	encode(&r, p);
	r.relay = (struct dhcp4_span){relay_info, sizeof relay_info};
	n = encode(&r, p);
	assert_codes(p, n, "1 3 6 15 28 82");
	/* Nothing at all to say. */
	r = (struct dhcp4_reply){.htype = 1, .hw = {mac, 6}};
	n = encode(&r, p);
	assert_codes(p, n, "");
	assert_int_equal(n, DHCP4_REPLY_MIN);
}

/* A BOOTP client takes 64 bytes of options, or as many as its request had. */
static void
bootp_sizes(void **state)
{
	static const char options[] = "\3\4\12\x4d\0\1\6\4\12\x4d\0\1\14\24"
				      "a-host-of-20-letters\17\24"
				      "a.domain.of.20.bytes\52\4\12\x4d\0\1";
	struct dhcp4_reply r = configured(DHCP4_BOOTP, SPAN(options));
	uint8_t p[DHCP4_PACKET_MAX];

	(void)state;
	r.max_size = 328;
	assert_codes(p, encode(&r, p), "1 3 6 15");
	for (uint16_t size = 0; size < 600; size++) {
		size_t n;

		r.max_size = size;
		n = encode(&r, p);
		assert_true(n == DHCP4_REPLY_MIN || n <= size - 28u);
	}
	r.max_size = 600;
	assert_codes(p, encode(&r, p), "1 3 6 12 15 42 28");
}

/* Room for one byte less each time: what goes, and how many that were. */
static void
leaving_out(void **state)
{
	static const char options[] =
	    "\3\4\12\x4d\0\1\6\4\12\x4d\0\1\14\4host\17\4test\21\4root"
	    "\52\4\12\x4d\0\1\x79\4rout\x96\4\12\x4d\0\1\xd1\4conf";
	static const char *const codes[] = {
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 12 15 17 42 121 150 209 28 61 82",
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 12 15 17 42 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 97 66 67 12 15 17 42 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 97 66 67 12 15 17 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 97 66 67 15 17 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 97 66 67 17 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 97 67 17 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 67 17 121 150 209 61 82",
	    "53 54 51 1 3 6 60 43 67 17 121 150 209 82",
	    "53 54 51 1 3 6 60 43 67 17 121 150 82",
	    "53 54 51 1 3 6 60 43 67 17 121 82",
	    "53 54 51 1 3 6 60 43 67 121 82",
	    "53 54 51 1 3 60 43 67 121 82",
	    "53 54 51 1 3 60 43 67 82",
	    "53 54 51 1 60 43 67 82",
	};
	static const unsigned counts[] = {
	    0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t relay[255] = {1, 253}, p[DHCP4_PACKET_MAX];
	size_t seen = 0;

	(void)state;
	for (uint16_t size = 700; size >= 576; size--) {
		struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, "0123456789");
		char text[256] = "";
		unsigned left_out;
		size_t used = 0;

		r.options = SPAN(options);
		r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
		r.relay = (struct dhcp4_span){relay, 251};
		r.max_size = size;
		encode(&r, p);
		assert_true(dhcp4_encode(&r, p, sizeof p, &left_out) <= size - 28);
		for (size_t at = 240; p[at] != 255; at += 2u + p[at + 1])
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%u",
			    used ? " " : "", p[at]);
		while (seen < COUNT(codes) && strcmp(codes[seen], text) != 0)
			seen++;
		if (seen == COUNT(codes))
			fail_msg("%u bytes: %s", size, text);
		assert_int_equal(left_out, counts[seen]);
	}
	assert_int_equal(seen, COUNT(codes) - 1);
}

/* As much as a message can carry, and one option of every code. */
static void
full(void **state)
{
	uint8_t options[768], p[DHCP4_PACKET_MAX];
	struct dhcp4_reply r;
	size_t n = 0;

	(void)state;
	for (unsigned code = 1; code < 255; code++) {
		uint8_t one[2] = {(uint8_t)code, 1};
		uint8_t empty[2] = {(uint8_t)code, 0};

		if (dhcp4_options_check((struct dhcp4_span){empty, 2}) != NULL)
			continue;
		memcpy(options + n, one, 2);
		options[n + 2] = (uint8_t)code;
		n += 3;
	}
	r = configured(DHCP4_ACK, (struct dhcp4_span){options, n});
	assert_true(n > 600);
	r.max_size = 1500;
	assert_true(encode(&r, p) > 900);
	r.max_size = 0;
	assert_true(encode(&r, p) <= 548);
}

static void
refused_options(void **state)
{
	static const struct dhcp4_span bad[] = {SPAN("\3"), SPAN("\3\5abcd"),
	    SPAN("\6\0\3\0"), SPAN("\3\0\3\0"), SPAN("\x35\1\5"), SPAN("\x52\0"),
	    SPAN("\0\0"), SPAN("\xff\0")};
	uint8_t p[DHCP4_PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct dhcp4_reply r = configured(DHCP4_ACK, bad[i]);

		assert_non_null(dhcp4_options_check(bad[i]));
		assert_int_equal(dhcp4_encode(&r, p, sizeof p, NULL), ERR_RANGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places),
	    cmocka_unit_test(vendor_options),
	    cmocka_unit_test(raspberry_pi),
	    cmocka_unit_test(rapid_and_auto),
	    cmocka_unit_test(bootp),
	    cmocka_unit_test(bootp_sizes),
	    cmocka_unit_test(leaving_out),
	    cmocka_unit_test(full),
	    cmocka_unit_test(refused_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
