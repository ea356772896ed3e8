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
	struct tlv v[32];
};

/* In which order options stand, and which may be missing for want of room. */
static const uint8_t order[] = {
    53, 54, 51, 1, 3, 6, 60, 43, 97, 66, 67, 58, 59, 15, 28, 61, 175, 82};
static const uint8_t first_to_go[] = {28, 58, 15, 175, 66, 97, 61, 6, 3};

static unsigned
rank(uint8_t code)
{
	unsigned i = 0;

	while (i < sizeof order && order[i] != code)
		i++;
	return i;
}

static size_t
limit(uint16_t max_size)
{
	return max_size < 576 ? 548 : max_size > 1500 ? 1472 : max_size - 28u;
}

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

static uint32_t
mask(uint8_t prefix)
{
	return (uint32_t)(0xffffffff00000000u >> prefix);
}

/* What the option must hold in a boot-time OFFER or ACK; 0: it must not be there. */
static size_t
expected_boot(const struct dhcp4_reply *r, uint8_t code, uint8_t *b)
{
	bool pxe = r->class60 == DHCP4_CLASS_PXE;

	switch (code) {
	case 60:
		return pxe                              ? put(b, "PXEClient", 9)
		       : r->class60 == DHCP4_CLASS_HTTP ? put(b, "HTTPClient", 10)
							: 0;
	case 43:
		return pxe && r->discovery && text(r->bootfile) ? put(b, "\6\1\10\377", 4)
								: 0;
	case 97: return put(b, r->uuid.b, r->uuid.len);
	case 66:
		if (!pxe || !text(r->bootfile) || !set(&r->siaddr))
			return 0;
		return 1 + (size_t)sprintf((char *)b, "%u.%u.%u.%u", r->siaddr.b[0],
			       r->siaddr.b[1], r->siaddr.b[2], r->siaddr.b[3]);
	case 67:
		return text(r->bootfile) ? put(b, r->bootfile, strlen(r->bootfile) + 1) : 0;
	case 175: return r->ipxe ? put(b, "\260\1\1", 3) : 0;
	default: return 0;
	}
}

static size_t
expected(const struct dhcp4_reply *r, uint8_t code, uint8_t b[256])
{
	bool timers = r->lease != 0 && r->t1 != 0 && r->t2 != 0;

	switch (code) {
	case 53: b[0] = r->type; return 1;
	case 54: return put(b, r->server_id.b, 4);
	case 61: return put(b, r->client_id.b, r->client_id.len);
	case 82: return put(b, r->relay.b, r->relay.len);
	default: break;
	}
	if (r->type == DHCP4_NAK)
		return 0;
	switch (code) {
	case 51: return r->lease != 0 ? put32(b, r->lease) : 0;
	case 58: return timers ? put32(b, r->t1) : 0;
	case 59: return timers ? put32(b, r->t2) : 0;
	case 1: return r->prefix != 0 ? put32(b, mask(r->prefix)) : 0;
	case 28:
		if (r->prefix == 0 || r->prefix > 30 || !set(&r->yiaddr))
			return 0;
		return put32(b, addr_to_v4(&r->yiaddr) | ~mask(r->prefix));
	case 3: return put(b, r->routers.b, r->routers.len);
	case 6: return put(b, r->dns.b, r->dns.len);
	case 15: return text(r->domain) ? put(b, r->domain, strlen(r->domain)) : 0;
	default: return expected_boot(r, code, b);
	}
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
		if (l->n == 32)
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
check_order(const struct list *l)
{
	unsigned n = l->n;

	if (n < 2 || l->v[n - 1].code == 67)
		return "67 is the last option";
	for (unsigned i = 0; i < n; i++)
		if (rank(l->v[i].code) == sizeof order)
			return "an option that is not in the recipe";
	if (l->v[n - 2].code == 67 && rank(l->v[n - 1].code) < rank(67)) {
		if (n > 2 && rank(l->v[n - 1].code) <= rank(l->v[n - 3].code))
			return "the wrong option covers 67";
		n--;
	}
	for (unsigned i = 1; i < n; i++)
		if (rank(l->v[i].code) <= rank(l->v[i - 1].code))
			return "options out of order or repeated";
	if (find(l, 82) != NULL && l->v[l->n - 1].code != 82)
		return "82 is not the last option";
	return NULL;
}

static bool
is_missing(const struct dhcp4_reply *r, const struct list *l, uint8_t code)
{
	uint8_t b[256];

	return expected(r, code, b) > 0 && find(l, code) == NULL;
}

/* A missing option must be one that may go, all that go before it must be gone too, and
 * for the one that went last there must have been no room. */
static const char *
check_missing(const struct dhcp4_reply *r, const struct list *l, uint8_t code, size_t used,
    size_t need)
{
	uint8_t b[256];
	unsigned i = 0;
	bool last = true;

	while (i < sizeof first_to_go && first_to_go[i] != (code == 59 ? 58 : code))
		i++;
	if (i == sizeof first_to_go)
		return "an option that must stay is missing";
	for (unsigned k = i + 1; k < sizeof first_to_go; k++)
		last = last && !is_missing(r, l, first_to_go[k]);
	if (last && used + need <= limit(r->max_size))
		return "an option is missing though there is room";
	while (i-- > 0)
		if (find(l, first_to_go[i]) != NULL && expected(r, first_to_go[i], b) > 0)
			return "a less needed option was kept";
	return NULL;
}

static const char *
check_values(const struct dhcp4_reply *r, const struct list *l)
{
	size_t used = 241;

	for (unsigned i = 0; i < l->n; i++)
		used += 2 + l->v[i].len;
	if (used > limit(r->max_size))
		return "longer than the client takes";
	for (unsigned i = 0; i < sizeof order; i++) {
		uint8_t want[256];
		size_t n = expected(r, order[i], want);
		const struct tlv *t = find(l, order[i]);
		const char *wrong = NULL;

		if (t == NULL && n > 0)
			wrong = check_missing(r, l, order[i], used,
			    order[i] == 58 || order[i] == 59 ? 12 : 2 + n);
		else if (t != NULL && (t->len != n || memcmp(t->b, want, n) != 0))
			wrong = "an option has the wrong value";
		if (wrong != NULL)
			return wrong;
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
dhcp4_check(const struct dhcp4_reply *r, const uint8_t *packet, size_t len)
{
	struct list l;
	const char *wrong;

	if (len < 300 || len > 1472)
		return "length of the packet";
	wrong = check_header(r, packet);
	if (wrong == NULL)
		wrong = read_list(packet, len, &l);
	if (wrong == NULL)
		wrong = check_order(&l);
	if (wrong == NULL)
		wrong = check_values(r, &l);
	return wrong;
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
