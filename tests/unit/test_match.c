/*
 * Who is who and who boots what: every combination of keys that a request can show, every
 * kind of test at its edges, and every combination of what the levels say, against the same
 * rules written down the long way.
 */
#include "policy/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define BYTES(s) ((struct match_bytes){(const uint8_t *)(s), sizeof(s) - 1})

static struct conf *
parse(const char *text)
{
	struct conf_text t = {.conf = text, .conf_len = strlen(text)};
	struct conf_error e;
	struct conf *conf = NULL;

	if (conf_parse(&t, &conf, &e) != 0)
		print_error("line %u: %s\n", e.line, e.text);
	assert_non_null(conf);
	return conf;
}

/* ------------------------------------------------------------------ the host */

static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
static const uint8_t uuid[17] = {0, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88,
    0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static const char hosts_text[] =
    "interface a;\n"
    "host \"by-mac\" { mac 52:54:00:00:00:01; }\n"
    "host \"by-id\" { client-id ff:00:00:00:01:00:02; }\n"
    "host \"by-uuid\" { uuid \"00112233-4455-6677-8899-aabbccddeeff\"; }\n"
    "host \"by-port\" { circuit-id \"c1\" remote-id \"r1\"; }\n"
    "host \"by-circuit\" { circuit-id \"c1\"; }\n"
    "host \"by-remote\" { remote-id \"r1\"; }\n"
    "boot { unknown allow; }\n";

enum { SAYS_MAC = 1, SAYS_ID = 2, SAYS_UUID = 4, SAYS_CIRCUIT = 8, SAYS_REMOTE = 16 };

static struct match_input
saying(unsigned what)
{
	struct match_input in = {.arch = ARCH_NONE};

	if ((what & SAYS_MAC) != 0)
		in.mac = &mac;
	if ((what & SAYS_ID) != 0)
		in.client_id = BYTES("\xff\x00\x00\x00\x01\x00\x02");
	if ((what & SAYS_UUID) != 0)
		in.uuid = (struct match_bytes){uuid, sizeof uuid};
	if ((what & SAYS_CIRCUIT) != 0)
		in.circuit = BYTES("c1");
	if ((what & SAYS_REMOTE) != 0)
		in.remote = BYTES("r1");
	return in;
}

static void
test_host_keys(void **state)
{
	struct conf *conf = parse(hosts_text);

	(void)state;
	for (unsigned what = 0; what < 32; what++) {
		struct match_input in = saying(what);
		struct match m = match_machine(conf, &in, NULL);
		bool both = (what & SAYS_CIRCUIT) != 0 && (what & SAYS_REMOTE) != 0;
		const char *want = (what & SAYS_MAC) != 0       ? "by-mac"
				   : (what & SAYS_ID) != 0      ? "by-id"
				   : (what & SAYS_UUID) != 0    ? "by-uuid"
				   : both                       ? "by-port"
				   : (what & SAYS_CIRCUIT) != 0 ? "by-circuit"
				   : (what & SAYS_REMOTE) != 0  ? "by-remote"
								: NULL;

		if (want == NULL)
			assert_null(m.host);
		else
			assert_string_equal(m.host->name, want);
	}
	conf_free(conf);
}

/* A key that is nobody's leaves the word to the next. */
static void
test_host_keys_of_nobody(void **state)
{
	static const struct mac other = {{0x52, 0x54, 0, 0, 0, 2}};
	struct conf *conf = parse(hosts_text);
	struct match_input in = saying(31);
	uint8_t wrong[17];

	(void)state;
	in.mac = &other;
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-id");
	in.client_id.len--;
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-uuid");
	memcpy(wrong, uuid, sizeof wrong);
	wrong[0] = 1;
	in.uuid.b = wrong;
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-port");
	in.uuid = (struct match_bytes){uuid, 16};
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-port");
	in.remote = BYTES("r2");
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-circuit");
	in.remote = BYTES("r1");
	in.circuit = BYTES("c");
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-remote");
	in.remote = BYTES("c1");
	in.circuit = BYTES("r1");
	assert_null(match_machine(conf, &in, NULL).host);
	conf_free(conf);
}

/* Parts that are longer than any key. */
static void
test_long_port(void **state)
{
	static const uint8_t bytes[300];
	struct conf *conf = parse(hosts_text);
	struct match_input in = saying(SAYS_REMOTE);

	(void)state;
	in.circuit = (struct match_bytes){bytes, sizeof bytes};
	assert_string_equal(match_machine(conf, &in, NULL).host->name, "by-remote");
	in.remote = in.circuit;
	assert_null(match_machine(conf, &in, NULL).host);
	conf_free(conf);
}

/* --------------------------------------------------------------- the classes */

static const char classes_text[] =
    "interface a; interface b;\n"
    "class \"vendor\" { match vendor-class \"PXE\", \"HTTP\"; }\n"
    "class \"user\" { match user-class \"iPXE\", \"x\"; }\n"
    "class \"arch\" { match architecture x64, bios; }\n"
    "class \"mac\" { match mac 52:54:00, 02:00:00:00:00:01; }\n"
    "class \"circuit\" { match circuit-id \"c1\"; }\n"
    "class \"remote\" { match remote-id 00:01; }\n"
    "class \"relay\" { match relay 10.1.2.0/23, 10.9.9.9; }\n"
    "class \"link\" { match interface b; }\n"
    "class \"two\" { match architecture x64; match vendor-class \"PXE\"; }\n"
    "boot { unknown allow; }\n";

enum { VENDOR, USER, ARCH, MAC, CIRCUIT, REMOTE, RELAY, LINK, TWO };

#define IN(...) ((struct match_input){__VA_ARGS__})

static const struct mac mac_first = {{0x52, 0x54, 0x00, 9, 9, 9}};
static const struct mac mac_whole = {{2, 0, 0, 0, 0, 1}};
static const struct mac mac_other = {{0x52, 0x54, 0x01, 9, 9, 9}};
static const struct mac mac_near = {{2, 0, 0, 0, 0, 2}};

static void
assert_classes(const struct conf *conf, struct match_input in, uint64_t want)
{
	assert_int_equal(match_machine(conf, &in, NULL).classes, want);
}

static void
test_kinds(void **state)
{
	struct conf *c = parse(classes_text);

	(void)state;
	assert_classes(c, IN(.link = 0), 0);
	assert_classes(c, IN(.vendor = BYTES("PXE")), 1 << VENDOR);
	assert_classes(c, IN(.vendor = BYTES("PXEClient:Arch:00000")), 1 << VENDOR);
	assert_classes(c, IN(.vendor = BYTES("HTTPClient")), 1 << VENDOR);
	assert_classes(c, IN(.vendor = BYTES("PX")), 0);
	assert_classes(c, IN(.vendor = BYTES(" PXE")), 0);
	assert_classes(c, IN(.vendor = BYTES("pxe")), 0);
	assert_classes(c, IN(.arch = ARCH_BIOS), 1 << ARCH);
	assert_classes(c, IN(.arch = ARCH_X64), 1 << ARCH);
	assert_classes(c, IN(.arch = ARCH_X86), 0);
	assert_classes(c, IN(.mac = &mac_first), 1 << MAC);
	assert_classes(c, IN(.mac = &mac_whole), 1 << MAC);
	assert_classes(c, IN(.mac = &mac_other), 0);
	assert_classes(c, IN(.mac = &mac_near), 0);
	assert_classes(c, IN(.circuit = BYTES("c1")), 1 << CIRCUIT);
	assert_classes(c, IN(.circuit = BYTES("c")), 0);
	assert_classes(c, IN(.circuit = BYTES("c12")), 0);
	assert_classes(c, IN(.remote = BYTES("\x00\x01")), 1 << REMOTE);
	assert_classes(c, IN(.remote = BYTES("\x00")), 0);
	assert_classes(c, IN(.remote = BYTES("c1")), 0);
	assert_classes(c, IN(.link = 1), 1 << LINK);
	assert_classes(c, IN(.link = 2), 0);
	conf_free(c);
}

static void
test_user_class(void **state)
{
	struct conf *c = parse(classes_text);
	uint8_t long_one[65];

	(void)state;
	assert_classes(c, IN(.user = BYTES("\004iPXE")), 1 << USER);
	assert_classes(c, IN(.user = BYTES("\003abc\004iPXE")), 1 << USER);
	assert_classes(c, IN(.user = BYTES("\000\001x")), 1 << USER);
	assert_classes(c, IN(.user = BYTES("\005iPXE2")), 0);
	assert_classes(c, IN(.user = BYTES("\003iPX")), 0);
	/* Cut off at every byte: nothing, and nothing is read behind the end. */
	for (size_t len = 0; len < 5; len++) {
		uint8_t *cut = malloc(len + 1);
		struct match_input in = {.user = {cut, len}};

		assert_classes(c, IN(.user = {(const uint8_t *)"\004iPXE", len}), 0);
		memcpy(cut, "\004iPXE", len);
		assert_int_equal(match_machine(c, &in, NULL).classes, 0);
		free(cut);
	}
	memset(long_one, 0, sizeof long_one);
	long_one[63] = 1;
	long_one[64] = 'x';
	assert_classes(c, IN(.user = {long_one, sizeof long_one}), 1 << USER);
	long_one[0] = 255;
	assert_classes(c, IN(.user = {long_one, sizeof long_one}), 0);
	conf_free(c);
}

static void
test_relay(void **state)
{
	static const struct {
		uint32_t relay;
		bool holds;
	} rows[] = {{0x0a010200, true}, {0x0a0103ff, true}, {0x0a0101ff, false},
	    {0x0a010400, false}, {0x0a090909, true}, {0x0a090908, false},
	    {0x0a09090a, false}, {0, false}};
	struct conf *c = parse(classes_text);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_classes(
		    c, IN(.relay = addr_v4(rows[i].relay)), rows[i].holds ? 1 << RELAY : 0);
	conf_free(c);
}

/* Of each kind one must hold. */
static void
test_two_kinds(void **state)
{
	struct conf *c = parse(classes_text);

	(void)state;
	assert_classes(c, IN(.arch = ARCH_X64, .vendor = BYTES("PXE")),
	    1 << TWO | 1 << ARCH | 1 << VENDOR);
	assert_classes(
	    c, IN(.arch = ARCH_X64, .vendor = BYTES("HTTP")), 1 << ARCH | 1 << VENDOR);
	assert_classes(
	    c, IN(.arch = ARCH_BIOS, .vendor = BYTES("PXE")), 1 << ARCH | 1 << VENDOR);
	conf_free(c);
}

/* Classes of up to four tests of random kinds, against the sentence in conf.h. */
static void
test_random_classes(void **state)
{
	static const uint8_t letter[] = "ab";
	struct conf_test tests[CONF_CLASSES_MAX][4];
	struct conf_class classes[CONF_CLASSES_MAX];
	struct conf conf = {.classes = classes, .nclasses = CONF_CLASSES_MAX};

	(void)state;
	srand(4711);
	for (unsigned round = 0; round < 3000; round++) {
		struct match_input in = {.vendor = {letter + rand() % 2, 1},
		    .circuit = {letter + rand() % 2, 1},
		    .arch = (enum arch)(rand() % 3),
		    .link = (unsigned)rand() % 3};
		uint64_t want = 0;

		for (unsigned i = 0; i < CONF_CLASSES_MAX; i++) {
			unsigned named = 0, holds = 0, n = 1 + (unsigned)rand() % 4, at = 0;
			unsigned of_kind[4] = {0};

			for (unsigned k = 0; k < n; k++)
				of_kind[rand() % 4]++;
			for (unsigned kind = 0; kind < 4; kind++)
				for (unsigned k = 0; k < of_kind[kind]; k++) {
					static const enum conf_test_kind kinds[] = {
					    TEST_VENDOR, TEST_ARCH, TEST_CIRCUIT,
					    TEST_LINK};
					uint32_t v = (uint32_t)(rand() % 3);
					bool ok = kind == 0   ? in.vendor.b[0] == "abc"[v]
						  : kind == 1 ? (uint32_t)in.arch == v
						  : kind == 2 ? in.circuit.b[0] == "abc"[v]
							      : in.link == v;

					tests[i][at++] =
					    (struct conf_test){.kind = kinds[kind],
						.len = 1,
						.number = v,
						.b = (const uint8_t *)"abc" + v};
					named |= 1u << kind;
					holds |= ok ? 1u << kind : 0;
				}
			classes[i] = (struct conf_class){.ntests = n, .tests = tests[i]};
			if (named == holds)
				want |= UINT64_C(1) << i;
		}
		assert_int_equal(match_machine(&conf, &in, NULL).classes, want);
	}
}

/* ------------------------------------------------------------------ the boot */

enum { HOST, FIRST, SECOND, SUBNET, SHARED, OUTSIDE, UNKNOWN, DEFAULT, LEVELS };
static const char *const images[LEVELS] = {
    "host", "first", "second", "subnet", "shared", "outside", "unknown", "default"};

static void
set(struct conf_scope *s, enum boot_choice choice, const char *image)
{
	s->boot = choice;
	s->image = choice == BOOT_IMAGE ? image : NULL;
}

static void
set_levels(struct conf *c, const enum boot_choice said[LEVELS])
{
	set(&c->hosts[0].scope, said[HOST], images[HOST]);
	set(&c->classes[0].scope, said[FIRST], images[FIRST]);
	set(&c->classes[1].scope, said[SECOND], images[SECOND]);
	set(&c->subnets[0].scope, said[SUBNET], images[SUBNET]);
	set(&c->shared[0].scope, said[SHARED], images[SHARED]);
	set(&c->scope, said[OUTSIDE], images[OUTSIDE]);
	c->unknown_boot = said[UNKNOWN];
	c->default_boot = said[DEFAULT];
	snprintf(c->unknown_image, sizeof c->unknown_image, "unknown");
	snprintf(c->default_image, sizeof c->default_image, "default");
}

/* applies: a bit for each level. */
static void
check_boot(const struct match *m, const enum boot_choice said[LEVELS], unsigned applies)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		if ((applies >> level & 1) == 0 || said[level] == BOOT_UNSET)
			continue;
		assert_int_equal(
		    m->kind, said[level] == BOOT_IMAGE ? MATCH_IMAGE : MATCH_DENY);
		if (m->kind == MATCH_IMAGE)
			assert_string_equal(m->image, images[level]);
		else
			assert_null(m->image);
		return;
	}
	assert_int_equal(m->kind, MATCH_DENY);
	assert_null(m->image);
}

static void
test_levels(void **state)
{
	static const struct mac stranger = {{0x52, 0x54, 0, 0, 0, 9}};
	struct conf *c = parse("interface a; interface b;\n"
			       "class \"first\" { match architecture x64; }\n"
			       "class \"second\" { match interface b; }\n"
			       "shared-network \"s\" { subnet 10.0.0.0/24 { } }\n"
			       "host \"h\" { mac 52:54:00:00:00:01; }\n"
			       "boot { unknown allow; }\n");
	enum boot_choice said[LEVELS];

	(void)state;
	for (unsigned n = 0; n < 6561; n++) { /* 3 to the power of 8 */
		for (unsigned level = 0, rest = n; level < LEVELS; level++, rest /= 3)
			said[level] = (enum boot_choice)(rest % 3);
		set_levels(c, said);
		for (unsigned k = 0; k < 16; k++) {
			struct match_input in = {.mac = k & 1 ? &mac : &stranger,
			    .arch = k & 2 ? ARCH_X64 : ARCH_BIOS,
			    .link = k & 4 ? 1 : 0};
			unsigned applies = (k & 1 ? 1u << HOST : 1u << UNKNOWN) |
					   (k & 2 ? 1u << FIRST : 0) |
					   (k & 4 ? 1u << SECOND : 0) |
					   (k & 8 ? 1u << SUBNET | 1u << SHARED : 0) |
					   1u << OUTSIDE | 1u << DEFAULT;
			struct match m =
			    match_machine(c, &in, k & 8 ? &c->subnets[0] : NULL);

			assert_int_equal(m.host != NULL, k & 1);
			assert_int_equal(m.classes, k >> 1 & 3);
			check_boot(&m, said, applies);
		}
	}
	conf_free(c);
}

static void
test_unknown_are_ignored(void **state)
{
	static const struct mac stranger = {{0x52, 0x54, 0, 0, 0, 9}};
	struct conf *c =
	    parse("interface a; class \"x\" { match architecture x64; image \"i\"; }"
		  "host \"h\" { mac 52:54:00:00:00:01; }");
	struct match_input in = {.mac = &stranger, .arch = ARCH_X64};
	struct match m;

	(void)state;
	c->unknown_allow = false;
	m = match_machine(c, &in, NULL);
	assert_int_equal(m.kind, MATCH_IGNORE);
	assert_null(m.image);
	in.mac = NULL;
	assert_int_equal(match_machine(c, &in, NULL).kind, MATCH_IGNORE);
	in.mac = &mac;
	m = match_machine(c, &in, NULL);
	assert_int_equal(m.kind, MATCH_IMAGE);
	assert_string_equal(m.image, "i");
	conf_free(c);
}

/* An image without a name is nothing to boot. */
static void
test_empty_image(void **state)
{
	struct conf *c = parse("interface a; boot { unknown allow; }");
	struct match_input in = {.mac = &mac};

	(void)state;
	c->default_boot = BOOT_IMAGE;
	c->default_image[0] = '\0';
	assert_int_equal(match_machine(c, &in, NULL).kind, MATCH_DENY);
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_host_keys),
	    cmocka_unit_test(test_host_keys_of_nobody),
	    cmocka_unit_test(test_long_port),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_user_class),
	    cmocka_unit_test(test_relay),
	    cmocka_unit_test(test_two_kinds),
	    cmocka_unit_test(test_random_classes),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_unknown_are_ignored),
	    cmocka_unit_test(test_empty_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
