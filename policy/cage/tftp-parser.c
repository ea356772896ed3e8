/*
 * What the ear of TFTP may ask of the kernel: hear its sockets, tell the broker, log. No
 * call sends on a network socket, none makes, copies or closes a descriptor.
 */
#include <sys/socket.h>

#include "privsep/cage_rules.h"

const struct cage_rule cage_rules[] = {
    {"wait for datagrams and notices", SYS_ppoll, {{0}}},
    {"hear port 69", SYS_recvmmsg, {BLOCK(0, FD_RX69, 16), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"the same over IPv6", SYS_recvmmsg,
	{BLOCK(0, FD_RX69_V6, 16), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"empty the channel of a broker that is gone", SYS_recvmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"tell the broker", SYS_sendmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto,
	{IS(0, FD_LOG), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"rate of log lines, where the vDSO cannot tell the time", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = 64u << 20, .file_size = 0};
const bool cage_reads_store = false;
