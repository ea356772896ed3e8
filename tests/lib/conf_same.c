/*
 * For tests and fuzz targets of the configuration: compares two trees field by field,
 * without the code that builds or prints them.
 */
#include "tests/lib/conf_same.h"

#include <stdlib.h>
#include <string.h>

#include "policy/conf_print.h"

#define NEED(what)                    \
	do {                          \
		if (!(what))          \
			return #what; \
	} while (0)
#define SAME(field) NEED(a->field == b->field)
#define TEXT(field) NEED(strcmp(a->field, b->field) == 0)
#define ALL(what)                         \
	do {                              \
		const char *why = (what); \
		if (why != NULL)          \
			return why;       \
	} while (0)

static const char *
same_scope(const struct conf_scope *a, const struct conf_scope *b)
{
	SAME(lease_time);
	SAME(boot_lease_time);
	SAME(boot);
	NEED((a->boot == BOOT_IMAGE) == (a->image != NULL));
	NEED((b->boot == BOOT_IMAGE) == (b->image != NULL));
	if (a->image != NULL)
		TEXT(image);
	SAME(options.len);
	NEED(
	    a->options.len == 0 || memcmp(a->options.b, b->options.b, a->options.len) == 0);
	return NULL;
}

static const char *
same_class(const struct conf_class *a, const struct conf_class *b)
{
	TEXT(name);
	SAME(ntests);
	for (unsigned i = 0; i < a->ntests; i++) {
		SAME(tests[i].kind);
		SAME(tests[i].len);
		SAME(tests[i].prefix);
		SAME(tests[i].number);
		NEED(a->tests[i].len == 0 ||
		     memcmp(a->tests[i].b, b->tests[i].b, a->tests[i].len) == 0);
	}
	return same_scope(&a->scope, &b->scope);
}

static const char *
same_pool(const struct conf_pool *a, const struct conf_pool *b)
{
	SAME(first);
	SAME(last);
	SAME(allow);
	SAME(deny);
	SAME(known);
	return same_scope(&a->scope, &b->scope);
}

static const char *
same_subnet(const struct conf_subnet *a, const struct conf_subnet *b)
{
	SAME(network);
	SAME(prefix);
	SAME(npools);
	SAME(nrouters);
	SAME(ndns);
	SAME(lease_time);
	SAME(mode);
	SAME(shared);
	SAME(nexcluded);
	TEXT(domain);
	for (unsigned i = 0; i < a->npools; i++)
		ALL(same_pool(&a->pools[i], &b->pools[i]));
	for (unsigned i = 0; i < a->nrouters; i++)
		NEED(addr_equal(&a->routers[i], &b->routers[i]));
	for (unsigned i = 0; i < a->ndns; i++)
		NEED(addr_equal(&a->dns[i], &b->dns[i]));
	for (unsigned i = 0; i < a->nexcluded; i++) {
		SAME(excluded[i].first);
		SAME(excluded[i].last);
	}
	return same_scope(&a->scope, &b->scope);
}

static const char *
same_hosts(const struct conf *a, const struct conf *b)
{
	SAME(nhosts);
	SAME(nkeys);
	SAME(nreserved);
	for (unsigned i = 0; i < a->nhosts; i++) {
		TEXT(hosts[i].name);
		SAME(hosts[i].nkeys);
		SAME(hosts[i].first_key);
		SAME(hosts[i].params_len);
		NEED(memcmp(a->hosts[i].params, b->hosts[i].params,
			 a->hosts[i].params_len) == 0);
		NEED(addr_equal(&a->hosts[i].address, &b->hosts[i].address));
		NEED(
		    (a->hosts[i].certificate == NULL) == (b->hosts[i].certificate == NULL));
		NEED(a->hosts[i].certificate == NULL ||
		     memcmp(a->hosts[i].certificate, b->hosts[i].certificate,
			 CONF_FINGERPRINT) == 0);
		ALL(same_scope(&a->hosts[i].scope, &b->hosts[i].scope));
	}
	for (unsigned i = 0; i < a->nkeys; i++) {
		SAME(keys[i].host);
		SAME(keys[i].kind);
		SAME(keys[i].len);
		NEED(memcmp(a->keys[i].b, b->keys[i].b, a->keys[i].len) == 0);
	}
	for (unsigned i = 0; i < a->nreserved; i++)
		SAME(reserved[i]);
	return NULL;
}

static const char *
same_services(const struct conf *a, const struct conf *b)
{
	SAME(default_boot);
	TEXT(default_image);
	SAME(unknown_allow);
	SAME(unknown_boot);
	TEXT(unknown_image);
	SAME(ipxe_http);
	SAME(expired_serve);
	SAME(workers);
	SAME(tftp_first);
	SAME(tftp_last);
	SAME(tftp_single);
	SAME(tftp_any_case);
	SAME(tftp_rollover);
	SAME(tftp_window);
	SAME(tftp_blksize);
	SAME(transfers_per_address);
	SAME(http_port);
	SAME(head_timeout);
	SAME(idle_timeout);
	SAME(min_rate);
	SAME(rate_window);
	SAME(conns_per_address);
	SAME(landlock_min);
	SAME(log_level);
	SAME(memory);
	SAME(uid_base);
	SAME(sessions_max);
	SAME(session_time);
	return NULL;
}

static const char *
same_dhcp(const struct conf *a, const struct conf *b)
{
	SAME(authoritative);
	SAME(bootp);
	SAME(probe);
	NEED(!a->probe || a->probe_ms == b->probe_ms);
	SAME(quarantine);
	SAME(client_rate);
	SAME(link_rate);
	SAME(leases_per_port);
	SAME(pool_share);
	SAME(control_gid);
	return NULL;
}

const char *
conf_same(const struct conf *a, const struct conf *b)
{
	TEXT(state);
	TEXT(images);
	TEXT(keyring);
	SAME(nlinks);
	SAME(nclasses);
	SAME(nshared);
	SAME(nsubnets);
	for (unsigned i = 0; i < a->nlinks; i++) {
		TEXT(links[i].name);
		NEED(addr_equal(&a->links[i].address, &b->links[i].address));
		NEED(addr_equal(&a->links[i].address6, &b->links[i].address6));
		SAME(links[i].find6);
		SAME(links[i].mode);
		SAME(links[i].rogue);
	}
	SAME(nopen);
	for (unsigned i = 0; i < a->nopen; i++) {
		TEXT(open[i].image);
		SAME(open[i].prefix);
		NEED(addr_equal(&a->open[i].network, &b->open[i].network));
	}
	ALL(same_services(a, b));
	ALL(same_dhcp(a, b));
	ALL(same_scope(&a->scope, &b->scope));
	for (unsigned i = 0; i < a->nclasses; i++)
		ALL(same_class(&a->classes[i], &b->classes[i]));
	for (unsigned i = 0; i < a->nshared; i++) {
		TEXT(shared[i].name);
		ALL(same_scope(&a->shared[i].scope, &b->shared[i].scope));
	}
	for (unsigned i = 0; i < a->nsubnets; i++)
		ALL(same_subnet(&a->subnets[i], &b->subnets[i]));
	return same_hosts(a, b);
}

struct text {
	char *b;
	size_t len, size;
};

static void
put(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	if (t->len + len > t->size) {
		t->size = 2 * (t->len + len) + 4096;
		t->b = realloc(t->b, t->size);
		if (t->b == NULL)
			abort();
	}
	memcpy(t->b + t->len, text, len);
	t->len += len;
}

char *
conf_printed(const struct conf *c, size_t *len)
{
	struct text t = {0};

	if (conf_print(c, put, &t) != 0)
		abort();
	*len = t.len;
	return t.b;
}
