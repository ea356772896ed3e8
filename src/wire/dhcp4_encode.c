/*
 * Writes DHCPv4 replies. Runs in dhcp-sender, which hears nothing from the network; what
 * it is told comes from the broker and is checked here once more. The order of the
 * options, the NULs and the padding are what boot ROMs were found to need.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_reply.h"

#define HEADER_LEN (DHCP4_FIXED_LEN + DHCP4_COOKIE_LEN)
#define SIZE_MIN 576 /* what everybody must take (RFC 2131, 2) */
#define SIZE_MAX_SENT 1500
#define OWN_MAX 24         /* options that are made of fields */
#define CONFIGURED_MAX 254 /* each code once */

struct option {
	uint8_t code;
	uint8_t len;
	uint8_t rank;     /* which goes first when there is no room; 0: none may go */
	const uint8_t *b; /* borrowed from the reply, a constant, or scratch */
};

/* The options of a reply in the order in which they go out. */
struct plan {
	unsigned n;
	size_t size; /* of the reply, with END */
	size_t scratch_len;
	uint8_t scratch[64]; /* numbers, the dotted quad of option 66, and option 43 */
	struct option o[OWN_MAX + CONFIGURED_MAX];
};

enum { RANK_KEPT, RANK_CONFIGURED = 3, RANK_BOOTS = 9 };

static const uint8_t ranks[256] = {
    [DHCP4_OPT_BROADCAST] = 1,
    [DHCP4_OPT_T1] = 2,
    [DHCP4_OPT_T2] = 2,
    [DHCP4_OPT_DOMAIN] = 4,
    [DHCP4_OPT_IPXE] = 5,
    [DHCP4_OPT_TFTP_SERVER] = 6,
    [DHCP4_OPT_UUID] = 7,
    [DHCP4_OPT_CLIENT_ID] = 8,
    [DHCP4_OPT_TFTP_ADDRESS] = RANK_BOOTS,
    [DHCP4_OPT_PXELINUX_MAGIC] = RANK_BOOTS,
    [DHCP4_OPT_CONFIG_FILE] = RANK_BOOTS,
    [DHCP4_OPT_PATH_PREFIX] = RANK_BOOTS,
    [DHCP4_OPT_REBOOT_TIME] = RANK_BOOTS,
    [DHCP4_OPT_ROOT_PATH] = 10,
    [DHCP4_OPT_DNS] = 11,
    [DHCP4_OPT_ROUTES] = 12,
    [DHCP4_OPT_ROUTER] = 13,
};

static bool
is_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static void
add_ranked(struct plan *p, uint8_t code, const void *b, size_t len, uint8_t rank)
{
	p->o[p->n++] = (struct option){code, (uint8_t)len, rank, b};
	p->size += 2 + len;
}

static void
add(struct plan *p, uint8_t code, const void *b, size_t len)
{
	if (len > 0)
		add_ranked(p, code, b, len, ranks[code]);
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

/* Between PXE clients and servers: whether to search for servers, and the menu entry that
 * the client named. "Use the boot file" without one would say "boot from disk". */
static void
add_pxe(struct plan *p, const struct dhcp4_reply *r)
{
	uint8_t b[3 + 6 + 1];
	struct out out;

	out_init(&out, b, sizeof b);
	if (r->discovery && is_text(r->bootfile)) {
		out_u8(&out, DHCP4_PXE_DISCOVERY);
		out_u8(&out, 1);
		out_u8(&out, 8);
	}
	if (r->boot_item != 0) {
		out_u8(&out, DHCP4_PXE_BOOT_ITEM);
		out_u8(&out, 4);
		out_u32(&out, r->boot_item);
	}
	if (out.len == 0)
		return;
	out_u8(&out, DHCP4_OPT_END);
	add_copy(p, DHCP4_OPT_VENDOR, b, out.len);
}

/* The receiver of option 60 compares its start only, but strict ROMs want no more. The
 * boot ROM of a Raspberry Pi looks for its name in a menu. */
static void
add_class(struct plan *p, const struct dhcp4_reply *r)
{
	static const char pi_menu[] = "\6\1\3\12\4\0PXE\11\24\0\0\21Raspberry Pi Boot\377";

	if (r->pi) {
		add(p, DHCP4_OPT_CLASS, "PXEClient", 9);
		add(p, DHCP4_OPT_VENDOR, pi_menu, sizeof pi_menu - 1);
	} else if (r->class60 == DHCP4_CLASS_PXE) {
		add(p, DHCP4_OPT_CLASS, "PXEClient", 9);
		add_pxe(p, r);
	} else if (r->class60 == DHCP4_CLASS_HTTP)
		add(p, DHCP4_OPT_CLASS, "HTTPClient", 10);
}

/* With their NULs: some ROMs read on until they find one, and one writes it over the byte
 * behind the name. A Raspberry Pi takes no NUL in 66 and cannot do without it. */
static void
add_boot(struct plan *p, const struct dhcp4_reply *r)
{
	bool named = is_text(r->bootfile);
	char quad[16];
	const uint8_t *b = r->siaddr.b;
	size_t len;

	if (!addr_is_unset(&r->siaddr) &&
	    (r->pi || (named && r->class60 == DHCP4_CLASS_PXE))) {
		snprintf(quad, sizeof quad, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		len = strlen(quad) + (r->pi ? 0 : 1);
		add_copy(p, DHCP4_OPT_TFTP_SERVER, quad, len);
		if (r->pi)
			p->o[p->n - 1].rank = RANK_KEPT;
	}
	if (named)
		add(p, DHCP4_OPT_BOOTFILE, r->bootfile, strlen(r->bootfile) + 1);
}

/* The configured option of that code, if there is one. */
static void
add_one(struct plan *p, const struct dhcp4_reply *r, uint8_t wanted)
{
	struct in in;

	in_init(&in, r->options.b, r->options.len);
	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);
		size_t len = in_u8(&in);
		const uint8_t *b = in_take(&in, len);

		if (code == wanted)
			add_ranked(p, code, b, len, ranks[code]);
		if (code >= wanted)
			return;
	}
}

static void
add_network(struct plan *p, const struct dhcp4_reply *r)
{
	if (r->prefix != 0)
		add_u32(p, DHCP4_OPT_MASK, netmask(r->prefix));
	add_one(p, r, DHCP4_OPT_ROUTER);
	add_one(p, r, DHCP4_OPT_DNS);
}

/* What has its place further up, or is made of a field. */
static bool
is_placed(const struct plan *p, uint8_t code)
{
	if (code == DHCP4_OPT_ROUTER || code == DHCP4_OPT_DNS)
		return true;
	if (code != DHCP4_OPT_VENDOR)
		return false;
	for (unsigned i = 0; i < p->n; i++)
		if (p->o[i].code == DHCP4_OPT_VENDOR)
			return true;
	return false;
}

/* Returns whether there is a broadcast address among them. */
static bool
add_configured(struct plan *p, const struct dhcp4_reply *r)
{
	bool broadcast = false;
	struct in in;

	in_init(&in, r->options.b, r->options.len);
	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);
		size_t len = in_u8(&in);
		const uint8_t *b = in_take(&in, len);
		uint8_t rank = ranks[code] != 0 ? ranks[code] : RANK_CONFIGURED;

		if (code == DHCP4_OPT_VENDOR)
			rank = RANK_BOOTS;
		broadcast = broadcast || code == DHCP4_OPT_BROADCAST;
		if (!is_placed(p, code))
			add_ranked(p, code, b, len, rank);
	}
	return broadcast;
}

static void
add_others(struct plan *p, const struct dhcp4_reply *r)
{
	/* no-pxedhcp (0xb0) = 1: saves two seconds of waiting at each boot. */
	static const uint8_t no_proxy[] = {0xb0, 1, 1};
	bool broadcast;

	broadcast = add_configured(p, r);
	if (!broadcast && r->prefix != 0 && r->prefix < 31 && !addr_is_unset(&r->yiaddr))
		add_u32(
		    p, DHCP4_OPT_BROADCAST, addr_to_v4(&r->yiaddr) | ~netmask(r->prefix));
	if (r->type != DHCP4_BOOTP)
		add(p, DHCP4_OPT_CLIENT_ID, r->client_id.b, r->client_id.len);
	if (r->ipxe)
		add(p, DHCP4_OPT_IPXE, no_proxy, sizeof no_proxy);
}

/* What DHCP says to its clients behind the options that they boot with. */
static void
add_dhcp(struct plan *p, const struct dhcp4_reply *r)
{
	if (r->lease != 0 && r->t1 != 0 && r->t2 != 0) {
		add_u32(p, DHCP4_OPT_T1, r->t1);
		add_u32(p, DHCP4_OPT_T2, r->t2);
	}
	if (r->rapid)
		add_ranked(p, DHCP4_OPT_RAPID_COMMIT, NULL, 0, RANK_KEPT);
	if (r->auto_configure)
		add_u8(p, DHCP4_OPT_AUTO_CONFIGURE, 0);
}

/* Some ROMs parse no more than the first 312 bytes of options, so what they boot with
 * comes first. */
static void
plan_options(struct plan *p, const struct dhcp4_reply *r)
{
	if (r->lease != 0)
		add_u32(p, DHCP4_OPT_LEASE, r->lease);
	add_network(p, r);
	add_class(p, r);
	add(p, DHCP4_OPT_UUID, r->uuid.b, r->uuid.len);
	add_boot(p, r);
	add_dhcp(p, r);
	add_others(p, r);
}

/* RFC 1534, 2: of the options none that only DHCP has; `file` and `siaddr` say what to
 * boot. */
static void
plan_bootp(struct plan *p, const struct dhcp4_reply *r)
{
	add_network(p, r);
	add_class(p, r);
	add(p, DHCP4_OPT_UUID, r->uuid.b, r->uuid.len);
	add_others(p, r);
}

static void
plan_reply(struct plan *p, const struct dhcp4_reply *r)
{
	p->n = 0;
	p->size = HEADER_LEN + 1;
	p->scratch_len = 0;
	if (r->type != DHCP4_BOOTP) {
		add_u8(p, DHCP4_OPT_TYPE, r->type);
		add_u32(p, DHCP4_OPT_SERVER_ID, addr_to_v4(&r->server_id));
	}
	if (r->type == DHCP4_NAK) /* RFC 2131, table 3 */
		add(p, DHCP4_OPT_CLIENT_ID, r->client_id.b, r->client_id.len);
	else if (r->type == DHCP4_BOOTP)
		plan_bootp(p, r);
	else
		plan_options(p, r);
	add(p, DHCP4_OPT_RELAY, r->relay.b, r->relay.len);
}

/* The last of those that go first; n when none may go. */
static unsigned
least_needed(const struct plan *p)
{
	unsigned least = p->n;

	for (unsigned i = 0; i < p->n; i++)
		if (p->o[i].rank != RANK_KEPT &&
		    (least == p->n || p->o[i].rank <= p->o[least].rank))
			least = i;
	return least;
}

static void
leave_out(struct plan *p, unsigned which)
{
	p->size -= 2u + p->o[which].len;
	p->n--;
	memmove(&p->o[which], &p->o[which + 1], (p->n - which) * sizeof p->o[0]);
}

/* Returns how many options were left out, or ERR_LONG. */
static int
fit(struct plan *p, size_t limit)
{
	int left_out = 0;

	while (p->size > limit) {
		unsigned which = least_needed(p);
		bool timer;

		if (which == p->n)
			return ERR_LONG;
		timer = p->o[which].code == DHCP4_OPT_T2;
		leave_out(p, which);
		left_out++;
		/* T1 and T2 make sense together only. */
		if (timer) {
			leave_out(p, which - 1);
			left_out++;
		}
	}
	return left_out;
}

/* UEFI writes a NUL behind the boot file's name; were END there, shim, GRUB and iPXE,
 * which read the same packet later, would not find it. */
static void
cover_bootfile(struct plan *p)
{
	struct option last;

	if (p->n < 2 || p->o[p->n - 1].code != DHCP4_OPT_BOOTFILE)
		return;
	last = p->o[p->n - 1];
	p->o[p->n - 1] = p->o[p->n - 2];
	p->o[p->n - 2] = last;
}

static size_t
size_limit(const struct dhcp4_reply *r)
{
	size_t least =
	    r->type == DHCP4_BOOTP ? DHCP4_REPLY_MIN + DHCP4_IP_UDP_LEN : SIZE_MIN;
	size_t size = r->max_size;

	if (size < least)
		size = least;
	if (size > SIZE_MAX_SENT)
		size = SIZE_MAX_SENT;
	return size - DHCP4_IP_UDP_LEN;
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
check_texts(const struct dhcp4_reply *r)
{
	if (!text_fits(r->sname, DHCP4_SNAME_LEN - 1) ||
	    !text_fits(r->bootfile, DHCP4_OPTION_MAX - 1))
		return ERR_RANGE;
	return 0;
}

static int
check(const struct dhcp4_reply *r)
{
	if (r->type != DHCP4_OFFER && r->type != DHCP4_ACK && r->type != DHCP4_NAK &&
	    r->type != DHCP4_BOOTP)
		return ERR_RANGE;
	if (r->type != DHCP4_BOOTP && addr_is_unset(&r->server_id))
		return ERR_RANGE;
	if (!is_v4_or_none(&r->server_id) || !is_v4_or_none(&r->ciaddr) ||
	    !is_v4_or_none(&r->yiaddr) || !is_v4_or_none(&r->siaddr) ||
	    !is_v4_or_none(&r->giaddr))
		return ERR_RANGE;
	if (r->hw.len > DHCP4_HW_MAX || r->prefix > 32 || r->class60 > DHCP4_CLASS_HTTP)
		return ERR_RANGE;
	if (r->client_id.len > DHCP4_OPTION_MAX || r->relay.len > DHCP4_OPTION_MAX ||
	    (r->uuid.len != 0 && r->uuid.len != DHCP4_UUID_LEN))
		return ERR_RANGE;
	if (dhcp4_options_check(r->options) != NULL)
		return ERR_RANGE;
	return check_texts(r);
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
	put_field(out, nak ? NULL : r->sname, DHCP4_SNAME_LEN);
	put_field(out, nak ? NULL : r->bootfile, DHCP4_FILE_LEN);
	out_u32(out, DHCP4_COOKIE);
}

int
dhcp4_encode(const struct dhcp4_reply *r, uint8_t *bytes, size_t cap, unsigned *left_out)
{
	struct plan p;
	struct out out;
	int err = check(r);

	if (err != 0)
		return err;
	plan_reply(&p, r);
	err = fit(&p, size_limit(r));
	if (err < 0)
		return err;
	if (left_out != NULL)
		*left_out = (unsigned)err;
	cover_bootfile(&p);
	out_init(&out, bytes, cap);
	put_header(&out, r);
	for (unsigned i = 0; i < p.n; i++) {
		out_u8(&out, p.o[i].code);
		out_u8(&out, p.o[i].len);
		out_copy(&out, p.o[i].b, p.o[i].len);
	}
	out_u8(&out, DHCP4_OPT_END);
	if (out.len < DHCP4_REPLY_MIN)
		out_fill(&out, DHCP4_OPT_PAD, DHCP4_REPLY_MIN - out.len);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
