/*
 * Tree building for the configuration: hosts that stand in a table of their own, one line
 * each, in the form of RFC 4180. Runs in conf-check and in the broker, inside their cages;
 * pure. The text is the operator's, or of a program that the operator trusts with it; it
 * may be wrong in any way.
 */
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"

#define LINE_SIZE_MAX 4096 /* bytes of a line */

enum column {
	COL_NAME,
	COL_MAC,
	COL_CLIENT_ID,
	COL_UUID,
	COL_CIRCUIT_ID,
	COL_REMOTE_ID,
	COL_ADDRESS,
	COL_IMAGE,
	COL_BOOT,
	COL_PARAMETERS,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {"name", "mac", "client-id", "uuid",
    "circuit-id", "remote-id", "address", "image", "boot", "parameters"};

/* A field without its quotes, and where its first byte stands. */
struct field {
	struct slice s;
	struct place at;
};

struct csv {
	struct build *b;
	const char *next, *end; /* of the text: what is not read yet */
	struct slice line;      /* what is left of the line being read, without its end */
	struct place at;        /* of that */
	unsigned ncolumns;
	enum column columns[COLUMNS]; /* in the order of the file */
	struct field fields[COLUMNS]; /* of the line being read, by enum column */
	char unquoted[LINE_SIZE_MAX]; /* fields of it that had a quote doubled */
	size_t unquoted_len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip(struct csv *c, uint32_t n)
{
	c->line.at += n;
	c->line.len -= n;
	c->at.column += n;
}

static void
skip_blanks(struct csv *c)
{
	while (c->line.len > 0 && is_blank(c->line.at[0]))
		skip(c, 1);
}

/* ------------------------------------------------------------ lines and fields */

/* 1: a line; 0: none is left. */
static int
next_line(struct csv *c)
{
	size_t left = (size_t)(c->end - c->next);
	const char *stop = left == 0 ? NULL : memchr(c->next, '\n', left);
	size_t len = stop == NULL ? left : (size_t)(stop - c->next);

	if (left == 0)
		return 0;
	c->at.line++;
	c->at.column = 1;
	c->line.at = c->next;
	c->next += len + (stop != NULL);
	if (len > 0 && c->line.at[len - 1] == '\r')
		len--;
	c->line.len = (uint32_t)len;
	c->unquoted_len = 0;
	if (len > LINE_SIZE_MAX)
		return build_fail(c->b, ERR_LONG, c->at,
		    "found a line of %zu bytes, expected at most %d", len, LINE_SIZE_MAX);
	return 1;
}

/* The next line that is neither empty nor a comment. */
static int
next_record(struct csv *c)
{
	for (;;) {
		int rc = next_line(c);

		if (rc <= 0)
			return rc;
		skip_blanks(c);
		if (c->line.len > 0 && c->line.at[0] != '#')
			return 1;
	}
}

/* What stands between quotes; a doubled quote is one. The first has been seen. */
static int
read_quoted(struct csv *c, struct field *f)
{
	const char *p = c->line.at + 1, *end = c->line.at + c->line.len;
	char *copy = c->unquoted + c->unquoted_len;
	size_t n = 0, doubled = 0;

	f->at = c->at;
	f->at.column++;
	f->s.at = p;
	for (;; p++, n++) {
		if (p == end)
			return build_unexpected(c->b, ERR_FORMAT, c->at, c->line,
			    "a closing '\"' on the same line");
		if (*p == '"') {
			if (p + 1 == end || p[1] != '"')
				break;
			p++;
			doubled++;
		}
		copy[n] = *p;
	}
	f->s.len = (uint32_t)n;
	if (doubled > 0) {
		f->s.at = copy;
		c->unquoted_len += n;
	}
	skip(c, (uint32_t)(n + doubled + 2));
	skip_blanks(c);
	if (c->line.len > 0 && c->line.at[0] != ',')
		return build_unexpected(c->b, ERR_FORMAT, c->at, c->line,
		    "',' or the end of the line behind a closing '\"'");
	return 0;
}

static int
read_plain(struct csv *c, struct field *f)
{
	const char *comma = c->line.len == 0 ? NULL : memchr(c->line.at, ',', c->line.len);
	uint32_t n = comma == NULL ? c->line.len : (uint32_t)(comma - c->line.at);

	f->s = (struct slice){.at = c->line.at, .len = n};
	f->at = c->at;
	skip(c, n);
	while (f->s.len > 0 && is_blank(f->s.at[f->s.len - 1]))
		f->s.len--;
	if (f->s.len > 0 && memchr(f->s.at, '"', f->s.len) != NULL)
		return build_unexpected(c->b, ERR_FORMAT, f->at, f->s,
		    "quotes around the whole field, and those inside doubled");
	return 0;
}

/* Leaves the line at its end or at the comma behind the field. */
static int
read_field(struct csv *c, struct field *f)
{
	skip_blanks(c);
	if (c->line.len > 0 && c->line.at[0] == '"')
		return read_quoted(c, f);
	return read_plain(c, f);
}

/* ------------------------------------------------------------------ the header */

static int
read_column(struct csv *c)
{
	struct field f = {{0}, {0}};
	unsigned which = 0;
	char found[FOUND_MAX];

	if (read_field(c, &f) != 0)
		return c->b->err;
	while (which < COLUMNS && (strlen(column_names[which]) != f.s.len ||
				      memcmp(column_names[which], f.s.at, f.s.len) != 0))
		which++;
	if (which == COLUMNS)
		return build_unexpected(c->b, ERR_FORMAT, f.at, f.s,
		    "a column: name, mac, client-id, uuid, circuit-id, remote-id, address, "
		    "image, boot or parameters");
	for (unsigned i = 0; i < c->ncolumns; i++) {
		if (c->columns[i] == which)
			return build_fail(c->b, ERR_DUPLICATE, f.at,
			    "found column %s a second time, expected it once",
			    build_found(f.s, found));
	}
	c->columns[c->ncolumns++] = (enum column)which;
	return 0;
}

static bool
has_column(const struct csv *c, enum column first, enum column last)
{
	for (unsigned i = 0; i < c->ncolumns; i++) {
		if (c->columns[i] >= first && c->columns[i] <= last)
			return true;
	}
	return false;
}

static int
read_header(struct csv *c)
{
	struct place start = c->at;

	for (;;) {
		if (read_column(c) != 0)
			return c->b->err;
		if (c->line.len == 0)
			break;
		skip(c, 1);
	}
	if (!has_column(c, COL_NAME, COL_NAME))
		return build_fail(c->b, ERR_FORMAT, start,
		    "found a header without 'name', expected that column");
	if (!has_column(c, COL_MAC, COL_REMOTE_ID))
		return build_fail(c->b, ERR_FORMAT, start,
		    "found a header without a key, expected mac, client-id, uuid, "
		    "circuit-id or remote-id");
	return 0;
}

/* ------------------------------------------------------------------- the hosts */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits in pairs, `step` characters from one to the next. Returns the bytes that are
 * written, or how many there would be when they are more than max; 0: not such a text. */
static size_t
read_hex(struct slice s, uint32_t step, size_t max, uint8_t *bytes)
{
	size_t n = 0;

	if (s.len == 0 || s.len % step != 2 % step)
		return 0;
	for (uint32_t i = 0; i < s.len; i += step, n++) {
		int high = hex_digit(s.at[i]), low = hex_digit(s.at[i + 1]);

		if (high < 0 || low < 0 ||
		    (i + 2 < s.len && step == 3 && s.at[i + 2] != ':'))
			return 0;
		if (n < max)
			bytes[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

/* 0x0102, 01:02, or any other printable text, which stands for itself. */
static int
read_bytes(struct csv *c, const struct field *f, size_t max, uint8_t *bytes)
{
	struct slice s = f->s;
	char expected[48];
	size_t n = s.len > 2 ? read_hex(s, 3, max, bytes) : 0;

	if (n == 0 && s.len >= 2 && s.at[0] == '0' && s.at[1] == 'x') {
		s = (struct slice){.at = s.at + 2, .len = s.len - 2};
		n = read_hex(s, 2, max, bytes);
		if (n == 0)
			return build_unexpected(c->b, ERR_FORMAT, f->at, f->s,
			    "two hexadecimal digits for each byte behind 0x");
	}
	for (size_t i = 0; n == 0 && i < s.len; i++) {
		if (s.at[i] < ' ' || s.at[i] > '~')
			return build_unexpected(c->b, ERR_FORMAT, f->at, f->s,
			    "printable ASCII, or bytes such as 01:02:ff");
	}
	if (n == 0) {
		n = s.len;
		memcpy(bytes, s.at, n < max ? n : max);
	}
	snprintf(expected, sizeof expected, "at most %zu bytes", max);
	if (n > max)
		return build_unexpected(c->b, ERR_LONG, f->at, f->s, expected);
	return (int)n;
}

static int
add_client_id(struct csv *c)
{
	const struct field *f = &c->fields[COL_CLIENT_ID];
	uint8_t bytes[255];
	int n;

	if (f->s.len == 0)
		return 0;
	n = read_bytes(c, f, sizeof bytes, bytes);
	if (n < 0)
		return n;
	return build_host_key(c->b, KEY_CLIENT_ID, bytes, (size_t)n, f->at);
}

static int
add_port(struct csv *c)
{
	const struct field *circuit = &c->fields[COL_CIRCUIT_ID];
	const struct field *remote = &c->fields[COL_REMOTE_ID];
	uint8_t parts[2][BUILD_PORT_PART_MAX], key[CONF_KEY_MAX];
	int n = 0, m = 0, len;

	if (circuit->s.len == 0 && remote->s.len == 0)
		return 0;
	if (circuit->s.len > 0)
		n = read_bytes(c, circuit, BUILD_PORT_PART_MAX, parts[0]);
	if (n >= 0 && remote->s.len > 0)
		m = read_bytes(c, remote, BUILD_PORT_PART_MAX, parts[1]);
	if (n < 0 || m < 0)
		return c->b->err;
	len = conf_port_key(key, parts[0], (size_t)n, parts[1], (size_t)m);
	if (len < 0)
		bug("a relay port without a name");
	return build_host_key(
	    c->b, KEY_PORT, key, (size_t)len, n > 0 ? circuit->at : remote->at);
}

/* Cuts what stands before the next ';' off the field, without blanks around it. False:
 * nothing is left. Empty pieces are passed over. */
static bool
cut_piece(struct field *rest, struct field *piece)
{
	do {
		const char *stop;
		uint32_t n;

		while (
		    rest->s.len > 0 && (is_blank(rest->s.at[0]) || rest->s.at[0] == ';')) {
			rest->s.at++;
			rest->s.len--;
			rest->at.column++;
		}
		if (rest->s.len == 0)
			return false;
		stop = memchr(rest->s.at, ';', rest->s.len);
		n = stop == NULL ? rest->s.len : (uint32_t)(stop - rest->s.at);
		*piece = (struct field){.s = {.at = rest->s.at, .len = n}, .at = rest->at};
		rest->s.at += n;
		rest->s.len -= n;
		rest->at.column += n;
	} while (piece->s.len == 0);
	while (is_blank(piece->s.at[piece->s.len - 1]))
		piece->s.len--;
	return true;
}

static int
add_each(struct csv *c, enum column column,
    int (*add)(struct build *b, struct slice s, struct place at))
{
	struct field rest = c->fields[column], piece;

	while (cut_piece(&rest, &piece)) {
		if (add(c->b, piece.s, piece.at) != 0)
			return c->b->err;
	}
	return 0;
}

static int
add_parameter(struct build *b, struct slice s, struct place at)
{
	const char *equals = memchr(s.at, '=', s.len);
	struct slice name, value;
	struct place value_at = at;

	if (equals == NULL)
		return build_unexpected(
		    b, ERR_FORMAT, at, s, "a parameter such as name=value");
	name = (struct slice){.at = s.at, .len = (uint32_t)(equals - s.at)};
	value = (struct slice){.at = equals + 1, .len = s.len - name.len - 1};
	value_at.column += name.len + 1;
	return build_param(b, name, at, value, value_at);
}

static int
add_choice(struct csv *c)
{
	const struct field *image = &c->fields[COL_IMAGE], *boot = &c->fields[COL_BOOT];

	if (image->s.len > 0 &&
	    build_scope_image(c->b, image->at, image->s, image->at) != 0)
		return c->b->err;
	if (boot->s.len == 0)
		return 0;
	if (boot->s.len != 4 || memcmp(boot->s.at, "deny", 4) != 0)
		return build_unexpected(
		    c->b, ERR_FORMAT, boot->at, boot->s, "'deny' or nothing");
	if (image->s.len > 0)
		return build_unexpected(c->b, ERR_FORMAT, boot->at, boot->s,
		    "nothing, for the host has an image");
	return build_scope_deny(c->b, boot->at);
}

/* One field for each column, no more. */
static int
read_fields(struct csv *c)
{
	memset(c->fields, 0, sizeof c->fields);
	for (unsigned i = 0; i < c->ncolumns; i++) {
		if (i > 0) {
			if (c->line.len == 0)
				return build_fail(c->b, ERR_FORMAT, c->at,
				    "found the end of the line, expected ',' and the "
				    "field '%s'",
				    column_names[c->columns[i]]);
			skip(c, 1);
		}
		if (read_field(c, &c->fields[c->columns[i]]) != 0)
			return c->b->err;
	}
	if (c->line.len > 0)
		return build_unexpected(c->b, ERR_FORMAT, c->at, c->line,
		    "the end of the line: the header has no more columns");
	return 0;
}

static int
read_host(struct csv *c)
{
	const struct field *name = &c->fields[COL_NAME];
	const struct field *address = &c->fields[COL_ADDRESS];
	struct build *b = c->b;
	struct place start = c->at;

	if (read_fields(c) != 0 || build_host(b, name->s, name->at) != 0 ||
	    add_each(c, COL_MAC, build_host_mac) != 0 || add_client_id(c) != 0 ||
	    add_each(c, COL_UUID, build_host_uuid) != 0 || add_port(c) != 0)
		return b->err;
	if (b->conf->hosts[b->conf->nhosts - 1].nkeys == 0)
		return build_fail(b, ERR_FORMAT, start,
		    "found a host without a key, expected mac, client-id, uuid, circuit-id "
		    "or remote-id");
	if ((address->s.len > 0 &&
		build_host_address(b, address->at, address->s, address->at) != 0) ||
	    add_choice(c) != 0 || add_each(c, COL_PARAMETERS, add_parameter) != 0)
		return b->err;
	return build_host_close(b);
}

int
build_csv(struct build *b, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* what spreadsheets begin UTF-8 with */
	struct csv c = {.b = b, .next = text, .at = {.file = CONF_FILE_HOSTS}};
	int rc;

	if (len == 0)
		return 0;
	c.end = text + len;
	if (len > CONF_TEXT_MAX) {
		c.at.line = c.at.column = 1;
		return build_fail(
		    b, ERR_LONG, c.at, "found more than 16 MiB of text, expected less");
	}
	if (len >= 3 && memcmp(text, mark, 3) == 0)
		c.next += 3;
	rc = next_record(&c);
	if (rc > 0 && read_header(&c) != 0)
		return b->err;
	while (rc > 0) {
		rc = next_record(&c);
		if (rc > 0 && read_host(&c) != 0)
			return b->err;
	}
	return rc;
}
