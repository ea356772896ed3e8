/*
 * Checking an image's folder, for the operator. The rules are the verifier's: the same
 * parser, the same keyring, the same way of opening files.
 */
#include "src/tools/image_folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/when.h"
#include "src/tools/tool.h"
#include "src/tools/tree.h"
#include "src/verifier/store.h"

static char *
read_part(const struct image_folder *f, const char *name, size_t max, size_t *len)
{
	char *bytes = tool_alloc(max);
	const char *why;
	int64_t n = store_read(f->dir, name, bytes, max, NULL, &why);

	if (n < 0)
		tool_fail(TOOL_REFUSED, "%s/%s: %s", f->name, name, why);
	*len = (size_t)n;
	return bytes;
}

/* Which images a key may sign can only be asked once the manifest's name is known, and
 * the manifest is only read once some key has signed it: hence twice. */
static void
check_signature(const struct image_folder *f, const struct keyring *k, const char *image,
    const struct minisign_signature *s)
{
	char id[MINISIGN_ID_TEXT];

	minisign_id_format(s->id, id);
	switch (keyring_verify(k, image, s, f->text, f->len)) {
	case 0: return;
	case ERR_ABSENT:
		tool_fail(TOOL_REFUSED,
		    "%s/manifest.minisig: signed by key %s, which is not "
		    "in the keyring",
		    f->name, id);
	case ERR_STATE:
		tool_fail(TOOL_REFUSED,
		    "%s/manifest.minisig: key %s may not sign images called %s", f->name,
		    id, image);
	default:
		tool_fail(TOOL_REFUSED,
		    "%s/manifest: the signature in manifest.minisig does not fit", f->name);
	}
}

void
folder_open(struct image_folder *f, const char *name, const struct keyring *k)
{
	struct minisign_signature s;
	struct text_error error;
	struct keyring any = *k;
	char *file;
	unsigned cap;

	memset(f, 0, sizeof *f);
	f->name = name;
	f->dir = tool_open_dir(name);
	f->text = read_part(f, "manifest", MANIFEST_SIZE_MAX, &f->len);
	f->signature =
	    read_part(f, "manifest.minisig", MINISIGN_SIGNATURE_MAX, &f->signature_len);
	file = tool_format("%s/manifest.minisig", name);
	if (minisign_decode(f->signature, f->signature_len, &s, &error) != 0)
		tool_fail_text(file, &error);
	free(file);
	for (unsigned i = 0; i < any.n; i++)
		strcpy(any.keys[i].images, "*");
	check_signature(f, &any, "-", &s);
	cap = manifest_count(f->text, f->len);
	f->files = tool_alloc(cap * sizeof *f->files);
	file = tool_format("%s/manifest", name);
	if (manifest_parse(f->text, f->len, f->files, cap, &f->m, &error) != 0)
		tool_fail_text(file, &error);
	free(file);
	check_signature(f, k, f->m.name, &s);
}

void
folder_close(struct image_folder *f)
{
	close(f->dir);
	free(f->text);
	free(f->signature);
	free(f->files);
	memset(f, 0, sizeof *f);
}

unsigned
folder_check_time(const struct image_folder *f, uint64_t now)
{
	char expires[WHEN_TEXT_LEN + 1];

	if (now < f->m.expires)
		return 0;
	tool_complain("%s/manifest: image %s version %ju has expired on %s", f->name,
	    f->m.name, (uintmax_t)f->m.version, when_format(f->m.expires, expires));
	return 1;
}

unsigned
folder_check_file(const struct image_folder *f, const struct manifest_file *file, int to,
    const char *to_name)
{
	uint8_t hash[32];
	uint64_t size;
	const char *why;
	bool writing;
	int fd = store_open_file(f->dir, file->path, &size, NULL, &why);

	if (fd < 0) {
		tool_complain("%s/%s: %s", f->name, file->path, why);
		return 1;
	}
	if (size == file->size && tool_hash(fd, to, hash, &size, &writing) != 0)
		tool_fail_errno("%s/%s", writing ? to_name : f->name, file->path);
	close(fd);
	if (size != file->size) {
		tool_complain("%s/%s: has %ju bytes, the manifest says %ju", f->name,
		    file->path, (uintmax_t)size, (uintmax_t)file->size);
		return 1;
	}
	if (memcmp(hash, file->hash, sizeof hash) != 0) {
		tool_complain(
		    "%s/%s: its SHA-256 is not the manifest's", f->name, file->path);
		return 1;
	}
	return 0;
}

unsigned
folder_check_files(const struct image_folder *f)
{
	unsigned complaints = 0;
	struct tree t;

	for (unsigned i = 0; i < f->m.nfiles; i++)
		complaints += folder_check_file(f, &f->m.files[i], -1, NULL);
	tree_scan(f->dir, f->name, &t);
	for (size_t i = 0; i < t.n; i++) {
		const struct tree_entry *e = &t.entries[i];

		if (manifest_find(&f->m, e->path, strlen(e->path)) != MANIFEST_NO_FILE)
			continue;
		tool_complain("%s/%s: %s is not listed in the manifest", f->name, e->path,
		    e->odd != NULL ? e->odd : "this file");
		complaints++;
	}
	tree_free(&t);
	return complaints;
}
