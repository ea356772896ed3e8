/*
 * The sockets that watch a link and ask it questions: packet rings, and ICMP. Made in the
 * supervisor as root at start. What they let through is decided by filters that the kernel
 * runs and that nobody can take off again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/ring.h"
#include "privsep/sockets.h"

#define ECHO_BUFFER (1 << 20) /* bytes */

/* Ethernet frames, seen from their first byte. */
enum {
	AT_TYPE = 12,
	AT_ARP_OPERATION = 20,
	AT_IP = 14,
	AT_IP_PIECES = 20,
	AT_IP_PROTOCOL = 23,
	PIECE = 0x3fff,
	ARP_REPLY = 2,
	DHCP_SERVER = 67,
	DHCP_CLIENT = 68,
	BOOTREPLY = 2
};

#define LOAD(size, at) BPF_STMT(BPF_LD | BPF_##size | BPF_ABS, (uint32_t)(at))
#define LOAD_X(size, at) BPF_STMT(BPF_LD | BPF_##size | BPF_IND, (at))
#define IF_EQUAL(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (yes), (no))
#define IF_ANY(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (yes), (no))
#define ANSWER(bytes) BPF_STMT(BPF_RET | BPF_K, (bytes))

static int
give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return ERR_SYS;
}

/* For good: an owned holder cannot put another in its place. */
static int
lock_filter(int fd, const struct sock_filter *program, size_t n)
{
	struct sock_fprog prog = {
	    (unsigned short)n, (struct sock_filter *)(uintptr_t)program};
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) != 0)
		return ERR_SYS;
	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one) == 0 ? 0
										 : ERR_SYS;
}

/*
 * ARP replies, and replies from the port of DHCP servers to that of clients or relays; of
 * this link (no tag of a VLAN) and not our own.
 */
static int
filter_link(int fd)
{
	static const struct sock_filter program[] = {
	    LOAD(W, SKF_AD_OFF + SKF_AD_PKTTYPE),
	    IF_EQUAL(PACKET_OUTGOING, 22, 0),
	    LOAD(W, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
	    IF_EQUAL(0, 2, 0),
	    LOAD(W, SKF_AD_OFF + SKF_AD_VLAN_TAG),
	    IF_ANY(0xfff, 18, 0),
	    LOAD(H, AT_TYPE),
	    IF_EQUAL(ETHERTYPE_ARP, 0, 2),
	    LOAD(H, AT_ARP_OPERATION),
	    IF_EQUAL(ARP_REPLY, 13, 14),
	    IF_EQUAL(ETHERTYPE_IP, 0, 13),
	    LOAD(B, AT_IP_PROTOCOL),
	    IF_EQUAL(IPPROTO_UDP, 0, 11),
	    LOAD(H, AT_IP_PIECES),
	    IF_ANY(PIECE, 9, 0),
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, AT_IP),
	    LOAD_X(H, AT_IP),
	    IF_EQUAL(DHCP_SERVER, 0, 6),
	    LOAD_X(H, AT_IP + 2),
	    IF_EQUAL(DHCP_CLIENT, 1, 0),
	    IF_EQUAL(DHCP_SERVER, 0, 3),
	    LOAD_X(B, AT_IP + 8),
	    IF_EQUAL(BOOTREPLY, 0, 1),
	    ANSWER(UINT16_MAX),
	    ANSWER(0),
	};

	return lock_filter(fd, program, sizeof program / sizeof program[0]);
}

/* Replies to echo requests of that identifier, seen from their IP header. */
static int
filter_echo(int fd, uint16_t ident)
{
	const struct sock_filter program[] = {
	    LOAD(B, 9),
	    IF_EQUAL(IPPROTO_ICMP, 0, 8),
	    LOAD(H, 6),
	    IF_ANY(PIECE, 6, 0),
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	    LOAD_X(H, 0), /* type 0, code 0 */
	    IF_EQUAL(0, 0, 3),
	    LOAD_X(H, 4),
	    IF_EQUAL(ident, 0, 1),
	    ANSWER(UINT16_MAX),
	    ANSWER(0),
	};

	return lock_filter(fd, program, sizeof program / sizeof program[0]);
}

static int
filter_nothing(int fd)
{
	static const struct sock_filter program[] = {ANSWER(0)};

	return lock_filter(fd, program, 1);
}

static int
make_ring(int fd)
{
	struct tpacket_req req = {
	    .tp_block_size = RING_BLOCK,
	    .tp_block_nr = RING_BYTES / RING_BLOCK,
	    .tp_frame_size = RING_SLOT,
	    .tp_frame_nr = RING_SLOTS,
	};
	int version = TPACKET_V2, one = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) != 0)
		return ERR_SYS;
	return 0;
}

/* It gets its protocol only when filter and ring are there. */
int
socket_ring(const struct link *l)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)l->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_SYS;
	if (filter_link(fd) != 0 || make_ring(fd) != 0 ||
	    bind(fd, (struct sockaddr *)&sll, sizeof sll) != 0)
		return give_up(fd);
	return fd;
}

static int
raw_icmp(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
}

/* Only where the sender writes the IP header does the kernel look whether the socket is
 * shut for writing. */
int
socket_echo_ear(uint16_t ident)
{
	int fd = raw_icmp(), one = 1, size = ECHO_BUFFER;

	if (fd < 0)
		return ERR_SYS;
	if (filter_echo(fd, ident) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof one) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		return give_up(fd);
	/* Says ENOTCONN on an unconnected socket, and shuts it for writing all the same. */
	if (shutdown(fd, SHUT_WR) != 0 && errno != ENOTCONN)
		return give_up(fd);
	return fd;
}

int
socket_echo_mouth(void)
{
	int fd = raw_icmp();

	if (fd < 0)
		return ERR_SYS;
	return filter_nothing(fd) == 0 ? fd : give_up(fd);
}
