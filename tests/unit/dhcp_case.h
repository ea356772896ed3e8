/*
 * What the tests of the broker's DHCP answers share: machines, and the usual exchanges.
 */
#ifndef SALLYPORT_TESTS_DHCP_CASE_H
#define SALLYPORT_TESTS_DHCP_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/dhcprig.h"
#include "tests/unit/unit.h"

#define A "52:54:00:77:00:01"
#define B "52:54:00:77:00:02"
#define FIXED "52:54:00:77:00:60"
#define DENIED "52:54:00:77:00:62"
#define BARE "52:54:00:77:00:63"

static struct msg_reply_tell r;

static inline int
set_up(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	rig_start(rig_text);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	rig_stop();
	return 0;
}

#define assert_addr(a, text)                        \
	do {                                        \
		char text_[ADDR_TEXT_MAX];          \
		addr_format(&(a), text_);           \
		assert_string_equal(text_, (text)); \
	} while (0)

static inline void
assert_silent(const struct msg_dhcp_tell *m)
{
	assert_false(rig_ask(m, &r));
}

static inline void
assert_type(const struct msg_dhcp_tell *m, uint8_t type)
{
	memset(&r, 0, sizeof r);
	assert_true(rig_ask(m, &r));
	assert_int_equal(r.type, type);
}

/* The value of a configured option in r; NULL: it is not there. */
static inline const uint8_t *
option(uint8_t code, size_t *len)
{
	for (size_t at = 0; at + 2 <= r.options.len; at += 2u + r.options.b[at + 1]) {
		*len = r.options.b[at + 1];
		if (r.options.b[at] == code)
			return r.options.b + at + 2;
	}
	*len = 0;
	return NULL;
}

static inline size_t
option_len(uint8_t code)
{
	size_t len;

	(void)option(code, &len);
	return len;
}

/* The REQUEST that takes the OFFER in r. */
static inline struct msg_dhcp_tell
taking(const struct msg_dhcp_tell *discover)
{
	struct msg_dhcp_tell m = *discover;

	m.type = DHCP_REQUEST;
	m.requested = r.yiaddr;
	m.server_id = r.server_id;
	return m;
}

/* A whole exchange; the ACK is in r. */
static inline struct addr
lease_for(const struct msg_dhcp_tell *discover)
{
	struct msg_dhcp_tell m;

	assert_type(discover, DHCP_OFFER);
	m = taking(discover);
	assert_type(&m, DHCP_ACK);
	return r.yiaddr;
}

/* What a configured client sends to us alone. */
static inline struct msg_dhcp_tell
unicast(uint8_t type, const char *mac, const struct addr *from)
{
	struct msg_dhcp_tell m = rig_request(type, mac);

	m.src = m.ciaddr = *from;
	m.dst = rig_addr("10.77.0.1");
	return m;
}

#endif
