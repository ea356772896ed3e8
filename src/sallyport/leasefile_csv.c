/*
 * Leases as comma-separated values: Kea's memfile (kea-leases4.csv: no quotes, commas and
 * the like as "&#x2c") and our own export (RFC 4180). The first line names the columns;
 * which stand where may differ between versions. In the tool; pure.
 */
#include <string.h>

#include "src/sallyport/scan.h"

#define FIELDS_MAX 32
#define FIELD_MAX 800 /* bytes of one that we read */
#define HW_MAX 20
#define CLIENT_ID_MAX 255
#define KEA_FOREVER UINT32_MAX

/* One field: where it stands, for errors, and what it says. */
struct field {
	const char *at;
	unsigned line;
	const char *line_start;
	size_t len;
	char text[FIELD_MAX + 1]; /* NUL-terminated; no NUL within */
};

struct csv {
	struct scan s;
	bool quotes; /* ours */
	const char *const *names;
	unsigned nnames, nneeded; /* the first nneeded must be there */
	int column[8];            /* of each name, -1: not there */
	struct field fields[8];   /* by name */
};

/* --------------------------------------------------------------------- fields */

static bool
add_byte(struct csv *c, struct field *f, char byte)
{
	if (f == NULL)
		return true;
	if (byte == '\0')
		return scan_fail(&c->s, c->s.p, "unexpected NUL");
	if (f->len == FIELD_MAX)
		return scan_fail(&c->s, c->s.p, "longer than %d bytes", FIELD_MAX);
	f->text[f->len++] = byte;
	return true;
}

static bool
at_end_of_field(const struct scan *s)
{
	return s->p == s->end || *s->p == ',' || *s->p == '\n' ||
	       (*s->p == '\r' && s->p + 1 < s->end && s->p[1] == '\n');
}

/* RFC 4180: two quotes for one; commas and ends of lines may stand within. */
static bool
take_quoted(struct csv *c, struct field *f)
{
	struct scan *s = &c->s;

	s->p++;
	for (;;) {
		if (s->p == s->end)
			return scan_fail(s, s->p, "expected the end of the field (\")");
		if (*s->p == '"') {
			s->p++;
			if (s->p == s->end || *s->p != '"')
				break;
		}
		if (!add_byte(c, f, *s->p))
			return false;
		scan_step(s);
	}
	return at_end_of_field(s) || scan_fail(s, s->p, "expected a comma after the quote");
}

/* f NULL: a column that we do not read. */
static bool
take_field(struct csv *c, struct field *f)
{
	struct scan *s = &c->s;

	if (f != NULL) {
		f->at = s->p;
		f->line = s->line;
		f->line_start = s->start;
		f->len = 0;
	}
	if (c->quotes && s->p < s->end && *s->p == '"') {
		if (!take_quoted(c, f))
			return false;
	} else {
		while (!at_end_of_field(s)) {
			if (!add_byte(c, f, *s->p))
				return false;
			s->p++;
		}
	}
	if (f != NULL)
		f->text[f->len] = '\0';
	return true;
}

/* The end of a record; false when another field follows. */
static bool
take_end(struct scan *s)
{
	if (s->p == s->end)
		return true;
	if (*s->p == ',') {
		s->p++;
		return false;
	}
	while (*s->p != '\n')
		s->p++;
	scan_step(s);
	return true;
}

static struct field *
field_of(struct csv *c, unsigned column)
{
	for (unsigned i = 0; i < c->nnames; i++)
		if (c->column[i] == (int)column)
			return &c->fields[i];
	return NULL;
}

static bool
take_record(struct csv *c)
{
	for (unsigned i = 0; i < c->nnames; i++) {
		c->fields[i].len = 0;
		c->fields[i].text[0] = '\0';
		c->fields[i].at = NULL;
	}
	for (unsigned column = 0;; column++) {
		if (!take_field(c, field_of(c, column)))
			return false;
		if (take_end(&c->s))
			break;
	}
	for (unsigned i = 0; i < c->nneeded; i++)
		if (c->fields[i].at == NULL)
			return scan_fail(&c->s, c->s.p,
			    "the field %s is not there (the "
			    "record ends before it)",
			    c->names[i]);
	return true;
}

static bool
take_header(struct csv *c)
{
	static struct field f;

	for (unsigned i = 0; i < c->nnames; i++)
		c->column[i] = -1;
	for (int column = 0;; column++) {
		if (column == FIELDS_MAX)
			return scan_fail(&c->s, c->s.p, "more than %d columns", FIELDS_MAX);
		if (!take_field(c, &f))
			return false;
		for (unsigned i = 0; i < c->nnames; i++) {
			if (strcmp(f.text, c->names[i]) != 0)
				continue;
			if (c->column[i] >= 0)
				return scan_fail(&c->s, f.at, "this column occurs twice");
			c->column[i] = column;
		}
		if (take_end(&c->s))
			break;
	}
	for (unsigned i = 0; i < c->nneeded; i++)
		if (c->column[i] < 0)
			return scan_fail(&c->s, c->s.start,
			    "the first line does not name "
			    "a column \"%s\"",
			    c->names[i]);
	return true;
}

/* --------------------------------------------------------------------- values */

/* Errors in a field are told where it stands, which may be lines before. */
static struct piece
enter(struct csv *c, const struct field *f, struct scan *inner)
{
	*inner = c->s;
	inner->start = f->text;
	return (struct piece){f->text, f->len};
}

static bool
leave(struct csv *c, const struct field *f, struct scan *inner, bool good)
{
	if (good)
		return true;
	/* Places within the copy are not places in the file. */
	c->s.failed = true;
	inner->error->line = f->line;
	inner->error->column = (unsigned)(f->at - f->line_start) + 1;
	return false;
}

static bool
read_number(struct csv *c, const struct field *f, uint64_t max, uint64_t *n)
{
	struct scan inner;
	struct piece p = enter(c, f, &inner);

	return leave(c, f, &inner, scan_number(&inner, &p, max, n));
}

static bool
read_address(struct csv *c, const struct field *f, struct addr *a)
{
	struct scan inner;
	struct piece p = enter(c, f, &inner);

	if (!leave(c, f, &inner, scan_address(&inner, &p, a)))
		return false;
	return a->family == ADDR_V4 ||
	       leave(c, f, &inner, scan_fail(&inner, p.p, "expected an IPv4 address"));
}

/* Nothing at all is no bytes. */
static bool
read_bytes(struct csv *c, const struct field *f, size_t skip, uint8_t *bytes, size_t max,
    size_t *n)
{
	struct scan inner;
	struct piece p = enter(c, f, &inner);

	*n = 0;
	p.p += skip;
	p.len -= skip;
	return p.len == 0 || leave(c, f, &inner, scan_bytes(&inner, &p, bytes, max, n));
}

static bool
refuse(struct csv *c, const struct field *f, const char *expected)
{
	struct scan inner;
	struct piece p = enter(c, f, &inner);

	return leave(c, f, &inner, scan_fail(&inner, p.p, "expected %s", expected));
}

/* ------------------------------------------------------------------------ Kea */

enum { KEA_ADDRESS, KEA_HWADDR, KEA_CLIENT, KEA_LIFETIME, KEA_EXPIRE, KEA_STATE };
static const char *const kea_names[] = {
    "address", "hwaddr", "client_id", "valid_lifetime", "expire", "state"};

/* state: 0 assigned, 1 declined, 2 expired and reclaimed, 3 released. Lifetime 0: the
 * lease was deleted. */
static bool
read_kea(struct csv *c, struct file_lease *l)
{
	uint8_t hw[HW_MAX], client[CLIENT_ID_MAX];
	size_t hw_len, client_len;
	uint64_t lifetime, state = 0;

	if (!read_address(c, &c->fields[KEA_ADDRESS], &l->addr) ||
	    !read_bytes(c, &c->fields[KEA_HWADDR], 0, hw, sizeof hw, &hw_len) ||
	    !read_bytes(c, &c->fields[KEA_CLIENT], 0, client, sizeof client, &client_len) ||
	    !read_number(c, &c->fields[KEA_LIFETIME], UINT32_MAX, &lifetime) ||
	    !read_number(c, &c->fields[KEA_EXPIRE], UINT64_MAX - 1, &l->until))
		return false;
	if (c->fields[KEA_STATE].len > 0 &&
	    !read_number(c, &c->fields[KEA_STATE], UINT32_MAX, &state))
		return false;
	if (lifetime == KEA_FOREVER)
		l->until = LEASEFILE_NEVER;
	l->state = state == 1                    ? FILE_RESTS
		   : state != 0 || lifetime == 0 ? FILE_ENDED
						 : FILE_BOUND;
	scan_identity(l, 1, hw, hw_len, client, client_len);
	return true;
}

/* ----------------------------------------------------------------------- ours */

enum { OUR_ADDRESS, OUR_STATE, OUR_UNTIL, OUR_MAC, OUR_IDENTITY };
static const char *const our_names[] = {"address", "state", "until", "mac", "identity"};

/* "2026-11-22T12:34:56Z" */
static bool
read_time(struct csv *c, const struct field *f, uint64_t *when)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	uint64_t n[6] = {0}, y, m;
	unsigned at = 0;

	if (f->len != sizeof shape - 1)
		return refuse(c, f, "a time like 2026-11-22T12:34:56Z");
	for (size_t i = 0; i < f->len; i++) {
		bool digit = f->text[i] >= '0' && f->text[i] <= '9';

		if (shape[i] == 'd' ? !digit : f->text[i] != shape[i])
			return refuse(c, f, "a time like 2026-11-22T12:34:56Z");
		if (digit)
			n[at] = n[at] * 10 + (uint64_t)(f->text[i] - '0');
		else
			at++;
	}
	if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 ||
	    n[4] > 59 || n[5] > 60)
		return refuse(c, f, "a time from 1970 on");
	y = n[1] <= 2 ? n[0] - 1 : n[0];
	m = (n[1] + 9) % 12;
	*when =
	    (365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + n[2] - 1 - 719468) *
		86400 +
	    n[3] * 3600 + n[4] * 60 + n[5];
	return true;
}

static bool
read_identity(struct csv *c, const struct field *f, struct file_lease *l)
{
	static const struct {
		const char *prefix;
		uint8_t kind;
	} kinds[] = {{"hw:", FILE_HARDWARE}, {"id:", FILE_CLIENT}, {"uuid:", FILE_UUID}};
	size_t n;

	if (f->len == 0)
		return true;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t skip = strlen(kinds[i].prefix);

		if (strncmp(f->text, kinds[i].prefix, skip) != 0 || f->len == skip)
			continue;
		if (!read_bytes(c, f, skip, l->id, sizeof l->id, &n))
			return false;
		l->kind = kinds[i].kind;
		l->id_len = (uint8_t)n;
		return true;
	}
	return refuse(c, f, "hw:, id: or uuid: and bytes");
}

static bool
read_ours(struct csv *c, struct file_lease *l)
{
	const struct field *state = &c->fields[OUR_STATE];
	size_t n;

	if (!read_address(c, &c->fields[OUR_ADDRESS], &l->addr) ||
	    !read_bytes(c, &c->fields[OUR_MAC], 0, l->mac.b, sizeof l->mac.b, &n))
		return false;
	if (n != 0 && n != sizeof l->mac.b)
		return refuse(c, &c->fields[OUR_MAC], "six bytes");
	if (!read_identity(c, &c->fields[OUR_IDENTITY], l))
		return false;
	if (strcmp(state->text, "bound") == 0)
		l->state = FILE_BOUND;
	else if (strcmp(state->text, "quarantined") == 0)
		l->state = FILE_RESTS;
	else if (strcmp(state->text, "offered") == 0 ||
		 strcmp(state->text, "expired") == 0 || strcmp(state->text, "free") == 0)
		l->state = FILE_ENDED;
	else
		return refuse(c, state, "bound, offered, expired, quarantined or free");
	if (l->state != FILE_BOUND && c->fields[OUR_UNTIL].len == 0)
		return true;
	return read_time(c, &c->fields[OUR_UNTIL], &l->until);
}

/* ----------------------------------------------------------------------------- */

static int
parse(struct csv *c, bool (*read)(struct csv *c, struct file_lease *l),
    leasefile_take *take, void *arg)
{
	if (!take_header(c))
		return ERR_FORMAT;
	while (!c->s.failed && c->s.p < c->s.end) {
		struct file_lease l = {.line = c->s.line};

		if (*c->s.p == '\n')
			scan_step(&c->s); /* an empty line */
		else if (take_record(c) && read(c, &l))
			take(arg, &l);
	}
	return c->s.failed ? ERR_FORMAT : 0;
}

int
leasefile_kea(
    const char *text, size_t len, leasefile_take *take, void *arg, struct text_error *error)
{
	static struct csv c;

	c.quotes = false;
	c.names = kea_names;
	c.nnames = 6;
	c.nneeded = 5;
	scan_init(&c.s, text, len, error);
	return parse(&c, read_kea, take, arg);
}

int
leasefile_csv(
    const char *text, size_t len, leasefile_take *take, void *arg, struct text_error *error)
{
	static struct csv c;

	c.quotes = true;
	c.names = our_names;
	c.nnames = c.nneeded = 5;
	scan_init(&c.s, text, len, error);
	return parse(&c, read_ours, take, arg);
}
