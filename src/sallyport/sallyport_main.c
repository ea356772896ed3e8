/*
 * sallyport: asks a running server how it is, what it has leased and what it would answer;
 * root may also end leases and take over those of another server. Runs as whoever starts
 * it; all it has is the control socket.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/sallyport/client.h"
#include "src/sallyport/sallyport.h"

const char *socket_path;

static const struct command {
	const char *first, *second;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
    {"status", NULL, command_status, "[--json]\n      how the server is"},
    {"lease", "list", command_lease_list,
	"[--all] [--format text|json|csv] [ADDRESS | FIRST-LAST | NETWORK/PREFIX]\n"
	"      the leases; --all: those too that have ended"},
    {"lease", "show", command_lease_show,
	"[--format text|json|csv] ADDRESS\n      all about one address"},
    {"lease", "release", command_lease_release,
	"ADDRESS\n      ends a lease; the machine is not told"},
    {"lease", "import", command_lease_import,
	"--format dnsmasq|isc|kea|csv [--verbose] FILE\n"
	"      takes over the leases of another server, or what export wrote"},
    {"lease", "export", command_lease_export,
	"[--format text|json|csv]\n      all leases that run, for import elsewhere"},
    {"session", "list", command_session_list,
	"[--format text|json|csv] [ADDRESS]\n      the machines that are booting"},
    {"explain", NULL, command_explain,
	"[--json] [--link NAME] --packet FILE [--number N]\n"
	"  explain [--json] [--link NAME] --mac MAC [--type discover|request|...]\n"
	"      [--arch NAME|CODE] [--http] [--ipxe] [--class TEXT] [--user-class TEXT]\n"
	"      [--uuid UUID] [--client-id TEXT|BYTES] [--relay ADDRESS]\n"
	"      [--circuit-id TEXT|BYTES] [--remote-id TEXT|BYTES] [--requested ADDRESS]\n"
	"      [--server-id ADDRESS] [--address ADDRESS] [--broadcast] [--boot-service]\n"
	"      what the server would do about that request, and why; it does nothing"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void
show_all(FILE *to)
{
	fprintf(to, "usage: sallyport [--socket PATH] COMMAND ...\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %s%s%s %s\n", commands[i].first,
		    commands[i].second == NULL ? "" : " ",
		    commands[i].second == NULL ? "" : commands[i].second,
		    commands[i].usage);
	fprintf(to,
	    "exit: 0 done, 1 refused, 2 usage, 3 no server, or a file that cannot be "
	    "read\ndefault: PATH %s\n",
	    SALLYPORT_CONTROL);
}

enum format
parse_format(const char *name)
{
	static const char *const names[] = {"text", "json", "csv"};

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(names[i], name) == 0)
			return (enum format)i;
	fail(TOOL_USAGE, "--format %s: expected text, json or csv", name);
}

struct addr
parse_address(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a) != 0 || a.family != ADDR_V4)
		fail(TOOL_USAGE, "%s: expected an IPv4 address", text);
	return a;
}

const char *
time_text(uint64_t s, char text[TIME_TEXT_MAX])
{
	time_t t = (time_t)s;
	struct tm tm;

	text[0] = '\0';
	if (s != 0 && gmtime_r(&t, &tm) != NULL)
		(void)strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

const char *
identity_text(unsigned kind, const uint8_t *bytes, size_t len, char text[IDENTITY_TEXT_MAX])
{
	static const char *const kinds[] = {"", "hw", "id", "uuid"};
	size_t at;

	text[0] = '\0';
	if (kind == 0 || kind > 3)
		return text;
	at = (size_t)snprintf(text, IDENTITY_TEXT_MAX, "%s", kinds[kind]);
	for (size_t i = 0; i < len && at + 4 < IDENTITY_TEXT_MAX; i++)
		at +=
		    (size_t)snprintf(text + at, IDENTITY_TEXT_MAX - at, ":%02x", bytes[i]);
	return text;
}

const char *
state_text(unsigned state)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    STATE_SHOWN_LIST(X)
#undef X
	};

	return state < SHOWN_MAX ? texts[state] : "?";
}

static int
run(int argc, char **argv)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		int words = c->second == NULL ? 1 : 2;

		if (argc >= words && strcmp(argv[0], c->first) == 0 &&
		    (c->second == NULL || strcmp(argv[1], c->second) == 0))
			return c->run(argc - words + 1, argv + words - 1);
	}
	show_all(stderr);
	return TOOL_USAGE;
}

int
main(int argc, char **argv)
{
	int at = 1, status;

	if (argc > 2 && strcmp(argv[1], "--socket") == 0) {
		socket_path = argv[2];
		at = 3;
	}
	if (at < argc && strcmp(argv[at], "--help") == 0) {
		show_all(stdout);
		return TOOL_OK;
	}
	if (at < argc && strcmp(argv[at], "--version") == 0) {
		puts("sallyport " SALLYPORT_VERSION);
		return TOOL_OK;
	}
	status = run(argc - at, argv + at);
	if (fflush(stdout) != 0 || ferror(stdout))
		fail(TOOL_SYSTEM, "standard output could not be written");
	return status;
}
