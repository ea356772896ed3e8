/*
 * "sallyport-image verify", "install" and "list". Run by an operator; what verify and
 * install accept the server accepts too, but for its floor, which only it knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/when.h"
#include "src/base/clock.h"
#include "src/tools/image_folder.h"
#include "src/tools/tool.h"
#include "src/verifier/store.h"

static const struct option options[] = {
    {"keyring", required_argument, NULL, 'k'},
    {"public", required_argument, NULL, 'p'},
    {"images", required_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

struct request {
	const char *keyring, *public, *images, *folder;
};

static void
parse_options(struct request *r, const char *allowed, int argc, char **argv)
{
	int option;

	*r = (struct request){.images = TOOL_IMAGES};
	while ((option = getopt_long(argc, argv, "k:p:i:", options, NULL)) != -1) {
		if (option == '?' || strchr(allowed, option) == NULL)
			tool_fail(TOOL_USAGE, "see sallyport-image %s --help", argv[0]);
		if (option == 'k')
			r->keyring = optarg;
		else if (option == 'p')
			r->public = optarg;
		else
			r->images = optarg;
	}
	if (optind < argc)
		r->folder = argv[optind++];
	if (optind < argc)
		tool_fail(TOOL_USAGE, "%s: %s: not expected", argv[0], argv[optind]);
}

static unsigned
open_and_check(struct image_folder *f, const struct request *r)
{
	struct keyring k;
	unsigned complaints;

	tool_load_keyring(r->keyring, r->public, &k);
	folder_open(f, r->folder, &k);
	complaints = folder_check_time(f, clock_wall_s());
	complaints += folder_check_files(f);
	if (complaints > 0)
		tool_complain("%s: image %s version %ju is refused: %u complaint%s",
		    f->name, f->m.name, (uintmax_t)f->m.version, complaints,
		    complaints == 1 ? "" : "s");
	return complaints;
}

int
image_verify(int argc, char **argv)
{
	struct request r;
	struct image_folder f;
	unsigned complaints;

	parse_options(&r, "kp", argc, argv);
	if (r.folder == NULL)
		tool_fail(TOOL_USAGE, "verify: expected a folder");
	complaints = open_and_check(&f, &r);
	if (complaints == 0)
		printf("%s: image %s version %ju is good, %u files\n", f.name, f.m.name,
		    (uintmax_t)f.m.version, f.m.nfiles);
	folder_close(&f);
	return complaints == 0 ? TOOL_OK : TOOL_REFUSED;
}

/* The store's folders and files may be read by anyone: the verifier has its own uid. */
static void
make_folder(int dir, const char *name, const char *shown)
{
	if (mkdirat(dir, name, 0755) == 0) {
		if (fchmodat(dir, name, 0755, 0) != 0)
			tool_fail_errno("%s/%s", shown, name);
	} else if (errno != EEXIST) {
		tool_fail_errno("%s/%s", shown, name);
	}
}

static int
open_folder(int dir, const char *name, const char *shown)
{
	const char *why;
	int fd = store_open_dir(dir, name, &why);

	if (fd < 0)
		tool_fail(TOOL_SYSTEM, "%s/%s: %s", shown, name, why);
	return fd;
}

/* Makes the folders of a path; returns that of its last component. */
static int
open_parent(int top, const char *path, const char *shown)
{
	int dir = fcntl(top, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	if (dir < 0)
		tool_fail_errno("%s", shown);
	while ((slash = strchr(path, '/')) != NULL) {
		char *name = strndup(path, (size_t)(slash - path));
		int next;

		if (name == NULL)
			tool_fail_errno("memory");
		make_folder(dir, name, shown);
		next = open_folder(dir, name, shown);
		close(dir);
		dir = next;
		free(name);
		path = slash + 1;
	}
	return dir;
}

/* False when the source is no longer what it was when it was verified. */
static bool
copy_file(const struct image_folder *f, const struct manifest_file *file, int to,
    const char *to_name)
{
	int dir = open_parent(to, file->path, to_name), fd;
	const char *slash = strrchr(file->path, '/');
	const char *name = slash == NULL ? file->path : slash + 1;
	unsigned complaints;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		tool_fail_errno("%s/%s", to_name, file->path);
	complaints = folder_check_file(f, file, fd, to_name);
	if (fchmod(fd, 0644) != 0 || close(fd) != 0)
		tool_fail_errno("%s/%s", to_name, file->path);
	close(dir);
	return complaints == 0;
}

static bool
copy_image(const struct image_folder *f, int to, const char *to_name)
{
	for (unsigned i = 0; i < f->m.nfiles; i++)
		if (!copy_file(f, &f->m.files[i], to, to_name))
			return false;
	tool_write_at(to, to_name, "manifest", 0644, f->text, f->len);
	tool_write_at(
	    to, to_name, "manifest.minisig", 0644, f->signature, f->signature_len);
	return true;
}

/* What an aborted copy leaves lies beside, under a name that no image has. */
static void
install(const struct image_folder *f, int store, const char *store_name)
{
	char *version = tool_format("%ju", (uintmax_t)f->m.version);
	char *temporary = tool_format(".installing-%s-%ld", version, (long)getpid());
	char *shown = tool_format("%s/%s", store_name, f->m.name);
	char *to_name = tool_format("%s/%s", shown, temporary);
	int image, to;

	make_folder(store, f->m.name, store_name);
	if (fsync(store) != 0)
		tool_fail_errno("%s", store_name);
	image = open_folder(store, f->m.name, store_name);
	if (faccessat(image, version, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		tool_fail(TOOL_REFUSED, "%s/%s: is installed already", shown, version);
	make_folder(image, temporary, shown);
	to = open_folder(image, temporary, shown);
	if (!copy_image(f, to, to_name))
		tool_fail(TOOL_REFUSED, "%s: changed while it was copied; remove %s",
		    f->name, to_name);
	/* All of it at once: a wait for each of many small files takes minutes. */
	if (syncfs(to) != 0 || renameat(image, temporary, image, version) != 0 ||
	    fsync(image) != 0)
		tool_fail_errno("%s/%s", shown, version);
	printf("%s/%s: installed, %u files\n", shown, version, f->m.nfiles);
	close(to);
	close(image);
	free(version);
	free(temporary);
	free(shown);
	free(to_name);
}

int
image_install(int argc, char **argv)
{
	struct request r;
	struct image_folder f;
	int store;

	parse_options(&r, "kpi", argc, argv);
	if (r.folder == NULL)
		tool_fail(TOOL_USAGE, "install: expected a folder");
	if (open_and_check(&f, &r) != 0)
		return TOOL_REFUSED;
	store = tool_open_dir(r.images);
	install(&f, store, r.images);
	close(store);
	folder_close(&f);
	return TOOL_OK;
}

struct listing {
	const char *shown; /* the folder being listed */
	const char *image; /* NULL at the top */
	int dir;
	unsigned n;
};

static void
list_version(const struct listing *l, const char *version)
{
	char *path = tool_format("%s/manifest", version), expires[WHEN_TEXT_LEN + 1];
	char *text = tool_alloc(MANIFEST_SIZE_MAX);
	struct manifest_file *files = NULL;
	struct manifest m;
	struct text_error error;
	const char *why;
	uint64_t bytes = 0;
	int64_t len = store_read(l->dir, path, text, MANIFEST_SIZE_MAX, NULL, &why);
	unsigned cap = len < 0 ? 0 : manifest_count(text, (size_t)len);

	files = tool_alloc(cap * sizeof *files);
	if (len < 0) {
		printf("%s\t%s\tmanifest %s\n", l->image, version, why);
	} else if (manifest_parse(text, (size_t)len, files, cap, &m, &error) != 0) {
		printf("%s\t%s\tmanifest is malformed at line %u, column %u\n", l->image,
		    version, error.line, error.column);
	} else {
		for (unsigned i = 0; i < m.nfiles; i++)
			bytes += m.files[i].size;
		printf("%s\t%ju\t%s %s\t%u files\t%ju bytes\n", m.name,
		    (uintmax_t)m.version,
		    m.expires > clock_wall_s() ? "expires" : "expired",
		    when_format(m.expires, expires), m.nfiles, (uintmax_t)bytes);
	}
	free(files);
	free(text);
	free(path);
}

static bool
list_entry(void *arg, const char *name)
{
	struct listing *l = arg, below = *l;
	const char *why;

	if (name[0] == '.')
		return true;
	l->n++;
	if (l->image != NULL) {
		list_version(l, name);
		return true;
	}
	below.image = name;
	below.dir = store_open_dir(l->dir, name, &why);
	if (below.dir < 0) {
		tool_complain("%s/%s: %s", l->shown, name, why);
		return true;
	}
	if (store_list(below.dir, list_entry, &below) != 0)
		tool_fail_errno("%s/%s", l->shown, name);
	close(below.dir);
	return true;
}

int
image_list(int argc, char **argv)
{
	struct request r;
	struct listing l = {.n = 0};

	parse_options(&r, "i", argc, argv);
	if (r.folder != NULL)
		tool_fail(TOOL_USAGE, "list: %s: not expected", r.folder);
	l.shown = r.images;
	l.dir = tool_open_dir(r.images);
	if (store_list(l.dir, list_entry, &l) != 0)
		tool_fail_errno("%s", r.images);
	if (l.n == 0)
		printf("%s: no images\n", r.images);
	close(l.dir);
	return TOOL_OK;
}
