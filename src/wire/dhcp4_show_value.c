/*
 * The options whose meaning belongs to DHCP itself, as text for `sallyport explain`. Runs
 * in the operator's tool; each value is anybody's bytes. Options that an operator can
 * configure are not here: the tool knows their types.
 */
#include <string.h>

#include "src/base/ident.h"
#include "src/wire/dhcp4.h"
#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_text.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Writes what v holds and consumes it; false when the shape is wrong. */
typedef bool show(struct text *t, struct in *v);

struct number_name {
	uint8_t number;
	const char *name;
};

static const char *
name_of(const struct number_name *names, size_t n, uint8_t number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

static bool
show_address(struct text *t, struct in *v)
{
	const uint8_t *b = in_take(v, 4);

	if (b != NULL)
		text_address(t, b);
	return in_done(v);
}

static bool
show_u8(struct text *t, struct in *v)
{
	text_say(t, "%u", in_u8(v));
	return in_done(v);
}

static bool
show_u16(struct text *t, struct in *v)
{
	text_say(t, "%u", in_u16(v));
	return in_done(v);
}

static bool
show_seconds(struct text *t, struct in *v)
{
	uint32_t seconds = in_u32(v);

	if (seconds == UINT32_MAX)
		text_say(t, "for ever");
	else
		text_say(t, "%u seconds", seconds);
	return in_done(v);
}

static bool
show_text(struct text *t, struct in *v)
{
	size_t len = in_left(v);

	text_quoted(t, in_take(v, len), len);
	return len > 0;
}

static bool
show_nothing(struct text *t, struct in *v)
{
	text_say(t, "yes");
	return in_done(v);
}

static bool
show_type(struct text *t, struct in *v)
{
	static const struct number_name types[] = {{DHCP4_DISCOVER, "DISCOVER"},
	    {DHCP4_OFFER, "OFFER"}, {DHCP4_REQUEST, "REQUEST"}, {DHCP4_DECLINE, "DECLINE"},
	    {DHCP4_ACK, "ACK"}, {DHCP4_NAK, "NAK"}, {DHCP4_RELEASE, "RELEASE"},
	    {DHCP4_INFORM, "INFORM"}, {9, "FORCERENEW"}, {10, "LEASEQUERY"},
	    {11, "LEASEUNASSIGNED"}, {12, "LEASEUNKNOWN"}, {13, "LEASEACTIVE"}};
	uint8_t type = in_u8(v);
	const char *name = name_of(types, COUNT(types), type);

	text_say(t, "%u%s%s", type, name == NULL ? "" : " ", name == NULL ? "" : name);
	return in_done(v);
}

static bool
show_codes(struct text *t, struct in *v)
{
	bool any = in_left(v) > 0;

	for (const char *gap = ""; in_left(v) > 0; gap = ", ")
		text_say(t, "%s%u", gap, in_u8(v));
	return any;
}

static bool
show_archs(struct text *t, struct in *v)
{
	bool any = in_left(v) > 0, http = false;

	for (const char *gap = ""; in_left(v) > 0; gap = ", ") {
		uint16_t code = in_u16(v);
		enum arch arch = arch_from_code(code, &http);

		text_say(t, "%s%u", gap, code);
		if (arch != ARCH_NONE)
			text_say(t, " (%s%s)", arch_name(arch), http ? ", http" : "");
	}
	return any && in_ok(v);
}

static bool
show_undi(struct text *t, struct in *v)
{
	uint8_t type = in_u8(v), major = in_u8(v), minor = in_u8(v);

	text_say(t, "type %u, version %u.%u", type, major, minor);
	return in_done(v);
}

/* As firmware prints it: the first three groups are little-endian (UEFI, appendix A). */
static bool
show_uuid(struct text *t, struct in *v)
{
	uint32_t a;
	uint16_t b, c;

	if (in_left(v) != DHCP4_UUID_LEN || in_u8(v) != 0)
		return false;
	a = in_u32_le(v);
	b = in_u16_le(v);
	c = in_u16_le(v);
	text_say(t, "%08x-%04x-%04x-", a, b, c);
	for (unsigned i = 0; i < 8; i++)
		text_say(t, "%02x%s", in_u8(v), i == 1 ? "-" : "");
	return in_done(v);
}

static bool
show_client_id(struct text *t, struct in *v)
{
	size_t len = in_left(v);
	uint8_t type = in_u8(v);

	if (len < 2)
		return false;
	len--;
	if (type == 255 && len > 4) { /* RFC 4361, 6.1 */
		text_say(t, "IAID ");
		text_bytes(t, in_take(v, 4), 4);
		text_say(t, ", DUID ");
		len -= 4;
	} else
		text_say(t, "type %u, ", type);
	text_bytes(t, in_take(v, len), len);
	return true;
}

/* RFC 3004's list, or, as iPXE and Windows send it, one text. */
static bool
show_user_class(struct text *t, struct in *v)
{
	struct in list = *v;
	const char *gap = "";

	while (in_left(&list) > 0) {
		struct in one = in_sub(&list, in_u8(&list));

		if (in_left(&one) == 0 || !in_ok(&list))
			return show_text(t, v);
	}
	for (; in_left(v) > 0; gap = ", ") {
		struct in one = in_sub(v, in_u8(v));

		text_say(t, "%s", gap);
		show_text(t, &one);
	}
	return gap[0] != '\0';
}

static bool
show_overload(struct text *t, struct in *v)
{
	static const char *const where[] = {NULL, "file", "sname", "file and sname"};
	uint8_t which = in_u8(v);

	if (which < 1 || which > 3)
		return false;
	text_say(t, "%s", where[which]);
	return in_done(v);
}

/* ------------------------------------------------------- options in options */

struct part {
	uint8_t code;
	const char *name;
	show *show; /* NULL: bytes */
};

static bool
show_boot_item(struct text *t, struct in *v)
{
	uint16_t type = in_u16(v), layer = in_u16(v);

	text_say(t, "type %u, layer %u", type, layer & 0x7fffu);
	if ((layer & 0x8000u) != 0)
		text_say(t, ", with credentials");
	return in_done(v);
}

static bool
show_servers(struct text *t, struct in *v)
{
	while (in_left(v) > 0) {
		text_say(t, "type %u:", in_u16(v));
		for (unsigned n = in_u8(v); n > 0; n--) {
			const uint8_t *b = in_take(v, 4);

			if (b == NULL)
				return false;
			text_say(t, " ");
			text_address(t, b);
		}
		text_say(t, in_left(v) > 0 ? "; " : "");
	}
	return in_ok(v);
}

static bool
show_menu(struct text *t, struct in *v)
{
	while (in_left(v) > 0) {
		uint16_t type = in_u16(v);
		struct in label = in_sub(v, in_u8(v));

		text_say(t, "type %u ", type);
		show_text(t, &label);
		text_say(t, in_left(v) > 0 ? "; " : "");
	}
	return in_ok(v);
}

static bool
show_prompt(struct text *t, struct in *v)
{
	text_say(t, "%u seconds, ", in_u8(v));
	return in_ok(v) && show_text(t, v);
}

static const struct part relay_parts[] = {{DHCP4_RELAY_CIRCUIT, "circuit-id", show_text},
    {DHCP4_RELAY_REMOTE, "remote-id", show_text},
    {DHCP4_RELAY_LINK, "link-selection", show_address}, {6, "subscriber-id", show_text},
    {10, "flags", show_u8}, {DHCP4_RELAY_SERVER, "server-id-override", show_address},
    {12, "relay-id", NULL}, {DHCP4_RELAY_PORT, "source-port", show_nothing}};

static const struct part pxe_parts[] = {{DHCP4_PXE_DISCOVERY, "discovery-control", show_u8},
    {7, "discovery-group", show_address}, {DHCP4_PXE_SERVERS, "boot-servers", show_servers},
    {DHCP4_PXE_MENU, "boot-menu", show_menu},
    {DHCP4_PXE_PROMPT, "menu-prompt", show_prompt},
    {DHCP4_PXE_BOOT_ITEM, "boot-item", show_boot_item}};

static const struct part ipxe_parts[] = {{0x01, "priority", show_u8},
    {0x08, "keep-san", show_u8}, {0x09, "skip-san-boot", show_u8},
    {0x10, "pxe-api", show_u8}, {0x11, "iscsi", show_u8}, {0x12, "aoe", show_u8},
    {0x13, "http", show_u8}, {0x14, "https", show_u8}, {0x15, "tftp", show_u8},
    {0x16, "ftp", show_u8}, {0x17, "dns", show_u8}, {0x18, "bzimage", show_u8},
    {0x19, "multiboot", show_u8}, {0x1a, "slam", show_u8}, {0x1b, "srp", show_u8},
    {0x20, "nbi", show_u8}, {0x21, "pxe", show_u8}, {0x22, "elf", show_u8},
    {0x23, "comboot", show_u8}, {0x24, "efi", show_u8}, {0x25, "fcoe", show_u8},
    {0x26, "vlan", show_u8}, {0x27, "menu", show_u8}, {0x28, "sdi", show_u8},
    {0x29, "nfs", show_u8}, {0xb0, "no-pxedhcp", show_u8}, {0xb1, "bus-id", NULL},
    {0xeb, "version", NULL}};

static void
show_part(struct text *t, const struct part *p, struct in v)
{
	struct text before = *t;
	struct in all = v;

	if (p != NULL && p->show != NULL && p->show(t, &v))
		return;
	*t = before;
	if (in_left(&all) == 0)
		text_say(t, "nothing");
	else
		text_bytes(t, all.p, in_left(&all));
}

/* ended: PAD and END have their meaning inside. */
static bool
show_parts(struct text *t, struct in *v, const struct part *parts, size_t n, bool ended)
{
	const char *gap = "";

	while (in_left(v) > 0) {
		uint8_t code = in_u8(v);
		const struct part *p = NULL;
		struct in value;

		if (ended && code == DHCP4_OPT_PAD)
			continue;
		if (ended && code == DHCP4_OPT_END)
			break;
		value = in_sub(v, in_u8(v));
		if (!in_ok(v))
			return false;
		for (size_t i = 0; i < n; i++)
			if (parts[i].code == code)
				p = &parts[i];
		text_say(t, p == NULL ? "%s%u " : "%s%u %s ", gap, code,
		    p == NULL ? "" : p->name);
		show_part(t, p, value);
		gap = ", ";
	}
	return gap[0] != '\0' && in_left(v) == 0;
}

static bool
show_relay(struct text *t, struct in *v)
{
	return show_parts(t, v, relay_parts, COUNT(relay_parts), false);
}

static bool
show_pxe(struct text *t, struct in *v)
{
	return show_parts(t, v, pxe_parts, COUNT(pxe_parts), true);
}

static bool
show_ipxe(struct text *t, struct in *v)
{
	return show_parts(t, v, ipxe_parts, COUNT(ipxe_parts), true);
}

/* -------------------------------------------------------------- the options */

static const struct part options[] = {{DHCP4_OPT_MASK, "subnet-mask", show_address},
    {DHCP4_OPT_BROADCAST, "broadcast-address", show_address},
    {DHCP4_OPT_VENDOR, "vendor-encapsulated-options", show_pxe},
    {DHCP4_OPT_REQUESTED, "requested-address", show_address},
    {DHCP4_OPT_LEASE, "lease-time", show_seconds},
    {DHCP4_OPT_OVERLOAD, "option-overload", show_overload},
    {DHCP4_OPT_TYPE, "message-type", show_type},
    {DHCP4_OPT_SERVER_ID, "server-identifier", show_address},
    {DHCP4_OPT_WANTED, "parameter-request-list", show_codes},
    {DHCP4_OPT_MESSAGE, "message", show_text},
    {DHCP4_OPT_MAX_SIZE, "max-message-size", show_u16},
    {DHCP4_OPT_T1, "renewal-time", show_seconds},
    {DHCP4_OPT_T2, "rebinding-time", show_seconds},
    {DHCP4_OPT_CLASS, "vendor-class", show_text},
    {DHCP4_OPT_CLIENT_ID, "client-id", show_client_id},
    {DHCP4_OPT_TFTP_SERVER, "tftp-server-name", show_text},
    {DHCP4_OPT_BOOTFILE, "bootfile-name", show_text},
    {DHCP4_OPT_USER_CLASS, "user-class", show_user_class},
    {DHCP4_OPT_RAPID_COMMIT, "rapid-commit", show_nothing},
    {DHCP4_OPT_RELAY, "relay-agent-information", show_relay},
    {DHCP4_OPT_ARCH, "client-architecture", show_archs},
    {DHCP4_OPT_UNDI, "client-interface", show_undi},
    {DHCP4_OPT_UUID, "client-uuid", show_uuid},
    {DHCP4_OPT_AUTO_CONFIGURE, "auto-configure", show_u8},
    {DHCP4_OPT_SUBNET, "subnet-selection", show_address},
    {DHCP4_OPT_IPXE, "ipxe", show_ipxe}};

static const struct part *
find(uint8_t code)
{
	for (size_t i = 0; i < COUNT(options); i++)
		if (options[i].code == code)
			return &options[i];
	return NULL;
}

const char *
dhcp4_show_name(uint8_t code)
{
	const struct part *p = find(code);

	return p == NULL ? NULL : p->name;
}

bool
dhcp4_show_value(struct text *t, uint8_t code, const uint8_t *b, size_t len)
{
	const struct part *p = find(code);
	struct text before = *t;
	struct in v;

	in_init(&v, b, len);
	if (p == NULL || p->show(t, &v))
		return p != NULL;
	*t = before;
	return false;
}
