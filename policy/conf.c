/*
 * The configuration: defaults, parsing as a whole, and the lookups. Runs in conf-check
 * and in the broker, inside their cages; pure. The text is the operator's; a parsed tree
 * is trusted by its process, for nothing else has written it.
 */
#include "policy/conf.h"

#include <stdlib.h>
#include <string.h>

#include "policy/conf_parts.h"
#include "src/base/log.h"

#define STATE_DEFAULT SALLYPORT_STATEDIR
#define IMAGES_DEFAULT SALLYPORT_STATEDIR "/images"
#define KEYRING_DEFAULT SALLYPORT_SYSCONFDIR "/sallyport/keyring"

_Static_assert(sizeof IMAGES_DEFAULT <= sizeof((struct conf *)NULL)->images, "too long");
_Static_assert(sizeof KEYRING_DEFAULT <= sizeof((struct conf *)NULL)->keyring, "too long");

static void
set_defaults(struct conf *c)
{
	memcpy(c->state, STATE_DEFAULT, sizeof STATE_DEFAULT);
	memcpy(c->images, IMAGES_DEFAULT, sizeof IMAGES_DEFAULT);
	memcpy(c->keyring, KEYRING_DEFAULT, sizeof KEYRING_DEFAULT);
	c->default_boot = BOOT_DENY;
	c->unknown_allow = true;
	c->unknown_boot = BOOT_DENY;
	c->ipxe_http = true;
	c->tftp_first = 40000;
	c->tftp_last = 40063;
	c->tftp_window = 64;
	c->tftp_blksize = 65464;
	c->transfers_per_address = 64;
	c->http_port = 80;
	c->head_timeout = 10;
	c->idle_timeout = 30;
	c->min_rate = 1024;
	c->rate_window = 30;
	c->conns_per_address = 64;
	c->landlock_min = 2;
	c->log_level = LOG_INFO;
	c->memory = UINT64_C(2) << 30;
	c->sessions_max = 10000;
	c->session_time = 3600;
	c->authoritative = true;
	c->bootp = false;
	c->probe = true;
	c->probe_ms = 200;
	c->quarantine = 600;
	c->client_rate = 100;
	c->pool_share = 100;
	c->scope.lease_time = 3600;
}

/* The whole file is a level as well; it has no image of its own. */
static int
finish_file(struct build *b)
{
	struct conf_scope *scope = &b->conf->scope;
	uint32_t lease_time = scope->lease_time;

	if (build_scope_end(b, scope) != 0)
		return b->err;
	if (scope->lease_time == 0)
		scope->lease_time = lease_time;
	return 0;
}

/* The subnets before those who look addresses up in them. */
static int
finish(struct build *b)
{
	if (finish_file(b) != 0 || build_shared_finish(b) != 0 ||
	    build_subnets_finish(b) != 0 || build_links_finish(b) != 0 ||
	    build_ports_finish(b) != 0 || build_https_finish(b) != 0 ||
	    build_classes_finish(b) != 0)
		return b->err;
	return build_hosts_finish(b);
}

static int
build_all(struct build *b, const struct conf_text *text)
{
	if (b->len > CONF_TEXT_MAX)
		return build_fail(
		    b, ERR_LONG, b->next, "found more than 16 MiB of text, expected less");
	b->conf = calloc(1, sizeof *b->conf);
	if (b->conf == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	set_defaults(b->conf);
	if (build_parse(b) != 0 || build_csv(b, text->hosts, text->hosts_len) != 0)
		return b->err;
	return finish(b);
}

int
conf_parse(const struct conf_text *text, struct conf **conf, struct conf_error *error)
{
	struct build *b = calloc(1, sizeof *b);
	int rc;

	*conf = NULL;
	memset(error, 0, sizeof *error);
	if (b == NULL) {
		*error =
		    (struct conf_error){.line = 1, .column = 1, .text = "out of memory"};
		return ERR_FULL;
	}
	b->error = error;
	b->text = text->conf;
	b->len = text->conf_len;
	b->next = (struct place){.line = 1, .column = 1};
	rc = build_all(b, text);
	if (rc == 0)
		*conf = b->conf;
	else
		conf_free(b->conf);
	free(b->subnet_at);
	free(b->host_at);
	free(b->key_at);
	free(b);
	return rc;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	free(conf->subnets);
	free(conf->hosts);
	free(conf->keys);
	free(conf->key_slots);
	free(conf->reserved);
	free(conf->classes);
	free(conf->shared);
	build_drop_chunks(conf);
	free(conf);
}

const struct conf_subnet *
conf_subnet_of(const struct conf *conf, const struct addr *a)
{
	uint32_t v = addr_to_v4(a);
	unsigned low = 0, high = conf->nsubnets;

	if (a->family != ADDR_V4)
		return NULL;
	/* The last subnet that begins at or below the address. */
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (conf->subnets[mid].network <= v)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	low--;
	if ((v & build_mask(conf->subnets[low].prefix)) != conf->subnets[low].network)
		return NULL;
	return &conf->subnets[low];
}

const struct conf_host *
conf_host_reserving(const struct conf *conf, const struct addr *a)
{
	uint32_t v = addr_to_v4(a);
	unsigned low = 0, high = conf->nreserved;

	if (a->family != ADDR_V4)
		return NULL;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct conf_host *h = &conf->hosts[conf->reserved[mid]];
		uint32_t his = addr_to_v4(&h->address);

		if (his == v)
			return h;
		if (v < his)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
