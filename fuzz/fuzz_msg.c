/*
 * Message decoding: whatever decodes must encode to the same bytes again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "privsep/msg.h"

int
fuzz_one(const uint8_t *data, size_t len)
{
	static struct msg m;
	uint8_t again[MSG_SIZE_MAX];
	int n;

	if (msg_decode(data, len, &m) != 0)
		return 0;
	n = msg_encode(&m, again, sizeof again);
	if (n < 0 || (size_t)n != len || memcmp(again, data, len) != 0)
		abort();
	return 0;
}
