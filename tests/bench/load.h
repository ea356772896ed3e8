/*
 * What the load clients share: the clock, samples and their percentiles, the list of the
 * addresses that the clients speak from, and the file whose bytes must arrive.
 */
#ifndef SALLYPORT_BENCH_LOAD_H
#define SALLYPORT_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define LOAD_ADDRS_MAX 65536u
#define LOAD_SAMPLE 16 /* one piece in so many is compared byte by byte */

void load_die(const char *what) __attribute__((noreturn));
uint64_t load_us(void); /* monotonic */

struct load_samples {
	uint32_t *us;
	uint32_t n, most;
};

void load_samples_init(struct load_samples *s, uint32_t most);
void load_sample(struct load_samples *s, uint64_t us);
/* Sorts. In thousandths; 0 when there are none. */
uint32_t load_percentile(struct load_samples *s, unsigned thousandths);

/* The last word of each line is an address. Network order. */
struct load_addrs {
	uint32_t *all;
	unsigned n;
};

void load_addrs_read(struct load_addrs *a, const char *path, unsigned most);
/* n addresses from the first one on. */
void load_addrs_make(struct load_addrs *a, const char *first, unsigned n);

/* What a server should send. */
struct load_file {
	const uint8_t *bytes;
	uint64_t size;
};

void load_file_open(struct load_file *f, const char *path);
bool load_file_has(const struct load_file *f, uint64_t at, const void *bytes, size_t len);

struct in_addr load_address(const char *text);
/* As much as root may have. */
void load_raise_limits(void);

#endif
