/*
 * What conf-check may ask of the kernel: memory for the tree, one line to the operator or
 * a few messages to the supervisor, the effective configuration for who asked for it, and
 * the end. It reads nothing: the text is in memory
 * before the filter is.
 */
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

const struct cage_rule cage_rules[] = {
    {"the heap", SYS_brk, {{0}}},
    {"large blocks", SYS_mmap,
	{IS(0, 0), IS(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS),
	    IS32(4, -1), IS(5, 0)}},
    {"large blocks", SYS_munmap, {{0}}},
    {"what is wrong, for the operator", SYS_write, {IS(0, FD_ERROR)}},
    {"the effective configuration, for the operator", SYS_write, {IS(0, FD_PRINT)}},
    {"what root needs to know", SYS_sendto,
	{IS(0, FD_TELL), IS(3, MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"log lines", SYS_sendto,
	{IS(0, FD_LOG), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"time of a log line where the vDSO cannot", SYS_clock_gettime, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* The texts and the scanner's copy take 48 MiB, what is made of them another 100. */
const struct cage_limits cage_role_limits = {
    .files = FD_FREE, .address_space = 512u << 20, .file_size = UINT64_MAX};
const bool cage_reads_store = false;
