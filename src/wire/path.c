/*
 * Folding of requested names, in the ears (tftp-parser, http-parser). The bytes are a
 * stranger's; what comes out is compared with signed names, so there must be exactly one
 * form of each, and nothing that any other program could take for a way upwards.
 */
#include "src/wire/path.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "src/base/buf.h"

static const char mode_suffix[] = ";mode=octet";

static bool
is_junk(uint8_t c)
{
	return c < 0x20 || c == 0x7f || c == 0xff;
}

/* Some boot ROMs pass on what follows an unterminated DHCP option 67, and URLs in the
 * form of RFC 3617 carry the mode behind the name. */
static size_t
cut_trail(const uint8_t *p, size_t len)
{
	size_t n = sizeof mode_suffix - 1;

	while (len > 0 && is_junk(p[len - 1]))
		len--;
	if (len >= n && strncasecmp((const char *)p + len - n, mode_suffix, n) == 0)
		len -= n;
	return len;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next character, decoded, or ERR_FORMAT. */
static int
next_char(struct in *in, unsigned flags)
{
	int c = in_u8(in);

	if (c == '%' && (flags & PATH_PERCENT) != 0) {
		int high = hex_value(in_u8(in));
		int low = hex_value(in_u8(in));

		/* A second layer of encoding has no honest use. */
		if (high < 0 || low < 0 || (high << 4 | low) == '%')
			return ERR_FORMAT;
		c = high << 4 | low;
	}
	if (c < 0x20 || c > 0x7e)
		return ERR_FORMAT;
	return c == '\\' ? '/' : c;
}

static bool
has_dot_component(const char *s)
{
	while (*s != '\0') {
		size_t n = strcspn(s, "/");

		if (s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.')))
			return true;
		s += n;
		if (*s == '/')
			s++;
	}
	return false;
}

static int
fold(struct in *in, unsigned flags, char *out)
{
	size_t n = 0;

	while (in_left(in) > 0) {
		int c = next_char(in, flags);

		if (c < 0)
			return c;
		if (c == '/' && (n == 0 || out[n - 1] == '/'))
			continue;
		if (n == PATH_FOLDED_MAX)
			return ERR_LONG;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	if (has_dot_component(out))
		return ERR_FORMAT;
	return n == 0 || out[n - 1] == '/' ? ERR_ABSENT : 0;
}

int
path_fold(const void *bytes, size_t len, unsigned flags, char out[PATH_FOLDED_MAX + 1])
{
	const uint8_t *query;
	struct in in;
	int err;

	if ((flags & PATH_TRAIL) != 0)
		len = cut_trail(bytes, len);
	if ((flags & PATH_QUERY) != 0 && len > 0) {
		query = memchr(bytes, '?', len);
		/* A fragment never goes to a server, not behind a query either. */
		if (memchr(bytes, '#', len) != NULL) {
			out[0] = '\0';
			return ERR_FORMAT;
		}
		if (query != NULL)
			len = (size_t)(query - (const uint8_t *)bytes);
	}
	in_init(&in, bytes, len);
	err = fold(&in, flags, out);
	if (err != 0)
		out[0] = '\0';
	return err;
}
