/*
 * ARP frames. The question is made in dhcp-sender, of an address that it has judged; the
 * answer is read in link-parser, which can say nothing to anybody but the broker. Every
 * machine on the link can claim any address: a reply says no more than that one did.
 */
#include "src/wire/arp.h"

#include <stdbool.h>

#include "src/base/buf.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV4 0x0800
#define HARDWARE_ETHERNET 1
#define OPERATION_REQUEST 1
#define OPERATION_REPLY 2
#define IPV4_LEN 4

static void
put_kind(struct out *out, uint16_t operation)
{
	out_u16(out, HARDWARE_ETHERNET);
	out_u16(out, ETHERTYPE_IPV4);
	out_u8(out, sizeof(struct mac));
	out_u8(out, IPV4_LEN);
	out_u16(out, operation);
}

int
arp_encode_probe(
    const struct mac *from, const struct addr *target, uint8_t *bytes, size_t cap)
{
	struct out out;

	if (target->family != ADDR_V4)
		return ERR_RANGE;
	if (cap < ARP_FRAME_LEN)
		return ERR_LONG;
	out_init(&out, bytes, cap);
	out_fill(&out, 0xff, sizeof from->b);
	out_copy(&out, from->b, sizeof from->b);
	out_u16(&out, ETHERTYPE_ARP);
	put_kind(&out, OPERATION_REQUEST);
	out_copy(&out, from->b, sizeof from->b);
	out_fill(&out, 0, IPV4_LEN);
	out_fill(&out, 0, sizeof from->b);
	out_copy(&out, target->b, IPV4_LEN);
	out_fill(&out, 0, ARP_FRAME_LEN - out.len);
	return out_ok(&out) ? ARP_FRAME_LEN : ERR_LONG;
}

static bool
is_reply(struct in *in)
{
	uint16_t type = in_u16(in), hardware = in_u16(in), protocol = in_u16(in);
	uint8_t hardware_len = in_u8(in), protocol_len = in_u8(in);

	return type == ETHERTYPE_ARP && hardware == HARDWARE_ETHERNET &&
	       protocol == ETHERTYPE_IPV4 && hardware_len == sizeof(struct mac) &&
	       protocol_len == IPV4_LEN && in_u16(in) == OPERATION_REPLY;
}

int
arp_decode_reply(const uint8_t *bytes, size_t len, struct arp_answer *a)
{
	struct arp_answer got = {0};
	uint32_t v4;
	struct in in;
	bool reply;

	in_init(&in, bytes, len);
	in_skip(&in, 2 * sizeof got.mac.b);
	reply = is_reply(&in);
	in_copy(&in, got.mac.b, sizeof got.mac.b);
	v4 = in_u32(&in);
	in_skip(&in, sizeof got.mac.b + IPV4_LEN);
	if (!in_ok(&in))
		return ERR_SHORT;
	if (!reply)
		return ERR_FORMAT;
	got.address = addr_v4(v4);
	if (addr_is_unset(&got.address) || mac_is_unusable(&got.mac))
		return ERR_RANGE;
	*a = got;
	return 0;
}
