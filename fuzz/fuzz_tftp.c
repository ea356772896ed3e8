/*
 * Requests and replies of TFTP, and the name folded as tftp-parser does. What is accepted
 * must be in range, and what is answered no longer than what was asked.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/path.h"
#include "src/wire/tftp.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static void
try_oack(const struct tftp_request *r)
{
	struct tftp_oack o = {.options = r->options,
	    .blksize = r->blksize,
	    .timeout = r->timeout,
	    .windowsize = r->windowsize,
	    .tsize = UINT64_MAX,
	    .rollover = r->rollover};
	uint8_t bytes[TFTP_OACK_MAX];
	int n = tftp_encode_oack(&o, bytes, sizeof bytes);

	REQUIRE(r->options == 0 ? n == ERR_RANGE : n > 2);
}

static void
try_refusal(const struct tftp_request *r, size_t len)
{
	uint8_t bytes[TFTP_ERROR_MAX];
	int n =
	    tftp_encode_error(r->mode != TFTP_OCTET ? TFTP_ERR_ILLEGAL : TFTP_ERR_ACCESS,
		bytes, sizeof bytes);

	REQUIRE(n > 0 && (size_t)n <= len);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct tftp_request r;
	struct tftp_reply reply;
	char name[PATH_FOLDED_MAX + 1];

	if (tftp_decode_reply(data, len, &reply) == 0)
		REQUIRE(len >= 4 && data[1] == (reply.error ? 5 : 4));
	if (tftp_decode_request(data, len, &r) != 0)
		return 0;
	REQUIRE(r.name > data && r.name_len > 0 && r.name + r.name_len < data + len);
	REQUIRE(memchr(r.name, 0, r.name_len) == NULL && r.options <= TFTP_OPTIONS_ALL &&
		r.rollover <= 1);
	REQUIRE(r.blksize >= TFTP_BLKSIZE_MIN && r.blksize <= TFTP_BLKSIZE_MAX);
	REQUIRE(r.windowsize >= 1 && (r.timeout >= 1) == ((r.options & TFTP_TIMEOUT) != 0));
	REQUIRE((r.options & TFTP_BLKSIZE) != 0 || r.blksize == TFTP_BLKSIZE_DEFAULT);
	try_oack(&r);
	try_refusal(&r, len);
	if (path_fold(r.name, r.name_len, PATH_TFTP, name) == 0)
		REQUIRE(name[0] != '\0');
	return 0;
}
