/*
 * Receiving side of the transfer sockets, in file-sender: anybody can send anything here.
 * Nothing is believed but what the kernel says of a datagram's addresses, and of its bytes
 * no more is read than src/wire/tftp does.
 */
#include "src/file-sender/tftp_in.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct tftp_in {
	uint16_t sock;
	unsigned dirty; /* headers that the kernel has written to */
	struct mmsghdr hdrs[TFTP_IN_BATCH];
	struct iovec iov[TFTP_IN_BATCH];
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} from[TFTP_IN_BATCH];
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control[TFTP_IN_BATCH];
	uint8_t bytes[TFTP_IN_BATCH][TFTP_REPLY_MAX];
};

static void
prepare(struct tftp_in *in, unsigned i)
{
	in->iov[i] = (struct iovec){in->bytes[i], sizeof in->bytes[i]};
	in->hdrs[i].msg_hdr = (struct msghdr){.msg_name = &in->from[i],
	    .msg_namelen = sizeof in->from[i],
	    .msg_iov = &in->iov[i],
	    .msg_iovlen = 1,
	    .msg_control = in->control[i].bytes,
	    .msg_controllen = sizeof in->control[i].bytes};
}

struct tftp_in *
tftp_in_new(void)
{
	struct tftp_in *in = calloc(1, sizeof *in);

	if (in != NULL)
		in->dirty = TFTP_IN_BATCH;
	return in;
}

unsigned
tftp_in_read(struct tftp_in *in, uint16_t sock)
{
	int n;

	for (unsigned i = 0; i < in->dirty; i++)
		prepare(in, i);
	n = recvmmsg(FD_POOL + sock, in->hdrs, TFTP_IN_BATCH, MSG_DONTWAIT, NULL);
	in->sock = sock;
	/* A call that fails may have written to the first. */
	in->dirty = n > 0 ? (unsigned)n : 1;
	return n > 0 ? (unsigned)n : 0;
}

static bool
path_v4(
    const struct tftp_in *in, unsigned i, const struct cmsghdr *cm, struct tftp_path *path)
{
	struct in_pktinfo info;

	if (in->hdrs[i].msg_hdr.msg_namelen != sizeof in->from[i].in)
		return false;
	if (cm->cmsg_level != IPPROTO_IP || cm->cmsg_type != IP_PKTINFO ||
	    cm->cmsg_len != CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	path->peer = addr_v4(ntohl(in->from[i].in.sin_addr.s_addr));
	path->port = ntohs(in->from[i].in.sin_port);
	path->local = addr_v4(ntohl(info.ipi_addr.s_addr));
	path->scope = 0;
	return true;
}

static bool
path_v6(
    const struct tftp_in *in, unsigned i, const struct cmsghdr *cm, struct tftp_path *path)
{
	const struct sockaddr_in6 *from = &in->from[i].in6;
	struct in6_pktinfo info;

	if (in->hdrs[i].msg_hdr.msg_namelen != sizeof *from)
		return false;
	if (cm->cmsg_level != IPPROTO_IPV6 || cm->cmsg_type != IPV6_PKTINFO ||
	    cm->cmsg_len != CMSG_LEN(sizeof info))
		return false;
	memcpy(&info, CMSG_DATA(cm), sizeof info);
	path->peer.family = path->local.family = ADDR_V6;
	memcpy(path->peer.b, &from->sin6_addr, sizeof path->peer.b);
	memcpy(path->local.b, &info.ipi6_addr, sizeof path->local.b);
	path->port = ntohs(from->sin6_port);
	path->scope = from->sin6_scope_id;
	return true;
}

bool
tftp_in_get(
    struct tftp_in *in, unsigned i, struct tftp_path *path, struct tftp_reply *reply)
{
	struct mmsghdr *h = &in->hdrs[i];
	struct cmsghdr *cm = CMSG_FIRSTHDR(&h->msg_hdr);

	if ((h->msg_hdr.msg_flags & MSG_TRUNC) != 0 || cm == NULL ||
	    tftp_decode_reply(in->bytes[i], h->msg_len, reply) != 0)
		return false;
	path->sock = in->sock;
	if (in->from[i].in.sin_family == AF_INET)
		return path_v4(in, i, cm, path);
	return in->from[i].in.sin_family == AF_INET6 && path_v6(in, i, cm, path);
}
