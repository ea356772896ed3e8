/*
 * DHCPv4 replies: each recipe, size and edge against a reader that shares no code with the
 * encoder, and every captured request answered.
 */
#include "tests/unit/dhcp4_golden.h"
#include "tests/unit/dhcp4_reply_made.h"

static void
recipes(void **state)
{
	static const char url[] = "http://10.77.0.1/deb12/boot.ipxe";
	struct dhcp4_reply t[] = {
	    plain(DHCP4_OFFER),
	    boot(DHCP4_OFFER, DHCP4_CLASS_PXE, "deb12/undionly.kpxe"),
	    boot(DHCP4_ACK, DHCP4_CLASS_PXE, "deb12/snponly.efi"),
	    proxy(DHCP4_OFFER, DHCP4_CLASS_PXE, "deb12/undionly.kpxe"),
	    proxy(DHCP4_ACK, DHCP4_CLASS_PXE, "deb12/snponly.efi"),
	    boot(DHCP4_ACK, DHCP4_CLASS_HTTP, "http://10.77.0.1/deb12/shimx64.efi"),
	    proxy(DHCP4_OFFER, DHCP4_CLASS_HTTP, "http://10.77.0.1/deb12/shimx64.efi"),
	    boot(DHCP4_ACK, DHCP4_CLASS_PXE, url),
	    boot(DHCP4_ACK, DHCP4_CLASS_NONE, "u-boot.img"),
	};
	static const char *const codes[] = {
	    "53 54 51 1 3 6 58 59 15 28",
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 15 28",
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 15 28",
	    "53 54 60 43 97 67 66", /* 66 covers 67 */
	    "53 54 60 97 67 66",
	    "53 54 51 1 3 6 60 97 67 58 59 15 28",
	    "53 54 60 67 97",
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 15 28 175",
	    "53 54 51 1 3 6 97 67 58 59 15 28",
	};

	(void)state;
	t[4].discovery = 0; /* UEFI behind a ProxyDHCP server asks port 4011 */
	t[7].ipxe = 1;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint8_t p[DHCP4_PACKET_MAX];
		size_t n = encode(&t[i], p);

		assert_codes(p, n, codes[i]);
		if (t[i].bootfile != NULL)
			assert_string_equal((const char *)p + 108, t[i].bootfile);
	}
}

static void
reply_values(void **state)
{
	struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, "a/b.efi");
	uint8_t p[DHCP4_PACKET_MAX];
	const uint8_t *v;
	size_t n, len;

	(void)state;
	r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
	r.relay = (struct dhcp4_span){relay_info, sizeof relay_info};
	r.giaddr = addr_v4(0x0a580001);
	n = encode(&r, p);
	assert_codes(p, n, "53 54 51 1 3 6 60 43 97 66 67 58 59 15 28 61 82");
	v = dhcp4_find(p, n, 67, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(v, "a/b.efi", 8);
	v = dhcp4_find(p, n, 66, &len);
	assert_int_equal(len, 10);
	assert_memory_equal(v, "10.77.0.1", 10);
	v = dhcp4_find(p, n, 43, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(v, "\6\1\10\xff", 4);
	v = dhcp4_find(p, n, 1, &len);
	assert_memory_equal(v, "\xff\xff\xff\0", 4);
	v = dhcp4_find(p, n, 28, &len);
	assert_memory_equal(v, "\12\x4d\0\xff", 4);
	v = dhcp4_find(p, n, 82, &len);
	assert_memory_equal(v, relay_info, sizeof relay_info);
	assert_memory_equal(p + 20, "\12\x4d\0\1", 4);
	assert_memory_equal(p + 24, "\12\x58\0\1", 4);
}

static void
masks(void **state)
{
	(void)state;
	for (uint8_t prefix = 0; prefix <= 32; prefix++) {
		struct dhcp4_reply r = plain(DHCP4_ACK);
		uint8_t p[DHCP4_PACKET_MAX];
		size_t n, len;

		r.prefix = prefix;
		n = encode(&r, p);
		assert_int_equal(dhcp4_find(p, n, 1, &len) != NULL, prefix != 0);
		/* No broadcast where there are only two addresses, or one. */
		assert_int_equal(
		    dhcp4_find(p, n, 28, &len) != NULL, prefix > 0 && prefix < 31);
	}
}

/* Told to use the boot file without being told which, UEFI would boot from disk. */
static void
no_bootfile(void **state)
{
	struct dhcp4_reply r = proxy(DHCP4_OFFER, DHCP4_CLASS_PXE, NULL);
	uint8_t p[DHCP4_PACKET_MAX];
	size_t n;

	(void)state;
	n = encode(&r, p);
	assert_codes(p, n, "53 54 60 97");
	r.bootfile = "";
	n = encode(&r, p);
	assert_codes(p, n, "53 54 60 97");
}

static void
nak(void **state)
{
	struct dhcp4_reply r = boot(DHCP4_NAK, DHCP4_CLASS_PXE, "a/b.efi");
	uint8_t p[DHCP4_PACKET_MAX];
	size_t n;

	(void)state;
	r.ciaddr = addr_v4(0x0a4d0064);
	r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
	r.relay = (struct dhcp4_span){relay_info, sizeof relay_info};
	n = encode(&r, p);
	assert_codes(p, n, "53 54 61 82");
	assert_int_equal(n, DHCP4_REPLY_MIN);
	for (size_t i = 12; i < 24; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(p[44], 0);
	assert_int_equal(p[108], 0);
}

/* A NUL lands behind 67 on some machines: whatever else is in the reply, there must be
 * an option to take it. */
static void
never_bootfile_last(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 256; bits++) {
		struct dhcp4_reply r = proxy(DHCP4_OFFER, bits % 3 & 3, "x.efi");
		uint8_t p[DHCP4_PACKET_MAX];

		if ((bits & 1) != 0)
			r.uuid.len = 0;
		if ((bits & 2) != 0)
			r.discovery = 0;
		if ((bits & 4) != 0)
			r.siaddr.family = ADDR_NONE, memset(r.siaddr.b, 0, 16);
		if ((bits & 8) != 0)
			r.lease = 60;
		if ((bits & 16) != 0)
			r.ipxe = 1;
		if ((bits & 32) != 0)
			r.relay = (struct dhcp4_span){relay_info, sizeof relay_info};
		if ((bits & 64) != 0)
			r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
		if ((bits & 128) != 0)
			r.options = (struct dhcp4_span){network, 6};
		encode(&r, p); /* the check looks for it */
	}
}

static void
reply_sizes(void **state)
{
	static const struct {
		uint16_t max_size;
		size_t limit;
	} t[] = {{0, 548}, {300, 548}, {575, 548}, {576, 548}, {700, 672}, {1472, 1444},
	    {1500, 1472}, {1501, 1472}, {9000, 1472}, {0xff00, 1472}};
	uint8_t long_id[255], options[3 * 254], p[DHCP4_PACKET_MAX];

	(void)state;
	memset(long_id, 'i', sizeof long_id);
	memset(options, 'o', sizeof options);
	for (unsigned k = 0; k < 3; k++) {
		static const uint8_t codes[] = {3, 6, 15};

		options[254 * k] = codes[k];
		options[254 * k + 1] = 252;
	}
	for (size_t i = 0; i < COUNT(t); i++) {
		bool filled = false;

		/* One byte more of boot file at a time: each length must be right. */
		for (size_t len = 1; len <= 250; len++) {
			struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, NULL);
			char name[251];

			memset(name, 'n', len);
			name[len] = '\0';
			r.bootfile = name;
			r.options = (struct dhcp4_span){options, 3 * 254};
			if (t[i].limit < 1400)
				r.options = (struct dhcp4_span){options + 2 * 254, 254};
			r.client_id = (struct dhcp4_span){long_id, sizeof long_id};
			r.relay = (struct dhcp4_span){relay_info, sizeof relay_info};
			r.ipxe = 1;
			r.max_size = t[i].max_size;
			filled = filled || encode(&r, p) == t[i].limit;
			assert_true(encode(&r, p) <= t[i].limit);
		}
		assert_true(filled);
	}
}

/* What goes first when room is short, in the order that the header names. */
static void
dropping_order(void **state)
{
	static const char *const codes[] = {
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 15 28 61 175 82",
	    "53 54 51 1 3 6 60 43 97 66 67 58 59 15 61 175 82",
	    "53 54 51 1 3 6 60 43 97 66 67 15 61 175 82",
	    "53 54 51 1 3 6 60 43 97 66 67 61 175 82",
	    "53 54 51 1 3 6 60 43 97 66 67 61 82",
	    "53 54 51 1 3 6 60 43 97 67 61 82",
	    "53 54 51 1 3 6 60 43 67 61 82",
	    "53 54 51 1 3 6 60 43 67 82",
	    "53 54 51 1 3 60 43 67 82",
	    "53 54 51 1 60 43 67 82",
	};
	uint8_t relay[255] = {1, 253}, p[DHCP4_PACKET_MAX];
	unsigned seen = 0;

	(void)state;
	for (size_t len = 2; len <= 255; len++) {
		struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, NULL);
		char text[256] = "";
		size_t n, used = 0;

		r.client_id = (struct dhcp4_span){client_id, sizeof client_id};
		r.ipxe = 1;
		r.max_size = 607; /* what must stay, with the longest relay option */
		r.relay = (struct dhcp4_span){relay, len};
		r.bootfile = "0123456789012345678901234567890123456789";
		n = encode(&r, p);
		for (size_t at = 240; p[at] != 255; at += 2u + p[at + 1])
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%u",
			    used ? " " : "", p[at]);
		assert_true(n <= 579);
		while (seen < COUNT(codes) && strcmp(codes[seen], text) != 0)
			seen++;
		if (seen == COUNT(codes))
			fail_msg("relay of %zu bytes: %s", len, text);
	}
	assert_int_equal(seen, COUNT(codes) - 1);
}

static void
no_room(void **state)
{
	uint8_t relay[255] = {1, 253}, p[DHCP4_PACKET_MAX];
	struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_PXE, NULL);
	char name[251];
	size_t n;

	(void)state;
	memset(name, 'n', 250);
	name[250] = '\0';
	r.bootfile = name;
	r.relay = (struct dhcp4_span){relay, sizeof relay};
	r.max_size = 0;
	assert_int_equal(dhcp4_encode(&r, p, sizeof p, NULL), ERR_LONG);
	r.max_size = 1472;
	n = encode(&r, p);
	for (size_t cap = 0; cap < n; cap++)
		assert_int_equal(dhcp4_encode(&r, p, cap, NULL), ERR_LONG);
	assert_int_equal(dhcp4_encode(&r, p, n, NULL), n);
}

/* A name that does not fit into `file` goes out in option 67 alone. */
static void
long_names(void **state)
{
	uint8_t p[DHCP4_PACKET_MAX];
	char name[251];

	(void)state;
	for (size_t len = 126; len <= 129; len++) {
		struct dhcp4_reply r = boot(DHCP4_ACK, DHCP4_CLASS_HTTP, name);

		memset(name, 'n', len);
		name[len] = '\0';
		encode(&r, p);
		assert_int_equal(strlen((const char *)p + 108), len <= 127 ? len : 0);
	}
}

static void
refused_replies(void **state)
{
	uint8_t p[DHCP4_PACKET_MAX], many[256] = {0};
	char text[260];
	struct dhcp4_reply bad[16];
	unsigned n = 0;

	(void)state;
	memset(text, 'x', 259);
	text[259] = '\0';
	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = boot(DHCP4_ACK, DHCP4_CLASS_PXE, "x");
	bad[n++].type = DHCP4_DISCOVER;
	bad[n++].type = DHCP4_INFORM;
	bad[n++].server_id = (struct addr){.family = ADDR_NONE};
	bad[n++].server_id = addr_v4(0);
	bad[n++].yiaddr.family = ADDR_V6;
	bad[n++].giaddr.family = ADDR_V6;
	bad[n++].hw.len = 17;
	bad[n++].prefix = 33;
	bad[n++].class60 = DHCP4_CLASS_OTHER;
	bad[n++].options = (struct dhcp4_span){many, 5};
	bad[n++].client_id = (struct dhcp4_span){many, 256};
	bad[n++].uuid.len = 16;
	bad[n++].relay = (struct dhcp4_span){many, 256};
	bad[n++].bootfile = text;
	bad[n++].sname = text + 259 - 64;
	bad[n++].hw = (struct dhcp4_span){many, 255};
	assert_int_equal(n, COUNT(bad));
	for (unsigned i = 0; i < n; i++)
		if (dhcp4_encode(&bad[i], p, sizeof p, NULL) != ERR_RANGE)
			fail_msg("bad reply %u was not refused", i);
}

/* Each captured request, answered as a server would, in one packet that fits it. */
static void
golden_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(golden); i++) {
		struct dhcp4_request q;
		struct dhcp4_reply r;
		uint8_t reply[DHCP4_PACKET_MAX];
		uint8_t request[DHCP4_PACKET_MAX];
		char path[256];
		size_t len;
		FILE *f;

		snprintf(path, sizeof path, "fuzz/corpus/dhcp4/%s.bin", golden[i].file);
		f = fopen(path, "rb");
		if (f == NULL)
			fail_msg("%s: run this at the root of the source tree", path);
		len = fread(request, 1, sizeof request, f);
		fclose(f);
		assert_int_equal(dhcp4_decode(request, len, &q), 0);
		r = boot(q.type == DHCP4_DISCOVER ? DHCP4_OFFER : DHCP4_ACK,
		    q.class60 == DHCP4_CLASS_OTHER ? DHCP4_CLASS_NONE : q.class60,
		    "http://10.77.0.1/debian-12/boot.ipxe");
		r.xid = q.xid;
		r.hw = (struct dhcp4_span){q.hw, q.hw_len};
		r.giaddr = q.giaddr;
		r.ipxe = q.ipxe;
		r.client_id = (struct dhcp4_span){q.client_id, q.client_id_len};
		r.uuid = (struct dhcp4_span){q.uuid, q.uuid_len};
		r.relay = (struct dhcp4_span){q.relay, q.relay_len};
		r.max_size = q.max_size;
		assert_true(encode(&r, reply) <= 548);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recipes),
	    cmocka_unit_test(reply_values),
	    cmocka_unit_test(masks),
	    cmocka_unit_test(no_bootfile),
	    cmocka_unit_test(nak),
	    cmocka_unit_test(never_bootfile_last),
	    cmocka_unit_test(reply_sizes),
	    cmocka_unit_test(dropping_order),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(refused_replies),
	    cmocka_unit_test(golden_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
