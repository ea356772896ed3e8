/*
 * What the broker tells machines to boot: a recipe for each kind, sessions, port 4011.
 */
#include "src/broker/image.h"
#include "tests/unit/dhcp_case.h"

static void
test_bios_pxe(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_reply_tell offer;
	const struct session *s;

	(void)state;
	rig_firmware(&m, 0, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 1);
	assert_int_equal(r.ipxe, 0);
	assert_string_equal(r.bootfile, "debian/boot/bios.efi");
	assert_addr(r.siaddr, "10.77.0.1");
	assert_string_equal(r.sname, "10.77.0.1");
	assert_int_equal(r.uuid.len, 17);
	assert_true(r.session != 0);
	/* Some firmware boots on the OFFER alone. */
	s = session_of_addr(&r.yiaddr, broker.now_ms);
	assert_non_null(s);
	assert_int_equal(s->id, r.session);
	assert_false(s->confirmed);
	assert_string_equal(s->image, "debian");
	assert_int_equal(s->arch, ARCH_BIOS);
	offer = r;
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	/* The ACK says what the OFFER said. */
	assert_int_equal(r.session, offer.session);
	assert_string_equal(r.bootfile, offer.bootfile);
	assert_int_equal(r.class60, offer.class60);
	assert_int_equal(r.discovery, offer.discovery);
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->confirmed);
	rig_pass(120);
	assert_non_null(session_of_addr(&r.yiaddr, broker.now_ms));
}

static void
test_uefi_recipes(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 7, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 1);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	rig_firmware(&m, 16, 2);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 2);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "http://10.77.0.1/debian/boot/x64.efi");
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->http);
	/* U-Boot: no class of its own, no server name. */
	m.class60 = 0;
	m.arch = 0x16;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.sname, "");
	assert_string_equal(r.bootfile, "debian/boot/arm64.efi");
	/* An architecture that the image has nothing for. */
	m = rig_request(DHCP_DISCOVER, B);
	rig_firmware(&m, 0x0a, 1);
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.class60, 0);
	assert_string_equal(r.bootfile, "");
	assert_addr(r.siaddr, "-");
}

static void
test_ipxe(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 7, 1);
	m.ipxe = 1;
	m.ipxe_features = 1u << 3;
	assert_type(&m, DHCP_OFFER);
	assert_int_equal(r.ipxe, 1);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "http://10.77.0.1/debian/boot.ipxe");
	assert_true(session_of_addr(&r.yiaddr, broker.now_ms)->ipxe);
	/* Built without HTTP. */
	m.ipxe_features = 0;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "tftp://10.77.0.1/debian/boot.ipxe");
	/* An image without script. */
	m = rig_request(DHCP_DISCOVER, BARE);
	rig_firmware(&m, 0, 1);
	m.ipxe = 1;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "bare/boot/bios.efi");
}

static void
test_http_port(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	char text[4096];

	(void)state;
	rig_stop();
	snprintf(text, sizeof text, "%s http { port 8080; }", rig_text);
	rig_start(text);
	rig_firmware(&m, 16, 2);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "http://10.77.0.1:8080/debian/boot/x64.efi");
}

/* By HTTPS what can: firmware is told so, iPXE only when it says that it knows it. */
static void
test_https(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	static const char plain[] = "ipxe-transport http;";
	const char *at = strstr(rig_text, plain);
	char text[8192];

	(void)state;
	assert_non_null(at);
	rig_stop();
	snprintf(text, sizeof text,
	    "%.*sipxe-transport https; http-boot https;%s"
	    " https { port 8443; certificate \"/c\" key \"/k\"; }",
	    (int)(at - rig_text), rig_text, at + strlen(plain));
	rig_start(text);
	rig_firmware(&m, 16, 2);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "https://10.77.0.1:8443/debian/boot/x64.efi");
	m = rig_request(DHCP_DISCOVER, A);
	rig_firmware(&m, 7, 1);
	m.ipxe = 1;
	m.ipxe_features = 1u << 3 | 1u << 4;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "https://10.77.0.1:8443/debian/boot.ipxe");
	m.ipxe_features = 1u << 3;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "http://10.77.0.1/debian/boot.ipxe");
	m.ipxe_features = 0;
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "tftp://10.77.0.1/debian/boot.ipxe");
}

static void
test_denied(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, DENIED);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	assert_int_equal(r.class60, 0);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "");
	assert_string_equal(r.sname, "");
	assert_addr(r.siaddr, "-");
	assert_string_equal(session_of_addr(&mine, broker.now_ms)->image, "");
}

static void
test_unknown_ignored(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	char text[4096], *word;

	(void)state;
	rig_stop();
	snprintf(text, sizeof text, "%s", rig_text);
	word = strstr(text, "unknown allow;");
	assert_non_null(word);
	memcpy(word, "unknown ignore;", 15);
	rig_start(text);
	assert_silent(&m);
	m = rig_request(DHCP_DISCOVER, FIXED);
	assert_type(&m, DHCP_OFFER);
}

/* Shortly after the start an image may still be on its way: then the client's repetition
 * brings it, and later a lease without boot fields sends it to its disk. */
static void
test_image_missing(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_dhcp_tell plain = rig_request(DHCP_DISCOVER, B);

	(void)state;
	rig_firmware(&m, 7, 1);
	rig_images(false);
	assert_silent(&m);
	assert_type(&plain, DHCP_OFFER);
	rig_images(true);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	rig_images(false);
	m = taking(&m);
	assert_silent(&m);
	rig_pass(31);
	assert_type(&m, DHCP_ACK);
	assert_string_equal(r.bootfile, "");
}

/* Once the verifier has looked through the store, an image that is not served was refused
 * by it: the machine goes to its disk at once. */
static void
test_image_refused(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);

	(void)state;
	rig_firmware(&m, 7, 1);
	rig_images(false);
	assert_silent(&m);
	image_set_complete(true);
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, "");
	m = taking(&m);
	assert_type(&m, DHCP_ACK);
	/* A verifier that has gone may come back with it. */
	rig_images(false);
	assert_silent(&m);
}

/* ROM, iPXE and system call themselves differently and share a lease all the same; a
 * second system of the same hardware address gets its own, and all addresses belong to the
 * session. */
static void
test_one_machine_many_names(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr rom, ipxe, system;
	struct session *s;

	(void)state;
	rig_firmware(&m, 0, 1);
	m.client_id.len = 17;
	memset(m.client_id.b, 0, 17);
	rom = lease_for(&m);
	m.client_id.len = 7;
	memcpy(m.client_id.b, "\x01\x52\x54\x00\x77\x00\x01", 7);
	m.ipxe = 1;
	ipxe = lease_for(&m);
	assert_true(addr_equal(&rom, &ipxe));
	m = rig_request(DHCP_DISCOVER, A);
	m.client_id.len = 20;
	memset(m.client_id.b, 0xff, 20);
	system = lease_for(&m);
	assert_true(addr_equal(&rom, &system));
	m.client_id.b[19] = 1;
	system = lease_for(&m);
	assert_false(addr_equal(&rom, &system));
	s = session_of_addr(&system, broker.now_ms);
	assert_non_null(s);
	assert_ptr_equal(s, session_of_addr(&rom, broker.now_ms));
	/* The hardware address as client identifier is the same identity. */
	m.client_id.len = 7;
	memcpy(m.client_id.b, "\x01\x52\x54\x00\x77\x00\x01", 7);
	assert_type(&m, DHCP_OFFER);
	assert_true(addr_equal(&rom, &r.yiaddr));
}

/* An address that goes to a machine that does not boot takes no session with it. */
static void
test_address_changes_hands(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr his;

	(void)state;
	rig_firmware(&m, 0, 1);
	his = lease_for(&m);
	m = unicast(DHCP_RELEASE, A, &his);
	assert_silent(&m);
	assert_null(session_of_addr(&his, broker.now_ms));
	m = rig_request(DHCP_DISCOVER, A);
	rig_firmware(&m, 0, 1);
	his = lease_for(&m);
	rig_pass(3601);
	session_touch(session_of_mac(&(struct mac){{0x52, 0x54, 0, 0x77, 0, 1}},
			  broker.now_ms - 10000),
	    broker.now_ms);
	assert_non_null(session_of_addr(&his, broker.now_ms));
	m = rig_request(DHCP_DISCOVER, B);
	m.requested = his;
	m.requested = lease_for(&m);
	assert_true(addr_equal(&m.requested, &his));
	assert_null(session_of_addr(&his, broker.now_ms));
}

static void
test_request_without_class(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct msg_reply_tell offer;

	(void)state;
	rig_firmware(&m, 7, 1);
	assert_type(&m, DHCP_OFFER);
	offer = r;
	m = taking(&m);
	m.class60 = 0;
	m.has_arch = 0;
	m.arch = 0;
	assert_type(&m, DHCP_ACK);
	assert_string_equal(r.bootfile, offer.bootfile);
	assert_int_equal(r.session, offer.session);
}

static void
test_boot_service(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	m = unicast(DHCP_REQUEST, A, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	m.sport = 4011;
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.service, 1);
	assert_int_equal(r.way, 2);
	assert_true(addr_equal(&r.to, &mine));
	assert_int_equal(r.to_port, 4011);
	assert_addr(r.yiaddr, "-");
	assert_true(addr_equal(&r.ciaddr, &mine));
	assert_int_equal(r.lease, 0);
	assert_int_equal(r.prefix, 0);
	assert_int_equal(r.class60, 1);
	assert_int_equal(r.discovery, 0);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	assert_addr(r.siaddr, "10.77.0.1");
	/* Another machine, another address, no class: nothing. */
	m = unicast(DHCP_REQUEST, B, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	assert_silent(&m);
	mine = rig_addr("10.77.0.77");
	m = unicast(DHCP_REQUEST, A, &mine);
	rig_firmware(&m, 7, 1);
	m.service = 1;
	assert_silent(&m);
	m = unicast(DHCP_DISCOVER, A, &mine);
	m.service = 1;
	assert_silent(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_bios_pxe),
	    TEST(test_uefi_recipes),
	    TEST(test_ipxe),
	    TEST(test_http_port),
	    TEST(test_https),
	    TEST(test_denied),
	    TEST(test_unknown_ignored),
	    TEST(test_image_missing),
	    TEST(test_image_refused),
	    TEST(test_one_machine_many_names),
	    TEST(test_address_changes_hands),
	    TEST(test_request_without_class),
	    TEST(test_boot_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
