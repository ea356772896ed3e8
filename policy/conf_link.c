/*
 * Tree building for the configuration: interfaces. Runs in conf-check and in the broker,
 * inside their cages; pure. The supervisor opens sockets on the interfaces named here, as
 * root: a name has no character that means anything elsewhere.
 */
#include <string.h>

#include "policy/conf_parts.h"

/* What the kernel takes as an interface's name, less what would be hard to read. */
static bool
is_link_name(struct slice s)
{
	if (s.len < 1 || s.len > 15 || s.at[0] == '.' || s.at[0] == '-')
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!build_is_lower(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' &&
		    c != '-')
			return false;
	}
	return true;
}

int
build_link(struct build *b, struct slice name, struct place at)
{
	struct conf *c = b->conf;
	struct slice s = build_inner(name);

	build_again(b, SET_LINK_ADDRESS, SET_LINK_ROGUE);
	if (!is_link_name(s))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "an interface name of 1 to 15 letters, digits, '.', '_', '-'");
	for (unsigned i = 0; i < c->nlinks; i++) {
		if (strlen(c->links[i].name) == s.len &&
		    memcmp(c->links[i].name, s.at, s.len) == 0)
			return build_fail(b, ERR_DUPLICATE, at,
			    "found interface %s a second time, expected it once; the first "
			    "is on line %u",
			    c->links[i].name, b->link_at[i].line);
	}
	if (c->nlinks == LINKS_MAX)
		return build_unexpected(b, ERR_FULL, at, name, "at most 16 interfaces");
	memcpy(c->links[c->nlinks].name, s.at, s.len);
	c->links[c->nlinks].mode = MODE_FULL;
	b->link_at[c->nlinks++] = at;
	return 0;
}

int
build_link_address(struct build *b, struct place at, struct slice s, struct place s_at)
{
	struct conf *c = b->conf;
	unsigned mine = c->nlinks - 1;
	uint32_t v;

	if (build_once(b, SET_LINK_ADDRESS, at) != 0 || build_ipv4(b, s, s_at, &v) != 0)
		return b->err;
	c->links[mine].address = addr_v4(v);
	b->link_address_at[mine] = s_at;
	for (unsigned i = 0; i < mine; i++) {
		if (addr_equal(&c->links[i].address, &c->links[mine].address))
			return build_fail(b, ERR_DUPLICATE, s_at,
			    "found the address of interface %s, expected another; that "
			    "interface is on line %u",
			    c->links[i].name, b->link_at[i].line);
	}
	return 0;
}

int
build_link_address6(struct build *b, struct place at, struct slice s, struct place s_at)
{
	struct conf *c = b->conf;
	struct conf_link *mine = &c->links[c->nlinks - 1];

	if (build_once(b, SET_LINK_ADDRESS6, at) != 0 ||
	    build_ipv6(b, s, s_at, &mine->address6) != 0)
		return b->err;
	for (unsigned i = 0; i + 1 < c->nlinks; i++) {
		if (addr_equal(&c->links[i].address6, &mine->address6))
			return build_fail(b, ERR_DUPLICATE, s_at,
			    "found the IPv6 address of interface %s, expected another; "
			    "that interface is on line %u",
			    c->links[i].name, b->link_at[i].line);
	}
	return 0;
}

int
build_link_find6(struct build *b, struct place at)
{
	if (build_once(b, SET_LINK_ADDRESS6, at) != 0)
		return b->err;
	b->conf->links[b->conf->nlinks - 1].find6 = true;
	return 0;
}

int
build_link_mode(struct build *b, enum conf_mode mode, struct place at)
{
	if (build_once(b, SET_LINK_MODE, at) != 0)
		return b->err;
	b->conf->links[b->conf->nlinks - 1].mode = mode;
	return 0;
}

int
build_link_rogue(struct build *b, enum conf_rogue rogue, struct place at)
{
	if (build_once(b, SET_LINK_ROGUE, at) != 0)
		return b->err;
	b->conf->links[b->conf->nlinks - 1].rogue = rogue;
	return 0;
}

int
build_links_finish(struct build *b)
{
	const struct conf *c = b->conf;
	char text[ADDR_TEXT_MAX];

	if (c->nlinks == 0)
		return build_fail(b, ERR_FORMAT, b->next,
		    "found the end of the file, expected at least one 'interface'");
	for (unsigned i = 0; i < c->nlinks; i++) {
		const struct addr *a = &c->links[i].address;
		const struct conf_subnet *s = conf_subnet_of(c, a);
		uint32_t v = addr_to_v4(a);

		for (unsigned p = 0; s != NULL && p < s->npools; p++) {
			if (build_leases(s, p, v))
				return build_fail(b, ERR_RANGE, b->link_address_at[i],
				    "found %s inside a pool, expected an address that is "
				    "not given to clients",
				    addr_format(a, text));
		}
	}
	return 0;
}
