/*
 * What tls may ask of the kernel: take connections from the file-senders, read and write
 * them and their pairs, ask keys to sign, tell the broker who has shown a certificate. No
 * call makes a socket or copies a descriptor, and only free ones can be closed.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

#define SENDS (MSG_DONTWAIT | MSG_NOSIGNAL)

const struct cage_rule cage_rules[] = {
    {"wait for notices", SYS_ppoll, {{0}}},
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

    FREE_FD_RULES(SYS_close, "connections and pairs, never a channel"),
    {"heap", SYS_brk, {{0}}},
    {"large blocks of the heap", SYS_mmap,
	{ONLY(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS), IS32(4, -1)}},
    {"give them back", SYS_munmap, {{0}}},
    {"time where the vDSO cannot", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* Two descriptors a connection. */
const struct cage_limits cage_role_limits = {
    .files = 16384, .address_space = UINT64_C(1) << 30, .file_size = 0};
const bool cage_reads_store = false;
