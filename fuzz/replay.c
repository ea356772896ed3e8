/*
 * Runs a fuzz target over files and folders, so that every corpus is part of the tests.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

static unsigned done;

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len, cap = 1 << 20;
	uint8_t *all = malloc(cap), *exact;

	if (f == NULL || all == NULL) {
		perror(path);
		exit(1);
	}
	len = fread(all, 1, cap, f);
	fclose(f);
	/* An allocation of the exact size, so that the sanitizer sees every overrun. */
	exact = malloc(len == 0 ? 1 : len);
	if (exact == NULL)
		exit(1);
	memcpy(exact, all, len);
	free(all);
	(void)fuzz_one(exact, len);
	free(exact);
	done++;
}

static void
run_path(const char *path)
{
	struct stat st;
	struct dirent *e;
	DIR *d;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		exit(1);
	}
	while ((e = readdir(d)) != NULL) {
		char full[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(full, sizeof full, "%s/%s", path, e->d_name);
		run_path(full);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	if (done == 0) {
		fprintf(stderr, "%s: no inputs\n", argv[0]);
		return 1;
	}
	printf("%u inputs\n", done);
	return 0;
}
