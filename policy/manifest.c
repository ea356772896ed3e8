/*
 * Reading manifests. Linked by the verifier and the image tool. The verifier checks the
 * signature over the raw bytes first; even so nothing here trusts the signer further
 * than that he may name files: all sizes, names and counts are bounded.
 */
#include "policy/manifest.h"

#include <string.h>

#include "policy/when.h"

const char *
template_kind_name(enum template_kind kind)
{
	static const char *const names[TEMPLATE_MAX] = {"ipxe", "grub", "pxelinux"};

	return (unsigned)kind < TEMPLATE_MAX ? names[kind] : "none";
}

enum template_kind
template_kind_parse(const char *name, size_t len)
{
	for (unsigned i = 0; i < TEMPLATE_MAX; i++) {
		const char *known = template_kind_name((enum template_kind)i);

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return (enum template_kind)i;
	}
	return TEMPLATE_MAX;
}

unsigned
manifest_count(const char *text, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len && n < MANIFEST_FILES_MAX; i++)
		n += text[i] == '\n';
	return n;
}

uint16_t
manifest_find(const struct manifest *m, const char *path, size_t len)
{
	unsigned low = 0, high = m->nfiles;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const char *have = m->files[mid].path;
		int order = strncmp(have, path, len);

		if (order == 0 && have[len] == '\0')
			return (uint16_t)mid;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return MANIFEST_NO_FILE;
}

const struct manifest_boot *
manifest_boot_for(const struct manifest *m, enum arch arch)
{
	for (unsigned i = 0; i < m->nboots; i++)
		if (m->boots[i].arch == arch)
			return &m->boots[i];
	return NULL;
}

static bool
read_name(struct lines *l, struct manifest *m)
{
	struct piece word;
	const char *why;
	size_t at;

	if (!lines_literal(l, "name ") ||
	    !lines_word(l, &word, PATHS_NAME_MAX, "the name of the image"))
		return false;
	why = paths_check_name(word.p, word.len, &at);
	if (why != NULL)
		return lines_fail(l, word.p + at, "%s", why);
	memcpy(m->name, word.p, word.len);
	return lines_end(l, "the end of the line (LF)");
}

static bool
read_time(struct lines *l, const char *keyword, uint64_t *seconds)
{
	struct piece word;
	size_t at;

	if (!lines_literal(l, keyword) ||
	    !lines_word(l, &word, WHEN_TEXT_LEN, "a time like 2026-11-22T10:00:00Z"))
		return false;
	switch (when_parse(word.p, word.len, seconds, &at)) {
	case 0: return lines_end(l, "the end of the line (LF)");
	case ERR_RANGE: return lines_fail(l, word.p + at, "there is no such time");
	default:
		return lines_fail(
		    l, word.p + at, "expected a time like 2026-11-22T10:00:00Z");
	}
}

static bool
read_head(struct lines *l, struct manifest *m)
{
	const char *line;

	if (!lines_literal(l, "sallyport-manifest 1\n") || !read_name(l, m))
		return false;
	if (!lines_literal(l, "version ") ||
	    !lines_number(l, &m->version, 1, UINT64_MAX, "a version from 1, in decimal") ||
	    !lines_end(l, "the end of the line (LF)"))
		return false;
	if (!read_time(l, "created ", &m->created))
		return false;
	line = l->p;
	if (!read_time(l, "expires ", &m->expires))
		return false;
	if (m->expires <= m->created) {
		l->line--;
		l->start = line;
		return lines_fail(l, line + strlen("expires "),
		    "expected a time later than that of \"created\"");
	}
	return true;
}

/* A path that keeps the rules, as the last word of its line. */
static bool
read_path(struct lines *l, struct piece *path)
{
	const char *why;
	size_t at;

	if (!lines_word(l, path, PATHS_PATH_MAX, "a path"))
		return false;
	why = paths_check_path(path->p, path->len, &at);
	if (why != NULL)
		return lines_fail(l, path->p + at, "%s", why);
	return true;
}

static bool
read_file(struct lines *l, struct manifest *m, struct manifest_file *f)
{
	struct piece path;

	memset(f, 0, sizeof *f);
	if (!lines_literal(l, "file ") ||
	    !lines_hex(
		l, f->hash, sizeof f->hash, "a SHA-256 as 64 lower-case hex digits") ||
	    !lines_literal(l, " ") ||
	    !lines_number(l, &f->size, 0, INT64_MAX, "a size in bytes, in decimal") ||
	    !lines_literal(l, " ") || !read_path(l, &path))
		return false;
	memcpy(f->path, path.p, path.len);
	if (m->nfiles > 0 && strcmp(f[-1].path, f->path) == 0)
		return lines_fail(l, path.p, "this path is listed twice");
	if (m->nfiles > 0 && strcmp(f[-1].path, f->path) > 0)
		return lines_fail(l, path.p, "expected paths in ascending byte order");
	m->nfiles++;
	return lines_end(l, "the end of the line (LF)");
}

static bool
read_files(struct lines *l, struct manifest *m, unsigned cap)
{
	if (!lines_at(l, "file "))
		return lines_literal(l, "file ");
	while (lines_at(l, "file ")) {
		if (m->nfiles >= cap)
			return lines_fail(l, l->p, "more than %u files", cap);
		if (!read_file(l, m, &m->files[m->nfiles]))
			return false;
	}
	return !l->failed;
}

/* A line "<keyword><path>" of a listed file. */
static bool
read_reference(
    struct lines *l, const char *keyword, const struct manifest *m, uint16_t *file)
{
	struct piece path;

	if (!lines_literal(l, keyword) || !read_path(l, &path))
		return false;
	*file = manifest_find(m, path.p, path.len);
	if (*file == MANIFEST_NO_FILE)
		return lines_fail(l, path.p, "expected the path of a listed file");
	return lines_end(l, "the end of the line (LF)");
}

static bool
read_kernel(struct lines *l, const struct manifest *m, struct manifest_boot *b)
{
	struct piece text;

	if (!read_reference(l, "kernel ", m, &b->kernel))
		return false;
	while (lines_at(l, "initrd ")) {
		if (b->ninitrds == MANIFEST_INITRDS_MAX)
			return lines_fail(
			    l, l->p, "more than %u initrds", MANIFEST_INITRDS_MAX);
		if (!read_reference(l, "initrd ", m, &b->initrds[b->ninitrds]))
			return false;
		b->ninitrds++;
	}
	if (!lines_at(l, "cmdline "))
		return !l->failed;
	if (!lines_literal(l, "cmdline ") ||
	    !lines_rest(l, &text, MANIFEST_CMDLINE_MAX, "a command line"))
		return false;
	memcpy(b->cmdline, text.p, text.len);
	return lines_end(l, "the end of the line (LF)");
}

static bool
read_boot(struct lines *l, struct manifest *m)
{
	struct manifest_boot *b = &m->boots[m->nboots];
	struct piece word;
	char name[16] = "";

	memset(b, 0, sizeof *b);
	b->loader = b->kernel = MANIFEST_NO_FILE;
	if (!lines_literal(l, "boot ") ||
	    !lines_word(l, &word, sizeof name - 1, "an architecture"))
		return false;
	memcpy(name, word.p, word.len);
	b->arch = arch_parse(name);
	if (b->arch == ARCH_MAX)
		return lines_fail(l, word.p,
		    "expected bios, x86, x64, arm32, arm64, riscv64 or loongarch64");
	if (m->nboots > 0 && b[-1].arch >= b->arch)
		return lines_fail(l, word.p,
		    "expected each architecture once, in the order bios x86 x64 arm32 "
		    "arm64 "
		    "riscv64 loongarch64");
	if (!lines_end(l, "the end of the line (LF)"))
		return false;
	if (lines_at(l, "loader ") && !read_reference(l, "loader ", m, &b->loader))
		return false;
	if (lines_at(l, "kernel ") && !read_kernel(l, m, b))
		return false;
	if (b->loader == MANIFEST_NO_FILE && b->kernel == MANIFEST_NO_FILE)
		return lines_fail(l, l->p, "expected \"loader\" or \"kernel\"");
	m->nboots++;
	return !l->failed;
}

static bool
read_template(struct lines *l, struct manifest *m, int *last)
{
	struct piece word;
	enum template_kind kind;

	if (!lines_literal(l, "template ") ||
	    !lines_word(l, &word, 16, "ipxe, grub or pxelinux"))
		return false;
	kind = template_kind_parse(word.p, word.len);
	if (kind == TEMPLATE_MAX)
		return lines_fail(l, word.p, "expected ipxe, grub or pxelinux");
	if ((int)kind <= *last)
		return lines_fail(
		    l, word.p, "expected each kind once, in the order ipxe grub pxelinux");
	*last = (int)kind;
	return read_reference(l, " ", m, &m->templates[kind]);
}

static int
compare_files(const struct manifest *m, unsigned a, unsigned b)
{
	return paths_compare_folded(
	    m->files[m->files[a].folded].path, m->files[m->files[b].folded].path);
}

static void
swap_folded(struct manifest *m, unsigned a, unsigned b)
{
	uint16_t kept = m->files[a].folded;

	m->files[a].folded = m->files[b].folded;
	m->files[b].folded = kept;
}

static void
sift_down(struct manifest *m, unsigned root, unsigned n)
{
	for (unsigned child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && compare_files(m, child, child + 1) < 0)
			child++;
		if (compare_files(m, root, child) >= 0)
			return;
		swap_folded(m, root, child);
	}
}

/* Heap sort of the folded order. Not qsort(): it allocates, and asks the system how much
 * memory there is, which no cage allows. */
static void
sort_folded(struct manifest *m)
{
	for (unsigned i = 0; i < m->nfiles; i++)
		m->files[i].folded = (uint16_t)i;
	for (unsigned i = m->nfiles / 2; i-- > 0;)
		sift_down(m, i, m->nfiles);
	for (unsigned n = m->nfiles; n-- > 1;) {
		swap_folded(m, 0, n);
		sift_down(m, 0, n);
	}
}

/* The list begins with the sixth line of the text. */
#define FIRST_FILE_LINE 6u

static bool
refuse_look_alikes(struct lines *l, struct manifest *m)
{
	unsigned a, b;

	sort_folded(m);
	for (unsigned i = 1; i < m->nfiles; i++) {
		if (compare_files(m, i - 1, i) != 0)
			continue;
		a = m->files[i - 1].folded;
		b = m->files[i].folded;
		l->line = FIRST_FILE_LINE + (a > b ? a : b);
		l->start = l->p;
		return lines_fail(l, l->p,
		    "this path differs only in case from that of line %u",
		    FIRST_FILE_LINE + (a > b ? b : a));
	}
	return true;
}

static bool
read_all(struct lines *l, struct manifest *m, unsigned cap)
{
	int last = -1;

	if (!read_head(l, m) || !read_files(l, m, cap) || !refuse_look_alikes(l, m))
		return false;
	while (lines_at(l, "boot "))
		if (!read_boot(l, m))
			return false;
	while (lines_at(l, "template "))
		if (!read_template(l, m, &last))
			return false;
	return lines_literal(l, "end\n");
}

int
manifest_parse(const char *text, size_t len, struct manifest_file *files, unsigned cap,
    struct manifest *m, struct text_error *error)
{
	struct lines l;

	memset(m, 0, sizeof *m);
	memset(error, 0, sizeof *error);
	m->files = files;
	for (unsigned i = 0; i < TEMPLATE_MAX; i++)
		m->templates[i] = MANIFEST_NO_FILE;
	lines_init(&l, text, len, error);
	if (len > MANIFEST_SIZE_MAX) {
		(void)lines_fail(&l, text, "longer than %u bytes", MANIFEST_SIZE_MAX);
		return ERR_FORMAT;
	}
	if (cap > MANIFEST_FILES_MAX)
		cap = MANIFEST_FILES_MAX;
	if (!read_all(&l, m, cap))
		return ERR_FORMAT;
	if (!lines_done(&l)) {
		(void)lines_fail(&l, l.p, "expected nothing after \"end\"");
		return ERR_FORMAT;
	}
	return 0;
}
