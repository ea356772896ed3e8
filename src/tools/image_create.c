/*
 * "sallyport-image create": describes a folder in a manifest. Run by an operator on files
 * that he has prepared; what it writes it reads back with the server's own parser, so
 * that no manifest is signed which the server would refuse.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/manifest.h"
#include "policy/template.h"
#include "policy/when.h"
#include "src/base/clock.h"
#include "src/tools/image_templates.h"
#include "src/tools/tool.h"
#include "src/tools/tree.h"
#include "src/verifier/store.h"

/* What one architecture boots, as the options say. */
struct wish {
	bool named; /* an option named this architecture */
	const char *loader, *kernel, *cmdline;
	unsigned ninitrds;
	const char *initrds[MANIFEST_INITRDS_MAX];
};

struct plan {
	const char *dirname;
	int dir;
	bool no_templates;
	uint64_t lifetime_days;
	const char *templates[TEMPLATE_MAX];
	struct wish wishes[ARCH_MAX]; /* [ARCH_NONE]: for all that have none of their own */
	struct manifest m;
};

/* "ARCH=REST" becomes the architecture and REST; anything else is for all. */
static struct wish *
split_arch(struct plan *p, const char *text, const char **rest)
{
	const char *equals = strchr(text, '=');
	char name[16] = "";
	enum arch arch = ARCH_MAX;

	*rest = text;
	if (equals != NULL && (size_t)(equals - text) < sizeof name) {
		memcpy(name, text, (size_t)(equals - text));
		arch = arch_parse(name);
	}
	if (arch == ARCH_MAX)
		return &p->wishes[ARCH_NONE];
	*rest = equals + 1;
	p->wishes[arch].named = true;
	return &p->wishes[arch];
}

static void
set_once(const char **slot, const char *value, const char *option)
{
	if (*slot != NULL)
		tool_fail(TOOL_USAGE, "%s: given twice for the same architecture", option);
	*slot = value;
}

static void
add_initrd(struct plan *p, const char *text)
{
	const char *rest;
	struct wish *w = split_arch(p, text, &rest);

	if (w->ninitrds == MANIFEST_INITRDS_MAX)
		tool_fail(TOOL_USAGE, "--initrd: more than %u", MANIFEST_INITRDS_MAX);
	w->initrds[w->ninitrds++] = rest;
}

static void
set_template(struct plan *p, const char *text)
{
	const char *equals = strchr(text, '=');
	enum template_kind kind = TEMPLATE_MAX;

	if (equals != NULL)
		kind = template_kind_parse(text, (size_t)(equals - text));
	if (kind == TEMPLATE_MAX)
		tool_fail(TOOL_USAGE,
		    "--template %s: expected ipxe=, grub= or pxelinux= "
		    "and the path of a file in the image",
		    text);
	set_once(&p->templates[kind], equals + 1, "--template");
}

static void
set_name(struct plan *p, const char *name)
{
	size_t at;
	const char *why = paths_check_name(name, strlen(name), &at);

	if (why != NULL)
		tool_fail(TOOL_USAGE, "--name %s: %s", name, why);
	snprintf(p->m.name, sizeof p->m.name, "%s", name);
}

static void
set_created(struct plan *p, const char *text)
{
	size_t at;

	if (when_parse(text, strlen(text), &p->m.created, &at) != 0)
		tool_fail(TOOL_USAGE,
		    "--created %s: expected a time like 2026-11-22T10:00:00Z", text);
}

enum {
	OPT_NAME = 1000,
	OPT_VERSION,
	OPT_CREATED,
	OPT_EXPIRES,
	OPT_ARCH,
	OPT_LOADER,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_TEMPLATE,
	OPT_NO_TEMPLATES
};

static const struct option options[] = {
    {"name", required_argument, NULL, OPT_NAME},
    {"version", required_argument, NULL, OPT_VERSION},
    {"created", required_argument, NULL, OPT_CREATED},
    {"expires", required_argument, NULL, OPT_EXPIRES},
    {"arch", required_argument, NULL, OPT_ARCH},
    {"loader", required_argument, NULL, OPT_LOADER},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"initrd", required_argument, NULL, OPT_INITRD},
    {"cmdline", required_argument, NULL, OPT_CMDLINE},
    {"template", required_argument, NULL, OPT_TEMPLATE},
    {"no-templates", no_argument, NULL, OPT_NO_TEMPLATES},
    {NULL, 0, NULL, 0},
};

static void
take_option(struct plan *p, int option, const char *arg)
{
	const char *rest;
	struct wish *w;

	switch (option) {
	case OPT_NAME: set_name(p, arg); break;
	case OPT_VERSION:
		p->m.version = tool_number("--version", arg, 1, UINT64_MAX);
		break;
	case OPT_CREATED: set_created(p, arg); break;
	case OPT_EXPIRES: p->lifetime_days = tool_number("--expires", arg, 1, 36500); break;
	case OPT_ARCH:
		if (arch_parse(arg) == ARCH_MAX)
			tool_fail(TOOL_USAGE, "--arch %s: not known", arg);
		p->wishes[arch_parse(arg)].named = true;
		break;
	case OPT_LOADER:
		w = split_arch(p, arg, &rest);
		if (w == &p->wishes[ARCH_NONE])
			tool_fail(TOOL_USAGE, "--loader %s: expected ARCH=PATH", arg);
		set_once(&w->loader, rest, "--loader");
		break;
	case OPT_KERNEL:
		w = split_arch(p, arg, &rest);
		set_once(&w->kernel, rest, "--kernel");
		break;
	case OPT_INITRD: add_initrd(p, arg); break;
	case OPT_CMDLINE:
		w = split_arch(p, arg, &rest);
		set_once(&w->cmdline, rest, "--cmdline");
		break;
	case OPT_TEMPLATE: set_template(p, arg); break;
	case OPT_NO_TEMPLATES: p->no_templates = true; break;
	default: tool_fail(TOOL_USAGE, "see sallyport-image create --help");
	}
}

/* 2026-11-22T10:00:00Z as 20261122100000: grows with time and can be read. */
static uint64_t
version_from_time(uint64_t seconds)
{
	char text[WHEN_TEXT_LEN + 1];
	uint64_t v = 0;

	for (const char *c = when_format(seconds, text); *c != '\0'; c++)
		if (*c >= '0' && *c <= '9')
			v = v * 10 + (unsigned)(*c - '0');
	return v;
}

static void
parse_options(struct plan *p, int argc, char **argv)
{
	int option;

	p->lifetime_days = 365;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(p, option, optarg);
	if (optind + 1 != argc)
		tool_fail(TOOL_USAGE, "create: expected exactly one folder");
	p->dirname = argv[optind];
	if (p->m.name[0] == '\0')
		tool_fail(TOOL_USAGE, "create: --name is missing");
	if (p->m.created == 0)
		p->m.created = clock_wall_s();
	if (p->m.version == 0)
		p->m.version = version_from_time(p->m.created);
	p->m.expires = p->m.created + p->lifetime_days * 86400;
}

/* What is not said for one architecture is taken from what is said for all. */
static void
spread_wishes(struct plan *p)
{
	const struct wish *all = &p->wishes[ARCH_NONE];
	bool any = false;

	for (unsigned a = ARCH_NONE + 1; a < ARCH_MAX; a++) {
		struct wish *w = &p->wishes[a];

		if (!w->named)
			continue;
		any = true;
		if (w->kernel == NULL)
			w->kernel = all->kernel;
		if (w->cmdline == NULL)
			w->cmdline = all->cmdline;
		if (w->ninitrds == 0) {
			memcpy(w->initrds, all->initrds, sizeof w->initrds);
			w->ninitrds = all->ninitrds;
		}
		if (w->kernel == NULL && (w->ninitrds > 0 || w->cmdline != NULL))
			tool_fail(TOOL_USAGE, "%s: --initrd and --cmdline need --kernel",
			    arch_name((enum arch)a));
	}
	if (!any && (all->kernel != NULL || all->ninitrds > 0 || all->cmdline != NULL))
		tool_fail(TOOL_USAGE,
		    "create: which machines boot this? --loader ARCH=PATH or --arch ARCH "
		    "says so");
}

static bool
has_kernel(const struct plan *p)
{
	for (unsigned a = ARCH_NONE + 1; a < ARCH_MAX; a++)
		if (p->wishes[a].named && p->wishes[a].kernel != NULL)
			return true;
	return false;
}

static void
add_template(struct plan *p, enum template_kind kind)
{
	const struct image_template *t = &image_templates[kind];
	const char *why, *slash = strrchr(t->path, '/');
	char *folder = strndup(t->path, (size_t)(slash - t->path));
	int dir, fd;

	if (folder == NULL)
		tool_fail_errno("memory");
	p->templates[kind] = t->path;
	if (mkdirat(p->dir, folder, 0755) != 0 && errno != EEXIST)
		tool_fail_errno("%s/%s", p->dirname, folder);
	dir = store_open_dir(p->dir, folder, &why);
	if (dir < 0)
		tool_fail(TOOL_REFUSED, "%s/%s: %s", p->dirname, folder, why);
	fd = store_open_file(dir, slash + 1, NULL, NULL, &why);
	if (fd == ERR_ABSENT)
		tool_write_at(dir, p->dirname, slash + 1, 0644, t->text, strlen(t->text));
	else if (fd < 0)
		tool_fail(TOOL_REFUSED, "%s/%s: %s", p->dirname, t->path, why);
	else
		close(fd);
	close(dir);
	free(folder);
}

static void
add_templates(struct plan *p)
{
	if (p->no_templates || !has_kernel(p))
		return;
	for (unsigned k = 0; k < TEMPLATE_MAX; k++)
		if (p->templates[k] == NULL)
			add_template(p, (enum template_kind)k);
}

static void
describe_file(struct plan *p, const struct tree_entry *e, struct manifest_file *f)
{
	const char *why;
	size_t at;
	bool writing;
	int fd;

	if (e->odd != NULL)
		tool_fail(TOOL_REFUSED, "%s/%s: is %s; an image holds regular files only",
		    p->dirname, e->path, e->odd);
	why = paths_check_path(e->path, strlen(e->path), &at);
	if (why != NULL)
		tool_fail(TOOL_REFUSED, "%s/%s: %s", p->dirname, e->path, why);
	snprintf(f->path, sizeof f->path, "%s", e->path);
	fd = store_open_file(p->dir, f->path, NULL, NULL, &why);
	if (fd < 0)
		tool_fail(TOOL_REFUSED, "%s/%s: %s", p->dirname, f->path, why);
	if (tool_hash(fd, -1, f->hash, &f->size, &writing) != 0)
		tool_fail_errno("%s/%s", p->dirname, f->path);
	close(fd);
}

static void
describe_files(struct plan *p)
{
	struct tree t;

	tree_scan(p->dir, p->dirname, &t);
	if (t.n == 0)
		tool_fail(TOOL_REFUSED, "%s: holds no file", p->dirname);
	if (t.n > MANIFEST_FILES_MAX)
		tool_fail(
		    TOOL_REFUSED, "%s: more than %u files", p->dirname, MANIFEST_FILES_MAX);
	p->m.files = tool_alloc(t.n * sizeof *p->m.files);
	p->m.nfiles = (unsigned)t.n;
	for (size_t i = 0; i < t.n; i++)
		describe_file(p, &t.entries[i], &p->m.files[i]);
	tree_free(&t);
}

static uint16_t
listed(const struct plan *p, const char *path, const char *option)
{
	uint16_t file = manifest_find(&p->m, path, strlen(path));

	if (file == MANIFEST_NO_FILE)
		tool_fail(TOOL_USAGE, "%s %s: there is no such file in %s", option, path,
		    p->dirname);
	return file;
}

static void
describe_boots(struct plan *p)
{
	for (unsigned a = ARCH_NONE + 1; a < ARCH_MAX; a++) {
		const struct wish *w = &p->wishes[a];
		struct manifest_boot *b = &p->m.boots[p->m.nboots];

		if (!w->named)
			continue;
		p->m.nboots++;
		b->arch = (enum arch)a;
		b->loader = b->kernel = MANIFEST_NO_FILE;
		if (w->loader != NULL)
			b->loader = listed(p, w->loader, "--loader");
		if (w->kernel != NULL)
			b->kernel = listed(p, w->kernel, "--kernel");
		for (unsigned i = 0; i < w->ninitrds; i++)
			b->initrds[b->ninitrds++] = listed(p, w->initrds[i], "--initrd");
		if (w->cmdline == NULL)
			continue;
		if (strlen(w->cmdline) > MANIFEST_CMDLINE_MAX)
			tool_fail(TOOL_USAGE, "--cmdline: longer than %u characters",
			    MANIFEST_CMDLINE_MAX);
		snprintf(b->cmdline, sizeof b->cmdline, "%s", w->cmdline);
	}
}

static void
check_cmdlines(const struct plan *p)
{
	struct text_error error;
	bool kernel;

	for (unsigned i = 0; i < p->m.nboots; i++) {
		const char *text = p->m.boots[i].cmdline;

		if (template_check(text, strlen(text), true, &kernel, &error) != 0)
			tool_fail(TOOL_USAGE, "--cmdline, character %u: %s", error.column,
			    error.what);
	}
}

static void
describe_templates(struct plan *p)
{
	static char text[TEMPLATE_SIZE_MAX];
	struct text_error error;
	const char *why;
	bool kernel;

	for (unsigned k = 0; k < TEMPLATE_MAX; k++) {
		int64_t len;
		char *file;

		p->m.templates[k] = MANIFEST_NO_FILE;
		if (p->templates[k] == NULL)
			continue;
		p->m.templates[k] = listed(p, p->templates[k], "--template");
		file = tool_format("%s/%s", p->dirname, p->templates[k]);
		len = store_read(p->dir, p->templates[k], text, sizeof text, NULL, &why);
		if (len < 0)
			tool_fail(TOOL_REFUSED, "%s: %s", file, why);
		if (template_check(text, (size_t)len, false, &kernel, &error) != 0)
			tool_fail_text(file, &error);
		free(file);
	}
}

/* Writes the manifest after reading it back. */
static void
write_manifest(const struct plan *p)
{
	char *text = tool_alloc(MANIFEST_SIZE_MAX);
	int len = manifest_print(&p->m, text, MANIFEST_SIZE_MAX);
	struct manifest_file *files;
	struct manifest again;
	struct text_error error;
	unsigned cap;

	if (len < 0)
		tool_fail(TOOL_REFUSED, "the manifest would be larger than %u bytes",
		    MANIFEST_SIZE_MAX);
	cap = manifest_count(text, (size_t)len);
	files = tool_alloc(cap * sizeof *files);
	if (manifest_parse(text, (size_t)len, files, cap, &again, &error) != 0) {
		char *file = tool_format("%s/manifest, not written", p->dirname);

		tool_fail_text(file, &error);
	}
	tool_write_at(p->dir, p->dirname, "manifest", 0644, text, (size_t)len);
	free(files);
	free(text);
}

int
image_create(int argc, char **argv)
{
	struct plan *p = tool_alloc(sizeof *p);

	parse_options(p, argc, argv);
	spread_wishes(p);
	p->dir = tool_open_dir(p->dirname);
	add_templates(p);
	describe_files(p);
	describe_boots(p);
	check_cmdlines(p);
	describe_templates(p);
	write_manifest(p);
	if (unlinkat(p->dir, "manifest.minisig", 0) == 0)
		printf("%s/manifest.minisig: removed, for it is of another manifest\n",
		    p->dirname);
	printf("%s/manifest: image %s, version %ju, %u files\n", p->dirname, p->m.name,
	    (uintmax_t)p->m.version, p->m.nfiles);
	close(p->dir);
	free(p->m.files);
	free(p);
	return TOOL_OK;
}
