/*
 * What the broker may ask of the kernel: talk over its channels and with who connects to
 * the control socket, write the lease store's open file, look at the sealed objects that
 * the verifier sends. It cannot open a file, make a descriptor of any kind but by receiving
 * one or accepting a client, or take the number of a channel for something else.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

#define SENDS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define STORE BLOCK(0, FD_LEASES, 8)
#define CLIENTS(n) BLOCK((n), FD_CLIENT, CLIENT_MAX)

const struct cage_rule cage_rules[] = {
    {"wait", SYS_ppoll, {{0}}},

    /* Channels. */
    {"dhcp-parser", SYS_recvmmsg, {IS(0, FD_DHCP_PARSER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"tftp-parser", SYS_recvmmsg, {IS(0, FD_TFTP_PARSER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"link-parser", SYS_recvmmsg, {IS(0, FD_LINK_PARSER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"dhcp-sender, which stays silent", SYS_recvmmsg,
	{IS(0, FD_DHCP_SENDER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"what a dead verifier left", SYS_recvmmsg,
	{IS(0, FD_VERIFIER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"file-senders", SYS_recvmmsg,
	{BLOCK(0, FD_FILE_SENDER, WORKER_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"http-parsers", SYS_recvmmsg,
	{BLOCK(0, FD_HTTP_PARSER, WORKER_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"who has shown a certificate to a tls process", SYS_recvmmsg,
	{BLOCK(0, FD_TLS_CLIENTS, TLS_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"verifier, with objects", SYS_recvmsg,
	{IS(0, FD_VERIFIER), IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}},
    {"replies", SYS_sendmmsg, {IS(0, FD_DHCP_SENDER), IS(3, SENDS)}},
    {"texts to render", SYS_sendmmsg, {IS(0, FD_VERIFIER), IS(3, SENDS)}},
    {"grants and denials", SYS_sendmmsg,
	{BLOCK(0, FD_FILE_SENDER, WORKER_MAX), IS(3, SENDS)}},
    {"objects to file-senders", SYS_sendmsg,
	{BLOCK(0, FD_FILE_SENDER, WORKER_MAX), IS(2, SENDS)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, SENDS), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto, {IS(0, FD_LOG), IS(3, SENDS), IS(4, 0), IS(5, 0)}},

    /*
     * The control socket. A new client comes with a free number and moves to one of four
     * below FD_FREE, which are never closed: /dev/null takes its place. No channel can be
     * copied, and nothing else can be copied to a channel.
     */
    {"who connects", SYS_accept4,
	{IS(0, FD_CONTROL), IS(1, 0), IS(2, 0), IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
    FREE_FD_AND(SYS_dup3, "it gets its number", CLIENTS(1), IS(2, O_CLOEXEC)),
    {"it is sent away", SYS_dup3, {IS(0, 0), CLIENTS(1), IS(2, O_CLOEXEC)}},
    {"who it is", SYS_getsockopt, {CLIENTS(0), IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)}},
    {"its questions", SYS_recvfrom, {CLIENTS(0), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"answers", SYS_sendto, {CLIENTS(0), IS(3, SENDS), IS(4, 0), IS(5, 0)}},

    /* Objects. */
    FREE_FD_AND(SYS_fcntl, "is it sealed?", IS(1, F_GET_SEALS)),
    FREE_FD_AND(SYS_newfstatat, "is it as long as said?", IS(3, AT_EMPTY_PATH)),
    FREE_FD_RULES(SYS_close, "objects, never a channel"),

    /* The lease store: pages, then the root page, then word to the main thread. */
    {"a page, and the root page", SYS_pwrite64, {STORE}},
    {"several pages: where", SYS_lseek, {STORE, IS(2, SEEK_SET)}},
    {"several pages", SYS_writev, {STORE}},
    {"a commit is on disk", SYS_fdatasync, {STORE}},
    {"a commit has ended", SYS_write, {STORE, IS(2, sizeof(uint64_t))}},
    {"a commit has ended: seen", SYS_read, {STORE, IS(2, sizeof(uint64_t))}},
    {"lock between the two threads", SYS_futex, {{0}}},

    /* Memory: never executable. */
    {"heap", SYS_brk, {{0}}},
    {"large blocks of the heap", SYS_mmap,
	{ONLY(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS), IS32(4, -1)}},
    {"give them back", SYS_munmap, {{0}}},
    {"let them grow", SYS_mremap, {IS(3, MREMAP_MAYMOVE)}},

    {"the time, where the vDSO cannot tell it", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* The store's map is 4 GiB of addresses; its file grows. */
const struct cage_limits cage_role_limits = {
    .files = 16384, .address_space = UINT64_MAX, .file_size = UINT64_MAX};
const bool cage_reads_store = false;
