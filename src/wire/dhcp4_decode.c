/*
 * Reads DHCPv4 requests. Runs in dhcp-parser, which cannot speak, on bytes that anyone
 * on the link may have made. Everything goes through a bounded cursor, the time is
 * linear in the packet, and the result is written only when all of it is good.
 */
#include <string.h>

#include "src/base/buf.h"
#include "src/wire/dhcp4.h"

#define FIXED_LEN 236 /* up to the options field (RFC 2131, 2) */
#define SNAME_LEN 64
#define FILE_LEN 128
#define COOKIE 0x63825363u

enum { OPT_PAD = 0, OPT_OVERLOAD = 52, OPT_END = 255 };
enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };
enum { RELAY_LINK = 5, RELAY_SERVER = 11 };

/* The options that are kept; all others are only walked over. */
enum slot {
	NOT_KEPT,
	REQUESTED,
	OVERLOAD,
	TYPE,
	SERVER_ID,
	MAX_SIZE,
	CLASS,
	CLIENT_ID,
	USER_CLASS,
	RELAY,
	ARCH,
	UUID,
	SUBNET,
	IPXE,
	SLOTS
};

static const uint8_t slot_of[256] = {
    [50] = REQUESTED,
    [52] = OVERLOAD,
    [53] = TYPE,
    [54] = SERVER_ID,
    [57] = MAX_SIZE,
    [60] = CLASS,
    [61] = CLIENT_ID,
    [77] = USER_CLASS,
    [82] = RELAY,
    [93] = ARCH,
    [97] = UUID,
    [118] = SUBNET,
    [175] = IPXE,
};

/* The parts of one option, joined in the order of RFC 3396. An option that was there
 * with no bytes at all is present with length 0. */
struct value {
	bool present;
	uint8_t len;
	uint8_t b[DHCP4_OPTION_MAX];
};

struct fields {
	struct value v[SLOTS];
};

static int
join(struct value *v, struct in *part)
{
	size_t len = in_left(part);

	if (len > DHCP4_OPTION_MAX - (size_t)v->len)
		return -DHCP4_LONG_OPTION;
	v->present = true;
	in_copy(part, v->b + v->len, len);
	v->len = (uint8_t)(v->len + len);
	return 0;
}

/* Walks one field of options to its END or, some clients send none, to its end. */
static int
walk(struct fields *f, struct in area, bool overloaded)
{
	int err;

	while (in_left(&area) > 0) {
		uint8_t code = in_u8(&area);
		struct in part;

		if (code == OPT_PAD)
			continue;
		if (code == OPT_END)
			return 0;
		part = in_sub(&area, in_u8(&area));
		if (!in_ok(&area))
			return -DHCP4_CUT_OPTION;
		/* An overload inside an overloaded field would have no meaning. */
		if (slot_of[code] == NOT_KEPT || (overloaded && code == OPT_OVERLOAD))
			continue;
		err = join(&f->v[slot_of[code]], &part);
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

static struct in
cursor(const struct value *v)
{
	struct in in;

	in_init(&in, v->b, v->len);
	return in;
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
	struct in in = cursor(v);

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
	struct in in = cursor(v);
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

/* RFC 3046, 2: sub-options with a length each, no PAD, no END. */
static int
relay_option(const struct value *v, struct dhcp4_request *r)
{
	struct in in = cursor(v);
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
		if (code == RELAY_LINK)
			err = relay_address(part, &r->link_select);
		else if (code == RELAY_SERVER)
			err = relay_address(part, &r->server_override);
	}
	memcpy(r->relay, v->b, v->len);
	r->relay_len = v->len;
	return err;
}

static bool
has_prefix(const struct value *v, const char *prefix)
{
	size_t len = strlen(prefix);

	return v->len >= len && memcmp(v->b, prefix, len) == 0;
}

/* The kind stands at the start; the rest differs, and may be missing. Some clients send
 * C strings with their NUL. */
static uint8_t
class_option(const struct value *v)
{
	if (v->len == 0 || (v->len == 1 && v->b[0] == '\0'))
		return DHCP4_CLASS_NONE;
	if (has_prefix(v, "PXEClient"))
		return DHCP4_CLASS_PXE;
	if (has_prefix(v, "HTTPClient"))
		return DHCP4_CLASS_HTTP;
	return DHCP4_CLASS_OTHER;
}

static bool
is_ipxe(const uint8_t *b, size_t len)
{
	if (len > 0 && b[len - 1] == '\0')
		len--;
	return len == 4 && memcmp(b, "iPXE", 4) == 0;
}

/* RFC 3004 wants a length before each class; iPXE sends its name bare. */
static bool
user_class_is_ipxe(const struct value *v)
{
	struct in in = cursor(v);
	bool found = false;

	if (is_ipxe(v->b, v->len))
		return true;
	while (in_left(&in) > 0) {
		size_t len = in_u8(&in);
		const uint8_t *b = in_take(&in, len);

		if (b != NULL && is_ipxe(b, len))
			found = true;
	}
	return in_ok(&in) && found;
}

/* Option 175 is iPXE's own: TLVs, with PAD and END as outside. */
static void
ipxe_option(const struct value *v, struct dhcp4_request *r)
{
	struct in in = cursor(v);
	uint32_t features = 0;

	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);

		if (code == OPT_PAD)
			continue;
		if (code == OPT_END)
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

/* Options that say who the client is or how it wants to be treated, and never make a
 * request invalid. */
static void
read_hints(const struct fields *f, struct dhcp4_request *r)
{
	const struct value *v = &f->v[MAX_SIZE];
	struct in in = cursor(v);

	if (v->len == 2)
		r->max_size = in_u16(&in);
	v = &f->v[CLIENT_ID];
	memcpy(r->client_id, v->b, v->len);
	r->client_id_len = v->len;
	v = &f->v[UUID];
	if (v->len == DHCP4_UUID_LEN && v->b[0] == 0) {
		memcpy(r->uuid, v->b, DHCP4_UUID_LEN);
		r->uuid_len = DHCP4_UUID_LEN;
	}
	r->class60 = class_option(&f->v[CLASS]);
	ipxe_option(&f->v[IPXE], r);
	if (user_class_is_ipxe(&f->v[USER_CLASS]))
		r->ipxe = 1;
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
	read_hints(f, r);
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
	*sname = in_sub(in, SNAME_LEN);
	*file = in_sub(in, FILE_LEN);
	if (!in_ok(in))
		return -DHCP4_SHORT;
	if (op != 1)
		return -DHCP4_BAD_OP;
	if (r->hw_len > DHCP4_HW_MAX)
		return -DHCP4_BAD_HLEN;
	memset(r->hw + r->hw_len, 0, sizeof r->hw - r->hw_len);
	return 0;
}

int
dhcp4_decode(const uint8_t *bytes, size_t len, struct dhcp4_request *r)
{
	struct dhcp4_request got = {.type = DHCP4_BOOTP};
	struct in in, sname, file;
	struct fields f;
	int err;

	if (len > DHCP4_PACKET_MAX)
		return -DHCP4_LONG;
	in_init(&in, bytes, len);
	err = read_header(&in, &got, &sname, &file);
	if (err != 0)
		return err;
	/* Too short for a cookie: the BOOTP of before there were options. */
	if (in_left(&in) >= 4) {
		if (in_u32(&in) != COOKIE)
			return -DHCP4_BAD_COOKIE;
		for (unsigned i = 0; i < SLOTS; i++) {
			f.v[i].present = false;
			f.v[i].len = 0;
		}
		err = walk_all(&f, in, file, sname);
		if (err == 0)
			err = read_options(&f, &got);
	}
	if (err == 0)
		*r = got;
	return err;
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
