/*
 * Stacks for OpenSSL's jobs. A handshake that waits for a signature is a job (ASYNC_JOB)
 * that pauses, with a stack of its own. OpenSSL takes those from its allocator, 32 KiB
 * each, with nothing below; here they get room below what it asks for, and a page that
 * nobody can touch under that, for what runs on them reads the network.
 */
#ifndef SALLYPORT_TLS_STACKS_H
#define SALLYPORT_TLS_STACKS_H

#include "src/base/err.h"

/* Sets OpenSSL's allocator. Before anything else of OpenSSL is called. 0 or ERR_SYS. */
int stacks_prepare(void) MUST_CHECK;
/* Makes n stacks, and lets a job run on each once: later ones need neither memory nor a
 * system call. There are never more. 0 or ERR_SYS. */
int stacks_make(unsigned n) MUST_CHECK;

#endif
