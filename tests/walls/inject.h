/*
 * Making a caged process execute one system call of our choice: it is stopped with ptrace
 * in the call that it waits in, its registers are set, and it goes on for one instruction.
 */
#ifndef SALLYPORT_TESTS_INJECT_H
#define SALLYPORT_TESTS_INJECT_H

#include <stdint.h>
#include <sys/types.h>

enum outcome { LIVES, REFUSED, DIED_OTHERWISE };

/* 0, or -1 when the process cannot be traced. The process is stopped afterwards. */
int inject_attach(pid_t pid);
/* Executes call nr; LIVES when it returns, blocks, or ends the process in its own way;
 * REFUSED when the process dies of SIGSYS. Afterwards the process is dead and reaped. */
enum outcome inject_call(pid_t pid, long nr, const uint64_t args[6]);
/* The same through the 32-bit entry of x86-64, int 0x80. */
enum outcome inject_call32(pid_t pid, long nr);

#endif
