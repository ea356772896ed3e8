/*
 * Tree building for the configuration: what all its parts need, such as errors, sorting
 * and the values that occur everywhere. Runs in conf-check and in the broker, inside
 * their cages; pure. The text is the operator's and may be wrong in any way, so every
 * value is checked while the tree is built, once, and the tree needs no second look.
 */
#include "policy/conf_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int
build_fail(struct build *b, int err, struct place at, const char *fmt, ...)
{
	va_list ap;

	b->err = err;
	b->error->file = at.file;
	b->error->line = at.line;
	b->error->column = at.column;
	va_start(ap, fmt);
	vsnprintf(b->error->text, sizeof b->error->text, fmt, ap);
	va_end(ap);
	return err;
}

const char *
build_found(struct slice s, char text[FOUND_MAX])
{
	const char *quote = s.len > 0 && s.at[0] == '"' ? "" : "'";
	size_t len = (size_t)snprintf(text, FOUND_MAX, "%s", quote);
	uint32_t i;

	/* Room for one escaped byte, the dots and the quote. */
	for (i = 0; i < s.len && len < FOUND_MAX - 9; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c >= ' ' && c <= '~')
			text[len++] = (char)c;
		else
			len += (size_t)snprintf(text + len, FOUND_MAX - len, "\\x%02x", c);
	}
	snprintf(text + len, FOUND_MAX - len, "%s%s", i < s.len ? "..." : "", quote);
	return text;
}

int
build_unexpected(
    struct build *b, int err, struct place at, struct slice s, const char *expected)
{
	char found[FOUND_MAX];

	return build_fail(
	    b, err, at, "found %s, expected %s", build_found(s, found), expected);
}

static const char *const setting_names[SETTING_MAX] = {
#define X(name, text) text,
    SETTING_LIST(X)
#undef X
};

int
build_once(struct build *b, enum setting setting, struct place at)
{
	struct place *first = &b->set_at[setting];

	if (first->line != 0)
		return build_fail(b, ERR_DUPLICATE, at,
		    "%s is given a second time, expected it once; the first is on line %u",
		    setting_names[setting], first->line);
	*first = at;
	return 0;
}

/* A new block begins: what it may say once has not been said yet. */
void
build_again(struct build *b, enum setting first, enum setting last)
{
	memset(&b->set_at[first], 0, sizeof b->set_at[0] * (last - first + 1));
}

/* Not realloc: that would need mremap in every cage. */
int
build_grow(struct build *b, struct place at, void **array, size_t size, unsigned used,
    unsigned *cap)
{
	unsigned more = *cap == 0 ? 16 : *cap * 2;
	void *grown = calloc(more, size);

	if (grown == NULL)
		return build_fail(b, ERR_FULL, at, "out of memory");
	if (used > 0)
		memcpy(grown, *array, used * size);
	free(*array);
	*array = grown;
	*cap = more;
	return 0;
}

static int
compare_keys(const struct build_key *x, const struct build_key *y)
{
	uint32_t n = x->text.len < y->text.len ? x->text.len : y->text.len;
	int order;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	order = n == 0 ? 0 : strncasecmp(x->text.at, y->text.at, n);
	if (order != 0)
		return order;
	if (x->text.len != y->text.len)
		return x->text.len < y->text.len ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void
sift_down(struct build_key *keys, size_t root, size_t n)
{
	struct build_key moving = keys[root];

	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && compare_keys(&keys[child], &keys[child + 1]) < 0)
			child++;
		if (compare_keys(&moving, &keys[child]) >= 0)
			break;
		keys[root] = keys[child];
	}
	keys[root] = moving;
}

/* A heap sort, for qsort() of glibc asks the kernel for the size of memory, which a cage
 * answers with death. */
void
build_sort(struct build_key *keys, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(keys, i, n);
	for (size_t end = n; end > 1; end--) {
		struct build_key last = keys[end - 1];

		keys[end - 1] = keys[0];
		keys[0] = last;
		sift_down(keys, 0, end - 1);
	}
}

static bool
same_value(const struct build_key *x, const struct build_key *y)
{
	return x->number == y->number && x->text.len == y->text.len &&
	       (x->text.len == 0 || strncasecmp(x->text.at, y->text.at, x->text.len) == 0);
}

bool
build_repeat(const struct build_key *keys, size_t n, uint32_t *first, uint32_t *again)
{
	bool found = false;

	for (size_t i = 1; i < n; i++) {
		if (!same_value(&keys[i - 1], &keys[i]))
			continue;
		if (found && keys[i].index > *again)
			continue;
		*first = keys[i - 1].index;
		*again = keys[i].index;
		found = true;
	}
	return found;
}

bool
build_before(struct place a, struct place b)
{
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

struct slice
build_inner(struct slice quoted)
{
	if (quoted.len < 2 || quoted.at[0] != '"')
		return quoted;
	return (struct slice){.at = quoted.at + 1, .len = quoted.len - 2};
}

uint32_t
build_mask(unsigned prefix)
{
	return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

/* An address that a machine can have: none of "this network", loopback, multicast. */
int
build_ipv4(struct build *b, struct slice s, struct place at, uint32_t *v)
{
	char text[16];
	struct addr a;
	unsigned top;

	*v = 0;
	if (s.len >= sizeof text)
		return build_unexpected(b, ERR_FORMAT, at, s, "an IPv4 address");
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	if (addr_parse(text, &a) != 0)
		return build_unexpected(
		    b, ERR_FORMAT, at, s, "an IPv4 address of four numbers from 0 to 255");
	*v = addr_to_v4(&a);
	top = *v >> 24;
	if (top == 0 || top == 127 || top >= 224)
		return build_unexpected(b, ERR_RANGE, at, s,
		    "an address that a machine can have, from 1.0.0.0 to 223.255.255.255 "
		    "without 127");
	return 0;
}

/* "192.0.2.0/24" into its two parts. */
int
build_network(struct build *b, struct slice s, struct place at, unsigned least,
    unsigned most, uint32_t *network, uint8_t *prefix)
{
	const char *slash = memchr(s.at, '/', s.len);
	uint32_t len = slash == NULL ? s.len : (uint32_t)(slash - s.at);
	struct slice address = {.at = s.at, .len = len};
	unsigned bits = 0;
	char text[64], found[FOUND_MAX];

	for (uint32_t i = len + 1; i < s.len && bits < 100; i++)
		bits = bits * 10 + (unsigned)(s.at[i] - '0');
	snprintf(text, sizeof text, "a prefix length from %u to %u", least, most);
	if (bits < least || bits > most)
		return build_unexpected(b, ERR_RANGE, at, s, text);
	if (build_ipv4(b, address, at, network) != 0)
		return b->err;
	*prefix = (uint8_t)bits;
	if ((*network & ~build_mask(bits)) == 0)
		return 0;
	return build_fail(b, ERR_RANGE, at,
	    "found %s, expected the subnet's first address: %s", build_found(s, found),
	    build_network_text(*network & build_mask(bits), bits, text));
}

const char *
build_network_text(uint32_t network, unsigned prefix, char text[24])
{
	struct addr a = addr_v4(network);
	char dotted[ADDR_TEXT_MAX];

	snprintf(text, 24, "%.15s/%u", addr_format(&a, dotted), prefix % 100);
	return text;
}

const char *
build_v4_text(uint32_t v, char text[ADDR_TEXT_MAX])
{
	struct addr a = addr_v4(v);

	return addr_format(&a, text);
}

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)((c | 0x20) - 'a') + 10;
}

int
build_bytes(struct build *b, struct slice s, struct place at, size_t max, uint8_t *bytes)
{
	struct slice inner = build_inner(s);
	bool quoted = s.at[0] == '"';
	size_t n = quoted ? inner.len : (s.len + 1) / 3;
	bool good = n >= 1 && n <= max;
	char text[64];

	for (size_t i = 0; good && i < n; i++) {
		if (quoted) {
			good = inner.at[i] >= ' ' && inner.at[i] <= '~';
			bytes[i] = (uint8_t)inner.at[i];
		} else {
			/* The scanner lets nothing else through. */
			bytes[i] = (uint8_t)(hex_digit(s.at[3 * i]) << 4 |
					     hex_digit(s.at[3 * i + 1]));
		}
	}
	if (good)
		return (int)n;
	snprintf(text, sizeof text, "1 to %zu bytes%s", max,
	    quoted ? ", in quotes those of printable ASCII" : "");
	return build_unexpected(b, ERR_RANGE, at, s, text);
}

bool
build_is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int
build_image_name(struct build *b, struct slice quoted, struct place at)
{
	struct slice s = build_inner(quoted);
	bool good = s.len >= 1 && s.len <= CONF_IMAGE_MAX && build_is_lower(s.at[0]);

	for (uint32_t i = 1; good && i < s.len; i++) {
		good = build_is_lower(s.at[i]) || s.at[i] == '.' || s.at[i] == '_' ||
		       s.at[i] == '-';
	}
	if (!good)
		return build_unexpected(b, ERR_FORMAT, at, quoted,
		    "an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', first a letter or "
		    "digit");
	return 0;
}
