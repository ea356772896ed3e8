/*
 * The connections of http-parser as a state machine. The input is a program: an operation
 * byte (three bits of connection, three of operation), a length byte for BYTES, bytes. The
 * model beside it knows only what the contract promises, to a file-sender that is owned.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/http-parser/conns.h"

#define CONNS 8
#define REQUIRE(condition) ((condition) ? (void)0 : abort())

struct model {
	bool asked[CONNS];  /* a request is out */
	bool closed[CONNS]; /* nothing more may come out */
	unsigned out;       /* messages of this call */
	/* Bytes that were taken, and that no request has used up. */
	size_t held[CONNS];
};

static void
on_out(void *arg, const struct msg *m)
{
	struct model *model = arg;
	uint8_t bytes[MSG_SIZE_MAX];
	uint64_t conn = m->nr == MSG_GET_TELL ? m->u.get_tell.conn : m->u.bad_tell.conn;

	REQUIRE(++model->out <= CONNS_OUT_MAX);
	REQUIRE(m->nr == MSG_GET_TELL || m->nr == MSG_BAD_TELL);
	REQUIRE(msg_encode(m, bytes, sizeof bytes) > 0);
	REQUIRE(conn < CONNS && !model->closed[conn]);
	REQUIRE(!model->asked[conn]);
	model->asked[conn] = true;
	if (m->nr == MSG_GET_TELL) {
		size_t used = m->u.get_tell.used;

		REQUIRE(used >= 16 && used <= model->held[conn]);
		model->held[conn] -= used;
	}
	if (m->nr == MSG_BAD_TELL)
		REQUIRE(m->u.bad_tell.status >= 400 && m->u.bad_tell.status <= 505);
	model->closed[conn] = m->nr == MSG_BAD_TELL || m->u.get_tell.keep == 0;
}

static void
forget(struct model *model, unsigned conn)
{
	model->asked[conn] = false;
	model->closed[conn] = false;
	model->held[conn] = 0;
}

/* Bytes from the input, many times over when `more` asks for a flood. */
static void
feed(struct conns *c, struct model *model, unsigned conn, bool next, const uint8_t *bytes,
    size_t len, unsigned times)
{
	while (times-- > 0) {
		size_t before = model->held[conn];
		int err;

		if (next)
			model->asked[conn] = model->closed[conn];
		model->held[conn] += len;
		err = conns_bytes(c, conn, next, bytes, len);
		REQUIRE(err == 0 || err == ERR_LONG || (err == ERR_RANGE && len == 0));
		/* What was held may have been answered, the new bytes were not taken. */
		if (err != 0)
			model->held[conn] -= len;
		REQUIRE(err != ERR_LONG || before + len > HTTP_HEAD_MAX);
		model->out = 0;
	}
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct model model = {.out = 0};
	struct conns *c = conns_init(CONNS, 2, on_out, &model);
	size_t at = 0;

	REQUIRE(c != NULL);
	while (at < len) {
		unsigned conn = data[at] & 7, op = data[at] >> 3 & 7;
		size_t n = ++at < len ? data[at] : 0;

		model.out = 0;
		if (op == 0) {
			conns_end(c, conn);
			forget(&model, conn);
		} else if (op == 1) {
			model.asked[conn] = model.closed[conn];
			conns_next(c, conn);
		} else if (op == 2) {
			conns_reset(c);
			memset(&model, 0, sizeof model);
		} else if (op >= 3) {
			if (at < len)
				at++;
			n = n < len - at ? n : len - at;
			feed(c, &model, conn, op == 3, data + at, n, op == 7 ? 40 : 1);
			at += n;
		}
		REQUIRE(conns_count(c).entries <= CONNS && conns_count(c).buffers <= 2);
	}
	for (unsigned i = 0; i < CONNS; i++)
		conns_end(c, i);
	REQUIRE(conns_count(c).entries == 0 && conns_count(c).buffers == 0);
	conns_free(c);
	return 0;
}
