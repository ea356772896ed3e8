/*
 * A template, a command line, a host name and parameters, all any bytes: up to the first,
 * second and third NUL. Whatever is rendered must come from the template, or consist of
 * the characters that values may have.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/template.h"

static struct manifest_file files[] = {
    {.path = "b/i0"}, {.path = "b/i1"}, {.path = "b/linux"}};
static struct manifest m = {.name = "debian-12",
    .version = 7,
    .nfiles = 3,
    .files = files,
    .nboots = 1,
    .boots = {{.arch = ARCH_X64,
	.loader = MANIFEST_NO_FILE,
	.kernel = 2,
	.ninitrds = 2,
	.initrds = {0, 1}}}};

/* The next part of the input, up to a NUL or the end. */
static struct piece
part(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *nul = *p == end ? NULL : memchr(*p, 0, (size_t)(end - *p));
	struct piece piece = {(const char *)*p, (size_t)((nul == NULL ? end : nul) - *p)};

	*p = nul == NULL ? end : nul + 1;
	return piece;
}

static void
copy_part(struct piece from, char *to, size_t max)
{
	size_t len = from.len < max ? from.len : max;

	memcpy(to, from.p, len);
	to[len] = '\0';
}

/* Nothing of the values may end a line: as many line ends as the template has, and those
 * between the iPXE commands of @{initrds}. */
static void
check_lines(const struct piece *text, const char *out, size_t len)
{
	size_t have = 0, most = 0;

	for (size_t i = 0; i < text->len; i++)
		most += text->p[i] == '\n' ? 1 : text->p[i] == '@' ? 1 : 0;
	for (const char *c = m.boots[0].cmdline; *c != '\0'; c++)
		most += *c == '@' || *c == '\n' ? text->len : 0;
	for (size_t i = 0; i < len; i++)
		have += out[i] == '\n';
	if (have > most)
		abort();
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static char out[TEMPLATE_SIZE_MAX];
	const uint8_t *p = data, *end = data + len;
	struct piece text = part(&p, end);
	char host[64];
	struct template_values v = {.manifest = &m, .boot = &m.boots[0], .host = host};
	struct text_error error;
	size_t out_len = 0;
	bool kernel;

	copy_part(part(&p, end), m.boots[0].cmdline, MANIFEST_CMDLINE_MAX);
	copy_part(part(&p, end), host, sizeof host - 1);
	v.params = (const char *)p;
	v.params_len = (size_t)(end - p);
	v.client = addr_v4(0x0a000005);
	v.server = addr_v4(0x0a000001);
	for (unsigned kind = 0; kind < TEMPLATE_MAX; kind++) {
		v.kind = (enum template_kind)kind;
		v.http_port = kind == 0 ? 8080 : 0;
		if (template_render(
			text.p, text.len, &v, out, sizeof out, &out_len, &error) != 0)
			continue;
		check_lines(&text, out, out_len);
		/* What renders passes the check that is made before anything is served. */
		if (template_check(text.p, text.len, false, &kernel, &error) != 0)
			abort();
	}
	return 0;
}
