/*
 * Tree building for the configuration: host blocks. Runs in conf-check and in the broker,
 * inside their cages; pure. Hosts stand in the order in which they are written; when all
 * are known they are checked against each other and the subnets.
 */
#include "policy/conf_parts.h"

#include <stdlib.h>
#include <string.h>

static struct conf_host *
current(struct build *b)
{
	return &b->conf->hosts[b->conf->nhosts - 1];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* One label of RFC 1123, 2.1. */
static bool
is_host_name(struct slice s)
{
	if (s.len < 1 || s.len > CONF_HOST_MAX || s.at[0] == '-' || s.at[s.len - 1] == '-')
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.at[i]) && s.at[i] != '-')
			return false;
	}
	return true;
}

static int
grow(struct build *b, struct place at)
{
	struct conf *c = b->conf;
	void *hosts = c->hosts, *places = b->host_at;

	if (c->nhosts == b->hosts_cap &&
	    build_grow(b, at, &hosts, sizeof *c->hosts, c->nhosts, &b->hosts_cap) != 0)
		return b->err;
	c->hosts = hosts;
	if (c->nhosts == b->host_at_cap &&
	    build_grow(b, at, &places, sizeof *b->host_at, c->nhosts, &b->host_at_cap) != 0)
		return b->err;
	b->host_at = places;
	return 0;
}

int
build_host(struct build *b, struct slice name, struct place at)
{
	struct conf *c = b->conf;
	const char *kept;

	build_again(b, SET_HOST_ADDRESS, SET_HOST_CERTIFICATE);
	b->nparams = 0;
	b->params_len = 0;
	if (!is_host_name(build_inner(name)))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "a host name: 1 to 63 letters, digits, '-', not '-' first or last");
	if (c->nhosts == CONF_HOSTS_MAX)
		return build_unexpected(b, ERR_FULL, at, name, "at most 131072 hosts");
	if (grow(b, at) != 0)
		return b->err;
	kept = build_keep_text(b, at, build_inner(name));
	if (kept == NULL)
		return b->err;
	b->host_at[c->nhosts] = (struct host_place){.name = at};
	c->hosts[c->nhosts++] = (struct conf_host){.name = kept, .params = ""};
	build_scope(b);
	return 0;
}

int
build_host_address(struct build *b, struct place at, struct slice s, struct place s_at)
{
	uint32_t v;

	if (build_once(b, SET_HOST_ADDRESS, at) != 0 || build_ipv4(b, s, s_at, &v) != 0)
		return b->err;
	b->host_at[b->conf->nhosts - 1].address = s_at;
	current(b)->address = addr_v4(v);
	return 0;
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 digits, or as openssl writes it, with colons. */
static bool
read_fingerprint(struct slice s, uint8_t bytes[CONF_FINGERPRINT])
{
	size_t step = s.len == 3 * CONF_FINGERPRINT - 1 ? 3 : 2;

	if (step == 2 && s.len != 2 * CONF_FINGERPRINT)
		return false;
	for (size_t i = 0; i < CONF_FINGERPRINT; i++) {
		int high = hex_digit(s.at[step * i]), low = hex_digit(s.at[step * i + 1]);

		if (high < 0 || low < 0 ||
		    (step == 3 && i > 0 && s.at[step * i - 1] != ':'))
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int
build_host_certificate(struct build *b, struct place at, struct slice s, struct place s_at)
{
	uint8_t bytes[CONF_FINGERPRINT];

	if (build_once(b, SET_HOST_CERTIFICATE, at) != 0)
		return b->err;
	if (!read_fingerprint(s.at[0] == '"' ? build_inner(s) : s, bytes))
		return build_unexpected(b, ERR_FORMAT, s_at, s,
		    "the SHA-256 of a certificate: 64 hexadecimal digits");
	current(b)->certificate = build_keep(b, s_at, bytes, sizeof bytes);
	b->certificate_at = at;
	return current(b)->certificate == NULL ? b->err : 0;
}

static bool
is_param_name(struct slice s)
{
	if (s.len < 1 || s.len > 32 || !is_lower(s.at[0]))
		return false;
	for (uint32_t i = 1; i < s.len; i++) {
		if (!is_lower(s.at[i]) && !is_digit(s.at[i]) && s.at[i] != '_' &&
		    s.at[i] != '-')
			return false;
	}
	return true;
}

static bool
is_param_value(struct slice s)
{
	if (s.len < 1 || s.len > 200)
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.at[i]) &&
		    (s.at[i] == '\0' || strchr("._:/@,+=-", s.at[i]) == NULL))
			return false;
	}
	return true;
}

/* The line on which the host being read already has this parameter; 0: nowhere. */
static unsigned
param_seen(const struct build *b, struct slice name)
{
	const char *p = b->params, *end = b->params + b->params_len;

	for (unsigned i = 0; i < b->nparams; i++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (stop == NULL)
			break;
		if ((size_t)(stop - p) > name.len && p[name.len] == '=' &&
		    memcmp(p, name.at, name.len) == 0)
			return b->param_line[i];
		p = stop + 1;
	}
	return 0;
}

static void
append(struct build *b, struct slice s, char end)
{
	memcpy(b->params + b->params_len, s.at, s.len);
	b->params_len = (uint16_t)(b->params_len + s.len);
	b->params[b->params_len++] = end;
}

int
build_param(struct build *b, struct slice name, struct place name_at, struct slice value,
    struct place value_at)
{
	struct slice n = build_inner(name), v = build_inner(value);
	unsigned first;
	char found[FOUND_MAX];

	if (!is_param_name(n))
		return build_unexpected(b, ERR_FORMAT, name_at, name,
		    "a parameter name: 1 to 32 of a-z, 0-9, '_', '-', first a letter");
	if (!is_param_value(v))
		return build_unexpected(b, ERR_FORMAT, value_at, value,
		    "a value: 1 to 200 letters, digits and . _ : / @ , + = -");
	if (b->params_len + n.len + v.len + 2 > CONF_PARAMS_MAX)
		return build_unexpected(b, ERR_LONG, name_at, name,
		    "parameters that take at most 1024 bytes in all for one host");
	first = param_seen(b, n);
	if (first != 0)
		return build_fail(b, ERR_DUPLICATE, name_at,
		    "found parameter %s a second time, expected it once; the first is on "
		    "line %u",
		    build_found(name, found), first);
	b->param_line[b->nparams++] = name_at.line;
	append(b, n, '=');
	append(b, v, '\n');
	return 0;
}

int
build_host_close(struct build *b)
{
	struct conf_host *h = current(b);

	if (b->params_len > 0) {
		h->params = build_keep(b, b->next, b->params, b->params_len);
		if (h->params == NULL)
			return b->err;
		h->params_len = b->params_len;
	}
	return build_scope_end(b, &h->scope);
}

int
build_host_end(struct build *b, struct place at)
{
	if (current(b)->nkeys == 0)
		return build_fail(b, ERR_FORMAT, at,
		    "found '}', expected 'mac', 'client-id', 'uuid', 'circuit-id' or "
		    "'remote-id': the host has none of them");
	return build_host_close(b);
}

/* ------------------------------------------------ when all hosts are known */

int
build_host_repeated(struct build *b, struct place at, const char *what, uint32_t first,
    struct place first_at)
{
	const char *name = b->conf->hosts[first].name;
	struct slice s = {.at = name, .len = (uint32_t)strlen(name)};
	char found[FOUND_MAX];

	return build_fail(b, ERR_DUPLICATE, at,
	    "found %s of host %s a second time, expected it once; the first is on line "
	    "%u%s",
	    what, build_found(s, found), first_at.line,
	    at.file == first_at.file ? "" : " of the configuration");
}

static int
check_names(struct build *b, struct build_key *keys)
{
	const struct conf *c = b->conf;
	uint32_t first, again;

	for (uint32_t i = 0; i < c->nhosts; i++) {
		const char *name = c->hosts[i].name;

		keys[i] = (struct build_key){
		    .text = {.at = name, .len = (uint32_t)strlen(name)}, .index = i};
	}
	build_sort(keys, c->nhosts);
	if (!build_repeat(keys, c->nhosts, &first, &again))
		return 0;
	return build_host_repeated(
	    b, b->host_at[again].name, "the name", first, b->host_at[first].name);
}

/* Leaves conf->reserved in the order of the addresses. */
static int
check_addresses(struct build *b, struct build_key *keys)
{
	struct conf *c = b->conf;
	uint32_t first, again, n = 0;

	for (uint32_t i = 0; i < c->nhosts; i++) {
		if (c->hosts[i].address.family != ADDR_NONE)
			keys[n++] = (struct build_key){
			    .number = addr_to_v4(&c->hosts[i].address), .index = i};
	}
	build_sort(keys, n);
	if (build_repeat(keys, n, &first, &again))
		return build_host_repeated(b, b->host_at[again].address, "the address",
		    first, b->host_at[first].address);
	c->reserved = calloc(n > 0 ? n : 1, sizeof *c->reserved);
	if (c->reserved == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	for (uint32_t i = 0; i < n; i++)
		c->reserved[i] = keys[i].index;
	c->nreserved = n;
	return 0;
}

/* Is it ours or a router's? Then no client may have it. */
static bool
is_taken(const struct conf *c, const struct conf_subnet *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->nrouters; i++) {
		if (addr_equal(&s->routers[i], a))
			return true;
	}
	for (unsigned i = 0; i < c->nlinks; i++) {
		if (addr_equal(&c->links[i].address, a))
			return true;
	}
	return false;
}

static int
check_reservation(struct build *b, uint32_t host)
{
	const struct addr *a = &b->conf->hosts[host].address;
	const struct conf_subnet *s = conf_subnet_of(b->conf, a);
	struct place at = b->host_at[host].address;
	uint32_t v = addr_to_v4(a), mask;
	char text[ADDR_TEXT_MAX];

	addr_format(a, text);
	if (s == NULL)
		return build_fail(b, ERR_RANGE, at,
		    "found '%s', expected an address inside one of the subnets", text);
	mask = build_mask(s->prefix);
	if ((v & ~mask) == 0 || (v | mask) == UINT32_MAX)
		return build_fail(b, ERR_RANGE, at,
		    "found '%s', expected neither the first nor the last address of the "
		    "subnet",
		    text);
	if (is_taken(b->conf, s, a))
		return build_fail(b, ERR_RANGE, at,
		    "found '%s', expected an address that is no router's and not our own",
		    text);
	return 0;
}

static int
check_reservations(struct build *b)
{
	const struct conf *c = b->conf;

	for (uint32_t i = 0; i < c->nhosts; i++) {
		if (c->hosts[i].address.family != ADDR_NONE && check_reservation(b, i) != 0)
			return b->err;
	}
	return 0;
}

/* Room that was left for more goes back: these stay as long as the server runs. */
static int
trim(struct build *b, void **array, size_t size, size_t used)
{
	void *exact = calloc(used, size);

	if (exact == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	memcpy(exact, *array, used * size);
	free(*array);
	*array = exact;
	return 0;
}

static int
trim_all(struct build *b)
{
	struct conf *c = b->conf;
	void *hosts = c->hosts, *keys = c->keys;

	if (trim(b, &hosts, sizeof *c->hosts, c->nhosts) == 0)
		c->hosts = hosts;
	if (b->err == 0 && trim(b, &keys, sizeof *c->keys, c->nkeys) == 0)
		c->keys = keys;
	return b->err;
}

int
build_hosts_finish(struct build *b)
{
	struct build_key *keys;
	int rc;

	if (b->conf->nhosts == 0)
		return 0;
	keys = calloc(b->conf->nhosts, sizeof *keys);
	if (keys == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	rc = check_names(b, keys);
	if (rc == 0)
		rc = check_addresses(b, keys);
	free(keys);
	if (rc == 0)
		rc = check_reservations(b);
	if (rc == 0)
		rc = build_keys_finish(b);
	return rc == 0 ? trim_all(b) : rc;
}
