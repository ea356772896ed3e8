/*
 * Any bytes as a manifest. What is accepted must be the only text for what was read, and
 * everything in it within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/manifest.h"

static void
check_file(const struct manifest *m, uint16_t file)
{
	if (file != MANIFEST_NO_FILE && file >= m->nfiles)
		abort();
}

static void
check(const struct manifest *m)
{
	size_t at;

	if (m->nfiles == 0 || m->nboots > MANIFEST_BOOTS_MAX || m->expires <= m->created ||
	    m->version == 0 || paths_check_name(m->name, strlen(m->name), &at) != NULL)
		abort();
	for (unsigned i = 0; i < m->nfiles; i++) {
		const char *path = m->files[i].path;

		if (paths_check_path(path, strlen(path), &at) != NULL ||
		    manifest_find(m, path, strlen(path)) != i)
			abort();
	}
	for (unsigned i = 0; i < m->nboots; i++) {
		check_file(m, m->boots[i].loader);
		check_file(m, m->boots[i].kernel);
		for (unsigned j = 0; j < m->boots[i].ninitrds; j++)
			check_file(m, m->boots[i].initrds[j]);
	}
	for (unsigned i = 0; i < TEMPLATE_MAX; i++)
		check_file(m, m->templates[i]);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	unsigned cap = manifest_count((const char *)data, len);
	struct manifest_file *files = calloc(cap + 1, sizeof *files);
	char *again = malloc(len + 1);
	struct text_error error;
	struct manifest m;

	if (files == NULL || again == NULL)
		abort();
	if (manifest_parse((const char *)data, len, files, cap, &m, &error) == 0) {
		check(&m);
		if (manifest_print(&m, again, len) != (int)len ||
		    memcmp(again, data, len) != 0)
			abort();
	} else if (error.line == 0 || error.column == 0 || error.what[0] == '\0') {
		abort();
	}
	free(again);
	free(files);
	return 0;
}
