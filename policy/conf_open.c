/*
 * Tree building for the configuration: images that are open to a network. Runs in
 * conf-check and in the broker, inside their cages; pure. What it lets through, the broker
 * relies on: an open network is one of machines, with no bit behind its prefix.
 */
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"

#define LEAST_V6 16u

static bool
in_prefix(const struct addr *a, const struct addr *network, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (a->family != network->family || memcmp(a->b, network->b, whole) != 0)
		return false;
	return rest == 0 || ((a->b[whole] ^ network->b[whole]) >> (8 - rest)) == 0;
}

static void
clear_behind(struct addr *a, unsigned prefix)
{
	for (unsigned bit = prefix; bit < 128; bit++)
		a->b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

const char *
build_prefix_text(const struct addr *network, unsigned prefix, char text[ADDR_TEXT_MAX + 4])
{
	char plain[ADDR_TEXT_MAX];

	snprintf(
	    text, ADDR_TEXT_MAX + 4, "%s/%u", addr_format(network, plain), prefix % 1000);
	return text;
}

/* Addresses that a machine can have and that mean the same on every link: global ones
 * (RFC 4291, 2.5.4) and local ones (RFC 4193). */
int
build_ipv6(struct build *b, struct slice s, struct place at, struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (s.len >= sizeof text)
		return build_unexpected(b, ERR_FORMAT, at, s, "an IPv6 address");
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	if (addr_parse(text, a) != 0)
		return build_unexpected(b, ERR_FORMAT, at, s, "an IPv6 address");
	if ((a->b[0] & 0xe0) != 0x20 && (a->b[0] & 0xfe) != 0xfc)
		return build_unexpected(b, ERR_RANGE, at, s,
		    "an address of 2000::/3 or fc00::/7, as machines have it");
	return 0;
}

static int
read_network6(
    struct build *b, struct slice s, struct place at, struct addr *network, uint8_t *prefix)
{
	const char *slash = memchr(s.at, '/', s.len);
	uint32_t len = slash == NULL ? s.len : (uint32_t)(slash - s.at);
	char text[ADDR_TEXT_MAX + 4], found[FOUND_MAX];
	unsigned bits = 0;
	struct addr first;

	for (uint32_t i = len + 1; i < s.len && bits < 1000; i++)
		bits = bits * 10 + (unsigned)(s.at[i] - '0');
	if (bits < LEAST_V6 || bits > 128)
		return build_unexpected(
		    b, ERR_RANGE, at, s, "a prefix length from 16 to 128");
	if (build_ipv6(b, (struct slice){.at = s.at, .len = len}, at, network) != 0)
		return b->err;
	*prefix = (uint8_t)bits;
	first = *network;
	clear_behind(&first, bits);
	if (addr_equal(&first, network))
		return 0;
	return build_fail(b, ERR_RANGE, at,
	    "found %s, expected the subnet's first address: %s", build_found(s, found),
	    build_prefix_text(&first, bits, text));
}

static int
read_network(struct build *b, struct slice s, struct place at, bool v6, struct conf_open *o)
{
	uint32_t v;

	if (v6)
		return read_network6(b, s, at, &o->network, &o->prefix);
	if (build_network(b, s, at, 8, 32, &v, &o->prefix) != 0)
		return b->err;
	o->network = addr_v4(v);
	return 0;
}

int
build_open(struct build *b, struct slice image, struct place image_at, struct slice s,
    struct place at, bool v6)
{
	struct slice name = build_inner(image);
	struct conf *c = b->conf;
	struct conf_open o;

	memset(&o, 0, sizeof o);
	if (build_image_name(b, image, image_at) != 0 ||
	    read_network(b, s, at, v6, &o) != 0)
		return b->err;
	memcpy(o.image, name.at, name.len);
	for (unsigned i = 0; i < c->nopen; i++) {
		if (strcmp(c->open[i].image, o.image) == 0 &&
		    c->open[i].prefix == o.prefix &&
		    addr_equal(&c->open[i].network, &o.network))
			return build_fail(b, ERR_DUPLICATE, at,
			    "found a network that the image is open to already, expected "
			    "another; the first is on line %u",
			    b->open_line[i]);
	}
	if (c->nopen == CONF_OPEN_MAX)
		return build_unexpected(
		    b, ERR_FULL, at, s, "at most 64 times 'open image'");
	b->open_line[c->nopen] = at.line;
	c->open[c->nopen++] = o;
	return 0;
}

const struct conf_open *
conf_next_open(const struct conf *conf, const struct addr *a, unsigned *n)
{
	while (*n < conf->nopen) {
		const struct conf_open *o = &conf->open[(*n)++];

		if (in_prefix(a, &o->network, o->prefix))
			return o;
	}
	return NULL;
}
