/*
 * AFL++'s entry to a fuzz target: persistent mode, input in shared memory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

__AFL_FUZZ_INIT();

int
main(void)
{
	const uint8_t *shared;

	__AFL_INIT();
	shared = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000)) {
		size_t len = (size_t)__AFL_FUZZ_TESTCASE_LEN;
		uint8_t *exact = malloc(len == 0 ? 1 : len);

		if (exact == NULL)
			return 1;
		memcpy(exact, shared, len);
		(void)fuzz_one(exact, len);
		free(exact);
	}
	return 0;
}
