/*
 * Builds raw frames. Runs in dhcp-sender; the payload is what dhcp4_encode made, the
 * addresses are those that the sender has already judged.
 */
#include "src/wire/frame.h"

#include <stdbool.h>

#include "src/base/buf.h"

#define ETHERTYPE_IPV4 0x0800
#define PROTOCOL_UDP 17
#define TTL 64
#define DONT_FRAGMENT 0x4000
#define ETHER_LEN 14
#define IP_LEN 20
#define UDP_LEN 8

/* Adds n bytes as 16-bit words, an odd last byte filled up with zero (RFC 1071). */
static uint32_t
sum_bytes(uint32_t sum, const uint8_t *b, size_t n)
{
	struct in in;

	in_init(&in, b, n);
	while (in_left(&in) > 1)
		sum += in_u16(&in);
	if (in_left(&in) == 1)
		sum += (uint32_t)in_u8(&in) << 8;
	return sum;
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
