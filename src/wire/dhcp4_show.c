/*
 * A DHCPv4 packet line by line, for `sallyport explain`: runs in the operator's tool on
 * packets that anybody may have made. Walks the packet as it lies there, with no meaning
 * attached: nothing is joined, nothing refused.
 */
#include "src/wire/dhcp4_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/wire/dhcp4.h"
#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_text.h"

#define CUT_TEXT "...\n"

void
text_say(struct text *t, const char *fmt, ...)
{
	size_t room = t->cap - t->len;
	va_list ap;
	int n;

	if (t->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->b + t->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		t->full = true;
	else
		t->len += (size_t)n;
}

static void
put_byte(struct text *t, char c)
{
	if (t->full || t->cap - t->len < 2) {
		t->full = true;
		return;
	}
	t->b[t->len++] = c;
}

static void
put_hex(struct text *t, uint8_t v)
{
	static const char digits[] = "0123456789abcdef";

	put_byte(t, digits[v >> 4]);
	put_byte(t, digits[v & 15]);
}

void
text_bytes(struct text *t, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			put_byte(t, ':');
		put_hex(t, b[i]);
	}
}

void
text_quoted(struct text *t, const uint8_t *b, size_t len)
{
	put_byte(t, '"');
	for (size_t i = 0; i < len; i++) {
		bool plain = b[i] >= 0x20 && b[i] < 0x7f && b[i] != '"' && b[i] != '\\';

		if (plain) {
			put_byte(t, (char)b[i]);
			continue;
		}
		put_byte(t, '\\');
		put_byte(t, 'x');
		put_hex(t, b[i]);
	}
	put_byte(t, '"');
}

void
text_address(struct text *t, const uint8_t b[4])
{
	text_say(t, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

/* ------------------------------------------------------------------- lines */

/* Ends a line that began at `from`; one that did not fit is taken back. */
static void
end_line(struct text *t, size_t from)
{
	put_byte(t, '\n');
	if (t->full)
		t->len = from;
}

static void
line(struct text *t, const char *key, const char *value)
{
	size_t from = t->len;

	text_say(t, "%s: %s", key, value);
	end_line(t, from);
}

static void
number_line(struct text *t, const char *key, unsigned value)
{
	size_t from = t->len;

	text_say(t, "%s: %u", key, value);
	end_line(t, from);
}

static void
address_line(struct text *t, const char *key, struct in *in)
{
	size_t from = t->len;
	const uint8_t *b = in_take(in, 4);

	text_say(t, "%s: ", key);
	if (b != NULL)
		text_address(t, b);
	end_line(t, from);
}

static void
hardware_lines(struct text *t, uint8_t htype, uint8_t hlen, const uint8_t *hw)
{
	size_t from;

	number_line(t, "hardware-type", htype);
	number_line(t, "hardware-length", hlen);
	from = t->len;
	text_say(t, "hardware-address: ");
	text_bytes(t, hw, hlen <= DHCP4_HW_MAX ? hlen : DHCP4_HW_MAX);
	end_line(t, from);
}

static void
field_line(struct text *t, const char *key, const struct in *field)
{
	size_t from = t->len;
	const uint8_t *end = memchr(field->p, 0, in_left(field));
	size_t len = end == NULL ? in_left(field) : (size_t)(end - field->p);

	text_say(t, "%s: ", key);
	text_quoted(t, field->p, len);
	end_line(t, from);
}

static void
option_line(struct text *t, const char *area, uint8_t code, struct in value,
    const struct dhcp4_show_names *names)
{
	const char *name = dhcp4_show_name(code);
	const char *said = NULL;
	size_t len = in_left(&value);
	size_t from = t->len;

	if (name == NULL && names != NULL && names->name != NULL)
		name = names->name(code);
	text_say(t, "%s %u (%s): ", area, code, name == NULL ? "unknown" : name);
	if (!dhcp4_show_value(t, code, value.p, len)) {
		if (names != NULL && names->value != NULL)
			said = names->value(code, value.p, len);
		if (said != NULL)
			text_say(t, "%s", said);
		else if (len == 0)
			text_say(t, "nothing");
		else
			text_bytes(t, value.p, len);
	}
	end_line(t, from);
}

/* The bytes behind END, which are padding unless somebody hides something there. */
static void
rest_line(struct text *t, const char *key, const struct in *in)
{
	size_t from = t->len;
	size_t zeros = 0;

	while (zeros < in_left(in) && in->p[zeros] == 0)
		zeros++;
	if (in_left(in) == 0)
		return;
	if (zeros == in_left(in))
		text_say(t, "%s: %zu bytes, all zero", key, zeros);
	else {
		text_say(t, "%s: ", key);
		text_bytes(t, in->p, in_left(in));
	}
	end_line(t, from);
}

/* Returns option 52 of this area; 0 when it is not there. */
static uint8_t
options_lines(
    struct text *t, const char *area, struct in in, const struct dhcp4_show_names *names)
{
	uint8_t overload = 0;

	while (in_left(&in) > 0) {
		struct in before = in;
		uint8_t code = in_u8(&in);
		struct in value;

		if (code == DHCP4_OPT_PAD) {
			while (in_left(&in) > 0 && in.p[0] == DHCP4_OPT_PAD)
				in_skip(&in, 1);
			number_line(
			    t, "padding", (unsigned)(in_left(&before) - in_left(&in)));
			continue;
		}
		if (code == DHCP4_OPT_END) {
			line(t, "end", area);
			rest_line(t, "behind-end", &in);
			return overload;
		}
		value = in_sub(&in, in_u8(&in));
		if (!in_ok(&in)) {
			rest_line(t, "cut-option", &before);
			return overload;
		}
		option_line(t, area, code, value, names);
		if (code == DHCP4_OPT_OVERLOAD && in_left(&value) == 1)
			overload = value.p[0];
	}
	line(t, "no-end", area);
	return overload;
}

/* The options, and the two fields that may hold more of them (RFC 2132, 9.3). */
static void
area_lines(struct text *t, struct in in, struct in sname, struct in file,
    const struct dhcp4_show_names *names)
{
	struct in cookie = in;
	uint8_t overload = 0;

	if (in_left(&in) == 0)
		line(t, "options", "none");
	else if (in_u32(&cookie) != DHCP4_COOKIE || !in_ok(&cookie))
		rest_line(t, "not-dhcp-options", &in);
	else
		overload = options_lines(t, "option", cookie, names);
	if ((overload & 1) != 0)
		(void)options_lines(t, "option-in-file", file, names);
	if ((overload & 2) != 0)
		(void)options_lines(t, "option-in-sname", sname, names);
}

static void
header_lines(struct text *t, struct in *in, struct in *sname, struct in *file)
{
	size_t from;
	uint8_t op = in_u8(in), htype = in_u8(in), hlen = in_u8(in), hops = in_u8(in);
	uint16_t flags;

	line(t, "message", op == 1 ? "request" : op == 2 ? "reply" : "neither");
	number_line(t, "hops", hops);
	from = t->len;
	text_say(t, "transaction: 0x%08x", in_u32(in));
	end_line(t, from);
	number_line(t, "seconds", in_u16(in));
	flags = in_u16(in);
	from = t->len;
	text_say(t, "flags: 0x%04x%s", flags,
	    (flags & DHCP4_BROADCAST) != 0 ? " (broadcast)" : "");
	end_line(t, from);
	address_line(t, "client-address", in);
	address_line(t, "your-address", in);
	address_line(t, "server-address", in);
	address_line(t, "relay-address", in);
	hardware_lines(t, htype, hlen, in_take(in, DHCP4_HW_MAX));
	*sname = in_sub(in, DHCP4_SNAME_LEN);
	*file = in_sub(in, DHCP4_FILE_LEN);
	field_line(t, "sname", sname);
	field_line(t, "file", file);
}

size_t
dhcp4_show(const uint8_t *bytes, size_t len, const struct dhcp4_show_names *names,
    char *text, size_t cap)
{
	struct text t = {.b = text, .cap = cap - strlen(CUT_TEXT)};
	struct in in, sname, file;

	in_init(&in, bytes, len);
	if (len < DHCP4_FIXED_LEN)
		rest_line(&t, "too-short", &in);
	else {
		header_lines(&t, &in, &sname, &file);
		area_lines(&t, in, sname, file, names);
	}
	if (t.full) {
		memcpy(text + t.len, CUT_TEXT, strlen(CUT_TEXT));
		t.len += strlen(CUT_TEXT);
	}
	text[t.len] = '\0';
	return t.len;
}
