/*
 * Tree building for the configuration: host blocks. Runs in conf-check and in the
 * broker, inside their cages; pure. Hosts are kept as small drafts while the file is
 * read, checked against each other and the subnets, and only then given their final
 * form, in the order of their hardware addresses.
 */
#include "policy/conf_build.h"

#include <stdlib.h>
#include <string.h>

static struct host_draft *
current(struct build *b)
{
	return &b->hosts[b->nhosts - 1];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* One label of RFC 1123, 2.1. */
static bool
is_host_name(struct slice s)
{
	if (s.len < 1 || s.len > CONF_HOST_MAX || s.at[0] == '-' || s.at[s.len - 1] == '-')
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.at[i]) && s.at[i] != '-')
			return false;
	}
	return true;
}

int
build_host(struct build *b, struct slice name, struct place at)
{
	void *hosts = b->hosts;

	build_again(b, SET_HOST_MAC, SET_HOST_BOOT);
	b->nparams = 0;
	if (!is_host_name(build_inner(name)))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "a host name: 1 to 63 letters, digits, '-', not '-' first or last");
	if (b->nhosts == CONF_HOSTS_MAX)
		return build_unexpected(b, ERR_FULL, at, name, "at most 131072 hosts");
	if (b->nhosts == b->hosts_cap &&
	    build_grow(b, at, &hosts, sizeof *b->hosts, b->nhosts, &b->hosts_cap) != 0)
		return b->err;
	b->hosts = hosts;
	b->nhosts++;
	current(b)->name = build_inner(name);
	current(b)->name_at = at;
	current(b)->params_at = b->params_len;
	return 0;
}

int
build_host_mac(struct build *b, struct place at, struct slice s, struct place s_at)
{
	char text[MAC_TEXT_MAX];

	if (build_once(b, SET_HOST_MAC, at) != 0)
		return b->err;
	current(b)->mac_at = s_at;
	if (s.len != sizeof text - 1)
		return build_unexpected(b, ERR_FORMAT, s_at, s, "a hardware address");
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	if (mac_parse(text, &current(b)->mac) != 0)
		return build_unexpected(b, ERR_FORMAT, s_at, s, "a hardware address");
	if (mac_is_unusable(&current(b)->mac))
		return build_unexpected(b, ERR_RANGE, s_at, s,
		    "the hardware address of one machine, not a group's and not all zeros");
	return 0;
}

int
build_host_address(struct build *b, struct place at, struct slice s, struct place s_at)
{
	if (build_once(b, SET_HOST_ADDRESS, at) != 0)
		return b->err;
	current(b)->address_at = s_at;
	return build_ipv4(b, s, s_at, &current(b)->address);
}

int
build_host_deny(struct build *b, struct place at)
{
	if (build_once(b, SET_HOST_BOOT, at) != 0)
		return b->err;
	current(b)->boot = BOOT_DENY;
	return 0;
}

int
build_host_image(struct build *b, struct place at, struct slice s, struct place s_at)
{
	if (build_once(b, SET_HOST_BOOT, at) != 0 || build_image_name(b, s, s_at) != 0)
		return b->err;
	current(b)->boot = BOOT_IMAGE;
	current(b)->image = build_inner(s);
	return 0;
}

static bool
is_param_name(struct slice s)
{
	if (s.len < 1 || s.len > 32 || !is_lower(s.at[0]))
		return false;
	for (uint32_t i = 1; i < s.len; i++) {
		if (!is_lower(s.at[i]) && !is_digit(s.at[i]) && s.at[i] != '_' &&
		    s.at[i] != '-')
			return false;
	}
	return true;
}

static bool
is_param_value(struct slice s)
{
	if (s.len < 1 || s.len > 200)
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.at[i]) &&
		    (s.at[i] == '\0' || strchr("._:/@,+=-", s.at[i]) == NULL))
			return false;
	}
	return true;
}

/* The line on which the host being read already has this parameter; 0: nowhere. */
static unsigned
param_seen(const struct build *b, const struct host_draft *h, struct slice name)
{
	const char *p = b->params + h->params_at;
	const char *end = p + h->params_len;

	for (unsigned i = 0; i < b->nparams; i++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (stop == NULL)
			break;
		if ((size_t)(stop - p) > name.len && p[name.len] == '=' &&
		    memcmp(p, name.at, name.len) == 0)
			return b->param_line[i];
		p = stop + 1;
	}
	return 0;
}

static void
append(struct build *b, struct slice s, char end)
{
	memcpy(b->params + b->params_len, s.at, s.len);
	b->params_len += s.len;
	b->params[b->params_len++] = end;
}

int
build_param(struct build *b, struct slice name, struct place name_at, struct slice value,
    struct place value_at)
{
	struct slice n = build_inner(name), v = build_inner(value);
	struct host_draft *h = current(b);
	unsigned first;
	char found[FOUND_MAX];

	if (!is_param_name(n))
		return build_unexpected(b, ERR_FORMAT, name_at, name,
		    "a parameter name: 1 to 32 of a-z, 0-9, '_', '-', first a letter");
	if (!is_param_value(v))
		return build_unexpected(b, ERR_FORMAT, value_at, value,
		    "a value: 1 to 200 letters, digits and . _ : / @ , + = -");
	if (h->params_len + n.len + v.len + 2 > CONF_PARAMS_MAX)
		return build_unexpected(b, ERR_LONG, name_at, name,
		    "parameters that take at most 1024 bytes in all for one host");
	if (b->params == NULL && (b->params = malloc(b->len)) == NULL)
		return build_fail(b, ERR_FULL, name_at, "out of memory");
	first = param_seen(b, h, n);
	if (first != 0)
		return build_fail(b, ERR_DUPLICATE, name_at,
		    "found parameter %s a second time, expected it once; the first is on "
		    "line %u",
		    build_found(name, found), first);
	b->param_line[b->nparams++] = name_at.line;
	append(b, n, '=');
	append(b, v, '\n');
	h->params_len = (uint16_t)(b->params_len - h->params_at);
	return 0;
}

int
build_host_end(struct build *b, struct place at)
{
	if (b->set_at[SET_HOST_MAC].line != 0)
		return 0;
	return build_fail(
	    b, ERR_FORMAT, at, "found '}', expected 'mac': the host has none");
}

/* ------------------------------------------------ when all hosts are known */

static uint64_t
mac_number(const struct mac *m)
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | m->b[i];
	return v;
}

/* Found what a second time: names, then hardware addresses, then reservations. */
static int
repeated(struct build *b, struct place at, const char *what, const struct host_draft *first,
    unsigned line)
{
	char found[FOUND_MAX];

	return build_fail(b, ERR_DUPLICATE, at,
	    "found %s of host %s a second time, expected it once; the first is on line %u",
	    what, build_found(first->name, found), line);
}

static int
check_names(struct build *b, struct build_key *keys)
{
	uint32_t first, again;

	for (uint32_t i = 0; i < b->nhosts; i++)
		keys[i] = (struct build_key){.text = b->hosts[i].name, .index = i};
	build_sort(keys, b->nhosts);
	if (!build_repeat(keys, b->nhosts, &first, &again))
		return 0;
	return repeated(b, b->hosts[again].name_at, "the name", &b->hosts[first],
	    b->hosts[first].name_at.line);
}

static int
check_addresses(struct build *b, struct build_key *keys)
{
	uint32_t first, again, n = 0;

	for (uint32_t i = 0; i < b->nhosts; i++) {
		if (b->hosts[i].address == 0)
			continue;
		keys[n++] = (struct build_key){.number = b->hosts[i].address, .index = i};
	}
	build_sort(keys, n);
	if (!build_repeat(keys, n, &first, &again))
		return 0;
	return repeated(b, b->hosts[again].address_at, "the address", &b->hosts[first],
	    b->hosts[first].address_at.line);
}

/* Leaves the keys in the order of the hardware addresses. */
static int
check_macs(struct build *b, struct build_key *keys)
{
	uint32_t first, again;

	for (uint32_t i = 0; i < b->nhosts; i++)
		keys[i] =
		    (struct build_key){.number = mac_number(&b->hosts[i].mac), .index = i};
	build_sort(keys, b->nhosts);
	if (!build_repeat(keys, b->nhosts, &first, &again))
		return 0;
	return repeated(b, b->hosts[again].mac_at, "the hardware address", &b->hosts[first],
	    b->hosts[first].mac_at.line);
}

/* Is it ours or a router's? Then no client may have it. */
static bool
is_taken(const struct conf *c, const struct conf_subnet *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->nrouters; i++) {
		if (addr_equal(&s->routers[i], a))
			return true;
	}
	for (unsigned i = 0; i < c->nlinks; i++) {
		if (addr_equal(&c->links[i].address, a))
			return true;
	}
	return false;
}

static int
check_reservation(struct build *b, const struct host_draft *h)
{
	struct addr a = addr_v4(h->address);
	const struct conf_subnet *s = conf_subnet_of(b->conf, &a);
	uint32_t mask;
	char text[ADDR_TEXT_MAX];

	addr_format(&a, text);
	if (s == NULL)
		return build_fail(b, ERR_RANGE, h->address_at,
		    "found '%s', expected an address inside one of the subnets", text);
	mask = build_mask(s->prefix);
	if ((h->address & ~mask) == 0 || (h->address | mask) == UINT32_MAX)
		return build_fail(b, ERR_RANGE, h->address_at,
		    "found '%s', expected neither the first nor the last address of the "
		    "subnet",
		    text);
	if (is_taken(b->conf, s, &a))
		return build_fail(b, ERR_RANGE, h->address_at,
		    "found '%s', expected an address that is no router's and not our own",
		    text);
	return 0;
}

static int
check_reservations(struct build *b)
{
	for (unsigned i = 0; i < b->nhosts; i++) {
		if (b->hosts[i].address != 0 && check_reservation(b, &b->hosts[i]) != 0)
			return b->err;
	}
	return 0;
}

static void
finish_host(const struct build *b, const struct host_draft *d, struct conf_host *h)
{
	memcpy(h->name, d->name.at, d->name.len);
	h->mac = d->mac;
	if (d->address != 0)
		h->address = addr_v4(d->address);
	h->boot = d->boot;
	if (d->image.len > 0)
		memcpy(h->image, d->image.at, d->image.len);
	h->params_len = d->params_len;
	if (d->params_len > 0)
		memcpy(h->params, b->params + d->params_at, d->params_len);
}

/* keys: in the order of the hardware addresses. */
static int
finish_all(struct build *b, struct build_key *keys)
{
	struct conf *c = b->conf;

	c->hosts = calloc(b->nhosts, sizeof *c->hosts);
	c->reserved = calloc(b->nhosts, sizeof *c->reserved);
	if (c->hosts == NULL || c->reserved == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	c->nhosts = b->nhosts;
	for (uint32_t i = 0; i < c->nhosts; i++)
		finish_host(b, &b->hosts[keys[i].index], &c->hosts[i]);
	for (uint32_t i = 0; i < c->nhosts; i++) {
		const struct addr *a = &c->hosts[i].address;

		if (a->family != ADDR_NONE)
			keys[c->nreserved++] =
			    (struct build_key){.number = addr_to_v4(a), .index = i};
	}
	build_sort(keys, c->nreserved);
	for (unsigned i = 0; i < c->nreserved; i++)
		c->reserved[i] = keys[i].index;
	return 0;
}

int
build_hosts_finish(struct build *b)
{
	struct build_key *keys;
	int rc;

	if (b->nhosts == 0)
		return 0;
	keys = calloc(b->nhosts, sizeof *keys);
	if (keys == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	rc = check_names(b, keys);
	if (rc == 0)
		rc = check_addresses(b, keys);
	if (rc == 0)
		rc = check_reservations(b);
	if (rc == 0)
		rc = check_macs(b, keys);
	if (rc == 0)
		rc = finish_all(b, keys);
	free(keys);
	return rc;
}
