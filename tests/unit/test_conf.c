/*
 * The configuration: what each setting becomes, the examples, limits, sizes, and texts
 * that are cut or bent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/conf.h"
#include "policy/option.h"
#include "src/base/clock.h"
#include "src/base/log.h"

static int
try(const char *text, size_t len, struct conf **c, struct conf_error *e)
{
	struct conf_text t = {.conf = text, .conf_len = len};

	return conf_parse(&t, c, e);
}

static struct conf *
parse_bytes(const char *text, size_t len)
{
	struct conf_error e;
	struct conf *c;

	if (try(text, len, &c, &e) != 0)
		fail_msg("%u:%u: %s", e.line, e.column, e.text);
	return c;
}

static struct conf *
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(65536 + 1);

	if (f == NULL || text == NULL) {
		free(text);
		fail_msg("%s: run from the top of the source tree", path);
		return NULL;
	}
	*len = fread(text, 1, 65536, f);
	fclose(f);
	return text;
}

static struct addr
v4(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct mac
mac(const char *text)
{
	struct mac m;

	assert_int_equal(mac_parse(text, &m), 0);
	return m;
}

static void
defaults(void **state)
{
	struct conf *c = parse("interface eth0;");

	(void)state;
	assert_string_equal(c->state, SALLYPORT_STATEDIR);
	assert_string_equal(c->images, SALLYPORT_STATEDIR "/images");
	assert_string_equal(c->keyring, SALLYPORT_SYSCONFDIR "/sallyport/keyring");
	assert_int_equal(c->nlinks, 1);
	assert_string_equal(c->links[0].name, "eth0");
	assert_int_equal(c->links[0].address.family, ADDR_NONE);
	assert_int_equal(c->default_boot, BOOT_DENY);
	assert_true(c->unknown_allow);
	assert_int_equal(c->unknown_boot, BOOT_DENY);
	assert_true(c->ipxe_http);
	assert_false(c->expired_serve);
	assert_int_equal(c->workers, 0);
	assert_int_equal(c->tftp_first, 40000);
	assert_int_equal(c->tftp_last, 40063);
	assert_false(c->tftp_single);
	assert_false(c->tftp_any_case);
	assert_int_equal(c->tftp_rollover, 0);
	assert_int_equal(c->tftp_window, 64);
	assert_int_equal(c->tftp_blksize, 65464);
	assert_int_equal(c->transfers_per_address, 64);
	assert_int_equal(c->http_port, 80);
	assert_int_equal(c->head_timeout, 10);
	assert_int_equal(c->idle_timeout, 30);
	assert_int_equal(c->min_rate, 1024);
	assert_int_equal(c->rate_window, 30);
	assert_int_equal(c->conns_per_address, 64);
	assert_int_equal(c->landlock_min, 2);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_true(c->memory == UINT64_C(2) << 30);
	assert_int_equal(c->uid_base, 0);
	assert_int_equal(c->sessions_max, 10000);
	assert_int_equal(c->session_time, 3600);
	conf_free(c);
	conf_free(NULL);
}

static void
example_minimal(void **state)
{
	size_t len;
	char *text = read_file("examples/minimal.conf", &len);
	struct conf *c = parse_bytes(text, len);

	(void)state;
	free(text);
	assert_int_equal(c->nsubnets, 1);
	assert_int_equal(c->subnets[0].npools, 1);
	assert_int_equal(c->default_boot, BOOT_IMAGE);
	assert_string_equal(c->default_image, "debian");
	assert_true(c->unknown_allow);
	assert_int_equal(c->unknown_boot, BOOT_UNSET);
	conf_free(c);
}

static void
check_full_hosts(const struct conf *c)
{
	struct addr a = v4("10.77.0.50"), other = v4("10.77.0.51");
	struct mac m1 = mac("52:54:00:12:34:56"), m2 = mac("52:54:00:12:34:57");
	struct mac none = mac("52:54:00:12:34:59");
	const struct conf_host *h = conf_host_of(c, &m1);

	assert_int_equal(c->nhosts, 4);
	assert_non_null(h);
	assert_string_equal(h->name, "node1");
	assert_ptr_equal(conf_host_reserving(c, &a), h);
	assert_null(conf_host_reserving(c, &other));
	assert_int_equal(h->scope.boot, BOOT_IMAGE);
	assert_string_equal(h->scope.image, "debian");
	assert_int_equal(h->params_len, strlen("disk=/dev/sda\nconsole=ttyS0,115200n8\n"));
	assert_memory_equal(
	    h->params, "disk=/dev/sda\nconsole=ttyS0,115200n8\n", h->params_len);
	h = conf_host_of(c, &m2);
	assert_non_null(h);
	assert_int_equal(h->scope.boot, BOOT_DENY);
	assert_int_equal(h->address.family, ADDR_NONE);
	assert_null(conf_host_of(c, &none));
	assert_int_equal(c->hosts[2].scope.boot, BOOT_UNSET);
}

static void
check_full_subnets(const struct conf *c)
{
	struct addr in = v4("10.78.3.255"), out = v4("10.78.4.0"), low = v4("1.0.0.0");
	struct addr six = v4("fe80::1");
	const struct conf_subnet *s = conf_subnet_of(c, &in);

	assert_int_equal(c->nsubnets, 4);
	assert_ptr_equal(s, &c->subnets[1]);
	assert_int_equal(s->nexcluded, 2);
	assert_int_equal(s->prefix, 22);
	assert_int_equal(s->nrouters, 2);
	assert_int_equal(s->lease_time, 12 * 3600);
	assert_string_equal(s->domain, "");
	assert_null(conf_subnet_of(c, &out));
	assert_null(conf_subnet_of(c, &low));
	assert_null(conf_subnet_of(c, &six));
	s = &c->subnets[0];
	assert_int_equal(s->npools, 2);
	assert_int_equal(s->pools[1].first, 0x0a4d00a0);
	assert_int_equal(s->pools[1].last, 0x0a4d00c8);
	assert_int_equal(s->ndns, 2);
	assert_int_equal(addr_to_v4(&s->dns[1]), 0x0a4d0002);
	assert_string_equal(s->domain, "lab.example");
}

static void
check_full_keys(const struct conf *c)
{
	static const uint8_t uuid[16] = {0x44, 0x45, 0x4c, 0x4c, 0x43, 0x00, 0x10, 0x35,
	    0x80, 0x52, 0xb4, 0xc0, 0x4f, 0x4e, 0x4c, 0x32};
	static const uint8_t client[] = {1, 0x52, 0x54, 0, 0x12, 0x34, 0x58};
	struct mac second = mac("52:54:00:12:34:5a");
	const struct conf_host *h = conf_host_of(c, &second);
	uint8_t port[CONF_KEY_MAX];
	int len = conf_port_key(port, "Gi1/0/4", 7, "switch-7", 8);

	assert_non_null(h);
	assert_string_equal(h->name, "node3");
	assert_int_equal(h->scope.lease_time, 86400);
	assert_ptr_equal(conf_host_find(c, KEY_UUID, uuid, sizeof uuid), h);
	assert_ptr_equal(conf_host_find(c, KEY_CLIENT_ID, client, sizeof client), h);
	assert_true(len > 0);
	h = conf_host_find(c, KEY_PORT, port, (size_t)len);
	assert_non_null(h);
	assert_string_equal(h->name, "port4");
}

static void
check_full_levels(const struct conf *c)
{
	const struct conf_subnet *s = &c->subnets[2];

	assert_int_equal(c->links[1].mode, MODE_PROXY);
	assert_int_equal(c->links[1].rogue, ROGUE_IGNORE);
	assert_int_equal(c->nclasses, 2);
	assert_string_equal(c->classes[1].scope.image, "rescue");
	assert_int_equal(c->nshared, 1);
	assert_int_equal(s->shared, 0);
	assert_int_equal(s->lease_time, 1800);
	assert_true(s->pools[0].allow == 1 && s->pools[0].deny == 2);
	assert_int_equal(s->pools[1].known, POOL_UNKNOWN);
	assert_int_equal(s->pools[1].scope.boot, BOOT_DENY);
	assert_int_equal(c->pool_share, 90);
	assert_int_equal(c->control_gid, 1000);
}

static void
example_full(void **state)
{
	size_t len;
	char *text = read_file("examples/full.conf", &len);
	struct conf *c = parse_bytes(text, len);

	(void)state;
	free(text); /* the tree must not point into the text */
	assert_int_equal(c->nlinks, 2);
	assert_int_equal(addr_to_v4(&c->links[0].address), 0x0a4d0001);
	assert_string_equal(c->links[1].name, "br-lab");
	check_full_subnets(c);
	check_full_hosts(c);
	check_full_keys(c);
	check_full_levels(c);
	assert_int_equal(c->unknown_boot, BOOT_IMAGE);
	assert_string_equal(c->unknown_image, "rescue");
	assert_int_equal(c->workers, 2);
	assert_int_equal(c->uid_base, 61000);
	conf_free(c);
}

/* The keywords, each in quotes where its line begins in the scanner. */
static void
everything_is_shown(void **state)
{
	size_t len;
	char *words = read_file("policy/conf.l", &len), *example, *manual;
	unsigned n = 0;

	(void)state;
	words[len] = '\0';
	example = read_file("examples/full.conf", &len);
	example[len] = '\0';
	manual = read_file("docs/man/sallyport.conf.5", &len);
	manual[len] = '\0';
	for (char *line = words; line != NULL; line = strchr(line, '\n')) {
		char word[32] = "";

		line += line > words;
		if (sscanf(line, "\"%31[a-z-]\"", word) != 1)
			continue;
		if (strstr(example, word) == NULL)
			fail_msg("'%s' is not in examples/full.conf", word);
		if (strstr(manual, word) == NULL)
			fail_msg("'%s' is not in sallyport.conf(5)", word);
		n++;
	}
	assert_true(n > 70);
	for (unsigned code = 1; code < 255; code++) {
		const struct option_def *def = option_by_code(code);

		if (def != NULL && def->type != OPTION_OURS &&
		    strstr(manual, def->name) == NULL)
			fail_msg("option %s is not in sallyport.conf(5)", def->name);
	}
	free(words);
	free(example);
	free(manual);
}

/* Every value differs from its default. */
static void
every_setting_arrives(void **state)
{
	struct conf *c = parse("server{workers 3;memory 3G;landlock 4;log-level debug;"
			       "uid-base 70000;}http{port 8080;head-timeout 1m;"
			       "idle-timeout 1h;min-rate 500;rate-window 7s;"
			       "connections-per-address 9;}tftp{ports 50000-50000;"
			       "single-port yes;case-insensitive yes;rollover 1;"
			       "max-windowsize 1024;max-blksize 512;"
			       "transfers-per-address 65535;}boot{"
			       "default deny;unknown ignore;ipxe-transport tftp;expired "
			       "serve;session-time 1d;sessions 77;}state \"/.s\";images "
			       "\"/i/..x\";keyring \"/k.\";interface \"http\"{}");

	(void)state;
	assert_int_equal(c->workers, 3);
	assert_true(c->memory == UINT64_C(3) << 30);
	assert_int_equal(c->landlock_min, 4);
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->uid_base, 70000);
	assert_int_equal(c->http_port, 8080);
	assert_int_equal(c->head_timeout, 60);
	assert_int_equal(c->idle_timeout, 3600);
	assert_int_equal(c->min_rate, 500);
	assert_int_equal(c->rate_window, 7);
	assert_int_equal(c->conns_per_address, 9);
	assert_int_equal(c->tftp_first, 50000);
	assert_int_equal(c->tftp_last, 50000);
	assert_true(c->tftp_single);
	assert_true(c->tftp_any_case);
	assert_int_equal(c->tftp_rollover, 1);
	assert_int_equal(c->tftp_window, 1024);
	assert_int_equal(c->tftp_blksize, 512);
	assert_int_equal(c->transfers_per_address, 65535);
	assert_int_equal(c->default_boot, BOOT_DENY);
	assert_false(c->unknown_allow);
	assert_false(c->ipxe_http);
	assert_true(c->expired_serve);
	assert_int_equal(c->session_time, 86400);
	assert_int_equal(c->sessions_max, 77);
	assert_string_equal(c->state, "/.s");
	assert_string_equal(c->images, "/i/..x");
	assert_string_equal(c->keyring, "/k.");
	assert_string_equal(c->links[0].name, "http");
	conf_free(c);
}

static void
parameters_keep_their_order(void **state)
{
	struct conf *c = parse("interface a; host \"h\" { mac 02:00:00:00:00:01; "
			       "parameter \"disk2\" \"a\"; parameter \"disk\" \"b=c\"; "
			       "parameter \"dis\" \"k\"; }");

	(void)state;
	assert_int_equal(c->hosts[0].params_len, 23);
	assert_memory_equal(c->hosts[0].params, "disk2=a\ndisk=b=c\ndis=k\n", 23);
	conf_free(c);
}

static void
limits_hold_at_the_edge(void **state)
{
	static char text[65536];
	size_t n = (size_t)snprintf(text, sizeof text,
	    "interface a; host \"h\" { mac "
	    "02:00:00:00:00:01;\n");
	struct conf_error e;
	struct conf *c;

	(void)state;
	/* 64 lines "pNN=(11 letters)\n" of 16 bytes are exactly 1024. */
	for (int i = 0; i < 64; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "parameter \"p%02d\" \"abcdefghijk\";\n", i);
	snprintf(text + n, sizeof text - n, "}");
	c = parse(text);
	assert_int_equal(c->hosts[0].params_len, CONF_PARAMS_MAX);
	assert_memory_equal(c->hosts[0].params + 1008, "p63=abcdefghijk\n", 16);
	conf_free(c);
	snprintf(text + n, sizeof text - n, "parameter \"x\" \"y\"; }");
	assert_int_equal(try(text, strlen(text), &c, &e), ERR_LONG);
	assert_int_equal(e.line, 66);
	assert_int_equal(e.column, 11);
	/* A 17th interface. */
	n = 0;
	for (int i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "interface e%d;\n", i);
	assert_int_equal(try(text, n, &c, &e), ERR_FULL);
	assert_int_equal(e.line, 17);
	assert_string_equal(e.text, "found 'e16', expected at most 16 interfaces");
}

static void
bytes_that_are_no_text(void **state)
{
	static const char nul[] = "interface eth0;\n\0\n";
	struct conf_error e;
	struct conf *c;
	char *large;

	(void)state;
	assert_int_equal(try(nul, sizeof nul - 1, &c, &e), ERR_FORMAT);
	assert_int_equal(e.line, 2);
	assert_int_equal(e.column, 1);
	assert_memory_equal(e.text, "found '\\x00', expected 'state'", 30);
	large = malloc(CONF_TEXT_MAX + 1);
	assert_non_null(large);
	memset(large, 'a', CONF_TEXT_MAX + 1);
	assert_int_equal(try(large, CONF_TEXT_MAX + 1, &c, &e), ERR_LONG);
	/* One token of 16 MiB: cut in the message, nowhere else a trouble. */
	assert_int_equal(try(large, CONF_TEXT_MAX, &c, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "a...', expected 'state'"));
	free(large);
}

/* Cut off anywhere, the full example is wrong in one place that lies inside it, or is
 * right; with any byte replaced, nothing worse happens. */
static void
cut_and_bent(void **state)
{
	size_t len;
	char *text = read_file("examples/full.conf", &len);

	(void)state;
	for (size_t i = 0; i <= len * 2; i++) {
		struct conf_error e;
		struct conf *c;
		char *bent = malloc(len + 1);
		size_t n = i <= len ? i : len;

		assert_non_null(bent);
		memcpy(bent, text, n);
		if (i > len)
			bent[i - len - 1] = (char)(bent[i - len - 1] ^ (1 << (i % 8)));
		if (try(bent, n, &c, &e) == 0) {
			conf_free(c);
		} else {
			assert_null(c);
			assert_true(e.line >= 1 && e.line <= 250);
			assert_true(e.column >= 1 && e.column <= 200);
			assert_true(strstr(e.text, "expected") != NULL);
		}
		free(bent);
	}
	free(text);
}

#define MANY 100000u

static char *
write_many(size_t *len)
{
	size_t cap = MANY * 120;
	char *text = malloc(cap);
	size_t n;

	assert_non_null(text);
	n = (size_t)snprintf(text, cap, "interface eth0;\nsubnet 10.0.0.0/8 {}\n");
	/* Odd multiplier: visits every number below 2^17 once, in no order. */
	for (unsigned i = 0; i < MANY; i++) {
		unsigned k = (i * 40503u) & 0x1ffff;

		n += (size_t)snprintf(text + n, cap - n,
		    "host \"n%u\" { mac 02:00:00:%02x:%02x:%02x; address 10.%u.%u.%u; "
		    "image "
		    "\"debian\"; parameter \"disk\" \"/dev/sda\"; }\n",
		    i, k >> 16, (k >> 8) & 255, k & 255, 1 + (i >> 16), (i >> 8) & 255,
		    i & 255);
	}
	*len = n;
	return text;
}

static void
check_many(const struct conf *c)
{
	assert_int_equal(c->nhosts, MANY);
	assert_int_equal(c->nreserved, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct conf_host *h = &c->hosts[i];
		const struct conf_host_key *k = conf_host_key(c, h, KEY_MAC);
		char name[16];

		snprintf(name, sizeof name, "n%u", i);
		if (strcmp(h->name, name) != 0)
			fail_msg("host %u is not in order", i);
		if (conf_host_find(c, KEY_MAC, k->b, k->len) != h ||
		    conf_host_reserving(c, &h->address) != h)
			fail_msg("host %u is not found", i);
	}
}

static void
many_hosts(void **state)
{
	struct conf_error e;
	struct conf *c;
	uint64_t began, took;
	size_t len;
	char *text = write_many(&len);

	(void)state;
	began = clock_mono_ms();
	c = parse_bytes(text, len);
	took = clock_mono_ms() - began;
	print_message(
	    "%u hosts, %zu bytes: %llu ms\n", MANY, len, (unsigned long long)took);
	check_many(c);
	conf_free(c);
	assert_true(took < 10000); /* 2 s without sanitizers; a busy machine has room */

	/* The last host takes the hardware address of the first. */
	memcpy(strstr(text + len - 140, "mac ") + 4, "02:00:00:00:00:00", 17);
	assert_int_equal(try(text, len, &c, &e), ERR_DUPLICATE);
	assert_int_equal(e.line, MANY + 2);
	assert_string_equal(e.text,
	    "found the hardware address of host 'n0' a second time, "
	    "expected it once; the first is on line 3");
	free(text);
}

/* As 64 digits, and as openssl writes them. */
static void
certificates_of_clients(void **state)
{
	struct conf *c = parse(
	    "interface a; https { certificate \"/c\" key \"/k\"; client-ca \"/a\"; }\n"
	    "host \"h\" { mac 52:54:00:12:34:56; client-certificate "
	    "\"0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef\"; }\n"
	    "host \"i\" { mac 52:54:00:12:34:57; client-certificate "
	    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:ab:cd:ef:"
	    "01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef; }\n"
	    "host \"j\" { mac 52:54:00:12:34:58; }\n");
	static const uint8_t eight[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

	(void)state;
	assert_int_equal(c->verify_client, 1);
	for (unsigned i = 0; i < CONF_FINGERPRINT; i += sizeof eight) {
		assert_memory_equal(c->hosts[0].certificate + i, eight, sizeof eight);
		assert_memory_equal(c->hosts[1].certificate + i, eight, sizeof eight);
	}
	assert_null(c->hosts[2].certificate);
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(example_minimal),
	    cmocka_unit_test(example_full),
	    cmocka_unit_test(everything_is_shown),
	    cmocka_unit_test(every_setting_arrives),
	    cmocka_unit_test(parameters_keep_their_order),
	    cmocka_unit_test(limits_hold_at_the_edge),
	    cmocka_unit_test(bytes_that_are_no_text),
	    cmocka_unit_test(cut_and_bent),
	    cmocka_unit_test(many_hosts),
	    cmocka_unit_test(certificates_of_clients),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
