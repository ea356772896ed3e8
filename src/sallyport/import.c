/*
 * `sallyport lease import`: the whole file is read and understood first; then each lease
 * that still runs is offered to the server, which judges it. In the tool.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/sallyport/client.h"
#include "src/sallyport/leasefile.h"
#include "src/sallyport/sallyport.h"

#define FILE_MAX (1u << 30) /* bytes */
#define AHEAD 64 /* asked for and not yet answered: as many as the server takes */

/* Why an entry of the file was not even offered. */
enum skipped { SKIP_REPLACED, SKIP_ENDED, SKIP_EXPIRED, SKIP_RESTS, SKIP_NOBODY, SKIP_MAX };

static const char *const skip_texts[SKIP_MAX] = {
    [SKIP_REPLACED] = "a later entry of the address replaces it",
    [SKIP_ENDED] = "it was given back, or never more than offered",
    [SKIP_EXPIRED] = "it has expired",
    [SKIP_RESTS] = "the address was declined",
    [SKIP_NOBODY] = "it does not say whose it is",
};

static struct {
	struct file_lease *of;
	size_t n, cap;
} leases;

static size_t skipped[SKIP_MAX], answers[CHANGE_MAX];
static bool verbose;

static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rbe");
	size_t cap = 1 << 16;
	char *text = allocate(cap);

	*len = 0;
	if (f == NULL)
		fail(TOOL_SYSTEM, "%s: %s", path, strerror(errno));
	for (;;) {
		size_t n = fread(text + *len, 1, cap - *len, f);

		*len += n;
		if (n == 0)
			break;
		if (*len > FILE_MAX)
			fail(TOOL_REFUSED, "%s: longer than 1 GiB", path);
		if (*len == cap)
			text = reallocate(text, cap *= 2);
	}
	if (ferror(f))
		fail(TOOL_SYSTEM, "%s: %s", path, strerror(errno));
	fclose(f);
	return text;
}

static void
collect(void *arg, const struct file_lease *l)
{
	(void)arg;
	if (leases.n == leases.cap) {
		leases.cap = leases.cap == 0 ? 1024 : 2 * leases.cap;
		leases.of = reallocate(leases.of, leases.cap * sizeof *leases.of);
	}
	leases.of[leases.n++] = *l;
}

static void
skip(const struct file_lease *l, enum skipped why)
{
	char ip[ADDR_TEXT_MAX];

	skipped[why]++;
	if (verbose)
		fprintf(stderr, "line %u: %s: %s\n", l->line, addr_format(&l->addr, ip),
		    skip_texts[why]);
}

static int
by_address(const void *a, const void *b)
{
	const struct file_lease *x = a, *y = b;
	uint32_t i = addr_to_v4(&x->addr), j = addr_to_v4(&y->addr);

	if (i != j)
		return i < j ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Leaves those that are to be offered. */
static void
choose(void)
{
	uint64_t now = (uint64_t)time(NULL);
	size_t kept = 0;

	if (leases.n == 0)
		return;
	qsort(leases.of, leases.n, sizeof *leases.of, by_address);
	for (size_t i = 0; i < leases.n; i++) {
		const struct file_lease *l = &leases.of[i];

		if (i + 1 < leases.n && addr_equal(&l->addr, &l[1].addr))
			skip(l, SKIP_REPLACED);
		else if (l->state == FILE_ENDED)
			skip(l, SKIP_ENDED);
		else if (l->state == FILE_RESTS)
			skip(l, SKIP_RESTS);
		else if (l->until <= now)
			skip(l, SKIP_EXPIRED);
		else if (l->kind == FILE_NOBODY)
			skip(l, SKIP_NOBODY);
		else
			leases.of[kept++] = *l;
	}
	leases.n = kept;
}

static void
offer(size_t i)
{
	static struct msg m;
	struct msg_lease_import_ask *a = &m.u.lease_import_ask;
	const struct file_lease *l = &leases.of[i];

	m.nr = MSG_LEASE_IMPORT_ASK;
	a->line = (uint32_t)i;
	a->addr = l->addr;
	a->until = l->until;
	a->mac = l->mac;
	a->kind = l->kind;
	a->id.len = l->id_len;
	memcpy(a->id.b, l->id, l->id_len);
	client_send(&m);
}

static void
take_answer(size_t i)
{
	static struct msg m;
	const struct msg_lease_import_ans *a = &m.u.lease_import_ans;
	char ip[ADDR_TEXT_MAX];

	client_receive(&m);
	if (m.nr != MSG_LEASE_IMPORT_ANS)
		client_check(&m);
	if (m.nr != MSG_LEASE_IMPORT_ANS || a->line != i || a->change >= CHANGE_MAX)
		fail(TOOL_SYSTEM, "the server answers another question");
	answers[a->change]++;
	if (a->change == CHANGE_NOT_ROOT)
		fail(TOOL_REFUSED, "%s", change_text(CHANGE_NOT_ROOT));
	if (verbose && a->change != CHANGE_DONE)
		fprintf(stderr, "line %u: %s: %s\n", leases.of[i].line,
		    addr_format(&leases.of[i].addr, ip), change_text(a->change));
}

static void
offer_all(void)
{
	size_t sent = 0;

	client_connect(socket_path);
	for (size_t done = 0; done < leases.n; done++) {
		while (sent < leases.n && sent - done < AHEAD)
			offer(sent++);
		take_answer(done);
	}
}

static void
print_summary(void)
{
	printf("%zu imported\n", answers[CHANGE_DONE]);
	for (unsigned i = 0; i < SKIP_MAX; i++)
		if (skipped[i] > 0)
			printf("%zu not: %s\n", skipped[i], skip_texts[i]);
	for (unsigned i = 0; i < CHANGE_MAX; i++)
		if (i != CHANGE_DONE && answers[i] > 0)
			printf("%zu not: %s\n", answers[i], change_text(i));
}

int
command_lease_import(int argc, char **argv)
{
	static const struct option names[] = {{"format", required_argument, NULL, 'f'},
	    {"verbose", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	leasefile_parse *parse = NULL;
	struct text_error error;
	size_t len;
	char *text;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'v')
			verbose = true;
		else if (c != 'f')
			exit(TOOL_USAGE);
		else if ((parse = leasefile_format(optarg)) == NULL)
			fail(TOOL_USAGE, "--format %s: expected dnsmasq, isc, kea or csv",
			    optarg);
	}
	if (parse == NULL || optind + 1 != argc)
		fail(TOOL_USAGE, "expected --format and one file");
	text = read_file(argv[optind], &len);
	if (parse(text, len, collect, NULL, &error) != 0)
		fail(TOOL_REFUSED, "%s:%u:%u: %s", argv[optind], error.line, error.column,
		    error.what);
	free(text);
	choose();
	offer_all();
	print_summary();
	free(leases.of);
	return answers[CHANGE_NOT_WRITTEN] == 0 ? TOOL_OK : TOOL_REFUSED;
}
