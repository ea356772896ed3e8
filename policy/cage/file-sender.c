/*
 * What file-sender may ask of the kernel: accept on its listening sockets, speak on
 * sockets that it was given or accepted, read sealed objects. It cannot make a socket,
 * connect one, or change which descriptor a number below FD_FREE means.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "privsep/cage_rules.h"

#define SENDS (MSG_DONTWAIT | MSG_NOSIGNAL)

/* A map of what a free number means, where the kernel likes, for reading: no memory that
 * can be written or run. */
#define MAP_RULE(why, bit)                                                           \
	{                                                                            \
		why, SYS_mmap,                                                       \
		{                                                                    \
			IS(0, 0), IS(2, PROT_READ), IS(3, MAP_PRIVATE), BIT(4, bit), \
			    IS(5, 0)                                                 \
		}                                                                    \
	}
#define MAP_RULES(why)                                                                  \
	MAP_RULE(why, 7), MAP_RULE(why, 8), MAP_RULE(why, 9), MAP_RULE(why, 10),        \
	    MAP_RULE(why, 11), MAP_RULE(why, 12), MAP_RULE(why, 13), MAP_RULE(why, 14), \
	    MAP_RULE(why, 15)

const struct cage_rule cage_rules[] = {
    /* The loop. */
    {"wait", SYS_epoll_pwait, {IS(0, FD_WAIT), IS(2, 64), IS(4, 0)}},
    {"what to wait for", SYS_epoll_ctl, {IS(0, FD_WAIT), ONLY(1, 3)}},

    /* Channels. */
    {"orders of the broker, with objects", SYS_recvmsg,
	{IS(0, FD_BROKER), IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}},
    {"what a dead broker left", SYS_recvmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"http-parser's end of the pair, which stays silent", SYS_recvmmsg,
	{IS(0, FD_PAIR), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"connections to the broker", SYS_sendmmsg, {IS(0, FD_BROKER), IS(3, SENDS)}},
    {"request bytes to http-parser", SYS_sendmmsg, {IS(0, FD_PAIR), IS(3, SENDS)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, SENDS), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto, {IS(0, FD_LOG), IS(3, SENDS), IS(4, 0), IS(5, 0)}},

    /* TFTP: the pool's sockets; to connections it is as good as send. */
    FREE_FD_AND(SYS_recvmmsg, "acknowledgements", IS(3, MSG_DONTWAIT), IS(4, 0)),
    FREE_FD_AND(SYS_sendmmsg, "blocks", IS(3, MSG_DONTWAIT)),
    {"blocks from port 69", SYS_sendmmsg, {BLOCK(0, FD_SINGLE, 32), IS(3, MSG_DONTWAIT)}},

    /* HTTP. */
    {"connections", SYS_accept4,
	{BLOCK(0, FD_LISTEN, LINKS_MAX), IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
    {"connections over IPv6", SYS_accept4,
	{BLOCK(0, FD_LISTEN6, LINKS_MAX), IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
    {"connections of HTTPS", SYS_accept4,
	{BLOCK(0, FD_LISTEN_TLS, LINKS_MAX), IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
    {"connections of HTTPS over IPv6", SYS_accept4,
	{BLOCK(0, FD_LISTEN6_TLS, LINKS_MAX), IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
    {"pairs for their plaintext, which reach nobody else", SYS_socketpair,
	{IS(0, AF_UNIX), IS(1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), IS(2, 0)}},
    {"connections and pairs to tls", SYS_sendmsg,
	{BLOCK(0, FD_TLS, TLS_MAX), IS(2, SENDS)}},
    {"what a dead tls left", SYS_recvmmsg,
	{BLOCK(0, FD_TLS, TLS_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    FREE_FD_AND(SYS_recvfrom, "requests", IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)),
    FREE_FD_AND(SYS_sendto, "headers, to the peer alone", ONLY(3, SENDS | MSG_MORE),
	IS(4, 0), IS(5, 0)),
    FREE_FD_RULES(SYS_sendfile, "bodies"),
    FREE_FD_AND(SYS_setsockopt, "nothing more for one who reads too slowly",
	IS(1, SOL_SOCKET), IS(2, SO_LINGER), IS(4, sizeof(struct linger))),
    FREE_FD_AND(SYS_shutdown, "the end of the last answer", IS(1, SHUT_WR)),

    /* Objects. */
    FREE_FD_AND(SYS_fcntl, "is it sealed?", IS(1, F_GET_SEALS)),
    FREE_FD_AND(SYS_newfstatat, "is it as long as said?", IS(3, AT_EMPTY_PATH)),
    FREE_FD_RULES(SYS_fstat, "the same, with a newer libc"),
    FREE_FD_RULES(SYS_pread64, "blocks of objects"),
    FREE_FD_RULES(SYS_close, "objects and connections"),
    MAP_RULES("blocks of objects, for reading"),
    {"objects that have ended", SYS_munmap, {{0}}},

    {"time where the vDSO cannot", SYS_clock_gettime, {IS(0, CLOCK_MONOTONIC)}},
    {"date where the vDSO cannot", SYS_clock_gettime, {IS(0, CLOCK_REALTIME)}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* Descriptors: 128, a pool of 1024, 8192 objects, 16384 connections. Tables: 14 MiB, and
 * of HTTP 20, of which what is in use is touched. The rest of the addresses is for objects,
 * whose memory exists already: here nothing can be mapped but these, and for reading.
 * Tables of pages for 256 GiB are half a GiB. */
const struct cage_limits cage_role_limits = {
    .files = 32768, .address_space = UINT64_C(256) << 30, .file_size = UINT64_MAX};
const bool cage_reads_store = false;
