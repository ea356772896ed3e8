/*
 * Which scopes of the configuration apply to a machine, and what they say together.
 * Broker; pure. The scopes belong to the tree, which was checked when it was built.
 */
#include "policy/scope.h"

#include <string.h>

#include "src/base/buf.h"

/* Where no scope says a lease time. */
#define LEASE_TIME_DEFAULT 3600

static void
add(struct scopes *s, const struct conf_scope *scope)
{
	s->of[s->n++] = scope;
}

void
scopes_of(struct scopes *s, const struct conf *conf, const struct match *match,
    const struct conf_subnet *subnet, const struct conf_pool *pool)
{
	uint64_t classes = match->classes;

	s->n = 0;
	if (match->host != NULL)
		add(s, &match->host->scope);
	for (unsigned i = 0; i < conf->nclasses && classes != 0; i++, classes >>= 1) {
		if ((classes & 1) != 0)
			add(s, &conf->classes[i].scope);
	}
	if (pool != NULL)
		add(s, &pool->scope);
	if (subnet != NULL) {
		add(s, &subnet->scope);
		if (subnet->shared < conf->nshared)
			add(s, &conf->shared[subnet->shared].scope);
	}
	add(s, &conf->scope);
}

/* The time for boot stages is a setting of its own: any level's goes before a lease time,
 * however near that is. */
uint32_t
scopes_lease_time(const struct scopes *s, bool boots)
{
	for (unsigned i = 0; boots && i < s->n; i++) {
		if (s->of[i]->boot_lease_time != 0)
			return s->of[i]->boot_lease_time;
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (s->of[i]->lease_time != 0)
			return s->of[i]->lease_time;
	}
	return LEASE_TIME_DEFAULT;
}

/* Where each code's option stands: the first that came, for the nearest scope comes first.
 * A set bit of `have` says that the code's entry is filled. */
struct merge {
	uint64_t have[4];
	const uint8_t *at[256]; /* of code, flags, length, value */
};

static void
merge_options(struct merge *m, const struct conf_options *options)
{
	const uint8_t *p = options->b;

	for (size_t left = options->len; left >= 3 && left - 3 >= p[2];) {
		size_t n = 3u + p[2];
		uint64_t bit = UINT64_C(1) << (p[0] & 63);

		if ((m->have[p[0] >> 6] & bit) == 0) {
			m->have[p[0] >> 6] |= bit;
			m->at[p[0]] = p;
		}
		p += n;
		left -= n;
	}
}

static bool
is_wanted(const uint8_t *wanted, unsigned code)
{
	return wanted == NULL || (wanted[code / 8] >> (code % 8) & 1) != 0;
}

size_t
scopes_options(const struct scopes *s, const uint8_t *wanted, uint8_t *bytes, size_t cap,
    unsigned *left_out)
{
	struct merge m;
	struct out out;

	memset(m.have, 0, sizeof m.have);
	for (unsigned i = 0; i < s->n; i++)
		merge_options(&m, &s->of[i]->options);
	*left_out = 0;
	out_init(&out, bytes, cap);
	for (unsigned word = 0; word < 4; word++) {
		for (uint64_t bits = m.have[word]; bits != 0; bits &= bits - 1) {
			const uint8_t *p =
			    m.at[word * 64 + (unsigned)__builtin_ctzll(bits)];

			if ((p[1] & CONF_OPTION_ALWAYS) == 0 && !is_wanted(wanted, p[0]))
				continue;
			if (out_room(&out) < 2u + p[2]) {
				++*left_out;
				continue;
			}
			out_u8(&out, p[0]);
			out_copy(&out, p + 2, 1u + p[2]);
		}
	}
	return out.len;
}

enum boot_choice
scopes_boot(const struct scopes *s, const char **image)
{
	*image = NULL;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->of[i]->boot == BOOT_UNSET)
			continue;
		if (s->of[i]->boot == BOOT_IMAGE)
			*image = s->of[i]->image;
		return s->of[i]->boot;
	}
	return BOOT_UNSET;
}
