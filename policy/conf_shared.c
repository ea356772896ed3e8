/*
 * Tree building for the configuration: subnets that share one link. Runs in conf-check and
 * in the broker, inside their cages; pure.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/conf_parts.h"

int
build_shared(struct build *b, struct slice name, struct place at)
{
	struct conf *c = b->conf;
	struct slice inner = build_inner(name);

	if (!build_is_name(inner))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "a name: 1 to 63 letters, digits, ' ', '.', '_', '-', no space first "
		    "or "
		    "last");
	for (unsigned i = 0; i < c->nshared; i++) {
		if (strlen(c->shared[i].name) == inner.len &&
		    memcmp(c->shared[i].name, inner.at, inner.len) == 0)
			return build_fail(b, ERR_DUPLICATE, at,
			    "found shared network '%s' a second time, expected it once; "
			    "the first is on line %u",
			    c->shared[i].name, b->shared_at[i].line);
	}
	if (c->nshared == CONF_SHARED_MAX)
		return build_unexpected(
		    b, ERR_FULL, at, name, "at most 1024 shared networks");
	if (c->shared == NULL &&
	    (c->shared = calloc(CONF_SHARED_MAX, sizeof *c->shared)) == NULL)
		return build_fail(b, ERR_FULL, at, "out of memory");
	c->shared[c->nshared].name = build_keep_text(b, at, inner);
	if (c->shared[c->nshared].name == NULL)
		return b->err;
	b->shared_at[c->nshared++] = at;
	b->in_shared = true;
	build_scope(b);
	return 0;
}

int
build_shared_end(struct build *b, struct place at)
{
	struct conf *c = b->conf;

	b->in_shared = false;
	if (c->nsubnets == 0 || c->subnets[c->nsubnets - 1].shared != c->nshared - 1)
		return build_fail(b, ERR_FORMAT, at,
		    "found '}', expected 'subnet': the shared network has none");
	return build_scope_end(b, &c->shared[c->nshared - 1].scope);
}

/* A link is not half ours. Called before the subnets are sorted: those of one shared
 * network still are neighbours. */
int
build_shared_finish(struct build *b)
{
	const struct conf *c = b->conf;

	for (unsigned i = 1; i < c->nsubnets; i++) {
		const struct conf_subnet *s = &c->subnets[i];

		if (s->shared != CONF_NO_SHARED && s->shared == s[-1].shared &&
		    s->mode != s[-1].mode)
			return build_fail(b, ERR_RANGE, b->subnet_at[i],
			    "found another mode than that of the subnet on line %u, "
			    "expected the same in one shared network",
			    b->subnet_at[i - 1].line);
	}
	return 0;
}
