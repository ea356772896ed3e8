/*
 * See tftp_kernel.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/lib/tftp_kernel.h"

#define HEARD_MAX 64
#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct kernel kernel;
struct tftp tftp;
struct memfds memfds;
uint64_t now;

static struct addr locals[2];

/* What lies in the sockets. */
static struct heard {
	int fd;
	struct addr peer, local;
	uint16_t port;
	uint32_t scope;
	uint8_t bytes[4];
} heard[HEARD_MAX];
static unsigned nheard;

/* ------------------------------------------------------------------------- sendmmsg */

static void
read_control(struct msghdr *h, struct kernel_sent *s, size_t *segment)
{
	*segment = 0;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(h); cm != NULL; cm = CMSG_NXTHDR(h, cm)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
		uint16_t size;

		if (cm->cmsg_level == IPPROTO_UDP) {
			assert_int_equal(cm->cmsg_type, 103);
			assert_int_equal(cm->cmsg_len, CMSG_LEN(sizeof size));
			memcpy(&size, CMSG_DATA(cm), sizeof size);
			*segment = size;
		} else if (cm->cmsg_level == IPPROTO_IP) {
			assert_int_equal(cm->cmsg_len, CMSG_LEN(sizeof v4));
			memcpy(&v4, CMSG_DATA(cm), sizeof v4);
			s->local = addr_v4(ntohl(v4.ipi_spec_dst.s_addr));
		} else {
			assert_int_equal(cm->cmsg_level, IPPROTO_IPV6);
			assert_int_equal(cm->cmsg_len, CMSG_LEN(sizeof v6));
			memcpy(&v6, CMSG_DATA(cm), sizeof v6);
			s->local.family = ADDR_V6;
			memcpy(s->local.b, &v6.ipi6_addr, 16);
			assert_int_equal(v6.ipi6_ifindex, s->scope);
		}
	}
}

static void
read_name(const struct msghdr *h, struct kernel_sent *s)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (h->msg_namelen == sizeof in) {
		memcpy(&in, h->msg_name, sizeof in);
		assert_int_equal(in.sin_family, AF_INET);
		s->peer = addr_v4(ntohl(in.sin_addr.s_addr));
		s->port = ntohs(in.sin_port);
		return;
	}
	assert_int_equal(h->msg_namelen, sizeof in6);
	memcpy(&in6, h->msg_name, sizeof in6);
	assert_int_equal(in6.sin6_family, AF_INET6);
	s->peer.family = ADDR_V6;
	memcpy(s->peer.b, &in6.sin6_addr, 16);
	s->port = ntohs(in6.sin6_port);
	s->scope = in6.sin6_scope_id;
}

static void
put_on_wire(const struct kernel_sent *like, const uint8_t *bytes, size_t len)
{
	struct kernel_sent *s;

	kernel.sent++;
	kernel.bytes += len + 28;
	if (kernel.log == NULL || kernel.kept == KERNEL_SENT_MAX)
		return;
	s = &kernel.log[kernel.kept++];
	s->fd = like->fd;
	s->peer = like->peer;
	s->local = like->local;
	s->port = like->port;
	s->scope = like->scope;
	assert_true(len >= 4);
	s->opcode = (uint16_t)(bytes[0] << 8 | bytes[1]);
	s->number = (uint16_t)(bytes[2] << 8 | bytes[3]);
	s->len = len;
	len = len - 4 < sizeof s->bytes ? len - 4 : sizeof s->bytes;
	memcpy(s->bytes, bytes + 4, len);
}

/* 0, or why not. */
static int
send_one(int fd, struct msghdr *h)
{
	static uint8_t bytes[65536];
	struct kernel_sent s = {.fd = fd};
	size_t len = 0, segment;

	read_name(h, &s);
	read_control(h, &s, &segment);
	if (segment != 0 && kernel.cut_error != 0)
		return kernel.cut_error;
	if (kernel.room == 0)
		return EAGAIN;
	kernel.room--;
	for (size_t i = 0; i < h->msg_iovlen; i++) {
		assert_in_range(h->msg_iov[i].iov_len, 0, 65507 - len);
		memcpy(bytes + len, h->msg_iov[i].iov_base, h->msg_iov[i].iov_len);
		len += h->msg_iov[i].iov_len;
	}
	if (segment == 0)
		segment = len;
	else
		kernel.trains++;
	assert_in_range((len + segment - 1) / segment, 1, 64);
	if (len > kernel.train_most)
		kernel.train_most = len;
	for (size_t at = 0; at < len; at += segment)
		put_on_wire(&s, bytes + at, len - at < segment ? len - at : segment);
	return 0;
}

int
sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	assert_int_equal(flags, MSG_DONTWAIT);
	assert_in_range(n, 1, 1024);
	kernel.calls++;
	if (kernel.next_n > 0) {
		kernel.next_n--;
		errno = kernel.next_error;
		return -1;
	}
	for (unsigned i = 0; i < n; i++) {
		int error = send_one(fd, &vec[i].msg_hdr);

		if (error == 0)
			continue;
		errno = error;
		return i > 0 ? (int)i : -1;
	}
	return (int)n;
}

/* ------------------------------------------------------------------------- recvmmsg */

static void
put_control(struct msghdr *h, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *cm = h->msg_control;

	assert_true(h->msg_controllen >= CMSG_SPACE(len));
	cm->cmsg_level = level;
	cm->cmsg_type = type;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), data, len);
	h->msg_controllen = CMSG_SPACE(len);
}

static void
hear_v4(struct msghdr *h, const struct heard *e)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};
	struct in_pktinfo info = {.ipi_ifindex = 1};

	memcpy(&in.sin_addr, e->peer.b, 4);
	memcpy(&info.ipi_addr, e->local.b, 4);
	memcpy(h->msg_name, &in, sizeof in);
	h->msg_namelen = sizeof in;
	put_control(h, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static void
hear_v6(struct msghdr *h, const struct heard *e)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6,
	    .sin6_port = htons(e->port),
	    .sin6_scope_id = e->scope};
	struct in6_pktinfo info = {.ipi6_ifindex = 1};

	memcpy(&in.sin6_addr, e->peer.b, 16);
	memcpy(&info.ipi6_addr, e->local.b, 16);
	memcpy(h->msg_name, &in, sizeof in);
	h->msg_namelen = sizeof in;
	put_control(h, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

int
recvmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags, struct timespec *timeout)
{
	unsigned got = 0;

	assert_int_equal(flags, MSG_DONTWAIT);
	assert_null(timeout);
	for (unsigned i = 0; i < nheard && got < n;) {
		struct msghdr *h = &vec[got].msg_hdr;

		if (heard[i].fd != fd) {
			i++;
			continue;
		}
		memcpy(h->msg_iov[0].iov_base, heard[i].bytes, 4);
		vec[got].msg_len = 4;
		h->msg_flags = 0;
		if (heard[i].peer.family == ADDR_V6)
			hear_v6(h, &heard[i]);
		else
			hear_v4(h, &heard[i]);
		memmove(&heard[i], &heard[i + 1], (nheard - i - 1) * sizeof heard[0]);
		nheard--;
		got++;
	}
	if (got > 0)
		return (int)got;
	errno = EAGAIN;
	return -1;
}

/* -------------------------------------------------------------------------- fixture */

uint8_t
kernel_byte(uint64_t n)
{
	return (uint8_t)(n * 2654435761u >> 11);
}

static void
seal(uint32_t id, int fd, size_t len)
{
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_int_equal(memfds_add(&memfds, id, len, fd), 0);
}

void
kernel_object(uint32_t id, const void *bytes, size_t len)
{
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	seal(id, fd, len);
}

static void
make_object(void)
{
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t *map;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, KERNEL_SIZE), 0);
	map = mmap(NULL, KERNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	for (size_t i = 0; i < KERNEL_SIZE; i++)
		map[i] = kernel_byte(i);
	munmap(map, KERNEL_SIZE);
	seal(KERNEL_OBJECT, fd, KERNEL_SIZE);
}

int
kernel_set_up(void **state)
{
	struct tftp_setup setup = {.pool = KERNEL_POOL,
	    .pool6 = KERNEL_POOL6,
	    .links = 2,
	    .scopes = {7, 9},
	    .per_address = 64,
	    .single = true,
	    .locals = locals,
	    .nlocals = 2,
	    .memfds = &memfds,
	    .seed = 77};

	(void)state;
	locals[0] = addr_v4(KERNEL_SERVER);
	if (addr_parse("fd00::1", &locals[1]) != 0 || memfds_init(&memfds) != 0 ||
	    tftp_init(&tftp, &setup) != 0)
		return -1;
	make_object();
	now = 1000000;
	nheard = 0;
	memset(&kernel, 0, sizeof kernel);
	kernel.room = UINT32_MAX;
	kernel.log = calloc(KERNEL_SENT_MAX, sizeof *kernel.log);
	return kernel.log == NULL ? -1 : 0;
}

int
kernel_tear_down(void **state)
{
	(void)state;
	memfds_forget(&memfds);
	free(memfds.all);
	free(memfds.buckets);
	free(tftp.table.all);
	free(tftp.table.buckets);
	free(tftp.queue.items);
	free(tftp.in);
	free(tftp.out.batch);
	free(tftp.caps.slots);
	free(tftp.timers.when);
	free(tftp.timers.key);
	free(tftp.timers.where);
	free(tftp.timers.heap);
	free(kernel.log);
	return 0;
}

/* ---------------------------------------------------------------------------- steps */

void
kernel_clear(void)
{
	kernel.sent = kernel.kept = kernel.calls = kernel.trains = 0;
	kernel.train_most = 0;
	kernel.bytes = 0;
}

struct msg_tftp_grant_tell
kernel_grant(
    uint16_t port, uint8_t options, uint16_t blksize, uint16_t window, uint64_t length)
{
	struct msg_tftp_grant_tell g = {.session = 1,
	    .peer = addr_v4(KERNEL_CLIENT),
	    .port = port,
	    .local = addr_v4(KERNEL_SERVER),
	    .memfd = KERNEL_OBJECT,
	    .length = length,
	    .options = options,
	    .blksize = blksize,
	    .windowsize = window,
	    .name = "object"};

	return g;
}

void
kernel_begin(const struct msg_tftp_grant_tell *g)
{
	assert_int_equal(tftp_grant(&tftp, g, now), 0);
	tftp_flush(&tftp);
}

static struct transfer *
transfer_of(const struct addr *peer, uint16_t port)
{
	for (unsigned i = 0; i < TFTP_TRANSFERS; i++) {
		struct transfer *tr = &tftp.table.all[i];

		if (tr->serial != 0 && tr->path.port == port &&
		    addr_equal(&tr->path.peer, peer))
			return tr;
	}
	fail_msg("no transfer for port %u", port);
	return NULL;
}

void
kernel_say(const struct addr *peer, uint16_t port, uint16_t opcode, uint16_t number)
{
	const struct tftp_path *path = &transfer_of(peer, port)->path;

	assert_in_range(nheard, 0, HEARD_MAX - 1);
	heard[nheard++] = (struct heard){.fd = FD_POOL + path->sock,
	    .peer = *peer,
	    .local = path->local,
	    .port = port,
	    .scope = path->scope,
	    .bytes = {0, (uint8_t)opcode, (uint8_t)(number >> 8), (uint8_t)number}};
}

void
kernel_turn(void)
{
	for (unsigned i = 0; i < KERNEL_POOL + KERNEL_POOL6; i++)
		tftp_readable(&tftp, i, now);
	tftp_tick(&tftp, now);
	tftp_flush(&tftp);
}

void
kernel_wait(uint64_t ms)
{
	now += ms;
	kernel_turn();
}

void
kernel_check_block(unsigned i, uint64_t block, uint32_t blksize, uint32_t len)
{
	const struct kernel_sent *s = &kernel.log[i];
	uint64_t at = (block - 1) * blksize;

	assert_in_range(i, 0, kernel.kept - 1);
	assert_int_equal(s->opcode, 3);
	assert_int_equal(s->number, (uint16_t)block);
	assert_int_equal(s->len, len + 4);
	for (uint32_t k = 0; k < len && k < sizeof s->bytes; k++)
		if (s->bytes[k] != kernel_byte(at + k))
			fail_msg("block %llu, byte %u", (unsigned long long)block, k);
}
