/*
 * Tree building for the configuration: classes and their tests. Runs in conf-check and in
 * the broker, inside their cages; pure. Classes and interfaces may be used before they are
 * declared, so names are numbered in the order of their first use, and the numbers are
 * exchanged for those of the declarations when all is read.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/conf_parts.h"

int
build_class(struct build *b, struct slice name, struct place at)
{
	struct conf *c = b->conf;
	struct slice inner = build_inner(name);
	char found[FOUND_MAX];
	int i;

	if (!build_is_name(inner))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "a name: 1 to 63 letters, digits, ' ', '.', '_', '-', no space first "
		    "or "
		    "last");
	i = build_name_index(b->classes, &b->nclasses, CONF_CLASSES_MAX, inner, at);
	if (i < 0)
		return build_unexpected(b, ERR_FULL, at, name, "at most 64 classes");
	if (b->classes[i].index != UINT32_MAX)
		return build_fail(b, ERR_DUPLICATE, at,
		    "found class %s a second time, expected it once; the first is on line "
		    "%u",
		    build_found(name, found), b->class_at[b->classes[i].index].line);
	if (c->classes == NULL &&
	    (c->classes = calloc(CONF_CLASSES_MAX, sizeof *c->classes)) == NULL)
		return build_fail(b, ERR_FULL, at, "out of memory");
	c->classes[c->nclasses].name = build_keep_text(b, at, inner);
	if (c->classes[c->nclasses].name == NULL)
		return b->err;
	b->classes[i].index = c->nclasses;
	b->class_at[c->nclasses++] = at;
	b->ntests = 0;
	build_scope(b);
	return 0;
}

static int
add_test(struct build *b, struct slice s, struct place at, struct conf_test test)
{
	if (b->ntests == BUILD_TESTS_MAX)
		return build_unexpected(
		    b, ERR_FULL, at, s, "at most 64 values to match in a class");
	b->tests[b->ntests++] = test;
	return 0;
}

int
build_test_bytes(struct build *b, struct slice s, struct place at)
{
	size_t max = b->test_kind == TEST_MAC ? sizeof((struct mac *)NULL)->b : 255;
	struct conf_test t = {.kind = b->test_kind};
	uint8_t bytes[255];
	int n = build_bytes(b, s, at, max, bytes);

	if (n < 0)
		return b->err;
	t.len = (uint8_t)n;
	t.b = build_keep(b, at, bytes, (size_t)n);
	return t.b == NULL ? b->err : add_test(b, s, at, t);
}

int
build_test_arch(struct build *b, struct slice s, struct place at)
{
	enum arch arch = ARCH_MAX;
	char name[16];

	if (s.len < sizeof name) {
		memcpy(name, s.at, s.len);
		name[s.len] = '\0';
		arch = strcmp(name, "none") == 0 ? ARCH_NONE : arch_parse(name);
	}
	if (arch == ARCH_MAX)
		return build_unexpected(b, ERR_FORMAT, at, s,
		    "bios, x86, x64, arm32, arm64, riscv64, loongarch64 or none");
	return add_test(
	    b, s, at, (struct conf_test){.kind = TEST_ARCH, .number = (uint32_t)arch});
}

int
build_test_relay(struct build *b, struct slice s, struct place at)
{
	struct conf_test t = {.kind = TEST_RELAY, .prefix = 32};
	int rc = memchr(s.at, '/', s.len) == NULL
		     ? build_ipv4(b, s, at, &t.number)
		     : build_network(b, s, at, 8, 32, &t.number, &t.prefix);

	return rc != 0 ? rc : add_test(b, s, at, t);
}

int
build_test_link(struct build *b, struct slice s, struct place at)
{
	int i = build_name_index(b->links, &b->nlinks, LINKS_MAX, build_inner(s), at);

	if (i < 0)
		return build_unexpected(b, ERR_FULL, at, s, "at most 16 interfaces");
	return add_test(
	    b, s, at, (struct conf_test){.kind = TEST_LINK, .number = (uint32_t)i});
}

int
build_class_end(struct build *b, struct place at)
{
	struct conf_class *c = &b->conf->classes[b->conf->nclasses - 1];
	struct conf_test sorted[BUILD_TESTS_MAX];
	unsigned n = 0;

	if (b->ntests == 0)
		return build_fail(
		    b, ERR_FORMAT, at, "found '}', expected 'match': the class has none");
	for (enum conf_test_kind kind = 0; kind < TEST_KINDS; kind++) {
		for (unsigned i = 0; i < b->ntests; i++) {
			if (b->tests[i].kind == kind)
				sorted[n++] = b->tests[i];
		}
	}
	c->tests = build_keep(b, at, sorted, n * sizeof sorted[0]);
	if (c->tests == NULL)
		return b->err;
	c->ntests = n;
	return build_scope_end(b, &c->scope);
}

/* ------------------------------------------------ when all names are known */

static int
find_links(struct build *b)
{
	const struct conf *c = b->conf;

	for (unsigned i = 0; i < b->nlinks; i++) {
		struct name_draft *n = &b->links[i];

		for (unsigned k = 0; k < c->nlinks; k++) {
			if (strlen(c->links[k].name) == n->name.len &&
			    memcmp(c->links[k].name, n->name.at, n->name.len) == 0)
				n->index = k;
		}
		if (n->index == UINT32_MAX)
			return build_unexpected(b, ERR_ABSENT, n->at, n->name,
			    "an interface that this file declares");
	}
	return 0;
}

static uint64_t
renumbered(const struct build *b, uint64_t set)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < b->nclasses; i++) {
		if ((set >> i & 1) != 0)
			out |= UINT64_C(1) << b->classes[i].index;
	}
	return out;
}

static void
renumber_tests(struct build *b, struct conf_class *c)
{
	/* Kept by build_class_end() and read by nobody yet. */
	struct conf_test *tests = (struct conf_test *)(uintptr_t)c->tests;

	for (unsigned i = 0; i < c->ntests; i++) {
		if (tests[i].kind == TEST_LINK)
			tests[i].number = b->links[tests[i].number].index;
	}
}

int
build_classes_finish(struct build *b)
{
	struct conf *c = b->conf;

	for (unsigned i = 0; i < b->nclasses; i++) {
		if (b->classes[i].index == UINT32_MAX)
			return build_unexpected(b, ERR_ABSENT, b->classes[i].at,
			    b->classes[i].name, "a class that this file declares");
	}
	if (find_links(b) != 0)
		return b->err;
	for (unsigned i = 0; i < c->nclasses; i++)
		renumber_tests(b, &c->classes[i]);
	for (unsigned i = 0; i < c->nsubnets; i++) {
		for (unsigned k = 0; k < c->subnets[i].npools; k++) {
			struct conf_pool *p = &c->subnets[i].pools[k];

			p->allow = renumbered(b, p->allow);
			p->deny = renumbered(b, p->deny);
		}
	}
	return 0;
}
