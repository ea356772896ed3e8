/*
 * DHCPv4 options by name, code and type, and their values from text to bytes. Runs in
 * conf-check and in the broker, inside their cages, and in the operator's tool; pure. The
 * text is the operator's and may be wrong in any way.
 */
#include "policy/option_shape.h"

#include <string.h>

#include "src/base/buf.h"
#include "src/base/ident.h"

#define LABEL_MAX 63

/* By code; entries without a name are codes that are nobody's. */
static const struct option_def table[256] = {
#define OPTION(code, type, shown, name) \
	[code] = {code, OPTION_##type, OPTION_##shown, name},
#include "policy/option.def"
#undef OPTION
};

const struct option_shape option_shapes[OPTION_TYPES] = {
    [OPTION_OURS] = {"ours", false, "an option that can be configured"},
    [OPTION_FLAG] = {"flag", false, "'yes' or 'no'"},
    [OPTION_U8] = {"u8", false, "a number from 0 to 255"},
    [OPTION_U16] = {"u16", false, "a number from 0 to 65535"},
    [OPTION_U32] = {"u32", false, "a number from 0 to 4294967295"},
    [OPTION_S32] = {"s32", false, "a number from -2147483648 to 2147483647"},
    [OPTION_SECONDS] = {"seconds", false,
	"seconds, or a duration such as 30s, 10m, 1h or 1d, below 2^32 seconds"},
    [OPTION_U8S] = {"u8s", true, "a number from 0 to 255"},
    [OPTION_U16S] = {"u16s", true, "a number from 0 to 65535"},
    [OPTION_ADDRESS] = {"address", false, "an IPv4 address"},
    [OPTION_ADDRESSES] = {"addresses", true, "an IPv4 address"},
    [OPTION_PAIRS] = {"pairs", true, "two IPv4 addresses with a blank between them"},
    [OPTION_TEXT] = {"text", false, "a text of 1 to 255 printable ASCII characters"},
    [OPTION_NAME] = {"name", false, "a domain name such as \"example.org\""},
    [OPTION_NAMES] = {"names", true, "a domain name such as \"example.org\""},
    [OPTION_ROUTES] = {"routes", true,
	"a network and a router, such as \"192.0.2.0/24 198.51.100.1\""},
    [OPTION_BYTES] = {"bytes", false, "bytes in hex such as 01:02:ff"},
    [OPTION_EMPTY] = {"empty", false, "no value"},
};

const struct option_def *
option_by_name(const char *name, size_t len)
{
	for (unsigned i = 0; i < 256; i++) {
		const char *his = table[i].name;

		if (his != NULL && strlen(his) == len && memcmp(his, name, len) == 0)
			return &table[i];
	}
	return NULL;
}

const struct option_def *
option_by_code(unsigned code)
{
	if (code > 255 || table[code].name == NULL)
		return NULL;
	return &table[code];
}

bool
option_type_parse(const char *name, size_t len, enum option_type *type)
{
	for (unsigned i = OPTION_OURS + 1; i < OPTION_TYPES; i++) {
		if (strlen(option_shapes[i].name) == len &&
		    memcmp(option_shapes[i].name, name, len) == 0) {
			*type = (enum option_type)i;
			return true;
		}
	}
	return false;
}

const char *
option_type_name(enum option_type type)
{
	return (unsigned)type < OPTION_TYPES ? option_shapes[type].name : "unknown";
}

/* ------------------------------------------------------------ text to bytes */

struct piece {
	const char *at;
	size_t len;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
read_number(struct piece p, uint64_t max, uint64_t *v)
{
	bool over = false;

	*v = 0;
	if (p.len == 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < p.len; i++) {
		if (!is_digit(p.at[i]))
			return ERR_FORMAT;
		if (!over)
			*v = *v * 10 + (uint64_t)(p.at[i] - '0');
		over = over || *v > max;
	}
	return over ? ERR_RANGE : 0;
}

static int
add_number(struct piece p, unsigned bytes, struct out *out)
{
	uint64_t v;
	int rc = read_number(p, (UINT64_C(1) << (8 * bytes)) - 1, &v);

	for (unsigned i = bytes; i-- > 0 && rc == 0;)
		out_u8(out, (uint8_t)(v >> (8 * i)));
	return rc;
}

static int
add_signed(struct piece p, struct out *out)
{
	bool minus = p.len > 0 && p.at[0] == '-';
	uint64_t v;
	int rc;

	if (minus)
		p = (struct piece){p.at + 1, p.len - 1};
	rc = read_number(p, minus ? UINT64_C(1) << 31 : INT32_MAX, &v);
	if (rc == 0)
		out_u32(out, (uint32_t)(minus ? 0 - v : v));
	return rc;
}

static int
add_seconds(struct piece p, struct out *out)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	uint64_t v, factor = 1;
	int rc;

	for (size_t i = 0; p.len > 0 && i < sizeof units / sizeof units[0]; i++) {
		if (p.at[p.len - 1] == units[i].unit) {
			factor = units[i].seconds;
			p.len--;
			break;
		}
	}
	rc = read_number(p, UINT32_MAX / factor, &v);
	if (rc == 0)
		out_u32(out, (uint32_t)(v * factor));
	return rc;
}

static int
add_flag(struct piece p, struct out *out)
{
	bool yes = p.len == 3 && memcmp(p.at, "yes", 3) == 0;

	if (!yes && !(p.len == 2 && memcmp(p.at, "no", 2) == 0))
		return ERR_FORMAT;
	out_u8(out, yes);
	return 0;
}

static int
read_address(struct piece p, uint32_t *v)
{
	char text[16];
	struct addr a;

	if (p.len >= sizeof text || memchr(p.at, '\0', p.len) != NULL)
		return ERR_FORMAT;
	memcpy(text, p.at, p.len);
	text[p.len] = '\0';
	if (addr_parse(text, &a) != 0 || a.family != ADDR_V4)
		return ERR_FORMAT;
	*v = addr_to_v4(&a);
	return 0;
}

static int
add_address(struct piece p, struct out *out)
{
	uint32_t v;
	int rc = read_address(p, &v);

	if (rc == 0)
		out_u32(out, v);
	return rc;
}

/* "A B", with any number of blanks between. */
static int
split_two(struct piece p, struct piece *a, struct piece *b)
{
	size_t i = 0, k;

	while (i < p.len && p.at[i] != ' ' && p.at[i] != '\t')
		i++;
	for (k = i; k < p.len && (p.at[k] == ' ' || p.at[k] == '\t');)
		k++;
	if (i == 0 || k == p.len)
		return ERR_FORMAT;
	*a = (struct piece){p.at, i};
	*b = (struct piece){p.at + k, p.len - k};
	return 0;
}

static int
add_pair(struct piece p, struct out *out)
{
	struct piece a, b;
	uint32_t x, y;

	if (split_two(p, &a, &b) != 0 || read_address(a, &x) != 0 ||
	    read_address(b, &y) != 0)
		return ERR_FORMAT;
	out_u32(out, x);
	out_u32(out, y);
	return 0;
}

uint32_t
option_host_bits(unsigned prefix)
{
	return prefix >= 32 ? 0 : UINT32_MAX >> prefix;
}

/* RFC 3442: the prefix, as many bytes of the network as it covers, the router. */
static int
add_route(struct piece p, struct out *out, const char **expected)
{
	struct piece network, router, prefix;
	uint32_t net, via;
	uint64_t bits;
	const char *slash;
	int rc;

	if (split_two(p, &network, &router) != 0)
		return ERR_FORMAT;
	slash = memchr(network.at, '/', network.len);
	if (slash == NULL)
		return ERR_FORMAT;
	prefix.at = slash + 1;
	prefix.len = network.len - (size_t)(slash - network.at) - 1;
	network.len = (size_t)(slash - network.at);
	if (read_address(network, &net) != 0 || read_address(router, &via) != 0)
		return ERR_FORMAT;
	rc = read_number(prefix, 32, &bits);
	if (rc == ERR_RANGE)
		*expected = "a prefix from 0 to 32";
	if (rc == 0 && (net & option_host_bits((unsigned)bits)) != 0) {
		*expected = "a network, with no bit set behind its prefix";
		rc = ERR_RANGE;
	}
	if (rc != 0)
		return rc;
	out_u8(out, (uint8_t)bits);
	for (unsigned i = 0; i < (bits + 7) / 8; i++)
		out_u8(out, (uint8_t)(net >> (24 - 8 * i)));
	out_u32(out, via);
	return 0;
}

bool
option_is_printable(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		if (b[i] < ' ' || b[i] > '~')
			return false;
	}
	return len > 0;
}

static int
add_text(struct piece p, struct out *out)
{
	if (!option_is_printable(p.at, p.len))
		return ERR_FORMAT;
	out_copy(out, p.at, p.len);
	return 0;
}

/* What RFC 1123 allows, and the underscore that is in use. */
bool
option_is_label(const char *s, size_t len)
{
	if (len < 1 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char lower = (char)(s[i] | 0x20);

		if (!is_digit(s[i]) && !(lower >= 'a' && lower <= 'z') && s[i] != '-' &&
		    s[i] != '_')
			return false;
	}
	return true;
}

static size_t
label_len(struct piece p)
{
	const char *dot = p.len == 0 ? NULL : memchr(p.at, '.', p.len);

	return dot == NULL ? p.len : (size_t)(dot - p.at);
}

bool
option_is_name(const char *name, size_t len)
{
	struct piece p = {name, len};

	if (p.len < 1 || p.len > OPTION_DOMAIN_MAX)
		return false;
	for (;;) {
		size_t n = label_len(p);

		if (!option_is_label(p.at, n))
			return false;
		if (n == p.len)
			return true;
		p = (struct piece){p.at + n + 1, p.len - n - 1};
	}
}

/* as_labels: in the form of RFC 1035, 3.1. */
static int
add_name(struct piece p, bool as_labels, struct out *out)
{
	if (p.len > 1 && p.at[p.len - 1] == '.')
		p.len--;
	if (!option_is_name(p.at, p.len))
		return ERR_FORMAT;
	if (!as_labels) {
		out_copy(out, p.at, p.len);
		return 0;
	}
	for (;;) {
		size_t n = label_len(p);

		out_u8(out, (uint8_t)n);
		out_copy(out, p.at, n);
		if (n == p.len)
			break;
		p = (struct piece){p.at + n + 1, p.len - n - 1};
	}
	out_u8(out, 0);
	return 0;
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
add_bytes(struct piece p, struct out *out)
{
	if (p.len % 3 != 2)
		return ERR_FORMAT;
	for (size_t i = 0; i < p.len; i += 3) {
		int high = hex_digit(p.at[i]), low = hex_digit(p.at[i + 1]);

		if (high < 0 || low < 0 || (i + 2 < p.len && p.at[i + 2] != ':'))
			return ERR_FORMAT;
		out_u8(out, (uint8_t)(high << 4 | low));
	}
	return 0;
}

static int
add(enum option_type type, struct piece p, struct out *out, const char **expected)
{
	switch (type) {
	case OPTION_FLAG: return add_flag(p, out);
	case OPTION_U8:
	case OPTION_U8S: return add_number(p, 1, out);
	case OPTION_U16:
	case OPTION_U16S: return add_number(p, 2, out);
	case OPTION_U32: return add_number(p, 4, out);
	case OPTION_S32: return add_signed(p, out);
	case OPTION_SECONDS: return add_seconds(p, out);
	case OPTION_ADDRESS:
	case OPTION_ADDRESSES: return add_address(p, out);
	case OPTION_PAIRS: return add_pair(p, out);
	case OPTION_TEXT: return add_text(p, out);
	case OPTION_NAME: return add_name(p, false, out);
	case OPTION_NAMES: return add_name(p, true, out);
	case OPTION_ROUTES: return add_route(p, out, expected);
	case OPTION_BYTES: return add_bytes(p, out);
	case OPTION_EMPTY: return p.len == 0 ? 0 : ERR_FORMAT;
	case OPTION_OURS: break;
	}
	return ERR_DENIED;
}

int
option_append(enum option_type type, const char *text, size_t len, uint8_t *value,
    size_t cap, size_t *used, const char **expected)
{
	uint8_t bytes[OPTION_VALUE_MAX];
	size_t room = cap < OPTION_VALUE_MAX ? cap : OPTION_VALUE_MAX;
	struct out out;
	int rc;

	*expected = option_shapes[OPTION_OURS].expected;
	if ((unsigned)type >= OPTION_TYPES)
		return ERR_DENIED;
	*expected = option_shapes[type].expected;
	if (*used > 0 && !option_shapes[type].many && type != OPTION_OURS) {
		*expected = "one value only";
		return ERR_DUPLICATE;
	}
	out_init(&out, bytes, *used < room ? room - *used : 0);
	rc = add(type, (struct piece){text, len}, &out, expected);
	if (rc != 0)
		return rc;
	if (!out_ok(&out)) {
		*expected = "a value of at most 255 bytes in all";
		return ERR_LONG;
	}
	if (out.len > 0)
		memcpy(value + *used, bytes, out.len);
	*used += out.len;
	return 0;
}
