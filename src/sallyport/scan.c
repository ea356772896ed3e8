/*
 * Reading lease files: the common part. In the tool, which an operator runs over a file of
 * a server that is to be replaced; what machines once told that server stands in it.
 */
#include "src/sallyport/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
scan_init(struct scan *s, const char *text, size_t len, struct text_error *error)
{
	*s = (struct scan){text, text + len, text, 1, false, error};
}

bool
scan_fail(struct scan *s, const char *at, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return false;
	s->failed = true;
	s->error->line = s->line;
	s->error->column = (unsigned)(at - s->start) + 1;
	va_start(ap, fmt);
	(void)vsnprintf(s->error->what, sizeof s->error->what, fmt, ap);
	va_end(ap);
	return false;
}

void
scan_step(struct scan *s)
{
	if (*s->p++ == '\n') {
		s->line++;
		s->start = s->p;
	}
}

bool
scan_line(struct scan *s, struct piece *line)
{
	const char *lf;

	if (s->failed || s->p == s->end)
		return false;
	lf = memchr(s->p, '\n', (size_t)(s->end - s->p));
	line->p = s->p;
	line->len = (size_t)((lf == NULL ? s->end : lf) - s->p);
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

void
scan_next_line(struct scan *s)
{
	if (s->failed)
		return;
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	if (s->p < s->end)
		scan_step(s);
}

bool
scan_word(struct piece *line, struct piece *word)
{
	while (line->len > 0 && *line->p == ' ') {
		line->p++;
		line->len--;
	}
	word->p = line->p;
	while (line->len > 0 && *line->p != ' ') {
		line->p++;
		line->len--;
	}
	word->len = (size_t)(line->p - word->p);
	return word->len > 0;
}

bool
scan_is(const struct piece *p, const char *text)
{
	return p->len == strlen(text) && memcmp(p->p, text, p->len) == 0;
}

bool
scan_number(struct scan *s, const struct piece *p, uint64_t max, uint64_t *n)
{
	uint64_t v = 0;

	if (s->failed)
		return false;
	if (p->len == 0)
		return scan_fail(s, p->p, "expected a number");
	for (size_t i = 0; i < p->len; i++) {
		unsigned digit = (unsigned)(p->p[i] - '0');

		if (digit > 9)
			return scan_fail(s, p->p + i, "expected a number");
		if (v > (max - digit) / 10 || digit > max)
			return scan_fail(s, p->p, "the number is too large");
		v = v * 10 + digit;
	}
	*n = v;
	return true;
}

bool
scan_address(struct scan *s, const struct piece *p, struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (s->failed)
		return false;
	if (p->len < sizeof text && memchr(p->p, '\0', p->len) == NULL) {
		memcpy(text, p->p, p->len);
		text[p->len] = '\0';
		if (addr_parse(text, a) == 0 && !addr_is_unset(a))
			return true;
	}
	return scan_fail(s, p->p, "expected an address");
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
scan_bytes(struct scan *s, const struct piece *p, uint8_t *bytes, size_t max, size_t *n)
{
	const char *at = p->p, *end = p->p + p->len;

	*n = 0;
	while (!s->failed) {
		int high = at < end ? hex_value(*at) : -1;
		int low = high >= 0 && at + 1 < end ? hex_value(at[1]) : -1;

		/* ISC dhcpd leaves a leading zero out. */
		if (high < 0)
			return scan_fail(s, at, "expected bytes like 01:02:ff");
		if (*n == max)
			return scan_fail(s, at, "more than %zu bytes", max);
		bytes[(*n)++] = (uint8_t)(low < 0 ? high : high << 4 | low);
		at += low < 0 ? 1 : 2;
		if (at == end)
			return true;
		if (*at++ != ':')
			return scan_fail(s, at - 1, "expected a colon");
	}
	return false;
}

void
scan_identity(struct file_lease *l, uint8_t htype, const uint8_t *hw, size_t hw_len,
    const uint8_t *client, size_t client_len)
{
	bool repeats = client_len == hw_len + 1 && client[0] == htype &&
		       memcmp(client + 1, hw, hw_len) == 0;
	bool firmware = client_len == 17 && client[0] == 0 && hw_len > 0;

	if (htype == 1 && hw_len == sizeof l->mac.b)
		memcpy(l->mac.b, hw, hw_len);
	if (client_len > 0 && client_len <= LEASEFILE_ID_MAX && !repeats && !firmware) {
		l->kind = FILE_CLIENT;
		l->id_len = (uint8_t)client_len;
		memcpy(l->id, client, client_len);
	} else if (hw_len > 0 && hw_len < LEASEFILE_ID_MAX) {
		l->kind = FILE_HARDWARE;
		l->id_len = (uint8_t)(1 + hw_len);
		l->id[0] = htype;
		memcpy(l->id + 1, hw, hw_len);
	}
}

leasefile_parse *
leasefile_format(const char *name)
{
	static const struct {
		const char *name;
		leasefile_parse *parse;
	} formats[] = {{"dnsmasq", leasefile_dnsmasq}, {"isc", leasefile_isc},
	    {"kea", leasefile_kea}, {"csv", leasefile_csv}};

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].parse;
	return NULL;
}
