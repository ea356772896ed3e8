/*
 * What the mouth of DHCPv4 may ask of the kernel: take replies and questions from the
 * broker, send them.
 * A packet socket is bound to its interface; with an address in the call it would send on
 * any other, so there the address must be NULL, and calls that carry one in memory are for
 * the sockets of UDP alone, which send to any address anyhow. Nothing is received but from
 * the channel.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

const struct cage_rule cage_rules[] = {
    {"wait for replies and notices", SYS_ppoll, {{0}}},
    {"replies from the broker", SYS_recvmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"frames, on the interface of the socket only", SYS_sendto,
	{BLOCK(0, FD_FRAME, 16), IS(3, SEND_FLAGS), IS(4, 0), IS(5, 0)}},
    {"replies from port 67", SYS_sendmsg, {BLOCK(0, FD_TX67, 16), IS(2, SEND_FLAGS)}},
    {"replies from port 4011", SYS_sendmsg, {BLOCK(0, FD_TX4011, 16), IS(2, SEND_FLAGS)}},
    {"echo requests", SYS_sendto,
	{IS(0, FD_ECHO_MOUTH), IS(3, SEND_FLAGS), IS(5, sizeof(struct sockaddr_in))}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, SEND_FLAGS), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto,
	{IS(0, FD_LOG), IS(3, SEND_FLAGS), IS(4, 0), IS(5, 0)}},
    {"rate of log lines, where the vDSO cannot tell the time", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = 16u << 20, .file_size = 0};
const bool cage_reads_store = false;
