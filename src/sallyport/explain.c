/*
 * `sallyport explain`: asks the server what it would do about a request, and shows the
 * request, the steps of the decision, and the reply as the packet that it would be. The
 * request is a captured packet, or made of what the options say; either way it goes
 * through the ear's own decoder, and the reply through the mouth's own encoder.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "policy/option.h"
#include "src/dhcp-parser/tell.h"
#include "src/dhcp-sender/reply_wire.h"
#include "src/sallyport/capture.h"
#include "src/sallyport/client.h"
#include "src/sallyport/request.h"
#include "src/sallyport/sallyport.h"
#include "src/wire/dhcp4_show.h"

#define FILE_MAX (256u << 20)
#define STEPS_MAX 256

struct options {
	struct request r;
	const char *file, *link;
	unsigned number; /* of the request in the file */
	bool boot_service, has_mac, json, http;
	enum arch arch; /* by name; ARCH_NONE: not so */
};

/* What the server said. */
static struct {
	unsigned nsteps;
	char steps[STEPS_MAX][200];
	bool replies;
	struct msg_reply_tell reply;
	struct msg_explain_ans end;
	int len; /* of the packet */
	uint8_t packet[DHCP4_PACKET_MAX];
} said;

/* -------------------------------------------------------------------- options */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes like 01:02:ff, or text. */
static void
read_said(struct said *s, const char *text)
{
	size_t len = strlen(text);
	bool bytes = len >= 2 && len % 3 == 2;

	for (size_t i = 0; i < len; i++)
		bytes = bytes && (i % 3 == 2 ? text[i] == ':' : hex_value(text[i]) >= 0);
	s->len = bytes ? (len + 1) / 3 : len;
	if (s->len == 0 || s->len > sizeof s->b)
		fail(TOOL_USAGE, "\"%s\": expected 1 to 255 bytes", text);
	if (!bytes)
		memcpy(s->b, text, len);
	for (size_t i = 0; bytes && i < s->len; i++)
		s->b[i] =
		    (uint8_t)(hex_value(text[3 * i]) << 4 | hex_value(text[3 * i + 1]));
}

/* As firmware shows it; the first three groups go out with their bytes turned around
 * (RFC 4578, 2.3; SMBIOS). */
static void
read_uuid(struct options *o, const char *text)
{
	static const uint8_t place[16] = {
	    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	unsigned n = 0;

	for (const char *c = text; *c != '\0'; c++) {
		int v = hex_value(*c);

		if (*c == '-')
			continue;
		if (v < 0 || n == 32)
			fail(TOOL_USAGE, "--uuid %s: expected a UUID", text);
		o->r.uuid[place[n / 2]] =
		    (uint8_t)(n % 2 == 0 ? v << 4 : o->r.uuid[place[n / 2]] | v);
		n++;
	}
	if (n != 32)
		fail(TOOL_USAGE, "--uuid %s: expected a UUID", text);
	o->r.has_uuid = true;
}

static unsigned
read_number(const char *option, const char *text, unsigned max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || v > max)
		fail(TOOL_USAGE, "%s %s: expected a number up to %u", option, text, max);
	return (unsigned)v;
}

static void
read_arch(struct options *o, const char *text)
{
	o->arch = arch_parse(text);
	o->r.has_arch = true;
	if (o->arch == ARCH_MAX || o->arch == ARCH_NONE) {
		o->arch = ARCH_NONE;
		o->r.arch = (uint16_t)read_number("--arch", text, 65535);
	}
}

static uint8_t
read_type(const char *text)
{
	static const char *const names[] = {
	    "", "discover", "", "request", "decline", "", "", "release", "inform"};

	if (strcmp(text, "bootp") == 0)
		return 0;
	for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(text, names[i]) == 0)
			return (uint8_t)i;
	fail(TOOL_USAGE,
	    "--type %s: expected discover, request, decline, release, inform or bootp",
	    text);
}

static void
read_one(struct options *o, int c, const char *value)
{
	switch (c) {
	case 'm':
		if (mac_parse(value, &o->r.mac) != 0)
			fail(TOOL_USAGE, "--mac %s: expected a hardware address", value);
		o->has_mac = true;
		break;
	case 'a': read_arch(o, value); break;
	case 'c': read_said(&o->r.vendor, value); break;
	case 'u': read_said(&o->r.user, value); break;
	case 'i': read_said(&o->r.client_id, value); break;
	case 'C': read_said(&o->r.circuit, value); break;
	case 'R': read_said(&o->r.remote, value); break;
	case 'U': read_uuid(o, value); break;
	case 'g': o->r.giaddr = parse_address(value); break;
	case 'r': o->r.requested = parse_address(value); break;
	case 's': o->r.server_id = parse_address(value); break;
	case 'A': o->r.ciaddr = parse_address(value); break;
	case 't': o->r.type = read_type(value); break;
	case 'l': o->link = value; break;
	case 'p': o->file = value; break;
	case 'n': o->number = read_number("--number", value, 1000000); break;
	case 'x': o->r.ipxe = true; break;
	case 'h': o->http = true; break;
	case 'b': o->r.broadcast = true; break;
	case '4': o->boot_service = true; break;
	case 'j': o->json = true; break;
	default: exit(TOOL_USAGE);
	}
}

/* By name: the first code of RFC 4578's list that means it. */
static void
complete(struct options *o)
{
	uint16_t code = 0;
	bool http = false;
	char text[64];

	while (o->arch != ARCH_NONE &&
	       (arch_from_code(code, &http) != o->arch || http != o->http)) {
		http = false;
		if (code++ == 255)
			fail(TOOL_USAGE, "there is no such architecture with HTTP boot");
	}
	if (o->arch != ARCH_NONE)
		o->r.arch = code;
	http = false;
	if (o->r.has_arch)
		(void)arch_from_code(o->r.arch, &http);
	if (o->r.vendor.len > 0 || (!o->r.has_arch && !o->r.ipxe))
		return;
	snprintf(text, sizeof text, "%s:Arch:%05u:UNDI:003016",
	    http ? "HTTPClient" : "PXEClient", o->r.arch);
	read_said(&o->r.vendor, text);
}

static void
read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {{"mac", required_argument, NULL, 'm'},
	    {"arch", required_argument, NULL, 'a'}, {"class", required_argument, NULL, 'c'},
	    {"user-class", required_argument, NULL, 'u'},
	    {"client-id", required_argument, NULL, 'i'},
	    {"circuit-id", required_argument, NULL, 'C'},
	    {"remote-id", required_argument, NULL, 'R'},
	    {"uuid", required_argument, NULL, 'U'}, {"relay", required_argument, NULL, 'g'},
	    {"requested", required_argument, NULL, 'r'},
	    {"server-id", required_argument, NULL, 's'},
	    {"address", required_argument, NULL, 'A'},
	    {"type", required_argument, NULL, 't'}, {"link", required_argument, NULL, 'l'},
	    {"packet", required_argument, NULL, 'p'},
	    {"number", required_argument, NULL, 'n'}, {"ipxe", no_argument, NULL, 'x'},
	    {"http", no_argument, NULL, 'h'}, {"broadcast", no_argument, NULL, 'b'},
	    {"boot-service", no_argument, NULL, '4'}, {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	int c;

	memset(o, 0, sizeof *o);
	o->r.type = 1;
	o->r.xid = 0x5a11;
	o->number = 1;
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		read_one(o, c, optarg);
	if (optind < argc)
		fail(TOOL_USAGE, "too many arguments");
	if (o->file == NULL && !o->has_mac)
		fail(TOOL_USAGE, "expected --mac or --packet");
	complete(o);
}

/* ---------------------------------------------------------------- the question */

static void
load_packet(const struct options *o, struct captured *c)
{
	FILE *f = fopen(o->file, "rbe");
	uint8_t *bytes;
	size_t len;
	int err;

	if (f == NULL)
		fail(TOOL_SYSTEM, "%s: cannot be opened", o->file);
	bytes = allocate(FILE_MAX + 1u);
	len = fread(bytes, 1, FILE_MAX + 1u, f);
	if (ferror(f))
		fail(TOOL_SYSTEM, "%s: cannot be read", o->file);
	fclose(f);
	if (len > FILE_MAX)
		fail(TOOL_REFUSED, "%s: longer than 256 MiB", o->file);
	err = capture_find(bytes, len, o->number, c);
	if (err == ERR_UNSUPPORTED)
		fail(TOOL_REFUSED,
		    "%s: this kind of capture is not known; tcpdump -w writes one that is",
		    o->file);
	if (err != 0)
		fail(TOOL_REFUSED, "%s: %s", o->file,
		    err == ERR_ABSENT ? "holds no such DHCP request" : "is damaged");
}

static void
make_packet(const struct options *o, struct captured *c)
{
	static uint8_t bytes[REQUEST_MAX];
	int n = request_encode(&o->r, bytes, sizeof bytes);

	if (n < 0)
		fail(TOOL_USAGE, "all that is said does not fit into one packet");
	*c = (struct captured){.payload = bytes, .len = (size_t)n};
}

/* What the network would have said of it. */
static void
guess_headers(const struct options *o, const struct dhcp4_request *q,
    const struct addr *server, struct captured *c)
{
	bool relayed = !addr_is_unset(&q->giaddr);
	bool has_address = !addr_is_unset(&q->ciaddr);

	if (c->has_headers)
		return;
	c->src = relayed ? q->giaddr : q->ciaddr;
	c->dst = relayed || has_address ? *server : addr_v4(UINT32_MAX);
	c->sport = relayed ? 67 : 68;
	c->dport = o->boot_service ? 4011 : 67;
}

/* The link's number and our address there; the first when none is named. */
static unsigned
find_link(const char *name, struct addr *server)
{
	static struct msg m;
	unsigned n = 0, found = UINT32_MAX;

	m.nr = MSG_STATUS_ASK;
	m.u.status_ask.parts = 1u << PART_LINKS;
	client_send(&m);
	while (client_next(&m, MSG_LINK_STATE_TELL)) {
		const struct msg_link_state_tell *t = &m.u.link_state_tell;

		if (found == UINT32_MAX && (name == NULL || strcmp(name, t->name) == 0)) {
			found = n;
			*server = t->address;
		}
		n++;
	}
	if (found == UINT32_MAX)
		fail(TOOL_REFUSED, "the server has no interface %s", name);
	return found;
}

static void
ask(const struct options *o, struct captured *c)
{
	static struct msg m;
	static struct msg_dhcp_tell t;
	struct dhcp4_request q;
	struct addr server = {.family = ADDR_NONE};
	int err = dhcp4_decode(c->payload, c->len, &q);

	if (err != 0)
		fail(TOOL_REFUSED, "the server throws this packet away: %s",
		    dhcp4_fault_name(err));
	client_connect(socket_path);
	t.link = (uint8_t)find_link(o->link, &server);
	guess_headers(o, &q, &server, c);
	tell_fill(&t, &q);
	t.src = c->src;
	t.dst = c->dst;
	t.sport = c->sport;
	t.service = c->dport == 4011;
	_Static_assert(sizeof t == sizeof m.u.explain_ask, "the same fields");
	memset(&m, 0, sizeof m);
	m.nr = MSG_EXPLAIN_ASK;
	memcpy(&m.u.explain_ask, &t, sizeof t);
	client_send(&m);
}

static void
take_answer(void)
{
	static struct msg m;

	for (;;) {
		client_receive(&m);
		switch (m.nr) {
		case MSG_EXPLAIN_LINE_TELL:
			if (said.nsteps < STEPS_MAX)
				memcpy(said.steps[said.nsteps++],
				    m.u.explain_line_tell.line, sizeof said.steps[0]);
			break;
		case MSG_EXPLAIN_REPLY_TELL:
			said.replies = true;
			memcpy(&said.reply, &m.u.explain_reply_tell, sizeof said.reply);
			break;
		case MSG_EXPLAIN_ANS: said.end = m.u.explain_ans; return;
		default: client_check(&m); break;
		}
	}
}

static void
encode_reply(void)
{
	struct dhcp4_reply r = reply_wire(&said.reply, said.end.mtu);

	if (said.replies)
		said.len = dhcp4_encode(&r, said.packet, sizeof said.packet, NULL);
	if (said.len < 0)
		fail(TOOL_REFUSED, "the reply would not fit: what the client wants "
				   "repeated leaves no room");
}

/* --------------------------------------------------------------------- showing */

static const char *
option_name(uint8_t code)
{
	const struct option_def *def = option_by_code(code);

	return def == NULL ? NULL : def->name;
}

static const char *
option_value(uint8_t code, const uint8_t *b, size_t len)
{
	static char text[OPTION_TEXT_MAX];
	const struct option_def *def = option_by_code(code);

	if (def == NULL || def->type == OPTION_OURS)
		return NULL;
	return option_format(def->type, b, len, text);
}

static const char *
packet_text(const uint8_t *bytes, size_t len)
{
	static const struct dhcp4_show_names names = {option_name, option_value};
	static char text[DHCP4_SHOW_MAX];

	(void)dhcp4_show(bytes, len, &names, text, sizeof text);
	return text;
}

static void
print_indented(const char *text)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
		printf("  %.*s\n", (int)(end - text), text);
}

static void
print_hex(const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i += 16) {
		printf("  %04zx ", i);
		for (size_t k = i; k < i + 16 && k < len; k++)
			printf(" %02x", b[k]);
		putchar('\n');
	}
}

static const char *
way_text(char *text, size_t cap)
{
	static const char *const ways[] = {"a frame to the machine", "broadcast", "UDP"};
	const struct msg_reply_tell *r = &said.reply;
	char to[ADDR_TEXT_MAX];

	snprintf(text, cap, "%s, to %s port %u", ways[r->way % 3], addr_format(&r->to, to),
	    r->to_port);
	return text;
}

static void
print_text(const struct captured *c)
{
	char lease[ADDR_TEXT_MAX], way[128];

	printf("request\n");
	print_indented(packet_text(c->payload, c->len));
	printf("steps\n");
	for (unsigned i = 0; i < said.nsteps; i++)
		printf("  %s\n", said.steps[i]);
	printf("decision\n  %s: %s\n", said.end.effect, said.end.reason);
	if (!addr_is_unset(&said.end.lease))
		printf("  address %s\n", addr_format(&said.end.lease, lease));
	if (!said.replies) {
		printf("no reply\n");
		return;
	}
	printf("reply (%s; %d bytes)\n", way_text(way, sizeof way), said.len);
	print_indented(packet_text(said.packet, (size_t)said.len));
	printf("reply in hexadecimal\n");
	print_hex(said.packet, (size_t)said.len);
}

static void
print_lines_json(const char *text)
{
	const char *mark = "";

	putchar('[');
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		char *line = strndup(text, (size_t)(end - text));

		if (line == NULL)
			fail(TOOL_SYSTEM, "no memory");
		printf("%s\n    ", mark);
		json_string(line, stdout);
		mark = ",";
		free(line);
	}
	putchar(']');
}

static void
print_json(const struct captured *c)
{
	char lease[ADDR_TEXT_MAX], way[128];

	printf("{\n  \"request\": ");
	print_lines_json(packet_text(c->payload, c->len));
	printf(",\n  \"steps\": [");
	for (unsigned i = 0; i < said.nsteps; i++) {
		printf("%s\n    ", i == 0 ? "" : ",");
		json_string(said.steps[i], stdout);
	}
	printf("],\n  \"effect\": ");
	json_string(said.end.effect, stdout);
	printf(",\n  \"reason\": ");
	json_string(said.end.reason, stdout);
	printf(",\n  \"address\": ");
	if (addr_is_unset(&said.end.lease))
		printf("null");
	else
		json_string(addr_format(&said.end.lease, lease), stdout);
	if (said.replies) {
		printf(",\n  \"way\": ");
		json_string(way_text(way, sizeof way), stdout);
		printf(",\n  \"reply\": ");
		print_lines_json(packet_text(said.packet, (size_t)said.len));
		printf(",\n  \"hex\": \"");
		for (int i = 0; i < said.len; i++)
			printf("%02x", said.packet[i]);
		putchar('"');
	}
	puts("\n}");
}

int
command_explain(int argc, char **argv)
{
	static struct options o;
	struct captured c;

	read_options(&o, argc, argv);
	if (o.file != NULL)
		load_packet(&o, &c);
	else
		make_packet(&o, &c);
	ask(&o, &c);
	take_answer();
	encode_reply();
	if (o.json)
		print_json(&c);
	else
		print_text(&c);
	return TOOL_OK;
}
