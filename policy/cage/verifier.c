/*
 * What the verifier may ask of the kernel. It opens files, which seccomp cannot limit to a
 * place, for the path lies in memory: that is Landlock's part, which leaves reading beneath
 * the store, in an empty root. Everything else is pinned: it talks to the broker only,
 * writes to the floor and to memory of its own only, and makes no socket and no thread.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "privsep/cage_rules.h"

const struct cage_rule cage_rules[] = {
    {"wait for broker, supervisor, threads and time", SYS_ppoll, {{0}}},
    {"the broker's questions", SYS_recvmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT), IS(4, 0)}},
    {"tell the broker", SYS_sendmmsg,
	{IS(0, FD_BROKER), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL)}},
    {"sealed memory to the broker", SYS_sendmsg,
	{IS(0, FD_BROKER), IS(2, MSG_DONTWAIT | MSG_NOSIGNAL)}},
    {"the supervisor's notices", SYS_recvfrom,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT), IS(4, 0), IS(5, 0)}},
    {"notices to the supervisor", SYS_sendto,
	{IS(0, FD_SUPER), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},
    {"lines to the logger", SYS_sendto,
	{IS(0, FD_LOG), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0), IS(5, 0)}},

    {"open in the store", SYS_openat2, {IS(0, FD_STORE), IS(3, sizeof(struct open_how))}},
    FREE_FD_RULES(SYS_openat2, "open in a folder of the store"),
    FREE_FD_RULES(SYS_getdents64, "list a folder"),
    FREE_FD_RULES(SYS_lseek, "list a folder from its beginning"),
    FREE_FD_RULES(SYS_fstat, "kind and size of what was opened"),
    FREE_FD_RULES(SYS_pread64, "read files, and the copies to hash"),
    FREE_FD_RULES(SYS_close, "files and memory, never a channel"),

    {"a memfd to fill", SYS_memfd_create, {IS(1, MFD_CLOEXEC | MFD_ALLOW_SEALING)}},
    FREE_FD_RULES(SYS_ftruncate, "its size"),
    FREE_FD_RULES(SYS_pwrite64, "its contents; files of the store are open for reading"),
    {"seal it: F_ADD_SEALS on whatever descriptor harms nobody but us", SYS_fcntl,
	{IS(1, F_ADD_SEALS)}},

    {"read the floor", SYS_pread64, {IS(0, FD_FLOOR)}},
    {"write the floor", SYS_pwrite64, {IS(0, FD_FLOOR)}},
    {"make it durable", SYS_fdatasync, {IS(0, FD_FLOOR)}},

    {"a thread is done", SYS_write, {IS(0, FD_WAKE)}},
    {"notice that", SYS_read, {IS(0, FD_WAKE)}},
    {"locks of the threads", SYS_futex, {{0}}},
    {"heap", SYS_brk, {{0}}},
    {"large blocks of the heap", SYS_mmap,
	{ONLY(2, PROT_READ | PROT_WRITE), IS(3, MAP_PRIVATE | MAP_ANONYMOUS), IS32(4, -1)}},
    {"give them back", SYS_munmap, {{0}}},

    {"the time, where the vDSO cannot tell it", SYS_clock_gettime, {{0}}},
    {"ppoll after a stop signal", SYS_restart_syscall, {{0}}},
    {"end", SYS_exit_group, {{0}}},
};
const size_t cage_rules_count = sizeof cage_rules / sizeof cage_rules[0];

/* files: one for each object of the table in src/verifier/sealed.h, and those that are
 * open for a moment. */
const struct cage_limits cage_role_limits = {
    .files = 4096 + 256, .address_space = UINT64_C(2) << 30, .file_size = UINT64_MAX};
const bool cage_reads_store = true;
