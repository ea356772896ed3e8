/*
 * Of the load clients: clock, samples, addresses, the file to compare with. They run as
 * root in a namespace of a benchmark and trust it.
 */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void
load_die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t
load_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
load_samples_init(struct load_samples *s, uint32_t most)
{
	*s = (struct load_samples){.us = malloc(most * sizeof *s->us), .most = most};
	if (s->us == NULL)
		load_die("memory");
}

void
load_sample(struct load_samples *s, uint64_t us)
{
	if (s->n < s->most)
		s->us[s->n++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

uint32_t
load_percentile(struct load_samples *s, unsigned thousandths)
{
	if (s->n == 0)
		return 0;
	qsort(s->us, s->n, sizeof *s->us, by_value);
	return s->us[(uint64_t)(s->n - 1) * thousandths / 1000];
}

struct in_addr
load_address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		errno = EINVAL;
		load_die(text);
	}
	return a;
}

static void
addrs_init(struct load_addrs *a)
{
	a->n = 0;
	a->all = calloc(LOAD_ADDRS_MAX, sizeof *a->all);
	if (a->all == NULL)
		load_die("memory");
}

void
load_addrs_read(struct load_addrs *a, const char *path, unsigned most)
{
	FILE *f = fopen(path, "r");
	char line[128];

	addrs_init(a);
	if (f == NULL)
		load_die(path);
	while (
	    a->n < most && a->n < LOAD_ADDRS_MAX && fgets(line, sizeof line, f) != NULL) {
		char *word;

		line[strcspn(line, "\n")] = '\0';
		word = strrchr(line, ' ');
		a->all[a->n++] = load_address(word == NULL ? line : word + 1).s_addr;
	}
	fclose(f);
	if (a->n == 0)
		load_die("no addresses");
}

void
load_addrs_make(struct load_addrs *a, const char *first, unsigned n)
{
	uint32_t at = ntohl(load_address(first).s_addr);

	addrs_init(a);
	for (; a->n < n && a->n < LOAD_ADDRS_MAX; a->n++)
		a->all[a->n] = htonl(at + a->n);
}

void
load_file_open(struct load_file *f, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) != 0)
		load_die(path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		load_die(path);
	close(fd);
	*f = (struct load_file){map, (uint64_t)st.st_size};
}

bool
load_file_has(const struct load_file *f, uint64_t at, const void *bytes, size_t len)
{
	return at <= f->size && len <= f->size - at &&
	       memcmp(f->bytes + at, bytes, len) == 0;
}

void
load_raise_limits(void)
{
	struct rlimit most = {1u << 17, 1u << 17};

	if (setrlimit(RLIMIT_NOFILE, &most) == 0 || getrlimit(RLIMIT_NOFILE, &most) != 0)
		return;
	most.rlim_cur = most.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &most);
}
