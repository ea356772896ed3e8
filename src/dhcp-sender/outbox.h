/*
 * Datagrams on their way out: those of one turn to the same machine, a relay agent as a
 * rule, and of the same length leave in one call (UDP_SEGMENT). A storm behind a relay so
 * costs a fraction of a call a reply. Fixed memory; nothing is kept beyond a turn.
 */
#ifndef SALLYPORT_DHCP_SENDER_OUTBOX_H
#define SALLYPORT_DHCP_SENDER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/ident.h"
#include "src/wire/dhcp4.h"

#define OUTBOX_GROUPS 8
#define OUTBOX_SEGMENTS 32 /* datagrams of a call; together they are below 64 KiB */

struct outbox_group {
	int fd;
	struct addr to; /* IPv4 */
	uint16_t port;
	unsigned n;
	size_t each; /* bytes of a datagram */
	uint8_t bytes[OUTBOX_SEGMENTS * DHCP4_PACKET_MAX];
};

struct outbox {
	struct outbox_group groups[OUTBOX_GROUPS];
	unsigned oldest; /* the group to send when another needs its place */
	uint64_t sent, failed;
	uint64_t icmp_errors; /* made by messages that anybody can forge; tried again */
	int last_error;       /* errno of the last failure */
};

_Static_assert(OUTBOX_SEGMENTS *DHCP4_PACKET_MAX <= 65507, "too much for one datagram");

/* len: at most DHCP4_PACKET_MAX. Sends what must make place. */
void outbox_add(struct outbox *o, int fd, const struct addr *to, uint16_t port,
    const uint8_t *bytes, size_t len);
/* Sends all there is; at the end of each turn. */
void outbox_flush(struct outbox *o);

#endif
