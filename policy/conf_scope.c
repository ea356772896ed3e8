/*
 * Tree building for the configuration: what any level may say, from the whole file down to
 * one pool or host. Runs in conf-check and in the broker, inside their cages; pure. Levels
 * that are open lie on a stack as high as the grammar can nest them.
 */
#include <string.h>

#include "policy/conf_parts.h"

#define DAY UINT64_C(86400)

static struct scope_draft *
current(struct build *b)
{
	return &b->scopes[b->depth];
}

void
build_scope(struct build *b)
{
	struct scope_draft *d;

	if (++b->depth == BUILD_LEVELS)
		bug("more levels than the grammar nests");
	d = current(b);
	/* Not all of it: a file can have 100,000 hosts. */
	for (size_t i = 0; i < d->options_len; i += (size_t)3 + d->options[i + 2])
		d->option_at[d->options[i]].line = 0;
	d->options_len = 0;
	d->lease_at.line = d->boot_lease_at.line = d->boot_at.line = 0;
	d->lease_time = d->boot_lease_time = 0;
	d->boot = BOOT_UNSET;
}

int
build_scope_end(struct build *b, struct conf_scope *to)
{
	const struct scope_draft *d = current(b);

	to->lease_time = d->lease_time;
	to->boot_lease_time = d->boot_lease_time;
	to->boot = d->boot;
	to->image = NULL;
	if (d->boot == BOOT_IMAGE &&
	    (to->image = build_keep_text(b, d->boot_at, d->image)) == NULL)
		return b->err;
	to->options.len = d->options_len;
	to->options.b = NULL;
	if (d->options_len > 0 &&
	    (to->options.b = build_keep(b, b->next, d->options, d->options_len)) == NULL)
		return b->err;
	if (b->depth > 0)
		b->depth--;
	return 0;
}

static int
once(struct build *b, struct place *first, const char *name, struct place at)
{
	if (first->line != 0)
		return build_fail(b, ERR_DUPLICATE, at,
		    "%s is given a second time, expected it once; the first is on line %u",
		    name, first->line);
	*first = at;
	return 0;
}

int
build_scope_lease(
    struct build *b, bool boot, struct place at, struct slice s, struct place s_at)
{
	struct scope_draft *d = current(b);
	uint64_t v;
	int rc = boot ? once(b, &d->boot_lease_at, "'boot-lease-time'", at)
		      : once(b, &d->lease_at, "'lease-time'", at);

	if (rc != 0 || build_range(b, AMOUNT_TIME, 10, 365 * DAY, s, s_at, &v) != 0)
		return b->err;
	*(boot ? &d->boot_lease_time : &d->lease_time) = (uint32_t)v;
	return 0;
}

int
build_scope_deny(struct build *b, struct place at)
{
	struct scope_draft *d = current(b);

	if (once(b, &d->boot_at, "'image' or 'boot'", at) != 0)
		return b->err;
	d->boot = BOOT_DENY;
	return 0;
}

int
build_scope_image(struct build *b, struct place at, struct slice s, struct place s_at)
{
	struct scope_draft *d = current(b);

	if (once(b, &d->boot_at, "'image' or 'boot'", at) != 0 ||
	    build_image_name(b, s, s_at) != 0)
		return b->err;
	d->boot = BOOT_IMAGE;
	d->image = build_inner(s);
	return 0;
}
