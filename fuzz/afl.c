/*
 * AFL++'s entry to a fuzz target: persistent mode, input in shared memory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

__AFL_FUZZ_INIT();

/* What AFL's macros expand to casts strings to "char *" and a ssize_t to unsigned int. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wcast-qual"
#pragma clang diagnostic ignored "-Wshorten-64-to-32"

static void
start_server(void)
{
	__AFL_INIT();
}

static int
next_round(void)
{
	return __AFL_LOOP(10000);
}

static size_t
testcase_len(void)
{
	return __AFL_FUZZ_TESTCASE_LEN;
}

#pragma clang diagnostic pop

int
main(void)
{
	const uint8_t *shared;

	start_server();
	shared = __AFL_FUZZ_TESTCASE_BUF;
	while (next_round()) {
		size_t len = testcase_len();
		uint8_t *exact = malloc(len == 0 ? 1 : len);

		if (exact == NULL)
			return 1;
		memcpy(exact, shared, len);
		(void)fuzz_one(exact, len);
		free(exact);
	}
	return 0;
}
