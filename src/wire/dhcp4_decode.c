/*
 * Reads DHCPv4 requests. Runs in dhcp-parser, which cannot speak, on bytes that anyone
 * on the link may have made. Everything goes through a bounded cursor, the time is
 * linear in the packet, and the result is written only when all of it is good.
 */
#include <string.h>

#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_value.h"

#define VENDOR_AREA_LEN 64 /* of BOOTP (RFC 951, 3) */

enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

static const uint8_t slot_of[256] = {
    [DHCP4_OPT_VENDOR] = VENDOR,
    [DHCP4_OPT_REQUESTED] = REQUESTED,
    [DHCP4_OPT_OVERLOAD] = OVERLOAD,
    [DHCP4_OPT_TYPE] = TYPE,
    [DHCP4_OPT_SERVER_ID] = SERVER_ID,
    [DHCP4_OPT_MAX_SIZE] = MAX_SIZE,
    [DHCP4_OPT_CLASS] = CLASS,
    [DHCP4_OPT_CLIENT_ID] = CLIENT_ID,
    [DHCP4_OPT_USER_CLASS] = USER_CLASS,
    [DHCP4_OPT_RAPID_COMMIT] = RAPID_COMMIT,
    [DHCP4_OPT_RELAY] = RELAY,
    [DHCP4_OPT_ARCH] = ARCH,
    [DHCP4_OPT_UUID] = UUID,
    [DHCP4_OPT_AUTO_CONFIGURE] = AUTO_CONFIGURE,
    [DHCP4_OPT_SUBNET] = SUBNET,
    [DHCP4_OPT_IPXE] = IPXE,
};

struct in
value_cursor(const struct value *v)
{
	struct in in;

	in_init(&in, v->b, v->len);
	return in;
}

/* One part more; the usual option has one and stays where it is. */
static int
join(struct fields *f, enum slot slot, struct in part)
{
	struct value *v = &f->v[slot];
	uint8_t *joined = f->joined[slot];
	size_t len = in_left(&part);

	if (!v->present) {
		*v = (struct value){true, (uint8_t)len, in_take(&part, len)};
		return 0;
	}
	if (len > DHCP4_OPTION_MAX - (size_t)v->len)
		return -DHCP4_LONG_OPTION;
	if (v->b != joined && v->len > 0)
		memcpy(joined, v->b, v->len);
	in_copy(&part, joined + v->len, len);
	v->b = joined;
	v->len = (uint8_t)(v->len + len);
	return 0;
}

static void
want(struct fields *f, struct in codes)
{
	size_t n = in_left(&codes);
	const uint8_t *b = in_take(&codes, n);

	for (size_t i = 0; i < n; i++)
		f->wanted[b[i] / 8] |= (uint8_t)(1u << b[i] % 8);
}

/* Walks one field of options to its END or, some clients send none, to its end. */
static int
walk(struct fields *f, struct in area, bool overloaded)
{
	int err;

	while (in_left(&area) > 0) {
		uint8_t code = in_u8(&area);
		struct in part;

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			return 0;
		part = in_sub(&area, in_u8(&area));
		if (!in_ok(&area))
			return -DHCP4_CUT_OPTION;
		if (code == DHCP4_OPT_WANTED)
			want(f, part);
		/* An overload inside an overloaded field would have no meaning. */
		if (slot_of[code] == NOT_KEPT || (overloaded && code == DHCP4_OPT_OVERLOAD))
			continue;
		err = join(f, slot_of[code], part);
		if (err != 0)
			return err;
	}
	return 0;
}

/* The options field, then `file`, then `sname` when they carry options (RFC 3396, 5). */
static int
walk_all(struct fields *f, struct in options, struct in file, struct in sname)
{
	const struct value *o = &f->v[OVERLOAD];
	int err = walk(f, options, false);

	if (err != 0)
		return err;
	if (!o->present)
		return 0;
	if (o->len != 1 || o->b[0] < OVERLOAD_FILE ||
	    o->b[0] > (OVERLOAD_FILE | OVERLOAD_SNAME))
		return -DHCP4_BAD_OVERLOAD;
	if ((o->b[0] & OVERLOAD_FILE) != 0)
		err = walk(f, file, true);
	if (err == 0 && (o->b[0] & OVERLOAD_SNAME) != 0)
		err = walk(f, sname, true);
	return err;
}

static struct addr
read_address(struct in *in)
{
	uint32_t v4 = in_u32(in);
	struct addr none = {.family = ADDR_NONE};

	return v4 == 0 ? none : addr_v4(v4);
}

static int
address_option(const struct value *v, struct addr *a)
{
	struct in in = value_cursor(v);

	if (!v->present)
		return 0;
	*a = read_address(&in);
	return in_done(&in) ? 0 : -DHCP4_BAD_ADDRESS;
}

/* Only what clients send. An OFFER, ACK or NAK in a request is somebody's game. */
static int
type_option(const struct value *v, struct dhcp4_request *r)
{
	if (!v->present)
		return 0;
	if (v->len != 1 || v->b[0] == 0 || v->b[0] > DHCP4_TYPE_MAX ||
	    v->b[0] == DHCP4_OFFER || v->b[0] == DHCP4_ACK || v->b[0] == DHCP4_NAK)
		return -DHCP4_BAD_TYPE;
	r->type = v->b[0];
	return 0;
}

/* A list (RFC 4578, 2.1), of which some firmware sends more than one. */
static int
arch_option(const struct value *v, struct dhcp4_request *r)
{
	struct in in = value_cursor(v);
	bool http;

	if (!v->present)
		return 0;
	if (v->len == 0 || v->len % 2 != 0)
		return -DHCP4_BAD_ARCH;
	while (in_left(&in) > 0) {
		uint16_t code = in_u16(&in);
		bool known = arch_from_code(code, &http) != ARCH_NONE;

		if (known || !r->has_arch)
			r->arch = code;
		r->has_arch = 1;
		if (known)
			break;
	}
	return 0;
}

static int
relay_address(struct in part, struct addr *a)
{
	/* Twice the same would leave open which network is meant. */
	if (a->family != ADDR_NONE)
		return -DHCP4_BAD_RELAY;
	*a = read_address(&part);
	return in_done(&part) ? 0 : -DHCP4_BAD_RELAY;
}

/* Twice the same would leave open who is meant; what is too long to be kept identifies
 * nobody. */
static int
relay_bytes(struct in part, uint8_t *len, uint8_t bytes[DHCP4_RELAY_ID_MAX])
{
	size_t n = in_left(&part);

	if (*len != 0)
		return -DHCP4_BAD_RELAY;
	if (n > DHCP4_RELAY_ID_MAX)
		return 0;
	in_copy(&part, bytes, n);
	*len = (uint8_t)n;
	return 0;
}

static int
relay_part(uint8_t code, struct in part, struct dhcp4_request *r)
{
	switch (code) {
	case DHCP4_RELAY_CIRCUIT: return relay_bytes(part, &r->circuit_len, r->circuit);
	case DHCP4_RELAY_REMOTE: return relay_bytes(part, &r->remote_len, r->remote);
	case DHCP4_RELAY_LINK: return relay_address(part, &r->link_select);
	case DHCP4_RELAY_SERVER: return relay_address(part, &r->server_override);
	case DHCP4_RELAY_PORT:
		if (in_left(&part) == 0)
			r->asks |= DHCP4_ASKS_RELAY_PORT;
		return 0;
	default: return 0;
	}
}

/* RFC 3046, 2: sub-options with a length each, no PAD, no END. */
static int
relay_option(const struct value *v, struct dhcp4_request *r)
{
	struct in in = value_cursor(v);
	int err = 0;

	if (!v->present)
		return 0;
	if (v->len == 0)
		return -DHCP4_BAD_RELAY;
	while (err == 0 && in_left(&in) > 0) {
		uint8_t code = in_u8(&in);
		struct in part = in_sub(&in, in_u8(&in));

		if (!in_ok(&in))
			return -DHCP4_BAD_RELAY;
		err = relay_part(code, part, r);
	}
	memcpy(r->relay, v->b, v->len);
	r->relay_len = v->len;
	return err;
}

static int
read_options(const struct fields *f, struct dhcp4_request *r)
{
	int err = type_option(&f->v[TYPE], r);

	if (err == 0)
		err = address_option(&f->v[REQUESTED], &r->requested);
	if (err == 0)
		err = address_option(&f->v[SERVER_ID], &r->server_id);
	if (err == 0)
		err = address_option(&f->v[SUBNET], &r->link_select);
	if (err == 0)
		err = arch_option(&f->v[ARCH], r);
	if (err != 0)
		return err;
	if (f->v[RELAY].present) {
		struct addr subnet = r->link_select;

		/* What the relay says about the link goes before the client's wish. */
		r->link_select = (struct addr){.family = ADDR_NONE};
		err = relay_option(&f->v[RELAY], r);
		if (r->link_select.family == ADDR_NONE)
			r->link_select = subnet;
	}
	dhcp4_read_hints(f, r);
	return err;
}

/* The fixed fields (RFC 2131, 2), with cursors over the two that may carry options. */
static int
read_header(struct in *in, struct dhcp4_request *r, struct in *sname, struct in *file)
{
	uint8_t op = in_u8(in);

	r->htype = in_u8(in);
	r->hw_len = in_u8(in);
	r->hops = in_u8(in);
	r->xid = in_u32(in);
	r->secs = in_u16(in);
	r->flags = in_u16(in);
	r->ciaddr = read_address(in);
	in_skip(in, 8); /* yiaddr and siaddr are the server's to fill */
	r->giaddr = read_address(in);
	in_copy(in, r->hw, sizeof r->hw);
	*sname = in_sub(in, DHCP4_SNAME_LEN);
	*file = in_sub(in, DHCP4_FILE_LEN);
	if (!in_ok(in))
		return -DHCP4_SHORT;
	if (op != 1)
		return -DHCP4_BAD_OP;
	if (r->hw_len > DHCP4_HW_MAX)
		return -DHCP4_BAD_HLEN;
	memset(r->hw + r->hw_len, 0, sizeof r->hw - r->hw_len);
	return 0;
}

static int
read_area(struct in options, struct in file, struct in sname, struct dhcp4_request *r)
{
	struct fields f;
	int err;

	for (unsigned i = 0; i < SLOTS; i++)
		f.v[i] = (struct value){.present = false};
	memset(f.wanted, 0, sizeof f.wanted);
	err = walk_all(&f, options, file, sname);
	return err != 0 ? err : read_options(&f, r);
}

/* BOOTP has a field of vendor bytes where options stand, or nothing. Of another vendor, or
 * empty, it says nothing to us; that it is BOOTP we believe if it is no longer than that
 * field, or empty (RFC 1542, 2.1). */
static bool
is_bootp_area(struct in area)
{
	return in_left(&area) <= VENDOR_AREA_LEN || in_u32(&area) == 0;
}

int
dhcp4_decode(const uint8_t *bytes, size_t len, struct dhcp4_request *r)
{
	struct dhcp4_request got = {.type = DHCP4_BOOTP};
	struct in in, sname, file, options;
	int err;

	if (len > DHCP4_PACKET_MAX)
		return -DHCP4_LONG;
	in_init(&in, bytes, len);
	err = read_header(&in, &got, &sname, &file);
	if (err != 0)
		return err;
	options = in;
	if (in_u32(&options) == DHCP4_COOKIE && in_ok(&options))
		err = read_area(options, file, sname, &got);
	else if (!is_bootp_area(in))
		err = -DHCP4_BAD_COOKIE;
	if (err != 0)
		return err;
	/* A BOOTP client takes what it sends; dhcp4_encode() knows the least. */
	if (got.type == DHCP4_BOOTP && got.max_size < len + DHCP4_IP_UDP_LEN)
		got.max_size = (uint16_t)(len + DHCP4_IP_UDP_LEN);
	*r = got;
	return 0;
}

const char *
dhcp4_fault_name(int fault)
{
	static const char *const names[DHCP4_FAULT_MAX] = {[DHCP4_NO_FAULT] = "none",
#define X(name, text) [name] = text,
	    DHCP4_FAULT_LIST(X)
#undef X
	};

	return fault <= 0 && fault > -DHCP4_FAULT_MAX ? names[-fault] : "unknown";
}
