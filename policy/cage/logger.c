/*
 * What the logger may ask of the kernel: take lines from its channels, write them to the
 * journal's stream.
 */
#include <linux/filter.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

const struct cage_rule cage_rules[] = {
    {"wait for lines", SYS_ppoll, {{0}}},
    {"lines: the channels are 6 to 45; the others in 0 to 63 are harmless to read",
	SYS_recvmmsg, {BLOCK(0, 0, 64)}},
    {"write lines", SYS_write, {IS(0, FD_OUT)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"time stamps where the vDSO cannot", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = 64u << 20, .file_size = UINT64_MAX};
const bool cage_reads_store = false;
