/*
 * Templates, in the verifier's main thread. Their bytes are anybody's until their SHA-256
 * is the signed manifest's: what is checked, and kept, is the copy that was hashed.
 */
#include "src/verifier/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/template.h"
#include "src/verifier/hasher.h"
#include "src/verifier/store.h"

static char why_text[256];

static const char *
misses(const char *where, const struct text_error *error)
{
	snprintf(why_text, sizeof why_text, "%s %u, column %u: %s", where, error->line,
	    error->column, error->what);
	return why_text;
}

static const char *
read_text(const struct manifest_file *f, int dir, char *text)
{
	uint8_t hash[32];
	const char *why;
	int64_t n;

	if (f->size > TEMPLATE_SIZE_MAX) {
		snprintf(why_text, sizeof why_text, "a template has at most %u bytes",
		    TEMPLATE_SIZE_MAX);
		return why_text;
	}
	n = store_read(dir, f->path, text, TEMPLATE_SIZE_MAX, NULL, &why);
	if (n < 0)
		return why;
	if ((uint64_t)n != f->size)
		return "its size is not the manifest's";
	hasher_sum(text, (size_t)n, hash);
	return memcmp(hash, f->hash, sizeof hash) == 0
		   ? NULL
		   : "its SHA-256 is not the manifest's";
}

/* Keeps a text of its own size. */
static const char *
keep(struct image *image, unsigned kind, const char *text, size_t len)
{
	image->texts[kind] = malloc(len > 0 ? len : 1);
	if (image->texts[kind] == NULL)
		return "no memory for the template";
	memcpy(image->texts[kind], text, len);
	image->text_lens[kind] = len;
	return NULL;
}

/* It is offered to the architectures that have what its slots ask for. */
static const char *
read_template(struct image *image, int dir, unsigned kind)
{
	static char text[TEMPLATE_SIZE_MAX];
	const struct manifest_file *f = &image->m.files[image->m.templates[kind]];
	const char *why = read_text(f, dir, text);
	struct text_error error;
	bool kernel = false;

	if (why != NULL)
		return why;
	if (template_check(text, (size_t)f->size, false, &kernel, &error) != 0)
		return misses("line", &error);
	for (unsigned i = 0; i < image->m.nboots; i++)
		if (!kernel || image->m.boots[i].kernel != MANIFEST_NO_FILE)
			image->templates[i] |= (uint8_t)(1u << kind);
	return keep(image, kind, text, (size_t)f->size);
}

static const char *
check_cmdlines(const struct image *image)
{
	static char where[64];
	struct text_error error;
	bool unused;

	for (unsigned i = 0; i < image->m.nboots; i++) {
		const char *cmdline = image->m.boots[i].cmdline;

		if (template_check(cmdline, strlen(cmdline), true, &unused, &error) == 0)
			continue;
		snprintf(where, sizeof where, "command line for %s, line",
		    arch_name(image->m.boots[i].arch));
		return misses(where, &error);
	}
	return NULL;
}

const char *
texts_read(struct image *image, int dir, const char **file)
{
	const char *why;

	*file = "manifest";
	why = check_cmdlines(image);
	for (unsigned k = 0; k < TEMPLATE_MAX && why == NULL; k++) {
		if (image->m.templates[k] == MANIFEST_NO_FILE)
			continue;
		*file = image->m.files[image->m.templates[k]].path;
		why = read_template(image, dir, k);
	}
	return why;
}
