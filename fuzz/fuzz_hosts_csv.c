/*
 * hosts.csv beside a small configuration: any text gives hosts that are found by all their
 * keys and can be printed as blocks, or one error inside the text.
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

static const char conf_text[] = "interface a;\n"
				"subnet 10.0.0.0/8 { router 10.0.0.1; }\n"
				"host \"a\" { mac 02:00:00:00:00:01; address 10.0.0.9; }\n";

static void
check_error(const struct conf_error *e, const char *text, size_t len)
{
	size_t start = 0, end;

	REQUIRE(e->file == CONF_FILE_HOSTS && e->line >= 1 && e->column >= 1);
	REQUIRE(memchr(e->text, '\0', sizeof e->text) != NULL && e->text[0] != '\0');
	for (const char *p = e->text; *p != '\0'; p++)
		REQUIRE(*p >= ' ' && *p <= '~');
	for (unsigned line = 1; line < e->line; line++) {
		const char *nl = memchr(text + start, '\n', len - start);

		REQUIRE(nl != NULL);
		start = (size_t)(nl - text) + 1;
	}
	for (end = start; end < len && text[end] != '\n'; end++)
		continue;
	REQUIRE(e->column - 1 <= end - start);
}

static void
check_keys(const struct conf *c, uint32_t host)
{
	const struct conf_host *h = &c->hosts[host];

	REQUIRE(h->nkeys >= 1 && h->nkeys <= CONF_HOST_KEYS_MAX);
	REQUIRE(h->first_key < c->nkeys && h->nkeys <= c->nkeys - h->first_key);
	for (unsigned i = 0; i < h->nkeys; i++) {
		const struct conf_host_key *k = &c->keys[h->first_key + i];
		char text[CONF_UUID_TEXT_MAX];

		REQUIRE(k->kind < KEY_KINDS && k->len >= 1 && k->len <= CONF_KEY_MAX);
		REQUIRE(k->host == host);
		REQUIRE(conf_host_find(c, (enum conf_key)k->kind, k->b, k->len) == h);
		REQUIRE(k->kind != KEY_MAC || k->len == 6);
		if (k->kind == KEY_UUID)
			REQUIRE(k->len == 16 && strlen(conf_uuid_format(k->b, text)) == 36);
		if (k->kind == KEY_PORT)
			REQUIRE(k->b[0] + 2 + k->b[1 + k->b[0]] == k->len);
	}
}

static void
check_tree(const struct conf *c)
{
	unsigned reserved = 0, nkeys = 0;

	REQUIRE(c->nhosts >= 1 && strcmp(c->hosts[0].name, "a") == 0);
	for (uint32_t i = 0; i < c->nhosts; i++) {
		const struct conf_host *h = &c->hosts[i];

		check_keys(c, i);
		nkeys += h->nkeys;
		REQUIRE(h->name[0] != '\0' && strlen(h->name) <= CONF_HOST_MAX);
		REQUIRE((h->scope.boot == BOOT_IMAGE) == (h->scope.image != NULL));
		REQUIRE(h->scope.options.len == 0 && h->scope.lease_time == 0);
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

/* Printed, they are host blocks of a configuration that says the same. */
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
	struct conf_text text = {.conf = conf_text,
	    .conf_len = sizeof conf_text - 1,
	    .hosts = (const char *)data,
	    .hosts_len = len};
	struct conf_error error;
	struct conf *conf;

	if (conf_parse(&text, &conf, &error) != 0) {
		REQUIRE(conf == NULL);
		check_error(&error, text.hosts, len);
		return 0;
	}
	check_tree(conf);
	check_print(conf);
	conf_free(conf);
	return 0;
}
