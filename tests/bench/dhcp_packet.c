/*
 * DHCPv4 messages for load: made and read with as little work as possible.
 */
#include "tests/bench/dhcp_packet.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/load.h"

#define FIXED_LEN 240

static uint8_t *
put(uint8_t *p, uint8_t code, const void *bytes, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, bytes, len);
	return p + len;
}

void
dhcp_packet_mac(uint8_t mac[6], uint32_t client)
{
	uint32_t mixed = client * UINT32_C(2654435761);

	mac[0] = 0x02;
	mac[1] = 0x5a;
	memcpy(mac + 2, &mixed, sizeof mixed);
}

/* As OVMF sends them. */
static uint8_t *
put_pxe(uint8_t *p, uint32_t client)
{
	static const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28,
	    40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130, 131, 132,
	    133, 134, 135};
	static const uint8_t arch[] = {0, 7}, undi[] = {1, 3, 16}, max[] = {0x05, 0xc0};
	uint8_t uuid[17] = {0, 0x77};

	memcpy(uuid + 12, &client, sizeof client);
	p = put(p, 57, max, sizeof max);
	p = put(p, 55, wanted, sizeof wanted);
	p = put(p, 97, uuid, sizeof uuid);
	p = put(p, 94, undi, sizeof undi);
	p = put(p, 93, arch, sizeof arch);
	return put(p, 60, "PXEClient:Arch:00007:UNDI:003016", 32);
}

size_t
dhcp_packet_make(uint8_t bytes[DHCP_PACKET_MAX], const struct dhcp_packet *m)
{
	static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
	static const uint8_t few[] = {1, 3, 6, 15, 51, 54};
	uint32_t xid = htonl(m->xid);
	uint8_t *b = bytes, *p = b + FIXED_LEN;

	memset(b, 0, DHCP_PACKET_MAX);
	b[0] = b[1] = b[3] = 1;
	b[2] = 6;
	memcpy(b + 4, &xid, 4);
	if (m->type == DHCP_RELEASE)
		memcpy(b + 12, &m->address, 4);
	else
		memcpy(b + 24, &m->relay, 4);
	dhcp_packet_mac(b + 28, m->client);
	memcpy(b + 236, cookie, 4);
	p = put(p, 53, &m->type, 1);
	if (m->type == DHCP_REQUEST)
		p = put(p, 50, &m->address, 4);
	if (m->type != DHCP_DISCOVER)
		p = put(p, 54, &m->server, 4);
	p = m->pxe ? put_pxe(p, m->client) : put(p, 55, few, sizeof few);
	*p++ = 255;
	return p - b < 300 ? 300 : (size_t)(p - b);
}

bool
dhcp_packet_read(const uint8_t *b, size_t len, struct dhcp_packet *m)
{
	*m = (struct dhcp_packet){0};
	if (len < FIXED_LEN || b[0] != 2)
		return false;
	memcpy(&m->xid, b + 4, 4);
	m->xid = ntohl(m->xid);
	memcpy(&m->address, b + 16, 4);
	for (size_t i = FIXED_LEN; i + 1 < len && b[i] != 255;) {
		if (b[i] == 0) {
			i++;
			continue;
		}
		if (b[i] == 53 && b[i + 1] == 1 && i + 2 < len)
			m->type = b[i + 2];
		if (b[i] == 54 && b[i + 1] == 4 && i + 5 < len)
			memcpy(&m->server, b + i + 2, 4);
		i += 2 + (size_t)b[i + 1];
	}
	return true;
}

int
dhcp_packet_socket(struct in_addr relay)
{
	struct sockaddr_in me = {
	    .sin_family = AF_INET, .sin_port = htons(67), .sin_addr = relay};
	int size = 32 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) != 0)
		load_die("port 67 of the relay's address");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	return fd;
}
