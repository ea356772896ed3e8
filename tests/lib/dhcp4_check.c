/*
 * The strict reader of replies behind dhcp4_check.h. Test code: written from the RFCs and
 * the list of ROM faults, not from the encoder.
 */
#include "tests/lib/dhcp4_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct tlv {
	uint8_t code;
	size_t len;
	const uint8_t *b;
};

struct list {
	unsigned n;
	struct tlv v[280];
};

static size_t
put32(uint8_t *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
	return 4;
}

static size_t
put(uint8_t *b, const void *from, size_t n)
{
	if (n > 0)
		memcpy(b, from, n);
	return n;
}

static bool
set(const struct addr *a)
{
	return a->family == ADDR_V4 && (a->b[0] | a->b[1] | a->b[2] | a->b[3]) != 0;
}

static bool
text(const char *s)
{
	return s != NULL && *s != '\0';
}

static size_t
limit(const struct dhcp4_reply *r)
{
	unsigned least = r->type == DHCP4_BOOTP ? 328 : 576;

	return (r->max_size < least     ? least
		   : r->max_size > 1500 ? 1500
					: r->max_size) -
	       28u;
}

static uint32_t
mask(uint8_t prefix)
{
	return (uint32_t)(0xffffffff00000000u >> prefix);
}

/* The configured options by their codes; b is NULL where there is none. */
static struct tlv by_code[256];

static void
index_options(const struct dhcp4_reply *r)
{
	static const uint8_t empty[1];

	memset(by_code, 0, sizeof by_code);
	for (size_t at = 0; at < r->options.len; at += 2u + r->options.b[at + 1]) {
		uint8_t code = r->options.b[at], len = r->options.b[at + 1];

		by_code[code] =
		    (struct tlv){code, len, len == 0 ? empty : r->options.b + at + 2};
	}
}

static bool
configured(uint8_t code, struct tlv *t)
{
	*t = by_code[code];
	return t->b != NULL;
}

static bool
is_pxe(const struct dhcp4_reply *r)
{
	return r->class60 == DHCP4_CLASS_PXE || r->pi;
}

static size_t
own_vendor(const struct dhcp4_reply *r, uint8_t *b)
{
	bool use = r->discovery && text(r->bootfile);
	size_t n = 0;

	if (r->pi)
		return put(b, "\6\1\3\12\4\0PXE\11\24\0\0\21Raspberry Pi Boot\377", 32);
	if (r->class60 != DHCP4_CLASS_PXE || (!use && r->boot_item == 0))
		return 0;
	if (use)
		n += put(b + n, "\6\1\10", 3);
	if (r->boot_item != 0) {
		n += put(b + n, "\107\4", 2);
		n += put32(b + n, r->boot_item);
	}
	return n + put(b + n, "\377", 1);
}

static int
quad(const struct dhcp4_reply *r, uint8_t *b)
{
	if (!set(&r->siaddr) || !(r->pi || (is_pxe(r) && text(r->bootfile))))
		return -1;
	return (r->pi ? 0 : 1) + sprintf((char *)b, "%u.%u.%u.%u", r->siaddr.b[0],
				     r->siaddr.b[1], r->siaddr.b[2], r->siaddr.b[3]);
}

static int
some(size_t n)
{
	return n == 0 ? -1 : (int)n;
}

/* What DHCP has and BOOTP has not. */
static int
expected_dhcp(const struct dhcp4_reply *r, uint8_t code, uint8_t *b)
{
	bool timers = r->lease != 0 && r->t1 != 0 && r->t2 != 0;

	switch (code) {
	case 51: return r->lease != 0 ? (int)put32(b, r->lease) : -1;
	case 58: return timers ? (int)put32(b, r->t1) : -1;
	case 59: return timers ? (int)put32(b, r->t2) : -1;
	case 66: return quad(r, b);
	case 67:
		return text(r->bootfile) ? (int)put(b, r->bootfile, strlen(r->bootfile) + 1)
					 : -1;
	case 80: return r->rapid ? 0 : -1;
	case 116: return r->auto_configure ? (int)put(b, "", 1) : -1;
	default: return -1;
	}
}

static int
expected_boot(const struct dhcp4_reply *r, uint8_t code, uint8_t *b)
{
	switch (code) {
	case 60:
		return is_pxe(r)                        ? (int)put(b, "PXEClient", 9)
		       : r->class60 == DHCP4_CLASS_HTTP ? (int)put(b, "HTTPClient", 10)
							: -1;
	case 97: return some(put(b, r->uuid.b, r->uuid.len));
	case 175: return r->ipxe ? (int)put(b, "\260\1\1", 3) : -1;
	default: return r->type == DHCP4_BOOTP ? -1 : expected_dhcp(r, code, b);
	}
}

/* The length of what the option must hold; -1: it must not be there. */
static int
expected(const struct dhcp4_reply *r, uint8_t code, uint8_t b[256])
{
	bool bootp = r->type == DHCP4_BOOTP;
	struct tlv t;

	if (code == 82)
		return some(put(b, r->relay.b, r->relay.len));
	if (!bootp && code == 53)
		return (int)put(b, &r->type, 1);
	if (!bootp && code == 54)
		return (int)put(b, r->server_id.b, 4);
	if (!bootp && code == 61)
		return some(put(b, r->client_id.b, r->client_id.len));
	if (r->type == DHCP4_NAK)
		return -1;
	if (code == 1)
		return r->prefix != 0 ? (int)put32(b, mask(r->prefix)) : -1;
	if (code == 43 && own_vendor(r, b) > 0)
		return (int)own_vendor(r, b);
	if (configured(code, &t))
		return (int)put(b, t.b, t.len);
	if (code == 28 && r->prefix != 0 && r->prefix <= 30 && set(&r->yiaddr))
		return (int)put32(b, addr_to_v4(&r->yiaddr) | ~mask(r->prefix));
	return expected_boot(r, code, b);
}

/* Where an option stands: those with a place of their own, then the configured ones in
 * the order of their codes, then a few more. */
static unsigned
place(const struct dhcp4_reply *r, uint8_t code)
{
	static const uint8_t first[] = {
	    53, 54, 51, 1, 3, 6, 60, 43, 97, 66, 67, 58, 59, 80, 116};
	static const uint8_t last[] = {28, 61, 175, 82};
	uint8_t b[256];
	struct tlv t;

	if (configured(code, &t) && code != 3 && code != 6 &&
	    (code != 43 || own_vendor(r, b) == 0))
		return 100u + code;
	for (unsigned i = 0; i < sizeof first; i++)
		if (first[i] == code)
			return i;
	for (unsigned i = 0; i < sizeof last; i++)
		if (last[i] == code)
			return 1000 + i;
	return 100u + code;
}

/* Which option goes before which when room is short: the lower number; 0: it stays. */
static unsigned
turn_to_go(const struct dhcp4_reply *r, uint8_t code)
{
	static const struct {
		uint8_t code, turn;
	} turns[] = {{28, 1}, {59, 2}, {58, 2}, {15, 4}, {175, 5}, {66, 6}, {97, 7},
	    {61, 8}, {43, 9}, {150, 9}, {208, 9}, {209, 9}, {210, 9}, {211, 9}, {17, 10},
	    {6, 11}, {121, 12}, {3, 13}};
	uint8_t b[256];
	struct tlv t;

	if (code == 66 && r->pi)
		return 0;
	if (code == 43 && own_vendor(r, b) > 0)
		return 0;
	for (unsigned i = 0; i < sizeof turns / sizeof turns[0]; i++)
		if (turns[i].code == code)
			return 2000u * turns[i].turn + 1999 - place(r, code);
	return configured(code, &t) ? 2000u * 3 + 1999 - place(r, code) : 0;
}

static const char *
read_list(const uint8_t *packet, size_t len, struct list *l)
{
	size_t at = 240;

	l->n = 0;
	while (at < len && packet[at] != 255) {
		if (packet[at] == 0)
			return "PAD between options";
		if (at + 2 > len || at + 2 + packet[at + 1] > len)
			return "an option runs past the end";
		if (l->n == 280)
			return "too many options";
		l->v[l->n++] = (struct tlv){packet[at], packet[at + 1], packet + at + 2};
		at += 2u + packet[at + 1];
	}
	if (at >= len)
		return "no END";
	if (len > 300 && at != len - 1)
		return "bytes behind END";
	while (++at < len)
		if (packet[at] != 0)
			return "behind END is something else than PAD";
	return NULL;
}

static const struct tlv *
find(const struct list *l, uint8_t code)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].code == code)
			return &l->v[i];
	return NULL;
}

/* Recipe order; the one option that may stand out of it covers option 67. */
static const char *
check_order(const struct dhcp4_reply *r, const struct list *l)
{
	unsigned n = l->n;

	if (n > 0 && l->v[n - 1].code == 67)
		return "67 is the last option";
	if (n > 1 && l->v[n - 2].code == 67 && place(r, l->v[n - 1].code) < place(r, 67)) {
		if (n > 2 && place(r, l->v[n - 1].code) <= place(r, l->v[n - 3].code))
			return "the wrong option covers 67";
		n--;
	}
	for (unsigned i = 1; i < n; i++)
		if (place(r, l->v[i].code) <= place(r, l->v[i - 1].code))
			return "options out of order or repeated";
	if (find(l, 82) != NULL && l->v[l->n - 1].code != 82)
		return "82 is not the last option";
	return NULL;
}

struct gone {
	unsigned n;
	unsigned turn; /* of the last that went */
	size_t need;
};

/* T1 and T2 go together. */
static void
count_gone(const struct dhcp4_reply *r, struct gone *g, uint8_t code, size_t need)
{
	unsigned turn = turn_to_go(r, code);

	g->n++;
	if (turn <= g->turn)
		return;
	g->turn = turn;
	g->need = code == 58 || code == 59 ? 12 : need;
}

static const char *
check_value(const struct dhcp4_reply *r, const struct list *l, uint8_t code, struct gone *g)
{
	uint8_t want[256];
	int n = expected(r, code, want);
	const struct tlv *t = find(l, code);

	if (t == NULL && n < 0)
		return NULL;
	if (t == NULL) {
		if (turn_to_go(r, code) == 0)
			return "an option that must stay is missing";
		count_gone(r, g, code, 2u + (size_t)n);
		return NULL;
	}
	if (n < 0)
		return "an option that must not be there";
	if (t->len != (size_t)n || memcmp(t->b, want, t->len) != 0)
		return "an option has the wrong value";
	return NULL;
}

/* What goes before the last that went must be gone too, and for that one there must have
 * been no room. */
static const char *
check_values(const struct dhcp4_reply *r, const struct list *l, unsigned left_out)
{
	struct gone gone = {0, 0, 0};
	size_t used = 241;

	for (unsigned i = 0; i < l->n; i++)
		used += 2 + l->v[i].len;
	if (used > limit(r))
		return "longer than the client takes";
	for (unsigned code = 0; code < 256; code++) {
		const char *wrong = check_value(r, l, (uint8_t)code, &gone);

		if (wrong != NULL)
			return wrong;
	}
	if (gone.n != left_out)
		return "another number of options is missing than said";
	if (gone.n > 0 && used + gone.need <= limit(r))
		return "an option is missing though there is room";
	for (unsigned i = 0; i < l->n; i++) {
		unsigned turn = turn_to_go(r, l->v[i].code);

		if (turn != 0 && turn < gone.turn)
			return "a less needed option was kept";
	}
	return NULL;
}

static bool
field_is(const uint8_t *field, const char *s, size_t size)
{
	uint8_t want[128] = {0};

	if (text(s) && strlen(s) < size)
		memcpy(want, s, strlen(s));
	return memcmp(field, want, size) == 0;
}

static bool
address_is(const uint8_t *b, const struct addr *a)
{
	static const uint8_t none[4];

	return memcmp(b, a->family == ADDR_V4 ? a->b : none, 4) == 0;
}

static const char *
check_header(const struct dhcp4_reply *r, const uint8_t *p)
{
	static const struct addr none = {.family = ADDR_NONE};
	bool nak = r->type == DHCP4_NAK;
	uint8_t head[12] = {2, r->htype, (uint8_t)r->hw.len, 0};
	uint8_t hw[16] = {0};

	put32(head + 4, r->xid);
	put32(head + 8, (uint32_t)r->secs << 16 | r->flags);
	if (memcmp(p, head, sizeof head) != 0)
		return "the first twelve bytes";
	if (!address_is(p + 12, nak ? &none : &r->ciaddr) ||
	    !address_is(p + 16, nak ? &none : &r->yiaddr) ||
	    !address_is(p + 20, nak ? &none : &r->siaddr) ||
	    !address_is(p + 24, &r->giaddr))
		return "a fixed address";
	put(hw, r->hw.b, r->hw.len);
	if (memcmp(p + 28, hw, 16) != 0)
		return "chaddr";
	if (!field_is(p + 44, nak ? NULL : r->sname, 64))
		return "sname";
	if (!field_is(p + 108, nak ? NULL : r->bootfile, 128))
		return "file";
	return memcmp(p + 236, "\x63\x82\x53\x63", 4) == 0 ? NULL : "cookie";
}

const char *
dhcp4_check(
    const struct dhcp4_reply *r, const uint8_t *packet, size_t len, unsigned left_out)
{
	struct list l;
	const char *wrong;

	index_options(r);
	if (len < 300 || len > 1472)
		return "length of the packet";
	wrong = check_header(r, packet);
	if (wrong == NULL)
		wrong = read_list(packet, len, &l);
	if (wrong == NULL)
		wrong = check_order(r, &l);
	if (wrong == NULL)
		wrong = check_values(r, &l, left_out);
	return wrong;
}

bool
dhcp4_fits(const struct dhcp4_reply *r)
{
	size_t used = 241;

	index_options(r);
	for (unsigned code = 0; code < 256; code++) {
		uint8_t b[256];
		int n = expected(r, (uint8_t)code, b);

		if (n >= 0 && turn_to_go(r, (uint8_t)code) == 0)
			used += 2u + (size_t)n;
	}
	return used <= limit(r);
}

const uint8_t *
dhcp4_find(const uint8_t *packet, size_t len, uint8_t code, size_t *n)
{
	struct list l;
	const struct tlv *t;

	*n = 0;
	if (len < 240 || read_list(packet, len, &l) != NULL)
		return NULL;
	t = find(&l, code);
	if (t == NULL)
		return NULL;
	*n = t->len;
	return t->b;
}
