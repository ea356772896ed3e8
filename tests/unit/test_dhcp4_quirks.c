/*
 * What real firmware and clients send that no RFC asks for, one row each: the packet in
 * hexadecimal, who sends it and where that is known from, and all that must be read from
 * it. Rows are made from what the sources say unless "captured" stands there.
 */
#include "tests/unit/dhcp4_made.h"

#define Z4 "00000000"
#define Z16 Z4 Z4 Z4 Z4
#define Z64 Z16 Z16 Z16 Z16
#define Z128 Z64 Z64
#define MAC "525400770001" Z4 Z4 "0000"
#define COOKIE "63825363"
/* hlen, flags, ciaddr, giaddr, chaddr, file */
#define HEAD(hlen, flags, ciaddr, giaddr, hw, file) \
	"0101" hlen "00123456780004" flags ciaddr Z4 Z4 giaddr hw Z64 file
#define PLAIN HEAD("06", "0000", Z4, Z4, MAC, Z128) COOKIE
#define DISCOVER PLAIN "350101"
#define REQUEST PLAIN "350103"
#define END "ff"

#define CLASS_PXE_BIOS \
	"3c20"         \
	"505845436c69656e743a417263683a30303030303a554e44493a303032303031"
#define CLASS_PXE_X64 \
	"3c20"        \
	"505845436c69656e743a417263683a30303030373a554e44493a303033303136"
#define TEXT_BIOS "PXEClient:Arch:00000:UNDI:002001"
#define TEXT_X64 "PXEClient:Arch:00007:UNDI:003016"

#define NO_ARCH (-1)
#define PXE DHCP4_CLASS_PXE
#define OTHER DHCP4_CLASS_OTHER

static const struct quirk {
	const char *name;
	const char *hex;
	uint8_t type;
	uint8_t class60;
	const char *vendor;
	int arch;
	uint8_t ipxe;
	const char *user; /* one class, without its length; "" none */
	uint8_t hw_len, client_id_len, uuid_len;
	uint32_t ciaddr, requested;
	uint16_t max_size;
	uint8_t asks;
	uint32_t boot_item;
	uint8_t credentials;
	uint8_t wants; /* an option that 55 names; 0: there is no 55 */
} quirks[] = {
    /* U-Boot (net/bootp.c): the file that it would like stands in `file`; that is a wish,
     * not data. Option 57 for its own buffer, 93 = 22, no option 60. */
    {"U-Boot's file name",
	HEAD("06", "0000", Z4, Z4, MAC,
	    "626f6f742e736372" Z4 Z4 Z16 Z16 Z16 Z16 Z16 Z16 Z16) COOKIE "350101"
									 "39020240"
									 "5d020016"
									 "5e03010000"
									 "370701030c0f1142"
									 "43" END,
	.type = 1, .vendor = "", .arch = 0x16, .user = "", .hw_len = 6, .max_size = 576,
	.wants = 67},
    /* UEFI with SendGUID (EDK2): the machine's identifier where the hardware address
     * stands, hlen 16, and the type still that of Ethernet. */
    {"UUID as hardware address",
	HEAD("10", "8000", Z4, Z4, "44454c4c42001035805600b2c04f4e32", Z128) COOKIE
	"350101" CLASS_PXE_X64 "5d020007"
	"6111"
	"0044454c4c42001035805600b2c04f4e32" END,
	.type = 1, .class60 = PXE, .vendor = TEXT_X64, .arch = 7, .user = "", .hw_len = 16,
	.uuid_len = 17},
    /* A client that has an address and asks for it by option 50 as well (EDK2; dnsmasq
     * takes account of it). RFC 2131 has one or the other. */
    {"ciaddr and option 50",
	HEAD("06", "0000", "0a4d0064", Z4, MAC, Z128) COOKIE "350103"
							     "32040a4d0064" END,
	.type = 3, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6,
	.ciaddr = 0x0a4d0064, .requested = 0x0a4d0064},
    /* Windows: option 60 and 12 as C strings (dnsmasq strips the NUL). */
    {"a class with its NUL",
	DISCOVER "3c094d53465420352e3000"
		 "0c03706300"
		 "37020179" END,
	.type = 1, .class60 = OTHER, .vendor = "MSFT 5.0", .arch = NO_ARCH, .user = "",
	.hw_len = 6, .wants = 121},
    /* Windows, ipconfig /setclassid: option 77 bare, with a NUL (RFC 3004 is not meant). */
    {"a user class of Windows", DISCOVER "4d096163636f756e747300" END, .type = 1,
	.vendor = "", .arch = NO_ARCH, .user = "accounts", .hw_len = 6},
    /* UEFI's HTTP client (EDK2 HttpBootDhcp4.c; sidero#1295): one place of option 55 is
     * whatever was in memory, 234 here. */
    {"an unset code in option 55",
	DISCOVER "390205c0"
		 "371b"
		 "0102030405060c0d0f111216171c28292a2b3233363a3b3cea4361"
		 "5d020010"
		 "3c21"
		 "48545450436c69656e743a417263683a30303031363a554e44493a303033303030" END,
	.type = 1, .class60 = DHCP4_CLASS_HTTP,
	.vendor = "HTTPClient:Arch:00016:UNDI:003000", .arch = 16, .user = "", .hw_len = 6,
	.max_size = 1472, .wants = 234},
    /* PAD in place of a code in option 55: not an option that anybody wants. Captured:
     * arm64-uefi-http-01. */
    {"option 55 of nothing but PAD and END", DISCOVER "370300ff00" END, .type = 1,
	.vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6},
    /* A ROM's own client id is its UUID with type 0 (matchbox#245) ... */
    {"a ROM's client id",
	DISCOVER CLASS_PXE_BIOS "3d1100"
				"44454c4c42001035805600b2c04f4e32" END,
	.type = 1, .class60 = PXE, .vendor = TEXT_BIOS, .arch = NO_ARCH, .user = "",
	.hw_len = 6, .client_id_len = 17},
    /* ... and iPXE's on the same machine type 1 and the hardware address. */
    {"iPXE's client id",
	DISCOVER "3d0701525400770001"
		 "4d0469505845" END,
	.type = 1, .vendor = "", .arch = NO_ARCH, .ipxe = 1, .user = "iPXE", .hw_len = 6,
	.client_id_len = 7},
    /* Option 97 without its type, of 16 bytes: nobody's identity (Pixiecore, booter). */
    {"a UUID without a type",
	DISCOVER "6110"
		 "44454c4c42001035805600b2c04f4e32" END,
	.type = 1, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6},
    {"a UUID of another type",
	DISCOVER "611101"
		 "44454c4c42001035805600b2c04f4e32" END,
	.type = 1, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6},
    {"an empty UUID", DISCOVER "6100" END, .type = 1, .vendor = "", .arch = NO_ARCH,
	.user = "", .hw_len = 6},
    /* Option 93 is a list (RFC 4578, 2.1; booter reads all of it). */
    {"several architectures", DISCOVER CLASS_PXE_X64 "5d0400020007" END, .type = 1,
	.class60 = PXE, .vendor = TEXT_X64, .arch = 7, .user = "", .hw_len = 6},
    /* The codes 7, 8 and 9 all mean x64 (RFC 4578 erratum; dnsmasq CHANGELOG). */
    {"x64 by its other number", DISCOVER CLASS_PXE_X64 "5d020009" END, .type = 1,
	.class60 = PXE, .vendor = TEXT_X64, .arch = 9, .user = "", .hw_len = 6},
    /* iPXE in UEFI says PXEClient and 7 even when it came by HTTP (ipxe#1527): who it is
     * stands in 77, four bytes bare, and in 175. */
    {"iPXE, bare",
	DISCOVER CLASS_PXE_X64 "5d020007"
			       "4d0469505845"
			       "af03130101" END,
	.type = 1, .class60 = PXE, .vendor = TEXT_X64, .arch = 7, .ipxe = 1, .user = "iPXE",
	.hw_len = 6},
    /* The same as RFC 3004 wants it (metal3 baremetal-operator#446). */
    {"iPXE, with a length", DISCOVER "4d050469505845" END, .type = 1, .vendor = "",
	.arch = NO_ARCH, .ipxe = 1, .user = "iPXE", .hw_len = 6},
    /* A build with a class of its own, known by 175 alone (xcat-core PR 7645). */
    {"xNBA",
	DISCOVER CLASS_PXE_X64 "5d020007"
			       "4d04784e4241"
			       "af03130101" END,
	.type = 1, .class60 = PXE, .vendor = TEXT_X64, .arch = 7, .ipxe = 1, .user = "xNBA",
	.hw_len = 6},
    /* iPXE takes a whole frame and says 65280. Captured: bios-grub-02. */
    {"a size of 65280", DISCOVER "3902ff00" END, .type = 1, .vendor = "", .arch = NO_ARCH,
	.user = "", .hw_len = 6, .max_size = 0xff00},
    /* HPE firmware that looks for a start-up script. */
    {"HPE's UEFI shell", DISCOVER "4d09554546495368656c6c" END, .type = 1, .vendor = "",
	.arch = NO_ARCH, .user = "UEFIShell", .hw_len = 6},
    /* A PXE client that chose from a menu names the entry (dnsmasq rfc2131.c) ... */
    {"a boot item",
	REQUEST CLASS_PXE_BIOS "5d020000"
			       "2b07470480010000ff" END,
	.type = 3, .class60 = PXE, .vendor = TEXT_BIOS, .arch = 0, .user = "", .hw_len = 6,
	.boot_item = 0x80010000},
    /* ... with bit 15 of the layer set, "check my credentials": as if it named none. */
    {"a boot item with credentials",
	REQUEST CLASS_PXE_BIOS "5d020000"
			       "2b07470480018000ff" END,
	.type = 3, .class60 = PXE, .vendor = TEXT_BIOS, .arch = 0, .user = "", .hw_len = 6,
	.credentials = 1},
    /* Raspberry Pi 3: option 60 of a PC, the identifier all 0x44 (Raspberry Pi docs). */
    {"Raspberry Pi 3",
	DISCOVER "37032b3c43"
		 "5d020000"
		 "5e03010201"
		 "6111"
		 "0044444444444444444444444444444444" CLASS_PXE_BIOS END,
	.type = 1, .class60 = PXE, .vendor = TEXT_BIOS, .arch = 0, .user = "", .hw_len = 6,
	.uuid_len = 17, .wants = 43},
    /* Raspberry Pi 4: the identifier begins with "RPi4", 93 = 0 (rpi-eeprom#182), and the
     * REQUEST has no option 60 (rpi-eeprom#82). */
    {"Raspberry Pi 4",
	REQUEST "5d020000"
		"6111"
		"0052506934d0145114525069342d0000d0"
		"37042b3c4243"
		"32040a4d0064"
		"36040a4d0001" END,
	.type = 3, .vendor = "", .arch = 0, .user = "", .hw_len = 6, .uuid_len = 17,
	.requested = 0x0a4d0064, .wants = 66},
    /* Apple's boot server discovery: an INFORM of another protocol, told by its class. */
    {"Apple BSDP",
	HEAD("06", "0000", "0a4d0064", Z4, MAC, Z128) COOKIE
	"350108"
	"37023c2b"
	"390205dc"
	"3c1c"
	"4141504c42534450432f693338362f4d6163426f6f6b50726f382c31"
	"2b07"
	"01010102020101" END,
	.type = 8, .class60 = OTHER, .vendor = "AAPLBSDPC/i386/MacBookPro8,1",
	.arch = NO_ARCH, .user = "", .hw_len = 6, .ciaddr = 0x0a4d0064, .max_size = 1500,
	.wants = 43},
    /* Windows Deployment Services' loader on port 4011: option 250 is its own. */
    {"WDS",
	HEAD("06", "0000", "0a4d0064", Z4, MAC, Z128) COOKIE "350103" CLASS_PXE_BIOS
							     "5d020000"
							     "fa080d0102000e0100ff" END,
	.type = 3, .class60 = PXE, .vendor = TEXT_BIOS, .arch = 0, .user = "", .hw_len = 6,
	.ciaddr = 0x0a4d0064},
    /* DOCSIS and phones: option 43 is another vendor's, whatever it looks like. */
    {"option 43 of another vendor",
	DISCOVER "3c07646f6373697333"
		 "2b06470480010000" END,
	.type = 1, .class60 = OTHER, .vendor = "docsis3", .arch = NO_ARCH, .user = "",
	.hw_len = 6},
    /* dhcpcd and others: rapid commit; Windows: auto-configure. */
    {"rapid commit and auto-configure",
	DISCOVER "5000"
		 "740101" END,
	.type = 1, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6, .asks = 3},
    /* A relay that answers from a port of its own (RFC 8357, 5.1). */
    {"a relay's port",
	HEAD("06", "0000", Z4, "0a580001", MAC, Z128) COOKIE "350101"
							     "5208010465746830"
							     "1300" END,
	.type = 1, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6, .asks = 4},
    /* BOOTP as of RFC 951: 300 bytes, 64 of them a vendor's and zero. */
    {"BOOTP", HEAD("06", "0000", Z4, Z4, MAC, Z128) Z64, .type = 0, .vendor = "",
	.arch = NO_ARCH, .user = "", .hw_len = 6, .max_size = 328},
    /* The same of Carnegie Mellon's format, and with no vendor area at all. */
    {"BOOTP with another cookie",
	HEAD("06", "0000", Z4, Z4, MAC, Z128) "434d5500" Z4 Z4 Z4 Z16 Z16 Z16, .type = 0,
	.vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6, .max_size = 328},
    {"BOOTP and nothing more", HEAD("06", "0000", Z4, Z4, MAC, Z128), .type = 0,
	.vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6, .max_size = 264},
    /* A BOOTP client of RFC 1533's time asks for options (RFC 1534). */
    {"BOOTP with options", PLAIN "37020103" END Z64, .type = 0, .vendor = "",
	.arch = NO_ARCH, .user = "", .hw_len = 6, .max_size = 337, .wants = 3},
    /* Clients that send no END, and the least that GRUB sends. Captured:
     * proxydhcp-uefi-grub-04. */
    {"no END", DISCOVER, .type = 1, .vendor = "", .arch = NO_ARCH, .user = "", .hw_len = 6},
};

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static void
from_hex(const char *hex, struct packet *p)
{
	p->len = 0;
	for (; hex[0] != '\0'; hex += 2) {
		assert_true(digit(hex[0]) >= 0 && digit(hex[1]) >= 0);
		p->b[p->len++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
	}
}

static bool
is_text(const uint8_t *b, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(b, want, len) == 0;
}

static const char *
differs(const struct quirk *k, const struct dhcp4_request *q)
{
	size_t user = strlen(k->user);

	if (q->type != k->type || q->hw_len != k->hw_len)
		return "type or hlen";
	if (q->class60 != k->class60 || !is_text(q->vendor, q->vendor_len, k->vendor))
		return "option 60";
	if ((q->has_arch ? q->arch : NO_ARCH) != k->arch)
		return "architecture";
	if (q->ipxe != k->ipxe)
		return "iPXE";
	if (user == 0 ? q->user_len != 0
		      : q->user_len != user + 1 || q->user[0] != user ||
			    !is_text(q->user + 1, user, k->user))
		return "user class";
	if (q->client_id_len != k->client_id_len || q->uuid_len != k->uuid_len)
		return "an identity";
	if (addr_to_v4(&q->ciaddr) != k->ciaddr ||
	    addr_to_v4(&q->requested) != k->requested)
		return "an address";
	if (q->max_size != k->max_size)
		return "option 57";
	if (q->asks != k->asks || q->boot_item != k->boot_item ||
	    q->credentials != k->credentials)
		return "a wish";
	if (q->has_wanted != (k->wants != 0) ||
	    (k->wants != 0 && (q->wanted[k->wants / 8] >> k->wants % 8 & 1) == 0))
		return "option 55";
	return NULL;
}

static void
firmware(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(quirks); i++) {
		struct dhcp4_request q;
		struct packet p;
		const char *wrong;
		int err;

		from_hex(quirks[i].hex, &p);
		err = decode(p.b, p.len, &q);
		if (err != 0)
			fail_msg("%s: %s", quirks[i].name, dhcp4_fault_name(err));
		wrong = differs(&quirks[i], &q);
		if (wrong != NULL)
			fail_msg("%s: %s", quirks[i].name, wrong);
	}
}

/* However a packet of these is cut, it is read as far as it goes or refused. */
static void
cut_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(quirks); i++) {
		struct packet p;

		from_hex(quirks[i].hex, &p);
		for (size_t len = 0; len < p.len; len++) {
			struct dhcp4_request q;
			int err = decode(p.b, len, &q);

			assert_true(err <= 0 && err > -DHCP4_FAULT_MAX);
			assert_int_equal(err == -DHCP4_SHORT, len < 236);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(firmware),
	    cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
