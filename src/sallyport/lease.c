/*
 * `sallyport lease` and `sallyport session`: lists, one lease, its end.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "src/sallyport/client.h"
#include "src/sallyport/sallyport.h"

struct options {
	enum format format;
	bool all;
	const char *argument; /* NULL: none */
};

static const struct column lease_columns[] = {{"address", false}, {"state", false},
    {"until", false}, {"mac", false}, {"identity", false}, {"link", false}, {"host", false},
    {"session", false}, {"arch", false}, {"image", false}};

static const struct column session_columns[] = {{"session", false}, {"mac", false},
    {"link", false}, {"addresses", false}, {"arch", false}, {"stage", false},
    {"leased", false}, {"image", false}, {"idle", true}};

#define COLUMNS(a) (sizeof(a) / sizeof(a)[0])

static struct options
read_options(int argc, char **argv, bool takes_all, bool needs_argument)
{
	static const struct option names[] = {{"format", required_argument, NULL, 'f'},
	    {"json", no_argument, NULL, 'j'}, {"all", no_argument, NULL, 'a'},
	    {NULL, 0, NULL, 0}};
	struct options o = {FORMAT_TEXT, false, NULL};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'f': o.format = parse_format(optarg); break;
		case 'j': o.format = FORMAT_JSON; break;
		case 'a': o.all = takes_all; break;
		default: exit(TOOL_USAGE);
		}
	}
	if (optind < argc)
		o.argument = argv[optind++];
	if (optind < argc || (needs_argument && o.argument == NULL))
		fail(TOOL_USAGE, "%s",
		    needs_argument ? "expected one address" : "too many arguments");
	return o;
}

static void
finish(struct table *t, enum format format)
{
	table_print(t, format, 0, stdout);
	if (format == FORMAT_JSON)
		putchar('\n');
	table_free(t);
}

static void
add_boot(struct table *t, uint32_t session, const struct msg_leases_ans *a)
{
	if (session == 0) {
		table_add(t, "%s", "");
		table_add(t, "%s", "");
		table_add(t, "%s", "");
		return;
	}
	table_add(t, "%08x", session);
	table_add(t, "%s", arch_name((enum arch)a->arch));
	table_add(t, "%s", a->image);
}

static void
add_lease(struct table *t, const struct msg_leases_ans *a)
{
	char address[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX], until[TIME_TEXT_MAX],
	    identity[IDENTITY_TEXT_MAX];
	bool known = !mac_is_unusable(&a->mac);

	table_add(t, "%s", addr_format(&a->addr, address));
	table_add(t, "%s", state_text(a->state));
	table_add(t, "%s", time_text(a->until, until));
	table_add(t, "%s", known ? mac_format(&a->mac, mac) : "");
	table_add(t, "%s", identity_text(a->kind, a->id.b, a->id.len, identity));
	table_add(t, "%s", a->link);
	table_add(t, "%s", a->host);
	add_boot(t, a->session, a);
}

/* ADDRESS, FIRST-LAST or NETWORK/PREFIX. */
static void
parse_range(const char *text, struct addr *first, struct addr *last)
{
	char *copy = strdup(text), *mark, *end;
	unsigned long prefix;
	uint32_t rest;

	if (copy == NULL)
		fail(TOOL_SYSTEM, "no memory");
	mark = strpbrk(copy, "-/");
	if (mark == NULL) {
		*first = *last = parse_address(copy);
	} else if (*mark == '-') {
		*mark = '\0';
		*first = parse_address(copy);
		*last = parse_address(mark + 1);
	} else {
		*mark = '\0';
		*first = parse_address(copy);
		prefix = strtoul(mark + 1, &end, 10);
		if (end == mark + 1 || *end != '\0' || prefix > 32)
			fail(TOOL_USAGE, "%s: expected a prefix from 0 to 32", text);
		rest = prefix == 32 ? 0 : UINT32_MAX >> prefix;
		*last = addr_v4(addr_to_v4(first) | rest);
		*first = addr_v4(addr_to_v4(first) & ~rest);
	}
	free(copy);
}

/* only_bound: without offers and addresses that rest. */
static void
ask_leases(struct table *t, const struct addr *first, const struct addr *last, bool all,
    bool only_bound)
{
	static struct msg m;

	m.nr = MSG_LEASES_ASK;
	m.u.leases_ask.first = *first;
	m.u.leases_ask.last = *last;
	m.u.leases_ask.all = all;
	client_connect(socket_path);
	client_send(&m);
	table_init(t, lease_columns, COLUMNS(lease_columns));
	while (client_next(&m, MSG_LEASES_ANS))
		if (!only_bound || m.u.leases_ans.state == SHOWN_BOUND)
			add_lease(t, &m.u.leases_ans);
}

int
command_lease_list(int argc, char **argv)
{
	struct options o = read_options(argc, argv, true, false);
	struct addr first = addr_v4(0), last = addr_v4(UINT32_MAX);
	struct table t;

	if (o.argument != NULL)
		parse_range(o.argument, &first, &last);
	ask_leases(&t, &first, &last, o.all, false);
	finish(&t, o.format);
	return TOOL_OK;
}

int
command_lease_export(int argc, char **argv)
{
	struct options o = read_options(argc, argv, false, false);
	const struct addr first = addr_v4(0), last = addr_v4(UINT32_MAX);
	struct table t;

	if (o.argument != NULL)
		fail(TOOL_USAGE, "too many arguments");
	ask_leases(&t, &first, &last, false, true);
	finish(&t, o.format);
	return TOOL_OK;
}

int
command_lease_show(int argc, char **argv)
{
	struct options o = read_options(argc, argv, false, true);
	struct addr a = parse_address(o.argument);
	struct table t;
	const char *cell;

	ask_leases(&t, &a, &a, true, false);
	if (o.format != FORMAT_TEXT) {
		finish(&t, o.format);
		return TOOL_OK;
	}
	cell = t.cells;
	for (unsigned i = 0; t.nrows > 0 && i < t.ncolumns; i++) {
		printf("%-10s %s\n", t.columns[i].name, *cell == '\0' ? "-" : cell);
		cell += strlen(cell) + 1;
	}
	table_free(&t);
	return TOOL_OK;
}

int
command_lease_release(int argc, char **argv)
{
	struct options o = read_options(argc, argv, false, true);
	static struct msg m;

	m.nr = MSG_LEASE_RELEASE_ASK;
	m.u.lease_release_ask.addr = parse_address(o.argument);
	client_connect(socket_path);
	client_send(&m);
	client_receive(&m);
	if (m.nr != MSG_LEASE_RELEASE_ANS)
		client_check(&m);
	if (m.u.lease_release_ans.change != CHANGE_DONE)
		fail(TOOL_REFUSED, "%s: %s", o.argument,
		    change_text(m.u.lease_release_ans.change));
	return TOOL_OK;
}

/* ------------------------------------------------------------------- sessions */

static void
add_session(struct table *t, const struct msg_sessions_ans *a)
{
	const struct addr *addrs[] = {&a->addr, &a->addr2, &a->addr3, &a->addr4};
	char mac[MAC_TEXT_MAX], one[ADDR_TEXT_MAX], all[4 * ADDR_TEXT_MAX] = "";
	size_t len = 0;

	for (unsigned i = 0; i < 4; i++) {
		if (addrs[i]->family == ADDR_NONE)
			continue;
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s",
		    len == 0 ? "" : " ", addr_format(addrs[i], one));
	}
	table_add(t, "%08x", a->session);
	table_add(t, "%s", mac_format(&a->mac, mac));
	table_add(t, "%s", a->link);
	table_add(t, "%s", all);
	table_add(t, "%s", arch_name((enum arch)a->arch));
	table_add(t, "%s", a->ipxe ? "ipxe" : a->http ? "http" : "pxe");
	table_add(t, "%s", a->confirmed ? "yes" : "no");
	table_add(t, "%s", a->image);
	table_add(t, "%llu", (unsigned long long)a->idle);
}

int
command_session_list(int argc, char **argv)
{
	struct options o = read_options(argc, argv, false, false);
	static struct msg m;
	struct table t;

	m.nr = MSG_SESSIONS_ASK;
	if (o.argument != NULL)
		m.u.sessions_ask.of = parse_address(o.argument);
	client_connect(socket_path);
	client_send(&m);
	table_init(&t, session_columns, COLUMNS(session_columns));
	while (client_next(&m, MSG_SESSIONS_ANS))
		add_session(&t, &m.u.sessions_ans);
	finish(&t, o.format);
	return TOOL_OK;
}
