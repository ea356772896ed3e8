/*
 * keys: the private keys of HTTPS. It signs what a server signs in a TLS handshake, for the
 * tls processes, any of which may be owned, and nothing else. It has no network and no file
 * once the keys are read; what memory holds of them is neither swapped nor dumped.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privsep/cage.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/keys/load.h"
#include "src/keys/pool.h"
#include "src/keys/serve.h"

#define SECURE_HEAP (512u << 10) /* a power of two: key files, keys, secrets */
#define HEAP_AHEAD (1 << 20)     /* bytes that the heap has before it is locked */
#define STACK_AHEAD (128u << 10) /* the same of the stack: neither may grow any more */
#define EXPIRY_MS UINT64_C(600000)

static struct start start;
static struct secrets secrets;
static struct serve_config config = {.secrets = &secrets};

/* The stack is a locked mapping, which the cage's limit of 0 keeps from growing. */
static void __attribute__((noinline)) touch_stack(void)
{
	volatile uint8_t room[STACK_AHEAD];

	for (size_t i = 0; i < sizeof room; i += 1024)
		room[i] = 0;
}

/* All that can be written: OpenSSL's copies of a key lie anywhere in the heap. Not the
 * libraries, for together they are more than what may be locked without a privilege (8 MiB
 * in most places). Returns why not, or NULL. */
static const char *
lock_written(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const char *why = NULL;
	char line[512], *rest;
	uintptr_t first, last;

	if (maps == NULL)
		return strerror(errno);
	/* "FIRST-LAST MODE ...", and the kernel writes nothing else. */
	while (why == NULL && fgets(line, sizeof line, maps) != NULL) {
		first = strtoul(line, &rest, 16);
		last = strtoul(rest + (*rest == '-'), &rest, 16);
		if (strncmp(rest, " rw", 3) == 0 &&
		    mlock((const void *)first, last - first) != 0)
			why = strerror(errno);
	}
	fclose(maps);
	return why;
}

/* Where memory cannot be locked, the unit's MemorySwapMax= still keeps it from the disk. */
static void
lock_memory(void)
{
	const char *why;

	touch_stack();
	why = lock_written();
	if (why != NULL)
		log_event(LOG_WARNING, "keys-not-locked", "why=\"%s\"", why);
}

/* One heap, which does not move: others would be made by calls that the cage refuses, and
 * what is given back to the kernel is not locked any more. */
static void
prepare_memory(void)
{
	if (mallopt(M_ARENA_MAX, 1) != 1 || mallopt(M_MMAP_MAX, 0) != 1 ||
	    mallopt(M_TOP_PAD, HEAP_AHEAD) != 1 ||
	    mallopt(M_TRIM_THRESHOLD, 1 << 30) != 1 ||
	    CRYPTO_secure_malloc_init(SECURE_HEAP, 32) == 0)
		start_fail("memory of the keys");
}

static void
wipe(void)
{
	pool_stop();
	load_forget(&secrets);
}

static void
on_notice(void)
{
	enum role role;
	unsigned index;

	if (!super_poll(&role, &index))
		return;
	if (role == ROLE_TLS)
		serve_reset(index);
	super_cleared(role, index);
}

static void
loop(void)
{
	struct pollfd p[2 + TLS_MAX];
	uint64_t expiry_ms = 0;

	for (;;) {
		struct timespec wait = {.tv_sec = EXPIRY_MS / 1000};

		if (clock_mono_ms() >= expiry_ms) {
			load_warn_of_expiry(&secrets, clock_wall_s());
			expiry_ms = clock_mono_ms() + EXPIRY_MS;
		}
		if (serve_step())
			wait.tv_sec = 0;
		p[0] = (struct pollfd){FD_SUPER, POLLIN, 0};
		p[1] = (struct pollfd){FD_SIGNED, POLLIN, 0};
		serve_poll(p + 2);
		if (ppoll(p, 2 + config.signers, &wait, NULL) <= 0)
			continue;
		if (p[1].revents != 0)
			pool_clear();
		if (p[0].revents != 0)
			on_notice();
	}
}

int
main(int argc, char **argv)
{
	struct cage_hooks hooks = {.threads = pool_start};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	start_init(&start, ROLE_KEYS, argc, argv);
	config.signers = (unsigned)start_number(&start, "tls", 1, TLS_MAX);
	config.verify_client = (uint8_t)start_number(&start, "verify_client", 0, 2);
	config.decrypts = start_number(&start, "rsa_exchange", 0, 1) == 1;
	prepare_memory();
	load_secrets(&secrets);
	pool_init(&secrets, cores < 1 ? 1 : (unsigned)cores);
	serve_init(&config);
	lock_memory();
	super_before_end(wipe);
	cage_enter(&start, &hooks);
	start_ready();
	loop();
}
