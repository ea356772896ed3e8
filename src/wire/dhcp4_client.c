/*
 * Reads servers' DHCPv4 messages and writes the question that makes them speak. The reader
 * runs in an ear that cannot speak, on bytes that anyone on the link may have made; the
 * writer in the mouth. Bounded cursors only; nothing is joined (RFC 3396), for none of
 * what is read here is ever long.
 */
#include "src/wire/dhcp4_client.h"

#include <string.h>

#include "src/base/buf.h"
#include "src/wire/dhcp4_codes.h"

#define BOOTREQUEST 1
#define BOOTREPLY 2
#define ETHERNET 1

static struct addr
read_address(struct in *in)
{
	uint32_t v4 = in_u32(in);
	struct addr none = {.family = ADDR_NONE};

	return v4 == 0 ? none : addr_v4(v4);
}

static bool
has_prefix(struct in value, const char *prefix)
{
	size_t len = strlen(prefix);
	const uint8_t *b = in_take(&value, len);

	return b != NULL && memcmp(b, prefix, len) == 0;
}

static int
read_type(struct in value, struct dhcp4_answer *a)
{
	a->type = in_u8(&value);
	if (!in_done(&value) ||
	    (a->type != DHCP4_OFFER && a->type != DHCP4_ACK && a->type != DHCP4_NAK))
		return ERR_FORMAT;
	return 0;
}

static int
read_option(uint8_t code, struct in value, struct dhcp4_answer *a)
{
	switch (code) {
	case DHCP4_OPT_TYPE: return read_type(value, a);
	case DHCP4_OPT_SERVER_ID:
		if (in_left(&value) == 4)
			a->server_id = read_address(&value);
		return 0;
	case DHCP4_OPT_CLASS:
		a->class60 = has_prefix(value, "PXEClient")    ? DHCP4_CLASS_PXE
			     : has_prefix(value, "HTTPClient") ? DHCP4_CLASS_HTTP
							       : DHCP4_CLASS_OTHER;
		return 0;
	case DHCP4_OPT_OVERLOAD:
		/* `file` holds options, not a name; none that matters here stands there. */
		if ((in_u8(&value) & 1) != 0)
			a->boots = false;
		return 0;
	default: return 0;
	}
}

static int
read_options(struct in *in, struct dhcp4_answer *a)
{
	bool name = false;
	int err = 0;

	while (err == 0 && in_left(in) > 0) {
		uint8_t code = in_u8(in);
		struct in value;

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			break;
		value = in_sub(in, in_u8(in));
		if (!in_ok(in))
			return ERR_FORMAT;
		name = name || (code == DHCP4_OPT_BOOTFILE && in_left(&value) > 0);
		err = read_option(code, value, a);
	}
	a->boots = a->boots || name;
	return err;
}

int
dhcp4_client_decode(const uint8_t *bytes, size_t len, struct dhcp4_answer *a)
{
	struct dhcp4_answer got = {.type = DHCP4_BOOTP};
	struct in in;
	uint8_t op;
	int err;

	in_init(&in, bytes, len);
	op = in_u8(&in);
	in_skip(&in, 1);
	got.hw_len = in_u8(&in);
	in_skip(&in, 1);
	got.xid = in_u32(&in);
	in_skip(&in, 8); /* secs, flags, ciaddr */
	got.yiaddr = read_address(&in);
	got.siaddr = read_address(&in);
	got.giaddr = read_address(&in);
	in_copy(&in, got.hw, sizeof got.hw);
	in_skip(&in, DHCP4_SNAME_LEN);
	got.boots = in_u8(&in) != 0;
	in_skip(&in, DHCP4_FILE_LEN - 1);
	if (!in_ok(&in))
		return ERR_SHORT;
	if (op != BOOTREPLY || got.hw_len > DHCP4_HW_MAX || in_u32(&in) != DHCP4_COOKIE)
		return ERR_FORMAT;
	memset(got.hw + got.hw_len, 0, sizeof got.hw - got.hw_len);
	err = read_options(&in, &got);
	if (err == 0)
		*a = got;
	return err;
}

int
dhcp4_client_encode(uint32_t xid, const struct mac *mac, uint8_t *bytes, size_t cap)
{
	static const uint8_t asks[] = {DHCP4_OPT_TYPE, 1, DHCP4_DISCOVER, DHCP4_OPT_WANTED,
	    2, DHCP4_OPT_MASK, DHCP4_OPT_ROUTER, DHCP4_OPT_CLIENT_ID, 1 + sizeof mac->b,
	    ETHERNET};
	struct out out;

	out_init(&out, bytes, cap);
	out_u8(&out, BOOTREQUEST);
	out_u8(&out, ETHERNET);
	out_u8(&out, sizeof mac->b);
	out_u8(&out, 0); /* hops */
	out_u32(&out, xid);
	out_u16(&out, 0); /* secs */
	out_u16(&out, DHCP4_BROADCAST);
	out_fill(&out, 0, 16);
	out_copy(&out, mac->b, sizeof mac->b);
	out_fill(&out, 0, DHCP4_HW_MAX - sizeof mac->b + DHCP4_SNAME_LEN + DHCP4_FILE_LEN);
	out_u32(&out, DHCP4_COOKIE);
	out_copy(&out, asks, sizeof asks);
	out_copy(&out, mac->b, sizeof mac->b);
	out_u8(&out, DHCP4_OPT_END);
	out_fill(&out, DHCP4_OPT_PAD, DHCP4_PROBE_LEN - out.len);
	return out_ok(&out) ? DHCP4_PROBE_LEN : ERR_LONG;
}
