/*
 * Tree building for the configuration: subnets, their pools and options. Runs in
 * conf-check and in the broker, inside their cages; pure. What it lets through, the
 * pool code may rely on: pools lie inside their subnet, in order, and nothing overlaps.
 */
#include "policy/conf_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_TIME_DEFAULT 3600

static struct conf_subnet *
current(struct build *b)
{
	return &b->conf->subnets[b->conf->nsubnets - 1];
}

static const char *
network_text(const struct conf_subnet *s, char text[24])
{
	struct addr a = addr_v4(s->network);
	char dotted[ADDR_TEXT_MAX];

	snprintf(text, 24, "%.15s/%u", addr_format(&a, dotted), (unsigned)s->prefix);
	return text;
}

static const char *
v4_text(uint32_t v, char text[ADDR_TEXT_MAX])
{
	struct addr a = addr_v4(v);

	return addr_format(&a, text);
}

/* "192.0.2.0/24" into its two parts. */
static int
read_network(struct build *b, struct slice s, struct place at, struct conf_subnet *n)
{
	const char *slash = memchr(s.at, '/', s.len);
	uint32_t len = slash == NULL ? s.len : (uint32_t)(slash - s.at);
	struct slice address = {.at = s.at, .len = len};
	unsigned prefix = 0;
	char text[24], found[FOUND_MAX];

	for (uint32_t i = len + 1; i < s.len && prefix < 100; i++)
		prefix = prefix * 10 + (unsigned)(s.at[i] - '0');
	if (prefix < 8 || prefix > 30)
		return build_unexpected(
		    b, ERR_RANGE, at, s, "a prefix length from 8 to 30");
	if (build_ipv4(b, address, at, &n->network) != 0)
		return b->err;
	n->prefix = (uint8_t)prefix;
	if ((n->network & ~build_mask(prefix)) == 0)
		return 0;
	n->network &= build_mask(prefix);
	return build_fail(b, ERR_RANGE, at,
	    "found %s, expected the subnet's first address: %s", build_found(s, found),
	    network_text(n, text));
}

static int
grow_subnets(struct build *b, struct place at)
{
	unsigned cap = b->subnets_cap, used = b->conf->nsubnets;
	void *subnets = b->conf->subnets, *places = b->subnet_at;
	int rc;

	if (used < cap)
		return 0;
	rc = build_grow(b, at, &subnets, sizeof *b->conf->subnets, used, &cap);
	b->conf->subnets = subnets;
	if (rc != 0)
		return rc;
	cap = b->subnets_cap;
	rc = build_grow(b, at, &places, sizeof *b->subnet_at, used, &cap);
	b->subnet_at = places;
	if (rc == 0)
		b->subnets_cap = cap;
	return rc;
}

int
build_subnet(struct build *b, struct slice s, struct place at)
{
	struct conf_subnet n;

	memset(&n, 0, sizeof n);
	n.lease_time = LEASE_TIME_DEFAULT;
	n.shared = CONF_NO_SHARED;
	build_again(b, SET_ROUTER, SET_LEASE_TIME);
	if (read_network(b, s, at, &n) != 0)
		return b->err;
	if (b->conf->nsubnets == CONF_SUBNETS_MAX)
		return build_unexpected(b, ERR_FULL, at, s, "at most 16384 subnets");
	if (grow_subnets(b, at) != 0)
		return b->err;
	b->subnet_at[b->conf->nsubnets] = at;
	b->conf->subnets[b->conf->nsubnets++] = n;
	return 0;
}

/* An address inside the subnet being read. */
static int
read_inside(struct build *b, struct slice s, struct place at, uint32_t *v)
{
	const struct conf_subnet *n = current(b);
	char text[24], found[FOUND_MAX];

	if (build_ipv4(b, s, at, v) != 0)
		return b->err;
	if ((*v & build_mask(n->prefix)) != n->network)
		return build_fail(b, ERR_RANGE, at,
		    "found %s, expected an address inside %s", build_found(s, found),
		    network_text(n, text));
	return 0;
}

int
build_pool(struct build *b, struct slice first, struct place first_at, struct slice last,
    struct place last_at)
{
	struct conf_subnet *n = current(b);
	struct conf_pool p = {0};

	if (read_inside(b, first, first_at, &p.first) != 0 ||
	    read_inside(b, last, last_at, &p.last) != 0)
		return b->err;
	if (p.last < p.first)
		return build_unexpected(b, ERR_RANGE, last_at, last,
		    "a last address that is not below the first");
	if (n->npools == CONF_POOLS_MAX)
		return build_unexpected(
		    b, ERR_FULL, first_at, first, "at most 16 pools in a subnet");
	for (unsigned i = 0; i < n->npools; i++) {
		if (p.first <= n->pools[i].last && n->pools[i].first <= p.last)
			return build_fail(b, ERR_DUPLICATE, first_at,
			    "found a pool that overlaps the one on line %u, expected each "
			    "address once",
			    b->pool_line[i]);
	}
	b->pool_line[n->npools] = first_at.line;
	n->pools[n->npools++] = p;
	return 0;
}

int
build_router(struct build *b, struct slice s, struct place at)
{
	struct conf_subnet *n = current(b);
	uint32_t v;

	if (read_inside(b, s, at, &v) != 0)
		return b->err;
	if (n->nrouters == CONF_ADDRS_MAX)
		return build_unexpected(b, ERR_FULL, at, s, "at most 8 routers");
	b->router_at[n->nrouters] = at;
	n->routers[n->nrouters++] = addr_v4(v);
	return 0;
}

int
build_dns(struct build *b, struct slice s, struct place at)
{
	struct conf_subnet *n = current(b);
	uint32_t v;

	if (build_ipv4(b, s, at, &v) != 0)
		return b->err;
	if (n->ndns == CONF_ADDRS_MAX)
		return build_unexpected(b, ERR_FULL, at, s, "at most 8 name servers");
	n->dns[n->ndns++] = addr_v4(v);
	return 0;
}

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of 1 to 63 letters, digits and inner hyphens (RFC 1123, 2.1), dots between. */
static bool
is_domain(struct slice s)
{
	uint32_t start = 0;

	if (s.len == 0 || s.len > 253)
		return false;
	for (uint32_t i = 0; i <= s.len; i++) {
		bool ends = i == s.len || s.at[i] == '.';

		if (!ends && !is_letter_or_digit(s.at[i]) && s.at[i] != '-')
			return false;
		if (!ends)
			continue;
		if (i == start || i - start > 63 || s.at[start] == '-' ||
		    s.at[i - 1] == '-')
			return false;
		start = i + 1;
	}
	return true;
}

int
build_domain(struct build *b, struct place at, struct slice s, struct place s_at)
{
	struct slice name = build_inner(s);

	if (build_once(b, SET_DOMAIN, at) != 0)
		return b->err;
	if (!is_domain(name))
		return build_unexpected(
		    b, ERR_FORMAT, s_at, s, "a domain name such as \"lab.example\"");
	memcpy(current(b)->domain, name.at, name.len);
	current(b)->domain[name.len] = '\0';
	return 0;
}

/* A client must never be given the address of its own router. */
int
build_subnet_end(struct build *b)
{
	const struct conf_subnet *n = current(b);
	char text[ADDR_TEXT_MAX];

	for (unsigned r = 0; r < n->nrouters; r++) {
		uint32_t v = addr_to_v4(&n->routers[r]);

		for (unsigned p = 0; p < n->npools; p++) {
			if (v >= n->pools[p].first && v <= n->pools[p].last)
				return build_fail(b, ERR_RANGE, b->router_at[r],
				    "found router %s inside the pool on line %u, expected "
				    "it outside every pool",
				    v4_text(v, text), b->pool_line[p]);
		}
	}
	return 0;
}

/* Sorted by network, one of two subnets that overlap does so with its neighbour as well. */
static int
check_overlap(struct build *b, const struct build_key *keys, size_t n)
{
	const struct conf_subnet *all = b->conf->subnets;
	uint32_t worst = UINT32_MAX, other = 0;
	char text[24];

	for (size_t i = 1; i < n; i++) {
		uint32_t low = keys[i - 1].index, high = keys[i].index;
		uint32_t later = low > high ? low : high;

		if (all[high].network > (all[low].network | ~build_mask(all[low].prefix)))
			continue;
		if (later < worst) {
			worst = later;
			other = low + high - later;
		}
	}
	if (worst == UINT32_MAX)
		return 0;
	return build_fail(b, ERR_DUPLICATE, b->subnet_at[worst],
	    "found subnet %s that overlaps the one on line %u, expected each address once",
	    network_text(&all[worst], text), b->subnet_at[other].line);
}

int
build_subnets_finish(struct build *b)
{
	struct conf *c = b->conf;
	struct conf_subnet *sorted;
	struct build_key *keys;
	int rc;

	if (c->nsubnets == 0)
		return 0;
	keys = calloc(c->nsubnets, sizeof *keys);
	sorted = calloc(c->nsubnets, sizeof *sorted);
	if (keys == NULL || sorted == NULL) {
		rc = build_fail(b, ERR_FULL, b->next, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < c->nsubnets; i++)
		keys[i] = (struct build_key){.number = c->subnets[i].network, .index = i};
	build_sort(keys, c->nsubnets);
	rc = check_overlap(b, keys, c->nsubnets);
	if (rc != 0)
		goto out;
	for (uint32_t i = 0; i < c->nsubnets; i++)
		sorted[i] = c->subnets[keys[i].index];
	free(c->subnets);
	c->subnets = sorted;
	sorted = NULL;
out:
	free(keys);
	free(sorted);
	return rc;
}
