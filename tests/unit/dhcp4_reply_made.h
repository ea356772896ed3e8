/*
 * DHCPv4 replies for tests: of the usual kinds, and the way to encode one so that nothing
 * wrong with it passes.
 */
#ifndef SALLYPORT_TEST_DHCP4_REPLY_MADE_H
#define SALLYPORT_TEST_DHCP4_REPLY_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/dhcp4_reply.h"
#include "tests/lib/dhcp4_check.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x77, 0, 1};
static const uint8_t uuid[17] = {0, 'D', 'E', 'L', 'L', 'B', 0, 0x10, 0x35};
static const uint8_t relay_info[] = {1, 4, 'e', 't', 'h', '0'};
/* Options 3, 6 and 15. */
static const uint8_t network[] = "\3\4\12\x4d\0\1\6\4\12\x4d\0\1\17\14example.test";
static const uint8_t client_id[] = {1, 0x52, 0x54, 0, 0x77, 0, 1};

/* An address with all that belongs to it, for a client that does not boot. */
static inline struct dhcp4_reply
plain(uint8_t type)
{
	return (struct dhcp4_reply){
	    .type = type,
	    .htype = 1,
	    .hw = {mac, 6},
	    .xid = 0x12345678,
	    .flags = 0x8000,
	    .yiaddr = addr_v4(0x0a4d0064),
	    .server_id = addr_v4(0x0a4d0001),
	    .lease = 3600,
	    .t1 = 1800,
	    .t2 = 3150,
	    .prefix = 24,
	    .options = {network, sizeof network - 1},
	    .max_size = 1472,
	};
}

static inline struct dhcp4_reply
boot(uint8_t type, uint8_t class60, const char *bootfile)
{
	struct dhcp4_reply r = plain(type);

	r.siaddr = addr_v4(0x0a4d0001);
	r.class60 = class60;
	r.discovery = class60 == DHCP4_CLASS_PXE;
	r.bootfile = bootfile;
	r.sname = "boot.example.test";
	r.uuid = (struct dhcp4_span){uuid, sizeof uuid};
	return r;
}

/* A server that only adds boot information: no address and nothing about it. */
static inline struct dhcp4_reply
proxy(uint8_t type, uint8_t class60, const char *bootfile)
{
	struct dhcp4_reply r = boot(type, class60, bootfile);

	r.yiaddr = (struct addr){.family = ADDR_NONE};
	r.lease = r.t1 = r.t2 = r.prefix = 0;
	r.options.len = 0;
	return r;
}

static inline size_t
encode(const struct dhcp4_reply *r, uint8_t packet[DHCP4_PACKET_MAX])
{
	unsigned left_out = 99;
	int n = dhcp4_encode(r, packet, DHCP4_PACKET_MAX, &left_out);
	const char *wrong;

	if (n < 0)
		fail_msg("refused: %s", err_text(n));
	wrong = dhcp4_check(r, packet, (size_t)n, left_out);
	if (wrong != NULL)
		fail_msg("%s", wrong);
	return (size_t)n;
}

/* The codes of the options as they stand. */
static inline void
assert_codes(const uint8_t *packet, size_t len, const char *want)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t at = 240; at < len && packet[at] != 255; at += 2u + packet[at + 1])
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%u",
		    used == 0 ? "" : " ", packet[at]);
	assert_string_equal(text, want);
}

#endif
