/*
 * Request heads of HTTP/1.x, in http-parser, which has no socket: it reads what any
 * stranger sent and can only tell the broker what was asked for. Every doubt about where
 * a head ends, or whether a body follows, is an error that closes the connection.
 */
#include "src/wire/http.h"

#include <string.h>
#include <strings.h>

#include "src/base/buf.h"
#include "src/wire/http_value.h"

/* What the lines after the first say. */
struct fields {
	unsigned hosts, lengths, ranges, if_ranges, modified, unmodified;
	bool transfer, expect, close, keep_alive;
	bool body; /* a Content-Length that is not zero, or not a number */
	bool bad_host;
	struct in range, if_range, modified_since, unmodified_since;
	uint8_t conditions; /* of tags */
	struct http_tags match, none_match;
};

/* ---------------------------------------------------------------------- framing */

/* Is this allowed between the first byte of a line and its CRLF? */
static bool
is_text(uint8_t c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t';
}

int
http_head_length(const uint8_t *bytes, size_t len, size_t *from)
{
	size_t i = *from;

	while (i < len && i < HTTP_HEAD_MAX) {
		if (is_text(bytes[i])) {
			i++;
			continue;
		}
		if (bytes[i] != '\r' || i == 0)
			return ERR_FORMAT;
		if (i + 1 == len || i + 1 == HTTP_HEAD_MAX)
			break;
		if (bytes[i + 1] != '\n')
			return ERR_FORMAT;
		/* Whatever LF stands before here ends a line. */
		if (bytes[i - 1] == '\n')
			return (int)i + 2;
		i += 2;
	}
	*from = i;
	return len >= HTTP_HEAD_MAX ? ERR_LONG : 0;
}

int
http_head_refusal(const uint8_t *bytes, size_t len, int err)
{
	if (err != ERR_LONG)
		return 400;
	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	return memchr(bytes, '\n', len) == NULL ? 414 : 431;
}

bool
http_wants_head(const uint8_t *bytes, size_t len)
{
	return len >= 5 && memcmp(bytes, "HEAD ", 5) == 0;
}

/* The next line, without its CRLF. The framing has been checked. */
static struct in
take_line(struct in *in)
{
	const uint8_t *cr = in_left(in) == 0 ? NULL : memchr(in->p, '\r', in->left);
	struct in line = in_sub(in, cr == NULL ? in_left(in) : (size_t)(cr - in->p));

	in_skip(in, 2);
	return line;
}

/* ----------------------------------------------------------------- request line */

/* A character of a token (RFC 9110, 5.6.2). */
static bool
is_token(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Letters, digits and marks of a host with its port (RFC 3986, 3.2.2, 3.2.3). */
static bool
is_authority(struct in v)
{
	while (in_left(&v) > 0) {
		uint8_t c = in_u8(&v);

		if (c >= 0x80 || (!is_token(c) && strchr(":[]()=,;", c) == NULL) ||
		    strchr("#^`|", c) != NULL)
			return false;
	}
	return true;
}

/* What is before the next space, which is skipped; bad when there is none. */
static struct in
take_word(struct in *line)
{
	const uint8_t *space = in_left(line) == 0 ? NULL : memchr(line->p, ' ', line->left);
	struct in word;

	if (space == NULL) {
		line->bad = true;
		return *line;
	}
	word = in_sub(line, (size_t)(space - line->p));
	in_skip(line, 1);
	return word;
}

/* 0 and the minor version, 400 or 505. */
static int
parse_version(struct in v, unsigned *minor)
{
	const uint8_t *p = in_take(&v, 8);

	if (p == NULL || !in_done(&v) || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' ||
	    p[5] < '0' || p[5] > '9' || p[7] < '0' || p[7] > '9')
		return 400;
	*minor = p[7] - (unsigned)'0';
	return p[5] == '1' && *minor <= 1 ? 0 : 505;
}

static int
check_target(struct in target)
{
	if (in_left(&target) == 0)
		return 400;
	if (in_left(&target) > HTTP_TARGET_MAX)
		return 414;
	while (in_left(&target) > 0) {
		uint8_t c = in_u8(&target);

		if (c <= 0x20 || c >= 0x7f)
			return 400;
	}
	return 0;
}

static bool
is_word(struct in v, const char *word)
{
	return in_left(&v) == strlen(word) && memcmp(v.p, word, v.left) == 0;
}

/* 0 and the method, 405 for one that others have, 501 for one nobody has. */
static int
parse_method(struct in v, enum http_method *method)
{
	static const char *const others[] = {
	    "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

	*method = is_word(v, "HEAD") ? HTTP_HEAD : HTTP_GET;
	if (is_word(v, "GET") || is_word(v, "HEAD"))
		return 0;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (is_word(v, others[i]))
			return 405;
	return 501;
}

static int
parse_request_line(
    struct in line, enum http_method *method, struct in *target, unsigned *minor)
{
	struct in name = take_word(&line);
	int status;

	*target = take_word(&line);
	if (!in_ok(&line) || in_left(&name) == 0)
		return 400;
	for (size_t i = 0; i < name.left; i++)
		if (!is_token(name.p[i]))
			return 400;
	status = parse_version(line, minor);
	if (status == 0)
		status = check_target(*target);
	return status != 0 ? status : parse_method(name, method);
}

/* The name in a target of either form; the host that an absolute one names is no concern
 * of ours, but must look like one. */
static int
parse_target(struct in target, char path[PATH_FOLDED_MAX + 1])
{
	const char *schemes[] = {"http://", "https://"};
	int err;

	for (size_t i = 0; target.p[0] != '/' && i < 2; i++) {
		size_t n = strlen(schemes[i]);
		struct in authority;

		if (in_left(&target) <= n ||
		    strncasecmp((const char *)target.p, schemes[i], n) != 0)
			continue;
		in_skip(&target, n);
		n = 0;
		while (n < target.left && target.p[n] != '/' && target.p[n] != '?')
			n++;
		authority = in_sub(&target, n);
		if (n == 0 || !is_authority(authority))
			return 400;
		if (in_left(&target) == 0 || target.p[0] != '/')
			return 404;
	}
	if (target.p[0] != '/')
		return 400;
	err = path_fold(target.p, target.left, PATH_HTTP, path);
	if (err == ERR_ABSENT)
		return 404;
	if (err == ERR_LONG)
		return 414;
	return err == 0 ? 0 : 400;
}

/* ----------------------------------------------------------------- header fields */

static void
on_connection(struct fields *f, struct in value)
{
	while (in_left(&value) > 0) {
		struct in part = http_value_next(&value);

		f->close |= http_value_is(part, "close");
		f->keep_alive |= http_value_is(part, "keep-alive");
	}
}

static void
on_tags(struct fields *f, struct in value, bool none)
{
	if (http_value_is(value, "*")) {
		f->conditions |= none ? HTTP_IF_NONE_MATCH_ANY : HTTP_IF_MATCH_ANY;
		return;
	}
	f->conditions |= none ? HTTP_IF_NONE_MATCH : HTTP_IF_MATCH;
	/* Only If-None-Match compares weakly (RFC 9110, 13.1.1, 13.1.2). */
	http_value_tags(value, none, none ? &f->none_match : &f->match);
}

static void
on_field(struct fields *f, struct in name, struct in value)
{
	if (http_value_is(name, "Host")) {
		f->hosts++;
		f->bad_host |= !is_authority(value);
	} else if (http_value_is(name, "Connection")) {
		on_connection(f, value);
	} else if (http_value_is(name, "Content-Length")) {
		f->lengths++;
		f->body |= http_value_length(value) != 0;
	} else if (http_value_is(name, "Transfer-Encoding")) {
		f->transfer = true;
	} else if (http_value_is(name, "Expect")) {
		f->expect = true;
	} else if (http_value_is(name, "Range")) {
		f->ranges++;
		f->range = value;
	} else if (http_value_is(name, "If-Range")) {
		f->if_ranges++;
		f->if_range = value;
	} else if (http_value_is(name, "If-Match")) {
		on_tags(f, value, false);
	} else if (http_value_is(name, "If-None-Match")) {
		on_tags(f, value, true);
	} else if (http_value_is(name, "If-Modified-Since")) {
		f->modified++;
		f->modified_since = value;
	} else if (http_value_is(name, "If-Unmodified-Since")) {
		f->unmodified++;
		f->unmodified_since = value;
	}
}

/* Lines up to the empty one. 0, 400 or 431. */
static int
parse_fields(struct in *in, struct fields *f)
{
	unsigned count = 0;

	for (;;) {
		struct in line = take_line(in);
		const uint8_t *colon;
		struct in name;

		if (in_left(&line) == 0)
			return 0;
		if (++count > HTTP_FIELDS_MAX)
			return 431;
		colon = memchr(line.p, ':', line.left);
		if (colon == NULL || colon == line.p)
			return 400;
		name = in_sub(&line, (size_t)(colon - line.p));
		in_skip(&line, 1);
		/* A folded line, and a space before the colon, fail here. */
		for (size_t i = 0; i < name.left; i++)
			if (!is_token(name.p[i]))
				return 400;
		on_field(f, name, http_value_trim(line));
	}
}

/* No body, no trick about one, and a host where there must be one (RFC 9112, 3.2, 6). */
static int
check_fields(const struct fields *f, unsigned minor)
{
	if (f->bad_host || f->hosts > 1 || (f->hosts == 0 && minor == 1))
		return 400;
	if (f->lengths > 1 || f->body)
		return 400;
	if (f->transfer)
		return f->lengths > 0 || minor == 0 ? 400 : 501;
	return f->expect ? 417 : 0;
}

/* If-Range: 0 (there is none, or it cannot match), or the bit of what it holds. */
static uint8_t
parse_if_range(struct http_head *h, const struct fields *f)
{
	if (f->if_ranges != 1)
		return 0;
	if (http_value_tag(f->if_range, h->range_tag))
		return HTTP_IF_RANGE_TAG;
	memset(h->range_tag, 0, sizeof h->range_tag);
	return http_value_date(f->if_range, &h->range_since) ? HTTP_IF_RANGE_DATE : 0;
}

static void
set_range(struct http_head *h, const struct fields *f)
{
	enum http_range range;
	uint64_t first, last;
	uint8_t condition;

	if (f->ranges != 1 || h->method != HTTP_GET)
		return;
	range = http_value_range(f->range, &first, &last);
	if (range == HTTP_RANGE_NONE)
		return;
	condition = parse_if_range(h, f);
	if (f->if_ranges > 0 && condition == 0)
		return;
	h->conditions |= condition;
	h->range = range;
	h->first = first;
	h->last = last;
}

/* A date beside the tags that outrank it does not count, nor one given twice. */
static void
set_conditions(struct http_head *h, const struct fields *f)
{
	uint8_t c = f->conditions;

	if ((c & HTTP_IF_MATCH_ANY) != 0)
		c &= (uint8_t)~HTTP_IF_MATCH;
	if ((c & HTTP_IF_NONE_MATCH_ANY) != 0)
		c &= (uint8_t)~HTTP_IF_NONE_MATCH;
	if ((c & HTTP_IF_MATCH) != 0)
		h->match = f->match;
	if ((c & HTTP_IF_NONE_MATCH) != 0)
		h->none_match = f->none_match;
	if ((c & (HTTP_IF_NONE_MATCH | HTTP_IF_NONE_MATCH_ANY)) == 0 && f->modified == 1 &&
	    http_value_date(f->modified_since, &h->modified_since))
		c |= HTTP_IF_MODIFIED_SINCE;
	if ((c & (HTTP_IF_MATCH | HTTP_IF_MATCH_ANY)) == 0 && f->unmodified == 1 &&
	    http_value_date(f->unmodified_since, &h->unmodified_since))
		c |= HTTP_IF_UNMODIFIED_SINCE;
	h->conditions = c;
}

int
http_decode_head(const uint8_t *bytes, size_t len, struct http_head *h)
{
	struct http_head got = {.method = HTTP_GET};
	struct fields f = {.hosts = 0};
	struct in in, target;
	unsigned minor;
	size_t from = 0;
	int status, n = http_head_length(bytes, len, &from);

	if (n <= 0 || (size_t)n != len)
		return http_head_refusal(bytes, len, n);
	in_init(&in, bytes, len);
	status = parse_request_line(take_line(&in), &got.method, &target, &minor);
	if (status == 0)
		status = parse_fields(&in, &f);
	if (status == 0)
		status = check_fields(&f, minor);
	if (status == 0)
		status = parse_target(target, got.path);
	if (status != 0)
		return status;
	got.keep = !f.close && (minor == 1 || f.keep_alive);
	set_conditions(&got, &f);
	set_range(&got, &f);
	*h = got;
	return 0;
}
