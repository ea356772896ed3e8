/*
 * Listing of an image's folder, for sallyport-image.
 */
#include "src/tools/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/tools/tool.h"
#include "src/verifier/store.h"

/* Beyond this the list is not an image's, and the folder probably the wrong one. */
#define ENTRIES_MAX 100000u
#define DEPTH_MAX 100u

struct walk {
	struct tree *t;
	const char *dirname;
	const char *prefix; /* path of the folder that is being listed, with "/" */
	int dir;
	unsigned depth;
};

static const char *
kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return NULL;
	case S_IFLNK: return "a symbolic link";
	case S_IFIFO: return "a FIFO";
	case S_IFSOCK: return "a socket";
	case S_IFBLK:
	case S_IFCHR: return "a device";
	default: return "not a regular file";
	}
}

static bool visit(void *arg, const char *name);

static void
walk_folder(const struct walk *parent, const char *path, const char *name)
{
	char *prefix = tool_format("%s/", path);
	struct walk w = *parent;
	const char *why;

	w.prefix = prefix;
	w.depth++;
	w.dir = store_open_dir(parent->dir, name, &why);
	if (w.dir < 0)
		tool_fail(TOOL_SYSTEM, "%s/%s: %s", w.dirname, path, why);
	if (w.depth > DEPTH_MAX)
		tool_fail(TOOL_REFUSED, "%s/%s: too deep", w.dirname, path);
	if (store_list(w.dir, visit, &w) != 0)
		tool_fail_errno("%s/%s", w.dirname, path);
	close(w.dir);
	free(prefix);
}

static void
append(struct tree *t, char *path, const char *odd)
{
	if (t->n % 256 == 0) {
		struct tree_entry *more =
		    reallocarray(t->entries, t->n + 256, sizeof *t->entries);

		if (more == NULL)
			tool_fail_errno("memory");
		t->entries = more;
	}
	t->entries[t->n].path = path;
	t->entries[t->n].odd = odd;
	t->n++;
}

static bool
visit(void *arg, const char *name)
{
	struct walk *w = arg;
	char *path = tool_format("%s%s", w->prefix, name);
	struct stat st;

	if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		tool_fail_errno("%s/%s", w->dirname, path);
	if (S_ISDIR(st.st_mode)) {
		walk_folder(w, path, name);
		free(path);
		return true;
	}
	if (strcmp(path, "manifest") == 0 || strcmp(path, "manifest.minisig") == 0) {
		free(path);
		return true;
	}
	if (w->t->n == ENTRIES_MAX)
		tool_fail(TOOL_REFUSED, "%s: more than %u files", w->dirname, ENTRIES_MAX);
	append(w->t, path, kind_of(st.st_mode));
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct tree_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
tree_scan(int dir, const char *dirname, struct tree *t)
{
	struct walk w = {.t = t, .dirname = dirname, .prefix = "", .dir = dir, .depth = 0};

	memset(t, 0, sizeof *t);
	if (store_list(dir, visit, &w) != 0)
		tool_fail_errno("%s", dirname);
	if (t->n > 0)
		qsort(t->entries, t->n, sizeof *t->entries, compare);
}

void
tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->entries[i].path);
	free(t->entries);
	memset(t, 0, sizeof *t);
}
