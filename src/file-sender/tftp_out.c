/*
 * Sending side of the transfer sockets, in file-sender. Each datagram names its source
 * address itself, for the sockets are bound to none; the addresses were granted by the
 * broker and checked by the caller. A full socket buffer is not an error: the owner hears
 * of it and repeats.
 */
#include "src/file-sender/tftp_out.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "src/wire/tftp.h"

#define LETTERS 64
#define BLOCKS 1024        /* of all letters together */
#define SEGMENTS 64        /* of a letter: no kernel cuts more */
#define TRAIN 65507        /* bytes of a letter: the longest datagram of IPv4 */
#define ARENA (256u << 10) /* bytes: at least three of the longest blocks */
#define REPEATS 4          /* after errors that a forged ICMP message can cause */

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* What the kernel gets in one piece. */
struct letter {
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	struct tftp_owner owner;
	uint64_t first;   /* block; 0: another packet */
	uint32_t blocks;  /* in it */
	uint32_t segment; /* bytes of each but the last, which may be shorter */
	uint32_t bytes;   /* in all */
	uint32_t last;    /* bytes of the last */
	uint8_t source;   /* bytes of control data without that of cutting */
	bool cut;
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			   CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control;
};

struct tftp_batch {
	unsigned n;      /* letters */
	unsigned blocks; /* of them all */
	uint16_t sock;
	bool open; /* the last letter takes more blocks */
	size_t used;
	/* The row that is being written. */
	struct tftp_path path;
	struct tftp_owner owner;
	uint64_t next;
	bool cut;
	struct mmsghdr hdrs[LETTERS];
	struct letter letters[LETTERS];
	struct iovec iov[BLOCKS][2]; /* header, data */
	uint8_t heads[BLOCKS][TFTP_HEADER];
	struct iovec packet_iov[LETTERS];
	uint8_t packets[LETTERS][TFTP_OUT_PACKET_MAX];
	uint8_t arena[ARENA];
};

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= UINT8_MAX, "fits its field");
_Static_assert(FD_SINGLE6 - FD_SINGLE == LINKS_MAX, "one row of descriptors");

int
tftp_out_init(struct tftp_out *o, const struct tftp_out_hooks *hooks)
{
	struct tftp_batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		return ERR_SYS;
	*o = (struct tftp_out){.batch = b, .hooks = *hooks};
	return 0;
}

static int
descriptor(uint16_t sock)
{
	return sock < TFTP_SOCK_SINGLE ? FD_POOL + sock
				       : FD_SINGLE + (sock - TFTP_SOCK_SINGLE);
}

/* --------------------------------------------------------------------- to the kernel */

static void
give_back(struct tftp_out *o, const struct letter *l, uint32_t done)
{
	if (l->owner.item != TFTP_OUT_NOBODY)
		o->hooks.unsent(
		    o->hooks.arg, l->owner, l->first == 0 ? 0 : l->first + done);
}

/* The sockets on port 69 are connected to a port where nobody is, so an ICMP message,
 * which anyone can forge, makes the next call report its error instead of sending. */
static bool
is_forged(const struct tftp_out *o, int e)
{
	return o->batch->sock >= TFTP_SOCK_SINGLE &&
	       (e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH);
}

/* Sends n datagrams from `first` on. Returns how many were taken before one that was not,
 * whose errno is in *error, which is 0 when all were. */
static unsigned
send_some(struct tftp_out *o, struct mmsghdr *hdrs, unsigned n, int *error)
{
	unsigned done = 0, repeats = 0;

	*error = 0;
	while (done < n) {
		int got = sendmmsg(
		    descriptor(o->batch->sock), hdrs + done, n - done, MSG_DONTWAIT);

		o->calls++;
		if (got > 0) {
			done += (unsigned)got;
			repeats = 0;
		} else if (is_forged(o, errno) && repeats++ < REPEATS) {
			o->icmp++;
		} else if (errno != EINTR) {
			*error = errno;
			break;
		}
	}
	return done;
}

static bool
is_full(int e)
{
	return e == EAGAIN || e == ENOBUFS;
}

/* A segment is longer than the path's MTU, or the device or the kernel cannot do it. */
static bool
is_uncuttable(const struct letter *l, int e)
{
	return l->cut && (e == EINVAL || e == EIO || e == EOPNOTSUPP || e == EMSGSIZE ||
			     e == ENOPROTOOPT);
}

/* The blocks of a letter one by one. False when the kernel is full. */
static bool
send_uncut(struct tftp_out *o, const struct mmsghdr *hdr, const struct letter *l)
{
	struct mmsghdr hdrs[SEGMENTS];
	unsigned done = 0;

	for (size_t i = 0; i < l->blocks; i++) {
		hdrs[i].msg_hdr = hdr->msg_hdr;
		hdrs[i].msg_hdr.msg_iov = hdr->msg_hdr.msg_iov + (size_t)2 * i;
		hdrs[i].msg_hdr.msg_iovlen = 2;
		hdrs[i].msg_hdr.msg_controllen = l->source;
	}
	while (done < l->blocks) {
		int error;
		unsigned n = send_some(o, hdrs + done, l->blocks - done, &error);

		o->sent += n;
		done += n;
		if (is_full(error)) {
			give_back(o, l, done);
			return false;
		}
		if (error != 0) {
			o->refused++;
			done++;
		}
	}
	return true;
}

/* What to do with the letter that the kernel did not take. False: it is full. */
static bool
settle(struct tftp_out *o, unsigned i, int error)
{
	const struct letter *l = &o->batch->letters[i];

	if (is_full(error)) {
		give_back(o, l, 0);
		return false;
	}
	if (is_uncuttable(l, error)) {
		o->uncut++;
		if (l->owner.item != TFTP_OUT_NOBODY)
			o->hooks.uncut(o->hooks.arg, l->owner);
		return send_uncut(o, &o->batch->hdrs[i], l);
	}
	/* No route, or a firewall: its own timer repeats this one. */
	o->refused++;
	return true;
}

void
tftp_out_flush(struct tftp_out *o)
{
	struct tftp_batch *b = o->batch;
	bool room = true;
	unsigned i = 0;

	while (room && i < b->n) {
		int error;
		unsigned done = send_some(o, b->hdrs + i, b->n - i, &error);

		for (unsigned k = i; k < i + done; k++)
			o->sent += b->letters[k].first == 0 ? 1 : b->letters[k].blocks;
		i += done;
		if (error != 0)
			room = settle(o, i++, error);
	}
	/* What is left stays unsent. */
	for (; i < b->n; i++)
		give_back(o, &b->letters[i], 0);
	b->n = b->blocks = 0;
	b->used = 0;
	b->open = false;
}

/* -------------------------------------------------------------------------- letters */

static struct cmsghdr *
put_control(void *at, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *cm = at;

	cm->cmsg_level = level;
	cm->cmsg_type = type;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), data, len);
	return cm;
}

static void
address_v4(struct letter *l, struct msghdr *h, const struct tftp_path *path)
{
	struct in_pktinfo info = {.ipi_ifindex = 0};

	l->to.in =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(path->port)};
	memcpy(&l->to.in.sin_addr, path->peer.b, sizeof l->to.in.sin_addr);
	memcpy(&info.ipi_spec_dst, path->local.b, sizeof info.ipi_spec_dst);
	put_control(l->control.bytes, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	l->source = CMSG_SPACE(sizeof info);
	h->msg_namelen = sizeof l->to.in;
}

static void
address_v6(struct letter *l, struct msghdr *h, const struct tftp_path *path)
{
	struct in6_pktinfo info = {.ipi6_ifindex = path->scope};

	l->to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
	    .sin6_port = htons(path->port),
	    .sin6_scope_id = path->scope};
	memcpy(&l->to.in6.sin6_addr, path->peer.b, sizeof l->to.in6.sin6_addr);
	memcpy(&info.ipi6_addr, path->local.b, sizeof info.ipi6_addr);
	put_control(l->control.bytes, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
	l->source = CMSG_SPACE(sizeof info);
	h->msg_namelen = sizeof l->to.in6;
}

/* A letter with its addresses filled in; what was collected before is sent if need be. */
static struct letter *
write_letter(struct tftp_out *o, const struct tftp_path *path, struct tftp_owner owner)
{
	struct tftp_batch *b = o->batch;
	struct letter *l;
	struct msghdr *h;

	if (b->n == LETTERS || (b->n > 0 && b->sock != path->sock))
		tftp_out_flush(o);
	b->sock = path->sock;
	l = &b->letters[b->n];
	h = &b->hdrs[b->n].msg_hdr;
	l->owner = owner;
	h->msg_name = &l->to;
	if (path->peer.family == ADDR_V6)
		address_v6(l, h, path);
	else
		address_v4(l, h, path);
	h->msg_control = l->control.bytes;
	h->msg_controllen = l->source;
	l->first = 0;
	l->cut = false;
	b->open = false;
	b->n++;
	return l;
}

void
tftp_out_packet(struct tftp_out *o, const struct tftp_path *path, struct tftp_owner owner,
    const void *bytes, size_t len)
{
	struct tftp_batch *b = o->batch;
	unsigned i;

	if (len > TFTP_OUT_PACKET_MAX)
		bug("datagram longer than its buffer");
	write_letter(o, path, owner);
	i = b->n - 1;
	memcpy(b->packets[i], bytes, len);
	b->packet_iov[i] = (struct iovec){b->packets[i], len};
	b->hdrs[i].msg_hdr.msg_iov = &b->packet_iov[i];
	b->hdrs[i].msg_hdr.msg_iovlen = 1;
}

void
tftp_out_begin(struct tftp_out *o, const struct tftp_path *path, struct tftp_owner owner,
    uint64_t first, bool cut)
{
	struct tftp_batch *b = o->batch;

	b->open = false;
	b->path = *path;
	b->owner = owner;
	b->next = first;
	b->cut = cut;
}

/* Only the last segment of a letter may be shorter than the others. */
static bool
takes(const struct tftp_batch *b, const struct letter *l, uint32_t bytes)
{
	return b->cut && l->blocks < SEGMENTS && l->last == l->segment &&
	       bytes <= l->segment && l->bytes + bytes <= TRAIN;
}

static void
begin_train(struct tftp_out *o, uint32_t bytes)
{
	struct tftp_batch *b = o->batch;
	struct letter *l = write_letter(o, &b->path, b->owner);

	l->first = b->next;
	l->blocks = 0;
	l->segment = l->last = bytes;
	l->bytes = 0;
	b->hdrs[b->n - 1].msg_hdr.msg_iov = b->iov[b->blocks];
	b->hdrs[b->n - 1].msg_hdr.msg_iovlen = 0;
	b->open = true;
}

/* The letter has a second block: it is to be cut. */
static void
order_cut(struct letter *l, struct msghdr *h)
{
	uint16_t segment = (uint16_t)l->segment;

	put_control(l->control.bytes + l->source, IPPROTO_UDP, UDP_SEGMENT, &segment,
	    sizeof segment);
	h->msg_controllen = l->source + CMSG_SPACE(sizeof segment);
	l->cut = true;
}

void
tftp_out_block(struct tftp_out *o, uint16_t number, const uint8_t *data, uint32_t len)
{
	struct tftp_batch *b = o->batch;
	uint32_t bytes = TFTP_HEADER + len;
	struct letter *l;
	struct msghdr *h;
	unsigned i;

	if (b->blocks == BLOCKS)
		tftp_out_flush(o);
	if (!b->open || !takes(b, &b->letters[b->n - 1], bytes))
		begin_train(o, bytes);
	l = &b->letters[b->n - 1];
	h = &b->hdrs[b->n - 1].msg_hdr;
	i = b->blocks++;
	if (tftp_encode_data(number, b->heads[i], TFTP_HEADER) != TFTP_HEADER)
		bug("block header");
	b->iov[i][0] = (struct iovec){b->heads[i], TFTP_HEADER};
	b->iov[i][1] = (struct iovec){(void *)(uintptr_t)data, len};
	h->msg_iovlen += 2;
	l->bytes += bytes;
	l->last = bytes;
	if (++l->blocks == 2)
		order_cut(l, h);
	b->next++;
}

uint8_t *
tftp_out_room(struct tftp_out *o, uint32_t len)
{
	struct tftp_batch *b = o->batch;
	uint8_t *room;

	/* Nothing may be sent between this and the block that is made here. */
	if (b->blocks == BLOCKS || b->n == LETTERS || ARENA - b->used < len ||
	    (b->n > 0 && b->sock != b->path.sock))
		tftp_out_flush(o);
	room = b->arena + b->used;
	b->used += len;
	return room;
}
