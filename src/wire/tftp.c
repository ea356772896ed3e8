/*
 * TFTP packets. Decoding runs in tftp-parser, which can say nothing, and in file-sender
 * for the two fixed shapes a client sends during a transfer; encoding in file-sender.
 * Every byte that is read here comes from a network that nobody trusts.
 */
#include "src/wire/tftp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/buf.h"

enum { OP_RRQ = 1, OP_WRQ = 2, OP_DATA = 3, OP_ACK = 4, OP_ERROR = 5, OP_OACK = 6 };

struct text {
	const uint8_t *p;
	size_t len;
};

struct option {
	const char *name;
	uint8_t bit;
	uint64_t min, max;
};

static const struct option known[] = {
    {"blksize", TFTP_BLKSIZE, TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_MAX}, /* RFC 2348 */
    {"tsize", TFTP_TSIZE, 0, UINT64_MAX},                          /* RFC 2349 */
    {"timeout", TFTP_TIMEOUT, 1, 255},                             /* RFC 2349 */
    {"windowsize", TFTP_WINDOWSIZE, 1, 65535},                     /* RFC 7440 */
    {"rollover", TFTP_ROLLOVER, 0, 1},
};

#define KNOWN (sizeof known / sizeof known[0])

/* The next string, without its NUL. Makes the cursor bad when there is no NUL. */
static struct text
take_text(struct in *in)
{
	struct text t = {in->p, 0};
	const uint8_t *nul = in_left(in) == 0 ? NULL : memchr(in->p, 0, in->left);

	if (nul == NULL) {
		in->bad = true;
		return t;
	}
	t.len = (size_t)(nul - in->p);
	in_skip(in, t.len + 1);
	return t;
}

static bool
text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp((const char *)t.p, word, t.len) == 0;
}

/* Digits only, no sign, no overflow. */
static bool
parse_number(struct text t, uint64_t *number)
{
	uint64_t n = 0;

	if (t.len == 0)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		unsigned digit = t.p[i] - (unsigned)'0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

static enum tftp_mode
parse_mode(struct text t)
{
	if (text_is(t, "octet"))
		return TFTP_OCTET;
	if (text_is(t, "netascii"))
		return TFTP_NETASCII;
	return text_is(t, "mail") ? TFTP_MAIL : TFTP_OTHER_MODE;
}

static void
set_option(struct tftp_request *r, const struct option *o, uint64_t v)
{
	r->options |= o->bit;
	switch (o->bit) {
	case TFTP_BLKSIZE: r->blksize = (uint16_t)v; break;
	case TFTP_TIMEOUT: r->timeout = (uint8_t)v; break;
	case TFTP_WINDOWSIZE: r->windowsize = (uint16_t)v; break;
	case TFTP_ROLLOVER: r->rollover = (uint8_t)v; break;
	default: break; /* tsize: the client's number is only a question mark */
	}
}

/* seen: the options that had their one chance, also with an unusable value. */
static void
take_option(struct tftp_request *r, struct text name, struct text value, unsigned *seen)
{
	for (size_t i = 0; i < KNOWN; i++) {
		const struct option *o = &known[i];
		uint64_t v = 0;

		if (!text_is(name, o->name))
			continue;
		if ((*seen & o->bit) == 0 && parse_number(value, &v) && v >= o->min &&
		    v <= o->max)
			set_option(r, o, v);
		*seen |= o->bit;
	}
}

static bool
is_padding(const struct in *in)
{
	for (size_t i = 0; i < in->left; i++)
		if (in->p[i] != 0)
			return false;
	return true;
}

int
tftp_decode_request(const void *bytes, size_t len, struct tftp_request *r)
{
	struct tftp_request got = {.blksize = TFTP_BLKSIZE_DEFAULT, .windowsize = 1};
	struct in in;
	struct text name, mode;
	unsigned op, seen = 0;

	if (len > TFTP_REQUEST_MAX)
		return ERR_LONG;
	in_init(&in, bytes, len);
	op = in_u16(&in);
	if (!in_ok(&in))
		return ERR_SHORT;
	if (op != OP_RRQ && op != OP_WRQ)
		return ERR_UNSUPPORTED;
	name = take_text(&in);
	mode = take_text(&in);
	while (in_ok(&in) && !is_padding(&in)) {
		struct text option = take_text(&in);
		struct text value = take_text(&in);

		if (in_ok(&in))
			take_option(&got, option, value, &seen);
	}
	if (!in_ok(&in))
		return ERR_SHORT;
	if (name.len == 0)
		return ERR_FORMAT;
	got.write = op == OP_WRQ;
	got.mode = parse_mode(mode);
	got.name = name.p;
	got.name_len = name.len;
	*r = got;
	return 0;
}

int
tftp_decode_reply(const void *bytes, size_t len, struct tftp_reply *r)
{
	struct in in;
	unsigned op, number;

	in_init(&in, bytes, len);
	op = in_u16(&in);
	number = in_u16(&in);
	if (!in_ok(&in))
		return ERR_SHORT;
	if (op != OP_ACK && op != OP_ERROR)
		return ERR_UNSUPPORTED;
	if (len > TFTP_REPLY_MAX || (op == OP_ACK && !in_done(&in)))
		return ERR_LONG;
	r->error = op == OP_ERROR;
	r->number = (uint16_t)number;
	return 0;
}

static void
put_option(struct out *out, const char *name, uint64_t value)
{
	char digits[21];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
	out_copy(out, name, strlen(name) + 1);
	out_copy(out, digits, strlen(digits) + 1);
}

int
tftp_encode_oack(const struct tftp_oack *o, uint8_t *bytes, size_t cap)
{
	const uint64_t values[KNOWN] = {
	    o->blksize, o->tsize, o->timeout, o->windowsize, o->rollover};
	struct out out;

	if (o->options == 0 || o->options > TFTP_OPTIONS_ALL)
		return ERR_RANGE;
	out_init(&out, bytes, cap);
	out_u16(&out, OP_OACK);
	for (size_t i = 0; i < KNOWN; i++) {
		if ((o->options & known[i].bit) == 0)
			continue;
		if (values[i] < known[i].min || values[i] > known[i].max)
			return ERR_RANGE;
		put_option(&out, known[i].name, values[i]);
	}
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}

int
tftp_encode_data(uint16_t block, uint8_t *bytes, size_t cap)
{
	struct out out;

	out_init(&out, bytes, cap);
	out_u16(&out, OP_DATA);
	out_u16(&out, block);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}

int
tftp_encode_error(enum tftp_error code, uint8_t *bytes, size_t cap)
{
	/* The shortest request for a file has 10 bytes with mode "octet", so 5 letters
	 * are allowed; with a mode that is refused (error 4) it has 5, so none are. */
	static const char *const texts[] = {
	    [TFTP_ERR_OTHER] = "error",
	    [TFTP_ERR_NOT_FOUND] = "none",
	    [TFTP_ERR_ACCESS] = "never",
	    [TFTP_ERR_FULL] = "full",
	    [TFTP_ERR_ILLEGAL] = "",
	    [TFTP_ERR_TID] = "port",
	    [TFTP_ERR_EXISTS] = "twice",
	    [TFTP_ERR_USER] = "user",
	    [TFTP_ERR_OPTION] = "opts",
	};
	struct out out;

	if ((unsigned)code >= sizeof texts / sizeof texts[0])
		return ERR_RANGE;
	out_init(&out, bytes, cap);
	out_u16(&out, OP_ERROR);
	out_u16(&out, (uint16_t)code);
	out_copy(&out, texts[code], strlen(texts[code]) + 1);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
