/*
 * Raw frames. Built in dhcp-sender: the payload is what dhcp4_encode made, the addresses
 * are those that the sender has already judged. Read in link-parser, where they are
 * anybody's.
 */
#include "src/wire/frame.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "src/base/buf.h"

#define ETHERTYPE_IPV4 0x0800
#define PROTOCOL_UDP 17
#define TTL 64
#define DONT_FRAGMENT 0x4000
#define PIECE 0x3fff /* more to come, or not the first */
#define ETHER_LEN 14
#define IP_LEN 20
#define UDP_LEN 8

/* Adds n bytes as 16-bit words, an odd last byte filled up with zero (RFC 1071). Four at
 * a time as this machine stores them, which the sum does not mind (2.B). */
static uint32_t
sum_bytes(uint32_t sum, const uint8_t *b, size_t n)
{
	uint64_t wide = 0;
	uint32_t four;
	uint8_t ends[4] = {0};

	for (; n >= sizeof four; n -= sizeof four, b += sizeof four) {
		memcpy(&four, b, sizeof four);
		wide += four;
	}
	if (n > 0)
		memcpy(ends, b, n);
	memcpy(&four, ends, sizeof four);
	wide += four;
	while (wide >> 16 != 0)
		wide = (wide & 0xffff) + (wide >> 16);
	return sum + ntohs((uint16_t)wide);
}

static uint16_t
checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The checksum field is zero while it is computed. */
static uint16_t
ip_checksum(const uint8_t *header)
{
	return checksum(sum_bytes(0, header, IP_LEN));
}

static uint16_t
udp_checksum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	/* The pseudo header: both addresses, the protocol, the UDP length (RFC 768). */
	uint32_t sum = sum_bytes(PROTOCOL_UDP + (uint32_t)len, ip + 12, 8);
	uint16_t check = checksum(sum_bytes(sum, udp, len));

	return check == 0 ? 0xffff : check; /* zero would mean "none" */
}

static void
set_u16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put_ip(struct out *out, const struct frame_udp4 *f, size_t udp_len)
{
	out_u8(out, 0x45); /* version 4, five words of header */
	out_u8(out, 0);
	out_u16(out, (uint16_t)(IP_LEN + udp_len));
	out_u16(out, 0); /* no identification needed: never in pieces (RFC 6864, 4.1) */
	out_u16(out, DONT_FRAGMENT);
	out_u8(out, TTL);
	out_u8(out, PROTOCOL_UDP);
	out_u16(out, 0);
	out_copy(out, f->from.b, 4);
	out_copy(out, f->to.b, 4);
}

int
frame_encode_udp4(const struct frame_udp4 *f, const uint8_t *payload, size_t len,
    uint8_t *bytes, size_t cap)
{
	size_t udp_len = UDP_LEN + len;
	uint8_t *ip = bytes + ETHER_LEN;
	uint8_t *udp = ip + IP_LEN;
	struct out out;

	if (f->from.family != ADDR_V4 || f->to.family != ADDR_V4)
		return ERR_RANGE;
	if (cap < FRAME_HEAD_LEN || len > cap - FRAME_HEAD_LEN ||
	    len > UINT16_MAX - IP_LEN - UDP_LEN)
		return ERR_LONG;
	out_init(&out, bytes, cap);
	out_copy(&out, f->to_mac.b, sizeof f->to_mac.b);
	out_copy(&out, f->from_mac.b, sizeof f->from_mac.b);
	out_u16(&out, ETHERTYPE_IPV4);
	put_ip(&out, f, udp_len);
	out_u16(&out, f->from_port);
	out_u16(&out, f->to_port);
	out_u16(&out, (uint16_t)udp_len);
	out_u16(&out, 0);
	out_copy(&out, payload, len);
	set_u16(ip + 10, ip_checksum(ip));
	set_u16(udp + 6, udp_checksum(ip, udp, udp_len));
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}

uint16_t
frame_checksum(const uint8_t *bytes, size_t len)
{
	return checksum(sum_bytes(0, bytes, len));
}

int
frame_decode_ipv4(const uint8_t *bytes, size_t len, struct frame_ipv4 *ip)
{
	size_t head, total;
	uint16_t pieces;
	uint8_t protocol;
	uint32_t from, to;
	struct in in;

	if (len < IP_LEN)
		return ERR_SHORT;
	in_init(&in, bytes, len);
	head = in_u8(&in);
	in_skip(&in, 1);
	total = in_u16(&in);
	in_skip(&in, 2);
	pieces = in_u16(&in);
	in_skip(&in, 1);
	protocol = in_u8(&in);
	in_skip(&in, 2);
	from = in_u32(&in);
	to = in_u32(&in);
	if (head >> 4 != 4)
		return ERR_FORMAT;
	head = (head & 15) * 4;
	if (head < IP_LEN || total < head || (pieces & PIECE) != 0)
		return ERR_FORMAT;
	if (total > len)
		return ERR_SHORT;
	if (frame_checksum(bytes, head) != 0)
		return ERR_FORMAT;
	*ip = (struct frame_ipv4){
	    addr_v4(from), addr_v4(to), protocol, bytes + head, total - head};
	return 0;
}

int
frame_decode_udp4(const uint8_t *bytes, size_t len, struct frame_udp4 *f,
    const uint8_t **payload, size_t *payload_len)
{
	struct frame_udp4 got = {0};
	struct frame_ipv4 ip;
	struct in in;
	size_t udp_len;
	int err;

	if (len < ETHER_LEN)
		return ERR_SHORT;
	in_init(&in, bytes, len);
	in_copy(&in, got.to_mac.b, sizeof got.to_mac.b);
	in_copy(&in, got.from_mac.b, sizeof got.from_mac.b);
	if (in_u16(&in) != ETHERTYPE_IPV4)
		return ERR_FORMAT;
	err = frame_decode_ipv4(bytes + ETHER_LEN, len - ETHER_LEN, &ip);
	if (err != 0)
		return err;
	if (ip.protocol != PROTOCOL_UDP || ip.len < UDP_LEN)
		return ERR_FORMAT;
	in_init(&in, ip.payload, ip.len);
	got.from_port = in_u16(&in);
	got.to_port = in_u16(&in);
	udp_len = in_u16(&in);
	if (udp_len < UDP_LEN || udp_len > ip.len)
		return ERR_FORMAT;
	got.from = ip.from;
	got.to = ip.to;
	*f = got;
	*payload = ip.payload + UDP_LEN;
	*payload_len = udp_len - UDP_LEN;
	return 0;
}
