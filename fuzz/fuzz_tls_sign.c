/*
 * Shapes of what a TLS server signs: what is taken for one is put together again from its
 * free parts by code that shares nothing with the reader, and must come out the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/base/buf.h"
#include "src/wire/tls_sign.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static void
rebuild_verify(struct out *out, const uint8_t *data, size_t len)
{
	out_fill(out, ' ', 64);
	out_text(out, "TLS 1.3, server CertificateVerify");
	out_u8(out, 0);
	REQUIRE(len == 130 || len == 146);
	out_copy(out, data + 98, len - 98);
}

static void
rebuild_ecdhe(struct out *out, const uint8_t *data, size_t len)
{
	unsigned curve = data[66];

	out_copy(out, data, 64);
	out_u8(out, 3);
	out_u16(out, (uint16_t)curve);
	switch (curve) {
	case 23: out_u16(out, 65 << 8 | 4); break;
	case 24: out_u16(out, 97 << 8 | 4); break;
	case 25: out_u16(out, 133 << 8 | 4); break;
	case 29:
		out_u8(out, 32);
		out_u8(out, data[68]);
		break;
	default: abort();
	}
	out_copy(out, data + 69, len - 69);
	REQUIRE(len == 68u + data[67]);
}

/* The group itself is the unit test's; here, lengths and order. */
static void
rebuild_dhe(struct out *out, const uint8_t *data, size_t len)
{
	size_t p = (len - 71) / 2;

	REQUIRE(p == 256 || p == 384);
	out_copy(out, data, 64);
	out_u16(out, (uint16_t)p);
	out_fill(out, 0xff, 8);
	out_copy(out, data + 74, p - 16);
	out_fill(out, 0xff, 8);
	out_u16(out, 1);
	out_u8(out, 2);
	out_u16(out, (uint16_t)p);
	out_copy(out, data + 71 + p, p);
	REQUIRE(memcmp(data + 71 + p, data + 66, p) < 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	uint8_t again[TLS_SIGN_TEXT_MAX];
	enum tls_shape shape;
	struct out out;
	int err = tls_sign_shape(data, len, &shape);

	REQUIRE(err == 0 || err == ERR_FORMAT);
	if (err != 0)
		return 0;
	REQUIRE(len <= sizeof again);
	out_init(&out, again, sizeof again);
	if (shape == TLS_SHAPE_VERIFY)
		rebuild_verify(&out, data, len);
	else if (shape == TLS_SHAPE_ECDHE)
		rebuild_ecdhe(&out, data, len);
	else
		rebuild_dhe(&out, data, len);
	REQUIRE(out_ok(&out) && out.len == len && memcmp(again, data, len) == 0);
	return 0;
}
