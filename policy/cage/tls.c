/*
 * What tls may ask of the kernel: take connections from the file-senders, read and write
 * them and their pairs, ask keys to sign, tell the broker who has shown a certificate. No
 * call makes a socket or copies a descriptor, and only free ones can be closed.
 */
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

#define SENDS (MSG_DONTWAIT | MSG_NOSIGNAL)

const struct cage_rule cage_rules[] = {
    /* The loop. A connection enters the set once; closing takes it out. */
    {"wait", SYS_epoll_pwait, {IS(0, FD_WAIT), IS(2, 64), IS(4, 0)}},
    {"what to wait for", SYS_epoll_ctl, {IS(0, FD_WAIT), ONLY(1, 3)}},

    /* Channels. */
    {"what a dead neighbour left", SYS_recvmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"signatures", SYS_recvmmsg, {IS(0, FD_KEYS), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"what a dead file-sender left", SYS_recvmmsg,
	{BLOCK(0, FD_TLS_SENDER, WORKER_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"connections, with their descriptors", SYS_recvmsg,
	{BLOCK(0, FD_TLS_SENDER, WORKER_MAX), IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}},
    {"clients' certificates to the broker", SYS_sendmmsg, {IS(0, FD_BROKER), IS(3, SENDS)}},
    {"what to sign", SYS_sendmmsg, {IS(0, FD_KEYS), IS(3, SENDS)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, SENDS), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto, {IS(0, FD_LOG), IS(3, SENDS), IS(4, 0), IS(5, 0)}},

    /* Connections and their pairs; no other descriptor has such a number. */
    FREE_FD_AND(SYS_recvfrom, "what clients and file-senders say",
	ONLY(3, MSG_DONTWAIT | MSG_PEEK), IS(4, 0), IS(5, 0)),
    FREE_FD_AND(SYS_sendto, "what they are told", IS(3, SENDS), IS(4, 0), IS(5, 0)),
    FREE_FD_AND(SYS_shutdown, "nothing more will be said", IS(1, SHUT_WR)),
    FREE_FD_RULES(SYS_close, "connections and pairs, never a channel"),

    /* OpenSSL. */
    {"random numbers", SYS_getrandom, {{0}}},
    {"has it forked? it asks before random numbers", SYS_getpid, {{0}}},
    {"what was set up once is ready: there is one thread", SYS_futex,
	{IS(1, FUTEX_WAKE_PRIVATE)}},
    {"heap", SYS_brk, {{0}}},
    {"large blocks of the heap", SYS_mmap,
	{ONLY(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS), IS32(4, -1)}},
    {"give them back", SYS_munmap, {{0}}},
    {"time where the vDSO cannot", SYS_clock_gettime, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* 128 descriptors, two for each of 16384 connections, and two on their way. */
const struct cage_limits cage_role_limits = {
    .files = 33024, .address_space = UINT64_C(1) << 30, .file_size = 0};
const bool cage_reads_store = false;
