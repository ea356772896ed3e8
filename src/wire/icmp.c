/*
 * ICMP echo. The question is made in dhcp-sender, the answer read in link-parser, as a raw
 * socket gives it: with its IP header, whose address is all that is taken from it.
 */
#include "src/wire/icmp.h"

#include "src/base/buf.h"
#include "src/wire/frame.h"

#define TYPE_REPLY 0
#define TYPE_REQUEST 8
#define PROTOCOL_ICMP 1
#define MAGIC 0x53616c6cu /* fills the data up to eight bytes */

int
icmp_encode_echo(uint16_t ident, uint32_t number, uint8_t *bytes, size_t cap)
{
	struct out out;
	uint16_t sum;

	if (cap < ICMP_ECHO_LEN)
		return ERR_LONG;
	out_init(&out, bytes, cap);
	out_u8(&out, TYPE_REQUEST);
	out_u8(&out, 0);
	out_u16(&out, 0);
	out_u16(&out, ident);
	out_u16(&out, (uint16_t)number);
	out_u32(&out, number);
	out_u32(&out, MAGIC);
	sum = frame_checksum(bytes, ICMP_ECHO_LEN);
	bytes[2] = (uint8_t)(sum >> 8);
	bytes[3] = (uint8_t)sum;
	return ICMP_ECHO_LEN;
}

/* Type, code, identifier, number: those of an answer to us. */
static int
read_echo(uint16_t ident, const uint8_t *bytes, size_t len, uint32_t *number)
{
	struct in in;
	uint16_t kind, from, sequence;
	uint32_t magic;

	if (len < ICMP_ECHO_LEN)
		return ERR_SHORT;
	in_init(&in, bytes, len);
	kind = in_u16(&in);
	in_skip(&in, 2);
	from = in_u16(&in);
	sequence = in_u16(&in);
	*number = in_u32(&in);
	magic = in_u32(&in);
	if (kind != TYPE_REPLY << 8 || from != ident || magic != MAGIC ||
	    sequence != (uint16_t)*number || frame_checksum(bytes, len) != 0)
		return ERR_FORMAT;
	return 0;
}

int
icmp_decode_reply(uint16_t ident, const uint8_t *bytes, size_t len, struct icmp_answer *a)
{
	struct frame_ipv4 ip;
	uint32_t number;
	int err = frame_decode_ipv4(bytes, len, &ip);

	if (err != 0)
		return err;
	if (ip.protocol != PROTOCOL_ICMP)
		return ERR_FORMAT;
	err = read_echo(ident, ip.payload, ip.len, &number);
	if (err != 0)
		return err;
	if (addr_is_unset(&ip.from) || ip.from.b[0] == 127 || ip.from.b[0] >= 224)
		return ERR_RANGE;
	a->address = ip.from;
	a->number = number;
	return 0;
}
