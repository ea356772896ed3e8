/*
 * The effective configuration as text: what levels say, options above all; classes, shared
 * networks, subnets and pools. Runs in conf-check, inside its cage; pure.
 */
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"
#include "policy/conf_print.h"

/* -------------------------------------------------------------- values */

static bool
can_quote(const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (b[i] < ' ' || b[i] > '~' || b[i] == '"')
			return false;
	}
	return true;
}

const char *
conf_print_bytes(const uint8_t *b, size_t len, bool quote, char text[CONF_PRINT_BYTES])
{
	if (quote && can_quote((const char *)b, len)) {
		snprintf(text, CONF_PRINT_BYTES, "\"%.*s\"", (int)len, (const char *)b);
		return text;
	}
	text[0] = '\0';
	for (size_t i = 0; i < len && 3 * i + 4 < CONF_PRINT_BYTES; i++)
		snprintf(text + 3 * i - (i > 0), 4, i > 0 ? ":%02x" : "%02x", b[i]);
	return text;
}

/* A piece that needs no quotes: no character that the scanner looks at. */
static bool
is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!build_is_lower(s[i]) && !(s[i] >= 'A' && s[i] <= 'Z') &&
		    strchr("._:/ +-", s[i]) == NULL)
			return false;
	}
	return len > 0;
}

/* What is printed of a value, and what would be read again from that. */
struct shown {
	char text[CONF_PRINT_MAX / 2];
	size_t len;
	uint8_t value[OPTION_VALUE_MAX];
	size_t used;
};

static bool
show_piece(struct shown *s, enum option_type type, const char *piece, size_t len)
{
	const char *quote = type == OPTION_TEXT || !is_plain(piece, len) ? "\"" : "";
	const char *expected;

	if (!can_quote(piece, len) || s->len + len + 5 > sizeof s->text)
		return false;
	s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%s%s%.*s%s",
	    s->len > 0 ? ", " : " ", quote, (int)len, piece, quote);
	return option_append(
		   type, piece, len, s->value, sizeof s->value, &s->used, &expected) == 0;
}

/* By name, if that text gives these bytes again. */
static bool
show_named(struct shown *s, const struct option_def *def, const uint8_t *value, size_t len)
{
	char text[OPTION_TEXT_MAX];
	const char *piece = option_format(def->type, value, len, text), *expected;
	bool one = def->type == OPTION_TEXT || def->type == OPTION_NAME;

	s->len = s->used = 0;
	s->text[0] = '\0';
	if (def->type == OPTION_EMPTY)
		return len == 0;
	for (;;) {
		const char *comma = one ? NULL : strstr(piece, ", ");
		size_t n = comma == NULL ? strlen(piece) : (size_t)(comma - piece);

		if (!show_piece(s, def->type, piece, n))
			return false;
		if (comma == NULL)
			break;
		piece = comma + 2;
	}
	return s->used == len && memcmp(s->value, value, len) == 0 &&
	       option_check(def, value, len, &expected) == 0;
}

static void
print_option(struct conf_printer *p, const uint8_t *o)
{
	const char *always = (o[1] & CONF_OPTION_ALWAYS) != 0 ? "always " : "";
	const struct option_def *def = option_by_code(o[0]);
	char bytes[CONF_PRINT_BYTES];
	struct shown s;

	if (def != NULL && show_named(&s, def, o + 3, o[2]))
		conf_print_line(p, "%soption %s%s;", always, def->name, s.text);
	else if (o[2] == 0)
		conf_print_line(p, "%soption %u %s;", always, (unsigned)o[0],
		    option_type_name(OPTION_EMPTY));
	else
		conf_print_line(p, "%soption %u %s %s;", always, (unsigned)o[0],
		    option_type_name(OPTION_BYTES),
		    conf_print_bytes(o + 3, o[2], false, bytes));
}

void
conf_print_options(struct conf_printer *p, const struct conf_options *o,
    bool (*skip)(const void *arg, const uint8_t *option), const void *arg)
{
	for (size_t i = 0; i < o->len; i += (size_t)3 + o->b[i + 2]) {
		if (skip == NULL || !skip(arg, o->b + i))
			print_option(p, o->b + i);
	}
}

static void
print_lease_times(struct conf_printer *p, const struct conf_scope *s)
{
	char text[24];

	if (s->lease_time != 0)
		conf_print_line(p, "lease-time %s;",
		    build_write_amount(AMOUNT_TIME, s->lease_time, text));
	if (s->boot_lease_time != 0)
		conf_print_line(p, "boot-lease-time %s;",
		    build_write_amount(AMOUNT_TIME, s->boot_lease_time, text));
}

static void
print_choice(struct conf_printer *p, const struct conf_scope *s)
{
	if (s->boot == BOOT_IMAGE)
		conf_print_line(p, "image \"%s\";", s->image);
	else if (s->boot == BOOT_DENY)
		conf_print_line(p, "boot deny;");
}

void
conf_print_scope(struct conf_printer *p, const struct conf_scope *s)
{
	print_lease_times(p, s);
	print_choice(p, s);
	conf_print_options(p, &s->options, NULL, NULL);
}

static void
close_block(struct conf_printer *p)
{
	p->depth--;
	conf_print_line(p, "}");
}

/* ------------------------------------------------------------- classes */

static void
print_test(struct conf_printer *p, const struct conf *c, const struct conf_test *t)
{
	char bytes[CONF_PRINT_BYTES], text[24];
	static const char *const words[TEST_KINDS] = {
	    [TEST_VENDOR] = "vendor-class",
	    [TEST_USER] = "user-class",
	    [TEST_MAC] = "mac",
	    [TEST_CIRCUIT] = "circuit-id",
	    [TEST_REMOTE] = "remote-id",
	};

	switch (t->kind) {
	case TEST_ARCH:
		conf_print_line(
		    p, "match architecture %s;", arch_name((enum arch)t->number));
		break;
	case TEST_RELAY:
		if (t->prefix == 32)
			*strchr(build_network_text(t->number, 32, text), '/') = '\0';
		else
			build_network_text(t->number, t->prefix, text);
		conf_print_line(p, "match relay %s;", text);
		break;
	case TEST_LINK:
		conf_print_line(p, "match interface \"%s\";", c->links[t->number].name);
		break;
	default:
		conf_print_line(p, "match %s %s;", words[t->kind],
		    conf_print_bytes(t->b, t->len, t->kind != TEST_MAC, bytes));
		break;
	}
}

void
conf_print_classes(struct conf_printer *p, const struct conf *c)
{
	for (unsigned i = 0; i < c->nclasses; i++) {
		const struct conf_class *class = &c->classes[i];

		conf_print_line(p, "class \"%s\" {", class->name);
		p->depth++;
		for (unsigned t = 0; t < class->ntests; t++)
			print_test(p, c, &class->tests[t]);
		conf_print_scope(p, &class->scope);
		close_block(p);
	}
}

/* ------------------------------------------------------------- subnets */

static bool
is_plain_pool(const struct conf_pool *p)
{
	const struct conf_scope *s = &p->scope;

	return (p->allow | p->deny) == 0 && p->known == POOL_ANYBODY &&
	       s->options.len == 0 && s->lease_time == 0 && s->boot_lease_time == 0 &&
	       s->boot == BOOT_UNSET;
}

static void
print_pool(struct conf_printer *p, const struct conf *c, const struct conf_pool *pool)
{
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];

	conf_print_line(p, "pool %s - %s%s", build_v4_text(pool->first, first),
	    build_v4_text(pool->last, last), is_plain_pool(pool) ? ";" : " {");
	if (is_plain_pool(pool))
		return;
	p->depth++;
	for (unsigned i = 0; i < c->nclasses; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (((pool->allow | pool->deny) & bit) != 0)
			conf_print_line(p, "%s class \"%s\";",
			    (pool->allow & bit) != 0 ? "allow" : "deny",
			    c->classes[i].name);
	}
	if (pool->known != POOL_ANYBODY)
		conf_print_line(
		    p, "allow %s;", pool->known == POOL_KNOWN ? "known" : "unknown");
	conf_print_scope(p, &pool->scope);
	close_block(p);
}

/* The addresses of 'router' or 'dns', if the option is what these words give. */
static bool
is_addresses(const uint8_t *o, const struct addr *a, unsigned n)
{
	if (n == 0 || o[2] != 4 * n || (o[1] & CONF_OPTION_ALWAYS) == 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (memcmp(o + 3 + (size_t)4 * i, a[i].b, 4) != 0)
			return false;
	}
	return true;
}

static bool
is_shorthand(const void *arg, const uint8_t *o)
{
	const struct conf_subnet *s = arg;

	switch (o[0]) {
	case 3: return is_addresses(o, s->routers, s->nrouters);
	case 6: return is_addresses(o, s->dns, s->ndns);
	case 15: return s->domain[0] != '\0';
	default: return false;
	}
}

static void
print_addresses(struct conf_printer *p, const char *word, const struct addr *a, unsigned n)
{
	char list[CONF_ADDRS_MAX * (ADDR_TEXT_MAX + 2)], text[ADDR_TEXT_MAX];
	size_t len = 0;

	for (unsigned i = 0; i < n && len < sizeof list; i++)
		len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
		    i > 0 ? ", " : "", addr_format(&a[i], text));
	conf_print_line(p, "%s %s;", word, list);
}

static void
print_shorthands(struct conf_printer *p, const struct conf_subnet *s)
{
	const struct conf_options *o = &s->scope.options;

	for (size_t i = 0; i < o->len; i += (size_t)3 + o->b[i + 2]) {
		if (!is_shorthand(s, o->b + i))
			continue;
		if (o->b[i] == 3)
			print_addresses(p, "router", s->routers, s->nrouters);
		else if (o->b[i] == 6)
			print_addresses(p, "dns", s->dns, s->ndns);
		else
			conf_print_line(p, "domain \"%s\";", s->domain);
	}
}

static void
print_excluded(struct conf_printer *p, const struct conf_range *r)
{
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];

	build_v4_text(r->first, first);
	if (r->first == r->last)
		conf_print_line(p, "exclude %s;", first);
	else
		conf_print_line(p, "exclude %s - %s;", first, build_v4_text(r->last, last));
}

static void
print_subnet(struct conf_printer *p, const struct conf *c, const struct conf_subnet *s)
{
	char text[24];

	conf_print_line(p, "subnet %s {", build_network_text(s->network, s->prefix, text));
	p->depth++;
	if (s->mode == MODE_FULL || s->mode == MODE_PROXY)
		conf_print_line(p, "mode %s;", s->mode == MODE_FULL ? "full" : "proxy");
	print_shorthands(p, s);
	print_lease_times(p, &s->scope);
	print_choice(p, &s->scope);
	conf_print_options(p, &s->scope.options, is_shorthand, s);
	for (unsigned i = 0; i < s->nexcluded; i++)
		print_excluded(p, &s->excluded[i]);
	for (unsigned i = 0; i < s->npools; i++)
		print_pool(p, c, &s->pools[i]);
	close_block(p);
}

void
conf_print_subnets(struct conf_printer *p, const struct conf *c)
{
	for (uint32_t n = 0; n < c->nshared; n++) {
		conf_print_line(p, "shared-network \"%s\" {", c->shared[n].name);
		p->depth++;
		conf_print_scope(p, &c->shared[n].scope);
		for (unsigned i = 0; i < c->nsubnets; i++) {
			if (c->subnets[i].shared == n)
				print_subnet(p, c, &c->subnets[i]);
		}
		close_block(p);
	}
	for (unsigned i = 0; i < c->nsubnets; i++) {
		if (c->subnets[i].shared == CONF_NO_SHARED)
			print_subnet(p, c, &c->subnets[i]);
	}
}
