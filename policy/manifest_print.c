/*
 * Writing manifests, the inverse of reading. Linked by the image tool, and by tests that
 * prove that there is only one text for a manifest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/manifest.h"
#include "policy/when.h"
#include "src/base/buf.h"

static void
put_line(struct out *out, const char *keyword, const char *text)
{
	out_text(out, keyword);
	out_u8(out, ' ');
	out_text(out, text);
	out_u8(out, '\n');
}

static void
put_number(struct out *out, const char *keyword, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, n);
	put_line(out, keyword, text);
}

static void
put_file(struct out *out, const struct manifest_file *f)
{
	static const char hex[] = "0123456789abcdef";
	char text[24];

	out_text(out, "file ");
	for (size_t i = 0; i < sizeof f->hash; i++) {
		out_u8(out, (uint8_t)hex[f->hash[i] >> 4]);
		out_u8(out, (uint8_t)hex[f->hash[i] & 15]);
	}
	snprintf(text, sizeof text, " %" PRIu64, f->size);
	put_line(out, text, f->path);
}

static void
put_boot(struct out *out, const struct manifest *m, const struct manifest_boot *b)
{
	put_line(out, "boot", arch_name(b->arch));
	if (b->loader != MANIFEST_NO_FILE)
		put_line(out, "loader", m->files[b->loader].path);
	if (b->kernel != MANIFEST_NO_FILE)
		put_line(out, "kernel", m->files[b->kernel].path);
	for (unsigned i = 0; i < b->ninitrds; i++)
		put_line(out, "initrd", m->files[b->initrds[i]].path);
	if (b->cmdline[0] != '\0')
		put_line(out, "cmdline", b->cmdline);
}

int
manifest_print(const struct manifest *m, char *text, size_t cap)
{
	struct out out;
	char when[WHEN_TEXT_LEN + 1];

	out_init(&out, text, cap > MANIFEST_SIZE_MAX ? MANIFEST_SIZE_MAX : cap);
	out_text(&out, "sallyport-manifest 1\n");
	put_line(&out, "name", m->name);
	put_number(&out, "version", m->version);
	put_line(&out, "created", when_format(m->created, when));
	put_line(&out, "expires", when_format(m->expires, when));
	for (unsigned i = 0; i < m->nfiles; i++)
		put_file(&out, &m->files[i]);
	for (unsigned i = 0; i < m->nboots; i++)
		put_boot(&out, m, &m->boots[i]);
	for (unsigned i = 0; i < TEMPLATE_MAX; i++) {
		if (m->templates[i] == MANIFEST_NO_FILE)
			continue;
		out_text(&out, "template ");
		put_line(&out, template_kind_name((enum template_kind)i),
		    m->files[m->templates[i]].path);
	}
	out_text(&out, "end\n");
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
