/*
 * The DHCPv4 messages of the load clients: machines behind one relay agent, told apart by
 * a number. Shares no code with the server.
 */
#ifndef SALLYPORT_BENCH_DHCP_PACKET_H
#define SALLYPORT_BENCH_DHCP_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_PACKET_MAX 576

enum {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7
};

struct dhcp_packet {
	uint8_t type;
	uint32_t xid;
	uint32_t client;          /* number */
	uint32_t address, server; /* asked for or given, by whom; network order */
	struct in_addr relay;
	bool pxe; /* with the options that firmware sends */
};

/* Returns the length. */
size_t dhcp_packet_make(uint8_t bytes[DHCP_PACKET_MAX], const struct dhcp_packet *p);
/* False: not an answer. Fills type, xid, address, server. */
bool dhcp_packet_read(const uint8_t *bytes, size_t len, struct dhcp_packet *p);
/* Locally administered, and scattered as those of many vendors are. */
void dhcp_packet_mac(uint8_t mac[6], uint32_t client);

/* A socket at port 67 of the relay's address. */
int dhcp_packet_socket(struct in_addr relay);

#endif
