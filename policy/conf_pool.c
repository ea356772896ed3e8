/*
 * Tree building for the configuration: pools, who may have their addresses, and what is
 * kept out of them. Runs in conf-check and in the broker, inside their cages; pure. What
 * it lets through lies inside its subnet, in order, and overlaps nothing of its kind.
 */
#include "policy/conf_parts.h"

static struct conf_subnet *
subnet(struct build *b)
{
	return &b->conf->subnets[b->conf->nsubnets - 1];
}

static struct conf_pool *
current(struct build *b)
{
	return &subnet(b)->pools[subnet(b)->npools - 1];
}

int
build_inside(struct build *b, struct slice s, struct place at, uint32_t *v)
{
	const struct conf_subnet *n = subnet(b);
	char text[24], found[FOUND_MAX];

	if (build_ipv4(b, s, at, v) != 0)
		return b->err;
	if ((*v & build_mask(n->prefix)) != n->network)
		return build_fail(b, ERR_RANGE, at,
		    "found %s, expected an address inside %s", build_found(s, found),
		    build_network_text(n->network, n->prefix, text));
	return 0;
}

static int
read_range(struct build *b, struct slice first, struct place first_at, struct slice last,
    struct place last_at, struct conf_range *r)
{
	if (build_inside(b, first, first_at, &r->first) != 0)
		return b->err;
	r->last = r->first;
	if (last.at == NULL)
		return 0;
	if (build_inside(b, last, last_at, &r->last) != 0)
		return b->err;
	if (r->last < r->first)
		return build_unexpected(b, ERR_RANGE, last_at, last,
		    "a last address that is not below the first");
	return 0;
}

int
build_pool(struct build *b, struct slice first, struct place first_at, struct slice last,
    struct place last_at)
{
	struct conf_subnet *n = subnet(b);
	struct conf_range r;

	if (read_range(b, first, first_at, last, last_at, &r) != 0)
		return b->err;
	if (n->npools == CONF_POOLS_MAX)
		return build_unexpected(
		    b, ERR_FULL, first_at, first, "at most 16 pools in a subnet");
	for (unsigned i = 0; i < n->npools; i++) {
		if (r.first <= n->pools[i].last && n->pools[i].first <= r.last)
			return build_fail(b, ERR_DUPLICATE, first_at,
			    "found a pool that overlaps the one on line %u, expected each "
			    "address once",
			    b->pool_line[i]);
	}
	b->pool_line[n->npools] = first_at.line;
	n->pools[n->npools++] = (struct conf_pool){.first = r.first, .last = r.last};
	build_again(b, SET_POOL_KNOWN, SET_POOL_KNOWN);
	build_scope(b);
	return 0;
}

int
build_pool_end(struct build *b)
{
	return build_scope_end(b, &current(b)->scope);
}

int
build_pool_class(struct build *b, bool allow, struct slice name, struct place at)
{
	struct conf_pool *p = current(b);
	uint64_t bit;
	int i = build_name_index(
	    b->classes, &b->nclasses, CONF_CLASSES_MAX, build_inner(name), at);

	if (i < 0)
		return build_unexpected(b, ERR_FULL, at, name,
		    "one of at most 64 classes that this file declares");
	bit = UINT64_C(1) << i;
	if (((p->allow | p->deny) & bit) != 0)
		return build_unexpected(b, ERR_DUPLICATE, at, name,
		    "a class that this pool does not name already");
	*(allow ? &p->allow : &p->deny) |= bit;
	return 0;
}

int
build_pool_known(struct build *b, enum conf_known known, struct place at)
{
	if (build_once(b, SET_POOL_KNOWN, at) != 0)
		return b->err;
	current(b)->known = known;
	return 0;
}

int
build_exclude(struct build *b, struct slice first, struct place first_at, struct slice last,
    struct place last_at)
{
	struct conf_range r;
	unsigned i;

	if (read_range(b, first, first_at, last, last_at, &r) != 0)
		return b->err;
	if (b->nexcluded == BUILD_EXCLUDED_MAX)
		return build_unexpected(b, ERR_FULL, first_at, first,
		    "at most 256 times 'exclude' in a subnet");
	for (i = 0; i < b->nexcluded; i++) {
		if (r.first <= b->excluded[i].last && b->excluded[i].first <= r.last)
			return build_fail(b, ERR_DUPLICATE, first_at,
			    "found addresses that are excluded on line %u, expected each "
			    "once",
			    b->excluded_line[i]);
	}
	for (i = b->nexcluded++; i > 0 && b->excluded[i - 1].first > r.first; i--) {
		b->excluded[i] = b->excluded[i - 1];
		b->excluded_line[i] = b->excluded_line[i - 1];
	}
	b->excluded[i] = r;
	b->excluded_line[i] = first_at.line;
	return 0;
}

int
build_excluded_end(struct build *b)
{
	struct conf_subnet *n = subnet(b);

	n->nexcluded = b->nexcluded;
	if (n->nexcluded == 0)
		return 0;
	n->excluded =
	    build_keep(b, b->next, b->excluded, n->nexcluded * sizeof b->excluded[0]);
	return n->excluded == NULL ? b->err : 0;
}

bool
build_leases(const struct conf_subnet *s, unsigned pool, uint32_t v)
{
	if (v < s->pools[pool].first || v > s->pools[pool].last)
		return false;
	for (unsigned i = 0; i < s->nexcluded; i++) {
		if (v >= s->excluded[i].first && v <= s->excluded[i].last)
			return false;
	}
	return true;
}
