/*
 * Reading captures, in the tool: what stands in them was on a network.
 */
#include "src/sallyport/capture.h"

#include <string.h>

#include "src/base/buf.h"

#define PCAP_HEAD 24
#define BOOTREQUEST 1

/* Link types of pcap-linktype(7). */
enum { LINK_ETHERNET = 1, LINK_RAW = 101, LINK_SLL = 113, LINK_SLL2 = 276 };

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

struct pcap {
	struct in in;
	bool swapped; /* little-endian numbers */
	uint32_t link_type;
};

static uint32_t
number(struct pcap *p, struct in *in)
{
	return p->swapped ? in_u32_le(in) : in_u32(in);
}

/* Steps over the frame's head; false when what follows is not IPv4. */
static bool
take_link_head(struct in *in, uint32_t link_type)
{
	uint16_t type = ETHERTYPE_IPV4;

	if (link_type == LINK_ETHERNET) {
		in_skip(in, 12);
		type = in_u16(in);
		while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
			in_skip(in, 2);
			type = in_u16(in);
		}
	} else if (link_type == LINK_SLL) {
		in_skip(in, 14);
		type = in_u16(in);
	} else if (link_type == LINK_SLL2) {
		type = in_u16(in);
		in_skip(in, 18);
	}
	return in_ok(in) && type == ETHERTYPE_IPV4;
}

static struct addr
take_address(struct in *in)
{
	uint32_t v4 = in_u32(in);
	struct addr none = {.family = ADDR_NONE};

	return v4 == 0 ? none : addr_v4(v4);
}

/* IPv4 and UDP; only whole datagrams count. */
static bool
take_datagram(struct in in, struct captured *c)
{
	uint8_t first = in_u8(&in);
	uint16_t total, fragment, length;
	size_t head = (size_t)(first & 15) * 4;
	uint8_t protocol;

	in_skip(&in, 1);
	total = in_u16(&in);
	in_skip(&in, 2);
	fragment = in_u16(&in);
	in_skip(&in, 1);
	protocol = in_u8(&in);
	in_skip(&in, 2);
	c->src = take_address(&in);
	c->dst = take_address(&in);
	if (!in_ok(&in) || first >> 4 != 4 || head < 20 || total < head + 8 ||
	    (fragment & 0x3fff) != 0 || protocol != 17)
		return false;
	in_skip(&in, head - 20);
	c->sport = in_u16(&in);
	c->dport = in_u16(&in);
	length = in_u16(&in);
	in_skip(&in, 2);
	if (length < 8 || length > total - head)
		return false;
	c->len = length - 8u;
	c->payload = in_take(&in, c->len);
	c->has_headers = true;
	return in_ok(&in) && c->len > 0 && (c->dport == 67 || c->dport == 4011) &&
	       c->payload[0] == BOOTREQUEST;
}

static int
find_in_pcap(struct pcap *p, unsigned n, struct captured *c)
{
	while (in_left(&p->in) > 0) {
		uint32_t kept;
		struct in frame;

		in_skip(&p->in, 8);
		kept = number(p, &p->in);
		in_skip(&p->in, 4);
		frame = in_sub(&p->in, kept);
		if (!in_ok(&p->in))
			return ERR_FORMAT;
		if (take_link_head(&frame, p->link_type) && take_datagram(frame, c) &&
		    --n == 0)
			return 0;
	}
	return ERR_ABSENT;
}

static bool
known_link(uint32_t type)
{
	return type == LINK_ETHERNET || type == LINK_RAW || type == LINK_SLL ||
	       type == LINK_SLL2;
}

int
capture_find(const uint8_t *bytes, size_t len, unsigned n, struct captured *c)
{
	struct pcap p = {.swapped = false};
	uint32_t magic;

	memset(c, 0, sizeof *c);
	in_init(&p.in, bytes, len);
	magic = in_u32(&p.in);
	if (magic == 0x0a0d0d0a)
		return ERR_UNSUPPORTED;
	if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d)
		p.swapped = false;
	else if (magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1)
		p.swapped = true;
	else {
		c->payload = bytes;
		c->len = len;
		return n == 1 ? 0 : ERR_ABSENT;
	}
	in_skip(&p.in, PCAP_HEAD - 8);
	p.link_type = number(&p, &p.in) & 0xffff;
	if (!in_ok(&p.in) || n == 0)
		return ERR_FORMAT;
	return known_link(p.link_type) ? find_in_pcap(&p, n, c) : ERR_UNSUPPORTED;
}
