/*
 * What a DHCPv4 request says of its client beyond the protocol itself: classes, boot
 * firmware, wishes. Runs in dhcp-parser on bytes that anyone may have made. Firmware is
 * odd here, so whatever has not its shape counts as absent.
 */
#include <string.h>

#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_value.h"

/* Of option 43.71's second number: the client has credentials (RFC 4578's BIS), which
 * nobody checks. */
#define BOOT_ITEM_CREDENTIALS 0x8000u

/* Some clients send C strings with their NUL. */
static size_t
text_len(const uint8_t *b, size_t len)
{
	return len > 0 && b[len - 1] == '\0' ? len - 1 : len;
}

static bool
has_prefix(const struct value *v, const char *prefix)
{
	size_t len = strlen(prefix);

	return v->len >= len && memcmp(v->b, prefix, len) == 0;
}

/* The kind stands at the start; the rest differs, and may be missing. */
static void
read_class(const struct value *v, struct dhcp4_request *r)
{
	size_t len = text_len(v->b, v->len);

	if (len == 0)
		return;
	r->class60 = has_prefix(v, "PXEClient")    ? DHCP4_CLASS_PXE
		     : has_prefix(v, "HTTPClient") ? DHCP4_CLASS_HTTP
						   : DHCP4_CLASS_OTHER;
	r->vendor_len = (uint8_t)(len < sizeof r->vendor ? len : sizeof r->vendor);
	memcpy(r->vendor, v->b, r->vendor_len);
}

/* One class more, with its length; the last is cut to what room there is. */
static void
add_user_class(struct dhcp4_request *r, const uint8_t *b, size_t len)
{
	size_t room = sizeof r->user - r->user_len;

	len = text_len(b, len);
	if (len == 4 && memcmp(b, "iPXE", 4) == 0)
		r->ipxe = 1;
	if (len == 0 || room < 2)
		return;
	if (len > room - 1)
		len = room - 1;
	r->user[r->user_len] = (uint8_t)len;
	memcpy(r->user + r->user_len + 1, b, len);
	r->user_len = (uint8_t)(r->user_len + 1 + len);
}

/* RFC 3004 wants a length before each class, and none of them empty. */
static bool
is_class_list(struct in in)
{
	while (in_left(&in) > 0) {
		size_t len = in_u8(&in);

		if (len == 0)
			return false;
		in_skip(&in, len);
	}
	return in_ok(&in);
}

/* iPXE and Windows send their one class bare. */
static void
read_user_class(const struct value *v, struct dhcp4_request *r)
{
	struct in in = value_cursor(v);

	if (!is_class_list(in)) {
		add_user_class(r, v->b, v->len);
		return;
	}
	while (in_left(&in) > 0) {
		size_t len = in_u8(&in);

		add_user_class(r, in_take(&in, len), len);
	}
}

/* Option 175 is iPXE's own: TLVs, with PAD and END as outside. */
static void
read_ipxe(const struct value *v, struct dhcp4_request *r)
{
	struct in in = value_cursor(v);
	uint32_t features = 0;

	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			break;
		in_skip(&in, in_u8(&in));
		if (code >= 0x10 && code < 0x30)
			features |= UINT32_C(1) << (code - 0x10);
	}
	if (v->len == 0 || !in_ok(&in))
		return;
	r->ipxe = 1;
	r->ipxe_features = features;
}

/* Which entry of a boot menu the client chose: option 43.71 of a PXE client. */
static void
read_boot_item(const struct value *v, struct dhcp4_request *r)
{
	struct in in = value_cursor(v);
	uint32_t item = 0;

	if (r->class60 != DHCP4_CLASS_PXE)
		return;
	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);
		struct in part;

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			break;
		part = in_sub(&in, in_u8(&in));
		if (code == DHCP4_PXE_BOOT_ITEM && in_left(&part) == 4)
			item = in_u32(&part);
	}
	if (!in_ok(&in))
		return;
	if ((item & BOOT_ITEM_CREDENTIALS) != 0)
		r->credentials = 1;
	else
		r->boot_item = item;
}

/* A set, so that what is asked for twice, or in several parts, counts once. PAD and END
 * are no options. */
static void
read_wanted(const struct fields *f, struct dhcp4_request *r)
{
	memcpy(r->wanted, f->wanted, sizeof r->wanted);
	r->wanted[0] &= 0xfe;
	r->wanted[sizeof r->wanted - 1] &= 0x7f;
	for (size_t i = 0; i < sizeof r->wanted; i++)
		r->has_wanted |= r->wanted[i] != 0;
}

void
dhcp4_read_hints(const struct fields *f, struct dhcp4_request *r)
{
	const struct value *v = &f->v[MAX_SIZE];
	struct in in = value_cursor(v);

	if (v->len == 2)
		r->max_size = in_u16(&in);
	v = &f->v[CLIENT_ID];
	in = value_cursor(v);
	in_copy(&in, r->client_id, v->len);
	r->client_id_len = v->len;
	v = &f->v[UUID];
	if (v->len == DHCP4_UUID_LEN && v->b[0] == 0) {
		memcpy(r->uuid, v->b, DHCP4_UUID_LEN);
		r->uuid_len = DHCP4_UUID_LEN;
	}
	if (f->v[RAPID_COMMIT].present && f->v[RAPID_COMMIT].len == 0)
		r->asks |= DHCP4_ASKS_RAPID_COMMIT;
	if (f->v[AUTO_CONFIGURE].len == 1)
		r->asks |= DHCP4_ASKS_AUTO_CONFIGURE;
	read_class(&f->v[CLASS], r);
	read_user_class(&f->v[USER_CLASS], r);
	read_ipxe(&f->v[IPXE], r);
	read_boot_item(&f->v[VENDOR], r);
	read_wanted(f, r);
}
