/*
 * Values of DHCPv4 options from bytes to text, and whether they are sound. Runs where
 * policy/option.c does; pure. The bytes may be anybody's: those that are not what the
 * option's type says are shown as hex.
 */
#include "policy/option_shape.h"

#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/ident.h"

static void
show_number(struct out *out, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)v);
	out_text(out, text);
}

/* In the largest unit that divides it; below a minute's multiple, the bare number. */
static void
show_seconds(struct out *out, uint32_t v)
{
	static const struct {
		uint32_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}};

	for (size_t i = 0; v != 0 && i < sizeof units / sizeof units[0]; i++) {
		if (v % units[i].seconds == 0) {
			show_number(out, v / units[i].seconds);
			out_text(out, units[i].unit);
			return;
		}
	}
	show_number(out, v);
}

static void
show_address(struct out *out, uint32_t v)
{
	struct addr a = addr_v4(v);
	char text[ADDR_TEXT_MAX];

	out_text(out, addr_format(&a, text));
}

static bool
show_flag(struct out *out, uint8_t v)
{
	out_text(out, v == 1 ? "yes" : "no");
	return v <= 1;
}

static bool
show_text(struct out *out, struct in *in, bool name)
{
	size_t len = in_left(in);
	const uint8_t *b = in_take(in, len);

	if (b == NULL || !option_is_printable(b, len))
		return false;
	out_copy(out, b, len);
	return !name || option_is_name((const char *)b, len);
}

/* One name of RFC 1035 labels; no longer than one may be, for a value is not either. */
static bool
show_labels(struct out *out, struct in *in)
{
	size_t total = 0;

	for (uint8_t n; (n = in_u8(in)) != 0; total += n + 1u) {
		const uint8_t *b = in_take(in, n);

		if (b == NULL || !option_is_label((const char *)b, n))
			return false;
		if (total > 0)
			out_u8(out, '.');
		out_copy(out, b, n);
	}
	return in_ok(in) && total > 0;
}

static bool
show_route(struct out *out, struct in *in)
{
	uint8_t prefix = in_u8(in);
	uint32_t net = 0;

	if (prefix > 32)
		return false;
	for (unsigned i = 0; i < (prefix + 7u) / 8; i++)
		net |= (uint32_t)in_u8(in) << (24 - 8 * i);
	show_address(out, net);
	out_u8(out, '/');
	show_number(out, prefix);
	out_u8(out, ' ');
	show_address(out, in_u32(in));
	return (net & option_host_bits(prefix)) == 0;
}

/* One piece; false: not of the type. Running out of bytes is seen by the caller. */
static bool
show(enum option_type type, struct out *out, struct in *in)
{
	switch (type) {
	case OPTION_FLAG: return show_flag(out, in_u8(in));
	case OPTION_U8:
	case OPTION_U8S: show_number(out, in_u8(in)); return true;
	case OPTION_U16:
	case OPTION_U16S: show_number(out, in_u16(in)); return true;
	case OPTION_U32: show_number(out, in_u32(in)); return true;
	case OPTION_S32: show_number(out, (int32_t)in_u32(in)); return true;
	case OPTION_SECONDS: show_seconds(out, in_u32(in)); return true;
	case OPTION_ADDRESS:
	case OPTION_ADDRESSES: show_address(out, in_u32(in)); return true;
	case OPTION_PAIRS:
		show_address(out, in_u32(in));
		out_u8(out, ' ');
		show_address(out, in_u32(in));
		return true;
	case OPTION_TEXT: return show_text(out, in, false);
	case OPTION_NAME: return show_text(out, in, true);
	case OPTION_NAMES: return show_labels(out, in);
	case OPTION_ROUTES: return show_route(out, in);
	case OPTION_BYTES:
	case OPTION_EMPTY:
	case OPTION_OURS: break;
	}
	return false;
}

static bool
show_pieces(enum option_type type, const uint8_t *value, size_t len, struct out *out)
{
	struct in in;
	bool good;

	in_init(&in, value, len);
	if (len == 0 || (unsigned)type >= OPTION_TYPES)
		return false;
	for (;;) {
		good = show(type, out, &in) && in_ok(&in);
		if (!good || in_left(&in) == 0)
			return good;
		if (!option_shapes[type].many)
			return false;
		out_text(out, ", ");
	}
}

const char *
option_format(
    enum option_type type, const uint8_t *value, size_t len, char text[OPTION_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	struct out out;

	if (len > OPTION_VALUE_MAX)
		len = OPTION_VALUE_MAX;
	out_init(&out, text, OPTION_TEXT_MAX - 1);
	if (!show_pieces(type, value, len, &out) || !out_ok(&out)) {
		out_init(&out, text, OPTION_TEXT_MAX - 1);
		for (size_t i = 0; i < len; i++) {
			if (i > 0)
				out_u8(&out, ':');
			out_u8(&out, (uint8_t)hex[value[i] >> 4]);
			out_u8(&out, (uint8_t)hex[value[i] & 15]);
		}
	}
	text[out.len] = '\0';
	return text;
}

/* ------------------------------------------------------------ whole values */

/* RFC 2132 gives these limits; the others are the type's. */
static const struct {
	uint8_t code;
	uint16_t min, max;
	const char *expected;
} limits[] = {
    {22, 576, 65535, "a number from 576 to 65535"},
    {23, 1, 255, "a number from 1 to 255"},
    {25, 68, 65535, "numbers from 68 to 65535"},
    {26, 68, 65535, "a number from 68 to 65535"},
    {37, 1, 255, "a number from 1 to 255"},
    {46, 1, 8, "a number from 1 to 8"},
};

/* The numbers of the options that have limits are one or two bytes wide. */
static bool
in_limits(
    enum option_type type, const uint8_t *value, size_t len, unsigned min, unsigned max)
{
	struct in in;

	in_init(&in, value, len);
	while (in_left(&in) > 0) {
		unsigned v = type == OPTION_U8 ? in_u8(&in) : in_u16(&in);

		if (v < min || v > max)
			return false;
	}
	return true;
}

int
option_check(
    const struct option_def *def, const uint8_t *value, size_t len, const char **expected)
{
	char text[OPTION_TEXT_MAX];
	struct out out;

	*expected = option_shapes[def->type].expected;
	if (len > OPTION_VALUE_MAX || def->type == OPTION_OURS)
		return ERR_RANGE;
	if (def->type == OPTION_EMPTY || def->type == OPTION_BYTES)
		return (def->type == OPTION_EMPTY) == (len == 0) ? 0 : ERR_RANGE;
	out_init(&out, text, sizeof text);
	if (!show_pieces(def->type, value, len, &out))
		return ERR_RANGE;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		*expected = limits[i].expected;
		if (limits[i].code == def->code &&
		    !in_limits(def->type, value, len, limits[i].min, limits[i].max))
			return ERR_RANGE;
	}
	return 0;
}
