/*
 * DHCPv4 requests: the captured ones against the notes of their capture, every quirk, and
 * hostile ones by table.
 */
#include "tests/unit/dhcp4_golden.h"
#include "tests/unit/dhcp4_made.h"

static void
golden_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(golden); i++) {
		const struct golden *g = &golden[i];
		uint8_t mac[6] = {0x52, 0x54, 0x00, 0x77, 0x00, 0x01};
		struct dhcp4_request q;
		struct packet p;

		load(g->file, &p);
		if (p.len != g->len || decode(p.b, p.len, &q) != 0)
			fail_msg("%s: length or fault", g->file);
		assert_int_equal(q.type, g->type);
		assert_int_equal(q.class60, g->class60);
		assert_int_equal(q.has_arch ? q.arch : -1, g->arch);
		assert_int_equal(q.ipxe, g->ipxe);
		assert_int_equal(q.htype, 1);
		assert_int_equal(q.hw_len, 6);
		assert_memory_equal(q.hw, mac, 5);
		/* Zero is no address. */
		if (g->type == DHCP4_DISCOVER)
			assert_int_equal(q.ciaddr.family, ADDR_NONE);
		assert_int_equal(q.requested.family == ADDR_V4, (g->options & O50) != 0);
		assert_int_equal(q.server_id.family == ADDR_V4, (g->options & O54) != 0);
		assert_int_equal(q.max_size != 0, (g->options & O57) != 0);
		assert_int_equal(q.client_id_len != 0, (g->options & O61) != 0);
		assert_int_equal(q.relay_len != 0, (g->options & O82) != 0);
		assert_int_equal(q.uuid_len, (g->options & O97) != 0 ? 17 : 0);
	}
}

#define FEATURE(n) (UINT32_C(1) << ((n)-0x10))

/* iPXE's own words about itself: Debian 12's has HTTP and no HTTPS; a build of 2025 for
 * this test bed has both. */
static void
golden_features(void **state)
{
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	load("bios-grub-01-dhcp4-discover", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_true((q.ipxe_features & FEATURE(0x13)) != 0);
	assert_true((q.ipxe_features & FEATURE(0x14)) == 0);
	assert_true((q.ipxe_features & FEATURE(0x21)) != 0); /* started by a PXE ROM */
	assert_true((q.ipxe_features & FEATURE(0x24)) == 0);
	load("uefi-ipxerom-01-dhcp4-discover", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.ipxe_features,
	    FEATURE(0x17) | FEATURE(0x24) | FEATURE(0x13) | FEATURE(0x11) | FEATURE(0x27) |
		FEATURE(0x29) | FEATURE(0x15) | FEATURE(0x12));
	load("ipxe-https-01-dhcp4-discover", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_true((q.ipxe_features & FEATURE(0x14)) != 0);
}

static void
golden_values(void **state)
{
	static const uint8_t circuit[] = {1, 4, 'e', 't', 'h', '0'};
	static const uint8_t id[] = {1, 0x52, 0x54, 0, 0x77, 0, 1};
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	load("relay-bios.server-side-01-dhcp4-discover", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(addr_to_v4(&q.giaddr), 0x0a580001);
	assert_int_equal(q.hops, 1);
	assert_int_equal(q.xid, 0x2ad57e4c);
	assert_int_equal(q.secs, 4);
	assert_int_equal(q.relay_len, sizeof circuit);
	assert_memory_equal(q.relay, circuit, sizeof circuit);
	assert_int_equal(q.client_id_len, sizeof id);
	assert_memory_equal(q.client_id, id, sizeof id);
	assert_int_equal(q.uuid[1], 0x44);
	load("ipxe-features-02-dhcp4-request", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.flags, 0x8000);
	assert_int_equal(q.max_size, 0xff00);
	assert_int_equal(addr_to_v4(&q.requested), 0x0a4d0064);
	assert_int_equal(addr_to_v4(&q.server_id), 0x0a4d0001);
	load("proxydhcp-uefi-grub-01-dhcp4-request", &p);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(addr_to_v4(&q.ciaddr), 0x0a4d0064);
	assert_int_equal(q.requested.family, ADDR_NONE);
}

/* ------------------------------------------------------------- made requests */

static const struct {
	const char *name;
	const char *options;
	size_t len;
	int want;
} faults[] = {
    {"code without length", OPTIONS("\x35\1\1\x32"), -DHCP4_CUT_OPTION},
    {"length beyond the end", OPTIONS("\x35\1\1\x32\4\12\0\0"), -DHCP4_CUT_OPTION},
    {"length 255 of nothing", OPTIONS("\x35\1\1\xaf\xff"), -DHCP4_CUT_OPTION},
    {"unknown option beyond the end", OPTIONS("\x35\1\1\xfe\7abc"), -DHCP4_CUT_OPTION},
    {"two message types", OPTIONS("\x35\1\1\x35\1\3\xff"), -DHCP4_BAD_TYPE},
    {"message type of no bytes", OPTIONS("\x35\0\xff"), -DHCP4_BAD_TYPE},
    {"message type 0", OPTIONS("\x35\1\0\xff"), -DHCP4_BAD_TYPE},
    {"message type 19", OPTIONS("\x35\1\x13\xff"), -DHCP4_BAD_TYPE},
    {"an OFFER", OPTIONS("\x35\1\2\xff"), -DHCP4_BAD_TYPE},
    {"an ACK", OPTIONS("\x35\1\5\xff"), -DHCP4_BAD_TYPE},
    {"a NAK", OPTIONS("\x35\1\6\xff"), -DHCP4_BAD_TYPE},
    {"requested address of 3", OPTIONS("\x35\1\1\x32\3\12\0\0\xff"), -DHCP4_BAD_ADDRESS},
    {"requested address of 5", OPTIONS("\x35\1\1\x32\5\12\0\0\1\1\xff"),
	-DHCP4_BAD_ADDRESS},
    {"requested address of 0", OPTIONS("\x35\1\1\x32\0\xff"), -DHCP4_BAD_ADDRESS},
    {"requested address twice", OPTIONS("\x35\1\1\x32\4\12\0\0\1\x32\4\12\0\0\2\xff"),
	-DHCP4_BAD_ADDRESS},
    {"server of 2", OPTIONS("\x35\1\3\x36\2\12\0\xff"), -DHCP4_BAD_ADDRESS},
    {"subnet of 1", OPTIONS("\x35\1\1\x76\1\12\xff"), -DHCP4_BAD_ADDRESS},
    {"overload 0", OPTIONS("\x35\1\1\x34\1\0\xff"), -DHCP4_BAD_OVERLOAD},
    {"overload 4", OPTIONS("\x35\1\1\x34\1\4\xff"), -DHCP4_BAD_OVERLOAD},
    {"overload empty", OPTIONS("\x35\1\1\x34\0\xff"), -DHCP4_BAD_OVERLOAD},
    {"overload twice", OPTIONS("\x35\1\1\x34\1\1\x34\1\2\xff"), -DHCP4_BAD_OVERLOAD},
    {"architecture of 1", OPTIONS("\x35\1\1\x5d\1\7\xff"), -DHCP4_BAD_ARCH},
    {"architecture of 3", OPTIONS("\x35\1\1\x5d\3\0\7\0\xff"), -DHCP4_BAD_ARCH},
    {"architecture of 0", OPTIONS("\x35\1\1\x5d\0\xff"), -DHCP4_BAD_ARCH},
    {"relay option empty", OPTIONS("\x35\1\1\x52\0\xff"), -DHCP4_BAD_RELAY},
    {"relay sub-option cut", OPTIONS("\x35\1\1\x52\3\1\4e\xff"), -DHCP4_BAD_RELAY},
    {"relay sub-option without length", OPTIONS("\x35\1\1\x52\1\1\xff"), -DHCP4_BAD_RELAY},
    {"link selection of 3", OPTIONS("\x35\1\1\x52\5\5\3\12\0\0\xff"), -DHCP4_BAD_RELAY},
    {"link selection twice", OPTIONS("\x35\1\1\x52\14\5\4\12\0\0\1\5\4\12\0\0\2\xff"),
	-DHCP4_BAD_RELAY},
    {"server override of 5", OPTIONS("\x35\1\1\x52\7\13\5\12\0\0\1\1\xff"),
	-DHCP4_BAD_RELAY},
    /* And what looks odd but is fine. */
    {"no END", OPTIONS("\x35\1\1"), 0},
    {"nothing at all", OPTIONS(""), 0},
    {"PAD everywhere", OPTIONS("\0\0\x35\1\1\0\0\x32\4\12\0\0\1\0\xff\0\0"), 0},
    {"rubbish behind END", OPTIONS("\x35\1\1\xff\x32\xff"), 0},
    {"unknown options", OPTIONS("\x35\1\1\xea\0\xfe\2ab\xe0\1x\xff"), 0},
    {"a host name with a NUL", OPTIONS("\x35\1\1\14\5host\0\xff"), 0},
    {"LEASEQUERY", OPTIONS("\x35\1\12\xff"), 0},
    {"odd size of 57", OPTIONS("\x35\1\1\x39\3\5\xc0\0\xff"), 0},
    {"empty class, client id, UUID, 77, 175",
	OPTIONS("\x35\1\1\x3c\0\x3d\0\x61\0\x4d\0\xaf\0\xff"), 0},
};

static void
made_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct dhcp4_request q, before;
		int err;

		memset(&q, 0x5a, sizeof q);
		before = q;
		err = decode_options(faults[i].options, faults[i].len, &q);
		if (err != faults[i].want)
			fail_msg("%s: %s", faults[i].name, dhcp4_fault_name(err));
		if (err != 0)
			assert_memory_equal(&q, &before, sizeof q);
	}
}

static void
header_faults(void **state)
{
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	start(&p);
	for (size_t len = 0; len < 236; len++)
		assert_int_equal(decode(p.b, len, &q), -DHCP4_SHORT);
	/* No room for a cookie: BOOTP as it was before options. */
	for (size_t len = 236; len < 240; len++) {
		assert_int_equal(decode(p.b, len, &q), 0);
		assert_int_equal(q.type, DHCP4_BOOTP);
	}
	assert_int_equal(decode(p.b, DHCP4_PACKET_MAX, &q), 0);
	assert_int_equal(decode(p.b, DHCP4_PACKET_MAX + 1, &q), -DHCP4_LONG);
	start(&p);
	p.b[0] = 2;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_BAD_OP);
	p.b[0] = 0;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_BAD_OP);
	start(&p);
	p.b[2] = 17;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_BAD_HLEN);
	p.b[2] = 255;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_BAD_HLEN);
}

/* Where options stand BOOTP has 64 bytes of some vendor's, zeros, or nothing. */
static void
bootp_areas(void **state)
{
	static const char *const vendors[] = {
	    "CMU", "STAN", "\x63\x82\x53\x62", "\0\0\0\1"};
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	for (size_t i = 0; i < COUNT(vendors); i++) {
		start(&p);
		memcpy(p.b + 236, vendors[i], 4);
		option(&p, 53, "\1", 1);
		for (size_t len = 236; len <= 400; len++) {
			int err = decode(p.b, len, &q);

			assert_int_equal(err, len <= 300 ? 0 : -DHCP4_BAD_COOKIE);
			if (err != 0)
				continue;
			assert_int_equal(q.type, DHCP4_BOOTP);
			assert_int_equal(q.max_size, len + 28);
		}
	}
	memset(p.b + 236, 0, 4);
	for (size_t len = 236; len <= DHCP4_PACKET_MAX; len++) {
		assert_int_equal(decode(p.b, len, &q), 0);
		assert_int_equal(q.type, DHCP4_BOOTP);
		assert_int_equal(q.max_size, len + 28);
	}
	/* With options, but none that says which message: BOOTP too (RFC 1534). */
	assert_int_equal(decode_options(OPTIONS("\x39\2\2\x40\x37\1\3"), &q), 0);
	assert_int_equal(q.type, DHCP4_BOOTP);
	assert_int_equal(q.max_size, 576);
	assert_true(q.has_wanted);
}

/* UEFI can put the machine's 16-byte identifier where the hardware address stands. */
static void
hardware_lengths(void **state)
{
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	for (uint8_t n = 0; n <= 16; n++) {
		start(&p);
		p.b[2] = n;
		memset(p.b + 28, 0xee, 16);
		assert_int_equal(decode(p.b, p.len, &q), 0);
		assert_int_equal(q.hw_len, n);
		for (unsigned i = 0; i < 16; i++)
			assert_int_equal(q.hw[i], i < n ? 0xee : 0);
	}
}

static void
user_classes(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		int ipxe;
	} t[] = {
	    {OPTIONS("\x4d\4iPXE"), 1}, {OPTIONS("\x4d\5iPXE\0"), 1},
	    {OPTIONS("\x4d\5\4iPXE"), 1}, {OPTIONS("\x4d\11\3foo\4iPXE"), 1},
	    {OPTIONS("\x4d\2iP\x4d\2XE"), 1}, /* joined */
	    {OPTIONS("\x4d\5\5iPXE"), 0},     /* a length that lies */
	    {OPTIONS("\x4d\10\4iPXE\7fo"), 0}, {OPTIONS("\x4d\5xiPXE"), 0},
	    {OPTIONS("\x4d\3iPX"), 0}, {OPTIONS("\x4d\5iPXEx"), 0},
	    {OPTIONS("\x4d\4ipxe"), 0}, {OPTIONS("\x4d\11UEFIShell"), 0},
	    {OPTIONS("\x4d\1\0"), 0},
	    {OPTIONS("\xaf\3\xb1\1x"), 1}, /* option 175 alone says it too */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_request q;

		assert_int_equal(decode_options(t[i].options, t[i].len, &q), 0);
		if (q.ipxe != t[i].ipxe)
			fail_msg("user class row %zu", i);
	}
}

static void
ipxe_features(void **state)
{
	struct dhcp4_request q;

	(void)state;
	assert_int_equal(
	    decode_options(
		OPTIONS("\xaf\21\x10\1\2\0\x13\1\1\x2f\2\1\2\x0f\0\x30\0\xff\x14"), &q),
	    0);
	assert_int_equal(q.ipxe, 1);
	assert_int_equal(q.ipxe_features, 1u | 1u << 3 | 1u << 31);
	/* The first and the last number that is no feature. */
	assert_int_equal(decode_options(OPTIONS("\xaf\4\x0f\0\x30\0"), &q), 0);
	assert_int_equal(q.ipxe_features, 0);
	/* Split over two options, in the middle of a TLV. */
	assert_int_equal(
	    decode_options(OPTIONS("\xaf\2\x13\1\x35\1\1\xaf\4\1\x14\1\1"), &q), 0);
	assert_int_equal(q.ipxe_features, 1u << 3 | 1u << 4);
	/* Inner length beyond its end: no iPXE, still a request. */
	assert_int_equal(decode_options(OPTIONS("\xaf\5\x13\1\1\x14\7"), &q), 0);
	assert_int_equal(q.ipxe, 0);
	assert_int_equal(q.ipxe_features, 0);
}

static void
classes(void **state)
{
	static const struct {
		const char *options;
		size_t len;
		int want;
	} t[] = {
	    {OPTIONS("\x3c\11PXEClient"), DHCP4_CLASS_PXE},
	    {OPTIONS("\x3c\12PXEClient\0"), DHCP4_CLASS_PXE},
	    {OPTIONS("\x3c\17PXEClient:Arch:"), DHCP4_CLASS_PXE},
	    {OPTIONS("\x3c\10PXEClien"), DHCP4_CLASS_OTHER},
	    {OPTIONS("\x3c\12HTTPClient"), DHCP4_CLASS_HTTP},
	    {OPTIONS("\x3c\15HTTPClient:Ar"), DHCP4_CLASS_HTTP},
	    {OPTIONS("\x3c\11HTTPClien"), DHCP4_CLASS_OTHER},
	    {OPTIONS("\x3c\10MSFT 5.0"), DHCP4_CLASS_OTHER},
	    {OPTIONS("\x3c\1\0"), DHCP4_CLASS_NONE},
	    {OPTIONS("\x3c\0"), DHCP4_CLASS_NONE},
	    {OPTIONS("\x35\1\1"), DHCP4_CLASS_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct dhcp4_request q;

		assert_int_equal(decode_options(t[i].options, t[i].len, &q), 0);
		if (q.class60 != t[i].want)
			fail_msg("class row %zu: %d", i, q.class60);
	}
}

static void
architectures(void **state)
{
	struct dhcp4_request q;

	(void)state;
	assert_int_equal(decode_options(OPTIONS("\x5d\2\0\0"), &q), 0);
	assert_true(q.has_arch && q.arch == 0);
	assert_int_equal(decode_options(OPTIONS("\x5d\6\0\2\0\x0b\0\7"), &q), 0);
	assert_true(q.has_arch && q.arch == 0x0b); /* the first that is known */
	assert_int_equal(decode_options(OPTIONS("\x5d\4\xff\xff\0\2"), &q), 0);
	assert_true(q.has_arch && q.arch == 0xffff); /* none is: the first */
	assert_int_equal(decode_options(OPTIONS("\x35\1\1"), &q), 0);
	assert_true(!q.has_arch);
}

static void
uuids(void **state)
{
	struct dhcp4_request q;
	uint8_t id[20] = {0, 'D', 'E', 'L', 'L'};

	(void)state;
	for (uint8_t n = 0; n <= 20; n++) {
		struct packet p;

		start(&p);
		option(&p, 97, id, n);
		assert_int_equal(decode(p.b, p.len, &q), 0);
		assert_int_equal(q.uuid_len, n == 17 ? 17 : 0);
		p.b[242] = 1; /* a type that nobody has defined */
		assert_int_equal(decode(p.b, p.len, &q), 0);
		assert_int_equal(q.uuid_len, 0);
	}
}

static void
relays(void **state)
{
	struct dhcp4_request q;

	(void)state;
	assert_int_equal(
	    decode_options(OPTIONS("\x52\x0e\1\0\5\4\12\x58\0\0\13\4\12\x58\0\1"), &q), 0);
	assert_int_equal(addr_to_v4(&q.link_select), 0x0a580000);
	assert_int_equal(addr_to_v4(&q.server_override), 0x0a580001);
	assert_int_equal(q.relay_len, 14);
	assert_memory_equal(q.relay, "\1\0\5\4\12\x58\0\0\13\4\12\x58\0\1", 14);
	/* Option 118 counts where the relay says nothing, and only there. */
	assert_int_equal(decode_options(OPTIONS("\x76\4\12\x59\0\0"), &q), 0);
	assert_int_equal(addr_to_v4(&q.link_select), 0x0a590000);
	assert_int_equal(decode_options(OPTIONS("\x52\3\1\1x\x76\4\12\x59\0\0"), &q), 0);
	assert_int_equal(addr_to_v4(&q.link_select), 0x0a590000);
	assert_int_equal(
	    decode_options(OPTIONS("\x76\4\12\x59\0\0\x52\6\5\4\12\x58\0\0"), &q), 0);
	assert_int_equal(addr_to_v4(&q.link_select), 0x0a580000);
}

static void
joined_options(void **state)
{
	struct dhcp4_request q;
	struct packet p;
	uint8_t a[200], b[200];

	(void)state;
	memset(a, 'a', sizeof a);
	memset(b, 'b', sizeof b);
	start(&p);
	option(&p, 61, a, 200);
	option(&p, 53, "\1", 1);
	option(&p, 61, b, 55);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.client_id_len, 255);
	assert_int_equal(q.client_id[199], 'a');
	assert_int_equal(q.client_id[200], 'b');
	option(&p, 61, b, 1);
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_LONG_OPTION);
	/* What is only walked over may be as long as the packet. */
	start(&p);
	for (int i = 0; i < 6; i++)
		option(&p, 55, a, 200);
	assert_int_equal(decode(p.b, p.len, &q), 0);
}

static void
overloads(void **state)
{
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	start(&p);
	memcpy(p.b + 108, "\x3c\11PXEClient\x5d\2\0\7\xff\x32", 17); /* file */
	memcpy(p.b + 44, "\x36\4\12\x4d\0\1", 6);                    /* sname, no END */
	option(&p, 53, "\3", 1);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.class60, DHCP4_CLASS_NONE);
	option(&p, 52, "\1", 1);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.class60, DHCP4_CLASS_PXE);
	assert_int_equal(q.arch, 7);
	assert_int_equal(q.server_id.family, ADDR_NONE);
	p.b[p.len - 1] = 2;
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.class60, DHCP4_CLASS_NONE);
	assert_int_equal(addr_to_v4(&q.server_id), 0x0a4d0001);
	p.b[p.len - 1] = 3;
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.class60, DHCP4_CLASS_PXE);
	assert_int_equal(addr_to_v4(&q.server_id), 0x0a4d0001);
	/* Options do not run on from one field into the next. */
	memset(p.b + 44, 0, 64);
	p.b[106] = 54;
	p.b[107] = 4;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_CUT_OPTION);
	p.b[106] = 0;
	p.b[107] = 54;
	assert_int_equal(decode(p.b, p.len, &q), -DHCP4_CUT_OPTION);
}

/* Parts are joined in the order options, file, sname; overload inside counts not. */
static void
joined_over_fields(void **state)
{
	struct dhcp4_request q;
	struct packet p;

	(void)state;
	start(&p);
	memcpy(p.b + 44, "\x3d\2ef\xff", 5);
	memcpy(p.b + 108, "\x3d\2cd\x34\1\3\xff", 8);
	option(&p, 61, "ab", 2);
	option(&p, 52, "\1", 1);
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.client_id_len, 4);
	assert_memory_equal(q.client_id, "abcd", 4);
	p.b[p.len - 1] = 3;
	assert_int_equal(decode(p.b, p.len, &q), 0);
	assert_int_equal(q.client_id_len, 6);
	assert_memory_equal(q.client_id, "abcdef", 6);
}

/* Nothing that a cut or a flipped bit makes may crash, and a fault always has a name. */
static void
cut_and_flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(golden); i += 7) {
		struct dhcp4_request q;
		struct packet p;

		load(golden[i].file, &p);
		for (size_t len = 0; len < p.len; len++) {
			int err = decode(p.b, len, &q);

			assert_true(err <= 0 && err > -DHCP4_FAULT_MAX);
			assert_int_equal(err == -DHCP4_SHORT, len < 236);
		}
		for (size_t bit = 0; bit < p.len * 8; bit++) {
			int err;

			p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			err = decode(p.b, p.len, &q);
			assert_true(err <= 0 && err > -DHCP4_FAULT_MAX);
			p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
fault_names(void **state)
{
	(void)state;
	for (int i = 0; i < DHCP4_FAULT_MAX; i++)
		assert_string_not_equal(dhcp4_fault_name(-i), "unknown");
	assert_string_equal(dhcp4_fault_name(-DHCP4_FAULT_MAX), "unknown");
	assert_string_equal(dhcp4_fault_name(1), "unknown");
	assert_string_equal(dhcp4_fault_name(-DHCP4_BAD_RELAY), "relay-options");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_requests),
	    cmocka_unit_test(golden_features),
	    cmocka_unit_test(golden_values),
	    cmocka_unit_test(made_requests),
	    cmocka_unit_test(header_faults),
	    cmocka_unit_test(bootp_areas),
	    cmocka_unit_test(hardware_lengths),
	    cmocka_unit_test(user_classes),
	    cmocka_unit_test(ipxe_features),
	    cmocka_unit_test(classes),
	    cmocka_unit_test(architectures),
	    cmocka_unit_test(uuids),
	    cmocka_unit_test(relays),
	    cmocka_unit_test(joined_options),
	    cmocka_unit_test(overloads),
	    cmocka_unit_test(joined_over_fields),
	    cmocka_unit_test(cut_and_flipped),
	    cmocka_unit_test(fault_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
