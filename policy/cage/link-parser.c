/*
 * What the ear of the links may ask of the kernel: look at its rings, which are memory,
 * hear echo replies, tell the broker, log. The packet sockets of the rings are closed
 * before this is loaded; no call makes, copies or closes a descriptor.
 */
#include <sys/socket.h>

#include "privsep/cage_rules.h"

const struct cage_rule cage_rules[] = {
    {"wait for frames, replies and notices", SYS_ppoll, {{0}}},
    {"which ring has frames", SYS_epoll_pwait,
	{IS(0, FD_WAIT), IS(2, LINKS_MAX), IS(3, 0), IS(4, 0)}},
    {"hear echo replies", SYS_recvmmsg,
	{IS(0, FD_ECHO_EAR), IS(3, MSG_DONTWAIT), IS(4, 0)}},
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

/* Sixteen rings take 8 MiB. */
const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = 24u << 20, .file_size = 0};
const bool cage_reads_store = false;
