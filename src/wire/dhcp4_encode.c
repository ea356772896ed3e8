/*
 * Writes DHCPv4 replies. Runs in dhcp-sender, which hears nothing from the network; what
 * it is told comes from the broker and is checked here once more. The order of the
 * options, the NULs and the padding are what boot ROMs were found to need.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/wire/dhcp4.h"

#define SNAME_LEN 64
#define FILE_LEN 128
#define COOKIE 0x63825363u
#define FIXED_LEN 240 /* with the cookie */
#define IP_UDP_LEN 28 /* option 57 counts them */
#define SIZE_MIN 576  /* what everybody must take (RFC 2131, 2) */
#define SIZE_MAX_SENT 1500

enum {
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_DOMAIN = 15,
	OPT_BROADCAST = 28,
	OPT_VENDOR = 43,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER_ID = 54,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_CLASS = 60,
	OPT_CLIENT_ID = 61,
	OPT_TFTP_SERVER = 66,
	OPT_BOOTFILE = 67,
	OPT_RELAY = 82,
	OPT_UUID = 97,
	OPT_IPXE = 175,
	OPT_PAD = 0,
	OPT_END = 255
};

struct option {
	uint8_t code;
	size_t len;
	const uint8_t *b; /* borrowed from the reply, a constant, or scratch */
};

/* The options of a reply in the order in which they go out. */
struct plan {
	unsigned n;
	struct option o[20];
	size_t scratch_len;
	uint8_t scratch[64]; /* numbers and the dotted quad of option 66 */
};

static bool
is_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static void
add(struct plan *p, uint8_t code, const void *b, size_t len)
{
	if (len == 0)
		return;
	p->o[p->n++] = (struct option){.code = code, .len = len, .b = b};
}

static void
add_copy(struct plan *p, uint8_t code, const void *b, size_t len)
{
	uint8_t *to = p->scratch + p->scratch_len;

	if (len > sizeof p->scratch - p->scratch_len)
		bug("scratch space for options is too small");
	memcpy(to, b, len);
	p->scratch_len += len;
	add(p, code, to, len);
}

static void
add_u8(struct plan *p, uint8_t code, uint8_t v)
{
	add_copy(p, code, &v, 1);
}

static void
add_u32(struct plan *p, uint8_t code, uint32_t v)
{
	struct out out;
	uint8_t b[4];

	out_init(&out, b, sizeof b);
	out_u32(&out, v);
	add_copy(p, code, b, sizeof b);
}

static uint32_t
netmask(uint8_t prefix)
{
	return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

/* The receiver of option 60 compares its start only, but strict ROMs want no more. */
static void
add_class(struct plan *p, const struct dhcp4_reply *r)
{
	/* Discovery control: take the boot file, search for no servers. Without a boot
	 * file it would say "boot from disk". */
	static const uint8_t vendor[] = {6, 1, 8, OPT_END};

	if (r->class60 == DHCP4_CLASS_HTTP)
		add(p, OPT_CLASS, "HTTPClient", 10);
	if (r->class60 != DHCP4_CLASS_PXE)
		return;
	add(p, OPT_CLASS, "PXEClient", 9);
	if (r->discovery && is_text(r->bootfile))
		add(p, OPT_VENDOR, vendor, sizeof vendor);
}

/* With their NULs: some ROMs read on until they find one, and one writes it over the
 * byte behind the name. */
static void
add_boot(struct plan *p, const struct dhcp4_reply *r)
{
	char quad[16];
	const uint8_t *b = r->siaddr.b;
	int len;

	if (!is_text(r->bootfile))
		return;
	if (r->class60 == DHCP4_CLASS_PXE && !addr_is_unset(&r->siaddr)) {
		len = snprintf(quad, sizeof quad, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		add_copy(p, OPT_TFTP_SERVER, quad, (size_t)len + 1);
	}
	add(p, OPT_BOOTFILE, r->bootfile, strlen(r->bootfile) + 1);
}

static void
add_network(struct plan *p, const struct dhcp4_reply *r)
{
	if (r->lease != 0)
		add_u32(p, OPT_LEASE, r->lease);
	if (r->prefix != 0)
		add_u32(p, OPT_MASK, netmask(r->prefix));
	add(p, OPT_ROUTER, r->routers.b, r->routers.len);
	add(p, OPT_DNS, r->dns.b, r->dns.len);
}

static void
add_others(struct plan *p, const struct dhcp4_reply *r)
{
	/* no-pxedhcp (0xb0) = 1: saves two seconds of waiting at each boot. */
	static const uint8_t no_proxy[] = {0xb0, 1, 1};

	if (r->lease != 0 && r->t1 != 0 && r->t2 != 0) {
		add_u32(p, OPT_T1, r->t1);
		add_u32(p, OPT_T2, r->t2);
	}
	if (is_text(r->domain))
		add(p, OPT_DOMAIN, r->domain, strlen(r->domain));
	if (r->prefix != 0 && r->prefix < 31 && !addr_is_unset(&r->yiaddr))
		add_u32(p, OPT_BROADCAST, addr_to_v4(&r->yiaddr) | ~netmask(r->prefix));
	add(p, OPT_CLIENT_ID, r->client_id.b, r->client_id.len);
	if (r->ipxe)
		add(p, OPT_IPXE, no_proxy, sizeof no_proxy);
}

/* Some ROMs parse no more than the first 312 bytes of options, so what they boot with
 * comes first. */
static void
plan_reply(struct plan *p, const struct dhcp4_reply *r)
{
	p->n = 0;
	p->scratch_len = 0;
	add_u8(p, OPT_TYPE, r->type);
	add_u32(p, OPT_SERVER_ID, addr_to_v4(&r->server_id));
	if (r->type == DHCP4_NAK) { /* RFC 2131, table 3 */
		add(p, OPT_CLIENT_ID, r->client_id.b, r->client_id.len);
		add(p, OPT_RELAY, r->relay.b, r->relay.len);
		return;
	}
	add_network(p, r);
	add_class(p, r);
	add(p, OPT_UUID, r->uuid.b, r->uuid.len);
	add_boot(p, r);
	add_others(p, r);
	add(p, OPT_RELAY, r->relay.b, r->relay.len);
}

static size_t
plan_size(const struct plan *p)
{
	size_t size = FIXED_LEN + 1;

	for (unsigned i = 0; i < p->n; i++)
		size += 2 + p->o[i].len;
	return size;
}

static void
leave_out(struct plan *p, uint8_t code)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (p->o[i].code != code)
			p->o[kept++] = p->o[i];
	p->n = kept;
}

static int
fit(struct plan *p, size_t limit)
{
	static const uint8_t droppable[] = {OPT_BROADCAST, OPT_T1, OPT_DOMAIN, OPT_IPXE,
	    OPT_TFTP_SERVER, OPT_UUID, OPT_CLIENT_ID, OPT_DNS, OPT_ROUTER};

	for (unsigned i = 0; i < sizeof droppable && plan_size(p) > limit; i++) {
		leave_out(p, droppable[i]);
		/* T1 and T2 make sense together only. */
		if (droppable[i] == OPT_T1)
			leave_out(p, OPT_T2);
	}
	return plan_size(p) > limit ? ERR_LONG : 0;
}

/* UEFI writes a NUL behind the boot file's name; were END there, shim, GRUB and iPXE,
 * which read the same packet later, would not find it. */
static void
cover_bootfile(struct plan *p)
{
	struct option last = p->o[p->n - 1];

	if (last.code != OPT_BOOTFILE)
		return;
	p->o[p->n - 1] = p->o[p->n - 2];
	p->o[p->n - 2] = last;
}

static size_t
size_limit(uint16_t max_size)
{
	if (max_size < SIZE_MIN)
		return SIZE_MIN - IP_UDP_LEN;
	if (max_size > SIZE_MAX_SENT)
		return SIZE_MAX_SENT - IP_UDP_LEN;
	return (size_t)max_size - IP_UDP_LEN;
}

static bool
is_v4_or_none(const struct addr *a)
{
	return a->family == ADDR_V4 || a->family == ADDR_NONE;
}

static bool
text_fits(const char *s, size_t max)
{
	return s == NULL || strnlen(s, max + 1) <= max;
}

static int
check(const struct dhcp4_reply *r)
{
	if (r->type != DHCP4_OFFER && r->type != DHCP4_ACK && r->type != DHCP4_NAK)
		return ERR_RANGE;
	if (r->server_id.family != ADDR_V4 || addr_is_unset(&r->server_id) ||
	    !is_v4_or_none(&r->ciaddr) || !is_v4_or_none(&r->yiaddr) ||
	    !is_v4_or_none(&r->siaddr) || !is_v4_or_none(&r->giaddr))
		return ERR_RANGE;
	if (r->hw.len > DHCP4_HW_MAX || r->prefix > 32 || r->class60 > DHCP4_CLASS_HTTP)
		return ERR_RANGE;
	if (r->routers.len % 4 != 0 || r->routers.len > DHCP4_OPTION_MAX ||
	    r->dns.len % 4 != 0 || r->dns.len > DHCP4_OPTION_MAX)
		return ERR_RANGE;
	if (r->client_id.len > DHCP4_OPTION_MAX || r->relay.len > DHCP4_OPTION_MAX ||
	    (r->uuid.len != 0 && r->uuid.len != DHCP4_UUID_LEN))
		return ERR_RANGE;
	if (!text_fits(r->domain, DHCP4_OPTION_MAX) ||
	    !text_fits(r->sname, SNAME_LEN - 1) ||
	    !text_fits(r->bootfile, DHCP4_OPTION_MAX - 1))
		return ERR_RANGE;
	return 0;
}

/* A field that holds a C string; empty when the text does not fit with its NUL. */
static void
put_field(struct out *out, const char *text, size_t size)
{
	size_t len = text == NULL ? 0 : strlen(text);

	if (len >= size)
		len = 0;
	out_copy(out, text, len);
	out_fill(out, 0, size - len);
}

static void
put_header(struct out *out, const struct dhcp4_reply *r)
{
	bool nak = r->type == DHCP4_NAK;

	out_u8(out, 2); /* BOOTREPLY */
	out_u8(out, r->htype);
	out_u8(out, (uint8_t)r->hw.len);
	out_u8(out, 0); /* hops */
	out_u32(out, r->xid);
	out_u16(out, r->secs);
	out_u16(out, r->flags);
	out_u32(out, nak ? 0 : addr_to_v4(&r->ciaddr));
	out_u32(out, nak ? 0 : addr_to_v4(&r->yiaddr));
	out_u32(out, nak ? 0 : addr_to_v4(&r->siaddr));
	out_u32(out, addr_to_v4(&r->giaddr));
	out_copy(out, r->hw.b, r->hw.len);
	out_fill(out, 0, DHCP4_HW_MAX - r->hw.len);
	put_field(out, nak ? NULL : r->sname, SNAME_LEN);
	put_field(out, nak ? NULL : r->bootfile, FILE_LEN);
	out_u32(out, COOKIE);
}

int
dhcp4_encode(const struct dhcp4_reply *r, uint8_t *bytes, size_t cap)
{
	struct plan p;
	struct out out;
	int err = check(r);

	if (err != 0)
		return err;
	plan_reply(&p, r);
	err = fit(&p, size_limit(r->max_size));
	if (err != 0)
		return err;
	cover_bootfile(&p);
	out_init(&out, bytes, cap);
	put_header(&out, r);
	for (unsigned i = 0; i < p.n; i++) {
		out_u8(&out, p.o[i].code);
		out_u8(&out, (uint8_t)p.o[i].len);
		out_copy(&out, p.o[i].b, p.o[i].len);
	}
	out_u8(&out, OPT_END);
	if (out.len < DHCP4_REPLY_MIN)
		out_fill(&out, OPT_PAD, DHCP4_REPLY_MIN - out.len);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
