/*
 * The effective configuration as text: the settings of the whole file and the hosts. Runs
 * in conf-check, inside its cage; pure. The tree is trusted, for it comes from conf_parse()
 * in the same process.
 */
#include "policy/conf_print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"
#include "src/base/log.h"

void
conf_print_line(struct conf_printer *p, const char *fmt, ...)
{
	char line[CONF_PRINT_MAX];
	va_list ap;
	int n;

	memset(line, '\t', p->depth);
	va_start(ap, fmt);
	n = vsnprintf(line + p->depth, sizeof line - p->depth - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line - p->depth - 1) {
		p->err = ERR_LONG;
		return;
	}
	line[p->depth + (unsigned)n] = '\n';
	p->put(p->arg, line, p->depth + (unsigned)n + 1);
}

static void
open_block(struct conf_printer *p, const char *name)
{
	conf_print_line(p, "%s {", name);
	p->depth++;
}

static void
close_block(struct conf_printer *p)
{
	p->depth--;
	conf_print_line(p, "}");
}

static void
print_amount(struct conf_printer *p, const char *name, enum amount_kind kind, uint64_t v)
{
	char text[24];

	conf_print_line(p, "%s %s;", name, build_write_amount(kind, v, text));
}

static void
print_links(struct conf_printer *p, const struct conf *c)
{
	static const char *const modes[] = {
	    [MODE_UNSET] = "full",
	    [MODE_FULL] = "full",
	    [MODE_PROXY] = "proxy",
	    [MODE_OFF] = "off",
	};
	static const char *const rogues[] = {
	    [ROGUE_REFUSE] = "refuse",
	    [ROGUE_WARN] = "warn",
	    [ROGUE_IGNORE] = "ignore",
	};

	for (unsigned i = 0; i < c->nlinks; i++) {
		const struct conf_link *l = &c->links[i];
		char text[ADDR_TEXT_MAX];

		conf_print_line(p, "interface \"%s\" {", l->name);
		p->depth++;
		if (l->address.family == ADDR_NONE)
			conf_print_line(p, "# address: the interface's first");
		else
			conf_print_line(p, "address %s;", addr_format(&l->address, text));
		if (l->find6)
			conf_print_line(p, "address6 auto;");
		else if (l->address6.family == ADDR_NONE)
			conf_print_line(p, "# address6: none, no IPv6");
		else
			conf_print_line(p, "address6 %s;", addr_format(&l->address6, text));
		conf_print_line(p, "mode %s;", modes[l->mode]);
		conf_print_line(p, "rogue-servers %s;", rogues[l->rogue]);
		close_block(p);
	}
}

static void
print_dhcp(struct conf_printer *p, const struct conf *c)
{
	open_block(p, "dhcp");
	conf_print_line(p, "authoritative %s;", c->authoritative ? "yes" : "no");
	conf_print_line(p, "bootp %s;", c->bootp ? "yes" : "no");
	if (c->probe)
		print_amount(p, "conflict-probe", AMOUNT_MS, c->probe_ms);
	else
		conf_print_line(p, "conflict-probe off;");
	print_amount(p, "quarantine", AMOUNT_TIME, c->quarantine);
	print_amount(p, "client-rate", AMOUNT_COUNT, c->client_rate);
	print_amount(p, "link-rate", AMOUNT_COUNT, c->link_rate);
	print_amount(p, "leases-per-port", AMOUNT_COUNT, c->leases_per_port);
	print_amount(p, "pool-share", AMOUNT_PERCENT, c->pool_share);
	close_block(p);
}

static void
print_boot(struct conf_printer *p, const struct conf *c)
{
	open_block(p, "boot");
	if (c->default_boot == BOOT_IMAGE)
		conf_print_line(p, "default image \"%s\";", c->default_image);
	else
		conf_print_line(p, "default deny;");
	if (!c->unknown_allow)
		conf_print_line(p, "unknown ignore;");
	else if (c->unknown_boot == BOOT_IMAGE)
		conf_print_line(p, "unknown image \"%s\";", c->unknown_image);
	else
		conf_print_line(
		    p, "unknown %s;", c->unknown_boot == BOOT_DENY ? "deny" : "allow");
	conf_print_line(p, "ipxe-transport %s;",
	    c->ipxe_https ? "https" : (c->ipxe_http ? "http" : "tftp"));
	conf_print_line(p, "http-boot %s;", c->boot_https ? "https" : "http");
	conf_print_line(p, "expired %s;", c->expired_serve ? "serve" : "refuse");
	print_amount(p, "session-time", AMOUNT_TIME, c->session_time);
	print_amount(p, "sessions", AMOUNT_COUNT, c->sessions_max);
	close_block(p);
}

static void
print_https(struct conf_printer *p, const struct conf *c)
{
	if (c->https_port == 0)
		return;
	open_block(p, "https");
	print_amount(p, "port", AMOUNT_COUNT, c->https_port);
	if (c->tls_workers != 0)
		print_amount(p, "workers", AMOUNT_COUNT, c->tls_workers);
	for (unsigned i = 0; i < c->ncerts; i++)
		conf_print_line(p, "certificate \"%s\" key \"%s\";",
		    c->certs[i].certificate, c->certs[i].key);
	if (c->client_ca[0] != '\0') {
		conf_print_line(p, "client-ca \"%s\";", c->client_ca);
		conf_print_line(p, "client-certificates %s;",
		    c->verify_client == 2 ? "required" : "optional");
	}
	conf_print_line(p, "rsa-key-exchange %s;", c->rsa_exchange ? "yes" : "no");
	close_block(p);
}

static void
print_services(struct conf_printer *p, const struct conf *c)
{
	open_block(p, "tftp");
	conf_print_line(
	    p, "ports %u - %u;", (unsigned)c->tftp_first, (unsigned)c->tftp_last);
	conf_print_line(p, "single-port %s;", c->tftp_single ? "yes" : "no");
	conf_print_line(p, "case-insensitive %s;", c->tftp_any_case ? "yes" : "no");
	print_amount(p, "rollover", AMOUNT_COUNT, c->tftp_rollover);
	print_amount(p, "max-windowsize", AMOUNT_COUNT, c->tftp_window);
	print_amount(p, "max-blksize", AMOUNT_COUNT, c->tftp_blksize);
	print_amount(p, "transfers-per-address", AMOUNT_COUNT, c->transfers_per_address);
	close_block(p);
	open_block(p, "http");
	print_amount(p, "port", AMOUNT_COUNT, c->http_port);
	print_amount(p, "head-timeout", AMOUNT_TIME, c->head_timeout);
	print_amount(p, "idle-timeout", AMOUNT_TIME, c->idle_timeout);
	print_amount(p, "min-rate", AMOUNT_BYTES, c->min_rate);
	print_amount(p, "rate-window", AMOUNT_TIME, c->rate_window);
	print_amount(p, "connections-per-address", AMOUNT_COUNT, c->conns_per_address);
	close_block(p);
	print_https(p, c);
	open_block(p, "server");
	if (c->workers == 0)
		conf_print_line(p, "# workers: one for each processor core");
	else
		print_amount(p, "workers", AMOUNT_COUNT, c->workers);
	print_amount(p, "memory", AMOUNT_BYTES, c->memory);
	print_amount(p, "landlock", AMOUNT_COUNT, c->landlock_min);
	conf_print_line(p, "log-level %s;", log_level_name((enum log_level)c->log_level));
	if (c->uid_base == 0)
		conf_print_line(p, "# uid-base: named users");
	else
		print_amount(p, "uid-base", AMOUNT_COUNT, c->uid_base);
	if (c->control_gid == 0)
		conf_print_line(p, "# control-gid: root alone");
	else
		print_amount(p, "control-gid", AMOUNT_COUNT, c->control_gid);
	close_block(p);
}

static void
print_open(struct conf_printer *p, const struct conf *c)
{
	char text[ADDR_TEXT_MAX + 4];

	for (unsigned i = 0; i < c->nopen; i++)
		conf_print_line(p, "open image \"%s\" to %s;", c->open[i].image,
		    build_prefix_text(&c->open[i].network, c->open[i].prefix, text));
}

/* "name=value\n" lines. */
static void
print_params(struct conf_printer *p, const char *at, size_t len)
{
	while (len > 0) {
		const char *stop = memchr(at, '\n', len), *equals;

		if (stop == NULL || (equals = memchr(at, '=', (size_t)(stop - at))) == NULL)
			break;
		conf_print_line(p, "parameter \"%.*s\" \"%.*s\";", (int)(equals - at), at,
		    (int)(stop - equals - 1), equals + 1);
		len -= (size_t)(stop + 1 - at);
		at = stop + 1;
	}
}

/* { length, bytes } of the circuit, then of the remote identifier. */
static void
print_port(struct conf_printer *p, const uint8_t *b)
{
	const uint8_t *remote = b + 1 + b[0];
	char circuit[CONF_PRINT_BYTES], text[CONF_PRINT_BYTES];

	conf_print_bytes(b + 1, b[0], true, circuit);
	conf_print_bytes(remote + 1, remote[0], true, text);
	if (remote[0] == 0)
		conf_print_line(p, "circuit-id %s;", circuit);
	else if (b[0] == 0)
		conf_print_line(p, "remote-id %s;", text);
	else
		conf_print_line(p, "circuit-id %s remote-id %s;", circuit, text);
}

static void
print_key(struct conf_printer *p, const struct conf_host_key *k)
{
	char text[CONF_PRINT_BYTES], uuid[CONF_UUID_TEXT_MAX];

	switch ((enum conf_key)k->kind) {
	case KEY_MAC:
		conf_print_line(p, "mac %s;", conf_print_bytes(k->b, k->len, false, text));
		break;
	case KEY_CLIENT_ID:
		conf_print_line(
		    p, "client-id %s;", conf_print_bytes(k->b, k->len, true, text));
		break;
	case KEY_UUID:
		conf_print_line(p, "uuid \"%s\";", conf_uuid_format(k->b, uuid));
		break;
	case KEY_PORT: print_port(p, k->b); break;
	case KEY_KINDS: break;
	}
}

static void
print_host(struct conf_printer *p, const struct conf *c, const struct conf_host *h)
{
	char text[ADDR_TEXT_MAX], bytes[CONF_PRINT_BYTES];

	conf_print_line(p, "host \"%s\" {", h->name);
	p->depth++;
	for (unsigned i = 0; i < h->nkeys; i++)
		print_key(p, &c->keys[h->first_key + i]);
	if (h->address.family != ADDR_NONE)
		conf_print_line(p, "address %s;", addr_format(&h->address, text));
	if (h->certificate != NULL)
		conf_print_line(p, "client-certificate %s;",
		    conf_print_bytes(h->certificate, CONF_FINGERPRINT, false, bytes));
	conf_print_scope(p, &h->scope);
	print_params(p, h->params, h->params_len);
	close_block(p);
}

int
conf_print(
    const struct conf *c, void (*put)(void *arg, const char *text, size_t len), void *arg)
{
	struct conf_printer p = {.put = put, .arg = arg};

	conf_print_line(&p, "state \"%s\";", c->state);
	conf_print_line(&p, "images \"%s\";", c->images);
	conf_print_line(&p, "keyring \"%s\";", c->keyring);
	print_links(&p, c);
	print_dhcp(&p, c);
	print_boot(&p, c);
	print_open(&p, c);
	print_services(&p, c);
	conf_print_scope(&p, &c->scope);
	conf_print_classes(&p, c);
	conf_print_subnets(&p, c);
	for (unsigned i = 0; i < c->nhosts; i++)
		print_host(&p, c, &c->hosts[i]);
	return p.err;
}
