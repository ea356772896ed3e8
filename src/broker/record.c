/*
 * The store's records, bytes <-> struct. Broker, pure: no I/O, no allocation. Distrusts
 * the bytes: a disk may have damaged them, and an earlier broker may have been owned.
 */
#include "src/broker/record.h"

#include <string.h>

#include "src/base/buf.h"

/* Version 1 has no ingress. */
#define RECORD_OLDEST 1
#define RECORD_VERSION 2

enum { FLAG_HTTP = 1, FLAG_IPXE = 2, FLAG_KNOWN = 4 };

/* CRC-32 as in IEEE 802.3, four bits at a time. */
static uint32_t
crc32_of(const uint8_t *p, size_t n)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
	    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344,
	    0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

bool
lease_id_equal(const struct lease_id *a, const struct lease_id *b)
{
	return a->kind == b->kind && a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

int
record_key_encode(const struct addr *addr, uint8_t key[RECORD_KEY_MAX])
{
	if (!addr_is_canonical(addr) || addr->family == ADDR_NONE)
		return ERR_RANGE;
	memcpy(key, addr->b, RECORD_KEY_MAX);
	return addr->family == ADDR_V4 ? 4 : 16;
}

int
record_key_decode(const uint8_t *key, size_t len, struct addr *addr)
{
	if (len != 4 && len != 16)
		return ERR_FORMAT;
	memset(addr, 0, sizeof *addr);
	addr->family = len == 4 ? ADDR_V4 : ADDR_V6;
	memcpy(addr->b, key, len);
	return 0;
}

static void
put_addr(struct out *out, const struct addr *a)
{
	out_u8(out, a->family);
	out_copy(out, a->b, sizeof a->b);
}

static uint8_t
flags_of(const struct record *r)
{
	return (uint8_t)((r->http ? FLAG_HTTP : 0) | (r->ipxe ? FLAG_IPXE : 0) |
			 (r->known ? FLAG_KNOWN : 0));
}

int
record_encode(const struct record *r, uint8_t *bytes, size_t cap)
{
	size_t image = strnlen(r->image, sizeof r->image);
	struct out out;

	if (image > CONF_IMAGE_MAX || r->id.len > RECORD_ID_MAX)
		return ERR_RANGE;
	out_init(&out, bytes, cap);
	out_u8(&out, RECORD_VERSION);
	out_u8(&out, (uint8_t)r->state);
	out_u64_le(&out, r->expires);
	out_u64_le(&out, r->written);
	out_u8(&out, r->link);
	out_u8(&out, r->id.kind);
	out_u8(&out, r->id.len);
	out_copy(&out, r->id.b, r->id.len);
	out_copy(&out, r->mac.b, sizeof r->mac.b);
	out_u32_le(&out, r->session);
	out_u8(&out, (uint8_t)r->arch);
	out_u8(&out, flags_of(r));
	put_addr(&out, &r->server);
	out_u8(&out, (uint8_t)image);
	out_copy(&out, r->image, image);
	out_u64_le(&out, r->ingress);
	if (out_ok(&out))
		out_u32_le(&out, crc32_of(bytes, out.len));
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}

/* What the shape alone does not say. */
static int
check_ranges(const struct record *r, uint8_t state, uint8_t arch)
{
	if (state > RECORD_DECLINED || r->id.kind > ID_UUID || r->link >= LINKS_MAX)
		return ERR_RANGE;
	if ((r->id.kind == ID_NONE) != (r->id.len == 0))
		return ERR_RANGE;
	if (r->id.kind == ID_NONE && state == RECORD_BOUND)
		return ERR_RANGE;
	if (arch >= ARCH_MAX || !addr_is_canonical(&r->server))
		return ERR_RANGE;
	/* Image names are printable, so that they may stand in a log line or a URL. */
	for (const char *c = r->image; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '/')
			return ERR_RANGE;
	return 0;
}

static int
read_fields(struct in *in, struct record *r)
{
	uint8_t version, state, arch, flags, image;

	version = in_u8(in);
	state = in_u8(in);
	r->expires = in_u64_le(in);
	r->written = in_u64_le(in);
	r->link = in_u8(in);
	r->id.kind = in_u8(in);
	r->id.len = in_u8(in);
	if (r->id.len > RECORD_ID_MAX)
		return ERR_RANGE;
	in_copy(in, r->id.b, r->id.len);
	in_copy(in, r->mac.b, sizeof r->mac.b);
	r->session = in_u32_le(in);
	arch = in_u8(in);
	flags = in_u8(in);
	r->server.family = in_u8(in);
	in_copy(in, r->server.b, sizeof r->server.b);
	image = in_u8(in);
	if (image > CONF_IMAGE_MAX)
		return ERR_RANGE;
	in_copy(in, r->image, image);
	if (version > 1)
		r->ingress = in_u64_le(in);
	if (!in_ok(in))
		return ERR_SHORT;
	if (!in_done(in) || strlen(r->image) != image)
		return ERR_FORMAT;
	r->state = (enum record_state)state;
	r->arch = (enum arch)arch;
	r->http = (flags & FLAG_HTTP) != 0;
	r->ipxe = (flags & FLAG_IPXE) != 0;
	r->known = (flags & FLAG_KNOWN) != 0;
	if (flags != (flags & (version > 1 ? 7 : 3)))
		return ERR_RANGE;
	return check_ranges(r, state, arch);
}

int
record_decode(const uint8_t *bytes, size_t len, struct record *r)
{
	struct record got;
	struct in in, tail;
	int err;

	if (len < 5)
		return ERR_SHORT;
	if (len > RECORD_SIZE_MAX)
		return ERR_LONG;
	in_init(&tail, bytes + len - 4, 4);
	if (in_u32_le(&tail) != crc32_of(bytes, len - 4))
		return ERR_FORMAT;
	in_init(&in, bytes, len - 4);
	if (bytes[0] < RECORD_OLDEST || bytes[0] > RECORD_VERSION)
		return ERR_UNSUPPORTED;
	memset(&got, 0, sizeof got);
	err = read_fields(&in, &got);
	if (err != 0)
		return err;
	got.addr = r->addr;
	*r = got;
	return 0;
}
