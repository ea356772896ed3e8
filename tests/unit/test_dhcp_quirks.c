/*
 * Firmware that is answered in a way of its own, one row each: the request that shows it,
 * and what the answer must be.
 */
#include "tests/unit/dhcp_case.h"

#define PI3 "b8:27:eb:00:00:03"
#define PI4 "dc:a6:32:00:00:04"

enum { NOT_ANSWERED, PLAIN, BOOTS };

/* What a row's request says beyond its type and hardware address. */
struct row {
	const char *name;
	const char *mac;
	int arch; /* option 93, -1: none */
	uint8_t class60;
	const char *vendor, *user, *uuid; /* user: one class; uuid: its first bytes */
	uint8_t type;                     /* DHCP_DISCOVER or DHCP_INFORM */
	int answer;
	uint8_t pi, want_class, discovery;
	const char *sname, *file;
};

static const struct row rows[] = {
    {"Pi 3 ROM: a BIOS by its words, known by its maker", PI3, 0, 1,
	"PXEClient:Arch:00000:UNDI:002001", NULL, "DDDD", DHCP_DISCOVER, BOOTS, 1, 1, 0,
	"10.77.0.1", "debian/boot/arm64.efi"},
    {"Pi 4 EEPROM: known by its machine identifier", A, 0, 1,
	"PXEClient:Arch:00000:UNDI:002001", NULL, "RPi4", DHCP_DISCOVER, BOOTS, 1, 1, 0,
	"10.77.0.1", "debian/boot/arm64.efi"},
    {"Pi 5 EEPROM", A, 0, 1, "PXEClient:Arch:00000:UNDI:002001", NULL, "RPi5",
	DHCP_DISCOVER, BOOTS, 1, 1, 0, "10.77.0.1", "debian/boot/arm64.efi"},
    {"the architecture that IANA has for it", A, 0x29, 1, NULL, NULL, NULL, DHCP_DISCOVER,
	BOOTS, 1, 1, 0, "10.77.0.1", "debian/boot/arm64.efi"},
    {"UEFI on a Pi is UEFI", PI4, 11, 1, "PXEClient:Arch:00011:UNDI:003000", NULL, NULL,
	DHCP_DISCOVER, BOOTS, 0, 1, 1, "10.77.0.1", "debian/boot/arm64.efi"},
    {"a system on a Pi is a system", PI4, -1, 3, "dhcpcd-9.4.1", NULL, NULL, DHCP_DISCOVER,
	PLAIN, 0, 0, 0, "", ""},
    {"U-Boot: no class, no server name", A, 0x16, 0, NULL, NULL, NULL, DHCP_DISCOVER, BOOTS,
	0, 0, 0, "", "debian/boot/arm64.efi"},
    {"U-Boot with its class", A, 0x16, 1, "PXEClient:Arch:00022:UNDI:003000", NULL, NULL,
	DHCP_DISCOVER, BOOTS, 0, 1, 1, "", "debian/boot/arm64.efi"},
    {"Apple's boot protocol", A, -1, 3, "AAPLBSDPC/i386/MacBookPro11,1", NULL, NULL,
	DHCP_INFORM, NOT_ANSWERED, 0, 0, 0, "", ""},
    {"a Mac's ROM by DISCOVER", A, -1, 3, "AAPLBSDPC", NULL, NULL, DHCP_DISCOVER,
	NOT_ANSWERED, 0, 0, 0, "", ""},
    {"HPE firmware after a script for its shell", A, 16, 2,
	"HTTPClient:Arch:00016:UNDI:003001", "UEFIShell", NULL, DHCP_DISCOVER, PLAIN, 0, 0,
	0, "", ""},
    {"and the same firmware when it boots", A, 16, 2, "HTTPClient:Arch:00016:UNDI:003001",
	NULL, NULL, DHCP_DISCOVER, BOOTS, 0, 2, 0, "",
	"http://10.77.0.1/debian/boot/x64.efi"},
    {"a user class that only begins so", A, 16, 2, NULL, "UEFIShell2", NULL, DHCP_DISCOVER,
	BOOTS, 0, 2, 0, "", "http://10.77.0.1/debian/boot/x64.efi"},
};

static struct msg_dhcp_tell
request_of(const struct row *row)
{
	struct msg_dhcp_tell m = rig_request(row->type, row->mac);

	if (row->arch >= 0)
		rig_firmware(&m, (uint16_t)row->arch, row->class60);
	m.class60 = row->class60;
	if (row->vendor != NULL) {
		m.vendor.len = (uint16_t)strlen(row->vendor);
		memcpy(m.vendor.b, row->vendor, m.vendor.len);
	}
	if (row->user != NULL) {
		m.user.b[0] = (uint8_t)strlen(row->user);
		memcpy(m.user.b + 1, row->user, m.user.b[0]);
		m.user.len = m.user.b[0] + 1;
	}
	if (row->uuid != NULL) {
		m.uuid.len = 17;
		memcpy(m.uuid.b + 1, row->uuid, strlen(row->uuid));
	}
	if (row->type == DHCP_INFORM)
		m.src = m.ciaddr = rig_addr("10.77.0.77");
	return m;
}

static void
check_row(const struct row *row)
{
	struct msg_dhcp_tell m = request_of(row);

	if (row->answer == NOT_ANSWERED) {
		assert_silent(&m);
		return;
	}
	assert_type(&m, DHCP_OFFER);
	assert_string_equal(r.bootfile, row->file);
	assert_string_equal(r.sname, row->sname);
	assert_int_equal(r.class60, row->want_class);
	assert_int_equal(r.discovery, row->discovery);
	assert_int_equal(r.pi, row->pi);
	if (row->answer == BOOTS)
		assert_addr(r.siaddr, "10.77.0.1");
	else
		assert_addr(r.siaddr, "-");
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		print_message("  %s\n", rows[i].name);
		rig_forget();
		check_row(&rows[i]);
	}
}

/* A Pi takes its files on the OFFER, and asks for the address, if it does, without saying
 * what it is. */
static void
test_pi_request(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, PI4);
	struct session *s;

	(void)state;
	rig_firmware(&m, 0, 1);
	assert_type(&m, DHCP_OFFER);
	s = session_of_addr(&r.yiaddr, broker.now_ms);
	assert_non_null(s);
	assert_string_equal(s->image, "debian");
	m = taking(&m);
	m.class60 = 0;
	m.has_arch = 0;
	m.uuid.len = 0;
	m.client_id.len = 7;
	memcpy(m.client_id.b, "\x01\xdc\xa6\x32\x00\x00\x04", 7);
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.pi, 1);
	assert_string_equal(r.bootfile, "debian/boot/arm64.efi");
	assert_ptr_equal(session_of_addr(&r.yiaddr, broker.now_ms), s);
}

static struct msg_dhcp_tell
at_4011(const char *mac, const struct addr *address)
{
	struct msg_dhcp_tell m = rig_request(DHCP_REQUEST, mac);

	rig_firmware(&m, 0, 1);
	m.service = 1;
	m.sport = 4011;
	m.src = m.ciaddr = *address;
	m.dst = rig_addr("10.77.0.1");
	return m;
}

/* PXE boot servers by number: what was asked for is repeated, and the address too. */
static void
test_boot_item(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 0, 1);
	mine = lease_for(&m);
	m = at_4011(A, &mine);
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.boot_item, 0);
	assert_addr(r.yiaddr, "-");
	m.boot_item = 0x80000000u | 3;
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.boot_item, m.boot_item);
	assert_true(addr_equal(&r.yiaddr, &mine));
	assert_int_equal(r.lease, 0);
	/* Credentials of boot integrity services. */
	m.boot_item = 0x80008000u;
	assert_silent(&m);
}

/* BINL: Windows' boot loader asks port 4011 by INFORM or REQUEST, from a port of its own,
 * with the lease that the firmware got. */
static void
test_binl(void **state)
{
	struct msg_dhcp_tell m = rig_request(DHCP_DISCOVER, A);
	struct addr mine;

	(void)state;
	rig_firmware(&m, 7, 1);
	mine = lease_for(&m);
	m = at_4011(A, &mine);
	m.arch = 7;
	m.sport = 68;
	assert_type(&m, DHCP_ACK);
	assert_int_equal(r.to_port, 68);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	assert_int_equal(r.discovery, 0);
	assert_int_equal(r.prefix, 0);
	m.type = DHCP_INFORM;
	assert_type(&m, DHCP_ACK);
	assert_string_equal(r.bootfile, "debian/boot/x64.efi");
	/* Nobody else is told anything there. */
	m = at_4011(B, &mine);
	assert_silent(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_rows),
	    TEST(test_pi_request),
	    TEST(test_boot_item),
	    TEST(test_binl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
