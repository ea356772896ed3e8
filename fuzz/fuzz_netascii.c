/*
 * Texts in netascii, cut into pieces: a slow and plain model must agree. Bytes: a length
 * of pieces, then the text.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "src/file-sender/netascii.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* The byte at `at` of the whole text, or -1 after its end. */
static int
model(const uint8_t *text, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++) {
		bool pair = text[i] == '\n' || text[i] == '\r';

		if (at == 0)
			return text[i] == '\n' ? '\r' : text[i];
		if (pair && at == 1)
			return text[i] == '\n' ? '\n' : '\0';
		at -= pair ? 2 : 1;
	}
	return -1;
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct netascii n = {0}, skip = {0};
	uint8_t out[256];
	size_t at = 0, got, piece;

	if (len == 0 || len > 512)
		return 0;
	piece = data[0] == 0 ? 1 : data[0];
	data++;
	len--;
	do {
		got = netascii_fill(&n, data, len, out, piece);
		for (size_t i = 0; i < got; i++)
			promise(model(data, len, at++) == out[i]);
		netascii_skip(&skip, data, len, got);
		promise(skip.at == n.at && skip.half == n.half);
	} while (got == piece);
	promise(model(data, len, at) == -1 && n.at == len);
	return 0;
}
