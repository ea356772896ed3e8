/*
 * ISC dhcpd's lease file (dhcpd.leases(5)): a journal of declarations, of which those of
 * leases count. Times are UTC. In the tool; pure. Text in quotes has \ooo for bytes.
 */
#include <string.h>

#include "src/sallyport/scan.h"

#define HW_MAX 16
#define TEXT_MAX 512 /* bytes of one quoted text */
#define DEPTH_MAX 64 /* of braces */
#define DAY_S 86400u

enum kind { WORD, TEXT, OPEN, CLOSE, SEMICOLON, EQUALS, END };

struct token {
	enum kind kind;
	struct piece piece; /* as it stands, without quotes */
	size_t len;         /* of a text, its bytes */
	uint8_t bytes[TEXT_MAX];
};

struct entry {
	struct file_lease l;
	bool ends; /* it says when */
	uint8_t htype, hw[HW_MAX];
	size_t hw_len;
	uint8_t client[TEXT_MAX];
	size_t client_len;
};

/* -------------------------------------------------------------------- tokens */

static void
skip_space(struct scan *s)
{
	while (s->p < s->end) {
		if (*s->p == '#')
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		else if (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n')
			scan_step(s);
		else
			return;
	}
}

/* The byte behind a backslash. */
static uint8_t
unescape(struct scan *s)
{
	unsigned v = 0, n = 0;

	while (n < 3 && s->p < s->end && *s->p >= '0' && *s->p <= '7') {
		v = v * 8 + (unsigned)(*s->p++ - '0');
		n++;
	}
	if (n > 0)
		return (uint8_t)v;
	v = (uint8_t)*s->p++;
	switch (v) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	case 'b': return '\b';
	default: return (uint8_t)v;
	}
}

static bool
take_text(struct scan *s, struct token *t)
{
	const char *quote = s->p++;

	t->kind = TEXT;
	t->len = 0;
	t->piece.p = s->p;
	while (s->p < s->end && *s->p != '"') {
		uint8_t byte = (uint8_t)*s->p;

		if (byte == '\n' ||
		    (byte == '\\' && (s->p + 1 == s->end || s->p[1] == '\n')))
			break;
		s->p++;
		if (byte == '\\')
			byte = unescape(s);
		if (t->len == TEXT_MAX)
			return scan_fail(s, quote, "longer than %d bytes", TEXT_MAX);
		t->bytes[t->len++] = byte;
	}
	if (s->p == s->end || *s->p != '"')
		return scan_fail(s, s->p, "expected the end of the text (\")");
	t->piece.len = (size_t)(s->p++ - t->piece.p);
	return true;
}

static bool
take_token(struct scan *s, struct token *t)
{
	static const char marks[] = "{};=";
	static const enum kind kinds[] = {OPEN, CLOSE, SEMICOLON, EQUALS};
	const char *mark;

	if (s->failed)
		return false;
	skip_space(s);
	t->piece = (struct piece){s->p, 0};
	t->len = 0;
	t->kind = END;
	if (s->p == s->end)
		return true;
	if (*s->p == '"')
		return take_text(s, t);
	mark = *s->p == '\0' ? NULL : strchr(marks, *s->p);
	if (mark != NULL) {
		t->kind = kinds[mark - marks];
		s->p++;
		return true;
	}
	t->kind = WORD;
	while (s->p<s->end && * s->p> ' ' && strchr("{};=\"#", *s->p) == NULL)
		s->p++;
	t->piece.len = (size_t)(s->p - t->piece.p);
	return t->piece.len > 0 || scan_fail(s, s->p, "expected printable ASCII");
}

static bool
need(struct scan *s, struct token *t, enum kind kind, const char *what)
{
	return take_token(s, t) &&
	       (t->kind == kind || scan_fail(s, t->piece.p, "expected %s", what));
}

/* To the end of the statement that t stands in: its semicolon, or the brace that closes
 * what it opens. */
static bool
skip_statement(struct scan *s, struct token *t)
{
	unsigned depth = 0;

	for (;;) {
		if (t->kind == SEMICOLON && depth == 0)
			return true;
		if (t->kind == OPEN && ++depth > DEPTH_MAX)
			return scan_fail(s, t->piece.p, "too many braces");
		if (t->kind == END || (t->kind == CLOSE && depth == 0))
			return scan_fail(s, t->piece.p, "expected \";\"");
		if (t->kind == CLOSE && --depth == 0)
			return true;
		if (!take_token(s, t))
			return false;
	}
}

/* --------------------------------------------------------------------- values */

static uint64_t
days_before(uint64_t year, uint64_t month, uint64_t day)
{
	/* Days since 1970, of the Gregorian calendar with years that begin in March. */
	uint64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "2026/11/22" or "12:34:56" as three numbers. */
static bool
take_three(struct scan *s, const struct piece *p, char mark, uint64_t n[3])
{
	const char *at = p->p, *end = p->p + p->len;

	for (unsigned i = 0; i < 3; i++) {
		struct piece part = {at, 0};

		while (at < end && *at != mark)
			at++;
		part.len = (size_t)(at - part.p);
		if (!scan_number(s, &part, 9999, &n[i]))
			return false;
		if ((at == end) != (i == 2))
			return scan_fail(s, at, "expected three numbers");
		at += i < 2;
	}
	return true;
}

/* What follows "ends": "never;", "epoch 1700000000;", "0 2026/11/22 12:34:56;". */
static bool
take_time(struct scan *s, struct token *t, uint64_t *when)
{
	uint64_t date[3] = {0}, clock[3] = {0}, weekday;

	if (!need(s, t, WORD, "a time"))
		return false;
	if (scan_is(&t->piece, "never")) {
		*when = LEASEFILE_NEVER;
		return need(s, t, SEMICOLON, "\";\"");
	}
	if (scan_is(&t->piece, "epoch"))
		return need(s, t, WORD, "seconds since 1970") &&
		       scan_number(s, &t->piece, UINT64_MAX - 1, when) &&
		       need(s, t, SEMICOLON, "\";\"");
	if (!scan_number(s, &t->piece, 6, &weekday) || !need(s, t, WORD, "a date") ||
	    !take_three(s, &t->piece, '/', date))
		return false;
	if (date[0] < 1970 || date[1] < 1 || date[1] > 12 || date[2] < 1 || date[2] > 31)
		return scan_fail(s, t->piece.p, "expected a date from 1970 on");
	if (!need(s, t, WORD, "a time of day") || !take_three(s, &t->piece, ':', clock))
		return false;
	if (clock[0] > 23 || clock[1] > 59 || clock[2] > 60)
		return scan_fail(s, t->piece.p, "expected a time of day");
	*when = days_before(date[0], date[1], date[2]) * DAY_S + clock[0] * 3600 +
		clock[1] * 60 + clock[2];
	return need(s, t, SEMICOLON, "\";\"");
}

static bool
take_state(struct scan *s, struct token *t, struct file_lease *l)
{
	static const struct {
		const char *name;
		enum file_state state;
	} states[] = {{"active", FILE_BOUND}, {"bootp", FILE_BOUND}, {"free", FILE_ENDED},
	    {"expired", FILE_ENDED}, {"released", FILE_ENDED}, {"reset", FILE_ENDED},
	    {"backup", FILE_ENDED}, {"abandoned", FILE_RESTS}};

	if (!need(s, t, WORD, "\"state\""))
		return false;
	if (!scan_is(&t->piece, "state"))
		return scan_fail(s, t->piece.p, "expected \"state\"");
	if (!need(s, t, WORD, "a state"))
		return false;
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		if (!scan_is(&t->piece, states[i].name))
			continue;
		l->state = states[i].state;
		return need(s, t, SEMICOLON, "\";\"");
	}
	return scan_fail(s, t->piece.p, "expected a binding state");
}

static bool
take_hardware(struct scan *s, struct token *t, struct entry *e)
{
	static const struct {
		const char *name;
		uint8_t htype;
	} types[] = {{"ethernet", 1}, {"token-ring", 6}, {"fddi", 8}, {"infiniband", 32}};

	if (!need(s, t, WORD, "a hardware type"))
		return false;
	e->htype = 0;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (scan_is(&t->piece, types[i].name))
			e->htype = types[i].htype;
	return need(s, t, WORD, "a hardware address") &&
	       scan_bytes(s, &t->piece, e->hw, HW_MAX, &e->hw_len) &&
	       need(s, t, SEMICOLON, "\";\"");
}

/* In quotes, or as bytes with colons. */
static bool
take_client(struct scan *s, struct token *t, struct entry *e)
{
	if (!take_token(s, t))
		return false;
	if (t->kind == WORD &&
	    !scan_bytes(s, &t->piece, e->client, sizeof e->client, &e->client_len))
		return false;
	if (t->kind == TEXT) {
		memcpy(e->client, t->bytes, t->len);
		e->client_len = t->len;
	} else if (t->kind != WORD) {
		return scan_fail(s, t->piece.p, "expected a client identifier");
	}
	return need(s, t, SEMICOLON, "\";\"");
}

/* --------------------------------------------------------------------- leases */

static bool
take_statement(struct scan *s, struct token *t, struct entry *e)
{
	if (t->kind == WORD && scan_is(&t->piece, "ends")) {
		e->ends = true;
		return take_time(s, t, &e->l.until);
	}
	if (t->kind == WORD && scan_is(&t->piece, "binding"))
		return take_state(s, t, &e->l);
	if (t->kind == WORD && scan_is(&t->piece, "hardware"))
		return take_hardware(s, t, e);
	if (t->kind == WORD && scan_is(&t->piece, "uid"))
		return take_client(s, t, e);
	if (t->kind == WORD && scan_is(&t->piece, "abandoned"))
		e->l.state = FILE_RESTS;
	return skip_statement(s, t);
}

/* After "lease". */
static bool
take_lease(struct scan *s, struct token *t, struct entry *e)
{
	memset(e, 0, sizeof *e);
	e->htype = 1;
	e->l.line = s->line;
	if (!need(s, t, WORD, "an address") || !scan_address(s, &t->piece, &e->l.addr))
		return false;
	if (e->l.addr.family != ADDR_V4)
		return scan_fail(s, t->piece.p, "expected an IPv4 address");
	if (!need(s, t, OPEN, "\"{\""))
		return false;
	for (;;) {
		if (!take_token(s, t))
			return false;
		if (t->kind == CLOSE)
			break;
		if (!take_statement(s, t, e))
			return false;
	}
	/* A BOOTP client's has no end. */
	if (!e->ends)
		e->l.until = LEASEFILE_NEVER;
	scan_identity(&e->l, e->htype, e->hw, e->hw_len, e->client, e->client_len);
	return true;
}

int
leasefile_isc(
    const char *text, size_t len, leasefile_take *take, void *arg, struct text_error *error)
{
	struct scan s;
	struct token t = {.kind = END};
	struct entry e;

	scan_init(&s, text, len, error);
	while (take_token(&s, &t) && t.kind != END) {
		if (t.kind != WORD)
			(void)scan_fail(&s, t.piece.p, "expected a declaration");
		else if (!scan_is(&t.piece, "lease"))
			(void)skip_statement(&s, &t);
		else if (take_lease(&s, &t, &e))
			take(arg, &e.l);
	}
	return s.failed ? ERR_FORMAT : 0;
}
