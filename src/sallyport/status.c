/*
 * `sallyport status`: how the server is, as text or JSON.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "src/sallyport/client.h"
#include "src/sallyport/sallyport.h"

static const struct column link_columns[] = {{"name", false}, {"address", false},
    {"mac", false}, {"mode", false}, {"speaks", false}};
static const struct column pool_columns[] = {{"subnet", false}, {"first", false},
    {"last", false}, {"addresses", true}, {"free", true}, {"offered", true},
    {"bound", true}, {"quarantined", true}};
static const struct column image_columns[] = {{"name", false}, {"version", true},
    {"created", false}, {"expires", false}, {"files", true}};
static const struct column counter_columns[] = {{"name", false}, {"value", true}};
static const struct column rogue_columns[] = {{"link", false}, {"server", false},
    {"mac", false}, {"expected", false}, {"heard", true}, {"requested", true},
    {"last", false}};

/* The tables, in the order of the answer's parts. */
enum { LINKS, POOLS, IMAGES, COUNTERS, ROGUES, TABLES };

#define TABLE_OF(name, columns)                                   \
	{                                                         \
		name, columns, sizeof columns / sizeof columns[0] \
	}

static const struct {
	const char *name;
	const struct column *columns;
	unsigned n;
} kinds[TABLES] = {
    [LINKS] = TABLE_OF("links", link_columns),
    [POOLS] = TABLE_OF("pools", pool_columns),
    [IMAGES] = TABLE_OF("images", image_columns),
    [COUNTERS] = TABLE_OF("counters", counter_columns),
    [ROGUES] = TABLE_OF("other servers", rogue_columns),
};

static struct msg_status_ans server;
static struct table tables[TABLES];

static void
add_link(struct table *t, const struct msg_link_state_tell *l)
{
	static const char *const modes[] = {"-", "full", "proxy", "off"};
	static const char *const speaks[] = {
#define X(name, text) text,
	    LINK_SPEAKS_LIST(X)
#undef X
	};
	char address[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	table_add(t, "%s", l->name);
	table_add(t, "%s/%u", addr_format(&l->address, address), l->prefix);
	table_add(t, "%s", mac_format(&l->mac, mac));
	table_add(t, "%s", modes[l->mode & 3]);
	table_add(t, "%s", l->speaks < LINK_SPEAKS_MAX ? speaks[l->speaks] : "?");
}

static void
add_pool(struct table *t, const struct msg_pool_state_tell *p)
{
	char a[ADDR_TEXT_MAX];

	table_add(t, "%s/%u", addr_format(&p->network, a), p->prefix);
	table_add(t, "%s", addr_format(&p->first, a));
	table_add(t, "%s", addr_format(&p->last, a));
	table_add(t, "%u", p->open);
	table_add(t, "%u", p->free);
	table_add(t, "%u", p->offered);
	table_add(t, "%u", p->bound);
	table_add(t, "%u", p->quarantined);
}

static void
add_image(struct table *t, const struct msg_image_state_tell *i)
{
	char text[TIME_TEXT_MAX];

	table_add(t, "%s", i->name);
	table_add(t, "%" PRIu64, i->version);
	table_add(t, "%s", time_text(i->created, text));
	table_add(t, "%s", time_text(i->expires, text));
	table_add(t, "%u", i->files);
}

static void
add_rogue(struct table *t, const struct msg_rogue_tell *r)
{
	char address[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX], last[TIME_TEXT_MAX];

	table_add(t, "%s", r->link);
	table_add(t, "%s", addr_format(&r->server, address));
	table_add(t, "%s", mac_is_unusable(&r->mac) ? "" : mac_format(&r->mac, mac));
	table_add(t, "%s", r->expected ? "yes" : "no");
	table_add(t, "%" PRIu64, r->heard);
	table_add(t, "%" PRIu64, r->requested);
	table_add(t, "%s", time_text(r->last, last));
}

static void
take(const struct msg *m)
{
	switch (m->nr) {
	case MSG_STATUS_ANS: server = m->u.status_ans; break;
	case MSG_LINK_STATE_TELL: add_link(&tables[LINKS], &m->u.link_state_tell); break;
	case MSG_POOL_STATE_TELL: add_pool(&tables[POOLS], &m->u.pool_state_tell); break;
	case MSG_IMAGE_STATE_TELL:
		add_image(&tables[IMAGES], &m->u.image_state_tell);
		break;
	case MSG_COUNTER_TELL:
		table_add(&tables[COUNTERS], "%s", m->u.counter_tell.name);
		table_add(&tables[COUNTERS], "%" PRIu64, m->u.counter_tell.value);
		break;
	case MSG_ROGUE_TELL: add_rogue(&tables[ROGUES], &m->u.rogue_tell); break;
	default: client_check(m); break;
	}
}

static void
print_text(void)
{
	printf("sallyport %s, up %" PRIu64 " s; broker up %" PRIu64 " s (start %u)\n",
	    server.version, server.up, server.broker_up, server.start);
	printf("addresses %u, sessions %u of %u, images %u, workers %u\n", server.addresses,
	    server.sessions, server.sessions_max, server.images, server.workers);
	printf("lease store %s, %u records waiting\n",
	    server.store == 0 ? "well" : "FAILED at the last write", server.waiting);
	for (unsigned i = 0; i < TABLES; i++) {
		if (tables[i].nrows == 0)
			continue;
		printf("\n%s\n", kinds[i].name);
		table_print(&tables[i], FORMAT_TEXT, 2, stdout);
	}
}

static void
print_json(void)
{
	printf("{\n  \"version\": ");
	json_string(server.version, stdout);
	printf(",\n  \"up\": %" PRIu64 ",\n  \"broker-up\": %" PRIu64
	       ",\n  \"broker-start\": %u,\n  \"workers\": %u",
	    server.up, server.broker_up, server.start, server.workers);
	printf(",\n  \"addresses\": %u,\n  \"sessions\": %u,\n  \"sessions-max\": %u"
	       ",\n  \"store\": \"%s\",\n  \"records-waiting\": %u",
	    server.addresses, server.sessions, server.sessions_max,
	    server.store == 0 ? "well" : "failed", server.waiting);
	for (unsigned i = 0; i < TABLES; i++) {
		fputs(",\n  ", stdout);
		json_string(i == ROGUES ? "other-servers" : kinds[i].name, stdout);
		fputs(": ", stdout);
		table_print(&tables[i], FORMAT_JSON, 2, stdout);
	}
	puts("\n}");
}

static bool
read_options(int argc, char **argv)
{
	static const struct option names[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c != 'j')
			exit(TOOL_USAGE);
		json = true;
	}
	if (optind < argc)
		fail(TOOL_USAGE, "too many arguments");
	return json;
}

int
command_status(int argc, char **argv)
{
	bool json = read_options(argc, argv);
	static struct msg m;

	m.nr = MSG_STATUS_ASK;
	m.u.status_ask.parts = 63;
	client_connect(socket_path);
	client_send(&m);
	for (unsigned i = 0; i < TABLES; i++)
		table_init(&tables[i], kinds[i].columns, kinds[i].n);
	do {
		client_receive(&m);
		take(&m);
	} while (m.nr != MSG_DONE_TELL);
	if (json)
		print_json();
	else
		print_text();
	for (unsigned i = 0; i < TABLES; i++)
		table_free(&tables[i]);
	return TOOL_OK;
}
