/*
 * Where a request may come from, decided in tftp-parser before anything else is read. The
 * source of a datagram is whatever its sender wrote there.
 */
#include "src/tftp-parser/origin.h"

#include <stdbool.h>

/* Services that answer whatever reaches them, or that must never be answered: a client
 * picks its port at random, and no boot firmware picks one of these. */
static const uint16_t services[] = {0, 7, 13, 17, 19, 37, 53, 67, 68, 69, 111, 123, 137,
    138, 161, 162, 389, 500, 514, 520, 546, 547, 1900, 4011, 5060, 5353, 11211};

static bool
is_service(uint16_t port)
{
	for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++)
		if (services[i] == port)
			return true;
	return false;
}

/* No host has such an address: "this network", loopback, multicast, reserved with
 * broadcast (RFC 1122, 3.2.1.3), or the ends of this link's subnet. */
static bool
is_unusable(uint32_t a, const struct link *on)
{
	uint32_t host_bits;

	if (a >> 24 == 0 || a >> 24 == 127 || a >= 0xe0000000)
		return true;
	if (on->prefix == 0 || on->prefix > 30)
		return false;
	host_bits = UINT32_MAX >> on->prefix;
	if (((a ^ addr_to_v4(&on->address)) & ~host_bits) != 0)
		return false;
	return (a & host_bits) == 0 || (a & host_bits) == host_bits;
}

/* Of IPv6 the global addresses and those of a site (RFC 4291, 2.4; RFC 4193): what is of
 * one link alone could not be answered, and the rest means something else. */
static bool
is_unusable6(const struct addr *a)
{
	return (a->b[0] & 0xe0) != 0x20 && (a->b[0] & 0xfe) != 0xfc;
}

enum origin
origin_check(const struct addr *source, uint16_t port, const struct link *on,
    const struct link *links, unsigned n)
{
	if (source->family == ADDR_V6 ? is_unusable6(source)
				      : is_unusable(addr_to_v4(source), on))
		return ORIGIN_BAD_ADDRESS;
	for (unsigned i = 0; i < n; i++)
		if (addr_equal(&links[i].address, source) ||
		    addr_equal(&links[i].address6, source))
			return ORIGIN_OURSELVES;
	return is_service(port) ? ORIGIN_BAD_PORT : ORIGIN_GOOD;
}

const char *
origin_name(enum origin origin)
{
	static const char *const names[ORIGIN_MAX] = {
#define X(name, text) text,
	    ORIGIN_LIST(X)
#undef X
	};

	return (unsigned)origin < ORIGIN_MAX ? names[origin] : "unknown";
}
