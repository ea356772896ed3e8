/*
 * "sallyport-image trust": makes the floor that the verifier keeps, and shows it. Making a
 * new one forgets which versions were served, so it is never done by the server itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/floor.h"
#include "policy/when.h"
#include "src/base/clock.h"
#include "src/tools/tool.h"

static const struct option options[] = {
    {"floor", required_argument, NULL, 'f'},
    {"reset", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static const char *
parse_options(int argc, char **argv, bool *reset)
{
	const char *path = TOOL_FLOOR;
	int option;

	while ((option = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
		if (option == 'f')
			path = optarg;
		else if (option == 'r' && reset != NULL)
			*reset = true;
		else
			tool_fail(
			    TOOL_USAGE, "see sallyport-image trust %s --help", argv[0]);
	}
	if (optind != argc)
		tool_fail(TOOL_USAGE, "trust %s: %s: not expected", argv[0], argv[optind]);
	return path;
}

static int
read_floor(int fd, struct floor *f)
{
	uint8_t *bytes = tool_alloc(FLOOR_SIZE + 1);
	ssize_t n = pread(fd, bytes, FLOOR_SIZE + 1, 0);
	int err = n < 0 ? ERR_ABSENT : floor_load(bytes, (size_t)n, f);

	free(bytes);
	return err;
}

/* In place, so that a server that holds the file open sees it. The second slot stays
 * invalid until the verifier writes it. */
static void
write_floor(int fd, const char *path, struct floor *f)
{
	uint8_t *bytes = tool_alloc(FLOOR_SIZE);

	f->sequence = 2;
	f->time = clock_wall_s();
	floor_encode(f, bytes + floor_offset(f));
	if (ftruncate(fd, FLOOR_SIZE) != 0 ||
	    pwrite(fd, bytes, FLOOR_SIZE, 0) != (ssize_t)FLOOR_SIZE || fsync(fd) != 0)
		tool_fail_errno("%s", path);
	free(bytes);
}

/* Before the server's first start its state folder may be missing. */
static void
make_parent(const char *path)
{
	char *copy = strdup(path), *slash;

	if (copy == NULL)
		tool_fail_errno("memory");
	slash = strrchr(copy, '/');
	if (slash != NULL && slash != copy) {
		*slash = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST)
			tool_fail_errno("%s", copy);
	}
	free(copy);
}

static void
sync_parent(const char *path)
{
	char *copy = strdup(path), *slash;
	int dir;

	if (copy == NULL)
		tool_fail_errno("memory");
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	dir = tool_open_dir(slash == NULL ? "." : copy);
	if (fsync(dir) != 0)
		tool_fail_errno("%s", copy);
	close(dir);
	free(copy);
}

int
image_trust_init(int argc, char **argv)
{
	bool reset = false;
	const char *path = parse_options(argc, argv, &reset);
	struct floor *f = tool_alloc(sizeof *f);
	int fd;

	make_parent(path);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		tool_fail_errno("%s", path);
	if (read_floor(fd, f) == 0 && !reset)
		tool_fail(TOOL_REFUSED,
		    "%s: is a floor already, with %u images; --reset forgets them, and old "
		    "versions can then be served again",
		    path, f->n);
	memset(f, 0, sizeof *f);
	write_floor(fd, path, f);
	sync_parent(path);
	close(fd);
	free(f);
	printf("%s: nothing below what is served from now on will be served again\n", path);
	return TOOL_OK;
}

int
image_trust_show(int argc, char **argv)
{
	const char *path = parse_options(argc, argv, NULL);
	struct floor *f = tool_alloc(sizeof *f);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char when[WHEN_TEXT_LEN + 1];

	if (fd < 0)
		tool_fail_errno("%s", path);
	if (read_floor(fd, f) != 0)
		tool_fail(
		    TOOL_REFUSED, "%s: is not a floor, or damaged in both slots", path);
	printf("time\t%s\n", when_format(f->time, when));
	for (unsigned i = 0; i < f->n; i++)
		printf("%s\t%ju\n", f->images[i].name, (uintmax_t)f->images[i].version);
	close(fd);
	free(f);
	return TOOL_OK;
}
