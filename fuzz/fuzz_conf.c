/*
 * The configuration: any text gives a sound tree or one error inside the text. What a
 * sound tree is, is said here a second time, without the code that builds it. What is
 * printed of a tree gives the same tree again.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "tests/lib/conf_same.h"

#define REQUIRE(what)            \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static void
check_error(const struct conf_error *e, int rc, const uint8_t *text, size_t len)
{
	unsigned line = 1;
	size_t start = 0, end;

	REQUIRE(rc < 0 && e->text[0] != '\0');
	REQUIRE(memchr(e->text, '\0', sizeof e->text) != NULL);
	for (const char *p = e->text; *p != '\0'; p++)
		REQUIRE(*p >= ' ' && *p <= '~');
	while (line < e->line) {
		const uint8_t *nl = memchr(text + start, '\n', len - start);

		REQUIRE(nl != NULL);
		start = (size_t)(nl - text) + 1;
		line++;
	}
	for (end = start; end < len && text[end] != '\n'; end++)
		continue;
	REQUIRE(e->line >= 1 && e->column >= 1 && e->column - 1 <= end - start);
}

static uint32_t
mask_of(const struct conf_subnet *s)
{
	return UINT32_MAX << (32 - s->prefix);
}

static void
check_scope(const struct conf_scope *s)
{
	int before = 0;

	REQUIRE((s->boot == BOOT_IMAGE) == (s->image != NULL));
	REQUIRE(s->boot <= BOOT_IMAGE && s->options.len <= CONF_OPTIONS_MAX);
	REQUIRE((s->options.len == 0) == (s->options.b == NULL));
	REQUIRE(s->lease_time == 0 || s->lease_time >= 10);
	REQUIRE(s->boot_lease_time == 0 || s->boot_lease_time >= 10);
	for (unsigned i = 0; i < s->options.len;) {
		const uint8_t *o = s->options.b + i;

		REQUIRE(s->options.len - i >= 3 && o[0] > before && o[0] < 255);
		REQUIRE(o[1] <= CONF_OPTION_ALWAYS && o[2] <= s->options.len - i - 3);
		before = o[0];
		i += 3u + o[2];
	}
}

static void
check_classes(const struct conf *c)
{
	REQUIRE(c->nclasses <= CONF_CLASSES_MAX);
	for (unsigned i = 0; i < c->nclasses; i++) {
		const struct conf_class *class = &c->classes[i];

		REQUIRE(class->name[0] != '\0' && class->ntests >= 1);
		check_scope(&class->scope);
		for (unsigned k = 0; k < class->ntests; k++) {
			const struct conf_test *t = &class->tests[k];

			REQUIRE(t->kind < TEST_KINDS && (k == 0 || t->kind >= t[-1].kind));
			REQUIRE(t->kind != TEST_LINK || t->number < c->nlinks);
			REQUIRE(t->kind != TEST_ARCH || t->number < ARCH_MAX);
			REQUIRE(t->kind != TEST_RELAY || t->prefix <= 32);
			REQUIRE(t->kind != TEST_MAC || t->len <= 6);
			REQUIRE((t->b != NULL) == (t->len > 0));
		}
	}
}

static void
check_pool(const struct conf *c, const struct conf_pool *p)
{
	uint64_t all = c->nclasses == 64 ? UINT64_MAX : (UINT64_C(1) << c->nclasses) - 1;

	REQUIRE(p->known <= POOL_UNKNOWN && (p->allow & p->deny) == 0);
	REQUIRE(((p->allow | p->deny) & ~all) == 0);
	check_scope(&p->scope);
}

static void
check_excluded(const struct conf_subnet *s)
{
	for (unsigned i = 0; i < s->nexcluded; i++) {
		const struct conf_range *r = &s->excluded[i];

		REQUIRE(r->first <= r->last && (i == 0 || r->first > r[-1].last));
		REQUIRE((r->first & mask_of(s)) == s->network);
		REQUIRE((r->last & mask_of(s)) == s->network);
	}
}

static void
check_subnets(const struct conf *c)
{
	for (unsigned i = 0; i < c->nsubnets; i++) {
		const struct conf_subnet *s = &c->subnets[i];
		struct addr a = addr_v4(s->network | ~mask_of(s));

		REQUIRE(s->prefix >= 8 && s->prefix <= 30);
		REQUIRE((s->network & ~mask_of(s)) == 0);
		REQUIRE(i == 0 || s->network > (s[-1].network | ~mask_of(&s[-1])));
		REQUIRE(conf_subnet_of(c, &a) == s);
		REQUIRE(s->npools <= CONF_POOLS_MAX && s->nrouters <= CONF_ADDRS_MAX);
		REQUIRE(s->ndns <= CONF_ADDRS_MAX && s->lease_time >= 10);
		REQUIRE(s->shared < c->nshared || s->shared == CONF_NO_SHARED);
		REQUIRE(s->mode <= MODE_PROXY);
		check_scope(&s->scope);
		check_excluded(s);
		for (unsigned p = 0; p < s->npools; p++) {
			check_pool(c, &s->pools[p]);
			REQUIRE(s->pools[p].first <= s->pools[p].last);
			REQUIRE((s->pools[p].first & mask_of(s)) == s->network);
			REQUIRE((s->pools[p].last & mask_of(s)) == s->network);
			for (unsigned q = 0; q < p; q++)
				REQUIRE(s->pools[q].last < s->pools[p].first ||
					s->pools[p].last < s->pools[q].first);
		}
	}
}

static void
check_keys(const struct conf *c, uint32_t host)
{
	const struct conf_host *h = &c->hosts[host];

	REQUIRE(h->nkeys >= 1 && h->nkeys <= CONF_HOST_KEYS_MAX);
	REQUIRE(h->first_key < c->nkeys && h->nkeys <= c->nkeys - h->first_key);
	for (unsigned i = 0; i < h->nkeys; i++) {
		const struct conf_host_key *k = &c->keys[h->first_key + i];

		REQUIRE(k->kind < KEY_KINDS && k->len >= 1 && k->len <= CONF_KEY_MAX);
		REQUIRE(k->host == host);
		REQUIRE(conf_host_find(c, (enum conf_key)k->kind, k->b, k->len) == h);
		REQUIRE(k->kind != KEY_MAC || k->len == 6);
		REQUIRE(k->kind != KEY_UUID || k->len == 16);
	}
}

static void
check_hosts(const struct conf *c)
{
	unsigned reserved = 0, nkeys = 0;

	for (unsigned i = 0; i < c->nhosts; i++) {
		const struct conf_host *h = &c->hosts[i];

		check_keys(c, i);
		nkeys += h->nkeys;
		REQUIRE(h->name[0] != '\0' && strlen(h->name) <= CONF_HOST_MAX);
		check_scope(&h->scope);
		REQUIRE(h->params_len <= CONF_PARAMS_MAX);
		REQUIRE(h->params_len == 0 || h->params[h->params_len - 1] == '\n');
		if (h->address.family == ADDR_NONE)
			continue;
		reserved++;
		REQUIRE(conf_host_reserving(c, &h->address) == h);
		REQUIRE(conf_subnet_of(c, &h->address) != NULL);
	}
	REQUIRE(reserved == c->nreserved && nkeys == c->nkeys);
}

static void
check_path(const char *path)
{
	REQUIRE(path[0] == '/' && path[1] != '\0' && strlen(path) <= 200);
	REQUIRE(strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
}

static void
check_tree(const struct conf *c)
{
	REQUIRE(c->nlinks >= 1 && c->nlinks <= LINKS_MAX && c->workers <= WORKER_MAX);
	for (unsigned i = 0; i < c->nlinks; i++)
		REQUIRE(strlen(c->links[i].name) >= 1 && strlen(c->links[i].name) <= 15 &&
			c->links[i].mode != MODE_UNSET);
	check_path(c->state);
	check_path(c->images);
	check_path(c->keyring);
	REQUIRE(c->tftp_first >= 1024 && c->tftp_first <= c->tftp_last);
	REQUIRE(c->tftp_last - c->tftp_first < 1024 && c->http_port >= 1);
	REQUIRE(c->http_port < c->tftp_first || c->http_port > c->tftp_last);
	REQUIRE(
	    c->head_timeout <= 3600 && c->idle_timeout <= 3600 && c->rate_window <= 3600);
	REQUIRE(c->landlock_min >= 1 && c->landlock_min <= 32 && c->log_level <= 4);
	REQUIRE(c->probe_ms >= 50 && c->probe_ms <= 5000 && c->quarantine >= 10);
	REQUIRE(c->pool_share >= 1 && c->pool_share <= 100 && c->scope.lease_time >= 10);
	check_scope(&c->scope);
	check_classes(c);
	for (unsigned i = 0; i < c->nshared; i++)
		check_scope(&c->shared[i].scope);
	check_subnets(c);
	check_hosts(c);
}

static void
check_print(const struct conf *c)
{
	struct conf_text t = {0};
	struct conf_error error;
	struct conf *again;
	char *text = conf_printed(c, &t.conf_len);

	t.conf = text;
	REQUIRE(conf_parse(&t, &again, &error) == 0);
	free(text);
	REQUIRE(conf_same(c, again) == NULL);
	conf_free(again);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	struct conf_error error;
	struct conf *conf;
	struct conf_text text = {.conf = (const char *)data, .conf_len = len};
	int rc = conf_parse(&text, &conf, &error);

	if (rc != 0) {
		REQUIRE(conf == NULL);
		check_error(&error, rc, data, len);
		return 0;
	}
	check_tree(conf);
	check_print(conf);
	conf_free(conf);
	return 0;
}
