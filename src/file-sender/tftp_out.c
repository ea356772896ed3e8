/*
 * Sending side of the transfer sockets, in file-sender. Each datagram names its source
 * address itself, for the sockets are bound to none; the addresses were granted by the
 * broker and checked by the caller. A full socket buffer is not an error: the owner hears
 * of it and repeats.
 */
#include "src/file-sender/tftp_out.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "src/wire/tftp.h"

#define BATCH 64
#define ARENA (256u << 10) /* holds at least the three longest blocks */

struct letter {
	struct sockaddr_in to;
	struct iovec iov[2]; /* header, data in the arena */
	uint32_t owner;
	uint8_t head[TFTP_OUT_PACKET_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control;
};

struct tftp_batch {
	unsigned n;
	uint16_t sock;
	size_t used; /* of the arena */
	struct mmsghdr hdrs[BATCH];
	struct letter letters[BATCH];
	uint8_t arena[ARENA];
};

/* What never changes in a letter's headers. */
static void
prepare(struct mmsghdr *h, struct letter *l)
{
	struct cmsghdr *cm;

	h->msg_hdr.msg_name = &l->to;
	h->msg_hdr.msg_namelen = sizeof l->to;
	h->msg_hdr.msg_iov = l->iov;
	h->msg_hdr.msg_control = l->control.bytes;
	h->msg_hdr.msg_controllen = sizeof l->control.bytes;
	cm = CMSG_FIRSTHDR(&h->msg_hdr);
	cm->cmsg_level = IPPROTO_IP;
	cm->cmsg_type = IP_PKTINFO;
	cm->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
	l->to.sin_family = AF_INET;
}

int
tftp_out_init(struct tftp_out *o, int first_fd, tftp_out_unsent *unsent, void *arg)
{
	struct tftp_batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		return ERR_SYS;
	for (unsigned i = 0; i < BATCH; i++)
		prepare(&b->hdrs[i], &b->letters[i]);
	*o = (struct tftp_out){
	    .batch = b, .first_fd = first_fd, .unsent = unsent, .arg = arg};
	return 0;
}

/* The kernel has no room: everything from i on stays unsent. */
static void
give_back(struct tftp_out *o, unsigned i)
{
	for (; i < o->batch->n; i++)
		if (o->batch->letters[i].owner != TFTP_OUT_NOBODY)
			o->unsent(o->arg, o->batch->letters[i].owner);
}

static int
descriptor(const struct tftp_out *o, uint16_t sock)
{
	return sock < TFTP_SOCK_SINGLE ? o->first_fd + sock
				       : FD_SINGLE + (sock - TFTP_SOCK_SINGLE);
}

void
tftp_out_flush(struct tftp_out *o)
{
	struct tftp_batch *b = o->batch;
	unsigned i = 0;

	while (i < b->n) {
		int done =
		    sendmmsg(descriptor(o, b->sock), b->hdrs + i, b->n - i, MSG_DONTWAIT);

		if (done > 0) {
			o->sent += (unsigned)done;
			i += (unsigned)done;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			give_back(o, i);
			break;
		} else if (errno != EINTR) {
			/* No route, or a firewall: its own timer repeats this one. */
			o->refused++;
			i++;
		}
	}
	b->n = 0;
	b->used = 0;
}

/* A letter with its address filled in; what was collected before is sent if need be. */
static struct letter *
begin(struct tftp_out *o, const struct tftp_path *path, uint32_t owner)
{
	struct tftp_batch *b = o->batch;
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(addr_to_v4(&path->local))};
	struct letter *l;

	if (b->n == BATCH || (b->n > 0 && b->sock != path->sock))
		tftp_out_flush(o);
	b->sock = path->sock;
	l = &b->letters[b->n];
	l->owner = owner;
	l->to.sin_port = htons(path->port);
	l->to.sin_addr.s_addr = htonl(addr_to_v4(&path->peer));
	memcpy(CMSG_DATA(&l->control.align), &info, sizeof info);
	b->n++;
	return l;
}

void
tftp_out_packet(struct tftp_out *o, const struct tftp_path *path, const void *bytes,
    size_t len, uint32_t owner)
{
	struct letter *l;

	if (len > TFTP_OUT_PACKET_MAX)
		bug("datagram longer than its buffer");
	l = begin(o, path, owner);
	memcpy(l->head, bytes, len);
	l->iov[0] = (struct iovec){l->head, len};
	o->batch->hdrs[o->batch->n - 1].msg_hdr.msg_iovlen = 1;
}

static void
add_block(struct tftp_out *o, const struct tftp_path *path, uint64_t block, uint8_t *data,
    uint32_t len, uint32_t owner)
{
	struct letter *l = begin(o, path, owner);

	if (tftp_encode_data((uint16_t)block, l->head, sizeof l->head) != TFTP_HEADER)
		bug("block header");
	l->iov[0] = (struct iovec){l->head, TFTP_HEADER};
	l->iov[1] = (struct iovec){data, len};
	o->batch->hdrs[o->batch->n - 1].msg_hdr.msg_iovlen = 2;
}

/* How many of `count` blocks fit into the batch as it is. */
static uint32_t
fitting(const struct tftp_batch *b, uint32_t blksize, uint32_t count)
{
	uint32_t n = (uint32_t)((ARENA - b->used) / blksize);

	if (n > BATCH - b->n)
		n = BATCH - b->n;
	return n < count ? n : count;
}

int
tftp_out_blocks(struct tftp_out *o, const struct tftp_path *path, const struct tftp_xfer *x,
    int fd, uint64_t offset, uint64_t first, uint32_t count, uint32_t owner)
{
	struct tftp_batch *b = o->batch;
	uint32_t blksize = x->terms.blksize;

	if (b->n > 0 && b->sock != path->sock)
		tftp_out_flush(o);
	while (count > 0) {
		uint32_t n = fitting(b, blksize, count);
		uint64_t at = (first - 1) * blksize;
		uint8_t *data = b->arena + b->used;
		size_t want;

		if (n == 0) {
			tftp_out_flush(o);
			continue;
		}
		want = (size_t)(n - 1) * blksize + tftp_xfer_block_len(x, first + n - 1);
		if (pread(fd, data, want, (off_t)(offset + at)) != (ssize_t)want)
			return ERR_SYS;
		b->used += want;
		for (uint32_t i = 0; i < n; i++)
			add_block(o, path, first + i, data + (size_t)i * blksize,
			    tftp_xfer_block_len(x, first + i), owner);
		first += n;
		count -= n;
	}
	return 0;
}
