/*
 * What keys may ask of the kernel: hear what the tls processes want signed, answer, log.
 * The keys were read before; no call opens, makes, copies or closes a descriptor.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

#define SENDS (MSG_DONTWAIT | MSG_NOSIGNAL)

const struct cage_rule cage_rules[] = {
    {"wait", SYS_ppoll, {{0}}},
    {"what to sign", SYS_recvmmsg,
	{BLOCK(0, FD_SIGN, TLS_MAX), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"signatures", SYS_sendmmsg, {BLOCK(0, FD_SIGN, TLS_MAX), IS(3, SENDS)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, SENDS), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto, {IS(0, FD_LOG), IS(3, SENDS), IS(4, 0), IS(5, 0)}},

    {"a thread is done", SYS_write, {IS(0, FD_SIGNED)}},
    {"notice that", SYS_read, {IS(0, FD_SIGNED)}},
    {"locks of the threads", SYS_futex, {{0}}},
    {"salts, nonces, blinding; a new seed at times", SYS_getrandom, {{0}}},
    {"OpenSSL asks before each use of its generator whether it was forked", SYS_getpid,
	{{0}}},
    {"heap", SYS_brk, {{0}}},
    {"large blocks of the heap", SYS_mmap,
	{ONLY(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS), IS32(4, -1)}},
    {"give them back", SYS_munmap, {{0}}},
    {"time where the vDSO cannot", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = UINT64_C(256) << 20, .file_size = 0};
const bool cage_reads_store = false;
