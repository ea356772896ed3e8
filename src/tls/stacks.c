/*
 * Stacks of handshakes in process tls, made before its cage. Nobody's bytes are here.
 */
#include "src/tls/stacks.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "src/tls/libssl.h"

#define PAGE 4096u
#define ASKED (32u << 10) /* what OpenSSL thinks a stack has */
#define BELOW (64u << 10) /* what it has besides */
#define SLOT ((size_t)PAGE + BELOW + ASKED)

static struct {
	uint8_t *base, *end, *next; /* next: NULL when none is being made */
} area;

static bool
is_stack(const void *p)
{
	return (const uint8_t *)p >= area.base && (const uint8_t *)p < area.end;
}

/* The slot's lowest page stays as it was mapped: untouchable. */
static void *
take_stack(void)
{
	uint8_t *slot = area.next;

	if (area.end - slot < (ptrdiff_t)SLOT ||
	    mprotect(slot + PAGE, SLOT - PAGE, PROT_READ | PROT_WRITE) != 0)
		return NULL;
	area.next += SLOT;
	return slot + PAGE + BELOW;
}

static void *
take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (size == ASKED && area.next != NULL)
		return take_stack();
	return malloc(size);
}

static void *
resize(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(p, size);
}

/* A stack is never used for anything else. */
static void
give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!is_stack(p))
		free(p);
}

int
stacks_prepare(void)
{
	return CRYPTO_set_mem_functions(take, resize, give) == 1 ? 0 : ERR_SYS;
}

static int
pause_once(void *arg)
{
	(void)arg;
	(void)ASYNC_pause_job();
	return 1;
}

/* Runs all n at once, to the pause, and then each to its end. */
static int
run_all(ASYNC_JOB **jobs, unsigned n, ASYNC_WAIT_CTX *wait)
{
	int done;

	for (unsigned i = 0; i < n; i++)
		if (ASYNC_start_job(&jobs[i], wait, &done, pause_once, NULL, 0) !=
		    ASYNC_PAUSE)
			return ERR_SYS;
	for (unsigned i = 0; i < n; i++)
		if (ASYNC_start_job(&jobs[i], wait, &done, pause_once, NULL, 0) !=
		    ASYNC_FINISH)
			return ERR_SYS;
	return 0;
}

int
stacks_make(unsigned n)
{
	ASYNC_JOB **jobs = calloc(n, sizeof(ASYNC_JOB *));
	ASYNC_WAIT_CTX *wait = ASYNC_WAIT_CTX_new();
	int err = ERR_SYS;

	area.base = mmap(NULL, n * SLOT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area.base == MAP_FAILED)
		area.base = NULL;
	if (jobs != NULL && wait != NULL && area.base != NULL) {
		area.end = area.base + n * SLOT;
		area.next = area.base;
		if (ASYNC_init_thread(n, n) == 1)
			err = run_all(jobs, n, wait);
		area.next = NULL;
	}
	ASYNC_WAIT_CTX_free(wait);
	free(jobs);
	return err;
}
