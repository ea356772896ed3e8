/*
 * Tree building for the configuration: subnets, their pools and options. Runs in
 * conf-check and in the broker, inside their cages; pure. What it lets through, the
 * pool code may rely on: pools lie inside their subnet, in order, and nothing overlaps.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/conf_parts.h"

static struct conf_subnet *
current(struct build *b)
{
	return &b->conf->subnets[b->conf->nsubnets - 1];
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
	n.shared = b->in_shared ? b->conf->nshared - 1 : CONF_NO_SHARED;
	build_again(b, SET_ROUTER, SET_SUBNET_MODE);
	b->nexcluded = 0;
	if (build_network(b, s, at, 8, 30, &n.network, &n.prefix) != 0)
		return b->err;
	if (b->conf->nsubnets == CONF_SUBNETS_MAX)
		return build_unexpected(b, ERR_FULL, at, s, "at most 16384 subnets");
	if (grow_subnets(b, at) != 0)
		return b->err;
	b->subnet_at[b->conf->nsubnets] = at;
	b->conf->subnets[b->conf->nsubnets++] = n;
	build_scope(b);
	return 0;
}

int
build_router(struct build *b, struct slice s, struct place at)
{
	struct conf_subnet *n = current(b);
	uint32_t v;

	if (build_inside(b, s, at, &v) != 0)
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

int
build_subnet_mode(struct build *b, enum conf_mode mode, struct place at)
{
	if (build_once(b, SET_SUBNET_MODE, at) != 0)
		return b->err;
	current(b)->mode = mode;
	return 0;
}

/* What stands there as an option, for those who look for the address of a machine. */
static unsigned
take_addresses(
    const struct build *b, uint8_t code, const struct conf_subnet *inside, struct addr *to)
{
	bool always;
	uint8_t len;
	const uint8_t *v = build_option_find(b, code, &always, &len);
	unsigned n = 0;

	for (unsigned i = 0; v != NULL && i + 4 <= len && n < CONF_ADDRS_MAX; i += 4) {
		uint32_t a = (uint32_t)v[i] << 24 | (uint32_t)v[i + 1] << 16 |
			     (uint32_t)v[i + 2] << 8 | v[i + 3];

		if ((a & build_mask(inside->prefix)) == inside->network)
			to[n++] = addr_v4(a);
	}
	return n;
}

static int
put_addresses(struct build *b, enum setting setting, const char *name, uint8_t code,
    const struct addr *a, unsigned n)
{
	uint8_t value[4 * CONF_ADDRS_MAX];

	for (unsigned i = 0; i < n; i++)
		memcpy(value + (size_t)4 * i, a[i].b, 4);
	return build_option_put(
	    b, b->set_at[setting], name, code, true, value, (size_t)4 * n);
}

/* 'router', 'dns' and 'domain' are options as well. The other way round, routers and name
 * servers given as options are known as such, if they are of this subnet. */
static int
same_as_options(struct build *b)
{
	struct conf_subnet *n = current(b);
	int rc = 0;

	if (n->nrouters > 0) {
		rc = put_addresses(b, SET_ROUTER, "'router'", 3, n->routers, n->nrouters);
	} else {
		n->nrouters = take_addresses(b, 3, n, n->routers);
		for (unsigned i = 0; i < n->nrouters; i++)
			b->router_at[i] = b->scopes[b->depth].option_at[3];
	}
	if (rc == 0 && n->ndns > 0)
		rc = put_addresses(b, SET_DNS, "'dns'", 6, n->dns, n->ndns);
	else if (rc == 0)
		n->ndns = take_addresses(b, 6, n, n->dns);
	if (rc == 0 && n->domain[0] != '\0')
		rc = build_option_put(b, b->set_at[SET_DOMAIN], "'domain'", 15, true,
		    n->domain, strlen(n->domain));
	return rc;
}

/* A client must never be given the address of its own router. */
static int
check_routers(struct build *b)
{
	const struct conf_subnet *n = current(b);
	char text[ADDR_TEXT_MAX];

	for (unsigned r = 0; r < n->nrouters; r++) {
		uint32_t v = addr_to_v4(&n->routers[r]);

		for (unsigned p = 0; p < n->npools; p++) {
			if (build_leases(n, p, v))
				return build_fail(b, ERR_RANGE, b->router_at[r],
				    "found router %s inside the pool on line %u, expected "
				    "it outside every pool",
				    build_v4_text(v, text), b->pool_line[p]);
		}
	}
	return 0;
}

int
build_subnet_end(struct build *b)
{
	if (same_as_options(b) != 0 || build_excluded_end(b) != 0 || check_routers(b) != 0)
		return b->err;
	return build_scope_end(b, &current(b)->scope);
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
	    build_network_text(all[worst].network, all[worst].prefix, text),
	    b->subnet_at[other].line);
}

static uint32_t
lease_time_of(const struct conf *c, const struct conf_subnet *s)
{
	if (s->scope.lease_time != 0)
		return s->scope.lease_time;
	if (s->shared != CONF_NO_SHARED && c->shared[s->shared].scope.lease_time != 0)
		return c->shared[s->shared].scope.lease_time;
	return c->scope.lease_time;
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
	for (uint32_t i = 0; i < c->nsubnets; i++) {
		sorted[i] = c->subnets[keys[i].index];
		sorted[i].lease_time = lease_time_of(c, &sorted[i]);
	}
	free(c->subnets);
	c->subnets = sorted;
	sorted = NULL;
out:
	free(keys);
	free(sorted);
	return rc;
}
