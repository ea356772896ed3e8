/*
 * Any bytes as a capture: what is found lies within.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/sallyport/capture.h"

int
fuzz_one(const uint8_t *data, size_t len)
{
	for (unsigned n = 0; n < 3; n++) {
		struct captured c;
		unsigned sum = 0;
		int err = capture_find(data, len, n, &c);

		if (err != 0 && err != ERR_ABSENT && err != ERR_UNSUPPORTED &&
		    err != ERR_FORMAT)
			abort();
		for (size_t i = 0; err == 0 && i < c.len; i++)
			sum += c.payload[i];
		if (sum > 255 * len)
			abort();
		if (err == 0 && c.has_headers && c.dport != 67 && c.dport != 4011)
			abort();
	}
	return 0;
}
