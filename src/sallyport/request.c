/*
 * Making a request (RFC 2131, 2132, 3046, 4578) to ask the server about. In the tool; it
 * is never sent as a packet. Pure.
 */
#include "src/sallyport/request.h"

#include <string.h>

#include "src/base/buf.h"

#define COOKIE 0x63825363u

static void
put_option(struct out *out, uint8_t code, const void *value, size_t len)
{
	out_u8(out, code);
	out_u8(out, (uint8_t)len);
	out_copy(out, value, len);
}

static void
put_said(struct out *out, uint8_t code, const struct said *s)
{
	if (s->len > 0)
		put_option(out, code, s->b, s->len);
}

static void
put_address_option(struct out *out, uint8_t code, const struct addr *a)
{
	if (!addr_is_unset(a))
		put_option(out, code, a->b, 4);
}

/* The first part: RFC 2131, figure 1. */
static void
put_head(struct out *out, const struct request *r)
{
	out_u8(out, 1); /* BOOTREQUEST */
	out_u8(out, 1); /* Ethernet */
	out_u8(out, sizeof r->mac.b);
	out_u8(out, addr_is_unset(&r->giaddr) ? 0 : 1);
	out_u32(out, r->xid);
	out_u16(out, 0);
	out_u16(out, r->broadcast ? 0x8000 : 0);
	out_copy(out, r->ciaddr.b, 4);
	out_fill(out, 0, 8);
	out_copy(out, r->giaddr.b, 4);
	out_copy(out, r->mac.b, sizeof r->mac.b);
	out_fill(out, 0, 10 + 64 + 128);
	out_u32(out, COOKIE);
}

/* What machines that boot ask for; others, what every client does. */
static void
put_wishes(struct out *out, const struct request *r)
{
	static const uint8_t boots[] = {1, 3, 6, 12, 15, 43, 51, 54, 60, 66, 67, 97};
	static const uint8_t plain[] = {1, 3, 6, 12, 15, 28, 42, 51, 54, 58, 59, 121};

	if (r->has_arch || r->ipxe)
		put_option(out, 55, boots, sizeof boots);
	else
		put_option(out, 55, plain, sizeof plain);
}

/* Without one of its own, firmware says what RFC 4578 has it say. */
static void
put_boot(struct out *out, const struct request *r)
{
	uint8_t value[17] = {0};

	if (r->has_arch) {
		value[0] = (uint8_t)(r->arch >> 8);
		value[1] = (uint8_t)r->arch;
		put_option(out, 93, value, 2);
		put_option(out, 94, "\1\3\0", 3);
		value[0] = 0;
	}
	put_said(out, 60, &r->vendor);
	if (r->ipxe)
		put_option(out, 77, "iPXE", 4);
	else
		put_said(out, 77, &r->user);
	if (r->has_uuid) {
		memcpy(value + 1, r->uuid, sizeof r->uuid);
		put_option(out, 97, value, sizeof value);
	}
}

static void
put_relay(struct out *out, const struct request *r)
{
	size_t len = (r->circuit.len > 0 ? 2 + r->circuit.len : 0) +
		     (r->remote.len > 0 ? 2 + r->remote.len : 0);

	if (len == 0)
		return;
	out_u8(out, 82);
	out_u8(out, (uint8_t)len);
	put_said(out, 1, &r->circuit);
	put_said(out, 2, &r->remote);
}

int
request_encode(const struct request *r, uint8_t *bytes, size_t cap)
{
	struct out out;

	if (r->circuit.len + r->remote.len > 251)
		return ERR_LONG;
	out_init(&out, bytes, cap);
	put_head(&out, r);
	put_option(&out, 53, &r->type, 1);
	put_said(&out, 61, &r->client_id);
	put_address_option(&out, 50, &r->requested);
	put_address_option(&out, 54, &r->server_id);
	put_option(&out, 57, "\5\300", 2); /* 1472 */
	put_wishes(&out, r);
	put_boot(&out, r);
	put_relay(&out, r);
	out_u8(&out, 255);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
